//! Secret chats: the order of messages and re-keying.

use mtp_crypto::exchange::{DhGroup, DhValueError};
use mtp_crypto::secret_chat::{
    AgreementError, ChatKeys, KEY_AGE_MAX, KEY_USES_MAX, KeyAction, MESSAGES_WAITING_MAX, Received,
    RekeyError, ResendRange, Sequence, SequenceError, WireSeq,
};
use mtp_crypto::{AuthKey, AuthKeyId, CtrEntropy, Side};
use mtp_env::UnixTime;

const fn seq(in_seq_no: i32, out_seq_no: i32) -> WireSeq {
    WireSeq { in_seq_no, out_seq_no }
}

#[test]
// spec: crypto 14.5
fn stamps_follow_the_specification() {
    let (mut originator, mut other) = (Sequence::new(Side::Client), Sequence::new(Side::Server));
    let first = originator.stamp().unwrap();
    assert_eq!(first, seq(0, 1));
    assert_eq!(other.receive(first, ()), Ok(Received::Deliver(())));
    let reply = other.stamp().unwrap();
    assert_eq!(reply, seq(3, 0));
    assert_eq!(originator.receive(reply, ()), Ok(Received::Deliver(())));
    assert_eq!(originator.stamp(), Ok(seq(2, 3)));
    assert_eq!(originator.counters(), (2, 1, 1));
    let mut resumed = Sequence::<()>::resume(Side::Client, 2, 1, 1);
    assert_eq!(resumed.stamp(), Ok(seq(2, 5)));
}

#[test]
// spec: crypto 14.5, 17#33
fn early_messages_wait_and_gaps_are_requested_once() {
    let mut other = Sequence::new(Side::Server);
    let stamp = |raw: i32| seq(0, 2 * raw + 1);
    let hole = |start, end| Received::Waits {
        resend: Some(ResendRange { start_seq_no: 2 * start + 1, end_seq_no: 2 * end + 1 }),
    };
    assert_eq!(other.receive(stamp(0), 0), Ok(Received::Deliver(0)));
    assert_eq!(other.receive(stamp(0), 0), Ok(Received::Duplicate));
    assert_eq!(other.receive(stamp(3), 3), Ok(hole(1, 2)));
    assert_eq!(other.receive(stamp(3), 3), Ok(Received::Duplicate));
    assert_eq!(other.receive(stamp(4), 4), Ok(Received::Waits { resend: None }));
    assert_eq!(other.receive(stamp(6), 6), Ok(hole(5, 5)));
    assert_eq!(other.receive(stamp(2), 2), Ok(Received::Waits { resend: None }));
    assert_eq!(other.next_ready(), Ok(None));
    assert!(other.has_gap());
    assert_eq!(other.receive(stamp(1), 1), Ok(Received::Deliver(1)));
    let ready: Vec<_> = core::iter::from_fn(|| other.next_ready().unwrap()).collect();
    assert_eq!(ready, [2, 3, 4]);
    assert_eq!(other.receive(stamp(5), 5), Ok(Received::Deliver(5)));
    assert_eq!(other.next_ready(), Ok(Some(6)));
    assert!(!other.has_gap());
    assert_eq!(other.receive(stamp(2), 2), Ok(Received::Duplicate));
}

#[test]
// spec: crypto 14.5, 17#32
fn inconsistent_numbers_abort_the_chat() {
    let mut chat = Sequence::new(Side::Server);
    for wrong in [seq(1, 1), seq(0, 0), seq(-2, 1), seq(0, -1), seq(i32::MIN, 1)] {
        assert!(matches!(chat.receive(wrong, ()), Err(SequenceError::Parity { .. })));
    }
    // More messages than were created; then fewer than before.
    let beyond = SequenceError::Acknowledgment { accepted: 1, before: 0, created: 0 };
    assert_eq!(chat.receive(seq(2, 1), ()), Err(beyond));
    chat.stamp().unwrap();
    chat.stamp().unwrap();
    assert_eq!(chat.receive(seq(4, 1), ()), Ok(Received::Deliver(())));
    let fallen = SequenceError::Acknowledgment { accepted: 1, before: 2, created: 2 };
    assert_eq!(chat.receive(seq(2, 3), ()), Err(fallen));
    // A waiting message is checked when it is next in order.
    chat.stamp().unwrap();
    assert!(matches!(chat.receive(seq(4, 5), ()), Ok(Received::Waits { .. })));
    assert_eq!(chat.receive(seq(6, 3), ()), Ok(Received::Deliver(())));
    let fallen = SequenceError::Acknowledgment { accepted: 2, before: 3, created: 3 };
    assert_eq!(chat.next_ready(), Err(fallen));
}

