//! Packets in: checks in order, then one handler for each message.

use alloc::vec::Vec;

use mtp_crypto::{MsgId, MsgIdKind, Opened};
use mtp_env::{Now, Work};
use mtp_tl::{Constructor, ConstructorId, Decoder, Encode};

use super::calls::{End, WAIT_FAILED};
use super::link::Held;
use super::outgoing::{MessageKind, Outgoing, Retransmit};
use super::{Cut, IncomingId, ServerSession, ServerSessionEvent, WORK_PER_BYTE, WORK_PER_PACKET};
use crate::link::LinkId;
use crate::service::{
    self, Container, GzipPacked, HttpWait, InnerMessage, MSG_CONTAINER, Message, MessageState,
    MsgIds, MsgResendReq, NewSessionCreated, PingDelayDisconnect, Pong, RpcAnswerDropped,
    RpcAnswerDroppedRunning, RpcAnswerUnknown, RpcError, RpcResult, Wrappers,
};
use crate::session::packing::UnpackBudget;
use crate::session::reply::Reply;
use crate::session::seq_no::{Label, OrderError, is_content_related};
use crate::session::window::{Fate, Received, Verdict};
use crate::session::{Discard, LinkKind, Mutation, PacketError};
use crate::version::Version;

/// State of a packet while its messages are handled.
struct Receipt {
    now: Now,
    link: LinkId,
    budget: UnpackBudget,
    /// The message is the whole packet.
    alone: bool,
    /// The message is inside a `msg_copy`. Nested copies are rejected, packed or not, to bound the depth.
    copied: bool,
    /// How the link may be attached to the session.
    way: Option<Way>,
    /// A message of the packet was never received before.
    is_new: bool,
    /// The link that was given up for this one.
    displaced: Option<LinkId>,
}

/// A link of the server that the session does not use yet.
pub(crate) type Way = (LinkKind, Version);

/// What a packet was to the session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// A message of the packet was never received before: the packet is no replay.
    pub(crate) is_new: bool,
    /// The link that was given up for that of the packet.
    pub(crate) displaced: Option<LinkId>,
}

impl ServerSession {
    /// Handles one packet that has passed the gate.
    ///
    /// Only a message that was never received attaches the link to the session and freshens it: a third party can repeat
    /// a packet on a link of its own.
    // spec: session 5.2
    pub(crate) fn receive(
        &mut self,
        now: Now,
        (link, way): (LinkId, Option<Way>),
        opened: &Opened<'_>,
    ) -> Result<Arrival, PacketError> {
        if self.gone {
            return Err(PacketError::Closed);
        }
        if opened.header.session_id != self.core.session_id {
            return Err(PacketError::WrongSession);
        }
        if self.events.len_bytes() > self.config.event_bytes_max
            || self.calls.len() >= self.config.running_max
            || self.held_bytes() >= self.config.held_bytes_max
                && !frees(opened.body)
                && !self.breaks(Mutation::HeldUnlimited)
        {
            return Err(PacketError::Backlog);
        }
        let label = Label { msg_id: opened.header.msg_id, seq_no: opened.header.seq_no };
        self.hold_response(now, link);
        let before = self.meter.spent();
        self.meter.allow(allowance(opened.body.len()));
        self.meter.add(Work::of_bytes(opened.body.len()));
        let budget = self.core.packing.budget();
        let (is_new, displaced) = (false, None);
        let mut receipt =
            Receipt { now, link, budget, alone: true, copied: false, way, is_new, displaced };
        self.outer(&mut receipt, label, opened.body);
        if !self.is_full() {
            // Answers and pushes may fill the store again before a timer looks at it: that is a new beginning.
            self.full_at = None;
        }
        self.record_queued(now);
        self.packet_work = self.meter.spent() - before;
        Ok(Arrival { is_new: receipt.is_new, displaced: receipt.displaced })
    }

