//! What addresses and networks use of their budgets.

use alloc::collections::{BTreeMap, BTreeSet};

use mtp_env::{Instant, Now};

use super::Network;
use crate::flood::TokenBucket;

/// What one address or one network uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) links: usize,
    pub(crate) unproven: usize,
    /// Key exchanges whose first arithmetic waits.
    pub(crate) waiting: usize,
    /// Keys made here that still exist.
    pub(crate) keys: usize,
    pub(crate) connects: TokenBucket,
    pub(crate) exchanges: TokenBucket,
    /// When it was used last, as it stands among the idle ones.
    idle_since: Option<Instant>,
}

/// The accounts of all hosts and sites. Those in use are bounded by links and keys, the others here.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    by_network: BTreeMap<Network, Account>,
    /// The accounts that nothing uses, the longest unused first.
    idle: BTreeSet<(Instant, Network)>,
    /// Sites with links, the one with the most last.
    greed: BTreeSet<(usize, Network)>,
}

impl Accounts {
    pub(crate) fn get(&self, network: Network) -> Account {
        self.by_network.get(&network).copied().unwrap_or_default()
    }

    /// Changes an account, creating it if there is none. At most `max` unused ones are remembered.
    pub(crate) fn change<T>(
        &mut self,
        now: Now,
        network: Network,
        max: usize,
        change: impl FnOnce(&mut Account) -> T,
    ) -> T {
        let account = self.by_network.entry(network).or_default();
        let before = account.links;
        if let Some(since) = account.idle_since.take() {
            self.idle.remove(&(since, network));
        }
        let changed = change(account);
        let after = account.links;
        if account.links == 0 && account.keys == 0 && account.waiting == 0 {
            account.idle_since = Some(now.mono);
            self.idle.insert((now.mono, network));
        }
        if before != after && network == Network::site(network.first()) {
            self.greed.remove(&(before, network));
            if after > 0 {
                self.greed.insert((after, network));
            }
        }
        while self.idle.len() > max {
            let Some((_, oldest)) = self.idle.pop_first() else { break };
            self.by_network.remove(&oldest);
        }
        changed
    }

    /// Returns the site with the most links, and their number.
    pub(crate) fn greediest(&self) -> Option<(usize, Network)> {
        self.greed.last().copied()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_network.len()
    }
}
