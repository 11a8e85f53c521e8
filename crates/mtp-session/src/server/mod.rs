//! Server: many links, keys and sessions.
//!
//! ```text
//!             plain packet
//!  link ──┬──────────────▶ ServerHandshake ── new key ──▶ keys
//!         │ encrypted
//!         └──────────────▶ open ──▶ check ───▶ ServerSession ──▶ events ──▶ embedder
//!                           │         │ 16, 17, 18, 48    ▲                     │
//!                           ▼         ▼                   └─────────────────────┘
//!                     −404, close   notification               answer, push
//! ```
//!
//! Nothing is stored for a packet that fails decryption or the checks of id and salt. Keys are in memory; the embedder
//! stores them on [`ServerEvent::KeyCreated`] and restores them with [`ServerMachine::insert_key`].
//!
//! The server itself handles what the protocol prescribes: key exchanges, salts, pings, bindings, and the destruction of
//! sessions and keys. Everything else is a [`Call`](ServerSessionEvent::Call) for the embedder.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::AuthKeyId;
use mtp_env::{Deadline, Entropy, Meter, Now, UnixTime, Work};

mod calls;
mod config;
mod ended;
mod error;
mod event;
mod exchanges;
mod handshake;
mod keys;
mod links;
mod packets;
mod session;
mod sessions;
mod timers;

pub use config::ServerConfig;
pub use error::ServerPacketError;
pub use event::{KeyEnd, ServerEvent, SessionEnd, SessionName};
pub use handshake::{
    NewKey, RunId, ServerHandshake, ServerHandshakeConfig, ServerWork, ServerWorkDone, Verdict,
};
pub use session::{
    AnswerError, Cut, IncomingId, KeySalts, PushId, Refusal, ServerSalts, ServerSession,
    ServerSessionConfig, ServerSessionEvent, StatelessReplies, WORK_PER_BYTE, WORK_PER_PACKET,
    server_gate,
};

use crate::established::Established;
use crate::exchange::HandshakeError;
use crate::link::{AfterSend, BatchLimits, LinkId, NetworkId, Transmit};
use crate::session::{LinkKind, Mutation};
use ended::Ended;
use exchanges::Exchanges;
use keys::Keys;
use links::Link;
use sessions::Entry;
use timers::Timers;

/// Server: many links, keys and sessions.
///
/// The driver adds links; the embedder answers calls. After every verb except the polls, drain
/// [`poll_event`](Self::poll_event), then [`poll_transmit`](Self::poll_transmit) of every link that
/// [`poll_link`](Self::poll_link) returns.
pub struct ServerMachine {
    config: ServerConfig,
    handshake_config: Arc<ServerHandshakeConfig>,
    session_config: Arc<ServerSessionConfig>,
    entropy: Box<dyn Entropy + Send>,
    keys: Keys,
    links: BTreeMap<LinkId, Link>,
    sessions: BTreeMap<SessionName, Entry>,
    ended: Ended,
    timers: Timers<Timer>,
    /// Sessions without a link, by the time they lost it.
    parked: Timers<SessionName>,
    /// Events outside of sessions, oldest first.
    events: VecDeque<QueuedEvent>,
    /// Sessions that may have events, each once.
    with_events: VecDeque<SessionName>,
    /// Links that may have output, each once.
    ready: VecDeque<LinkId>,
    /// Key exchanges in progress, by their nonces.
    exchanges: Exchanges,
    /// Pending jobs of key exchanges.
    jobs: VecDeque<(LinkId, ServerWork)>,
    /// Writer of notifications outside of sessions.
    notices: StatelessReplies,
    /// Latest time passed to any verb.
    now: Now,
    /// When the first verb was called. An earlier run of the server may have received ids up to the window ahead of it.
    started: Option<UnixTime>,
    /// Bytes that all sessions hold.
    held_bytes: usize,
    /// Sessions that hold much, by how much in units of 64 KiB.
    greedy: BTreeSet<(usize, SessionName)>,
    /// All work done so far.
    meter: Meter,
    /// Work of the last packet.
    packet_work: Work,
}

/// Owner of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Link(LinkId),
    Session(SessionName),
    Key(AuthKeyId),
}

/// An event without borrowed data.
#[derive(Debug)]
enum QueuedEvent {
    KeyCreated { link: LinkId, run: RunId, established: Established },
    KeyBound { temporary: AuthKeyId, permanent: AuthKeyId },
    KeyDestroyed { key: AuthKeyId, cause: KeyEnd },
    SessionNew { session: SessionName, link: LinkId },
    SessionGone { session: SessionName, cause: SessionEnd },
}

