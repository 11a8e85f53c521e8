//! One session of one key, client or server.
//!
//! A session numbers, packs, acknowledges and repeats messages; it remembers what it sent and what it
//! received, so that a call is answered once however often links break. It outlives its links and may use
//! several at once. It does no I/O: packets come in decrypted in place and go out into the caller's buffer.
//!
//! ```text
//!   request, cancel ─────▶ ┌─────────┐ ─▶ poll_event
//!   respond, push          │ Session │
//!   handle_packet(link) ─▶ │         │ ─▶ poll_transmit(link)
//!   link_up, link_down     └─────────┘ ─▶ poll_timeout
//! ```
//!
//! The five verbs may come in any order. After any of the others, ask `poll_transmit` for every link and
//! `poll_event` until both are `None`.
//!
//! | module | idea |
//! |---|---|
//! | `msg_id`, `seq_no` | how messages are labelled, and which labels are believed |
//! | `window` | the duplicate store |
//! | `salts`, `clock` | what the server demands and says of its time |
//! | `acks` | what must be acknowledged |
//! | `packer` | messages into one packet |
//! | `client` | calls: made, sent again, answered |
//! | `server` | calls: taken, answered, answers kept; pushes |
//! | `event` | what the application is told, and the arena that holds it |

pub(crate) mod acks;
pub(crate) mod buffers;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod event;
pub(crate) mod link_state;
pub(crate) mod msg_id;
pub(crate) mod mutation;
pub(crate) mod packer;
pub(crate) mod recent;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod salts;
pub(crate) mod seq_no;
pub(crate) mod slots;
pub(crate) mod state;
pub(crate) mod window;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{
    AuthKey, MsgId, Opened, QuickAckToken, Salt, SealJob, SessionId, Side, pad, seal_batch,
};
use mtp_env::{Deadline, Entropy, Now};

pub use self::config::{
    CALL_BYTES_MAX, ClientConfig, ClientInfo, InitParams, ServerConfig, SessionConfig,
};

pub use self::event::{CallError, Discard, Event, KeyOutcome, ResetCause};
use self::link_state::Held;
pub use self::link_state::LinkKind;
use self::msg_id::MsgIdGenerator;
pub(crate) use self::msg_id::is_too_old;
#[cfg(feature = "__mutations")]
pub use self::mutation::Mutation;
#[cfg(not(feature = "__mutations"))]
pub(crate) use self::mutation::Mutation;
pub use self::request::{
    BindInputs, IncomingId, Priority, PushId, Repetition, RequestId, RequestOptions, SendError,
    Wrap,
};
pub use self::salts::{KeySalts, ServerSalts};
pub use self::state::PacketError;
use self::state::{Base, Draft};
use crate::client::session::saved::SessionResumeError;
use crate::client::session::{ClientSide, Phase};
use crate::established::Established;
use crate::link::{AfterSend, BatchLimits, LinkId, Outgoing, Transmit};
use crate::server::Refusal;
use crate::server::session::ServerSide;
use crate::service::{HttpWait, RpcError};
use crate::version::Version;

/// One session of one key.
///
/// Entropy is an argument of [`poll_transmit`](Self::poll_transmit), the only verb that draws some, because a
/// server shares one source among all its sessions.
pub struct Session {
    base: Base,
    role: Role,
}

/// What differs between the sides.
enum Role {
    Client(Box<ClientSide>),
    Server(Box<ServerSide>),
}

impl Session {
    /// Makes a client's session; calls wait until it is given a key.
    #[must_use]
    pub fn client(now: Now, config: Arc<SessionConfig>, entropy: &mut dyn Entropy) -> Self {
        let base =
            Base::new(Side::Client, config, crate::client::session::draw_session_id(entropy));
        let role = Role::Client(Box::new(ClientSide::new(now, &base, entropy)));
        Self { base, role }
    }

    /// Makes a server's session, for a packet that has passed [`server_gate`](crate::server::server_gate).
    #[must_use]
    pub fn server(
        now: Now,
        key: Arc<AuthKey>,
        session_id: SessionId,
        salts: (Arc<ServerSalts>, KeySalts),
        config: Arc<SessionConfig>,
        entropy: &mut dyn Entropy,
    ) -> Self {
        let mut base = Base::new(Side::Server, config, session_id);
        base.key = Some(key);
        base.ids = MsgIdGenerator::scattered(entropy);
        let role = Role::Server(Box::new(ServerSide::new(now, salts.0, salts.1, entropy)));
        Self { base, role }
    }

