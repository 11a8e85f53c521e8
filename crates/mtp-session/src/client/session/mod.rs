//! A client session: calls, and everything that gets them answered.
//!
//! ```text
//!   request, cancel ─────▶ ┌───────────────┐ ─▶ poll_event
//!   handle_packet(link) ─▶ │ ClientSession │ ─▶ poll_transmit(link)
//!   link_up, link_down     └───────────────┘ ─▶ poll_timeout
//! ```
//!
//! The verbs may come in any order. After any of the others, ask `poll_transmit` for every link and `poll_event` until
//! both return `None`. A session without a link waits for one.
//!
//! | module | idea |
//! |---|---|
//! | `keys`, `binding` | the key and its states; binding a temporary key |
//! | `calls`, `sent` | open calls; which messages were sent lately |
//! | `receive`, `results`, `recover` | packets in: checks and dispatch; answers; refusals and losses |
//! | `questions` | requests for the state of messages that wait for an answer |
//! | `transmit` | packets out |
//! | `links`, `timers` | links that come, go or fall silent |
//! | `salts`, `clock` | the salt in use and the server's time |
//! | `saved` | the session as bytes |

mod binding;
mod calls;
mod clock;
mod config;
mod event;
mod keys;
mod links;
mod pings;
mod questions;
mod receive;
mod recover;
mod refusals;
mod request;
mod results;
mod salts;
mod saved;
mod sent;
mod slots;
mod timers;
mod transmit;

pub use self::config::{CALL_BYTES_MAX, ClientInfo, ClientSessionConfig, InitParams};
pub use self::event::{CallError, ClientSessionEvent, ResetCause};
pub use self::request::{
    BindInputs, Priority, Repetition, RequestError, RequestId, RequestOptions, Wrap,
};
pub use self::saved::SessionResumeError;

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{AuthKey, MsgId, QuickAckToken, Salt, SessionId, Side};
use mtp_env::{Entropy, Instant, Meter, Now, Work};

use self::binding::may_precede_binding;
use self::calls::{Body, Call, CallState, Calls};
use self::clock::Clock;
use self::event::Pending;
use self::keys::Keys;
use self::pings::ClientLink;
use self::questions::Questions;
use self::refusals::Refusals;
use self::request::service_message;
use self::salts::Salts;
use self::sent::Sent;
use crate::established::Established;
use crate::link::{BatchLimits, LinkId, Transmit};
use crate::session::acks::Acks;
use crate::session::arena::Events;
use crate::session::buffers::Buffers;
use crate::session::link_state::Links;
use crate::session::packing::Packing;
use crate::session::rules::Rules;
use crate::session::session_core::SessionCore;
use crate::session::transmitting;
use crate::session::window::Window;
use crate::session::{Discard, Ledger, Mutation, PacketError, is_object};

/// A session of one client.
///
/// Entropy is an argument of [`poll_transmit`](Self::poll_transmit), the only verb that draws some.
pub struct ClientSession {
    core: SessionCore<ClientLink>,
    config: Arc<ClientSessionConfig>,
    rules: Rules,
    events: Events<Pending>,
    keys: Keys,
    /// The session is over.
    closed: bool,
    clock: Clock,
    salts: Salts,
    calls: Calls,
    sent: Sent,
    init: Init,
    /// The server's incarnation of the session, and the lowest id that it claims to have received.
    incarnation: Option<(u64, MsgId)>,
    todo: Todo,
    questions: Questions,
    /// Drawn ahead, so that only writing needs entropy.
    next_session_id: SessionId,
    /// The previous session, and when it ended.
    previous: Option<(SessionId, Instant)>,
    /// Something was written in this session.
    written: bool,
    /// When sessions were replaced lately.
    resets: VecDeque<Instant>,
    /// Refusals in a row.
    refusals: Refusals,
    /// Number of messages that were not used.
    discards: u64,
    /// All work of packets, and the allowance of the packet being handled.
    meter: Meter,
    /// Work of the last packet.
    packet_work: Work,
    splitting: Splitting,
    /// Bytes of long results that belong to no open call.
    unwanted_bytes: usize,
    quick_acks: VecDeque<QuickAck>,
    /// When calls in flight must be checked.
    check_at: Option<Instant>,
    flush_at: Option<Instant>,
    destroying_key: Option<Instant>,
    /// The user is waiting: links are watched closely.
    online: bool,
}

