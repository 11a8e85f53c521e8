//! Key exchanges by their nonces, so that they go on over other links.

use alloc::boxed::Box;
use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use mtp_env::Instant;

use super::ServerMachine;
use super::handshake::{Name, ServerHandshake, Taken, continues};
use crate::exchange::fork;
use crate::link::{LinkId, NetworkId};

/// All exchanges in progress.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    by_name: BTreeMap<Name, Exchange>,
    /// The same, oldest first.
    by_age: BTreeSet<(Instant, Name)>,
    /// Exchanges of links that are gone.
    orphans: BTreeMap<LinkId, Box<ServerHandshake>>,
    /// Number of exchanges that another link waits for.
    wanted: usize,
}

/// One exchange.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    since: Instant,
    network: NetworkId,
    /// Link that holds its state, up or gone.
    link: LinkId,
    /// Link that repeated the query whose answer is pending.
    wanted_by: Option<LinkId>,
}

impl Exchanges {
    pub(super) fn orphan(&mut self, link: LinkId) -> Option<&mut ServerHandshake> {
        self.orphans.get_mut(&link).map(|handshake| &mut **handshake)
    }

    /// Keeps the exchanges of a link that is gone.
    pub(super) fn keep(&mut self, link: LinkId, handshake: Option<Box<ServerHandshake>>) {
        if let Some(handshake) = handshake.filter(|handshake| handshake.has_runs()) {
            self.orphans.insert(link, handshake);
        }
    }

    /// Forgets a gone link without exchanges.
    pub(super) fn tidy(&mut self, link: LinkId) {
        if self.orphans.get(&link).is_some_and(|handshake| !handshake.has_runs()) {
            self.orphans.remove(&link);
        }
    }

    fn remove(&mut self, name: Name) -> Option<Exchange> {
        let exchange = self.by_name.remove(&name)?;
        self.by_age.remove(&(exchange.since, name));
        self.wanted = self.wanted.saturating_sub(usize::from(exchange.wanted_by.is_some()));
        Some(exchange)
    }
}

impl ServerMachine {
    /// Moves the exchange that a packet continues to the packet's link. Returns `false` if its answer is pending.
    // spec: crypto 8.11
    pub(super) fn fetch_exchange(&mut self, link: LinkId, packet: &[u8]) -> bool {
        let Some(name) = continues(packet) else { return true };
        let network = self.links.get(&link).map(|found| found.network);
        let Some(exchange) = self.exchanges.by_name.get_mut(&name) else { return true };
        if Some(exchange.network) != network || exchange.link == link {
            return true;
        }
        let from = exchange.link;
        match self.handshake(from).map_or(Taken::Gone, |runs| runs.take_run(name)) {
            Taken::Run(run) => {
                self.move_exchange(name, link);
                self.handshake_of(link, |runs| runs.adopt(*run));
                self.exchanges.tidy(from);
                true
            }
            Taken::Pending => {
                let Some(exchange) = self.exchanges.by_name.get_mut(&name) else { return true };
                if exchange.wanted_by.replace(link).is_none() {
                    self.exchanges.wanted = self.exchanges.wanted.saturating_add(1);
                }
                false
            }
            Taken::Gone => {
                self.exchanges.remove(name);
                true
            }
        }
    }

    /// Remembers the exchanges that were started on a link, and forgets those that are over or too many.
    pub(super) fn note_exchanges(&mut self, link: LinkId) {
        let Some(found) = self.links.get(&link) else { return };
        let (network, since) = (found.network, self.now.mono);
        let names: Vec<Name> =
            found.handshake.iter().flat_map(|handshake| handshake.names()).collect();
        for name in names {
            let Entry::Vacant(place) = self.exchanges.by_name.entry(name) else { continue };
            place.insert(Exchange { since, network, link, wanted_by: None });
            self.exchanges.by_age.insert((since, name));
        }
        let lifetime = self.config.handshake.lifetime;
        while let Some((since, name)) = self.exchanges.by_age.first().copied()
            && (since + lifetime <= self.now.mono
                || self.exchanges.by_name.len() > self.config.exchanges_max.max(1))
        {
            // On a link that is up, the limits of the link apply.
            if let Some(Exchange { link, .. }) = self.exchanges.remove(name)
                && let Some(orphan) = self.exchanges.orphan(link)
            {
                orphan.drop_run(name);
                self.exchanges.tidy(link);
            }
        }
    }

    /// Moves exchanges whose answer is there to the links that wait for it.
    pub(super) fn deliver_exchanges(&mut self, link: LinkId) {
        if self.exchanges.wanted == 0 {
            return;
        }
        let names: Vec<Name> =
            self.handshake(link).map(|runs| runs.names().collect()).unwrap_or_default();
        for name in names {
            let wanted = self.exchanges.by_name.get(&name).and_then(|exchange| exchange.wanted_by);
            let Some(to) = wanted.filter(|to| self.links.contains_key(to)) else { continue };
            if let Some(Taken::Run(run)) = self.handshake(link).map(|runs| runs.take_run(name)) {
                self.move_exchange(name, to);
                self.handshake_of(to, |runs| {
                    runs.adopt(*run);
                    runs.repeat(name);
                });
                self.wake(to);
            }
        }
    }

    fn move_exchange(&mut self, name: Name, link: LinkId) {
        if let Some(exchange) = self.exchanges.by_name.get_mut(&name) {
            exchange.link = link;
            let was_wanted = exchange.wanted_by.take().is_some();
            self.exchanges.wanted = self.exchanges.wanted.saturating_sub(usize::from(was_wanted));
        }
    }

    /// Applies `work` to the handshake of a link, which is created if there is none.
    pub(super) fn handshake_of<T>(
        &mut self,
        link: LinkId,
        work: impl FnOnce(&mut ServerHandshake) -> T,
    ) -> Option<T> {
        let (config, entropy) = (&self.handshake_config, &mut self.entropy);
        let found = self.links.get_mut(&link)?;
        let handshake = found.handshake.get_or_insert_with(|| {
            Box::new(ServerHandshake::new(config.clone(), Box::new(fork(entropy))))
        });
        Some(work(handshake))
    }
}
