//! Links, admission, sessions and calls of a server together.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use mtp_crypto::{AuthKeyId, CtrEntropy};
use mtp_env::{Deadline, Entropy, Now};
use mtp_proto::ConnectionError;
use mtp_session::established::Established;
use mtp_session::exchange::Arithmetic;
use mtp_session::link::LinkId;
use mtp_session::server::ServerMachine;
use mtp_transport::code::TransportCode;
use mtp_transport::link::{ServerLink, ServerLinkConfig};

mod calls;
mod clients;
mod config;
mod event;
mod exchanges;
mod memory;
mod pauses;
mod refusals;

pub use calls::UnknownKey;
pub use config::EndpointConfig;
pub use event::{CallToken, EndpointEvent, IncomingCall, UserId};
pub use refusals::Refusals;

use crate::admission::{Admission, Network, Refused, Standing, Ticket};
use crate::counters::{Counters, add, add_one};
use crate::hub::Hub;
use clients::Clients;
use exchanges::Exchanges;
use pauses::Pauses;
use refusals::{Refusal, RefusalLog};

/// A server for many clients: links in, calls out as values, answers and pushes in.
///
/// After every verb but the polls: drain [`poll_event`](Self::poll_event), then
/// [`poll_transmit`](Self::poll_transmit) of every link that [`poll_link`](Self::poll_link) returns
/// and whose socket can write. An idle poll costs the same however many links there are.
pub struct Endpoint {
    hub: Hub,
    admission: Admission,
    link: ServerLinkConfig,
    exchanges: Exchanges,
    /// Keys in all, from the machine's configuration.
    keys_max: usize,
    /// Bytes that clients can make the endpoint hold.
    memory_max: usize,
    /// Memory is needed by those who can free some: others are not read.
    is_tight: bool,
    /// Links that were not read for that reason, and are now.
    roused: Vec<LinkId>,
    refusals: RefusalLog,
    pauses: Pauses,
    refusals_every: Duration,
    /// The latest time passed to any verb.
    now: Now,
    counters: Counters,
    clients: Clients,
    entropy: Box<dyn Entropy + Send>,
}

impl Endpoint {
    /// Creates an endpoint without keys and links.
    #[must_use]
    pub fn new(config: EndpointConfig, mut entropy: Box<dyn Entropy + Send>) -> Self {
        let mut server = config.server;
        // All arithmetic passes the admission, which charges it to an address.
        let arithmetic = core::mem::replace(&mut server.handshake.arithmetic, Arithmetic::Deferred);
        let keys_max = server.keys_max;
        let server = ServerMachine::new(server, Box::new(fork(&mut entropy)));
        Self {
            hub: Hub::new(server),
            admission: Admission::new(&config.admission),
            link: config.link,
            exchanges: Exchanges::new(arithmetic),
            keys_max,
            memory_max: config.memory_max,
            is_tight: false,
            roused: Vec::new(),
            refusals: RefusalLog::default(),
            pauses: Pauses::default(),
            refusals_every: config.refusals_every,
            now: Now::default(),
            counters: Counters::default(),
            clients: Clients::new(config.layers_max),
            entropy,
        }
    }

    // ── keys ───────────────────────────────────────────────────────────────────────────────────

    /// Adds a key from storage, with the permanent key that a temporary one is bound to.
    ///
    /// Insert permanent keys first. Returns `true` if the key is known now: not if it has expired.
    pub fn insert_key(&mut self, now: Now, key: &Established, bound_to: Option<AuthKeyId>) -> bool {
        let is_known = self.hub.server_mut().insert_key(now, key, bound_to);
        let id = key.key.id();
        if let Some(permanent) = bound_to.filter(|_| is_known)
            && self.hub.server().identity(id) == Some(permanent)
        {
            self.clients.bind(id, permanent);
        }
        is_known
    }

    /// Forgets a key and closes its sessions; [`EndpointEvent::KeyDestroyed`] follows.
    pub fn remove_key(&mut self, now: Now, key: AuthKeyId) {
        self.hub.server_mut().remove_key(now, key);
    }

    // ── links ──────────────────────────────────────────────────────────────────────────────────

    /// Adds a socket that was accepted from an address, and returns its link's name.
    ///
    /// The address is the client's: behind a proxy it comes from the PROXY protocol, which the driver
    /// parses; see [`accept_proxied`](Self::accept_proxied). The new link may displace an idle one.
    ///
    /// # Errors
    /// [`Refused`]: close the socket.
    pub fn accept(&mut self, now: Now, address: IpAddr) -> Result<LinkId, Refused> {
        self.accept_at(now, Some(address))
    }

