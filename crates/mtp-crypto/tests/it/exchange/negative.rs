//! Modified packets that the arithmetic must reject, and controls.
//!
//! Mismatched nonces, objects of the wrong type and requests out of order are rejected by the
//! handshake. They pass here and are tested in `mtp-session`.

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{
    DhGenAnswer, DhGroup, DhSecret, NewNonce, NewNonceHash, PrimeCache, RsaSchemes, ServerNonce,
    ShortNumber, TmpAes, factor,
};
use serde_json::Value;

use super::objects::Reader;
use super::rsa::test_key;
use crate::prepared::Prepared;
use crate::vectors::{array, bytes, entries, number, section, text};

#[test]
// spec: crypto 8.8.1
// spec: crypto 8.8.2
// spec: crypto 8.9
// spec: crypto 10.2
// spec: crypto 10.3
fn negative_handshake_vectors() {
    let victim = Victim::new(&entries("auth_key_transcripts", 5)[0]);
    let section = section("handshake_negative");
    let cases = section["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 68);
    let (mut accepted, mut refused, mut for_the_handshake) = (0, 0, 0);
    for case in cases {
        let (name, expect) = (text(case, "name"), text(case, "expect"));
        let passes = victim.passes(case);
        if !passes {
            assert!(!expect.starts_with("accept"), "{name} was refused");
            refused += 1;
        } else if expect.starts_with("accept") {
            accepted += 1;
        } else {
            assert!(FOR_THE_HANDSHAKE.iter().any(|part| name.contains(part)), "{name} passed");
            for_the_handshake += 1;
        }
    }
    assert_eq!((accepted, refused, for_the_handshake), (10, 35, 23));
}

/// Cases that only the handshake can detect, by parts of their names.
const FOR_THE_HANDSHAKE: [&str; 12] = [
    "retry_id",
    "nonce differs",
    "nonce unknown",
    "no known fingerprint",
    "fingerprint not offered",
    "wrong inner constructor",
    "unknown inner constructor",
    "p and q swapped",
    "wrong factors",
    "inner p",
    "dc of the test environment",
    "expires_in 0",
];

/// The state of both parties in the first recorded exchange.
struct Victim {
    tmp_aes: TmpAes,
    new_nonce: NewNonce,
    aux_hash: [u8; 8],
    a: DhSecret,
    b: Vec<u8>,
}

impl Victim {
    fn new(run: &Value) -> Self {
        let new_nonce = NewNonce::new(array(run, "new_nonce"));
        let server_nonce = ServerNonce::new(array(run, "server_nonce"));
        let steps = &run["steps"];
        let a = bytes(&steps[3], "a");
        Self {
            tmp_aes: TmpAes::derive(&new_nonce, &server_nonce),
            new_nonce,
            aux_hash: array(&steps[4], "auth_key_aux_hash"),
            a: DhSecret::generate(&DhGroup::KNOWN, &mut Prepared::new([a])).unwrap(),
            b: bytes(&steps[4], "b"),
        }
    }

    /// Runs the arithmetic of the modified step.
    fn passes(&self, case: &Value) -> bool {
        let body = bytes(case, "body");
        let mut fields = Reader(&body);
        let id = fields.int().cast_unsigned();
        let _nonces: [u8; 32] = fields.bytes();
        match number(case, "replaces_step") {
            1 => ShortNumber::read(fields.string()).is_some_and(|pq| factor(pq).is_ok()),
            2 => Self::req_dh_params_passes(fields),
            3 => self.server_dh_params_pass(fields),
            4 => self.set_client_dh_params_passes(fields),
            5 => self.dh_gen_passes(id, fields.bytes()),
            other => panic!("step {other}"),
        }
    }

    fn req_dh_params_passes(mut fields: Reader<'_>) -> bool {
        let (_p, _q, _fingerprint) = (fields.string(), fields.string(), fields.bytes::<8>());
        let mut entropy = CtrEntropy::from_number(1);
        let opened = test_key().decrypt(fields.string(), RsaSchemes::Current, &mut entropy);
        opened.is_ok()
    }

    fn server_dh_params_pass(&self, mut fields: Reader<'_>) -> bool {
        let Ok(answer) = self.tmp_aes.open(fields.string()) else { return false };
        let mut inner = Reader(&answer.as_bytes()[36..]);
        let (g, prime, g_a) = (inner.int(), inner.string(), inner.string());
        let (mut cache, mut entropy) = (PrimeCache::new(), CtrEntropy::from_number(1));
        let Ok(group) = DhGroup::check(g, prime, &mut cache, &mut entropy) else { return false };
        let b = DhSecret::generate(&group, &mut Prepared::new([self.b.clone()])).unwrap();
        b.shared(g_a).is_ok()
    }

    fn set_client_dh_params_passes(&self, mut fields: Reader<'_>) -> bool {
        let Ok(inner) = self.tmp_aes.open(fields.string()) else { return false };
        let mut inner = Reader(&inner.as_bytes()[36..]);
        let (_retry_id, g_b) = (inner.bytes::<8>(), inner.string());
        self.a.shared(g_b).is_ok()
    }

    fn dh_gen_passes(&self, id: u32, received: [u8; 16]) -> bool {
        let answer = match id {
            0x3bcb_f734 => DhGenAnswer::Ok,
            0x46dc_1fb9 => DhGenAnswer::Retry,
            0xa69d_ae02 => DhGenAnswer::Fail,
            other => panic!("{other:08x}"),
        };
        NewNonceHash::of_dh_gen(&self.new_nonce, answer, self.aux_hash).matches(&received)
    }
}
