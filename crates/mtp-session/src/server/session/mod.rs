//! A server session: the calls of one client, the answers kept for it, and pushes.
//!
//! ```text
//!           first packet            last link down
//!  (none) ───────────────▶ [Live] ◀───────────────▶ [Parked]
//!                            │        packet on a link │
//!                            │ store full too long     │ idle too long
//!                            └───────▶ [Gone] ◀────────┘
//! ```
//!
//! A session exists from its first acceptable packet on; before that, [`server_gate`] answers without keeping anything.
//!
//! | module | idea |
//! |---|---|
//! | `gate` | checks before there is a session |
//! | `receive` | packets in: checks and dispatch |
//! | `calls` | calls that run or wait for others |
//! | `outgoing` | messages kept until they are acknowledged |
//! | `transmit` | packets out |
//! | `salts` | which salts are issued and accepted |

mod answer;
mod calls;
mod config;
mod event;
mod gate;
mod link;
mod outgoing;
mod receive;
mod salts;
mod transmit;

pub use self::answer::{AnswerError, IncomingId, PushId};
pub use self::config::ServerSessionConfig;
pub use self::event::{Cut, ServerSessionEvent};
pub use self::gate::{Refusal, StatelessReplies, server_gate};
pub use self::salts::{KeySalts, ServerSalts};

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{AuthKey, MsgId, Opened, SeqNo, SessionId, Side};
use mtp_env::{Deadline, Entropy, Instant, Meter, Now, Work};
use mtp_tl::{Constructor, Encode, Output};

use self::calls::{End, Incoming, Incomings};
use self::event::Pending;
use self::link::{Held, Link, ServerLink};
use self::outgoing::{MessageKind, Outgoing, Store};
use crate::link::{BatchLimits, LinkId, Transmit};
use crate::service::{
    HttpWait, RPC_ERROR, RpcAnswerDroppedRunning, RpcError, RpcResult, UpdatesTooLong,
};
use crate::session::acks::Acks;
use crate::session::arena::Events;
use crate::session::buffers::Buffers;
use crate::session::link_state::{LinkKind, Links};
use crate::session::msg_id::MsgIdGenerator;
use crate::session::packing::Packing;
use crate::session::reply::Reply;
use crate::session::rules::Rules;
use crate::session::session_core::SessionCore;
use crate::session::transmitting;
use crate::session::window::{Fate, Window};
use crate::session::{Discard, KeyOutcome, Ledger, Mutation, PacketError, is_object};
use crate::version::Version;

/// A session of one key at a server.
///
/// Entropy is an argument of [`poll_transmit`](Self::poll_transmit), because a server shares one source among all its
/// sessions.
pub struct ServerSession {
    core: SessionCore<ServerLink>,
    config: Arc<ServerSessionConfig>,
    rules: Rules,
    events: Events<Pending>,
    key: Arc<AuthKey>,
    salts: Arc<ServerSalts>,
    key_salts: KeySalts,
    /// Identifies this incarnation of the session.
    unique_id: u64,
    /// An earlier run of the server may have received ids below.
    floor: MsgId,
    /// The lowest id received.
    first_msg_id: Option<MsgId>,
    calls: Incomings,
    store: Store,
    pushes: u64,
    /// When calls or the store must be checked.
    check_at: Option<Instant>,
    /// Since when there is no link.
    parked_at: Option<Instant>,
    /// Since when the store is full.
    full_at: Option<Instant>,
    gone: bool,
    /// All work of the session, and the allowance of the packet being handled.
    meter: Meter,
    /// Work of the last packet.
    packet_work: Work,
}

