//! Links, admission, sessions and calls of a server together.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use mtp_crypto::{AuthKeyId, CtrEntropy};
use mtp_env::{Deadline, Entropy, Now};
use mtp_proto::ConnectionError;
use mtp_session::established::Established;
use mtp_session::exchange::{Arithmetic, HandshakeError};
use mtp_session::link::LinkId;
use mtp_session::server::{ServerMachine, ServerWork, ServerWorkDone};
use mtp_transport::code::TransportCode;
use mtp_transport::link::{ServerLink, ServerLinkConfig};

mod calls;
mod clients;
mod config;
mod event;

pub use calls::UnknownKey;
pub use config::EndpointConfig;
pub use event::{CallToken, EndpointEvent, IncomingCall, UserId};

use crate::admission::{Admission, Refused, Standing};
use crate::counters::{Counters, add, add_one};
use crate::hub::Hub;
use clients::Clients;

/// A server for many clients: links in, calls out as values, answers and pushes in.
///
/// After every verb but the polls: drain [`poll_event`](Self::poll_event), then
/// [`poll_transmit`](Self::poll_transmit) of every link that [`poll_link`](Self::poll_link) returns
/// and whose socket can write. An idle poll costs the same however many links there are.
pub struct Endpoint {
    hub: Hub,
    admission: Admission,
    link: ServerLinkConfig,
    /// Where the arithmetic of key exchanges runs.
    arithmetic: Arithmetic,
    /// Admitted arithmetic that waits for a place to run.
    jobs: VecDeque<(LinkId, ServerWork)>,
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
        let server = ServerMachine::new(server, Box::new(fork(&mut entropy)));
        Self {
            hub: Hub::new(server),
            admission: Admission::new(config.admission),
            link: config.link,
            arithmetic,
            jobs: VecDeque::new(),
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
    /// It may displace another link: the oldest without proof of a key.
    ///
    /// # Errors
    /// [`Refused`]: close the socket.
    pub fn accept(&mut self, now: Now, address: IpAddr) -> Result<LinkId, Refused> {
        let standing = match self.admission.judge(now, address) {
            Ok(standing) => standing,
            Err(why) => {
                self.counters.note_refused(why);
                return Err(why);
            }
        };
        add_one(&mut self.counters.links);
        let link = ServerLink::new(now, self.link.clone(), Box::new(fork(&mut self.entropy)));
        let link = self.hub.accept(now, link);
        if let Some(displaced) = self.admission.enter(now, address, standing, link) {
            add_one(&mut self.counters.cut.displaced);
            self.cut(now, displaced);
        }
        Ok(link)
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
        add(&mut self.counters.bytes_in, bytes.len());
        let outcome = self.hub.handle_bytes(now, link, bytes);
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
    /// Less than [`TRANSMIT_LEN`](crate::TRANSMIT_LEN) bytes are all there is for now. Over HTTP it
    /// also goes on to the request behind the one that was answered: poll for events again.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let wrote = self.hub.poll_transmit(now, link, out);
        add(&mut self.counters.bytes_out, out.len().saturating_sub(before));
        self.admit_jobs(now);
        wrote
    }

    /// Returns a link that may have output or is to be closed, each once for each cause.
    #[must_use]
    pub fn poll_link(&mut self) -> Option<LinkId> {
        self.hub.poll_link()
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

    /// Returns `true` if more should be read from a link: its sessions keep up.
    // spec: session 11.7
    #[must_use]
    pub fn wants_bytes(&self, link: LinkId) -> bool {
        self.hub.server().wants_packets(link)
    }

    /// Removes a link whose socket is closed.
    pub fn remove(&mut self, now: Now, link: LinkId) {
        self.hub.remove(now, link);
        self.admission.leave(link);
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

    // ── arithmetic and time ────────────────────────────────────────────────────────────────────

    /// Returns arithmetic of a key exchange to run elsewhere, if the configuration defers it.
    ///
    /// What an address requests too often, or while too much waits already, is not computed: its link
    /// is closed with −429.
    #[must_use]
    pub fn poll_work(&mut self, now: Now) -> Option<(LinkId, ServerWork)> {
        self.admit_jobs(now);
        self.next_job()
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
        let outcome = self.hub.server_mut().handle_work(now, link, done);
        if outcome.is_err() {
            add_one(&mut self.counters.packets_refused.handshake);
        }
        outcome
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earliest(self.hub.poll_timeout(), self.admission.poll_timeout())
    }

    /// Handles the passing of time for the machine and every link.
    pub fn handle_timeout(&mut self, now: Now) {
        self.hub.handle_timeout(now);
        while let Some(link) = self.admission.poll_overdue(now) {
            add_one(&mut self.counters.cut.overdue);
            self.cut(now, link);
        }
        self.admit_jobs(now);
    }

    /// Updates the admission with what a link has proved and what it holds.
    fn settle(&mut self, now: Now, link: LinkId) {
        match self.admission.standing(link) {
            Some(Standing::Unproven) if self.hub.server().has_session(link) => {
                self.admission.prove(link);
            }
            Some(Standing::Doomed) if self.hub.can_tell(link) => {
                add_one(&mut self.counters.cut.doomed);
                self.hub.refuse(now, link, TransportCode::FLOOD);
            }
            _ => {}
        }
        self.admission.note_held(link, self.hub.held(link));
        while let Some(greedy) = self.admission.greediest() {
            self.hub.release(greedy);
            if self.hub.held(greedy) == 0 {
                self.admission.note_held(greedy, 0);
            } else {
                add_one(&mut self.counters.cut.greedy);
                self.cut(now, greedy);
            }
        }
        self.admit_jobs(now);
    }

    /// Takes the machine's arithmetic, as far as the addresses may want it, and runs it unless it is
    /// deferred.
    fn admit_jobs(&mut self, now: Now) {
        while let Some((link, work)) = self.hub.server_mut().poll_work() {
            if self.admission.allows_exchange(now, link, self.jobs.len()) {
                self.jobs.push_back((link, work));
            } else {
                add_one(&mut self.counters.exchange_steps_refused);
                self.hub.refuse(now, link, TransportCode::FLOOD);
            }
        }
        if self.arithmetic == Arithmetic::Inline {
            while let Some((link, work)) = self.next_job() {
                // The machine itself closes the link of a client whose numbers are wrong.
                let _ = self.handle_work(now, link, work.run());
            }
        }
    }

    fn next_job(&mut self) -> Option<(LinkId, ServerWork)> {
        while let Some((link, work)) = self.jobs.pop_front() {
            // A client that left meanwhile needs no result.
            if !self.hub.is_ending(link) {
                add_one(&mut self.counters.exchange_steps);
                return Some((link, work));
            }
        }
        None
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
        self.admission.leave(link);
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