/// Whether calls must be wrapped in `initConnection`.
// spec: session 9
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Init {
    Needed,
    Settled,
}

/// Service messages to write on any link.
#[derive(Debug, Default)]
struct Todo {
    resend: BTreeSet<MsgId>,
    drop_answers: Vec<MsgId>,
    destroy_sessions: Vec<SessionId>,
    destroy_key: bool,
    /// The application waits for a pong, and the link of its ping is gone.
    ping: bool,
}

/// Recovery from a container that was refused as invalid.
// spec: session 8.15
#[derive(Clone, Copy, Debug, Default)]
struct Splitting {
    /// Packets to come that hold one message each.
    singly: usize,
    /// Nothing has been answered since.
    unproven: bool,
}

/// A packet for which a quick acknowledgment may arrive.
#[derive(Clone, Copy, Debug)]
struct QuickAck {
    token: QuickAckToken,
    packet: MsgId,
}

impl ClientSession {
    /// Makes a session; calls wait until it gets a key.
    #[must_use]
    pub fn new(now: Now, config: Arc<ClientSessionConfig>, entropy: &mut dyn Entropy) -> Self {
        let session_id = draw_session_id(entropy);
        Self::with_id(now, config, session_id, entropy)
    }

    fn with_id(
        now: Now,
        config: Arc<ClientSessionConfig>,
        session_id: SessionId,
        entropy: &mut dyn Entropy,
    ) -> Self {
        let acks = Acks::new(config.ack_delay, config.ack_count);
        let rules = config.rules();
        let core = SessionCore {
            side: Side::Client,
            session_id,
            ledger: Ledger::new(acks, rules),
            window: Window::new(config.duplicates_max),
            links: Links::new(),
            buffers: Buffers::new(config.spare_bytes_max),
            packing: Packing::new(config.pack_from_bytes, config.unpacked_bytes_max),
            padding: config.padding,
        };
        // The largest container and all that is in it, should it be refused.
        let container = config.container_messages_max.saturating_add(1);
        let remembered = config.sent_max.max(container);
        Self {
            core,
            rules,
            events: Events::new(config.spare_bytes_max),
            config,
            keys: Keys::absent(None),
            closed: false,
            clock: Clock::new(now, 0),
            salts: Salts::new(Salt::from_raw(0)),
            calls: Calls::new(),
            sent: Sent::new(remembered),
            init: Init::Needed,
            incarnation: None,
            todo: Todo::default(),
            questions: Questions::default(),
            next_session_id: draw_session_id(entropy),
            previous: None,
            written: false,
            resets: VecDeque::new(),
            refusals: Refusals::default(),
            discards: 0,
            meter: Meter::default(),
            packet_work: Work::ZERO,
            splitting: Splitting::default(),
            unwanted_bytes: 0,
            quick_acks: VecDeque::new(),
            check_at: None,
            flush_at: None,
            destroying_key: None,
            online: false,
        }
    }

    // ── keys ───────────────────────────────────────────────────────────────────────────────────