    /// Over HTTP every packet needs a response.
    fn hold_response(&mut self, now: Now, link: LinkId) {
        if let Some(link) = self.core.links.get_mut(link).filter(|link| link.kind.is_http()) {
            link.wing.held = Some(Held::new(now, HttpWait::DEFAULT));
        }
    }

    /// Records that the packet is new: its link is attached and is the latest.
    fn note_new(&mut self, receipt: &mut Receipt) {
        if core::mem::replace(&mut receipt.is_new, true) {
            return;
        }
        let (now, link) = (receipt.now, receipt.link);
        if self.core.links.get(link).is_none()
            && let Some((kind, version)) = receipt.way
        {
            receipt.displaced = self.attach(now, link, kind);
            self.set_version(link, version);
            self.hold_response(now, link);
        }
        if let Some(link) = self.core.links.get_mut(link) {
            link.read_at = now.mono;
        }
    }

    /// Returns `true` if a message was never received and may be.
    fn is_new(&self, msg_id: MsgId) -> bool {
        msg_id.kind() == MsgIdKind::Client
            && msg_id >= self.floor
            && self.core.window.check(msg_id) == Verdict::New
    }

    fn outer(&mut self, receipt: &mut Receipt, label: Label, body: &[u8]) {
        match constructor(body) {
            Some(MSG_CONTAINER) => self.container(receipt, label, body),
            Some(GzipPacked::ID) => {
                let mut content = self.core.buffers.take();
                let unpacked = self.unpack(receipt, body, &mut content);
                if unpacked && constructor(&content) == Some(MSG_CONTAINER) {
                    self.container(receipt, label, &content);
                } else {
                    self.single(receipt, label, body);
                }
                self.core.buffers.put(content);
            }
            _ => self.single(receipt, label, body),
        }
    }

    fn single(&mut self, receipt: &mut Receipt, label: Label, body: &[u8]) {
        if self.is_new(label.msg_id) {
            self.note_new(receipt);
            self.greet(receipt.now, label.msg_id);
        }
        self.message(receipt, label, body);
    }

    // spec: session 8.11
    fn container(&mut self, receipt: &mut Receipt, label: Label, body: &[u8]) {
        // spec: session 5.2#6, 3.5; crypto 5#9, 17#23
        match self.core.window.check(label.msg_id) {
            Verdict::New => {}
            Verdict::Duplicate => return self.refuse_message(receipt.link, label, 19),
            Verdict::TooOld => return self.refuse_message(receipt.link, label, 20),
        }
        if is_content_related(label.seq_no) {
            self.note_new(receipt);
            self.remember(label, Fate::Refused);
            return self.refuse_message(receipt.link, label, 34);
        }
        // spec: session 5.2#7; crypto 5#12
        let Ok(container) = Container::parse(label.msg_id, label.seq_no, body) else {
            self.note_new(receipt);
            self.remember(label, Fate::Refused);
            return self.refuse_message(receipt.link, label, 64);
        };
        self.meter.charge(container.iter().count() as u64);
        // A container of which everything was received may be a replay of one that was cut.
        if container.iter().next().is_none()
            || container.iter().any(|inner| self.is_new(inner.msg_id))
        {
            self.note_new(receipt);
        }
        let accepted = container.iter().map(|inner| inner.msg_id).filter(|id| *id >= self.floor);
        let lowest = accepted.min().unwrap_or(label.msg_id);
        // spec: session 5.2#9
        self.greet(receipt.now, lowest);
        receipt.alone = false;
        // spec: session 5.2#10
        let mut messages = container.iter();
        while let Some(InnerMessage { msg_id, seq_no, body }) = messages.next() {
            if let Some(cause) = self.cut(body) {
                let refused = messages.count().saturating_add(1);
                self.event(ServerSessionEvent::PacketCut { msg_id: label.msg_id, refused, cause });
                // Not remembered: what was refused may come again, even in the same packet.
                return;
            }
            self.message(receipt, Label { msg_id, seq_no }, body);
        }
        // Its number is compared with later messages, not with its members.
        let is_ordered = self.check_order(label).is_ok();
        self.remember(label, if is_ordered { Fate::Handled } else { Fate::Disordered });
    }

