//! Packets in: checks in order, then one handler for each message.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use mtp_crypto::{MsgId, MsgIdKind, Opened};
use mtp_env::{Now, Work};
use mtp_tl::{Constructor, ConstructorId, Decoder};

use super::calls::{Delivery, Flight};
use super::event::Pending;
use super::links::can_ping;
use super::pings::Link;
use super::sent::SentKind;
use super::{
    CLIENT_WORK_PER_BYTE, CLIENT_WORK_PER_PACKET, ClientSession, ClientSessionEvent, ResetCause,
};
use crate::link::LinkId;
use crate::service::{
    self, BadMsgNotification, BadServerSalt, Container, FutureSalts, GzipPacked, MSG_CONTAINER,
    Message, MsgDetailedInfo, MsgNewDetailedInfo, MsgResendReq, Pong, RpcResult,
};
use crate::session::msg_id::{Age, VALID_FUTURE_S, VALID_PAST_S, age};
use crate::session::packing::UnpackBudget;
use crate::session::reply::Reply;
use crate::session::seq_no::{Label, is_content_related};
use crate::session::window::{Fate, Received, Verdict};
use crate::session::{Discard, KeyOutcome, Mutation, PacketError};

/// State of a packet while its messages are handled.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one packet")]
pub(super) struct Receipt {
    pub(super) now: Now,
    pub(super) link: LinkId,
    /// The packet's time is outside of the window: only answers to our messages are used.
    stale: bool,
    pub(super) budget: UnpackBudget,
    /// Something of the packet was used.
    used: bool,
    /// A message of the packet was used, and none of what it says was discarded: it may move the clock.
    is_witness: bool,
    /// The session that a message of the packet has announced.
    announced: Option<u64>,
    /// The message is inside a `msg_copy`. Nested copies are rejected, packed or not, to bound the depth.
    copied: bool,
}

impl ClientSession {
    /// Checks and handles one packet.
    // spec: session 5.1
    pub(super) fn receive(
        &mut self,
        now: Now,
        link: LinkId,
        opened: &Opened<'_>,
    ) -> Result<(), PacketError> {
        if self.closed {
            return Err(PacketError::Closed);
        }
        if self.events.len_bytes() > self.config.event_bytes_max {
            return Err(PacketError::Backlog);
        }
        let label = Label { msg_id: opened.header.msg_id, seq_no: opened.header.seq_no };
        // spec: session 5.1#2; crypto 5#7, 17#21
        if opened.header.session_id != self.core.session_id {
            if self.is_previous(now, opened.header.session_id) {
                self.discard(label.msg_id, Discard::OldSession);
                return Ok(());
            }
            return Err(PacketError::WrongSession);
        }
        // spec: session 5.1#3
        check_parity(label.msg_id)?;
        // spec: session 5.1#4; crypto 5#9, 17#23
        match self.core.window.check(label.msg_id) {
            Verdict::New => {}
            Verdict::Duplicate if self.breaks(Mutation::DuplicatesAccepted) => {}
            Verdict::Duplicate => {
                self.touch(now, link);
                self.on_duplicate(now, label, opened.body);
                return Ok(());
            }
            Verdict::TooOld => {
                self.discard(label.msg_id, Discard::BelowFloor);
                self.replace_session(now, ResetCause::BelowFloor, &[]);
                return Ok(());
            }
        }
        let before = self.meter.spent();
        self.meter.allow(allowance(opened.body.len()));
        self.meter.add(Work::of_bytes(opened.body.len()));
        let time = self.clock.server_time(now);
        // spec: session 5.1#5; crypto 5#10, 17#24
        let in_time = age(label.msg_id, time, VALID_PAST_S, VALID_FUTURE_S) == Age::Valid;
        let stale = self.clock.is_known() && !in_time;
        let budget = self.core.packing.budget();
        let (used, is_witness, announced, copied) = (false, false, None, false);
        let mut receipt = Receipt { now, link, stale, budget, used, is_witness, announced, copied };
        // spec: session 5.1#6; crypto 5#13
        let outcome = self.outer(&mut receipt, label, opened.body);
        self.packet_work = self.meter.spent() - before;
        outcome?;
        self.touch(now, link);
        if receipt.used {
            self.confirm(now, receipt.is_witness.then_some(label.msg_id));
        }
        Ok(())
    }

