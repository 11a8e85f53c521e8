//! Message ids: the generator, and the time window in which an id is accepted.

use mtp_crypto::{MsgId, MsgIdKind};
use mtp_env::{Entropy, UnixTime};

/// Generator of the ids of one session: strictly increasing over all kinds, even if the clock steps back.
// spec: session 3.2
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MsgIdGenerator {
    last: u64,
    /// Flips bits below a millisecond.
    mask: u64,
}

impl MsgIdGenerator {
    pub(crate) const fn new() -> Self {
        Self { last: 0, mask: 0 }
    }

    /// Continues after `last`, the highest id of a saved session.
    pub(crate) const fn after(last: MsgId) -> Self {
        Self { last: last.as_raw(), mask: 0 }
    }

    /// Starts with the bits below a millisecond flipped at random.
    ///
    /// A server may forget a session and create it again. With a coarse clock the new incarnation would
    /// reuse ids of the old one, and clients would discard its messages as duplicates.
    pub(crate) fn scattered(entropy: &mut dyn Entropy) -> Self {
        let mut random = [0; 8];
        entropy.fill(&mut random);
        Self { last: 0, mask: u64::from_le_bytes(random) & SCATTER_MASK & !KIND_MASK }
    }

    /// Returns the id of a message that is written at `time`, in server time.
    pub(crate) fn next(&mut self, time: UnixTime, kind: MsgIdKind) -> MsgId {
        let fresh = msg_id_at(time, kind).as_raw() ^ self.mask;
        // Ids are exhausted in 2106; they wrap.
        let id = if fresh > self.last {
            fresh
        } else {
            (self.last & !KIND_MASK).wrapping_add(4) | kind_bits(kind)
        };
        self.last = id;
        MsgId::from_raw(id)
    }

    /// Returns the last id, zero before the first.
    pub(crate) const fn last(self) -> MsgId {
        MsgId::from_raw(self.last)
    }
}

/// Returns the canonical id of an instant.
///
/// The fraction carries the time below the second: a lower half of zeros would weaken the
/// replay protection.
pub(crate) fn msg_id_at(time: UnixTime, kind: MsgIdKind) -> MsgId {
    MsgId::from_raw(fixed_point(time) & !KIND_MASK | kind_bits(kind))
}

/// The position of an id relative to the window in which it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Inside of the window, boundaries included.
    Valid,
    /// Too old (error 16).
    TooLow,
    /// Too far in the future (error 17).
    TooHigh,
}

/// Compares an id's time with the window around `now`, the server's time.
// spec: session 3.3
pub(crate) fn age(id: MsgId, now: UnixTime, past_s: u32, future_s: u32) -> Age {
    let now = fixed_point(now);
    if id.as_raw() < now.saturating_sub(u64::from(past_s) << 32) {
        Age::TooLow
    } else if id.as_raw() > now.saturating_add(u64::from(future_s) << 32) {
        Age::TooHigh
    } else {
        Age::Valid
    }
}

/// Returns `true` if an id of the other side is refused for its age alone.
pub(crate) fn is_too_old(id: MsgId, now: UnixTime) -> bool {
    age(id, now, VALID_PAST_S, u32::MAX) == Age::TooLow
}

/// Seconds for which an id of the other side is valid.
// spec: session 3.3
pub(crate) const VALID_PAST_S: u32 = 300;
/// Seconds by which an id of the other side may be ahead.
// spec: session 3.3
pub(crate) const VALID_FUTURE_S: u32 = 30;

/// The bits of an id below about a millisecond.
// spec: session 3.2
const SCATTER_MASK: u64 = (1 << 22) - 1;
/// The two bits of an id that hold its kind.
const KIND_MASK: u64 = 3;

/// Seconds in the upper half, fractions in the lower; saturates in 2106.
fn fixed_point(time: UnixTime) -> u64 {
    let secs = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
    u64::from(secs) << 32 | fraction
}

