//! Many links on one machine.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use mtp_env::{Deadline, Instant, Now};
use mtp_session::client::ClientMachine;
use mtp_session::link::{LinkId, NetworkId};
use mtp_session::server::ServerMachine;
use mtp_session::session::LinkKind;
use mtp_transport::code::TransportCode;
use mtp_transport::link::{ClientLink, ServerLink};
use mtp_transport::replay::{ReplayKey, Seen};

use crate::error::ConnectionError;
use crate::pipe::{Machine, Pipe};
use crate::wire::Wire;

/// One client on several links, for transfers over several sockets and for HTTP, where one link waits
/// for updates.
///
/// Whichever link is polled first takes what is to be sent, so the socket that has room does. Most
/// clients need one link only: see [`Connection`](crate::Connection).
pub type ClientHub = Links<ClientLink, ClientMachine>;

/// Many links on one machine: the part that [`ClientHub`] and the hub of `mtp-server` share.
///
/// The driver opens or accepts a socket, names it by the [`LinkId`] returned here, and moves bytes.
/// Verbs for an unknown link do nothing.
#[derive(Debug)]
pub struct Links<L, M> {
    machine: M,
    /// Boxed: a tree's node has room for eleven entries, and most clients have one link.
    entries: BTreeMap<LinkId, Box<Entry<L>>>,
    /// The links' own deadlines, ordered by time, so that a poll costs nothing per link.
    deadlines: BTreeMap<(Instant, LinkId), &'static str>,
    /// Links that ended without input or output, for [`Self::poll_ended`].
    ended: VecDeque<LinkId>,
    next_link: u64,
}

#[derive(Debug)]
struct Entry<L> {
    pipe: Pipe<L>,
    /// As it stands in `deadlines`.
    deadline: Option<Deadline>,
}

#[expect(private_bounds, reason = "the two kinds of links and the machines are a closed set")]
impl<L: Wire, M: Machine> Links<L, M> {
    /// Creates a machine's links: none at first.
    #[must_use]
    pub const fn new(machine: M) -> Self {
        Self {
            machine,
            entries: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            ended: VecDeque::new(),
            next_link: 0,
        }
    }

    /// Adds a new link and returns its name.
    pub fn accept(&mut self, now: Now, link: L) -> LinkId {
        let id = self.name_link();
        let pipe = Pipe::new(now, id, link, &mut self.machine);
        self.insert(id, pipe)
    }

    /// Returns room for at least `min` received bytes of a link; report them with [`Self::filled`].
    #[must_use]
    pub fn spare(&mut self, link: LinkId, min: usize) -> Option<&mut [u8]> {
        self.entries.get_mut(&link).map(|entry| entry.pipe.spare(min))
    }

    /// Handles `len` bytes that were written into [`Self::spare`].
    ///
    /// # Errors
    /// As [`Self::handle_bytes`].
    pub fn filled(&mut self, now: Now, link: LinkId, len: usize) -> Result<(), ConnectionError> {
        self.with(link, |pipe, machine| pipe.filled(now, len, machine)).unwrap_or(Ok(()))
    }

    /// Handles received bytes of a link, cut anywhere.
    ///
    /// # Errors
    /// [`ConnectionError`]: the peer broke the protocol. Its link is closed once its output is
    /// drained.
    pub fn handle_bytes(
        &mut self,
        now: Now,
        link: LinkId,
        bytes: &[u8],
    ) -> Result<(), ConnectionError> {
        self.with(link, |pipe, machine| pipe.handle_bytes(now, bytes, machine)).unwrap_or(Ok(()))
    }

    /// Handles the end of a link's input.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if it came in the middle of a frame or a handshake.
    pub fn handle_eof(&mut self, now: Now, link: LinkId) -> Result<(), ConnectionError> {
        self.with(link, |pipe, machine| pipe.handle_eof(now, machine)).unwrap_or(Ok(()))
    }

