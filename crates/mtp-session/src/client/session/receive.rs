//! What a client does with what arrives: checks in order, then one handler for each message.

use alloc::vec::Vec;

use mtp_crypto::{MsgId, MsgIdKind, Opened};
use mtp_env::Now;
use mtp_tl::{Constructor, ConstructorId, Decoder};

use super::calls::{Body, Knowledge};
use super::sent::What;
use super::{Asked, ClientSide, Phase, can_ping};
use crate::link::LinkId;
use crate::service::{
    self, Container, FutureSalts, GzipPacked, MSG_CONTAINER, Message, MsgDetailedInfo,
    MsgNewDetailedInfo, MsgResendReq, Pong, RpcResult,
};
use crate::session::Mutation;
use crate::session::event::{Discard, Event, KeyOutcome, ResetCause, Waiting};
use crate::session::link_state::Link;
use crate::session::msg_id::{Age, VALID_FUTURE_S, VALID_PAST_S, age};
use crate::session::reply::Reply;
use crate::session::seq_no::{Label, is_content_related};
use crate::session::state::{Base, PacketError, UnpackBudget};
use crate::session::window::{Fate, Verdict};

/// What is known of a packet while its messages are handled.
pub(super) struct Receipt {
    pub(super) now: Now,
    pub(super) link: LinkId,
    /// The packet's time is out of the window: only answers to our messages count.
    stale: bool,
    pub(super) budget: UnpackBudget,
    /// Something of the packet was used.
    used: bool,
    /// The message stands in a `msg_copy`: no other may, not even packed, or depth had no limit.
    copied: bool,
}

impl ClientSide {
    /// Checks and handles one packet.
    // spec: session 5.1
    pub(crate) fn receive(
        &mut self,
        base: &mut Base,
        now: Now,
        link: LinkId,
        opened: &Opened<'_>,
    ) -> Result<(), PacketError> {
        if self.phase == Phase::Dead {
            return Err(PacketError::Closed);
        }
        if base.events.len_bytes() > base.config.event_bytes_max {
            return Err(PacketError::Backlog);
        }
        let label = Label { msg_id: opened.header.msg_id, seq_no: opened.header.seq_no };
        // spec: session 5.1#2; crypto 5#7, 17#21
        if opened.header.session_id != base.session_id {
            if self.is_previous(now, opened.header.session_id) {
                base.discard(label.msg_id, Discard::OldSession);
                return Ok(());
            }
            return Err(PacketError::WrongSession);
        }
        // spec: session 5.1#3
        check_parity(label.msg_id)?;
        // spec: session 5.1#4; crypto 5#9, 17#23
        match base.window.check(label.msg_id) {
            Verdict::New => {}
            Verdict::Duplicate if base.breaks(Mutation::DuplicatesAccepted) => {}
            Verdict::Duplicate => {
                touch(base, now, link);
                on_duplicate(base, now, label, opened.body);
                return Ok(());
            }
            Verdict::TooOld => {
                base.discard(label.msg_id, Discard::BelowFloor);
                self.replace(base, now, ResetCause::BelowFloor, &[]);
                return Ok(());
            }
        }
        let time = self.clock.server_time(now);
        // spec: session 5.1#5; crypto 5#10, 17#24
        let in_time = age(label.msg_id, time, VALID_PAST_S, VALID_FUTURE_S) == Age::Valid;
        let stale = self.clock.is_known() && !in_time;
        let budget = base.unpack_budget();
        let mut receipt = Receipt { now, link, stale, budget, used: false, copied: false };
        // spec: session 5.1#6; crypto 5#13
        self.outer(base, &mut receipt, label, opened.body)?;
        touch(base, now, link);
        if receipt.used {
            self.confirm(base, now, label.msg_id);
        }
        Ok(())
    }

