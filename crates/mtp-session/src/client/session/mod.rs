//! The client's side of a session.
//!
//! ```text
//!            set_key            first valid packet
//!  [NoKey] ──────────▶ [Fresh] ────────────────────▶ [Open] ──── key destroyed, close ──▶ [Dead]
//!     ▲ temporary key │  ▲ ▲                           │
//!     │               ▼  │ └───── replaced session ────┘
//!     │            [Unbound]  bound
//!     └── drop_key ──── any
//! ```
//!
//! Without a link the session waits: that is a matter of its links, not another state.

mod calls;
mod receive;
mod recover;
mod results;
pub(crate) mod saved;
mod sent;
mod timers;
mod transmit;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use mtp_crypto::{AuthKeyId, MsgId, QuickAckToken, SessionId};
use mtp_env::{Entropy, Instant, Now};
use mtp_tl::{ConstructorId, Decoder};

use self::calls::{Body, Call, CallState, Calls, Knowledge};
use self::sent::Sent;
use crate::established::Established;
use crate::link::LinkId;
use crate::service::wrappers::{HELP_GET_CONFIG, HELP_GET_NEAREST_DC};
use crate::session::clock::Clock;
use crate::session::config::CALL_BYTES_MAX;
use crate::session::event::{CallError, Event, ResetCause};
use crate::session::link_state::{Link, LinkKind};
use crate::session::mutation::Mutation;
use crate::session::request::{BindInputs, RequestId, RequestOptions, SendError, Wrap, is_object};
use crate::session::salts::ClientSalts;
use crate::session::state::Base;

/// What a client's session has beyond the common state.
#[derive(Debug)]
pub(crate) struct ClientSide {
    phase: Phase,
    clock: Clock,
    salts: ClientSalts,
    calls: Calls,
    sent: Sent,
    init: Init,
    /// The server's incarnation of the session and the lowest id that it has said to have, once it told.
    incarnation: Option<(u64, MsgId)>,
    todo: Todo,
    questions: Vec<Question>,
    /// Drawn ahead, so that only writing needs entropy.
    next_session_id: SessionId,
    /// The session before this one, and when it ended.
    previous: Option<(SessionId, Instant)>,
    /// Something was written in this session.
    written: bool,
    /// When sessions were replaced lately.
    resets: VecDeque<Instant>,
    splitting: Splitting,
    /// Bytes of long results that nobody waited for.
    unwanted_bytes: usize,
    quick_acks: VecDeque<QuickAck>,
    /// When calls on the wire must be looked at.
    check_at: Option<Instant>,
    flush_at: Option<Instant>,
    destroying_key: Option<Instant>,
    /// The user looks on.
    online: bool,
    /// The key is a temporary one.
    needs_binding: bool,
    /// The key that the session belongs to, also while it is taken away.
    key_id: Option<AuthKeyId>,
}

/// The session's state.
// spec: session 12
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Calls queue, nothing is written.
    NoKey,
    /// The temporary key is not bound: only what may go before is written.
    Unbound,
    /// No packet of this session has been received.
    Fresh,
    /// Packets were received.
    Open,
    /// It is over.
    Dead,
}

/// Whether calls must be wrapped in `initConnection`.
// spec: session 9
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Init {
    Needed,
    Settled,
}

/// Service messages to write on any link.
#[derive(Debug, Default)]
struct Todo {
    resend: Vec<MsgId>,
    drop_answers: Vec<MsgId>,
    destroy_sessions: Vec<SessionId>,
    destroy_key: bool,
    /// The application waits for a pong, and the link of its ping is gone.
    ping: bool,
}

/// What follows a container that was refused as broken.
// spec: session 8.15
#[derive(Clone, Copy, Debug, Default)]
struct Splitting {
    /// Packets to come that hold one message each.
    singly: usize,
    /// Nothing was answered since.
    unproven: bool,
}

/// A request whose answer tells about messages.
#[derive(Debug)]
struct Question {
    msg_id: MsgId,
    link: LinkId,
    asked: Asked,
    ids: Vec<MsgId>,
    at: Instant,
}

/// What a question was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// `msgs_state_req` about our messages.
    State,
    /// `msg_resend_req` for the server's.
    Resend,
}

/// A packet for which a quick acknowledgement may come.
#[derive(Clone, Copy, Debug)]
struct QuickAck {
    token: QuickAckToken,
    packet: MsgId,
}

