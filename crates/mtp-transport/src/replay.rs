//! Replay protection for openings, in bounded memory.
//!
//! An observer can replay the first bytes of a connection to probe whether the server is a proxy. A
//! server with secrets therefore remembers the random part of each accepted opening for as long as
//! the opening stays valid, and treats a second one like any other failed opening. Without a secret
//! there is nothing to protect: every client can generate valid openings.
//!
//! One store serves all connections and belongs to the driver. A [`Relay`](crate::relay::Relay)
//! requests a look-up with an event, a [`ServerLink`](crate::link::ServerLink) with
//! [`replay_key`](crate::link::ServerLink::replay_key) if configured to.

use alloc::collections::{BTreeSet, VecDeque};
use core::fmt;
use core::time::Duration;

use mtp_env::{Instant, Now};

use crate::obfuscation::HEADER_LEN;

/// Sixteen random bytes that identify one opening of a connection.
///
/// The first half of the random in a FakeTLS hello, or bytes 8..24 of an obfuscated header. The other
/// bytes are not needed: changing them invalidates the digest or the tag.
// spec: transport 7.4
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayKey([u8; 16]);

impl ReplayKey {
    /// Wraps the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the key of an obfuscated header.
    pub(crate) fn of_header(header: &[u8; HEADER_LEN]) -> Self {
        let [_, _, _, _, _, _, _, _, rest @ ..] = header;
        Self(*rest.first_chunk().unwrap_or(&[0; 16]))
    }
}

/// Result of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third result")]
pub enum Seen {
    /// The opening is new and is now remembered.
    Never,
    /// The opening is a replay.
    Before,
}

/// Store of recent openings, limited in time and number.
///
/// A full store evicts its oldest entry early and counts it: if [`ReplayStore::forgotten_early`]
/// grows, the capacity should be raised. Rejecting new openings instead would let any client with the
/// secret lock out the others.
pub struct ReplayStore {
    keys: BTreeSet<ReplayKey>,
    arrivals: VecDeque<(Instant, ReplayKey)>,
    capacity: usize,
    keep: Duration,
    forgotten_early: u64,
}

impl ReplayStore {
    /// Returns an empty store for at most `capacity` openings, each kept for `keep`.
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

    /// Looks up an opening and remembers it if it is new.
    ///
    /// Only for openings that prove knowledge of the secret. Otherwise probes could fill the store.
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
            // The queue must stay sorted when the clock steps back.
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

    /// Returns `true` if the store is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Returns the number of openings evicted early because the store was full.
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
    fn opening_is_a_replay_until_it_expires() {
        let mut store = ReplayStore::new(8, Duration::from_secs(10));
        assert_eq!(store.check(at(0), key(1)), Seen::Never);
        assert_eq!(store.check(at(9), key(1)), Seen::Before);
        assert_eq!(store.check(at(10), key(1)), Seen::Never);
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn full_store_evicts_the_oldest_opening_and_counts_it() {
        let mut store = ReplayStore::new(3, Duration::from_secs(10));
        for n in 0..4 {
            assert_eq!(store.check(at(0), key(n)), Seen::Never);
        }
        assert_eq!((store.len(), store.keys.len(), store.forgotten_early()), (3, 3, 1));
        assert_eq!(store.check(at(0), key(3)), Seen::Before);
        assert_eq!(store.check(at(0), key(0)), Seen::Never);
    }

    #[test]
    fn clock_step_back_keeps_entries_for_their_full_time() {
        let mut store = ReplayStore::new(3, Duration::from_secs(10));
        assert_eq!(store.check(at(20), key(1)), Seen::Never);
        assert_eq!(store.check(at(5), key(2)), Seen::Never);
        assert_eq!(store.check(at(29), key(2)), Seen::Before);
        assert_eq!(store.check(at(30), key(2)), Seen::Never);
    }

    #[test]
    fn store_without_capacity_remembers_nothing() {
        let mut store = ReplayStore::new(0, Duration::from_secs(10));
        assert_eq!(store.check(at(0), key(1)), Seen::Never);
        assert_eq!(store.check(at(0), key(1)), Seen::Never);
        assert!(store.is_empty());
    }
}