    /// Records that a packet of this session was accepted.
    fn confirm(&mut self, now: Now, witness: Option<MsgId>) {
        let before = self.clock.offset_ns(now);
        if let Some(witness) = witness {
            if self.breaks(Mutation::TimeFalls) {
                self.clock.force(now, witness);
            }
            self.clock.raise(now, witness);
        }
        let offset_ns = self.clock.offset_ns(now);
        if offset_ns.saturating_sub(before) >= TOLD_FROM_NS {
            self.event(ClientSessionEvent::TimeChanged { offset_ns });
        }
        self.keys.confirm();
        self.calls.blocked = false;
    }

    /// Handles the message of a packet: packed, a container, or neither.
    fn outer(
        &mut self,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        match constructor(body) {
            Some(MSG_CONTAINER) => self.container(receipt, label, body),
            Some(GzipPacked::ID) => {
                let mut content = self.core.buffers.take();
                let result = match self.unpack(receipt, body, &mut content) {
                    Some(()) if constructor(&content) == Some(MSG_CONTAINER) => {
                        self.container(receipt, label, &content)
                    }
                    Some(()) => self.accept(receipt, label, &content),
                    None => {
                        self.accept_unreadable(receipt, label, Discard::Unpackable);
                        Ok(())
                    }
                };
                self.core.buffers.put(content);
                result
            }
            _ => self.accept(receipt, label, body),
        }
    }

    // spec: session 8.11
    fn container(
        &mut self,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        let container = Container::parse(label.msg_id, label.seq_no, body)?;
        for inner in container.iter() {
            check_parity(inner.msg_id)?;
        }
        if !receipt.stale {
            self.core.window.insert(label, Fate::Handled);
            receipt.used = true;
        }
        let session_id = self.core.session_id;
        self.meter.charge(container.iter().count() as u64);
        for inner in container.iter() {
            if self.meter.is_spent() && !self.breaks(Mutation::SentSearched) {
                // Not remembered: what is left may come again.
                self.discard(label.msg_id, Discard::TooMuchWork);
                break;
            }
            let label = Label { msg_id: inner.msg_id, seq_no: inner.seq_no };
            self.inner(receipt, label, inner.body)?;
            if self.core.session_id != session_id {
                // The rest belongs to the session that was just replaced.
                break;
            }
        }
        if receipt.used && self.core.session_id == session_id {
            self.core.window.insert(label, Fate::Handled);
        }
        Ok(())
    }

    /// Checks a message of a container against the duplicate store.
    // spec: session 5.3
    fn inner(
        &mut self,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        match self.core.window.check(label.msg_id) {
            Verdict::New => {}
            Verdict::Duplicate if self.breaks(Mutation::DuplicatesAccepted) => {}
            Verdict::Duplicate => {
                if is_content_related(label.seq_no) {
                    self.core.ledger.ack_again(receipt.now, label.msg_id);
                }
                self.discard(label.msg_id, Discard::Duplicate);
                return Ok(());
            }
            Verdict::TooOld if self.answers_open_call(body) => {}
            Verdict::TooOld => {
                if is_content_related(label.seq_no) {
                    self.core.ledger.ack_again(receipt.now, label.msg_id);
                }
                self.discard(label.msg_id, Discard::BelowFloor);
                return Ok(());
            }
        }
        if constructor(body) != Some(GzipPacked::ID) {
            return self.accept(receipt, label, body);
        }
        let mut content = self.core.buffers.take();
        let result = match self.unpack(receipt, body, &mut content) {
            // A container inside another is rejected, packed or not.
            Some(()) if constructor(&content) != Some(MSG_CONTAINER) => {
                self.accept(receipt, label, &content)
            }
            _ => {
                self.accept_unreadable(receipt, label, Discard::Unpackable);
                Ok(())
            }
        };
        self.core.buffers.put(content);
        result
    }