impl ClientSide {
    pub(crate) fn new(now: Now, base: &Base, entropy: &mut dyn Entropy) -> Self {
        // The largest container and all that is in it, should it be refused.
        let container = base.config.container_messages_max.saturating_add(1);
        let remembered = base.config.client.sent_max.max(container);
        Self {
            phase: Phase::NoKey,
            clock: Clock::new(now, 0),
            salts: ClientSalts::new(mtp_crypto::Salt::from_raw(0)),
            calls: Calls::new(),
            sent: Sent::new(remembered),
            init: Init::Needed,
            incarnation: None,
            todo: Todo::default(),
            questions: Vec::new(),
            next_session_id: draw_session_id(entropy),
            previous: None,
            written: false,
            resets: VecDeque::new(),
            splitting: Splitting::default(),
            unwanted_bytes: 0,
            quick_acks: VecDeque::new(),
            check_at: None,
            flush_at: None,
            destroying_key: None,
            online: false,
            needs_binding: false,
            key_id: None,
        }
    }

    /// Takes a key, in place of another if there is one.
    pub(crate) fn set_key(&mut self, base: &mut Base, now: Now, established: &Established) {
        if self.phase == Phase::Dead {
            return;
        }
        let key_id = established.key.id();
        let old = self.key_id.replace(key_id);
        if old.is_some_and(|old| old != key_id) {
            self.replace(base, now, ResetCause::NewKey, &[]);
            // Sessions of another key cannot be destroyed with this one.
            self.todo.destroy_sessions.clear();
        }
        if old != Some(key_id) {
            self.clock.set_offset(now, established.time_offset_ns);
            self.salts = ClientSalts::new(established.salt);
            self.need_init();
        }
        base.key = Some(established.key.clone());
        self.needs_binding = established.kind.is_temporary();
        self.phase = if self.needs_binding { Phase::Unbound } else { Phase::Fresh };
        self.calls.blocked = false;
    }

    /// Gives the key up: nothing is written until there is another.
    pub(crate) fn drop_key(&mut self, base: &mut Base) {
        if self.phase != Phase::Dead {
            base.key = None;
            self.phase = Phase::NoKey;
        }
    }

    /// Lets all calls be written: the temporary key is bound, or needs no binding.
    pub(crate) fn set_bound(&mut self) {
        if self.phase == Phase::Unbound {
            self.phase = Phase::Open;
            self.calls.blocked = false;
        }
        // The server keeps what a client says of itself with the binding.
        self.need_init();
    }

    /// Wraps calls again until one that is wrapped from now on has been answered.
    fn need_init(&mut self) {
        self.init = Init::Needed;
        for (_, flight) in self.calls.flights_mut() {
            flight.tells_init = false;
        }
    }

    pub(crate) fn request(
        &mut self,
        base: &mut Base,
        now: Now,
        body: &[u8],
        options: RequestOptions,
    ) -> Result<RequestId, SendError> {
        if !is_object(body) {
            return Err(SendError::NotAnObject { len: body.len() });
        }
        let wrapped = match &base.config.client.init {
            Some(init) if options.wrap == Wrap::AsNeeded => init.prefix().len(),
            _ => 0,
        };
        let max = CALL_BYTES_MAX.saturating_sub(wrapped).saturating_sub(AFTER_LEN);
        if body.len() > max {
            return Err(SendError::TooLong { len: body.len(), max });
        }
        self.check_room(base, body.len())?;
        let mut stored = base.buffers.take();
        if !options.pack || !base.pack(body, &mut stored) {
            stored.extend_from_slice(body);
        }
        self.insert(base, now, Body::Bytes(stored), options, may_precede_binding(body))
    }

    /// Queues the call that binds a temporary key.
    // spec: session 15
    pub(crate) fn bind(
        &mut self,
        base: &Base,
        now: Now,
        inputs: BindInputs,
    ) -> Result<RequestId, SendError> {
        let options = RequestOptions::new().bare();
        self.insert(base, now, Body::Bind(Box::new(inputs)), options, true)
    }

    fn check_room(&self, base: &Base, bytes: usize) -> Result<(), SendError> {
        let limits = &base.config.client;
        if self.phase == Phase::Dead {
            Err(SendError::Closed)
        } else if self.calls.len() >= limits.calls_max && !base.breaks(Mutation::CallsUnlimited) {
            Err(SendError::TooManyCalls { max: limits.calls_max })
        } else if self.calls.bytes().saturating_add(bytes) > limits.call_bytes_max {
            Err(SendError::TooManyBytes { max: limits.call_bytes_max })
        } else {
            Ok(())
        }
    }