    /// Adds a socket that a trusted proxy opened, whose client's address arrives with its first bytes.
    ///
    /// It counts in all, but for no address and no network until [`set_address`](Self::set_address), and
    /// no key exchange is admitted on it before.
    ///
    /// # Errors
    /// [`Refused`]: close the socket.
    pub fn accept_proxied(&mut self, now: Now) -> Result<LinkId, Refused> {
        self.accept_at(now, None)
    }

    /// Sets the address of the client behind a link from [`accept_proxied`](Self::accept_proxied), before
    /// its bytes are handled. A link that has an address keeps it.
    ///
    /// # Errors
    /// [`Refused`]: the link is closed, as [`poll_link`](Self::poll_link) reports.
    pub fn set_address(&mut self, now: Now, link: LinkId, address: IpAddr) -> Result<(), Refused> {
        self.advance(now);
        match self.admission.set_address(now, link, address) {
            Ok(displaced) => {
                self.bind_exchanges(link, self.admission.address(link));
                self.displace(now, displaced);
                Ok(())
            }
            Err(why) => {
                self.note_refused(why, Some(address));
                self.cut(now, link);
                Err(why)
            }
        }
    }

    /// Returns the address of a link's client, if it is known and the link is open.
    #[must_use]
    pub fn address(&self, link: LinkId) -> Option<IpAddr> {
        self.admission.address(link)
    }

    fn accept_at(&mut self, now: Now, address: Option<IpAddr>) -> Result<LinkId, Refused> {
        self.advance(now);
        let ticket = if self.is_memory_short() {
            Err(Refused::NoMemory)
        } else {
            self.admission.judge(now, address)
        };
        let Ticket { standing, displaced } = match ticket {
            Ok(ticket) => ticket,
            Err(why) => {
                self.note_refused(why, address);
                return Err(why);
            }
        };
        self.displace(now, displaced);
        add_one(&mut self.counters.links);
        let link = ServerLink::new(now, self.link.clone(), Box::new(fork(&mut self.entropy)));
        let link = self.hub.accept(now, link);
        self.bind_exchanges(link, address);
        self.admission.enter(now, address, standing, link);
        Ok(link)
    }

