//! One machine with all its links.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use mtp_env::{Deadline, Instant, Now};
use mtp_session::LinkId;
use mtp_session::client::Client;
use mtp_session::server::Server;
use mtp_session::session::LinkKind;
use mtp_transport::replay::ReplayStore;
use mtp_transport::{ClientLink, ServerLink, TransportCode};

use crate::error::ConnectionError;
use crate::pipe::{Peer, Pipe};
use crate::wire::Wire;

/// A client on several links at once: for transfers, and for HTTP, where one link waits for news.
///
/// Whichever link is asked first takes what is to be sent, so the socket that has room does. See
/// [`Connection`](crate::Connection) for the usual single link.
pub type ClientHub = Hub<ClientLink, Client>;

/// Many links on one machine, by default a [`Server`]: what a data centre, a gateway or a test server
/// stands on.
///
/// The driver opens or accepts a socket, names it by the [`LinkId`] it is given here, and moves bytes.
/// Verbs for a link that is gone do nothing.
///
/// Links that are configured to check for replays are answered here, from one store for all of them.
#[derive(Debug)]
pub struct Hub<L = ServerLink, P = Server> {
    peer: P,
    /// Boxed: a node of a tree has room for eleven, and most clients have one.
    links: BTreeMap<LinkId, Box<Entry<L>>>,
    /// The links' own deadlines in order of time, so that asking costs nothing per link.
    deadlines: BTreeMap<(Instant, LinkId), &'static str>,
    /// Links that time has ended, for [`Self::poll_link`].
    ended: VecDeque<LinkId>,
    next_link: u64,
    replays: ReplayStore,
}

#[derive(Debug)]
struct Entry<L> {
    pipe: Pipe<L>,
    /// As it stands in `deadlines`.
    deadline: Option<Deadline>,
}

#[expect(private_bounds, reason = "the two links and the two machines are all there are")]
impl<L: Wire, P: Peer> Hub<L, P> {
    /// Starts without links.
    #[must_use]
    pub const fn new(peer: P) -> Self {
        Self {
            peer,
            links: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            ended: VecDeque::new(),
            next_link: 0,
            replays: ReplayStore::new(OPENINGS_MAX, OPENINGS_KEPT),
        }
    }

    /// Takes on a new link and names it.
    pub fn accept(&mut self, now: Now, link: L) -> LinkId {
        let id = self.name_link();
        let pipe = Pipe::new(now, id, link, &mut self.peer);
        self.insert(id, pipe)
    }

    /// Returns room for at least `min` received bytes of a link; report them with [`Self::filled`].
    #[must_use]
    pub fn spare(&mut self, link: LinkId, min: usize) -> Option<&mut [u8]> {
        self.links.get_mut(&link).map(|entry| entry.pipe.spare(min))
    }

    /// Takes `len` bytes that were written into [`Self::spare`].
    ///
    /// # Errors
    /// As [`Self::handle_bytes`].
    pub fn filled(&mut self, now: Now, link: LinkId, len: usize) -> Result<(), ConnectionError> {
        self.take(now, link, |pipe, peer| pipe.filled(now, len, peer))
    }