    /// Notes that a packet of this session was good.
    fn confirm(&mut self, base: &mut Base, now: Now, witness: MsgId) {
        let before = self.clock.offset_ns(now);
        if base.breaks(Mutation::TimeFalls) {
            self.clock.force(now, witness);
        }
        self.clock.raise(now, witness);
        let offset_ns = self.clock.offset_ns(now);
        if offset_ns.saturating_sub(before) >= TOLD_FROM_NS {
            base.events.push(Event::TimeChanged { offset_ns });
        }
        if self.phase == Phase::Fresh {
            self.phase = Phase::Open;
        }
        self.calls.blocked = false;
    }

    /// Handles the message of a packet, packed or a container or neither.
    fn outer(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        match constructor(body) {
            Some(MSG_CONTAINER) => self.container(base, receipt, label, body),
            Some(GzipPacked::ID) => {
                let mut content = base.buffers.take();
                let result = match unpack(base, receipt, body, &mut content) {
                    Some(()) if constructor(&content) == Some(MSG_CONTAINER) => {
                        self.container(base, receipt, label, &content)
                    }
                    Some(()) => self.accept(base, receipt, label, &content),
                    None => {
                        accept_unreadable(base, receipt, label, Discard::Unpackable);
                        Ok(())
                    }
                };
                base.buffers.put(content);
                result
            }
            _ => self.accept(base, receipt, label, body),
        }
    }

    // spec: session 8.11
    fn container(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        let container = Container::parse(label.msg_id, label.seq_no, body)?;
        for inner in container.iter() {
            check_parity(inner.msg_id)?;
        }
        if !receipt.stale {
            base.window.insert(label, Fate::Handled);
            receipt.used = true;
        }
        let session_id = base.session_id;
        for inner in container.iter() {
            let label = Label { msg_id: inner.msg_id, seq_no: inner.seq_no };
            self.inner(base, receipt, label, inner.body)?;
            if base.session_id != session_id {
                // The rest belongs to the session that was just replaced.
                break;
            }
        }
        if receipt.used && base.session_id == session_id {
            base.window.insert(label, Fate::Handled);
        }
        Ok(())
    }

    /// Checks a message of a container against the duplicate store.
    // spec: session 5.3
    fn inner(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        match base.window.check(label.msg_id) {
            Verdict::New => {}
            Verdict::Duplicate if base.breaks(Mutation::DuplicatesAccepted) => {}
            Verdict::Duplicate => {
                if is_content_related(label.seq_no) {
                    base.ack_again(receipt.now, label.msg_id);
                }
                base.discard(label.msg_id, Discard::Duplicate);
                return Ok(());
            }
            Verdict::TooOld if self.answers_open_call(body) => {}
            Verdict::TooOld => {
                if is_content_related(label.seq_no) {
                    base.ack_again(receipt.now, label.msg_id);
                }
                base.discard(label.msg_id, Discard::BelowFloor);
                return Ok(());
            }
        }
        if constructor(body) != Some(GzipPacked::ID) {
            return self.accept(base, receipt, label, body);
        }
        let mut content = base.buffers.take();
        let result = match unpack(base, receipt, body, &mut content) {
            // Not even packed may a container stand within another.
            Some(()) if constructor(&content) != Some(MSG_CONTAINER) => {
                self.accept(base, receipt, label, &content)
            }
            _ => {
                accept_unreadable(base, receipt, label, Discard::Unpackable);
                Ok(())
            }
        };
        base.buffers.put(content);
        result
    }

    /// Handles one new message.
    fn accept(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        if receipt.stale && !self.names_ours(body) {
            // Not remembered: once the clock is right, the server's repetition will be taken.
            base.discard(label.msg_id, Discard::OutOfTime);
            prove_time(base, receipt.link);
            return Ok(());
        }
        receipt.used = true;
        remember(base, receipt.now, label);
        self.note_arrival(label.msg_id);
        if let Some((&[a, b, c, d, req_msg_id @ ..], result)) = body.split_first_chunk::<12>()
            && ConstructorId::new(u32::from_le_bytes([a, b, c, d])) == RpcResult::ID
        {
            let req_msg_id = MsgId::from_le_bytes(req_msg_id);
            return self.on_result(base, receipt, label, req_msg_id, result);
        }
        if let Ok(message) = Message::parse(body) {
            self.on_message(base, receipt, label, message)
        } else {
            base.discard(label.msg_id, Discard::Malformed);
            Ok(())
        }
    }

