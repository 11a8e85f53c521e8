//! Links that are left unread, because their network or their key has caused too much work.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

use mtp_env::{Deadline, Instant, Now, Work};
use mtp_session::link::LinkId;

use super::Endpoint;
use super::refusals::Refusal;
use crate::counters::add_one;

/// The links that wait.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    until: BTreeMap<LinkId, Instant>,
    ends: BTreeSet<(Instant, LinkId)>,
    /// Links that may be read again, for [`Endpoint::poll_link`].
    over: VecDeque<LinkId>,
}

impl Pauses {
    pub(super) fn contains(&self, link: LinkId) -> bool {
        self.until.contains_key(&link)
    }

    fn insert(&mut self, link: LinkId, until: Instant) {
        self.remove(link);
        self.until.insert(link, until);
        self.ends.insert((until, link));
    }

    pub(super) fn remove(&mut self, link: LinkId) {
        if let Some(until) = self.until.remove(&link) {
            self.ends.remove(&(until, link));
        }
    }

    /// Ends the pauses whose time is over.
    pub(super) fn handle_timeout(&mut self, now: Now) {
        while let Some((until, link)) = self.ends.first().copied()
            && until <= now.mono
        {
            self.remove(link);
            self.over.push_back(link);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        self.ends.first().map(|(until, _)| Deadline::new(*until, "work of a network or a key"))
    }

    pub(super) fn poll_over(&mut self) -> Option<LinkId> {
        self.over.pop_front()
    }
}

impl Endpoint {
    /// Charges the work that bytes of a link caused. Beyond the budgets of its network and its keys it is left unread.
    pub(super) fn charge_work(&mut self, now: Now, link: LinkId, len: usize, before: Work) {
        let spent = self.hub.server().work().as_u64().saturating_sub(before.as_u64());
        let free = FREE_PER_READ.saturating_add(FREE_PER_BYTE.saturating_mul(len as u64));
        let beyond = Work::new(spent.saturating_sub(free));
        if beyond == Work::ZERO {
            return;
        }
        self.counters.work_beyond = self.counters.work_beyond.saturating_add(beyond.as_u64());
        let address = self.admission.address(link);
        let of_network = self.admission.charge_network(now, address, beyond);
        let keys = self.hub.server().link_keys(link);
        let of_keys = self.admission.charge_keys(now, keys, beyond);
        if let Some(until) = of_network.max(of_keys) {
            add_one(&mut self.counters.links_paused);
            self.refusals.note(Refusal::Paused, address);
            self.pauses.insert(link, until);
        }
    }
}

/// Work of a read that costs nothing of any budget: some small calls.
const FREE_PER_READ: u64 = 1024;
/// The same for each byte. Calls in a container take less than one unit for a byte, files a twentieth.
const FREE_PER_BYTE: u64 = 2;