    /// Returns why no further message of the packet may be handled.
    fn cut(&self, next: &[u8]) -> Option<Cut> {
        if self.meter.is_spent() && !self.breaks(Mutation::WaitersSearched) {
            Some(Cut::Work)
        } else if self.held_bytes() >= self.config.held_bytes_max
            && !frees(next)
            && !self.breaks(Mutation::HeldUnlimited)
        {
            Some(Cut::Memory)
        } else {
            None
        }
    }

    /// Remembers that a message was received.
    fn remember(&mut self, label: Label, fate: Fate) {
        let moved = self.core.window.insert(label, fate);
        self.meter.charge(MESSAGE_WORK);
        self.meter.add(Work::of_bytes(moved.saturating_mul(size_of::<Received>())));
    }

    fn check_order(&mut self, label: Label) -> Result<(), OrderError> {
        let mut walked = 0;
        let result = self.core.window.check_order(label, &mut walked);
        self.meter.charge(walked as u64);
        result
    }

    /// Queues `new_session_created`, which names the first message that the session keeps.
    // spec: session 8.10
    // spec: session 20#23
    fn greet(&mut self, now: Now, lowest: MsgId) {
        let is_known = self.first_msg_id.is_some_and(|first| first <= lowest);
        if is_known || self.breaks(Mutation::NoGreeting) {
            return;
        }
        self.first_msg_id = Some(lowest);
        let created = NewSessionCreated {
            first_msg_id: lowest,
            unique_id: self.unique_id,
            server_salt: self.key_salts.current(&self.salts, now.unix),
        };
        let body = created.to_bytes();
        // An unwritten notification covers less than this one, and would arrive after it.
        if !self.store.change_greeting(&body) {
            self.store.push_greeting(Outgoing::new(body, MessageKind::NewSession, None));
        }
    }

    /// Checks and handles one message, alone or in a container.
    fn message(&mut self, receipt: &mut Receipt, label: Label, body: &[u8]) {
        self.handle(receipt, label, body);
        if self.calls.any_waits() {
            // A call may wait for a message that turns out not to be a call.
            let fate = self.core.window.get(label.msg_id).map(|received| received.fate);
            if matches!(fate, Some(Fate::Handled | Fate::Refused)) {
                self.release(receipt.now, label.msg_id, End::Failed);
            }
        }
    }

    fn handle(&mut self, receipt: &mut Receipt, label: Label, body: &[u8]) {
        let link = receipt.link;
        // spec: session 5.2#8; crypto 5#12
        if label.msg_id.kind() != MsgIdKind::Client {
            return self.refuse_message(link, label, 18);
        }
        match self.core.window.check(label.msg_id) {
            Verdict::New => {}
            Verdict::Duplicate if self.breaks(Mutation::CallsRunAgain) => {}
            Verdict::Duplicate => return self.on_duplicate(receipt, label),
            Verdict::TooOld if self.held_state(label.msg_id).is_some() => {
                return self.on_duplicate(receipt, label);
            }
            Verdict::TooOld => return self.refuse_message(link, label, 20),
        }
        if label.msg_id < self.floor {
            return self.refuse_message(link, label, 16);
        }
        let message = Message::parse(body);
        let numbers = self.check_numbers(receipt.alone, label, message.as_ref().ok());
        if let Err(code) = numbers
            && !self.breaks(Mutation::CallsRunAgain)
        {
            self.remember(label, Fate::Refused);
            return self.refuse_message(link, label, code);
        }
        self.remember(label, Fate::Handled);
        match message {
            Ok(Message::GzipPacked(packed)) => {
                let mut content = self.core.buffers.take();
                let unpacks = self.core.unpack(&packed, &mut receipt.budget, &mut content).is_ok();
                self.meter.add(Work::of_bytes(content.len()));
                match Message::parse(&content) {
                    Ok(message) if unpacks => self.on_message(receipt, label, &message),
                    _ => self.on_unreadable_call(receipt, label),
                }
                self.core.buffers.put(content);
            }
            Ok(message) => self.on_message(receipt, label, &message),
            Err(_) => {
                if is_content_related(label.seq_no) {
                    self.core.ledger.ack(receipt.now, label.msg_id);
                }
                self.discard(label.msg_id, Discard::Malformed);
            }
        }
    }