    /// Binds the key exchanges that are started on a link to the network of its client.
    fn bind_exchanges(&mut self, link: LinkId, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.hub.set_network(link, Network::id_of_site(address));
        }
    }

    fn note_refused(&mut self, why: Refused, address: Option<IpAddr>) {
        self.counters.refused.note(why);
        self.refusals.note(Refusal::Connection(why), address);
    }

    /// Closes a link to make room for another.
    fn displace(&mut self, now: Now, displaced: Option<LinkId>) {
        let Some(link) = displaced else { return };
        add_one(&mut self.counters.cut.displaced);
        self.refusals.note(Refusal::Displaced, self.admission.address(link));
        self.cut(now, link);
    }

    /// Handles received bytes of a link, cut anywhere.
    ///
    /// # Errors
    /// [`ConnectionError`]: the client broke the protocol. Its link is closed once its output is
    /// drained.
    pub fn handle_bytes(
        &mut self,
        now: Now,
        link: LinkId,
        bytes: &[u8],
    ) -> Result<(), ConnectionError> {
        self.advance(now);
        add(&mut self.counters.bytes_in, bytes.len());
        let before = self.hub.server().work();
        let outcome = self.hub.handle_bytes(now, link, bytes);
        self.charge_work(now, link, bytes.len(), before);
        self.settle(now, link);
        self.note_outcome(outcome)
    }

    /// Handles the end of a link's input.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if it came in the middle of a frame or a handshake.
    pub fn handle_eof(&mut self, now: Now, link: LinkId) -> Result<(), ConnectionError> {
        let outcome = self.hub.handle_eof(now, link);
        self.settle(now, link);
        self.note_outcome(outcome)
    }

    /// Appends a link's output; returns `true` if there was any.
    ///
    /// Less than [`TRANSMIT_LEN`](mtp_proto::TRANSMIT_LEN) bytes are all there is for now. Over HTTP it
    /// also goes on to the request behind the one that was answered: poll for events again.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let wrote = self.hub.poll_transmit(now, link, out);
        add(&mut self.counters.bytes_out, out.len().saturating_sub(before));
        self.admit_exchanges(now);
        self.watch_memory();
        wrote
    }

    /// Returns a link that may have output or is to be closed, each once for each cause.
    #[must_use]
    pub fn poll_link(&mut self) -> Option<LinkId> {
        self.pauses.poll_over().or_else(|| self.hub.poll_link()).or_else(|| {
            let admission = &self.admission;
            let roused = self.roused.iter().rposition(|link| admission.standing(*link).is_some());
            self.roused.truncate(roused.map_or(0, |last| last.saturating_add(1)));
            self.roused.pop()
        })
    }

    /// Returns `true` if a link's socket is to be closed: everything is written.
    #[must_use]
    pub fn is_closed(&self, link: LinkId) -> bool {
        self.hub.is_closed(link)
    }

    /// Returns `true` if a link has ended; output may still have to be written.
    #[must_use]
    pub fn is_ending(&self, link: LinkId) -> bool {
        self.hub.is_ending(link)
    }

    /// Returns `true` if more should be read from a link: its sessions keep up, there is memory, and neither its
    /// network nor its key has caused [too much work](crate::AdmissionConfig::work_per_network).
    ///
    /// [`poll_link`](Self::poll_link) returns the link when it may be read again.
    // spec: session 11.7
    #[must_use]
    pub fn wants_bytes(&self, link: LinkId) -> bool {
        self.hub.server().wants_packets(link)
            && !self.pauses.contains(link)
            && !(self.is_tight && self.has_to_wait(link))
    }

    /// Removes a link whose socket is closed.
    pub fn remove(&mut self, now: Now, link: LinkId) {
        self.hub.remove(now, link);
        self.pauses.remove(link);
        self.admission.leave(now, link);
        self.watch_memory();
    }

    /// Ends a link at once; its socket is to be closed.
    pub fn close(&mut self, now: Now, link: LinkId) {
        self.cut(now, link);
    }

    /// Returns the keys of the sessions that a link carries, a key for each session.
    pub fn link_keys(&self, link: LinkId) -> impl Iterator<Item = AuthKeyId> {
        self.hub.server().link_keys(link)
    }

    /// Returns the number of links.
    #[must_use]
    pub fn links(&self) -> usize {
        self.hub.links()
    }

    /// Returns the counters since the start.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    // ── time ───────────────────────────────────────────────────────────────────────────────────

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let admission =
            Deadline::earliest(self.admission.poll_timeout(), self.refusals.poll_timeout());
        let waiting = Deadline::earliest(admission, self.pauses.poll_timeout());
        Deadline::earliest(self.hub.poll_timeout(), waiting)
    }

    /// Handles the passing of time for the machine and every link.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        self.hub.handle_timeout(now);
        self.pauses.handle_timeout(now);
        while let Some(link) = self.admission.poll_overdue(now) {
            add_one(&mut self.counters.cut.overdue);
            self.cut(now, link);
        }
        self.collect_unused_keys(now);
        self.admit_exchanges(now);
        self.watch_memory();
    }

    /// Updates the admission with what a link has proved and what it holds.
    fn settle(&mut self, now: Now, link: LinkId) {
        match self.admission.standing(link) {
            Some(Standing::Unproven) if self.hub.server().has_session(link) => {
                self.admission.prove(now, link);
            }
            Some(Standing::Proven) => self.admission.touch(now, link),
            Some(Standing::Doomed) if self.hub.can_tell(link) => {
                add_one(&mut self.counters.cut.doomed);
                self.refusals.note(Refusal::DoomedLink, self.admission.address(link));
                self.hub.refuse(now, link, TransportCode::FLOOD);
            }
            _ => {}
        }
        self.admission.note_held(link, self.hub.held(link));
        while let Some(greedy) = self.admission.greediest(link) {
            self.hub.release(greedy);
            if self.hub.held(greedy) == 0 {
                self.admission.note_held(greedy, 0);
            } else {
                add_one(&mut self.counters.cut.greedy);
                self.cut(now, greedy);
            }
        }
        self.enforce_memory(now);
        self.admit_exchanges(now);
    }

    /// Advances the clock; monotonic time never steps back.
    fn advance(&mut self, now: Now) {
        self.now = Now { mono: now.mono.max(self.now.mono), unix: now.unix };
    }

    fn note_outcome(
        &mut self,
        outcome: Result<(), ConnectionError>,
    ) -> Result<(), ConnectionError> {
        if let Err(why) = &outcome {
            self.counters.note_error(why);
        }
        outcome
    }

    fn cut(&mut self, now: Now, link: LinkId) {
        self.hub.cut(now, link);
        self.pauses.remove(link);
        self.admission.leave(now, link);
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("hub", &self.hub).finish_non_exhaustive()
    }
}

fn fork(entropy: &mut dyn Entropy) -> CtrEntropy {
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    CtrEntropy::new(seed)
}