    /// Settles the request for a message that has come.
    fn note_arrival(&mut self, msg_id: MsgId) {
        if self.questions.iter().any(|question| question.asked == Asked::Resend) {
            self.questions.retain_mut(|question| {
                if question.asked == Asked::Resend {
                    question.ids.retain(|asked| *asked != msg_id);
                }
                !question.ids.is_empty()
            });
        }
    }

    // In the order of the specification's table.
    pub(super) fn on_message(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        label: Label,
        message: Message<'_>,
    ) -> Result<(), PacketError> {
        let (now, link, msg_id) = (receipt.now, receipt.link, label.msg_id);
        match message {
            Message::FutureSalts(salts) => self.on_future_salts(base, now, msg_id, &salts),
            Message::Ping(ping) => {
                base.links.reply(link, Reply::Pong(Pong { msg_id, ping_id: ping.ping_id }));
            }
            Message::Pong(pong) => self.on_pong(base, now, label, &pong),
            Message::DestroySessionOk(service::DestroySessionOk { session_id }) => {
                base.events.push(Event::SessionDestroyed { session_id, existed: true });
            }
            Message::DestroySessionNone(service::DestroySessionNone { session_id }) => {
                base.events.push(Event::SessionDestroyed { session_id, existed: false });
            }
            Message::NewSessionCreated(new) => self.on_new_session(base, msg_id, &new),
            Message::MsgsAck(acks) => self.on_acks(base, now, acks.msg_ids.iter()),
            Message::BadMsgNotification(bad) => {
                self.on_bad_msg(base, now, msg_id, &bad);
            }
            Message::BadServerSalt(bad) => {
                self.on_bad_salt(base, now, msg_id, &bad);
            }
            Message::MsgsStateReq(request) => {
                let info = Self::states_of(base, request.msg_ids.iter());
                base.links.reply(link, Reply::StateInfo { req_msg_id: msg_id, info });
            }
            Message::MsgsStateInfo(info) => {
                self.on_state_info(base, now, msg_id, (info.req_msg_id, info.info));
            }
            Message::MsgsAllInfo(all) if all.info.len() == all.msg_ids.len() => {
                self.on_states(base, now, all.msg_ids.iter().zip(all.info.iter().copied()));
            }
            Message::MsgDetailedInfo(info) => self.on_detailed_info(base, now, msg_id, &info),
            Message::MsgNewDetailedInfo(info) => self.on_new_detailed_info(base, now, &info),
            Message::MsgResendReq(request) => self.on_resend_req(base, receipt, msg_id, &request),
            Message::DestroyAuthKeyOk(_) => {
                self.on_key_destroyed(base, msg_id, KeyOutcome::Destroyed);
            }
            Message::DestroyAuthKeyNone(_) => {
                self.on_key_destroyed(base, msg_id, KeyOutcome::Unknown);
            }
            Message::DestroyAuthKeyFail(_) => {
                self.on_key_destroyed(base, msg_id, KeyOutcome::Failed);
            }
            Message::Copy(body) => return self.on_copy(base, receipt, label, body),
            Message::Object(body) => {
                let span = base.events.store(body);
                base.events.push_with(Waiting::Update(span));
            }
            Message::MsgsAllInfo(_) => base.discard(msg_id, Discard::Malformed),
            // What only a server takes, and forms that were taken apart before.
            _ => base.discard(msg_id, Discard::Unexpected),
        }
        Ok(())
    }

