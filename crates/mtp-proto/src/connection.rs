//! One connection: a link and the machine behind it, to be driven by hand.

use alloc::vec::Vec;

use mtp_env::{Deadline, Now};
use mtp_session::LinkId;
use mtp_session::client::Client;
use mtp_session::server::Server;
use mtp_transport::{ClientLink, ServerLink};

use crate::error::ConnectionError;
use crate::pipe::{Peer, Pipe};
use crate::wire::Wire;

/// A client's connection: it outlives its links.
///
/// Calls are made on [`Connection::peer_mut`], results come out of its events. When the socket is
/// gone, [`Connection::reconnect`] continues the session on a new one; nothing that was asked is
/// lost.
pub type ClientConnection = Connection<ClientLink, Client>;

/// A server's connection with a machine of its own, for tests, tools and single-client servers.
///
/// Servers of many clients share one machine between links: see [`Hub`](crate::Hub).
pub type ServerConnection = Connection<ServerLink, Server>;

/// One link joined with one machine.
#[derive(Debug)]
pub struct Connection<L, P> {
    pipe: Pipe<L>,
    peer: P,
    /// The number of the next link.
    next_link: u64,
}

#[expect(private_bounds, reason = "the two links and the two machines are all there are")]
impl<L: Wire, P: Peer> Connection<L, P> {
    /// Joins a fresh link with a machine.
    #[must_use]
    pub fn new(now: Now, link: L, mut peer: P) -> Self {
        let pipe = Pipe::new(now, LinkId::new(0), link, &mut peer);
        Self { pipe, peer, next_link: 1 }
    }

    /// Replaces the link by a fresh one, for a new socket; the session goes on.
    pub fn reconnect(&mut self, now: Now, link: L) {
        self.pipe.close(now, &mut self.peer);
        let id = LinkId::new(self.next_link);
        self.next_link = self.next_link.saturating_add(1);
        self.pipe = Pipe::new(now, id, link, &mut self.peer);
    }

    /// Returns room for at least `min` received bytes; report them with [`Self::filled`].
    #[must_use]
    pub fn spare(&mut self, min: usize) -> &mut [u8] {
        self.pipe.spare(min)
    }

    /// Takes `len` bytes that were written into [`Self::spare`].
    ///
    /// # Errors
    /// [`ConnectionError`]: the peer broke the protocol. The link is closed, the machine is not.
    pub fn filled(&mut self, now: Now, len: usize) -> Result<(), ConnectionError> {
        self.pipe.filled(now, len, &mut self.peer)
    }

    /// Takes received bytes, cut anywhere.
    ///
    /// # Errors
    /// As [`Self::filled`].
    pub fn handle_bytes(&mut self, now: Now, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.pipe.handle_bytes(now, bytes, &mut self.peer)
    }

    /// The peer sends nothing any more.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if that was in the middle of a frame or a handshake.
    pub fn handle_eof(&mut self, now: Now) -> Result<(), ConnectionError> {
        self.pipe.handle_eof(now, &mut self.peer)
    }

    /// Appends what is to be written and reports whether that was anything.
    ///
    /// Less than [`TRANSMIT_LEN`](crate::TRANSMIT_LEN) bytes are all there is for now. Over HTTP a server also goes on
    /// to the request behind the one that was answered: there may be events again.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        self.pipe.poll_transmit(now, out, &mut self.peer)
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earliest(self.pipe.poll_timeout(), self.peer.poll_timeout())
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if the link's handshake took too long.
    pub fn handle_timeout(&mut self, now: Now) -> Result<(), ConnectionError> {
        self.peer.handle_timeout(now);
        self.pipe.handle_timeout(now, &mut self.peer)
    }

    /// Ends the link: what is to be written last still can be, then it [is closed](Self::is_closed).
    pub fn close(&mut self, now: Now) {
        self.pipe.close(now, &mut self.peer);
    }

    /// Reports whether everything is written and the socket is to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pipe.is_closed()
    }

    /// Reports whether the link has ended, though something may still have to be written.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.pipe.is_ending()
    }

    /// Returns the machine, to make calls, answer them and take events.
    #[must_use]
    pub const fn peer_mut(&mut self) -> &mut P {
        &mut self.peer
    }

    /// Returns the machine.
    #[must_use]
    pub const fn peer(&self) -> &P {
        &self.peer
    }

    /// Gives the machine back, for another link later.
    #[must_use]
    pub fn into_peer(self) -> P {
        self.peer
    }
}
