//! One connection: a link and the machine behind it, to be driven by hand.

use alloc::vec::Vec;

use mtp_env::{Deadline, Now};
use mtp_session::client::ClientMachine;
use mtp_session::link::LinkId;
use mtp_session::server::ServerMachine;
use mtp_transport::link::{ClientLink, ServerLink};

use crate::error::ConnectionError;
use crate::pipe::{Machine, Pipe};
use crate::wire::Wire;

/// A client's connection. The client outlives its links.
///
/// Calls are made on [`Connection::client_mut`], results come out of its events. When the socket is
/// gone, [`Connection::reconnect`] continues the session on a new one; no call is lost.
pub type ClientConnection = Connection<ClientLink, ClientMachine>;

/// A server's connection with a machine of its own, for tests, tools and single-client servers.
///
/// Servers of many clients share one machine between links: see the crate `mtp-server`.
pub type ServerConnection = Connection<ServerLink, ServerMachine>;

/// One link joined with one machine.
#[derive(Debug)]
pub struct Connection<L, M> {
    pipe: Pipe<L>,
    machine: M,
    /// The number of the next link.
    next_link: u64,
}

#[expect(private_bounds, reason = "the two kinds of links and the machines are a closed set")]
impl<L: Wire, M: Machine> Connection<L, M> {
    /// Joins a fresh link with a machine.
    #[must_use]
    pub fn new(now: Now, link: L, mut machine: M) -> Self {
        let pipe = Pipe::new(now, LinkId::new(0), link, &mut machine);
        Self { pipe, machine, next_link: 1 }
    }

    /// Replaces the link with a fresh one, for a new socket. The session goes on.
    pub fn reconnect(&mut self, now: Now, link: L) {
        self.pipe.close(now, &mut self.machine);
        let id = LinkId::new(self.next_link);
        self.next_link = self.next_link.saturating_add(1);
        self.pipe = Pipe::new(now, id, link, &mut self.machine);
    }

    /// Returns room for at least `min` received bytes; report them with [`Self::filled`].
    #[must_use]
    pub fn spare(&mut self, min: usize) -> &mut [u8] {
        self.pipe.spare(min)
    }

    /// Handles `len` bytes that were written into [`Self::spare`].
    ///
    /// # Errors
    /// [`ConnectionError`]: the peer broke the protocol. The link is closed, the machine is not.
    pub fn filled(&mut self, now: Now, len: usize) -> Result<(), ConnectionError> {
        self.pipe.filled(now, len, &mut self.machine)
    }

    /// Handles received bytes, cut anywhere.
    ///
    /// # Errors
    /// As [`Self::filled`].
    pub fn handle_bytes(&mut self, now: Now, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.pipe.handle_bytes(now, bytes, &mut self.machine)
    }

    /// Handles the end of input.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if it came in the middle of a frame or a handshake.
    pub fn handle_eof(&mut self, now: Now) -> Result<(), ConnectionError> {
        self.pipe.handle_eof(now, &mut self.machine)
    }

    /// Appends output; returns `true` if there was any.
    ///
    /// Less than [`TRANSMIT_LEN`](crate::TRANSMIT_LEN) bytes are all there is for now. Over HTTP a
    /// server also goes on to the request behind the one that was answered: poll for events again.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        self.pipe.poll_transmit(now, out, &mut self.machine)
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earliest(self.pipe.poll_timeout(), self.machine.poll_timeout())
    }

    /// Handles the passing of time.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if the link's handshake took too long.
    pub fn handle_timeout(&mut self, now: Now) -> Result<(), ConnectionError> {
        self.machine.handle_timeout(now);
        self.pipe.handle_timeout(now, &mut self.machine)
    }

    /// Ends the link. Its last output can still be written; then it [is closed](Self::is_closed).
    pub fn close(&mut self, now: Now) {
        self.pipe.close(now, &mut self.machine);
    }

    /// Returns `true` if the socket is to be closed: everything is written.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pipe.is_closed()
    }

    /// Returns `true` if the link has ended; output may still have to be written.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.pipe.is_ending()
    }
}

impl<M> Connection<ClientLink, M> {
    /// Returns the client, to make calls and take events.
    #[must_use]
    pub const fn client_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// Returns the client.
    #[must_use]
    pub const fn client(&self) -> &M {
        &self.machine
    }

    /// Returns the client without its link, for another connection later.
    #[must_use]
    pub fn into_client(self) -> M {
        self.machine
    }
}

impl<M> Connection<ServerLink, M> {
    /// Returns the server, to answer calls and take events.
    #[must_use]
    pub const fn server_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// Returns the server.
    #[must_use]
    pub const fn server(&self) -> &M {
        &self.machine
    }

    /// Returns the server without its link, for another connection later.
    #[must_use]
    pub fn into_server(self) -> M {
        self.machine
    }
}