    /// Handles one new message.
    fn accept(
        &mut self,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        if receipt.stale && !self.names_ours(body) {
            // Not remembered: once the clock is right, the server's retransmission will be accepted.
            self.discard(label.msg_id, Discard::OutOfTime);
            self.prove_time(receipt.link);
            return Ok(());
        }
        receipt.used = true;
        let discards = self.discards;
        let result = self.handle(receipt, label, body);
        if self.discards == discards {
            receipt.is_witness = true;
            let refusals = [BadServerSalt::ID, BadMsgNotification::ID].map(Some);
            if !refusals.contains(&constructor(body)) {
                self.refusals.clear();
            }
        }
        result
    }

    fn handle(
        &mut self,
        receipt: &mut Receipt,
        label: Label,
        body: &[u8],
    ) -> Result<(), PacketError> {
        self.remember(receipt.now, label);
        self.note_arrival(label.msg_id);
        if let Some((&[a, b, c, d, req_msg_id @ ..], result)) = body.split_first_chunk::<12>()
            && ConstructorId::new(u32::from_le_bytes([a, b, c, d])) == RpcResult::ID
        {
            let req_msg_id = MsgId::from_le_bytes(req_msg_id);
            return self.on_result(receipt, label, req_msg_id, result);
        }
        if let Ok(message) = Message::parse(body) {
            self.on_message(receipt, label, message)
        } else {
            self.discard(label.msg_id, Discard::Malformed);
            Ok(())
        }
    }

    /// Settles the resend request for a message that has arrived.
    fn note_arrival(&mut self, msg_id: MsgId) {
        self.questions.note_arrival(msg_id);
    }

    // In the order of the table in the specification.
    pub(super) fn on_message(
        &mut self,
        receipt: &mut Receipt,
        label: Label,
        message: Message<'_>,
    ) -> Result<(), PacketError> {
        let (now, link, msg_id) = (receipt.now, receipt.link, label.msg_id);
        match message {
            Message::FutureSalts(salts) => self.on_future_salts(now, msg_id, &salts),
            Message::Ping(ping) => {
                self.core.links.reply(link, Reply::Pong(Pong { msg_id, ping_id: ping.ping_id }));
            }
            Message::Pong(pong) => self.on_pong(now, label, &pong),
            Message::DestroySessionOk(service::DestroySessionOk { session_id }) => {
                self.event(ClientSessionEvent::SessionDestroyed { session_id, existed: true });
            }
            Message::DestroySessionNone(service::DestroySessionNone { session_id }) => {
                self.event(ClientSessionEvent::SessionDestroyed { session_id, existed: false });
            }
            // A session begins once in a packet, and each beginning puts all calls in doubt.
            Message::NewSessionCreated(new)
                if receipt.announced.is_some_and(|known| known != new.unique_id) =>
            {
                self.discard(msg_id, Discard::Unexpected);
            }
            Message::NewSessionCreated(new) => {
                receipt.announced = Some(new.unique_id);
                self.on_new_session(msg_id, &new);
            }
            Message::MsgsAck(acks) => self.on_acks(now, acks.msg_ids.iter()),
            Message::BadMsgNotification(bad) => {
                self.on_bad_msg(now, msg_id, &bad);
            }
            Message::BadServerSalt(bad) => {
                self.on_bad_salt(now, msg_id, &bad);
            }
            Message::MsgsStateReq(request) => {
                let info = self.states_of(&request.msg_ids);
                self.core.links.reply(link, Reply::StateInfo { req_msg_id: msg_id, info });
            }
            Message::MsgsStateInfo(info) => {
                self.on_state_info(now, msg_id, (info.req_msg_id, info.info));
            }
            Message::MsgsAllInfo(all) if all.info.len() == all.msg_ids.len() => {
                self.on_states(now, all.msg_ids.iter().zip(all.info.iter().copied()));
            }
            Message::MsgDetailedInfo(info) => self.on_detailed_info(now, msg_id, &info),
            Message::MsgNewDetailedInfo(info) => self.on_new_detailed_info(now, &info),
            Message::MsgResendReq(request) => self.on_resend_req(receipt, msg_id, &request),
            Message::DestroyAuthKeyOk(_) => {
                self.on_key_destroyed(msg_id, KeyOutcome::Destroyed);
            }
            Message::DestroyAuthKeyNone(_) => {
                self.on_key_destroyed(msg_id, KeyOutcome::Unknown);
            }
            Message::DestroyAuthKeyFail(_) => {
                self.on_key_destroyed(msg_id, KeyOutcome::Failed);
            }
            Message::Copy(body) => return self.on_copy(receipt, label, body),
            Message::Object(body) => {
                self.meter.add(Work::of_bytes(body.len()));
                let span = self.events.store(body);
                self.events.push(Pending::Update(span));
            }
            Message::MsgsAllInfo(_) => self.discard(msg_id, Discard::Malformed),
            // Messages that only a server accepts, and forms that were unwrapped before.
            _ => self.discard(msg_id, Discard::Unexpected),
        }
        Ok(())
    }

