//! The memory of incomplete frames, by those who hold it.

use alloc::collections::{BTreeMap, BTreeSet};

use mtp_session::link::LinkId;

use super::{AdmissionConfig, Network, Standing};

/// What a link holds, and how it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) standing: Standing,
    /// The network of the client, if its address is known.
    pub(crate) site: Option<Network>,
    pub(crate) bytes: usize,
}

/// The holdings of all links.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Unproven links first, and the largest last for each standing.
    all: BTreeSet<(Standing, usize, LinkId)>,
    by_site: BTreeSet<(Network, usize, LinkId)>,
    sites: BTreeMap<Network, usize>,
    bytes: usize,
    /// Bytes of links without proof of a key.
    stranger_bytes: usize,
}

impl Input {
    pub(crate) fn insert(&mut self, link: LinkId, new: Holding) {
        if new.bytes == 0 {
            return;
        }
        self.all.insert((new.standing, new.bytes, link));
        self.bytes = self.bytes.saturating_add(new.bytes);
        if new.standing != Standing::Proven {
            self.stranger_bytes = self.stranger_bytes.saturating_add(new.bytes);
        }
        if let Some(site) = new.site {
            self.by_site.insert((site, new.bytes, link));
            let total = self.sites.entry(site).or_default();
            *total = total.saturating_add(new.bytes);
        }
    }

    pub(crate) fn remove(&mut self, link: LinkId, old: Holding) {
        if !self.all.remove(&(old.standing, old.bytes, link)) {
            return;
        }
        self.bytes = self.bytes.saturating_sub(old.bytes);
        if old.standing != Standing::Proven {
            self.stranger_bytes = self.stranger_bytes.saturating_sub(old.bytes);
        }
        if let Some(site) = old.site {
            self.by_site.remove(&(site, old.bytes, link));
            if let Some(total) = self.sites.get_mut(&site) {
                *total = total.saturating_sub(old.bytes);
                if *total == 0 {
                    self.sites.remove(&site);
                }
            }
        }
    }

    /// Returns the bytes of all links.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the link that has to free memory, if a limit is exceeded, after one of a network changed.
    pub(crate) fn greediest(
        &self,
        config: &AdmissionConfig,
        site: Option<Network>,
    ) -> Option<LinkId> {
        if self.bytes > config.input_bytes_max {
            return self.largest().map(|(_, link)| link);
        }
        if self.stranger_bytes > config.stranger_bytes_max {
            return self.largest_of_strangers().map(|(_, link)| link);
        }
        let site = site.filter(|site| {
            self.sites.get(site).is_some_and(|held| *held > config.input_bytes_per_network_max)
        })?;
        let range = (site, 0, LinkId::new(0))..=(site, usize::MAX, LinkId::new(u64::MAX));
        self.by_site.range(range).next_back().map(|(_, _, link)| *link)
    }

    /// Returns the link that holds the most, unproven links first.
    pub(crate) fn largest(&self) -> Option<(usize, LinkId)> {
        let proven = || self.all.last().map(|(_, held, link)| (*held, *link));
        self.largest_of_strangers().or_else(proven)
    }

    fn largest_of_strangers(&self) -> Option<(usize, LinkId)> {
        let proven = (Standing::Proven, 0, LinkId::new(0));
        self.all.range(..proven).next_back().map(|(_, held, link)| (*held, *link))
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
            && self.by_site.is_empty()
            && self.sites.is_empty()
            && (self.bytes, self.stranger_bytes) == (0, 0)
    }
}