    /// Appends a link's output; returns `true` if there was any.
    ///
    /// Less than [`TRANSMIT_LEN`](crate::TRANSMIT_LEN) bytes are all there is for now. Over HTTP a
    /// server also goes on to the request behind the one that was answered: poll for events again.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> bool {
        self.with(link, |pipe, machine| pipe.poll_transmit(now, out, machine)).unwrap_or(false)
    }

    /// Returns `true` if a link's socket is to be closed: everything is written.
    #[must_use]
    pub fn is_closed(&self, link: LinkId) -> bool {
        self.entries.get(&link).is_none_or(|entry| entry.pipe.is_closed())
    }

    /// Returns `true` if a link has ended; output may still have to be written.
    #[must_use]
    pub fn is_ending(&self, link: LinkId) -> bool {
        self.entries.get(&link).is_none_or(|entry| entry.pipe.is_ending())
    }

    /// Ends a link. Its last output can still be written; then it [is closed](Self::is_closed).
    pub fn close(&mut self, now: Now, link: LinkId) {
        self.with(link, |pipe, machine| pipe.close(now, machine));
    }

    /// Removes a link whose socket is closed.
    pub fn remove(&mut self, now: Now, link: LinkId) {
        self.with(link, |pipe, machine| pipe.close(now, machine));
        let gone = self.entries.remove(&link);
        if let Some(deadline) = gone.and_then(|entry| entry.deadline) {
            self.deadlines.remove(&(deadline.at, link));
        }
        self.ended.retain(|ended| *ended != link);
    }

    /// Returns the next link that ended by timeout or [`Self::cut`], each once.
    #[must_use]
    pub fn poll_ended(&mut self) -> Option<LinkId> {
        self.ended.pop_front()
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let link = self.deadlines.first_key_value().map(|((at, _), why)| Deadline::new(*at, why));
        Deadline::earliest(self.machine.poll_timeout(), link)
    }

    /// Handles the passing of time for the machine and every link.
    pub fn handle_timeout(&mut self, now: Now) {
        self.machine.handle_timeout(now);
        while let Some((&(at, link), _)) = self.deadlines.first_key_value() {
            if at > now.mono {
                break;
            }
            self.deadlines.remove(&(at, link));
            let ended = self.with(link, |pipe, machine| {
                // The driver sees that the link is closed; the reason is of no use to it.
                drop(pipe.handle_timeout(now, machine));
                pipe.is_ending()
            });
            if ended == Some(true) {
                self.ended.push_back(link);
            }
        }
    }

    /// Returns the number of links.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns `true` if there is no link.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the bytes of memory that a link's input buffer takes.
    #[must_use]
    pub fn held(&self, link: LinkId) -> usize {
        self.entries.get(&link).map_or(0, |entry| entry.pipe.wire().held())
    }

    /// Frees a link's input buffer if it is empty.
    pub fn release(&mut self, link: LinkId) {
        if let Some(entry) = self.entries.get_mut(&link) {
            entry.pipe.wire_mut().release();
        }
    }

    /// Removes a link at once, with its unwritten output; [`Self::poll_ended`] returns it, so that
    /// its driver closes the socket.
    pub fn cut(&mut self, now: Now, link: LinkId) {
        self.remove(now, link);
        self.ended.push_back(link);
    }

    fn name_link(&mut self) -> LinkId {
        let id = LinkId::new(self.next_link);
        self.next_link = self.next_link.saturating_add(1);
        id
    }

    fn insert(&mut self, id: LinkId, pipe: Pipe<L>) -> LinkId {
        self.entries.insert(id, Box::new(Entry { pipe, deadline: None }));
        self.with(id, |_, _| ());
        id
    }

    /// Runs a verb of a link and updates its deadline.
    fn with<T>(&mut self, link: LinkId, verb: impl FnOnce(&mut Pipe<L>, &mut M) -> T) -> Option<T> {
        let entry = self.entries.get_mut(&link)?;
        let outcome = verb(&mut entry.pipe, &mut self.machine);
        let deadline = entry.pipe.poll_timeout();
        if deadline != entry.deadline {
            if let Some(old) = core::mem::replace(&mut entry.deadline, deadline) {
                self.deadlines.remove(&(old.at, link));
            }
            if let Some(new) = deadline {
                self.deadlines.insert((new.at, link), new.reason);
            }
        }
        Some(outcome)
    }
}

/// What only a client's links have.
#[expect(private_bounds, reason = "the machines are a closed set")]
impl<M: Machine> Links<ClientLink, M> {
    /// Adds a fresh HTTP link that only waits for updates, beside others that carry calls.
    ///
    /// Without one the others poll for late answers themselves, and updates wait for that.
    // spec: session 14
    pub fn accept_for_news(&mut self, now: Now, link: ClientLink) -> LinkId {
        let id = self.name_link();
        let pipe = Pipe::of_kind(now, id, link, LinkKind::HttpPoll, &mut self.machine);
        self.insert(id, pipe)
    }
}

impl<M> Links<ClientLink, M> {
    /// Returns the machine, to make calls and take events.
    #[must_use]
    pub const fn client_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// Returns the machine.
    #[must_use]
    pub const fn client(&self) -> &M {
        &self.machine
    }
}

/// What only a server's links have.
impl Links<ServerLink, ServerMachine> {
    /// Sets the network that a link comes from, before its bytes are handled.
    ///
    /// A key exchange that was started on one link goes on only on links of the same network.
    // spec: crypto 8.11
    pub fn set_network(&mut self, link: LinkId, network: NetworkId) {
        if let Some(entry) = self.entries.get_mut(&link) {
            entry.pipe.set_network(network);
        }
    }

    /// Returns the opening of a link that waits until it is known to be new; see
    /// [`ServerLink::replay_key`].
    #[must_use]
    pub fn replay_key(&self, link: LinkId) -> Option<ReplayKey> {
        self.entries.get(&link).and_then(|entry| entry.pipe.wire().replay_key())
    }

    /// Handles the answer to [`Self::replay_key`], then the input that waited for it.
    ///
    /// # Errors
    /// As [`Self::handle_bytes`].
    pub fn handle_seen(
        &mut self,
        now: Now,
        link: LinkId,
        seen: Seen,
    ) -> Result<(), ConnectionError> {
        let handled = self.with(link, |pipe, machine| {
            pipe.wire_mut().handle_seen(seen);
            pipe.filled(now, 0, machine)
        });
        handled.unwrap_or(Ok(()))
    }

    /// Ends a link with a transport error, or without one while the client's transport is unknown.
    pub fn refuse(&mut self, now: Now, link: LinkId, code: TransportCode) {
        self.with(link, |pipe, server| {
            if pipe.is_announced() {
                server.close_link(now, link, code.get());
            } else {
                pipe.close(now, server);
            }
        });
    }

    /// Returns `true` if the transport of a link's client is known, so that an error can be written.
    #[must_use]
    pub fn can_tell(&self, link: LinkId) -> bool {
        self.entries.get(&link).is_some_and(|entry| entry.pipe.is_announced())
    }

    /// Returns the machine, to answer calls and take events.
    #[must_use]
    pub const fn server_mut(&mut self) -> &mut ServerMachine {
        &mut self.machine
    }

    /// Returns the machine.
    #[must_use]
    pub const fn server(&self) -> &ServerMachine {
        &self.machine
    }
}