const fn kind_bits(kind: MsgIdKind) -> u64 {
    match kind {
        MsgIdKind::Client => 0,
        MsgIdKind::Answer => 1,
        MsgIdKind::Unassigned => 2,
        MsgIdKind::Notice => 3,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use mtp_crypto::CtrEntropy;

    use super::*;
    use crate::vectors::{self, Entry};

    fn kind(entry: &Entry) -> MsgIdKind {
        match entry.text("kind") {
            "client" => MsgIdKind::Client,
            "server_response" => MsgIdKind::Answer,
            "server_notification" => MsgIdKind::Notice,
            other => panic!("unknown kind {other}"),
        }
    }

    fn time(secs: u64, nanos: u64) -> UnixTime {
        UnixTime::from_nanos(secs * 1_000_000_000 + nanos)
    }

    // spec: session 3.1
    #[test]
    fn id_of_an_instant_matches_the_vectors() {
        let entries = vectors::section("msg_id", 27);
        for entry in &entries {
            let id = msg_id_at(time(entry.number("sec"), entry.number("nanos")), kind(entry));
            assert_eq!(id.as_raw(), entry.number("msg_id"), "{entry:?}");
            assert_eq!(id.as_raw().cast_signed(), entry.signed("msg_id_signed"));
            assert_eq!(id.to_le_bytes().to_vec(), entry.bytes("le_bytes"));
            assert_eq!(id.as_raw() & 3, entry.number("mod4"));
            assert_eq!(id.unix_secs(), entry.number("seconds_back"));
        }
    }

    // spec: session 3.2
    #[test]
    fn ids_increase_strictly_when_the_clock_stands_or_steps_back() {
        for entry in &vectors::section("msg_id_generation", 13) {
            let clock = time(entry.number("clock_sec"), entry.number("clock_nanos"));
            let mut ids = MsgIdGenerator::after(MsgId::from_raw(entry.number("last")));
            assert_eq!(ids.next(clock, kind(entry)).as_raw(), entry.number("result"), "{entry:?}");
            assert_eq!(ids.last().as_raw(), entry.number("result"));
        }
    }

    // spec: session 3.3
    #[test]
    fn ids_outside_of_the_time_window_are_refused() {
        for entry in &vectors::section("server_msg_id_check", 12) {
            let now = time(entry.number("now_sec"), entry.number("now_nanos"));
            let id = MsgId::from_raw(entry.number("msg_id"));
            let code = match (id.kind(), age(id, now, VALID_PAST_S, VALID_FUTURE_S)) {
                (MsgIdKind::Client, Age::Valid) => 0,
                (MsgIdKind::Client, Age::TooLow) => 16,
                (MsgIdKind::Client, Age::TooHigh) => 17,
                _ => 18,
            };
            assert_eq!(code, entry.number("error_code"), "{entry:?}");
        }
    }

    // spec: session 3.2
    #[test]
    fn restarted_server_creates_different_ids_within_a_millisecond() {
        let now = time(1_790_000_000, 123_456_789);
        for kind in [MsgIdKind::Answer, MsgIdKind::Notice] {
            let plain = msg_id_at(now, kind).as_raw();
            let flipped = (0..64).map(|seed| {
                let mut ids = MsgIdGenerator::scattered(&mut CtrEntropy::from_number(seed));
                assert_eq!(ids.last().as_raw(), 0);
                ids.next(now, kind).as_raw() ^ plain
            });
            let flipped: Vec<u64> = flipped.collect();
            let ever = flipped.iter().fold(0, |all, bits| all | bits);
            let always = flipped.iter().fold(u64::MAX, |all, bits| all & bits);
            assert_eq!(ever, SCATTER_MASK & !KIND_MASK, "all bits below a millisecond, no other");
            assert_eq!(always, 0);
        }
    }

    // spec: session 20#15
    #[test]
    fn extreme_ids_and_times_do_not_overflow() {
        for raw in [0, 1, 1 << 63, u64::MAX] {
            for secs in [0, 1 << 31, (1 << 32) - 1, u64::MAX] {
                let now = UnixTime::from_secs(secs);
                let _ = age(MsgId::from_raw(raw), now, VALID_PAST_S, VALID_FUTURE_S);
                let id = MsgIdGenerator::after(MsgId::from_raw(raw)).next(now, MsgIdKind::Client);
                assert_eq!(id.kind(), MsgIdKind::Client);
            }
        }
    }
}