    /// Takes a key, the first or another.
    ///
    /// With another key the session is replaced and everything open is sent again; calls keep their ids. A key that
    /// was dropped and is set again finds its session unchanged. With a temporary key calls wait until it is bound.
    pub fn set_key(&mut self, now: Now, established: &Established) {
        if self.closed {
            return;
        }
        let key_id = established.key.id();
        let old = self.keys.id();
        if old.is_some_and(|old| old != key_id) {
            self.replace_session(now, ResetCause::NewKey, &[]);
            // Sessions of another key cannot be destroyed with this one.
            self.todo.destroy_sessions.clear();
        }
        if old != Some(key_id) {
            self.clock.set_offset(now, established.time_offset_ns);
            self.salts = Salts::new(established.salt);
            self.need_init();
        }
        self.keys.set(established);
        self.calls.blocked = false;
    }

    /// Drops the key: calls wait for another.
    pub fn drop_key(&mut self) {
        if !self.closed {
            self.keys.drop_key();
        }
    }

    /// Wraps calls again until one that is wrapped from now on has been answered.
    fn need_init(&mut self) {
        self.init = Init::Needed;
        for (_, flight) in self.calls.flights_mut() {
            flight.carries_init = false;
        }
    }

    // ── application ────────────────────────────────────────────────────────────────────────────

    /// Queues a call.
    ///
    /// # Errors
    /// [`RequestError`]: the body is not an object or too long, or too much is queued.
    pub fn request(
        &mut self,
        now: Now,
        body: &[u8],
        options: RequestOptions,
    ) -> Result<RequestId, RequestError> {
        if !is_object(body) {
            return Err(RequestError::NotAnObject { len: body.len() });
        }
        if let Some(id) = service_message(body) {
            return Err(RequestError::ServiceMessage { id });
        }
        let wrapped = match &self.config.init {
            Some(init) if options.wrap == Wrap::AsNeeded => init.prefix().len(),
            _ => 0,
        };
        let max = CALL_BYTES_MAX.saturating_sub(wrapped).saturating_sub(AFTER_LEN);
        if body.len() > max {
            return Err(RequestError::TooLong { len: body.len(), max });
        }
        self.check_room(body.len())?;
        let mut stored = self.core.buffers.take();
        if !options.pack || !self.core.pack(body, &mut stored) {
            stored.extend_from_slice(body);
        }
        self.insert(now, Body::Bytes(stored), options, may_precede_binding(body))
    }

    fn check_room(&self, bytes: usize) -> Result<(), RequestError> {
        let limits = &self.config;
        if self.closed {
            Err(RequestError::Closed)
        } else if self.calls.len() >= limits.calls_max && !self.breaks(Mutation::CallsUnlimited) {
            Err(RequestError::TooManyCalls { max: limits.calls_max })
        } else if self.calls.bytes().saturating_add(bytes) > limits.call_bytes_max {
            Err(RequestError::TooManyBytes { max: limits.call_bytes_max })
        } else {
            Ok(())
        }
    }

    fn insert(
        &mut self,
        now: Now,
        body: Body,
        options: RequestOptions,
        before_binding: bool,
    ) -> Result<RequestId, RequestError> {
        // The call that all others wait for needs no room among them.
        if !matches!(body, Body::Bind(_)) || self.closed {
            self.check_room(0)?;
        }
        let call = Call {
            body,
            options,
            state: CallState::Queued,
            recoveries: 0,
            waits_for_end: false,
            before_binding,
        };
        let max = self.config.calls_max;
        let key = self.calls.insert(call).ok_or(RequestError::TooManyCalls { max })?;
        if self.flush_at.is_none() {
            self.flush_at = Some(now.mono + self.config.flush_delay);
        }
        Ok(RequestId::new(key))
    }

    /// Ends a call without an event. The server may have run it, or may still run it.
    ///
    /// # Errors
    /// [`RequestError::UnknownCall`] if it has ended already.
    // spec: session 8.3
    pub fn cancel(&mut self, request: RequestId) -> Result<(), RequestError> {
        let call = self.calls.remove(request.as_u64()).ok_or(RequestError::UnknownCall)?;
        if let CallState::Out(flight) = call.state {
            self.todo.drop_answers.push(flight.label.msg_id);
        }
        self.recycle(call);
        Ok(())
    }