#[test]
fn gaps_above_the_limit_and_exhausted_numbers_are_rejected() {
    let limit = i32::try_from(MESSAGES_WAITING_MAX).unwrap();
    let mut chat = Sequence::new(Side::Server);
    assert!(matches!(chat.receive(seq(0, 2 * limit + 1), ()), Ok(Received::Waits { .. })));
    let beyond = SequenceError::Gap { missing: MESSAGES_WAITING_MAX + 1 };
    assert_eq!(chat.receive(seq(0, 2 * limit + 3), ()), Err(beyond));

    let mut chat = Sequence::<()>::resume(Side::Client, (1 << 30) - 1, 0, 0);
    assert_eq!(chat.stamp(), Ok(seq(0, i32::MAX)));
    assert_eq!(chat.stamp(), Err(SequenceError::Exhausted));
}

#[test]
// spec: crypto 14.5
fn resend_requests_for_messages_never_created_are_rejected() {
    let chat = Sequence::<()>::resume(Side::Client, 2000, 0, 0);
    let ask = |start_seq_no, end_seq_no| chat.resend(ResendRange { start_seq_no, end_seq_no });
    assert_eq!(ask(1, 1), Ok(0..=0));
    assert_eq!(ask(3, 9), Ok(1..=4));
    assert_eq!(ask(1, 1999), Ok(0..=999));
    assert_eq!(ask(2001, 3999), Ok(1000..=1999));
    for (start, end) in [(3, 1), (1, 2001), (3999, 4001), (4001, 4001)] {
        assert!(matches!(ask(start, end), Err(SequenceError::Resend { .. })), "{start} {end}");
    }
    for (start, end) in [(0, 1), (1, 2), (-1, 1)] {
        assert!(matches!(ask(start, end), Err(SequenceError::Parity { .. })), "{start} {end}");
    }
}

const DAY: UnixTime = UnixTime::from_secs(86_400);

fn pair() -> (ChatKeys, ChatKeys, CtrEntropy) {
    let keys = || ChatKeys::new(DhGroup::KNOWN, AuthKey::new([9; 256]).unwrap(), DAY);
    (keys(), keys(), CtrEntropy::from_number(6))
}