    /// Makes a client's session from what [`save`](Self::save) gave; calls keep their ids and wait for the key.
    ///
    /// # Errors
    /// [`SessionResumeError`]: the bytes are damaged, or of an unknown version.
    pub fn resume(
        now: Now,
        saved: &[u8],
        config: Arc<SessionConfig>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, SessionResumeError> {
        let mut base = Base::new(Side::Client, config, SessionId::from_raw(0));
        let client = ClientSide::resume(&mut base, now, saved, entropy)?;
        Ok(Self { base, role: Role::Client(Box::new(client)) })
    }

    /// Returns a client's session as bytes: ids, numbers, salts, what was received, every open call.
    ///
    /// The key is not among them. A session that goes on after it was saved makes the bytes stale: save last, then
    /// drop it.
    #[must_use]
    pub fn save(&self, now: Now) -> Option<Vec<u8>> {
        match &self.role {
            Role::Client(client) => {
                let mut out = Vec::new();
                client.save(&self.base, now, &mut out);
                Some(out)
            }
            Role::Server(_) => None,
        }
    }

    // Keys of a client.

    /// Gives a client's session a key, the first or another.
    ///
    /// With another key the session is replaced and everything open is sent again; the calls keep their ids. A key
    /// that was taken away and is given back finds its session as it was. With a temporary key calls wait until it
    /// is bound.
    pub fn set_key(&mut self, now: Now, established: &Established) {
        if let Role::Client(client) = &mut self.role {
            client.set_key(&mut self.base, now, established);
        }
    }

    /// Takes the key from a client's session: calls wait for another.
    pub fn drop_key(&mut self) {
        if let Role::Client(client) = &mut self.role {
            client.drop_key(&mut self.base);
        }
    }

    /// Queues the call that binds the temporary key; a good answer lets the other calls go.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn bind(&mut self, now: Now, inputs: BindInputs) -> Result<RequestId, SendError> {
        let (base, client) = self.client_mut()?;
        client.bind(base, now, inputs)
    }

    /// Lets calls go although the temporary key was not bound in this session.
    pub fn set_bound(&mut self) {
        if let Role::Client(client) = &mut self.role {
            client.set_bound();
        }
    }

    // What an application asks for.

    /// Queues a call.
    ///
    /// # Errors
    /// [`SendError`]: the body is no object or too long, or too much is queued.
    pub fn request(
        &mut self,
        now: Now,
        body: &[u8],
        options: RequestOptions,
    ) -> Result<RequestId, SendError> {
        let (base, client) = self.client_mut()?;
        client.request(base, now, body, options)
    }

    /// Ends a call: no event will speak of it. It may have been run, or may still be.
    ///
    /// # Errors
    /// [`SendError::UnknownCall`] if it is over already.
    pub fn cancel(&mut self, request: RequestId) -> Result<(), SendError> {
        let (base, client) = self.client_mut()?;
        client.cancel(base, request)
    }

    /// Asks the server to forget another session of the key.
    pub fn destroy_session(&mut self, session_id: SessionId) {
        if let Role::Client(client) = &mut self.role {
            client.destroy_session(&self.base, session_id);
        }
    }

    /// Asks the server to destroy the key. A good answer closes the session.
    pub fn destroy_key(&mut self) {
        if let Role::Client(client) = &mut self.role {
            client.destroy_key();
        }
    }

    /// Pings a client's link now; [`Event::Pong`] says how long it took.
    ///
    /// Reports whether a ping will go: not by a link that is unknown or closing, nor by one that only waits for news.
    /// Should the link end before the pong, another link pings in its place, so that a ping which goes is answered.
    // spec: session 8.5
    pub fn ping(&mut self, link: LinkId) -> bool {
        match &mut self.role {
            Role::Client(client) => client.ping(&mut self.base, link),
            Role::Server(_) => false,
        }
    }

    /// Tells a client's session that somebody waits: links are watched closely, as while calls are out.
    pub fn set_online(&mut self, online: bool) {
        if let Role::Client(client) = &mut self.role {
            client.set_online(online);
        }
    }

    /// Replaces a client's session by a new one of the same key; everything open is sent again.
    pub fn replace(&mut self, now: Now) {
        if let Role::Client(client) = &mut self.role {
            client.replace(&mut self.base, now, ResetCause::Asked, &[]);
        }
    }