impl ServerMachine {
    /// Creates a server without keys and links.
    #[must_use]
    pub fn new(mut config: ServerConfig, mut entropy: Box<dyn Entropy + Send>) -> Self {
        if !config.session.rules().breaks(Mutation::RunsShareSalts) {
            config.salts = Arc::new(config.salts.of_run(&mut entropy));
        }
        Self {
            handshake_config: Arc::new(config.handshake.clone()),
            session_config: Arc::new(config.session.clone()),
            config,
            entropy,
            keys: Keys::default(),
            links: BTreeMap::new(),
            sessions: BTreeMap::new(),
            ended: Ended::default(),
            timers: Timers::new(),
            parked: Timers::new(),
            events: VecDeque::new(),
            with_events: VecDeque::new(),
            ready: VecDeque::new(),
            exchanges: Exchanges::default(),
            jobs: VecDeque::new(),
            notices: StatelessReplies::new(),
            now: Now::default(),
            started: None,
            held_bytes: 0,
            greedy: BTreeSet::new(),
            meter: Meter::default(),
            packet_work: Work::ZERO,
        }
    }

    // ── keys ───────────────────────────────────────────────────────────────────────────────────

    /// Adds a stored key, with the permanent key that a temporary one is bound to.
    ///
    /// Insert permanent keys first. Returns `false` if the key has expired or its id is taken.
    ///
    /// An earlier run of the server may have received messages under such a key. None of them runs again: its salts are
    /// not those of this run, and a session that begins with an id which the earlier run could have received begins
    /// after it. Both are refused with `bad_server_salt`, and a client that is alive sends again under new ids.
    pub fn insert_key(&mut self, now: Now, key: &Established, bound_to: Option<AuthKeyId>) -> bool {
        self.advance(now);
        let id = key.key.id();
        if self.is_expired(key.kind) || !self.keys.insert(key, None) {
            return false;
        }
        if let Some(permanent) = bound_to {
            self.keys.restore_binding(id, permanent);
        }
        self.arm_key(id);
        true
    }

    /// Removes a key and its sessions. Links that use it are closed at their next packet.
    pub fn remove_key(&mut self, now: Now, key: AuthKeyId) {
        self.advance(now);
        self.end_key(key, KeyEnd::Removed);
    }

    /// Returns the permanent key behind a key: itself or the one it is bound to.
    #[must_use]
    pub fn identity(&self, key: AuthKeyId) -> Option<AuthKeyId> {
        self.keys.identity(key)
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Returns the salts of this run.
    #[must_use]
    pub fn salts(&self) -> &Arc<ServerSalts> {
        &self.config.salts
    }

    /// Returns `true` if a key has carried a session since it was made or inserted, or a temporary key was bound to it.
    #[must_use]
    pub fn is_key_used(&self, key: AuthKeyId) -> bool {
        self.keys.get(key).is_some_and(|key| key.used)
    }

    // ── application ────────────────────────────────────────────────────────────────────────────

    /// Answers a call with a boxed result or `rpc_error`.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Closed`] if the session has ended, and those of
    /// [`ServerSession::answer`].
    pub fn answer(
        &mut self,
        now: Now,
        session: SessionName,
        call: IncomingId,
        body: &[u8],
    ) -> Result<(), AnswerError> {
        self.advance(now);
        let now = self.now;
        self.with_session(session, |session| session.answer(now, call, body))
            .unwrap_or(Err(AnswerError::Closed))
    }

    /// Sends an update. Its id is reported again once the client has acknowledged it.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Closed`] if the session has ended, and those of
    /// [`ServerSession::push`].
    pub fn push(
        &mut self,
        now: Now,
        session: SessionName,
        body: &[u8],
    ) -> Result<PushId, AnswerError> {
        self.advance(now);
        let now = self.now;
        self.with_session(session, |session| session.push(now, body))
            .unwrap_or(Err(AnswerError::Closed))
    }

    // ── links ──────────────────────────────────────────────────────────────────────────────────

    /// Adds a link of the network 0.
    pub fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        self.link_up_from(now, link, kind, NetworkId::default());
    }

    /// Adds a link that comes from `network`.
    pub fn link_up_from(&mut self, now: Now, link: LinkId, kind: LinkKind, network: NetworkId) {
        self.advance(now);
        self.links.entry(link).or_insert_with(|| Link::new(kind, network));
    }