#[track_caller]
fn request(keys: &mut ChatKeys, entropy: &mut CtrEntropy) -> (i64, [u8; 256]) {
    match keys.request(entropy).unwrap() {
        KeyAction::Request { exchange_id, g_a } => (exchange_id, g_a),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn accepted(
    keys: &mut ChatKeys,
    (exchange_id, g_a): (i64, [u8; 256]),
    entropy: &mut CtrEntropy,
) -> ([u8; 256], AuthKeyId) {
    match keys.on_request(exchange_id, &g_a, entropy).unwrap() {
        Some(KeyAction::Accept { exchange_id: id, g_b, fingerprint }) => {
            assert_eq!(id, exchange_id);
            (g_b, fingerprint)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
// spec: crypto 14.6
fn both_parties_switch_to_the_new_key() {
    let (mut a, mut b, mut entropy) = pair();
    let first = a.current().id();
    let (id, g_a) = request(&mut a, &mut entropy);
    assert_eq!(a.request(&mut entropy), Err(RekeyError::Unexpected));
    let (g_b, fingerprint) = accepted(&mut b, (id, g_a), &mut entropy);
    assert_eq!(b.current().id(), first, "B sends under the old key until A commits");
    assert!(b.key(fingerprint).is_some(), "the new key decrypts, too");
    let commit = a.on_accept(DAY, id, &g_b, fingerprint).unwrap();
    assert_eq!(commit, KeyAction::Commit { exchange_id: id, fingerprint });
    assert_eq!((a.current().id(), a.old().unwrap().id()), (fingerprint, first));
    assert_eq!(b.on_commit(DAY, id, fingerprint), Ok(KeyAction::Noop));
    assert_eq!(b.current().as_bytes(), a.current().as_bytes());
    assert!(b.key(first).is_some(), "the old key is kept until no message is missing");
    b.forget_old();
    assert!(b.key(first).is_none() && b.old().is_none());
    assert_eq!(b.on_commit(DAY, id, fingerprint), Err(RekeyError::Unexpected));
}

#[test]
// spec: crypto 14.6
fn message_under_the_new_key_may_arrive_before_the_commitment() {
    let (mut a, mut b, mut entropy) = pair();
    let (id, g_a) = request(&mut a, &mut entropy);
    let (g_b, fingerprint) = accepted(&mut b, (id, g_a), &mut entropy);
    let _commit = a.on_accept(DAY, id, &g_b, fingerprint).unwrap();
    b.note_received(DAY, fingerprint);
    assert_eq!(b.current().id(), fingerprint);
    let wrong = AuthKeyId::from_raw(1);
    assert_eq!(b.on_commit(DAY, id, wrong), Err(RekeyError::Unexpected));
    assert_eq!(b.on_commit(DAY, id, fingerprint), Ok(KeyAction::Noop));
}

#[test]
// spec: crypto 14.6
fn of_two_concurrent_requests_the_larger_id_wins() {
    let (mut a, mut b, mut entropy) = pair();
    let (of_a, of_b) = (request(&mut a, &mut entropy), request(&mut b, &mut entropy));
    let (low, high, winner, loser) =
        if of_a.0 < of_b.0 { (of_a, of_b, &mut b, &mut a) } else { (of_b, of_a, &mut a, &mut b) };
    assert_eq!(winner.on_request(low.0, &low.1, &mut entropy), Ok(None));
    let (g_b, fingerprint) = accepted(loser, high, &mut entropy);
    let _commit = winner.on_accept(DAY, high.0, &g_b, fingerprint).unwrap();
    assert_eq!(loser.on_commit(DAY, high.0, fingerprint), Ok(KeyAction::Noop));

    // With equal ids, both requests are dropped.
    let (id, g_a) = request(loser, &mut entropy);
    assert_eq!(loser.on_request(id, &g_a, &mut entropy), Ok(None));
    assert_eq!(
        loser.on_accept(DAY, id, &g_a, fingerprint),
        Err(RekeyError::Unexpected),
        "nothing is left of it"
    );
    request(loser, &mut entropy);
}

#[test]
// spec: crypto 14.6
fn failed_exchanges_leave_the_current_key() {
    let (mut a, mut b, mut entropy) = pair();
    let low = RekeyError::Agreement(AgreementError::Value(DhValueError::TooSmall));
    assert_eq!(b.on_request(1, &[1], &mut entropy), Err(low));
    let (id, g_a) = request(&mut a, &mut entropy);
    let (g_b, fingerprint) = accepted(&mut b, (id, g_a), &mut entropy);
    assert_eq!(b.on_request(id + 1, &g_a, &mut entropy), Err(RekeyError::Unexpected));
    assert_eq!(a.on_accept(DAY, id + 1, &g_b, fingerprint), Err(RekeyError::Unexpected));
    let wrong = AuthKeyId::from_raw(fingerprint.as_raw() ^ 1);
    let refused = RekeyError::Agreement(AgreementError::Fingerprint);
    assert_eq!(a.on_accept(DAY, id, &g_b, wrong), Err(refused));
    // A aborts, and B discards the key; aborts of unknown exchanges are ignored.
    b.on_abort(id + 1);
    assert!(b.key(fingerprint).is_some());
    b.on_abort(id);
    assert!(b.key(fingerprint).is_none());
    assert_eq!(b.on_commit(DAY, id, fingerprint), Err(RekeyError::Unexpected));
    let (id, _) = request(&mut a, &mut entropy);
    a.on_abort(id);
    request(&mut a, &mut entropy);
}

#[test]
// spec: crypto 14.6
fn key_is_due_for_replacement_after_many_messages_or_a_week() {
    let (mut keys, ..) = pair();
    let id = keys.current().id();
    let later = |nanos: u128| {
        UnixTime::from_nanos(
            DAY.as_nanos() + u64::try_from(KEY_AGE_MAX.as_nanos() + nanos).unwrap(),
        )
    };
    assert!(!keys.wants_new_key(later(1)), "never used");
    keys.note_sent();
    assert!(!keys.wants_new_key(later(0)));
    assert!(keys.wants_new_key(later(1)));
    for _ in 1..KEY_USES_MAX {
        keys.note_received(DAY, id);
    }
    assert!(!keys.wants_new_key(DAY));
    keys.note_sent();
    assert!(keys.wants_new_key(DAY));
    request(&mut keys, &mut CtrEntropy::from_number(1));
    assert!(!keys.wants_new_key(DAY), "an exchange is in progress");
}