    // In the order of the table in the specification.
    fn on_message(&mut self, receipt: &mut Receipt, label: Label, message: &Message<'_>) {
        let (now, link, msg_id) = (receipt.now, receipt.link, label.msg_id);
        if let Message::Object(body) = message {
            return self.on_call(receipt, label, body);
        }
        if is_content_related(label.seq_no) {
            self.core.ledger.ack(now, msg_id);
        }
        match message {
            Message::RpcDropAnswer(request) => {
                self.on_drop_answer(receipt, msg_id, request.req_msg_id);
            }
            Message::GetFutureSalts(request) => {
                self.core
                    .links
                    .reply(link, Reply::FutureSalts { req_msg_id: msg_id, num: request.num });
            }
            Message::Ping(ping) => {
                self.core.links.reply(link, Reply::Pong(Pong { msg_id, ping_id: ping.ping_id }));
            }
            Message::PingDelayDisconnect(ping) => self.on_ping(now, link, msg_id, ping),
            Message::DestroySession(request) if request.session_id == self.core.session_id => {
                let session_id = request.session_id;
                self.core.links.reply(link, Reply::SessionDestroyed { session_id, existed: false });
            }
            Message::DestroySession(request) => {
                self.event(ServerSessionEvent::DestroySession { session_id: request.session_id });
            }
            Message::MsgsAck(acks) => self.on_acks(&acks.msg_ids),
            Message::MsgsStateReq(service::MsgsStateReq { msg_ids })
            | Message::MsgResendAnsReq(service::MsgResendAnsReq { msg_ids }) => {
                let info = self.states_of(msg_ids);
                self.core.links.reply(link, Reply::StateInfo { req_msg_id: msg_id, info });
            }
            Message::MsgResendReq(request) => self.on_resend_req(link, msg_id, request),
            Message::HttpWait(wait) => {
                if let Some(held) =
                    self.core.links.get_mut(link).and_then(|link| link.wing.held.as_mut())
                {
                    held.wait = clamp(wait);
                }
            }
            Message::DestroyAuthKey(_) => self.event(ServerSessionEvent::DestroyKey),
            Message::Copy(body) => self.on_copy(receipt, label, body),
            _ => self.discard(msg_id, Discard::Unexpected),
        }
    }

    /// Unwraps and unpacks a call.
    // spec: session 9
    fn on_call(&mut self, receipt: &mut Receipt, label: Label, body: &[u8]) {
        let (now, link) = (receipt.now, receipt.link);
        let Ok((wrappers, query)) = Wrappers::peel(body) else {
            return self.on_unreadable_call(receipt, label);
        };
        let wrappers_len = body.len().saturating_sub(query.len());
        let prefix = body.get(..wrappers_len).unwrap_or_default();
        self.core.window.set_fate(label.msg_id, Fate::Running { acked: false });
        let ids = || wrappers.after.iter().flat_map(MsgIds::iter);
        if ids().take(self.config.after_ids_max.saturating_add(1)).count()
            > self.config.after_ids_max
        {
            return self.refuse_call(now, (label.msg_id, link), &WAIT_FAILED);
        }
        let after: Vec<MsgId> = ids().collect();
        if constructor(query) == Some(GzipPacked::ID) {
            let mut content = self.core.buffers.take();
            if self.unpack(receipt, query, &mut content) {
                self.take_call(now, (label.msg_id, link), &after, (prefix, &content));
            } else {
                self.on_unreadable_call(receipt, label);
            }
            self.core.buffers.put(content);
        } else if query.is_empty() {
            self.on_unreadable_call(receipt, label);
        } else {
            self.take_call(now, (label.msg_id, link), &after, (prefix, query));
        }
    }