    // spec: session 6.2
    fn on_future_salts(&mut self, base: &mut Base, now: Now, msg_id: MsgId, salts: &FutureSalts) {
        if !matches!(self.sent.get(salts.req_msg_id), Some(entry) if matches!(entry.what, What::Salts))
        {
            base.discard(msg_id, Discard::NotOurs);
            return;
        }
        self.sent.settle(salts.req_msg_id);
        let kept = if base.breaks(Mutation::SaltsForgotten) { 0 } else { salts.salts.len() };
        self.salts.store(salts.salts.iter().take(kept).copied());
        let before = self.salts.current();
        self.clock.raise(now, MsgId::from_raw(u64::from(salts.now) << 32));
        if self.salts.pick(self.clock.server_time(now)) != before {
            base.events.push(Event::SaltsChanged);
        }
    }

    // spec: session 8.5
    fn on_pong(&mut self, base: &mut Base, now: Now, label: Label, pong: &Pong) {
        let settled = base.links.iter_mut().find_map(|link| {
            link.pings.settle(now, pong.msg_id, pong.ping_id)?;
            Some((link.id, link.up_since, link.pings.rtt_for_timers()))
        });
        let Some((link, up_since, rtt)) = settled else {
            assert!(!base.breaks(Mutation::StrangersKill), "broken on purpose");
            base.discard(label.msg_id, Discard::NotOurs);
            return;
        };
        if let Some(round_trip) = base.links.get_mut(link).and_then(|link| link.pings.rtt) {
            base.events.push(Event::Pong { link, round_trip });
        }
        self.sent.settle(pong.msg_id);
        self.check_direction(base, now, label.msg_id, pong.msg_id);
        if now.mono.saturating_since(up_since) > CALL_STUCK {
            let stuck_after = CALL_STUCK.saturating_add(rtt);
            let is_stuck = |flight: &super::calls::Flight| {
                flight.link == link
                    && flight.knowledge == Knowledge::Sent
                    && now.mono.saturating_since(flight.written_at) > stuck_after
            };
            if self.calls.flights().any(|(_, _, flight)| is_stuck(flight))
                && let Some(link) = base.links.get_mut(link)
            {
                link.closing = true;
            }
        }
        let asked = self.destroying_key.filter(|at| now.mono.saturating_since(*at) > KEY_STUCK);
        if asked.is_some() {
            self.destroying_key = None;
            self.destroy_key();
        }
    }

    /// Sets the time back if an answer is made before what it answers.
    // spec: session 7
    pub(super) fn check_direction(
        &mut self,
        base: &mut Base,
        now: Now,
        answer: MsgId,
        ours: MsgId,
    ) {
        if answer.unix_secs().saturating_add(AHEAD_MAX_S) < ours.unix_secs()
            && self.clock.force(now, answer)
        {
            base.events.push(Event::TimeChanged { offset_ns: self.clock.offset_ns(now) });
        }
    }