    /// Removes a link. Its sessions are kept for a while.
    pub fn link_down(&mut self, now: Now, link: LinkId) {
        self.advance(now);
        let Some(mut gone) = self.links.remove(&link) else { return };
        self.timers.change(Timer::Link(link), &mut gone.timer, None);
        self.exchanges.keep(link, gone.handshake.take());
        for session in gone.sessions {
            self.leave(session, link);
        }
    }

    /// Closes a link after a transport error.
    pub fn close_link(&mut self, now: Now, link: LinkId, code: i32) {
        self.advance(now);
        self.close(link, Some(code));
    }

    /// Appends the next packet for a link to `out` or returns another output.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> Option<Transmit> {
        self.advance(now);
        self.write(link, out)
    }

    fn write(&mut self, link: LinkId, out: &mut Vec<u8>) -> Option<Transmit> {
        let now = self.now;
        let found = self.links.get_mut(&link)?;
        if let Some(transmit) = found.poll_reply(out) {
            return Some(transmit);
        }
        if found.closing {
            return None;
        }
        let from_handshake =
            found.handshake.as_mut().and_then(|handshake| handshake.poll_transmit(now, out));
        if from_handshake.is_some() {
            return from_handshake;
        }
        for at in 0..found.sessions.len() {
            let name = *self.links.get(&link)?.sessions.get(at)?;
            let write = |it: &mut ServerSession, entropy: &mut dyn Entropy| {
                it.poll_transmit(now, link, out, entropy)
            };
            if let Some(transmit) = self.write_session(name, write).flatten() {
                self.note_close(link, transmit);
                return Some(transmit);
            }
        }
        None
    }

    /// Appends several packets for a link to `out`, encrypted together. Equivalent to repeated calls of
    /// [`poll_transmit`](Self::poll_transmit), but faster.
    ///
    /// Appends the end of each packet in `out` to `packets`.
    pub fn poll_transmit_batch(
        &mut self,
        now: Now,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
    ) {
        self.advance(now);
        self.write_batch(link, limits, out, packets);
    }

    fn write_batch(
        &mut self,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
    ) {
        let (before, bytes) = (packets.len(), out.len());
        // Output of the server itself is written one by one, and so is the first packet of a session.
        while limits.allow(packets.len().saturating_sub(before), out.len().saturating_sub(bytes)) {
            let Some(transmit) = self.write(link, out) else { return };
            packets.push((out.len(), transmit));
            let Some(found) = self.links.get(&link).filter(|found| !found.has_own_output()) else {
                continue;
            };
            for name in found.sessions.clone() {
                let done = packets.len().saturating_sub(before);
                let left = limits.less(done, out.len().saturating_sub(bytes));
                let now = self.now;
                self.write_session(name, |it, entropy| {
                    it.poll_transmit_batch(now, link, left, out, packets, entropy);
                });
            }
            if let Some((_, transmit)) = packets.last() {
                self.note_close(link, *transmit);
            }
        }
    }

    /// Records that a link was handed to the driver for closing.
    fn note_close(&mut self, link: LinkId, transmit: Transmit) {
        if transmit.then == AfterSend::Close
            && let Some(found) = self.links.get_mut(&link)
        {
            found.closing = true;
        }
    }

    /// Returns the next link that may have output.
    ///
    /// Poll it until it has no more. A driver that cannot write to it now polls it again once it is writable, and does
    /// not have to poll the other links.
    #[must_use]
    pub fn poll_link(&mut self) -> Option<LinkId> {
        loop {
            let link = self.ready.pop_front()?;
            if let Some(found) = self.links.get_mut(&link) {
                found.is_ready = false;
                return Some(link);
            }
        }
    }

    /// Returns `true` if a session uses the link, which proves that the peer has a key.
    #[must_use]
    pub fn has_session(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|link| !link.sessions.is_empty())
    }

    /// Returns the keys of the sessions that a link carries, a key for each session.
    pub fn link_keys(&self, link: LinkId) -> impl Iterator<Item = AuthKeyId> {
        let sessions = self.links.get(&link).map(|link| link.sessions.as_slice());
        sessions.unwrap_or_default().iter().map(|name| name.key)
    }

    /// Returns `true` if a session keeps up with its output: at most half of what may wait for
    /// acknowledgment does. `None` if the session is closed.
    // spec: session 11.7
    #[must_use]
    pub fn keeps_up(&self, session: SessionName) -> Option<bool> {
        self.sessions.get(&session).map(|entry| entry.session.keeps_up())
    }

    /// Returns `true` if packets should be read from a link; `false` while its sessions lag behind.
    // spec: session 11.7
    #[must_use]
    pub fn wants_packets(&self, link: LinkId) -> bool {
        let names = self.links.get(&link).map(|link| link.sessions.as_slice()).unwrap_or_default();
        let mut held = 0_usize;
        names.iter().filter_map(|name| self.sessions.get(name)).all(|entry| {
            held = held.saturating_add(entry.session.held_bytes());
            entry.session.wants_packets() && held < self.session_config.held_bytes_max
        })
    }

    /// Returns `true` if a session of a link has messages that were never written.
    #[must_use]
    pub fn has_unwritten(&self, link: LinkId) -> bool {
        let names = self.links.get(&link).map(|link| link.sessions.as_slice()).unwrap_or_default();
        let mut sessions = names.iter().filter_map(|name| self.sessions.get(name));
        sessions.any(|entry| entry.session.has_unwritten())
    }

    /// Returns the bytes that all sessions hold.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Returns the session that holds the most bytes, if any holds at least 64 KiB.
    #[must_use]
    pub fn greediest(&self) -> Option<SessionName> {
        self.greedy.last().map(|(_, name)| *name)
    }

    /// Returns the bytes that a session holds.
    #[must_use]
    pub fn held_bytes_of(&self, session: SessionName) -> usize {
        self.sessions.get(&session).map_or(0, |entry| entry.session.held_bytes())
    }

    /// Ends a session. Returns `true` if it existed.
    pub fn evict(&mut self, now: Now, session: SessionName) -> bool {
        self.advance(now);
        self.end_session(session, SessionEnd::Evicted)
    }

    /// Returns `true` if a link is to be closed: its input is not read any more, its last output may still
    /// have to be written.
    #[must_use]
    pub fn is_closing(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(Link::is_closing)
    }

    /// Returns the next pending job of a key exchange, if the configuration defers arithmetic.
    #[must_use]
    pub fn poll_work(&mut self) -> Option<(LinkId, ServerWork)> {
        self.jobs.pop_front()
    }

    /// Handles the result of a job.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] if the exchange failed; the link is closed.
    pub fn handle_work(
        &mut self,
        now: Now,
        link: LinkId,
        done: ServerWorkDone,
    ) -> Result<(), HandshakeError> {
        self.advance(now);
        let now = self.now;
        let Some(handshake) = self.handshake(link) else { return Ok(()) };
        let result = handshake.handle_work(now, done);
        self.settle_handshake(link);
        result
    }

    /// Returns the work done so far, for metrics.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.meter.spent()
    }

    /// Returns the work done for the last packet.
    #[must_use]
    pub const fn work_of_last_packet(&self) -> Work {
        self.packet_work
    }

    // ── time ───────────────────────────────────────────────────────────────────────────────────

    /// Returns the time to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.timers.first().map(|(at, timer)| Deadline::new(at, timer.reason()))
    }

    /// Handles all deadlines that have passed: retransmissions, expiries, ends of sessions.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        let now = self.now;
        for timer in self.timers.due(now) {
            match timer {
                Timer::Link(link) => {
                    if let Some(handshake) =
                        self.links.get_mut(&link).and_then(|link| link.handshake.as_mut())
                    {
                        handshake.handle_timeout(now);
                    }
                    self.settle_handshake(link);
                }
                Timer::Session(name) => {
                    self.with_session(name, |session| session.handle_timeout(now));
                }
                Timer::Key(key) => self.expire_key(key),
            }
        }
    }

    /// Records that a link may have output.
    fn wake(&mut self, link: LinkId) {
        wake(&mut self.links, &mut self.ready, link);
    }

    /// Advances the clock; monotonic time never steps back.
    fn advance(&mut self, now: Now) {
        self.started.get_or_insert(now.unix);
        self.now = Now { mono: now.mono.max(self.now.mono), unix: now.unix };
    }
}

fn wake(links: &mut BTreeMap<LinkId, Link>, ready: &mut VecDeque<LinkId>, link: LinkId) {
    if let Some(found) = links.get_mut(&link)
        && !core::mem::replace(&mut found.is_ready, true)
    {
        ready.push_back(link);
    }
}

impl Timer {
    const fn reason(self) -> &'static str {
        match self {
            Self::Link(_) => "key exchange",
            Self::Session(_) => "session",
            Self::Key(_) => "key expiry",
        }
    }
}

impl fmt::Debug for ServerMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerMachine")
            .field("keys", &self.keys.len())
            .field("links", &self.links.len())
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}