    // spec: session 10
    fn on_unreadable_call(&mut self, receipt: &Receipt, label: Label) {
        self.core.window.set_fate(label.msg_id, Fate::Running { acked: false });
        self.refuse_call(receipt.now, (label.msg_id, receipt.link), &UNREADABLE);
    }

    /// Handles a duplicate: a call never runs again.
    // spec: session 11.5
    // spec: session 20#19
    fn on_duplicate(&mut self, receipt: &Receipt, label: Label) {
        self.meter.charge(MESSAGE_WORK);
        self.discard(label.msg_id, Discard::Duplicate);
        if self.core.links.get(receipt.link).is_none() {
            // A replay on a link of a third party.
            return;
        }
        // A message that the window has forgotten gets here only if it is a call that runs or whose answer is kept.
        match self.core.window.get(label.msg_id).map(|received| received.fate) {
            Some(Fate::Answered { .. } | Fate::Dropped) | None => {
                if let Some(answer) = self.store.answer_to(label.msg_id) {
                    self.store.assign(answer, Some(receipt.link));
                    self.store.repeat(answer, Retransmit::Announced);
                }
            }
            Some(Fate::Handled) if is_content_related(label.seq_no) => {
                self.meter.charge(SEARCH_WORK);
                self.core.ledger.ack_again(receipt.now, label.msg_id);
            }
            Some(_) => {}
        }
    }

    /// Returns the state of a call that the window may have forgotten: it runs, or its answer
    /// is not acknowledged.
    // spec: session 8.16
    fn held_state(&self, msg_id: MsgId) -> Option<MessageState> {
        let call = MessageState::RECEIVED.with(MessageState::CALL_KNOWN);
        if self.store.answer_to(msg_id).is_some() {
            return Some(call.with(MessageState::ACKNOWLEDGED).with(MessageState::ANSWER_MADE));
        }
        self.calls.contains(msg_id).then_some(call)
    }

    /// Returns the state of each requested message.
    // spec: session 8.16
    fn states_of(&mut self, ids: &MsgIds<'_>) -> alloc::boxed::Box<[u8]> {
        self.meter.charge(STATE_WORK.saturating_mul(ids.iter().count() as u64));
        let skipped = usize::from(self.breaks(Mutation::StatesCutShort));
        let state = |msg_id: MsgId| match msg_id.kind() {
            MsgIdKind::Client => match self.core.window.state(msg_id) {
                // A state of "unknown" would make the client resend the call.
                MessageState::UNKNOWN => self.held_state(msg_id).unwrap_or(MessageState::UNKNOWN),
                state => state,
            },
            _ => MessageState::UNKNOWN,
        };
        ids.iter().skip(skipped).map(|msg_id| state(msg_id).as_byte()).collect()
    }

    // spec: session 8.3
    fn on_drop_answer(&mut self, receipt: &Receipt, request: MsgId, call: MsgId) {
        let mut body = self.core.buffers.take();
        RpcResult::ID.encode(&mut body);
        mtp_tl::Output::put(&mut body, &request.to_le_bytes());
        match self.calls.drop_answer(call) {
            Some(runs) => {
                RpcAnswerDroppedRunning {}.encode(&mut body);
                if runs {
                    self.event(ServerSessionEvent::CallDropped { id: IncomingId::new(call) });
                }
            }
            None => match self.store.remove_answer(call) {
                Some(answer) => {
                    self.core.window.set_fate(call, Fate::Dropped);
                    RpcAnswerDropped {
                        msg_id: answer.label.msg_id,
                        seq_no: answer.label.seq_no,
                        bytes: i32::try_from(answer.body.len()).unwrap_or(i32::MAX),
                    }
                    .encode(&mut body);
                    self.core.buffers.put(answer.body);
                }
                None => RpcAnswerUnknown {}.encode(&mut body),
            },
        }
        self.store.push(Outgoing::new(body, MessageKind::Drop, Some(receipt.link)));
    }