    /// Answers a call that a client made.
    ///
    /// # Errors
    /// [`SendError::UnknownCall`] if it was answered already; [`SendError::NotAnObject`].
    pub fn respond(&mut self, now: Now, to: IncomingId, body: &[u8]) -> Result<(), SendError> {
        let (base, server) = self.server_mut()?;
        server.respond(base, now, to, body)?;
        server.note_queued(base, now);
        Ok(())
    }

    /// Answers a call with an error.
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub fn respond_error(
        &mut self,
        now: Now,
        to: IncomingId,
        error: &RpcError<'_>,
    ) -> Result<(), SendError> {
        let (base, server) = self.server_mut()?;
        server.respond_error(base, now, to, error)?;
        server.note_queued(base, now);
        Ok(())
    }

    /// Sends an update to a client.
    ///
    /// If too many wait already, they are dropped for one `updatesTooLong`.
    ///
    /// # Errors
    /// [`SendError::NotAnObject`], [`SendError::WrongSide`].
    pub fn push(&mut self, now: Now, body: &[u8]) -> Result<PushId, SendError> {
        let (base, server) = self.server_mut()?;
        server.push(base, now, body)
    }

    /// Answers [`Event::DestroySession`].
    pub fn session_destroyed(&mut self, session_id: SessionId, existed: bool) {
        ServerSide::session_destroyed(&mut self.base, session_id, existed);
    }

    /// Answers [`Event::DestroyKey`].
    pub fn key_destroyed(&mut self, outcome: KeyOutcome) {
        ServerSide::key_destroyed(&mut self.base, outcome);
    }

    /// Ends the session: open calls end with [`CallError::Closed`], links are closed.
    pub fn close(&mut self) {
        match &mut self.role {
            Role::Client(client) => client.close(&mut self.base),
            Role::Server(server) => server.close(&mut self.base),
        }
    }

    // Links.

