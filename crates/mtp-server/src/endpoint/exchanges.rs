//! Key exchanges: admitted whole, computed in order, what is begun first.

use alloc::collections::{BTreeMap, VecDeque};
use core::net::IpAddr;

use mtp_crypto::AuthKeyId;
use mtp_env::Now;
use mtp_session::exchange::{Arithmetic, HandshakeError};
use mtp_session::link::LinkId;
use mtp_session::server::{ServerWork, ServerWorkDone};
use mtp_transport::code::TransportCode;

use super::Endpoint;
use super::refusals::Refusal;
use crate::counters::add_one;

/// Arithmetic of admitted exchanges that waits for a place to run.
#[derive(Debug)]
pub(super) struct Exchanges {
    /// Where the arithmetic runs.
    arithmetic: Arithmetic,
    /// First steps, with the address that is charged.
    first: VecDeque<(LinkId, IpAddr, ServerWork)>,
    /// Steps of exchanges that have begun. Each of them has passed through `first`, so they are as many
    /// at most as were admitted.
    begun: VecDeque<(LinkId, Option<IpAddr>, ServerWork)>,
    /// The addresses of begun exchanges that are computed now. Their links may close meanwhile.
    computing: BTreeMap<LinkId, Option<IpAddr>>,
    /// The addresses of keys whose event is not taken yet, in the order of the events.
    pub(super) makers: VecDeque<Option<IpAddr>>,
}

impl Exchanges {
    pub(super) const fn new(arithmetic: Arithmetic) -> Self {
        Self {
            arithmetic,
            first: VecDeque::new(),
            begun: VecDeque::new(),
            computing: BTreeMap::new(),
            makers: VecDeque::new(),
        }
    }
}

impl Endpoint {
    /// Returns arithmetic of a key exchange to run elsewhere, if the configuration defers it.
    ///
    /// An exchange is admitted before its first arithmetic. What an address or a network requests too
    /// often, or while too much waits already, is not computed: its link is closed with −429. Exchanges
    /// that have begun come first, so that they complete.
    #[must_use]
    pub fn poll_work(&mut self, now: Now) -> Option<(LinkId, ServerWork)> {
        self.admit_exchanges(now);
        self.next_job(now)
    }

    /// Handles the result of arithmetic.
    ///
    /// # Errors
    /// As [`handle_bytes`](Self::handle_bytes), for the client that caused it.
    pub fn handle_work(
        &mut self,
        now: Now,
        link: LinkId,
        done: ServerWorkDone,
    ) -> Result<(), HandshakeError> {
        let keys = self.hub.server().keys();
        if keys >= self.keys_max {
            self.collect_oldest_key(now);
        }
        let keys = self.hub.server().keys();
        let outcome = self.hub.server_mut().handle_work(now, link, done);
        let maker = self.exchanges.computing.remove(&link).flatten();
        let maker = maker.or_else(|| self.admission.address(link));
        if self.hub.server().keys() > keys {
            self.exchanges.makers.push_back(maker);
        }
        if outcome.is_err() {
            add_one(&mut self.counters.packets_refused.handshake);
        }
        outcome
    }

    /// Takes the machine's arithmetic, as far as the addresses may want it, and runs it unless it is
    /// deferred.
    pub(super) fn admit_exchanges(&mut self, now: Now) {
        while let Some((link, work)) = self.hub.server_mut().poll_work() {
            if !work.is_first() {
                let address = self.admission.address(link);
                self.exchanges.begun.push_back((link, address, work));
            } else if let Some(address) = self.admit_exchange(now, link) {
                add_one(&mut self.counters.exchanges);
                self.exchanges.first.push_back((link, address, work));
            } else {
                add_one(&mut self.counters.exchanges_refused);
                self.refusals.note(Refusal::Exchange, self.admission.address(link));
                self.hub.refuse(now, link, TransportCode::FLOOD);
            }
        }
        if self.exchanges.arithmetic == Arithmetic::Inline {
            while let Some((link, work)) = self.next_job(now) {
                // The machine itself closes the link of a client whose numbers are wrong.
                let _ = self.handle_work(now, link, work.run());
            }
        }
    }

    fn admit_exchange(&mut self, now: Now, link: LinkId) -> Option<IpAddr> {
        let address = self.admission.address(link)?;
        if !self.has_key_room(now, address) {
            return None;
        }
        self.admission.admit_exchange(now, link, self.exchanges.first.len())
    }

    fn next_job(&mut self, now: Now) -> Option<(LinkId, ServerWork)> {
        // Also for links that are gone: the exchange may go on over another.
        // spec: crypto 8.11
        if let Some((link, address, work)) = self.exchanges.begun.pop_front() {
            self.exchanges.computing.insert(link, address);
            add_one(&mut self.counters.exchange_steps);
            return Some((link, work));
        }
        let (link, address, work) = self.exchanges.first.pop_front()?;
        self.admission.exchange_began(now, address);
        add_one(&mut self.counters.exchange_steps);
        Some((link, work))
    }

    // ── keys without a session ──────────────────────────────────────────────────────────────────

    /// Returns `true` if one more key has room, collecting an old unused one if it needs to.
    fn has_key_room(&mut self, now: Now, address: IpAddr) -> bool {
        while !self.admission.allows_key(address) {
            let Some(key) = self.admission.replaceable_key_of(now, address) else { return false };
            self.collect_key(now, key);
        }
        let waiting = self.exchanges.first.len();
        while self.hub.server().keys().saturating_add(waiting) >= self.keys_max {
            if !self.collect_oldest_key(now) {
                return false;
            }
        }
        true
    }

    fn collect_oldest_key(&mut self, now: Now) -> bool {
        let Some(key) = self.admission.replaceable_key(now) else { return false };
        self.collect_key(now, key);
        true
    }

    /// Removes keys that never carried a session in their time.
    pub(super) fn collect_unused_keys(&mut self, now: Now) {
        while let Some(key) = self.admission.poll_unused_key(now) {
            self.collect_key(now, key);
        }
    }

    /// Removes a key, unless it carried a session whose event is not taken yet.
    fn collect_key(&mut self, now: Now, key: AuthKeyId) {
        if self.hub.server().is_key_used(key) || self.clients.user(key).is_some() {
            self.admission.key_used(key);
            return;
        }
        add_one(&mut self.counters.keys_collected);
        // Its event follows; meanwhile it is no candidate again.
        self.admission.key_gone(now, key);
        self.hub.server_mut().remove_key(now, key);
    }
}
