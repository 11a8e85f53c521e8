//! Keys that exchanges made: where, and which of them never carried a session.

use alloc::collections::{BTreeMap, BTreeSet};

use mtp_crypto::AuthKeyId;
use mtp_env::Instant;

use super::Network;

/// The keys that were made since the start.
#[derive(Debug, Default)]
pub(crate) struct MadeKeys {
    sites: BTreeMap<AuthKeyId, Option<Network>>,
    made_at: BTreeMap<AuthKeyId, Instant>,
    /// Keys without a session so far, oldest first.
    unused: BTreeSet<(Instant, AuthKeyId)>,
    /// The same by network.
    unused_of: BTreeSet<(Network, Instant, AuthKeyId)>,
}

impl MadeKeys {
    pub(crate) fn insert(&mut self, now: Instant, key: AuthKeyId, site: Option<Network>) {
        self.sites.insert(key, site);
        self.made_at.insert(key, now);
        self.unused.insert((now, key));
        if let Some(site) = site {
            self.unused_of.insert((site, now, key));
        }
    }

    /// Notes that a key carried a session.
    pub(crate) fn note_used(&mut self, key: AuthKeyId) {
        let Some(made_at) = self.made_at.remove(&key) else { return };
        self.unused.remove(&(made_at, key));
        if let Some(site) = self.sites.get(&key).copied().flatten() {
            self.unused_of.remove(&(site, made_at, key));
        }
    }

    /// Removes a key and returns the network that made it.
    pub(crate) fn remove(&mut self, key: AuthKeyId) -> Option<Network> {
        self.note_used(key);
        self.sites.remove(&key).flatten()
    }

    /// Returns the oldest unused key.
    pub(crate) fn oldest(&self) -> Option<(Instant, AuthKeyId)> {
        self.unused.first().copied()
    }

    /// Returns the oldest unused key that a network made.
    pub(crate) fn oldest_of(&self, site: Network) -> Option<(Instant, AuthKeyId)> {
        let first = (site, Instant::from_micros(0), AuthKeyId::from_raw(0));
        let last = (site, Instant::from_micros(u64::MAX), AuthKeyId::from_raw(u64::MAX));
        self.unused_of.range(first..=last).next().map(|(_, made_at, key)| (*made_at, *key))
    }
}