    fn insert(
        &mut self,
        base: &Base,
        now: Now,
        body: Body,
        options: RequestOptions,
        before_binding: bool,
    ) -> Result<RequestId, SendError> {
        // The call that all others wait for needs no room among them.
        if !matches!(body, Body::Bind(_)) || self.phase == Phase::Dead {
            self.check_room(base, 0)?;
        }
        let call = Call {
            body,
            options,
            state: CallState::Queued,
            recoveries: 0,
            waits_for_end: false,
            before_binding,
        };
        let max = base.config.client.calls_max;
        let key = self.calls.insert(call).ok_or(SendError::TooManyCalls { max })?;
        if self.flush_at.is_none() {
            self.flush_at = Some(now.mono + base.config.client.flush_delay);
        }
        Ok(RequestId::new(key))
    }

    /// Ends a call for the application; if it is on the wire, the server is told.
    // spec: session 8.3
    pub(crate) fn cancel(&mut self, base: &mut Base, request: RequestId) -> Result<(), SendError> {
        let call = self.calls.remove(request.as_u64()).ok_or(SendError::UnknownCall)?;
        if let CallState::Out(flight) = call.state {
            self.todo.drop_answers.push(flight.label.msg_id);
        }
        Self::recycle(base, call);
        Ok(())
    }

    pub(crate) fn destroy_session(&mut self, base: &Base, session_id: SessionId) {
        let known = &mut self.todo.destroy_sessions;
        if session_id != base.session_id && !known.contains(&session_id) {
            known.push(session_id);
        }
    }

    pub(crate) const fn destroy_key(&mut self) {
        self.todo.destroy_key = true;
    }

    pub(crate) const fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    /// Ends the session: every call ends, nothing more is written or taken.
    pub(crate) fn close(&mut self, base: &mut Base) {
        self.phase = Phase::Dead;
        let keys: Vec<u64> = self.calls.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.fail(base, key, CallError::Closed);
        }
        for link in base.links.iter_mut() {
            link.closing = true;
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) const fn salt(&self) -> mtp_crypto::Salt {
        self.salts.current()
    }

    pub(crate) fn calls_open(&self) -> usize {
        self.calls.len()
    }

    /// Ends a call with an error of our own.
    fn fail(&mut self, base: &mut Base, key: u64, error: CallError) {
        if let Some(call) = self.calls.remove(key) {
            base.events.push(Event::Failed { request: RequestId::new(key), error });
            Self::recycle(base, call);
        }
    }

    fn recycle(base: &mut Base, call: Call) {
        if let Body::Bytes(bytes) = call.body {
            base.buffers.put(bytes);
        }
    }

    /// Lets the timer for calls fire at `at` or before.
    fn check_by(&mut self, at: Instant) {
        self.check_at = Some(self.check_at.map_or(at, |known| known.min(at)));
    }

    /// Pings a link; reports whether it can carry a ping.
    // spec: session 8.5
    pub(crate) fn ping(&self, base: &mut Base, link: LinkId) -> bool {
        let found = base.links.get_mut(link).filter(|link| can_ping(link));
        match found.filter(|_| self.phase != Phase::Dead) {
            Some(link) => {
                link.pings.due = true;
                link.pings.asked = true;
                true
            }
            None => false,
        }
    }

    /// Lets another link ping in place of one that is gone, now or as soon as there is one.
    fn ping_elsewhere(&mut self, base: &mut Base) {
        if let Some(link) = base.links.iter_mut().find(|link| can_ping(link)) {
            (link.pings.due, link.pings.asked) = (true, true);
            self.todo.ping = false;
        } else {
            self.todo.ping = true;
        }
    }

    /// Takes down what was known of calls on a link that is gone.
    // spec: session 11.4
    pub(crate) fn link_down(&mut self, base: &mut Base, now: Now, gone: &Link) {
        let link = gone.id;
        let answered = gone.kind.is_http() && gone.busy_until.is_none();
        if gone.pings.asked {
            self.ping_elsewhere(base);
        }
        let mut lost = Vec::new();
        for (key, flight) in self.calls.flights_mut() {
            match flight.knowledge {
                // Over HTTP a link that has answered may go without loss.
                Knowledge::Sent if flight.link == link && !answered => {
                    flight.knowledge = Knowledge::Unknown;
                    lost.push(key);
                }
                // It may have been written on an older link, and its arrival been told on this one.
                Knowledge::Acked if base.links.get(flight.link).is_none() => {
                    flight.knowledge = Knowledge::AckedBefore;
                    flight.checked_at = now.mono;
                }
                _ => {}
            }
        }
        lost.sort_unstable();
        for key in lost {
            self.calls.ask(key);
        }
        self.ask_again(base, |question| question.link == link);
        self.rebuild_bindings(|flight| flight.link == link);
        self.calls.blocked = false;
        self.be_heard(base);
        self.check_by(now.mono + timers::ACKED_BEFORE);
    }