    /// Asks the server to forget another session of the key.
    pub fn destroy_session(&mut self, session_id: SessionId) {
        let known = &mut self.todo.destroy_sessions;
        if session_id != self.core.session_id && !known.contains(&session_id) {
            known.push(session_id);
        }
    }

    /// Asks the server to destroy the key. A positive answer closes the session.
    pub const fn destroy_key(&mut self) {
        self.todo.destroy_key = true;
    }

    /// Sets whether the user is waiting: links are watched closely, as while calls are in flight.
    pub const fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    /// Replaces the session by a new one of the same key; everything open is sent again.
    pub fn replace(&mut self, now: Now) {
        self.replace_session(now, ResetCause::Asked, &[]);
    }

    /// Closes the session: open calls end with [`CallError::Closed`], links are closed.
    pub fn close(&mut self) {
        self.closed = true;
        let keys: Vec<u64> = self.calls.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.fail(key, CallError::Closed);
        }
        for link in self.core.links.iter_mut() {
            link.closing = true;
        }
    }

    // ── network ────────────────────────────────────────────────────────────────────────────────

    /// Opens a packet in place and handles it.
    ///
    /// # Errors
    /// [`PacketError`]: the packet changed nothing. Most errors [close the link](PacketError::closes_link).
    pub fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
    ) -> Result<(), PacketError> {
        let key = self.keys.key().ok_or(PacketError::NoKey)?;
        // spec: session 5.1#1
        let opened = self.core.version(link).open(key, Side::Server, packet)?;
        self.receive(now, link, &opened)
    }

    /// Handles a quick acknowledgment.
    pub fn handle_quick_ack(&mut self, token: QuickAckToken) {
        let Some(position) = self.quick_acks.iter().position(|known| known.token == token) else {
            return;
        };
        let Some(quick_ack) = self.quick_acks.remove(position) else { return };
        for entry in self.named(quick_ack.packet) {
            if let Some(key) = self.call_of(entry.msg_id)
                && self.calls.get(key).is_some_and(|call| call.options.quick_ack)
            {
                self.event(ClientSessionEvent::QuickAcked { request: RequestId::new(key) });
            }
        }
    }

    /// Appends one packet for `link`, if there is something to send.
    ///
    /// [`Outgoing::Nothing`](crate::link::Outgoing::Nothing) with [`AfterSend::Close`](crate::link::AfterSend::Close)
    /// asks to close the link.
    #[must_use]
    pub fn poll_transmit(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Option<Transmit> {
        transmitting::poll_transmit(self, now, link, out, entropy)
    }

    /// Appends several packets for `link`, as far as `limits` allow, and encrypts them together.
    ///
    /// Each entry of `packets` holds the end of its packet in `out`; packets are adjacent. The result is that of as
    /// many calls of [`poll_transmit`](Self::poll_transmit), faster.
    pub fn poll_transmit_batch(
        &mut self,
        now: Now,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
        entropy: &mut dyn Entropy,
    ) {
        transmitting::poll_transmit_batch(self, now, link, limits, out, packets, entropy);
    }

    // ── events ─────────────────────────────────────────────────────────────────────────────────

    /// Returns the next event; it borrows the session.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ClientSessionEvent<'_>> {
        self.events.pop().map(|(event, arena)| event.event(arena))
    }

    /// Returns the next event without removing it.
    pub(crate) fn peek_event(&self) -> Option<ClientSessionEvent<'_>> {
        self.events.peek().map(|(event, arena)| event.clone().event(arena))
    }

    // ── state ──────────────────────────────────────────────────────────────────────────────────

    /// Returns the session id, which changes only when the session is replaced.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        self.core.session_id
    }

    /// Returns the key, if there is one.
    #[must_use]
    pub const fn key(&self) -> Option<&Arc<AuthKey>> {
        self.keys.key()
    }

    /// Returns the salt in use.
    #[must_use]
    pub const fn salt(&self) -> Salt {
        self.salts.current()
    }

    /// Returns server time minus wall clock in nanoseconds, as the session estimates it.
    #[must_use]
    pub fn time_offset_ns(&self, now: Now) -> i64 {
        self.clock.offset_ns(now)
    }

    /// Returns the number of open calls.
    #[must_use]
    pub fn calls_open(&self) -> usize {
        self.calls.len()
    }

    /// Returns `true` if a packet of this session has been received since it was made or replaced.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        !self.closed && self.keys.is_open()
    }

    /// Returns `true` if the session is over.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns the work done for packets so far.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.meter.spent()
    }

    /// Returns the work done for the last packet.
    #[must_use]
    pub const fn work_of_last_packet(&self) -> Work {
        self.packet_work
    }

    /// Returns `true` if packets should be read: the application is not behind with its events.
    #[must_use]
    pub fn wants_packets(&self) -> bool {
        self.events.len_bytes() <= self.config.event_bytes_max
    }

    /// Returns `true` if events are pending.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Frees what can be made again, for sessions that are many and idle.
    pub fn trim(&mut self) {
        self.core.trim();
        self.events.trim();
        for link in self.core.links.iter_mut() {
            link.wing.pings.out.shrink_to_fit();
        }
    }

    // ── for the other modules ──────────────────────────────────────────────────────────────────

    fn breaks(&self, rule: Mutation) -> bool {
        self.rules.breaks(rule)
    }

    fn event(&mut self, event: ClientSessionEvent<'static>) {
        self.events.push(Pending::Plain(event));
    }

    /// Reports that something received was not used.
    fn discard(&mut self, msg_id: MsgId, reason: Discard) {
        self.discards = self.discards.wrapping_add(1);
        self.event(ClientSessionEvent::Discarded { msg_id, reason });
    }

    /// Ends all calls with a local error.
    fn fail_all(&mut self, error: CallError) {
        let keys: Vec<u64> = self.calls.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.fail(key, error);
        }
    }

    /// Ends a call with a local error.
    fn fail(&mut self, key: u64, error: CallError) {
        if let Some(call) = self.calls.remove(key) {
            self.event(ClientSessionEvent::Failed { request: RequestId::new(key), error });
            self.recycle(call);
        }
    }

    fn recycle(&mut self, call: Call) {
        if let Body::Bytes(bytes) = call.body {
            self.core.buffers.put(bytes);
        }
    }

    /// Schedules the check of calls for `at`, unless it is due before.
    fn check_by(&mut self, at: Instant) {
        self.check_at = Some(self.check_at.map_or(at, |known| known.min(at)));
    }

    /// Returns the open call whose current message id this is.
    fn call_of(&self, msg_id: MsgId) -> Option<u64> {
        let sent::SentKind::Call(key) = self.sent.get(msg_id)?.kind else { return None };
        let flight = self.calls.flight(key)?;
        (flight.label.msg_id == msg_id).then_some(key)
    }
}

/// Prints names and counts, never keys or bodies.
impl fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("session_id", &self.core.session_id)
            .field("key", &self.keys.key())
            .field("last_msg_id", &self.core.ledger.ids.last())
            .finish_non_exhaustive()
    }
}

/// Draws a session id: never zero.
// spec: session 2
fn draw_session_id(entropy: &mut dyn Entropy) -> SessionId {
    loop {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        if bytes != [0; 8] {
            return SessionId::from_le_bytes(bytes);
        }
    }
}

/// Work that any packet may cause at a client, whatever its length.
pub const CLIENT_WORK_PER_PACKET: u64 = 4096;
/// Work that each byte of a packet may cause at a client besides. A packed body may unpack to a thousand times its
/// length, which is 16 units for each byte, and has to be read then.
pub const CLIENT_WORK_PER_BYTE: u64 = 64;
/// Bytes of `invokeAfterMsg`.
const AFTER_LEN: usize = 12;
