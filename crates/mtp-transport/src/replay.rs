//! What has been seen before, in bounded memory.
//!
//! Whoever watches a connection can send its first bytes again to find out whether the server is a
//! proxy. A server with secrets therefore remembers the random part of every accepted opening for as
//! long as it would still be accepted, and treats a second one like any other failed opening. Without
//! a secret there is nothing to remember: then everybody can make openings.
//!
//! The store is one for all connections, so it belongs to the driver. A
//! [`Relay`](crate::relay::Relay) asks for it by an event, a [`ServerLink`](crate::ServerLink) by
//! [`replay_key`](crate::ServerLink::replay_key) if it is configured to.

use alloc::collections::{BTreeSet, VecDeque};
use core::fmt;
use core::time::Duration;

use mtp_env::{Instant, Now};

use crate::obfuscation::HEADER_LEN;

/// Sixteen random bytes that stand for one opening of a connection.
///
/// They are the first half of a FakeTLS hello's random, or bytes 8..24 of an obfuscated header.
/// The other bytes need no place: changing them breaks the digest or the tag.
// spec: transport 7.4
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayKey([u8; 16]);

impl ReplayKey {
    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns what stands for an obfuscated header.
    pub(crate) fn of_header(header: &[u8; HEADER_LEN]) -> Self {
        let [_, _, _, _, _, _, _, _, rest @ ..] = header;
        Self(*rest.first_chunk().unwrap_or(&[0; 16]))
    }
}

/// Tells whether an opening was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Seen {
    /// It is new, and remembered from now on.
    Never,
    /// It is a replay.
    Before,
}

/// Remembers openings for a time, at most so many.
///
/// When it is full the oldest entry is forgotten early, and counted: an operator who sees
/// [`ReplayStore::forgotten_early`] grow should raise the capacity. Refusing newcomers instead would
/// let anyone who knows the secret lock out all others.
pub struct ReplayStore {
    keys: BTreeSet<ReplayKey>,
    arrivals: VecDeque<(Instant, ReplayKey)>,
    capacity: usize,
    keep: Duration,
    forgotten_early: u64,
}

impl ReplayStore {
    /// Builds an empty store for at most `capacity` openings, each kept for `keep`.
    ///
    /// `keep` should cover the accepted time window, past and future: see
    /// [`crate::faketls::TimeWindow::span`].
    #[must_use]
    pub const fn new(capacity: usize, keep: Duration) -> Self {
        Self {
            keys: BTreeSet::new(),
            arrivals: VecDeque::new(),
            capacity,
            keep,
            forgotten_early: 0,
        }
    }

    /// Looks an opening up and remembers it if it is new.
    ///
    /// Only openings that proved to know the secret belong here; others would let probes fill it.
    #[must_use]
    pub fn check(&mut self, now: Now, key: ReplayKey) -> Seen {
        self.forget_old(now.mono);
        if self.keys.contains(&key) {
            return Seen::Before;
        }
        if self.arrivals.len() >= self.capacity {
            if let Some((_, oldest)) = self.arrivals.pop_front() {
                self.keys.remove(&oldest);
            }
            self.forgotten_early = self.forgotten_early.saturating_add(1);
        }
        if self.capacity > 0 {
            // Time that steps back must not unsort the queue.
            let latest = self.arrivals.back().map_or(now.mono, |(at, _)| (*at).max(now.mono));
            self.arrivals.push_back((latest, key));
            self.keys.insert(key);
        }
        Seen::Never
    }

    /// Returns the number of openings remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Reports whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Returns how many openings were forgotten before their time because the store was full.
    #[must_use]
    pub const fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((arrival, key)) = self.arrivals.front().copied() {
            if now.saturating_since(arrival) < self.keep {
                return;
            }
            self.arrivals.pop_front();
            self.keys.remove(&key);
        }
    }
}

impl fmt::Debug for ReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayStore({} of {})", self.len(), self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> ReplayKey {
        ReplayKey::new([n; 16])
    }

    fn at(secs: u64) -> Now {
        Now::default().after(Duration::from_secs(secs))
    }

    // spec: transport 7.4
    #[test]
    fn an_opening_is_remembered_for_its_time() {
        let mut store = ReplayStore::new(8, Duration::from_secs(10));
        assert_eq!(store.check(at(0), key(1)), Seen::Never);
        assert_eq!(store.check(at(9), key(1)), Seen::Before);
        assert_eq!(store.check(at(10), key(1)), Seen::Never);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn memory_is_bounded_and_forgetting_counted() {
        let mut store = ReplayStore::new(3, Duration::from_secs(10));
        for n in 0..4 {
            assert_eq!(store.check(at(0), key(n)), Seen::Never);
        }
        assert_eq!((store.len(), store.keys.len(), store.forgotten_early()), (3, 3, 1));
        assert_eq!(store.check(at(0), key(3)), Seen::Before);
        assert_eq!(store.check(at(0), key(0)), Seen::Never);
    }

    #[test]
    fn a_clock_that_steps_back_loses_nothing() {
        let mut store = ReplayStore::new(3, Duration::from_secs(10));
        assert_eq!(store.check(at(20), key(1)), Seen::Never);
        assert_eq!(store.check(at(5), key(2)), Seen::Never);
        assert_eq!(store.check(at(29), key(2)), Seen::Before);
        assert_eq!(store.check(at(30), key(2)), Seen::Never);
    }

    #[test]
    fn without_room_nothing_is_remembered() {
        let mut store = ReplayStore::new(0, Duration::from_secs(10));
        assert_eq!(store.check(at(0), key(1)), Seen::Never);
        assert_eq!(store.check(at(0), key(1)), Seen::Never);
        assert!(store.is_empty());
    }
}