impl ServerSession {
    /// Makes a session, for a packet that has passed [`server_gate`].
    #[must_use]
    pub fn new(
        now: Now,
        key: Arc<AuthKey>,
        session_id: SessionId,
        (salts, key_salts): (Arc<ServerSalts>, KeySalts),
        config: Arc<ServerSessionConfig>,
        entropy: &mut dyn Entropy,
    ) -> Self {
        let acks = Acks::new(config.ack_delay, config.ack_count);
        let rules = config.rules();
        let mut core = SessionCore {
            side: Side::Server,
            session_id,
            ledger: Ledger::new(acks, rules),
            window: Window::new(config.duplicates_max),
            links: Links::new(),
            buffers: Buffers::new(config.spare_bytes_max),
            packing: Packing::new(config.pack_from_bytes, config.unpacked_bytes_max),
            padding: config.padding,
        };
        core.ledger.ids = MsgIdGenerator::scattered(entropy);
        let mut unique_id = [0; 8];
        entropy.fill(&mut unique_id);
        Self {
            core,
            rules,
            events: Events::new(config.spare_bytes_max),
            config,
            key,
            salts,
            key_salts,
            unique_id: u64::from_le_bytes(unique_id),
            floor: MsgId::from_raw(0),
            first_msg_id: None,
            calls: Incomings::default(),
            store: Store::default(),
            pushes: 0,
            check_at: None,
            parked_at: Some(now.mono),
            full_at: None,
            gone: false,
            meter: Meter::default(),
            packet_work: Work::ZERO,
        }
    }

    /// Refuses messages with ids below `floor`, which an earlier run of the server may have received.
    pub(crate) const fn refuse_below(&mut self, floor: MsgId) {
        self.floor = floor;
    }

    /// Returns `true` if an earlier run of the server may have received a message with this id.
    pub(crate) fn is_below_floor(&self, msg_id: MsgId) -> bool {
        msg_id < self.floor
    }

    // ── application ────────────────────────────────────────────────────────────────────────────

    /// Answers a call.
    ///
    /// # Errors
    /// [`AnswerError::UnknownCall`] if it was answered already; [`AnswerError::NotAnObject`]; [`AnswerError::Full`] if the
    /// session would hold too much, until the client has acknowledged other answers.
    // spec: session 13
    pub fn answer(&mut self, now: Now, to: IncomingId, body: &[u8]) -> Result<(), AnswerError> {
        if !is_object(body) {
            return Err(AnswerError::NotAnObject { len: body.len() });
        }
        self.check_room(body)?;
        let call = self.calls.remove_running(to.msg_id()).ok_or(AnswerError::UnknownCall)?;
        self.end_call(now, &call, body);
        self.record_queued(now);
        Ok(())
    }