    /// Takes received bytes of a link, cut anywhere.
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
        self.take(now, link, |pipe, peer| pipe.handle_bytes(now, bytes, peer))
    }

    /// A link's peer sends nothing any more.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if that was in the middle of a frame or a handshake.
    pub fn handle_eof(&mut self, now: Now, link: LinkId) -> Result<(), ConnectionError> {
        self.with(link, |pipe, peer| pipe.handle_eof(now, peer)).unwrap_or(Ok(()))
    }

    /// Appends what a link is to write and reports whether that was anything.
    ///
    /// Less than [`TRANSMIT_LEN`](crate::TRANSMIT_LEN) bytes are all there is for now. Over HTTP a server also goes on
    /// to the request behind the one that was answered: there may be events again.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> bool {
        self.with(link, |pipe, peer| pipe.poll_transmit(now, out, peer)).unwrap_or(false)
    }

    /// Reports whether a link is to be closed: everything is written.
    #[must_use]
    pub fn is_closed(&self, link: LinkId) -> bool {
        self.links.get(&link).is_none_or(|entry| entry.pipe.is_closed())
    }

    /// Reports whether a link has ended, though something may still have to be written.
    #[must_use]
    pub fn is_ending(&self, link: LinkId) -> bool {
        self.links.get(&link).is_none_or(|entry| entry.pipe.is_ending())
    }

    /// Ends a link: what is to be written last still can be, then it [is closed](Self::is_closed).
    pub fn close(&mut self, now: Now, link: LinkId) {
        self.with(link, |pipe, peer| pipe.close(now, peer));
    }

    /// Forgets a link whose socket is closed.
    pub fn remove(&mut self, now: Now, link: LinkId) {
        self.with(link, |pipe, peer| pipe.close(now, peer));
        let gone = self.links.remove(&link);
        if let Some(deadline) = gone.and_then(|entry| entry.deadline) {
            self.deadlines.remove(&(deadline.at, link));
        }
        self.ended.retain(|ended| *ended != link);
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let link = self.deadlines.first_key_value().map(|((at, _), why)| Deadline::new(*at, why));
        Deadline::earliest(self.peer.poll_timeout(), link)
    }

    /// Lets time pass for the machine and every link.
    pub fn handle_timeout(&mut self, now: Now) {
        self.peer.handle_timeout(now);
        while let Some((&(at, link), _)) = self.deadlines.first_key_value() {
            if at > now.mono {
                break;
            }
            self.deadlines.remove(&(at, link));
            let ended = self.with(link, |pipe, peer| {
                // Its driver is told that it is closed; why is of no use to anybody.
                drop(pipe.handle_timeout(now, peer));
                pipe.is_ending()
            });
            if ended == Some(true) {
                self.ended.push_back(link);
            }
        }
    }

    /// Returns the number of links.
    #[must_use]
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// Returns the bytes of memory that the input of a link takes.
    #[must_use]
    pub fn held(&self, link: LinkId) -> usize {
        self.links.get(&link).map_or(0, |entry| entry.pipe.wire().held())
    }

    /// Gives the memory for a link's input back if nothing is in it.
    pub fn release(&mut self, link: LinkId) {
        if let Some(entry) = self.links.get_mut(&link) {
            entry.pipe.wire_mut().release();
        }
    }

    fn name_link(&mut self) -> LinkId {
        let id = LinkId::new(self.next_link);
        self.next_link = self.next_link.saturating_add(1);
        id
    }

    fn insert(&mut self, id: LinkId, pipe: Pipe<L>) -> LinkId {
        self.links.insert(id, Box::new(Entry { pipe, deadline: None }));
        self.with(id, |_, _| ());
        id
    }

    /// Runs a verb that takes input, and says whether an opening that waits for it is new.
    fn take(
        &mut self,
        now: Now,
        link: LinkId,
        verb: impl FnOnce(&mut Pipe<L>, &mut P) -> Result<(), ConnectionError>,
    ) -> Result<(), ConnectionError> {
        let outcome = self.with(link, verb).unwrap_or(Ok(()));
        let waits = self.links.get(&link).and_then(|entry| entry.pipe.wire().replay_key());
        let Some(key) = waits else { return outcome };
        let seen = self.replays.check(now, key);
        let checked = self.with(link, |pipe, peer| {
            pipe.wire_mut().handle_seen(seen);
            pipe.filled(now, 0, peer)
        });
        outcome.and(checked.unwrap_or(Ok(())))
    }

    /// Runs a verb of a link and keeps its place among the deadlines.
    fn with<T>(&mut self, link: LinkId, verb: impl FnOnce(&mut Pipe<L>, &mut P) -> T) -> Option<T> {
        let entry = self.links.get_mut(&link)?;
        let outcome = verb(&mut entry.pipe, &mut self.peer);
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

impl Hub {
    /// Replaces the store of openings, which by default holds [`OPENINGS_MAX`] of them for
    /// [`OPENINGS_KEPT`].
    // spec: transport 7.4
    pub fn remember_openings(&mut self, store: ReplayStore) {
        self.replays = store;
    }

    /// Names a link that may have something to write or is to be closed, each once after each cause.
    ///
    /// A call on one link may cause a push on another; without it a driver would have to ask all.
    #[must_use]
    pub fn poll_link(&mut self) -> Option<LinkId> {
        self.ended.pop_front().or_else(|| self.peer.poll_link())
    }

    /// Returns the machine, to answer calls and take events.
    #[must_use]
    pub const fn server_mut(&mut self) -> &mut Server {
        &mut self.peer
    }

    /// Returns the machine.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.peer
    }
}

impl ClientHub {
    /// Returns the machine, to make calls and take events.
    #[must_use]
    pub const fn client_mut(&mut self) -> &mut Client {
        &mut self.peer
    }

    /// Returns the machine.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.peer
    }

    /// Takes on a fresh HTTP link that only waits for news, beside others that carry calls.
    ///
    /// Without one the others ask for late answers themselves, and what the server has to say of its own waits for that.
    // spec: session 14
    pub fn accept_for_news(&mut self, now: Now, link: ClientLink) -> LinkId {
        let id = self.name_link();
        let pipe = Pipe::of_kind(now, id, link, LinkKind::HttpPoll, &mut self.peer);
        self.insert(id, pipe)
    }
}

/// What the keeper of a server's door needs.
impl Hub {
    /// Ends a link with a transport error, or without one while it is not known what it speaks.
    pub fn refuse(&mut self, now: Now, link: LinkId, code: TransportCode) {
        self.with(link, |pipe, server| {
            if pipe.is_announced() {
                server.close_link(now, link, code.get());
            } else {
                pipe.close(now, server);
            }
        });
    }

    /// Forgets a link at once, with whatever was to be written; [`Self::poll_link`] names it, so that
    /// its driver closes the socket.
    pub fn cut(&mut self, now: Now, link: LinkId) {
        self.remove(now, link);
        self.ended.push_back(link);
    }

    /// Reports whether it is known what a link speaks, so that it can be told something.
    #[must_use]
    pub fn can_tell(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|entry| entry.pipe.is_announced())
    }
}

/// How many openings of connections are remembered against replays, unless told otherwise.
pub const OPENINGS_MAX: usize = 65_536;

/// How long they are: the usual time window of FakeTLS, past and future.
pub const OPENINGS_KEPT: Duration = Duration::from_secs(603);