    // spec: session 6.2
    fn on_future_salts(&mut self, now: Now, msg_id: MsgId, salts: &FutureSalts) {
        if !matches!(self.sent.get(salts.req_msg_id), Some(entry) if matches!(entry.kind, SentKind::Salts))
        {
            self.discard(msg_id, Discard::NotOurs);
            return;
        }
        self.sent.settle(salts.req_msg_id);
        let kept = if self.breaks(Mutation::SaltsForgotten) { 0 } else { salts.salts.len() };
        self.salts.store(salts.salts.iter().take(kept).copied());
        let before = self.salts.current();
        self.clock.raise(now, MsgId::from_raw(u64::from(salts.now) << 32));
        if self.salts.pick(self.clock.server_time(now)) != before {
            self.event(ClientSessionEvent::SaltsChanged);
        }
    }

    // spec: session 8.5
    fn on_pong(&mut self, now: Now, label: Label, pong: &Pong) {
        let settled = self.core.links.iter_mut().find_map(|link| {
            link.wing.pings.settle(now, pong.msg_id, pong.ping_id)?;
            Some((link.id, link.up_since, link.wing.pings.rtt_for_timers()))
        });
        let Some((link, up_since, rtt)) = settled else {
            #[cfg(feature = "__mutations")]
            assert!(!self.breaks(Mutation::StrangersKill), "broken on purpose");
            self.discard(label.msg_id, Discard::NotOurs);
            return;
        };
        if let Some(round_trip) = self.core.links.get_mut(link).and_then(|link| link.wing.pings.rtt)
        {
            self.event(ClientSessionEvent::Pong { link, round_trip });
        }
        self.sent.settle(pong.msg_id);
        self.check_direction(now, label.msg_id, pong.msg_id);
        if now.mono.saturating_since(up_since) > CALL_STUCK {
            let stuck_after = CALL_STUCK.saturating_add(rtt);
            let is_stuck = |flight: &Flight| {
                flight.link == link
                    && flight.delivery == Delivery::Sent
                    && now.mono.saturating_since(flight.written_at) > stuck_after
            };
            if self.calls.flights().any(|(_, _, flight)| is_stuck(flight))
                && let Some(link) = self.core.links.get_mut(link)
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

    /// Sets the time back if an answer is older than what it answers.
    // spec: session 7
    pub(super) fn check_direction(&mut self, now: Now, answer: MsgId, ours: MsgId) {
        if answer.unix_secs().saturating_add(AHEAD_MAX_S) < ours.unix_secs()
            && self.clock.force(now, answer)
        {
            self.event(ClientSessionEvent::TimeChanged { offset_ns: self.clock.offset_ns(now) });
        }
    }

    // spec: session 8.14
    fn on_acks(&mut self, now: Now, ids: impl Iterator<Item = MsgId>) {
        // A container may be named many times, and costs as much as it has messages.
        let mut containers = BTreeSet::new();
        for msg_id in ids {
            self.meter.charge(1);
            match self.sent.get(msg_id).map(|entry| entry.kind) {
                Some(SentKind::Call(_)) => {
                    if let Some(key) = self.call_of(msg_id) {
                        self.set_delivery(now, key, Delivery::Acked);
                    }
                }
                Some(SentKind::Container { .. }) if containers.insert(msg_id) => {
                    for entry in self.named(msg_id) {
                        if let Some(key) = self.call_of(entry.msg_id) {
                            self.set_delivery(now, key, Delivery::Acked);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    // spec: session 8.18
    fn on_detailed_info(&mut self, now: Now, msg_id: MsgId, info: &MsgDetailedInfo) {
        if self.sent.get(info.msg_id).is_none() {
            self.discard(msg_id, Discard::NotOurs);
            return;
        }
        match self.call_of(info.msg_id) {
            Some(key) => self.set_delivery(now, key, Delivery::Acked),
            None if info.bytes > UNWANTED_MAX => {
                // No call waits for it: the server may forget it without sending it.
                self.core.ledger.ack_again(now, info.answer_msg_id);
                return;
            }
            None => {}
        }
        self.fetch(now, info.answer_msg_id);
    }

    fn on_new_detailed_info(&mut self, now: Now, info: &MsgNewDetailedInfo) {
        self.fetch(now, info.answer_msg_id);
    }

    /// Acknowledges a message that has arrived, requests one that has not.
    fn fetch(&mut self, now: Now, msg_id: MsgId) {
        match self.core.window.get(msg_id) {
            Some(received) if is_content_related(received.seq_no) => {
                self.core.ledger.ack_again(now, msg_id);
            }
            Some(_) => {}
            None => self.request_resend(msg_id),
        }
    }

    // spec: session 8.17
    fn on_resend_req(&mut self, receipt: &Receipt, msg_id: MsgId, request: &MsgResendReq<'_>) {
        self.meter.charge((request.msg_ids.len() as u64).saturating_mul(MESSAGE_WORK));
        let keys: Option<Vec<u64>> = request.msg_ids.iter().map(|id| self.call_of(id)).collect();
        if let Some(keys) = keys {
            for key in keys {
                self.calls.retransmit(key);
            }
        } else {
            let info = self.states_of(&request.msg_ids);
            self.core.links.reply(receipt.link, Reply::StateInfo { req_msg_id: msg_id, info });
        }
    }

    // spec: session 8.9
    fn on_key_destroyed(&mut self, msg_id: MsgId, outcome: KeyOutcome) {
        if self.destroying_key.take().is_none() {
            self.discard(msg_id, Discard::NotOurs);
            return;
        }
        self.event(ClientSessionEvent::KeyDestroyed(outcome));
        if outcome != KeyOutcome::Failed {
            self.close();
        }
    }

    /// Handles a message inside a `msg_copy` as if it had arrived alone.
    // spec: session 8.12
    fn on_copy(
        &mut self,
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
                let outcome = self.inner(receipt, label, inner.body);
                receipt.copied = false;
                outcome
            }
            _ => {
                self.discard(outer.msg_id, Discard::Malformed);
                Ok(())
            }
        }
    }

    /// Returns `true` if a message answers one that this session sent.
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

    /// Handles an error code that arrived on a link in place of a packet.
    // spec: session 8.9, 10
    pub fn handle_transport_error(&mut self, link: LinkId, code: i32) {
        const KEY_UNKNOWN: i32 = -404;
        if code == KEY_UNKNOWN && self.destroying_key.take().is_some() {
            self.event(ClientSessionEvent::KeyDestroyed(KeyOutcome::Destroyed));
            self.close();
        } else {
            self.event(ClientSessionEvent::TransportError { link, code });
        }
    }

    fn touch(&mut self, now: Now, link: LinkId) {
        if let Some(link) = self.core.links.get_mut(link) {
            link.read_at = now.mono;
            link.wing.busy_until = None;
        }
    }

    /// Pings, because the time of an answer is trusted: the clock may be wrong, and over HTTP nothing else corrects it.
    // spec: session 3.3
    fn prove_time(&mut self, link: LinkId) {
        let wanted = self.config.ping;
        let own = self.core.links.get(link).is_some_and(can_ping);
        let may_write = |it: &&mut Link| can_ping(it) && (!own || it.id == link);
        if let Some(link) = self.core.links.iter_mut().find(may_write) {
            link.wing.pings.due |= wanted;
        }
    }

    fn remember(&mut self, now: Now, label: Label) {
        let moved = self.core.window.insert(label, Fate::Handled);
        self.meter.charge(MESSAGE_WORK);
        self.meter.add(Work::of_bytes(moved.saturating_mul(size_of::<Received>())));
        if is_content_related(label.seq_no) {
            self.core.ledger.ack(now, label.msg_id);
        }
    }

    /// Records a message that cannot be decoded: it has arrived nevertheless.
    fn accept_unreadable(&mut self, receipt: &mut Receipt, label: Label, reason: Discard) {
        if !receipt.stale {
            receipt.used = true;
            self.remember(receipt.now, label);
        }
        self.discard(label.msg_id, reason);
    }

    /// Acknowledges a duplicate again: the first acknowledgment may be lost.
    // spec: session 5.1
    fn on_duplicate(&mut self, now: Now, label: Label, body: &[u8]) {
        if is_content_related(label.seq_no) {
            self.core.ledger.ack_again(now, label.msg_id);
        }
        if let Ok(container) = Container::parse(label.msg_id, label.seq_no, body) {
            for inner in container.iter() {
                let received = self.core.window.check(inner.msg_id) == Verdict::Duplicate;
                if received && is_content_related(inner.seq_no) {
                    self.core.ledger.ack_again(now, inner.msg_id);
                }
            }
        }
        self.discard(label.msg_id, Discard::Duplicate);
    }

    fn unpack(&mut self, receipt: &mut Receipt, body: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let Ok(Message::GzipPacked(packed)) = Message::parse(body) else { return None };
        let unpacked = self.core.unpack(&packed, &mut receipt.budget, out).ok();
        self.meter.add(Work::of_bytes(out.len()));
        unpacked
    }
}

/// Look-ups and entries of a message.
const MESSAGE_WORK: u64 = 4;
/// An answer older than what it answers by more than this proves that our clock is ahead.
// spec: session 7
const AHEAD_MAX_S: u64 = 15;
/// Smaller corrections of the time are not reported.
const TOLD_FROM_NS: i64 = 1_000_000_000;
/// Time without news of a call, while pings are answered, after which the link is closed.
// spec: session 11.4
const CALL_STUCK: core::time::Duration = core::time::Duration::from_secs(60);
/// Time without answer after which the destruction of a key is requested again.
// spec: session 8.9
const KEY_STUCK: core::time::Duration = core::time::Duration::from_secs(60);
/// Length above which an answer to no open call is not fetched.
// spec: session 8.18
const UNWANTED_MAX: i32 = 1 << 20;

/// Returns the work that a packet of `len` bytes may cause.
fn allowance(len: usize) -> Work {
    Work::new(
        CLIENT_WORK_PER_PACKET.saturating_add(CLIENT_WORK_PER_BYTE.saturating_mul(len as u64)),
    )
}

pub(super) fn constructor(body: &[u8]) -> Option<ConstructorId> {
    Decoder::new(body).peek_id()
}

/// Servers create odd ids.
// spec: session 5.1
fn check_parity(msg_id: MsgId) -> Result<(), PacketError> {
    match msg_id.kind() {
        MsgIdKind::Answer | MsgIdKind::Notice => Ok(()),
        _ => Err(PacketError::WrongParity { msg_id }),
    }
}
