//! A server's links on one machine, without admission.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_env::{Deadline, Now};
use mtp_proto::{ConnectionError, Links};
use mtp_session::link::{LinkId, NetworkId};
use mtp_session::server::ServerMachine;
use mtp_transport::code::TransportCode;
use mtp_transport::link::ServerLink;
use mtp_transport::replay::ReplayStore;

/// Many links on one machine, without limits on who connects: see [`Endpoint`](crate::Endpoint) for a
/// server that strangers can reach.
///
/// The driver accepts a socket, names it by the [`LinkId`] returned here, and moves bytes. Verbs for
/// an unknown link do nothing. Links that are configured to check for replayed openings share one
/// store of them.
#[derive(Debug)]
pub struct Hub {
    links: Links<ServerLink, ServerMachine>,
    replays: ReplayStore,
}

impl Hub {
    /// Creates a hub without links. It remembers [`OPENINGS_MAX`] openings for [`OPENINGS_KEPT`].
    #[must_use]
    pub const fn new(machine: ServerMachine) -> Self {
        let replays = ReplayStore::new(OPENINGS_MAX, OPENINGS_KEPT);
        Self { links: Links::new(machine), replays }
    }

    /// Replaces the store of openings.
    // spec: transport 7.4
    pub fn remember_openings(&mut self, store: ReplayStore) {
        self.replays = store;
    }

    /// Adds a new link and returns its name.
    pub fn accept(&mut self, now: Now, link: ServerLink) -> LinkId {
        self.links.accept(now, link)
    }

    /// Sets the network that a link comes from, before its bytes are handled.
    pub fn set_network(&mut self, link: LinkId, network: NetworkId) {
        self.links.set_network(link, network);
    }

    /// Returns room for at least `min` received bytes of a link; report them with [`Self::filled`].
    #[must_use]
    pub fn spare(&mut self, link: LinkId, min: usize) -> Option<&mut [u8]> {
        self.links.spare(link, min)
    }

    /// Handles `len` bytes that were written into [`Self::spare`].
    ///
    /// # Errors
    /// As [`Self::handle_bytes`].
    pub fn filled(&mut self, now: Now, link: LinkId, len: usize) -> Result<(), ConnectionError> {
        let outcome = self.links.filled(now, link, len);
        self.check_opening(now, link, outcome)
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
        let outcome = self.links.handle_bytes(now, link, bytes);
        self.check_opening(now, link, outcome)
    }

    /// Handles the end of a link's input.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if it came in the middle of a frame or a handshake.
    pub fn handle_eof(&mut self, now: Now, link: LinkId) -> Result<(), ConnectionError> {
        self.links.handle_eof(now, link)
    }

    /// Appends a link's output; returns `true` if there was any.
    ///
    /// Less than [`TRANSMIT_LEN`](mtp_proto::TRANSMIT_LEN) bytes are all there is for now. Over HTTP
    /// it also goes on to the request behind the one that was answered: poll for events again.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> bool {
        self.links.poll_transmit(now, link, out)
    }

    /// Returns a link that may have output or is to be closed, each once for each cause.
    ///
    /// A call on one link may cause a push on another; without this a driver would have to poll all.
    #[must_use]
    pub fn poll_link(&mut self) -> Option<LinkId> {
        self.links.poll_ended().or_else(|| self.links.server_mut().poll_link())
    }

    /// Returns `true` if a link's socket is to be closed: everything is written.
    #[must_use]
    pub fn is_closed(&self, link: LinkId) -> bool {
        self.links.is_closed(link)
    }

    /// Returns `true` if a link has ended; output may still have to be written.
    #[must_use]
    pub fn is_ending(&self, link: LinkId) -> bool {
        self.links.is_ending(link)
    }

    /// Ends a link. Its last output can still be written; then it [is closed](Self::is_closed).
    pub fn close(&mut self, now: Now, link: LinkId) {
        self.links.close(now, link);
    }

    /// Ends a link with a transport error, or without one while the client's transport is unknown.
    pub fn refuse(&mut self, now: Now, link: LinkId, code: TransportCode) {
        self.links.refuse(now, link, code);
    }

    /// Removes a link whose socket is closed.
    pub fn remove(&mut self, now: Now, link: LinkId) {
        self.links.remove(now, link);
    }

    /// Removes a link at once, with its unwritten output; [`Self::poll_link`] returns it, so that its
    /// driver closes the socket.
    pub fn cut(&mut self, now: Now, link: LinkId) {
        self.links.cut(now, link);
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.links.poll_timeout()
    }

    /// Handles the passing of time for the machine and every link.
    pub fn handle_timeout(&mut self, now: Now) {
        self.links.handle_timeout(now);
    }

    /// Returns the number of links.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// Returns `true` if the transport of a link's client is known, so that an error can be written.
    #[must_use]
    pub fn can_tell(&self, link: LinkId) -> bool {
        self.links.can_tell(link)
    }

    /// Returns the bytes of memory that a link's input buffer takes.
    #[must_use]
    pub fn held(&self, link: LinkId) -> usize {
        self.links.held(link)
    }

    /// Frees a link's input buffer if it is empty.
    pub fn release(&mut self, link: LinkId) {
        self.links.release(link);
    }

    /// Returns the machine, to answer calls and take events.
    #[must_use]
    pub const fn server_mut(&mut self) -> &mut ServerMachine {
        self.links.server_mut()
    }

    /// Returns the machine.
    #[must_use]
    pub const fn server(&self) -> &ServerMachine {
        self.links.server()
    }

    /// Answers a link whose opening waits until it is known to be new.
    fn check_opening(
        &mut self,
        now: Now,
        link: LinkId,
        outcome: Result<(), ConnectionError>,
    ) -> Result<(), ConnectionError> {
        let Some(key) = self.links.replay_key(link) else { return outcome };
        let seen = self.replays.check(now, key);
        let checked = self.links.handle_seen(now, link, seen);
        outcome.and(checked)
    }
}

/// Openings of connections that are remembered to detect replays, by default.
pub const OPENINGS_MAX: usize = 65_536;

/// How long an opening is remembered by default: the usual time window of FakeTLS, past and future.
pub const OPENINGS_KEPT: Duration = Duration::from_secs(603);
