//! A cluster's middle proxies: which one gets the next link.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use mtp_env::{Entropy, Instant};

use super::config::{Families, MiddlePoolConfig};

/// Failures of middle proxies.
#[derive(Debug, Default)]
pub(super) struct Targets {
    failed: BTreeMap<SocketAddr, Failed>,
}

#[derive(Debug)]
struct Failed {
    count: u32,
    retry_at: Instant,
}

/// The middle proxy for the next link, or when there is one.
pub(super) enum Choice {
    Now(SocketAddr),
    Later(Instant),
    Never,
}

impl Targets {
    /// Chooses an address at random among those that have not failed recently and have the fewest links.
    // spec: proxy 1.3
    // spec: proxy 4.4
    pub(super) fn choose(
        &self,
        now: Instant,
        addresses: &[SocketAddr],
        families: Families,
        links: impl Fn(SocketAddr) -> usize,
        entropy: &mut dyn Entropy,
    ) -> Choice {
        let usable = || addresses.iter().filter_map(|&one| Some((families.rank(one)?, one)));
        // A cluster with one address cannot do better than to try it again.
        let wait_max = if usable().count() == 1 { ALONE_BACKOFF_MAX } else { Duration::MAX };
        let retry_at = |address: SocketAddr| self.retry_at(now, address, wait_max);
        let free = || usable().filter(|(_, address)| retry_at(*address) <= now);
        let Some(best) = free().map(|(rank, address)| (rank, links(address))).min() else {
            let next = usable().map(|(_, address)| retry_at(address)).min();
            return next.map_or(Choice::Never, Choice::Later);
        };
        let equal = free().filter(|&(rank, address)| (rank, links(address)) == best);
        let equal: Vec<_> = equal.map(|(_, address)| address).collect();
        let mut draw = [0; 4];
        entropy.fill(&mut draw);
        let index = usize::try_from(u32::from_le_bytes(draw)).unwrap_or(0);
        let index = index.checked_rem(equal.len()).unwrap_or(0);
        equal.get(index).copied().map_or(Choice::Never, Choice::Now)
    }

    fn retry_at(&self, now: Instant, address: SocketAddr, wait_max: Duration) -> Instant {
        let failed = self.failed.get(&address).map(|failed| failed.retry_at);
        failed.map_or(now, |at| at.min(now + wait_max))
    }

    pub(super) fn failed(
        &mut self,
        now: Instant,
        address: SocketAddr,
        config: &MiddlePoolConfig,
        entropy: &mut dyn Entropy,
    ) {
        let failed = self.failed.entry(address).or_insert(Failed { count: 0, retry_at: now });
        let doubled = config.backoff_min.saturating_mul(1 << failed.count.min(16));
        failed.count = failed.count.saturating_add(1);
        let wait = doubled.min(config.backoff_max);
        // 80 to 120 %, so that links lost together are not opened together.
        let mut draw = [0];
        entropy.fill(&mut draw);
        let part = u32::from(draw[0]).saturating_add(4 * 128);
        let wait = wait.saturating_mul(part).checked_div(5 * 128).unwrap_or(wait);
        failed.retry_at = now + wait;
    }

    pub(super) fn worked(&mut self, address: SocketAddr) {
        self.failed.remove(&address);
    }

    /// Forgets addresses that are listed no longer.
    pub(super) fn retain(&mut self, addresses: &[SocketAddr]) {
        self.failed.retain(|address, _| addresses.contains(address));
    }
}

/// Longest back-off of a cluster's only address.
// spec: proxy 4.4
const ALONE_BACKOFF_MAX: Duration = Duration::from_secs(2);
