//! Links by the time from which others may take their places.

use alloc::collections::BTreeSet;
use core::net::IpAddr;

use mtp_env::{Instant, Now};
use mtp_session::link::LinkId;

use super::Network;

/// The place of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) is_proven: bool,
    /// From then on the link counts as idle.
    pub(crate) idle_at: Instant,
    pub(crate) address: Option<IpAddr>,
}

/// The places of all links: unproven ones first, then by the time from which they are idle.
#[derive(Debug, Default)]
pub(crate) struct Places {
    all: BTreeSet<(bool, Instant, LinkId)>,
    by_network: BTreeSet<(Network, bool, Instant, LinkId)>,
}

impl Places {
    pub(crate) fn insert(&mut self, link: LinkId, place: Place) {
        self.all.insert((place.is_proven, place.idle_at, link));
        for network in place.networks() {
            self.by_network.insert((network, place.is_proven, place.idle_at, link));
        }
    }

    pub(crate) fn remove(&mut self, link: LinkId, place: Place) {
        self.all.remove(&(place.is_proven, place.idle_at, link));
        for network in place.networks() {
            self.by_network.remove(&(network, place.is_proven, place.idle_at, link));
        }
    }

    /// Returns the link without proof of a key that is idle for the longest time.
    pub(crate) fn idle_unproven(&self, now: Now, network: Option<Network>) -> Option<LinkId> {
        let (idle_at, link) = self.first(network, false)?;
        (idle_at <= now.mono).then_some(link)
    }

    /// Returns the link that is idle for the longest time, unproven links first.
    pub(crate) fn idle(&self, now: Now, network: Option<Network>) -> Option<LinkId> {
        let proven = || self.first(network, true).filter(|(idle_at, _)| *idle_at <= now.mono);
        self.idle_unproven(now, network).or_else(|| proven().map(|(_, link)| link))
    }

    /// Returns the link of a network that is or becomes idle first.
    pub(crate) fn next_idle(&self, network: Network) -> Option<LinkId> {
        let unproven = self.first(Some(network), false);
        let proven = self.first(Some(network), true);
        unproven.into_iter().chain(proven).min().map(|(_, link)| link)
    }

    /// Returns the unproven link of a network that is or becomes idle first.
    pub(crate) fn next_idle_unproven(&self, network: Network) -> Option<LinkId> {
        self.first(Some(network), false).map(|(_, link)| link)
    }

    fn first(&self, network: Option<Network>, is_proven: bool) -> Option<(Instant, LinkId)> {
        let first = (Instant::from_micros(0), LinkId::new(0));
        let last = (Instant::from_micros(u64::MAX), LinkId::new(u64::MAX));
        let Some(network) = network else {
            let range = (is_proven, first.0, first.1)..=(is_proven, last.0, last.1);
            return self.all.range(range).next().map(|(_, idle_at, link)| (*idle_at, *link));
        };
        let range = (network, is_proven, first.0, first.1)..=(network, is_proven, last.0, last.1);
        self.by_network.range(range).next().map(|(.., idle_at, link)| (*idle_at, *link))
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.by_network.is_empty()
    }
}

impl Place {
    fn networks(self) -> impl Iterator<Item = Network> {
        let address = self.address;
        address.into_iter().flat_map(|address| [Network::host(address), Network::site(address)])
    }
}
