//! The salt in use and the schedule of future salts.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::{MsgId, Salt};
use mtp_env::{Instant, UnixTime};

use crate::service::FutureSalt;
use crate::session::FUTURE_SALTS_MAX;

/// The salt in use and its successors.
// spec: session 6.2
#[derive(Clone, Debug)]
pub(crate) struct Salts {
    current: Salt,
    /// When the current salt expires, in seconds of server time, if known.
    current_until: Option<u64>,
    /// Future salts, sorted by the start of their validity.
    future: Vec<FutureSalt>,
    asked_at: Option<Instant>,
    /// The `bad_server_salt` that gave the current salt.
    witness: MsgId,
}

impl Salts {
    /// Starts with the salt of the key exchange, or a saved one.
    pub(crate) const fn new(salt: Salt) -> Self {
        Self {
            current: salt,
            current_until: None,
            future: Vec::new(),
            asked_at: None,
            witness: MsgId::from_raw(0),
        }
    }

    /// Returns the salt in use.
    pub(crate) const fn current(&self) -> Salt {
        self.current
    }

    /// Switches to the newest salt that has become valid and returns it.
    ///
    /// If all have expired, the newest is the best guess: the server will correct it.
    pub(crate) fn pick(&mut self, server_time: UnixTime) -> Salt {
        let now = server_time.as_secs();
        let begun = self.future.partition_point(|salt| u64::from(salt.valid_since) <= now);
        if let Some(newest) = self.future.drain(..begun).next_back() {
            self.current = newest.salt;
            self.current_until = Some(u64::from(newest.valid_until));
        }
        self.current
    }

    /// Adopts the salt that `witness`, a `bad_server_salt`, demands.
    ///
    /// When several packets were in flight, several corrections arrive: the youngest wins. One that demands the
    /// current salt is about an earlier packet, so the schedule stays.
    // spec: session 6.1
    pub(crate) fn correct(&mut self, salt: Salt, witness: MsgId) -> bool {
        if witness < self.witness {
            return false;
        }
        self.witness = witness;
        if salt == self.current {
            return false;
        }
        self.current = salt;
        self.future.clear();
        self.current_until = None;
        true
    }

    /// Adopts the salt that `new_session_created` brings; the schedule stays.
    // spec: session 8.10
    pub(crate) fn adopt(&mut self, salt: Salt) -> bool {
        if salt == self.current {
            return false;
        }
        self.current = salt;
        self.current_until = None;
        true
    }

    /// Stores a schedule from the server.
    pub(crate) fn store(&mut self, salts: impl Iterator<Item = FutureSalt>) {
        self.future = salts.take(FUTURE_SALTS_MAX).collect();
        self.future.sort_unstable_by_key(|salt| salt.valid_since);
    }

    /// Returns `true` if it is time to request a schedule.
    pub(crate) fn wants_schedule(&self, now: Instant, server_time: UnixTime) -> bool {
        let due = self.asked_at.is_none_or(|at| now.saturating_since(at) >= ASK_INTERVAL);
        let ends = self
            .current_until
            .is_none_or(|until| until <= server_time.as_secs().saturating_add(ASK_BEFORE_END_S));
        due && (self.future.len() < FUTURE_SALTS_MIN || ends)
    }

    /// Records that a schedule was requested.
    pub(crate) const fn asked(&mut self, now: Instant) {
        self.asked_at = Some(now);
    }

    /// Requests a schedule with the next packet: the last request was refused.
    pub(crate) const fn ask_at_once(&mut self) {
        self.asked_at = None;
    }

    /// Returns the future salts, for saving.
    pub(crate) fn future(&self) -> &[FutureSalt] {
        &self.future
    }
}