    /// Answers a call with an error.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn answer_error(
        &mut self,
        now: Now,
        to: IncomingId,
        error: &RpcError<'_>,
    ) -> Result<(), AnswerError> {
        let mut body = self.core.buffers.take();
        error.encode(&mut body);
        let result = self.answer(now, to, &body);
        self.core.buffers.put(body);
        result
    }

    /// Puts the answer to a call into the store, and passes on the calls that waited for it.
    fn end_call(&mut self, now: Now, call: &Incoming, body: &[u8]) {
        let end = self.conclude(call, body);
        self.release(now, call.msg_id, end);
    }

    /// Puts the answer to a call into the store; a dropped call gets `rpc_answer_dropped_running` instead.
    // spec: session 8.3
    fn conclude(&mut self, call: &Incoming, body: &[u8]) -> End {
        let failed = body.starts_with(&RPC_ERROR.get().to_le_bytes());
        if call.is_dropped() {
            let dropped = RpcAnswerDroppedRunning {}.to_bytes();
            self.keep_answer(call, &dropped);
            self.core.window.set_fate(call.msg_id, Fate::Dropped);
            return End::Failed;
        }
        self.keep_answer(call, body);
        self.core.window.set_fate(call.msg_id, Fate::Answered { failed });
        if failed { End::Failed } else { End::Succeeded }
    }

    fn keep_answer(&mut self, call: &Incoming, content: &[u8]) {
        self.meter.charge(ANSWER_WORK);
        self.meter.add(Work::of_bytes(content.len()));
        let mut body = self.core.buffers.take();
        RpcResult::ID.encode(&mut body);
        body.put(&call.msg_id.to_le_bytes());
        if !self.core.pack(content, &mut body) {
            body.put(content);
        }
        let answer = Outgoing::new(body, MessageKind::Answer(call.msg_id), Some(call.link));
        // A short answer may have taken as much work to make and to pack as a long one.
        self.store.push(answer.made_of(content.len()));
    }

    /// Sends an update to the client.
    ///
    /// If the store is full, all waiting pushes are replaced by one `updatesTooLong`.
    ///
    /// # Errors
    /// [`AnswerError::NotAnObject`].
    // spec: session 8.20
    pub fn push(&mut self, now: Now, body: &[u8]) -> Result<PushId, AnswerError> {
        if !is_object(body) {
            return Err(AnswerError::NotAnObject { len: body.len() });
        }
        self.pushes = self.pushes.saturating_add(1);
        let id = PushId::new(self.pushes);
        self.meter.add(Work::of_bytes(body.len()));
        let limits = &self.config;
        let bytes = self.store.bytes().saturating_add(body.len());
        if self.store.len() >= limits.unacked_max
            || bytes > limits.unacked_bytes_max
            || self.check_room(body).is_err()
        {
            let dropped = self.store.replace_pushes(UpdatesTooLong {}.to_bytes());
            self.event(ServerSessionEvent::PushesDropped { count: dropped.saturating_add(1) });
        } else {
            let mut stored = self.core.buffers.take();
            if !self.core.pack(body, &mut stored) {
                stored.put(body);
            }
            self.store.push(Outgoing::new(stored, MessageKind::Push(id), None));
        }
        self.record_queued(now);
        Ok(id)
    }

    /// Answers [`ServerSessionEvent::DestroySession`].
    // spec: session 8.8
    pub fn session_destroyed(&mut self, session_id: SessionId, existed: bool) {
        if let Some(link) = self.core.links.latest().map(|link| link.id) {
            self.core.links.reply(link, Reply::SessionDestroyed { session_id, existed });
        }
    }

    /// Answers [`ServerSessionEvent::DestroyKey`].
    // spec: session 8.9
    pub fn key_destroyed(&mut self, outcome: KeyOutcome) {
        if let Some(link) = self.core.links.latest().map(|link| link.id) {
            self.core.links.reply(link, Reply::KeyDestroyed(outcome));
        }
    }

    /// Ends the session; its links are closed.
    pub fn close(&mut self) {
        if !core::mem::replace(&mut self.gone, true) {
            self.event(ServerSessionEvent::SessionGone);
            for link in self.core.links.iter_mut() {
                link.closing = true;
            }
        }
    }

    // ── links ──────────────────────────────────────────────────────────────────────────────────

    /// Adds a link that can carry packets.
    ///
    /// At [`links_max`](ServerSessionConfig::links_max) the link that was read longest ago is removed first.
    pub fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        self.attach(now, link, kind);
    }

    /// Adds a link and returns the one that was removed for it.
    fn attach(&mut self, now: Now, link: LinkId, kind: LinkKind) -> Option<LinkId> {
        self.store.link_down(link);
        let mut displaced = None;
        if self.core.links.get(link).is_none()
            && self.core.links.len() >= self.config.links_max.max(1)
            && let Some(oldest) = self.core.links.least_read()
        {
            self.core.links.remove(oldest);
            self.store.link_down(oldest);
            displaced = Some(oldest);
        }
        self.core.links.add(now, link, kind, Version::default());
        self.store.link_up(link);
        self.parked_at = None;
        displaced
    }

    /// Sets how the packets of a link are encrypted.
    pub(crate) fn set_version(&mut self, link: LinkId, version: Version) {
        if let Some(link) = self.core.links.get_mut(link) {
            link.version = version;
        }
    }

    /// Removes a link. What it carried is not lost: it is sent again on another.
    // spec: session 13
    pub fn link_down(&mut self, now: Now, link: LinkId) {
        if self.core.links.remove(link).is_none() {
            return;
        }
        self.store.link_down(link);
        if self.core.links.is_empty() {
            self.parked_at = Some(now.mono);
            self.trim();
        }
        self.record_queued(now);
    }

    // ── network ────────────────────────────────────────────────────────────────────────────────

    /// Opens a packet in place, checks it with [`server_gate`] and handles it; a packet that fails the gate is answered.
    ///
    /// # Errors
    /// [`PacketError`]: the packet changed nothing. Most errors [close the link](PacketError::closes_link).
    pub fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
    ) -> Result<(), PacketError> {
        // spec: session 5.1#1
        let opened = self.core.version(link).open(&self.key, Side::Client, packet)?;
        if let Err(refusal) = server_gate(now, &opened.header, &self.salts, &self.key_salts) {
            self.refuse(now, link, &refusal);
            return Ok(());
        }
        self.handle_opened(now, link, &opened)
    }

    /// Handles a packet that was opened with the session's key and has passed [`server_gate`].
    ///
    /// # Errors
    /// As [`handle_packet`](Self::handle_packet).
    pub fn handle_opened(
        &mut self,
        now: Now,
        link: LinkId,
        opened: &Opened<'_>,
    ) -> Result<(), PacketError> {
        self.receive(now, (link, None), opened).map(|_| ())
    }

    /// Answers a packet for this session that failed the gate.
    ///
    /// A packet that was handled before is a replay. A refusal would make the client believe that the original was not
    /// handled, and send its calls again.
    pub fn refuse(&mut self, now: Now, link: LinkId, refusal: &Refusal) {
        if let Some((header, reply)) = refusal.reply()
            && self.core.window.get(header.msg_id).is_none()
        {
            self.core.links.reply(link, reply);
        }
        // Over HTTP a refused packet needs a response too, and there is nothing else to wait for.
        if let Some(link) = self.core.links.get_mut(link).filter(|link| link.kind.is_http()) {
            let wait = HttpWait { max_delay: 0, wait_after: 0, max_wait: 0 };
            link.wing.held = Some(Held::new(now, wait));
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
        let before = out.len();
        let transmit = transmitting::poll_transmit(self, now, link, out, entropy);
        self.meter.add(Work::of_bytes(out.len().saturating_sub(before)));
        transmit
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
        let before = out.len();
        transmitting::poll_transmit_batch(self, now, link, limits, out, packets, entropy);
        self.meter.add(Work::of_bytes(out.len().saturating_sub(before)));
    }

    /// Lets the session write with ids that it shares with other sessions.
    pub(crate) fn share_ids<T>(
        &mut self,
        ids: &mut MsgIdGenerator,
        write: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.core.ledger.adopt_ids(*ids);
        let written = write(self);
        *ids = self.core.ledger.ids;
        written
    }

    // ── events and time ────────────────────────────────────────────────────────────────────────

    /// Returns the next event; it borrows the session.
    ///
    /// A call is returned only while there is room for its answer: see
    /// [`output_bytes_max`](ServerSessionConfig::output_bytes_max). Otherwise it waits, and what came after it, until
    /// answers are written or acknowledged or calls end.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ServerSessionEvent<'_>> {
        self.skip_ended_calls();
        if self.is_held_back() {
            return None;
        }
        if let Some((Pending::Call(id, ..), _)) = self.events.peek() {
            self.calls.take(id.msg_id());
        }
        self.events.pop().map(|(event, arena)| event.event(arena))
    }

    /// Returns the next event without removing it.
    pub(crate) fn peek_event(&mut self) -> Option<ServerSessionEvent<'_>> {
        self.skip_ended_calls();
        if self.is_held_back() {
            return None;
        }
        self.events.peek().map(|(event, arena)| event.clone().event(arena))
    }

    /// Removes the events of calls that timed out before the application took them.
    fn skip_ended_calls(&mut self) {
        while let Some((Pending::Call(id, ..), _)) = self.events.peek()
            && !self.calls.runs(id.msg_id())
        {
            let _ = self.events.pop();
        }
    }

    /// Returns `true` if the next event is a call whose answer would have no room.
    fn is_held_back(&self) -> bool {
        let limits = &self.config;
        let reserved = self.calls.taken().saturating_mul(limits.answer_reserve);
        let output = self.store.unsent_bytes().saturating_add(reserved);
        (output >= limits.output_bytes_max || self.store.bytes() >= limits.unacked_bytes_max)
            && matches!(self.events.peek(), Some((Pending::Call(..), _)))
    }

    /// Does what is due; the next packets carry it out. An early call does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.gone {
            return;
        }
        self.core.ledger.acks.handle_timeout(now);
        self.events.release();
        if self.check_at.is_some_and(|at| at <= now.mono) {
            self.check_calls(now);
            let calls = self.calls.next_check(&self.config);
            let latest = self.core.links.latest().map(|link| link.id);
            let store = self.store.check(now.mono, self.config.repeats_max, latest);
            self.check_at = calls.into_iter().chain(store).min();
            if self.check_at.is_none() && self.store.len() == 0 {
                self.trim();
            }
        }
        for link in self.core.links.iter_mut() {
            if link.wing.disconnect_at.is_some_and(|at| at <= now.mono) {
                link.closing = true;
            }
        }
        self.mark_due(now);
        let full = self.is_full();
        self.full_at = full.then(|| self.full_at.unwrap_or(now.mono));
        let limits = &self.config;
        let over = |since: Option<Instant>, keep| since.is_some_and(|at| at + keep <= now.mono);
        if over(self.parked_at, limits.idle_keep) || over(self.full_at, limits.full_max) {
            self.close();
        }
    }

    /// Marks HTTP links whose response is due: a link that cannot take it now is polled when it can, and
    /// needs no further wake-up.
    fn mark_due(&mut self, now: Now) {
        let due = |link: &&Link| self.http_due(link).is_some_and(|at| at <= now.mono);
        let due: Vec<LinkId> = self.core.links.iter().filter(due).map(|link| link.id).collect();
        for id in due {
            if let Some(held) = self.core.links.get_mut(id).and_then(|link| link.wing.held.as_mut())
            {
                held.is_due = true;
            }
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) must be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        if self.gone {
            return None;
        }
        let limits = &self.config;
        let named = |at: Option<Instant>, reason| at.map(|at| Deadline::new(at, reason));
        let mut next = Deadline::earliest(
            named(self.check_at, "calls"),
            named(self.parked_at.map(|at| at + limits.idle_keep), "idle session"),
        );
        next =
            Deadline::earliest(next, named(self.full_at.map(|at| at + limits.full_max), "store"));
        if self.parked_at.is_none() {
            next = Deadline::earliest(next, self.core.ledger.acks.deadline());
        }
        for link in self.core.links.iter().filter(|link| !link.closing) {
            next = Deadline::earliest(next, named(link.wing.disconnect_at, "disconnect"));
            if link.wing.held.is_some_and(|held| !held.is_due) {
                next = Deadline::earliest(next, named(self.http_due(link), "http"));
            }
        }
        next
    }

    // ── state ──────────────────────────────────────────────────────────────────────────────────

    /// Returns the session id.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        self.core.session_id
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &Arc<AuthKey> {
        &self.key
    }

    /// Returns the work done so far, for packets, answers and pushes.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.meter.spent()
    }

    /// Returns the work done for the last packet.
    #[must_use]
    pub const fn work_of_last_packet(&self) -> Work {
        self.packet_work
    }

    /// Returns `true` if the session is over.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.gone
    }

    /// Returns `true` if packets should be read: neither the application nor the client is behind.
    ///
    /// Messages that were written and not acknowledged do not count: their acknowledgments have to be read.
    // spec: session 11.7
    #[must_use]
    pub fn wants_packets(&self) -> bool {
        self.events.len_bytes() <= self.config.event_bytes_max
            && self.calls.len() < self.config.running_max
            && self.store.unsent() < self.config.unacked_max
            && self.store.unsent_bytes() < self.config.unacked_bytes_max
            && (self.held_bytes() < self.config.held_bytes_max
                || self.breaks(Mutation::HeldUnlimited))
            && !self.core.links.is_behind()
    }

    pub(crate) const fn has_unwritten(&self) -> bool {
        self.store.unsent() > 0
    }

    /// Returns the bytes that the session holds: events, calls, replies, messages until they are acknowledged.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let input = self.events.held_bytes().saturating_add(self.calls.held_bytes());
        let output = self.store.held_bytes().saturating_add(self.core.links.reply_bytes());
        input.saturating_add(output)
    }

    /// Checks that the session may hold another body.
    fn check_room(&self, body: &[u8]) -> Result<(), AnswerError> {
        let max = self.config.held_bytes_max;
        let held = self.held_bytes().saturating_add(body.len());
        if held > max && !self.breaks(Mutation::HeldUnlimited) {
            Err(AnswerError::Full { max })
        } else {
            Ok(())
        }
    }

    /// Returns `true` if at most half of what may wait for acknowledgment does.
    pub(crate) fn keeps_up(&self) -> bool {
        let limits = &self.config;
        let half = |limit: usize| limit.div_ceil(2);
        self.store.len() < half(limits.unacked_max)
            && self.store.bytes() < half(limits.unacked_bytes_max)
    }

    fn is_full(&self) -> bool {
        let limits = &self.config;
        self.store.len() >= limits.unacked_max || self.store.bytes() >= limits.unacked_bytes_max
    }

    /// Returns the sequence number of a message that needs no acknowledgment and is written outside of the session.
    pub(crate) fn service_number(&mut self) -> SeqNo {
        self.core.ledger.numbers.service()
    }

    /// Returns `true` if a message was received, as far as it is remembered.
    pub(crate) fn has_received(&self, msg_id: MsgId) -> bool {
        self.core.window.get(msg_id).is_some()
    }

    /// Returns the highest message id that was received.
    pub(crate) fn last_received(&self) -> Option<MsgId> {
        self.core.window.last()
    }

    /// Returns `true` if [`poll_event`](Self::poll_event) may return an event now.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty() && !self.is_held_back()
    }

    /// Frees what can be made again, for sessions that are many and idle.
    ///
    /// A session does so by itself when its last link is gone, and when a timer finds nothing left to do.
    pub fn trim(&mut self) {
        self.core.trim();
        self.events.trim();
        self.calls.trim();
        self.store.trim();
    }

    // ── for the other modules ──────────────────────────────────────────────────────────────────

    fn breaks(&self, rule: Mutation) -> bool {
        self.rules.breaks(rule)
    }

    fn event(&mut self, event: ServerSessionEvent<'static>) {
        self.events.push_bare(Pending::Plain(event));
    }

    /// Reports that something received was not used.
    fn discard(&mut self, msg_id: MsgId, reason: Discard) {
        self.event(ServerSessionEvent::Discarded { msg_id, reason });
    }

    /// Schedules the check of calls and the store for `at`, unless it is due before.
    fn check_by(&mut self, at: Instant) {
        self.check_at = Some(self.check_at.map_or(at, |known| known.min(at)));
    }
}

/// Prints names and counts, never keys or bodies.
impl fmt::Debug for ServerSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("session_id", &self.core.session_id)
            .field("key", &self.key)
            .field("last_msg_id", &self.core.ledger.ids.last())
            .finish_non_exhaustive()
    }
}

/// Work that any packet may cause, whatever its length: a call with an answer of the session, some bookkeeping.
pub const WORK_PER_PACKET: u64 = 4096;
/// Work that each byte of a packet may cause besides. Containers of small calls need less than one unit for a byte; a
/// packed body may unpack to a thousand times its length.
pub const WORK_PER_BYTE: u64 = 16;
/// Look-ups and entries of an answer.
const ANSWER_WORK: u64 = 4;