    // spec: session 8.14
    fn on_acks(&mut self, base: &mut Base, now: Now, ids: impl Iterator<Item = MsgId>) {
        for msg_id in ids {
            match self.sent.get(msg_id).map(|entry| entry.what) {
                Some(What::Call(_)) => {
                    if let Some(key) = self.call_of(msg_id) {
                        self.learn(base, now, key, Knowledge::Acked);
                    }
                }
                Some(What::Container) => {
                    for entry in self.sent.named(msg_id) {
                        if let Some(key) = self.call_of(entry.msg_id) {
                            self.learn(base, now, key, Knowledge::Acked);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    // spec: session 8.18
    fn on_detailed_info(
        &mut self,
        base: &mut Base,
        now: Now,
        msg_id: MsgId,
        info: &MsgDetailedInfo,
    ) {
        if self.sent.get(info.msg_id).is_none() {
            base.discard(msg_id, Discard::NotOurs);
            return;
        }
        match self.call_of(info.msg_id) {
            Some(key) => self.learn(base, now, key, Knowledge::Acked),
            None if info.bytes > UNWANTED_MAX => {
                // Nobody waits for it: let the server forget it without sending it.
                base.ack_again(now, info.answer_msg_id);
                return;
            }
            None => {}
        }
        self.fetch(base, now, info.answer_msg_id);
    }

    fn on_new_detailed_info(&mut self, base: &mut Base, now: Now, info: &MsgNewDetailedInfo) {
        self.fetch(base, now, info.answer_msg_id);
    }

    /// Acknowledges a message that has come, asks for one that has not.
    fn fetch(&mut self, base: &mut Base, now: Now, msg_id: MsgId) {
        match base.window.get(msg_id) {
            Some(received) if is_content_related(received.seq_no) => base.ack_again(now, msg_id),
            Some(_) => {}
            None => self.want_resend(base, msg_id),
        }
    }

    // spec: session 8.17
    fn on_resend_req(
        &mut self,
        base: &mut Base,
        receipt: &Receipt,
        msg_id: MsgId,
        request: &MsgResendReq<'_>,
    ) {
        let keys: Option<Vec<u64>> = request.msg_ids.iter().map(|id| self.call_of(id)).collect();
        if let Some(keys) = keys {
            for key in keys {
                self.calls.again(key);
            }
        } else {
            let info = Self::states_of(base, request.msg_ids.iter());
            base.links.reply(receipt.link, Reply::StateInfo { req_msg_id: msg_id, info });
        }
    }

    // spec: session 8.9
    fn on_key_destroyed(&mut self, base: &mut Base, msg_id: MsgId, outcome: KeyOutcome) {
        if self.destroying_key.take().is_none() {
            base.discard(msg_id, Discard::NotOurs);
            return;
        }
        base.events.push(Event::KeyDestroyed(outcome));
        if outcome != KeyOutcome::Failed {
            self.close(base);
        }
    }

    /// Handles a message within a `msg_copy` as if it had come by itself.
    // spec: session 8.12
    fn on_copy(
        &mut self,
        base: &mut Base,
        receipt: &mut Receipt,
        outer: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        let nested =
            |body: &[u8]| matches!(constructor(body), Some(MSG_CONTAINER | service::MSG_COPY));
        match service::copied(body) {
            Ok(inner) if !receipt.copied && inner.msg_id < outer.msg_id && !nested(inner.body) => {
                check_parity(inner.msg_id)?;
                receipt.copied = true;
                let label = Label { msg_id: inner.msg_id, seq_no: inner.seq_no };
                let outcome = self.inner(base, receipt, label, inner.body);
                receipt.copied = false;
                outcome
            }
            _ => {
                base.discard(outer.msg_id, Discard::Malformed);
                Ok(())
            }
        }
    }

    /// Reports whether a message answers one that this session really sent.
    // spec: session 3.3
    fn names_ours(&self, body: &[u8]) -> bool {
        let is_ours = |msg_id: MsgId| self.sent.get(msg_id).is_some();
        match Message::parse(body) {
            Ok(Message::RpcResult(result)) => is_ours(result.req_msg_id),
            Ok(Message::FutureSalts(salts)) => is_ours(salts.req_msg_id),
            Ok(Message::Pong(pong)) => is_ours(pong.msg_id),
            Ok(Message::NewSessionCreated(new)) => is_ours(new.first_msg_id),
            Ok(Message::MsgsAck(acks)) => acks.msg_ids.iter().any(is_ours),
            Ok(Message::BadMsgNotification(bad)) => is_ours(bad.bad_msg_id),
            Ok(Message::BadServerSalt(bad)) => is_ours(bad.bad_msg_id),
            Ok(Message::MsgsStateInfo(info)) => is_ours(info.req_msg_id),
            Ok(Message::MsgDetailedInfo(info)) => is_ours(info.msg_id),
            _ => false,
        }
    }

    fn answers_open_call(&self, body: &[u8]) -> bool {
        match Message::parse(body) {
            Ok(Message::RpcResult(result)) => self.call_of(result.req_msg_id).is_some(),
            _ => false,
        }
    }

    /// Handles an error that the link's other end reported.
    // spec: session 8.9, 10
    pub(crate) fn handle_transport_error(&mut self, base: &mut Base, link: LinkId, code: i32) {
        const KEY_UNKNOWN: i32 = -404;
        if code == KEY_UNKNOWN && self.destroying_key.take().is_some() {
            base.events.push(Event::KeyDestroyed(KeyOutcome::Destroyed));
            self.close(base);
        } else {
            base.events.push(Event::TransportError { link, code });
        }
    }

    /// Reports whether the call is the one that binds a temporary key.
    pub(super) fn is_bind(&self, key: u64) -> bool {
        self.calls.get(key).is_some_and(|call| matches!(call.body, Body::Bind(_)))
    }
}

/// An answer older than what it answers by more than this proves that our clock is ahead.
// spec: session 7
const AHEAD_MAX_S: u64 = 15;
/// Smaller corrections of the time are not told.
const TOLD_FROM_NS: i64 = 1_000_000_000;
/// A call without any sign for so long, while pings are answered, needs another link.
// spec: session 11.4
const CALL_STUCK: core::time::Duration = core::time::Duration::from_secs(60);
/// A key's destruction without answer for so long is asked for again.
// spec: session 8.9
const KEY_STUCK: core::time::Duration = core::time::Duration::from_secs(60);
/// Answers that nobody waits for are not fetched from this length on.
// spec: session 8.18
const UNWANTED_MAX: i32 = 1 << 20;

pub(super) fn constructor(body: &[u8]) -> Option<ConstructorId> {
    Decoder::new(body).peek_id()
}

/// Servers make odd ids.
// spec: session 5.1
fn check_parity(msg_id: MsgId) -> Result<(), PacketError> {
    match msg_id.kind() {
        MsgIdKind::Answer | MsgIdKind::Notice => Ok(()),
        _ => Err(PacketError::WrongParity { msg_id }),
    }
}

fn touch(base: &mut Base, now: Now, link: LinkId) {
    if let Some(link) = base.links.get_mut(link) {
        link.read_at = now.mono;
        link.busy_until = None;
    }
}

/// Asks for an answer, whose time is believed: the clock may be wrong, and over HTTP nothing else would correct it.
// spec: session 3.3
fn prove_time(base: &mut Base, link: LinkId) {
    let wanted = base.config.client.ping;
    let own = base.links.get(link).is_some_and(can_ping);
    let may_go = |it: &&mut Link| can_ping(it) && (!own || it.id == link);
    if let Some(link) = base.links.iter_mut().find(may_go) {
        link.pings.due |= wanted;
    }
}

fn remember(base: &mut Base, now: Now, label: Label) {
    base.window.insert(label, Fate::Handled);
    if is_content_related(label.seq_no) {
        base.ack(now, label.msg_id);
    }
}

/// Takes note of a message that cannot be read; it has arrived all the same.
fn accept_unreadable(base: &mut Base, receipt: &mut Receipt, label: Label, reason: Discard) {
    if !receipt.stale {
        receipt.used = true;
        remember(base, receipt.now, label);
    }
    base.discard(label.msg_id, reason);
}

/// Acknowledges again what was received before: the first acknowledgement may be lost.
// spec: session 5.1
fn on_duplicate(base: &mut Base, now: Now, label: Label, body: &[u8]) {
    if is_content_related(label.seq_no) {
        base.ack_again(now, label.msg_id);
    }
    if let Ok(container) = Container::parse(label.msg_id, label.seq_no, body) {
        for inner in container.iter() {
            let received = base.window.check(inner.msg_id) == Verdict::Duplicate;
            if received && is_content_related(inner.seq_no) {
                base.ack_again(now, inner.msg_id);
            }
        }
    }
    base.discard(label.msg_id, Discard::Duplicate);
}

fn unpack(base: &mut Base, receipt: &mut Receipt, body: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let Ok(Message::GzipPacked(packed)) = Message::parse(body) else { return None };
    base.unpack(&packed, &mut receipt.budget, out).ok()
}