    /// Asks anew what lost questions asked.
    fn ask_again(&mut self, base: &Base, is_lost: impl Fn(&Question) -> bool) {
        let (lost, kept) = core::mem::take(&mut self.questions).into_iter().partition(&is_lost);
        self.questions = kept;
        let lost: Vec<Question> = lost;
        for question in lost {
            match question.asked {
                Asked::State => {
                    for msg_id in question.ids {
                        if let Some(key) = self.call_of(msg_id) {
                            self.calls.ask(key);
                        }
                    }
                }
                Asked::Resend => {
                    for msg_id in question.ids {
                        self.want_resend(base, msg_id);
                    }
                }
            }
        }
    }

    /// Asks for a message of the server's unless it has come.
    fn want_resend(&mut self, base: &Base, msg_id: MsgId) {
        let missing = base.window.get(msg_id).is_none();
        if missing && !self.todo.resend.contains(&msg_id) && self.todo.resend.len() < RESEND_MAX {
            self.todo.resend.push(msg_id);
        }
    }

    /// Returns the open call that a message id stands for now.
    fn call_of(&self, msg_id: MsgId) -> Option<u64> {
        let sent::What::Call(key) = self.sent.get(msg_id)?.what else { return None };
        let flight = self.calls.flight(key)?;
        (flight.label.msg_id == msg_id).then_some(key)
    }

    /// Makes itself heard on a new link, and waits for calls that were acknowledged on one that is gone.
    // spec: session 12 (Fresh, Open: link up)
    pub(crate) fn link_up(&mut self, base: &mut Base, now: Now) {
        if base.breaks(Mutation::LinksReplaceSessions) {
            self.replace(base, now, ResetCause::Asked, &[]);
        }
        self.be_heard(base);
        if self.todo.ping {
            self.ping_elsewhere(base);
        }
        for (_, flight) in self.calls.flights_mut() {
            if flight.knowledge == Knowledge::AckedBefore {
                flight.checked_at = now.mono;
            }
        }
        self.calls.blocked = false;
        self.check_by(now.mono + timers::ACKED_BEFORE);
    }

    /// Pings links on which the server has not heard of the session: what it still has to say goes by others only.
    // spec: session 2
    fn be_heard(&self, base: &mut Base) {
        let wanted = self.written && base.config.client.ping;
        for link in base.links.iter_mut().filter(|link| !link.used && !link.kind.is_http()) {
            link.pings.due |= wanted;
        }
    }

    pub(crate) fn handle_quick_ack(&mut self, base: &mut Base, token: QuickAckToken) {
        let Some(position) = self.quick_acks.iter().position(|known| known.token == token) else {
            return;
        };
        let Some(quick_ack) = self.quick_acks.remove(position) else { return };
        for entry in self.sent.named(quick_ack.packet) {
            if let Some(key) = self.call_of(entry.msg_id)
                && self.calls.get(key).is_some_and(|call| call.options.quick_ack)
            {
                base.events.push(Event::QuickAcked { request: RequestId::new(key) });
            }
        }
    }
}

/// Reports whether a ping may go by a link, if it is wanted.
fn can_ping(link: &Link) -> bool {
    !link.closing && link.kind != LinkKind::HttpPoll
}

/// Draws a session id: never zero.
// spec: session 2
pub(crate) fn draw_session_id(entropy: &mut dyn Entropy) -> SessionId {
    loop {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        if bytes != [0; 8] {
            return SessionId::from_le_bytes(bytes);
        }
    }
}

/// Bytes of `invokeAfterMsg`.
const AFTER_LEN: usize = 12;
/// Messages of the server's that are asked for at a time.
const RESEND_MAX: usize = 8192;

// spec: session 12
fn may_precede_binding(body: &[u8]) -> bool {
    let id: Option<ConstructorId> = Decoder::new(body).peek_id();
    matches!(id, Some(HELP_GET_CONFIG | HELP_GET_NEAREST_DC))
}
