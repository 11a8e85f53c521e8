//! Calls: both sides against the vectors and against each other.

use crate::prepared::Prepared;
use crate::vectors::{array, bytes, entries, section};
use mtp_crypto::calls::{CallKeyError, Callee, Caller, emoji};
use mtp_crypto::exchange::{DhGroup, DhValueError};
use mtp_crypto::hash::sha256;
use mtp_crypto::{AuthKey, AuthKeyId, CtrEntropy};

#[test]
// spec: crypto 15
fn call_emoji_vectors() {
    let mut tested = 0;
    for entry in entries("call_emoji", 4).iter().filter(|entry| entry.get("key").is_some()) {
        let key = AuthKey::new(array(entry, "key")).unwrap();
        let g_a = array(entry, "g_a");
        let expected: Vec<_> = entry["emoji"]
            .as_array()
            .unwrap()
            .iter()
            .map(|emoji| emoji.as_str().unwrap())
            .collect();
        assert_eq!(emoji(&key, &g_a)[..], expected);
        assert_eq!(sha256(&[&g_a]), array(entry, "g_a_hash"));
        assert_eq!(key.id().to_le_bytes(), array(entry, "key_fingerprint"));
        tested += 1;
    }
    assert_eq!(tested, 3, "the fourth is a hash without a key and has a unit test");
}

/// The first emoji vector is a call with the exponents of the secret chat vector.
#[test]
// spec: crypto 15
fn caller_and_callee_agree_on_key_and_emoji() {
    let entry = &section("secret_chat_dh");
    let secrets = |field| Prepared::new([bytes(entry, field)]);
    let caller = Caller::new(&DhGroup::KNOWN, &mut secrets("a")).unwrap();
    let callee = Callee::new(&DhGroup::KNOWN, caller.g_a_hash(), &mut secrets("b")).unwrap();
    let at_caller = caller.accepted(callee.public()).unwrap();
    assert_eq!(at_caller.g_a, array(entry, "g_a"));
    let at_callee = callee.confirmed(&at_caller.g_a, at_caller.key.id()).unwrap();
    assert_eq!(at_callee.key.as_bytes(), &array(entry, "key"));
    assert_eq!(at_caller.emoji(), at_callee.emoji());
    assert_eq!(at_caller.emoji(), ["☎", "🏡", "🎾", "🐬"]);
}

#[test]
// spec: crypto 15, 17#36
fn wrong_values_commitments_and_fingerprints_are_rejected() {
    let group = &DhGroup::KNOWN;
    let mut entropy = CtrEntropy::from_number(1);
    let caller = Caller::new(group, &mut entropy).unwrap();
    let other = Caller::new(group, &mut entropy).unwrap();
    let g_a_hash = caller.g_a_hash();
    let mut callee = || Callee::new(group, g_a_hash, &mut entropy).unwrap();

    let honest = callee();
    let agreed = caller.accepted(honest.public()).unwrap();
    let wrong = AuthKeyId::from_raw(agreed.key.id().as_raw() ^ 1);
    assert_eq!(honest.confirmed(&agreed.g_a, wrong).unwrap_err(), CallKeyError::Fingerprint);

    // Values other than the committed one, including lengths that the commitment cannot cover.
    let swapped = other.accepted(callee().public()).unwrap();
    for g_a in [&swapped.g_a[..], &agreed.g_a[1..], &[], &[1; 257]] {
        let refused = callee().confirmed(g_a, agreed.key.id()).unwrap_err();
        assert_eq!(refused, CallKeyError::Commitment);
    }
    // A commitment to a value out of range.
    let low = Callee::new(group, sha256(&[&[0; 256]]), &mut CtrEntropy::from_number(2)).unwrap();
    let refused = low.confirmed(&[], agreed.key.id()).unwrap_err();
    assert_eq!(refused, CallKeyError::Value(DhValueError::TooSmall));
    let caller = Caller::new(group, &mut CtrEntropy::from_number(3)).unwrap();
    let refused = caller.accepted(&[0xff; 256]).unwrap_err();
    assert_eq!(refused, CallKeyError::Value(DhValueError::TooLarge));
}