/// A schedule is requested while fewer future salts than this remain.
const FUTURE_SALTS_MIN: usize = 2;
/// Minimum interval between requests for a schedule.
const ASK_INTERVAL: Duration = Duration::from_secs(60);
/// Seconds before the end of the current salt at which the client asks for a schedule.
const ASK_BEFORE_END_S: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::salt_vectors::{future_salts, salt_at};
    use crate::vectors;

    // spec: session 6.2
    #[test]
    fn client_switches_to_a_salt_once_it_is_valid() {
        let picks = vectors::whole("salts").entries("client_pick");
        assert_eq!(picks.len(), 8);
        for entry in picks {
            let mut salts = Salts::new(Salt::from_raw(1));
            salts.store(future_salts().into_iter());
            let picked = salts.pick(UnixTime::from_secs(entry.number("t")));
            assert_eq!(picked, salt_at(entry.number("pick_epoch")), "{entry:?}");
        }
    }

    // spec: session 6.1
    #[test]
    fn youngest_correction_wins() {
        let mut salts = Salts::new(Salt::from_raw(1));
        salts.store(future_salts().into_iter());
        assert!(salts.correct(Salt::from_raw(2), MsgId::from_raw(9)));
        assert!(salts.future().is_empty());
        assert!(!salts.correct(Salt::from_raw(3), MsgId::from_raw(5)));
        assert_eq!(salts.current(), Salt::from_raw(2));
    }

    // spec: session 6.1
    #[test]
    fn correction_to_the_current_salt_keeps_the_schedule() {
        let mut salts = Salts::new(Salt::from_raw(1));
        salts.store(future_salts().into_iter());
        let (picked, left) = (salts.pick(UnixTime::from_secs(1_700_000_137)), salts.future().len());
        assert!(left > 0);
        assert!(!salts.correct(picked, MsgId::from_raw(9)));
        assert_eq!(salts.future().len(), left);
    }

    // spec: session 6.2
    #[test]
    fn schedule_is_requested_at_most_once_a_minute() {
        let second = Duration::from_secs(1);
        let (now, time) = (Instant::from_micros(0), UnixTime::from_secs(1_700_000_137));
        let mut salts = Salts::new(Salt::from_raw(1));
        assert!(salts.wants_schedule(now, time));
        salts.asked(now);
        assert!(!salts.wants_schedule(now + 59 * second, time));
        assert!(salts.wants_schedule(now + 60 * second, time));
        salts.store(future_salts().into_iter());
        salts.pick(time);
        assert!(!salts.wants_schedule(now + 60 * second, time));
        // 1699999200 + 3600 - 60
        assert!(salts.wants_schedule(now + 60 * second, UnixTime::from_secs(1_700_002_740)));
        assert!(!salts.wants_schedule(now + 60 * second, UnixTime::from_secs(1_700_002_739)));
    }

    // spec: session 6.2
    #[test]
    fn schedule_is_requested_while_fewer_than_two_future_salts_remain() {
        let (now, time) = (Instant::from_micros(0), UnixTime::from_secs(1_700_000_000));
        let salt = |number: u32| FutureSalt {
            valid_since: 1_700_000_000 + number * 1800,
            valid_until: 1_700_000_000 + number * 1800 + 3600,
            salt: Salt::from_raw(u64::from(number) + 10),
        };
        for (to_come, asks) in [(0, true), (1, true), (2, false), (3, false)] {
            let mut salts = Salts::new(Salt::from_raw(1));
            salts.store((0..=to_come).map(salt));
            assert_eq!(salts.pick(time), Salt::from_raw(10));
            assert_eq!(salts.wants_schedule(now, time), asks, "{to_come}");
        }
    }

    // spec: session 8.10
    #[test]
    fn new_session_brings_a_salt_and_keeps_the_schedule() {
        let mut salts = Salts::new(Salt::from_raw(1));
        salts.store(future_salts().into_iter());
        assert!(!salts.adopt(Salt::from_raw(1)), "nothing changes");
        assert!(salts.adopt(Salt::from_raw(2)));
        assert_eq!((salts.current(), salts.future().len()), (Salt::from_raw(2), 6));
    }

    #[test]
    fn salts_above_the_limit_are_not_kept() {
        let salt = |number| FutureSalt {
            valid_since: number,
            valid_until: number + 1,
            salt: Salt::from_raw(u64::from(number)),
        };
        let max = u32::try_from(FUTURE_SALTS_MAX).unwrap();
        for (stored, kept) in [(max - 1, max - 1), (max, max), (max + 1, max)] {
            let mut salts = Salts::new(Salt::from_raw(1));
            salts.store((0..stored).map(salt));
            assert_eq!(salts.future.len(), usize::try_from(kept).unwrap());
        }
    }
}