    /// Tells that a link can carry packets.
    pub fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        self.base.links.add(now, link, kind);
        if self.base.side == Side::Client {
            self.set_version(link, self.base.config.client.version);
        }
        match &mut self.role {
            Role::Client(client) => client.link_up(&mut self.base, now),
            Role::Server(server) => server.link_up(),
        }
    }

    /// Tells how the packets of a link are encrypted, where that is not the current version.
    pub(crate) fn set_version(&mut self, link: LinkId, version: Version) {
        if let Some(link) = self.base.links.get_mut(link) {
            link.version = version;
        }
    }

    /// Tells that a link is gone. What it carried is not lost: the session asks, or repeats.
    pub fn link_down(&mut self, now: Now, link: LinkId) {
        let Some(gone) = self.base.links.remove(link) else { return };
        match &mut self.role {
            Role::Client(client) => {
                client.link_down(&mut self.base, now, &gone);
            }
            Role::Server(server) => {
                server.link_down(&mut self.base, now);
                server.note_queued(&mut self.base, now);
            }
        }
    }

    // Network.

    /// Opens a packet in place and handles it.
    ///
    /// A server's session also passes it through the gate, and answers a refusal itself.
    ///
    /// # Errors
    /// [`PacketError`]: the packet changed nothing. Most of them [close the link](PacketError::closes_link).
    pub fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
    ) -> Result<(), PacketError> {
        let key = self.base.key.clone().ok_or(PacketError::NoKey)?;
        // spec: session 5.1#1
        let opened = self.base.version(link).open(&key, self.base.side.peer(), packet)?;
        if let Role::Server(server) = &self.role
            && let Err(refusal) = server.gate(now, &opened.header)
        {
            self.refuse(now, link, &refusal);
            return Ok(());
        }
        self.handle_opened(now, link, &opened)
    }

    /// Handles a packet that was opened with the session's key; at a server, one that passed [`server_gate`](crate::server::server_gate).
    ///
    /// # Errors
    /// As [`handle_packet`](Self::handle_packet).
    pub fn handle_opened(
        &mut self,
        now: Now,
        link: LinkId,
        opened: &Opened<'_>,
    ) -> Result<(), PacketError> {
        match &mut self.role {
            Role::Client(client) => client.receive(&mut self.base, now, link, opened),
            Role::Server(server) => server.receive(&mut self.base, now, link, opened),
        }
    }

    /// Answers a packet for this session that failed the gate.
    ///
    /// A packet that was handled before is somebody's repetition of it. A refusal would tell the client that it was
    /// not, and make it run its calls again.
    pub fn refuse(&mut self, now: Now, link: LinkId, refusal: &Refusal) {
        if let Some((header, reply)) = refusal.reply()
            && self.base.window.get(header.msg_id).is_none()
        {
            self.base.links.reply(link, reply);
        }
        // Over HTTP a refused packet is answered as well, and with nothing else to wait for.
        if let Some(link) = self.base.links.get_mut(link).filter(|link| link.kind.is_http()) {
            let wait = HttpWait { max_delay: 0, wait_after: 0, max_wait: 0 };
            link.held = Some(Held::new(now, wait));
        }
    }

    /// Takes a quick acknowledgement.
    pub fn handle_quick_ack(&mut self, token: QuickAckToken) {
        if let Role::Client(client) = &mut self.role {
            client.handle_quick_ack(&mut self.base, token);
        }
    }

    /// Takes an error code that a link's other end sent in place of a packet.
    pub fn handle_transport_error(&mut self, link: LinkId, code: i32) {
        if let Role::Client(client) = &mut self.role {
            client.handle_transport_error(&mut self.base, link, code);
        }
    }

    /// Appends one packet for `link`, if there is something to send.
    ///
    /// [`Outgoing::Nothing`] with [`AfterSend::Close`] asks to close the link.
    #[must_use]
    pub fn poll_transmit(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Option<Transmit> {
        let Some(draft) = self.write(now, link, out, entropy) else {
            return self.closing(link);
        };
        let Ok(token) = self.base.seal(link, draft, out, entropy) else {
            debug_assert!(false, "a packet made here can be sealed");
            out.truncate(draft.start);
            return None;
        };
        Some(self.transmit(draft, token))
    }

    /// Appends several packets for `link`, as far as `limits` allow, and encrypts them together.
    ///
    /// `packets` gets for each where it ends in `out`; they follow each other. What a link would get from as many
    /// calls of [`poll_transmit`](Self::poll_transmit), it gets from this, faster.
    pub fn poll_transmit_batch(
        &mut self,
        now: Now,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
        entropy: &mut dyn Entropy,
    ) {
        let (mut drafts, before) = (Vec::new(), out.len());
        if self.base.version(link) == Version::One {
            // Nobody made the old version fast: one by one.
            let mut sent = 0;
            while limits.allow(sent, out.len().saturating_sub(before)) {
                let Some(transmit) = self.poll_transmit(now, link, out, entropy) else { break };
                packets.push((out.len(), transmit));
                sent = sent.saturating_add(1);
            }
            return;
        }
        while limits.allow(drafts.len(), out.len().saturating_sub(before)) {
            let Some(draft) = self.write(now, link, out, entropy) else { break };
            if pad(out, draft.start, self.base.config.padding, entropy).is_err() {
                out.truncate(draft.start);
                break;
            }
            drafts.push((draft, out.len()));
        }
        let Some(key) = self.base.key.clone() else { return };
        let Some((first, _)) = drafts.first() else {
            packets.extend(self.closing(link).map(|closing| (out.len(), closing)));
            return;
        };
        let mut rest = out.get_mut(first.start..).unwrap_or_default();
        let mut jobs = Vec::with_capacity(drafts.len());
        for (draft, end) in &drafts {
            let (packet, after) =
                rest.split_at_mut_checked(end.saturating_sub(draft.start)).unwrap_or_default();
            rest = after;
            jobs.push(SealJob::new(&key, self.base.side, packet));
        }
        seal_batch(&mut jobs);
        let tokens: Vec<_> = jobs.into_iter().map(SealJob::into_result).collect();
        for ((draft, end), token) in drafts.into_iter().zip(tokens) {
            if let Ok(token) = token {
                packets.push((end, self.transmit(draft, token)));
            }
        }
    }

    /// Lets the session write with ids that it shares with others.
    pub(crate) fn share_ids<T>(
        &mut self,
        ids: &mut MsgIdGenerator,
        write: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if !self.base.config.breaks(Mutation::IdsOfItsOwn) {
            self.base.ids = *ids;
        }
        let written = write(self);
        *ids = self.base.ids;
        written
    }

    // Outputs and time.

    /// Returns the next event; it borrows the session.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'_>> {
        self.base.events.pop()
    }

    /// Returns the next event and leaves it.
    pub(crate) fn peek_event(&self) -> Option<Event<'_>> {
        self.base.events.peek()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        match &self.role {
            Role::Client(client) => client.deadline(&self.base),
            Role::Server(server) => server.deadline(&self.base),
        }
    }

    /// Does what is due. Calling it early does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        match &mut self.role {
            Role::Client(client) => client.handle_timeout(&mut self.base, now),
            Role::Server(server) => server.handle_timeout(&mut self.base, now),
        }
    }

    // What is known.

    /// Returns which side this is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.base.side
    }

    /// Returns the session's id, which changes only when a client replaces the session.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        self.base.session_id
    }

    /// Returns the key, if there is one.
    #[must_use]
    pub const fn key(&self) -> Option<&Arc<AuthKey>> {
        self.base.key.as_ref()
    }

    /// Returns the salt that a client uses.
    #[must_use]
    pub fn salt(&self) -> Option<Salt> {
        match &self.role {
            Role::Client(client) => Some(client.salt()),
            Role::Server(_) => None,
        }
    }

    /// Returns server time minus wall clock in nanoseconds as a client believes it; zero at a server.
    #[must_use]
    pub fn time_offset_ns(&self, now: Now) -> i64 {
        match &self.role {
            Role::Client(client) => client.clock().offset_ns(now),
            Role::Server(_) => 0,
        }
    }

    /// Returns how many calls of a client are open.
    #[must_use]
    pub fn calls_open(&self) -> usize {
        match &self.role {
            Role::Client(client) => client.calls_open(),
            Role::Server(_) => 0,
        }
    }

    /// Reports whether a packet of this session has been received since it was made or replaced.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        match &self.role {
            Role::Client(client) => client.phase() == Phase::Open,
            Role::Server(_) => true,
        }
    }

    /// Reports whether the session is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.role {
            Role::Client(client) => client.phase() == Phase::Dead,
            Role::Server(server) => server.is_gone(),
        }
    }

    /// Reports whether packets should be read: nothing is behind.
    #[must_use]
    pub fn wants_packets(&self) -> bool {
        let caught_up = self.base.events.len_bytes() <= self.base.config.event_bytes_max;
        caught_up
            && match &self.role {
                Role::Client(_) => true,
                Role::Server(server) => server.wants_packets(&self.base),
            }
    }

    /// Returns the highest id of a message that was received.
    pub(crate) fn last_received(&self) -> Option<MsgId> {
        self.base.window.last()
    }

    /// Reports whether events wait.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.base.events.is_empty()
    }

    /// Frees what can be made again, for sessions that are many and idle.
    ///
    /// A server's session does so by itself when its last link is gone, and when it wakes to find nothing left to do.
    pub fn trim(&mut self) {
        self.base.trim();
        if let Role::Server(server) = &mut self.role {
            server.trim();
        }
    }

    fn write(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Option<Draft> {
        match &mut self.role {
            Role::Client(client) => client.write(&mut self.base, now, link, out, entropy),
            Role::Server(server) => server.write(&mut self.base, now, link, out),
        }
    }

    fn transmit(&mut self, draft: Draft, token: QuickAckToken) -> Transmit {
        let quick_ack = draft.quick_ack.then_some(token);
        if let (Role::Client(client), Some(token)) = (&mut self.role, quick_ack) {
            client.expect_quick_ack(draft, token);
        }
        Transmit { what: Outgoing::Packet { quick_ack }, then: AfterSend::Keep }
    }

    /// Tells once that a link is to be closed.
    fn closing(&self, link: LinkId) -> Option<Transmit> {
        let closing = self.base.links.get(link).is_some_and(|link| link.closing);
        closing.then_some(Transmit { what: Outgoing::Nothing, then: AfterSend::Close })
    }

    fn client_mut(&mut self) -> Result<(&mut Base, &mut ClientSide), SendError> {
        match &mut self.role {
            Role::Client(client) => Ok((&mut self.base, client)),
            Role::Server(_) => Err(SendError::WrongSide),
        }
    }

    fn server_mut(&mut self) -> Result<(&mut Base, &mut ServerSide), SendError> {
        match &mut self.role {
            Role::Client(_) => Err(SendError::WrongSide),
            Role::Server(server) => Ok((&mut self.base, server)),
        }
    }
}

/// Prints names and counts, never keys or bodies.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("side", &self.base.side)
            .field("session_id", &self.base.session_id)
            .field("key", &self.base.key)
            .field("last_msg_id", &self.base.ids.last())
            .finish_non_exhaustive()
    }
}