    // spec: session 8.14
    // spec: session 20#20
    fn on_acks(&mut self, ids: &MsgIds<'_>) {
        if self.breaks(Mutation::AnswersNeverForgotten) {
            return;
        }
        for msg_id in ids.iter() {
            self.meter.charge(1);
            let Some(message) = self.store.remove(msg_id) else { continue };
            self.meter.charge(MESSAGE_WORK);
            match message.kind {
                MessageKind::Answer(call) => {
                    let failed = matches!(
                        self.core.window.get(call).map(|received| received.fate),
                        Some(Fate::Answered { failed: true })
                    );
                    self.core.window.set_fate(call, Fate::Settled { failed });
                    self.event(ServerSessionEvent::AnswerAcked { id: IncomingId::new(call) });
                }
                MessageKind::Push(id) => self.event(ServerSessionEvent::PushAcked { id }),
                MessageKind::Drop | MessageKind::TooLong | MessageKind::NewSession => {}
            }
            self.core.buffers.put(message.body);
        }
    }

    // spec: session 8.17
    fn on_resend_req(&mut self, link: LinkId, req_msg_id: MsgId, request: &MsgResendReq<'_>) {
        self.meter.charge(STATE_WORK.saturating_mul(request.msg_ids.iter().count() as u64));
        let known = request.msg_ids.iter().all(|msg_id| self.store.get(msg_id).is_some());
        if known {
            for msg_id in request.msg_ids.iter() {
                self.store.assign(msg_id, Some(link));
                self.store.repeat(msg_id, Retransmit::Whole);
            }
        } else {
            let info = self.states_of(&request.msg_ids);
            self.core.links.reply(link, Reply::StateInfo { req_msg_id, info });
        }
    }

    // spec: session 8.12
    fn on_copy(&mut self, receipt: &mut Receipt, outer: Label, body: &[u8]) {
        let nested =
            |body: &[u8]| matches!(constructor(body), Some(MSG_CONTAINER | service::MSG_COPY));
        match service::copied(body) {
            Ok(inner) if !receipt.copied && inner.msg_id < outer.msg_id && !nested(inner.body) => {
                (receipt.alone, receipt.copied) = (false, true);
                let label = Label { msg_id: inner.msg_id, seq_no: inner.seq_no };
                self.message(receipt, label, inner.body);
                receipt.copied = false;
            }
            _ => self.discard(outer.msg_id, Discard::Malformed),
        }
    }

    fn refuse_message(&mut self, link: LinkId, label: Label, code: i32) {
        self.meter.charge(1);
        let Label { msg_id, seq_no } = label;
        self.core.links.reply(link, Reply::BadMsg { msg_id, seq_no, code });
    }

    /// Checks the parity and order of a sequence number.
    // spec: session 4
    fn check_numbers(
        &mut self,
        alone: bool,
        label: Label,
        message: Option<&Message<'_>>,
    ) -> Result<(), i32> {
        let odd = is_content_related(label.seq_no);
        let strict = self.config.strict_numbers;
        match message {
            // A packed message is checked as a call: no client packs service messages.
            Some(Message::Object(_) | Message::GzipPacked(_)) if !odd => return Err(35),
            Some(Message::MsgsAck(_)) if odd && (alone || strict) => return Err(34),
            Some(Message::Object(_) | Message::GzipPacked(_) | Message::Copy(_)) | None => {}
            Some(_) if odd && strict => return Err(34),
            Some(_) => {}
        }
        match self.check_order(label) {
            Ok(()) => Ok(()),
            Err(OrderError::TooLow) => Err(32),
            Err(OrderError::TooHigh) => Err(33),
        }
    }

    // spec: session 8.6
    fn on_ping(&mut self, now: Now, link: LinkId, msg_id: MsgId, ping: &PingDelayDisconnect) {
        self.core.links.reply(link, Reply::Pong(Pong { msg_id, ping_id: ping.ping_id }));
        let max = self.config.disconnect_delay_max;
        if self.breaks(Mutation::SilenceKept) {
            return;
        }
        if let Some(link) = self.core.links.get_mut(link) {
            let seconds = u64::try_from(ping.disconnect_delay).unwrap_or(0);
            let delay = core::time::Duration::from_secs(seconds).min(max);
            link.wing.disconnect_at = (seconds > 0).then(|| now.mono + delay);
        }
    }

    fn unpack(&mut self, receipt: &mut Receipt, body: &[u8], out: &mut Vec<u8>) -> bool {
        match Message::parse(body) {
            Ok(Message::GzipPacked(packed)) => {
                let unpacks = self.core.unpack(&packed, &mut receipt.budget, out).is_ok();
                self.meter.add(Work::of_bytes(out.len()));
                unpacks
            }
            _ => false,
        }
    }
}

const UNREADABLE: RpcError<'static> = RpcError::new(400, "INPUT_FETCH_ERROR");
/// Maximum time for which a response is held over HTTP, in milliseconds.
// spec: session 14
const MAX_WAIT_MS: i32 = 50_000;

/// Look-ups and entries of a message in the window, the calls and the store.
const MESSAGE_WORK: u64 = 4;
/// Look-ups for the state of a message.
const STATE_WORK: u64 = 3;
/// Entries looked at for a repeated acknowledgment.
const SEARCH_WORK: u64 = 16;

/// Returns `true` if a message may free memory, so that it is read however much is held.
fn frees(body: &[u8]) -> bool {
    matches!(constructor(body), Some(service::MsgsAck::ID | MSG_CONTAINER))
}

/// Returns the work that a packet of `len` bytes may cause.
fn allowance(len: usize) -> Work {
    Work::new(WORK_PER_PACKET.saturating_add(WORK_PER_BYTE.saturating_mul(len as u64)))
}

fn constructor(body: &[u8]) -> Option<ConstructorId> {
    Decoder::new(body).peek_id()
}

// spec: session 14
pub(super) fn clamp(wait: &HttpWait) -> HttpWait {
    HttpWait {
        max_delay: wait.max_delay.clamp(0, MAX_WAIT_MS),
        wait_after: wait.wait_after.clamp(0, MAX_WAIT_MS),
        max_wait: wait.max_wait.clamp(0, MAX_WAIT_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    // spec: session 14
    #[test]
    fn http_wait_is_clamped_to_its_limits() {
        let int = |entry: &vectors::Entry, name: &str| i32::try_from(entry.signed(name)).unwrap();
        for entry in &vectors::section("http_wait", 3) {
            let wait = |name| {
                let entry = entry.field(name);
                HttpWait {
                    max_delay: int(&entry, "max_delay"),
                    wait_after: int(&entry, "wait_after"),
                    max_wait: int(&entry, "max_wait"),
                }
            };
            let used = if entry.has("asked") { clamp(&wait("asked")) } else { HttpWait::DEFAULT };
            assert_eq!(used, wait("used"));
        }
        let far = HttpWait { max_delay: -1, wait_after: i32::MAX, max_wait: i32::MIN };
        let near = HttpWait { max_delay: 0, wait_after: MAX_WAIT_MS, max_wait: 0 };
        assert_eq!(clamp(&far), near);
    }
}
