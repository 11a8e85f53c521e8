//! Packets out: what goes into the next one.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::{AuthKey, MsgIdKind, QuickAckToken};
use mtp_env::{Entropy, Now, UnixTime};
use mtp_tl::{Encode, Output};

use super::calls::{Body, Call, CallState, Delivery, Flight, Wrapping};
use super::pings::{ClientLink, Link, PingOut};
use super::questions::{Asked, Question};
use super::sent::SentKind;
use super::{AFTER_LEN, ClientSession, Init, QuickAck, ResetCause, Wrap, draw_session_id};
use crate::link::LinkId;
use crate::service::container::INNER_HEADER_LEN;
use crate::service::wrappers::INVOKE_AFTER_MSG;
use crate::service::{
    DestroyAuthKey, DestroySession, GetFutureSalts, HttpWait, IDS_MAX, MsgIds, MsgResendReq,
    MsgsStateReq, Ping, PingDelayDisconnect, RpcDropAnswer,
};
use crate::session::msg_id::{Age, VALID_FUTURE_S, age};
use crate::session::packer::{Form, Packer};
use crate::session::seq_no::Label;
use crate::session::session_core::{Draft, SessionCore};
use crate::session::transmitting::Writer;
use crate::session::{FUTURE_SALTS_MAX, LinkKind};

/// Content of one packet besides calls.
#[derive(Clone, Copy, Debug)]
struct Plan {
    link: LinkId,
    kind: LinkKind,
    time: UnixTime,
    acks: bool,
    salts: bool,
    ping: bool,
    http_wait: Option<HttpWait>,
}

impl Plan {
    /// Returns `true` if the packet only waits for updates.
    fn is_poll(&self) -> bool {
        self.kind == LinkKind::HttpPoll
    }
}

/// What is left to do once the id of the packet is known.
#[derive(Debug, Default)]
struct Written {
    /// New entries among those sent.
    entries: usize,
    /// Messages written under an old id.
    repeated: Vec<u64>,
    quick_ack: bool,
}

impl Writer for ClientSession {
    type Link = ClientLink;

    fn core(&self) -> &SessionCore<ClientLink> {
        &self.core
    }

    fn writing_key(&self) -> Option<&AuthKey> {
        self.keys.key().map(|key| &**key)
    }

    // spec: session 12 (flush)
    fn write(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Option<Draft> {
        self.handle_timeout(now);
        if self.next_call().is_none() {
            self.calls.blocked = true;
        }
        let mut plan = self.plan(now, link)?;
        if let Some(cause) = self.must_replace(plan.time) {
            self.replace_session(now, cause, &[]);
            plan = self.plan(now, link)?;
        }
        if !self.core.links.get(link)?.used {
            self.begin_link(link, entropy);
        }
        let salt = self.salts.pick(plan.time);
        let form = self.form(&plan);
        let mut packer = Packer::begin(out, form);
        let mut written = Written::default();
        self.write_service(now, &plan, &mut packer, &mut written);
        self.write_calls(now, &plan, &mut packer, &mut written, entropy);
        self.write_last(now, &plan, &mut packer, &mut written, entropy);
        if packer.count() == 0 {
            packer.cancel();
            return None;
        }
        self.splitting.singly =
            self.splitting.singly.saturating_sub(usize::from(form == Form::Single));
        let (label, start) = self.core.finish(packer, plan.time, salt, MsgIdKind::Client);
        self.settle(form, label, &written);
        self.next_session_id = self.drawn_session_id(entropy);
        if let Some(link) = self.core.links.get_mut(link) {
            link.used = true;
            // The server answers every packet, if only with an empty container.
            link.wing.busy_until = plan.http_wait.as_ref().map(|wait| {
                let wait = u64::try_from(wait.max_wait).unwrap_or(0);
                now.mono + Duration::from_millis(wait).saturating_add(HTTP_GRACE)
            });
        }
        Some(Draft { start, label, quick_ack: written.quick_ack })
    }

    fn expect_quick_ack(&mut self, draft: Draft, token: QuickAckToken) {
        if self.quick_acks.len() >= QUICK_ACKS_MAX {
            self.quick_acks.pop_front();
        }
        self.quick_acks.push_back(QuickAck { token, packet: draft.label.msg_id });
    }
}

impl ClientSession {
    /// Returns the content of the next packet if one is due.
    fn plan(&self, now: Now, id: LinkId) -> Option<Plan> {
        if self.is_mute() || self.refusals.is_paused(now) {
            return None;
        }
        let link = self
            .core
            .links
            .get(id)
            .filter(|link| !link.closing && link.wing.busy_until.is_none())?;
        let time = self.clock.server_time(now);
        let poll = link.kind == LinkKind::HttpPoll;
        // No answer arrives unasked: without a long-poll link this link must poll for late answers.
        // spec: session 14
        let alone = link.kind == LinkKind::Http
            && self.calls.in_flight() > 0
            && !self
                .core
                .links
                .iter()
                .any(|other| other.kind == LinkKind::HttpPoll && !other.closing);
        let http_wait = match link.kind {
            LinkKind::Stream => None,
            LinkKind::Http if alone => Some(self.config.http_alone),
            LinkKind::Http => Some(self.config.http_calls),
            LinkKind::HttpPoll => Some(self.config.http_poll),
        };
        let due = poll || alone || link.wing.pings.due || link.replies() > 0 || self.is_due(now);
        due.then(|| Plan {
            link: id,
            kind: link.kind,
            time,
            acks: !self.core.ledger.acks.is_empty(),
            salts: !poll && self.config.future_salts && self.salts.wants_schedule(now.mono, time),
            ping: !poll && self.may_ping(now, link),
            http_wait,
        })
    }

    /// Returns `true` if something waits that any link can carry.
    fn is_due(&self, now: Now) -> bool {
        let todo = &self.todo;
        let flush = self.flush_at.is_none_or(|at| at <= now.mono);
        self.core.ledger.acks.is_due()
            || self.calls.wants_asking()
            || self.calls.wants_retransmitting()
            || !todo.resend.is_empty()
            || !todo.drop_answers.is_empty()
            || !todo.destroy_sessions.is_empty()
            || todo.destroy_key
            || (flush && !self.calls.blocked)
    }

    /// Returns the reason to replace the session: exhausted numbers, or ids too far ahead of the server's time.
    ///
    /// Ids cannot go back within a session, so a clock that was set back needs a new one.
    // spec: session 7.4
    fn must_replace(&self, time: UnixTime) -> Option<ResetCause> {
        // spec: session 3.4
        let ahead_max_s = VALID_FUTURE_S - FUTURE_MARGIN_S;
        if self.core.ledger.numbers.is_exhausted() {
            Some(ResetCause::NumbersExhausted)
        } else if age(self.core.ledger.ids.last(), time, u32::MAX, ahead_max_s) == Age::TooHigh {
            Some(ResetCause::ClockSetBack)
        } else {
            None
        }
    }

    fn begin_link(&mut self, id: LinkId, entropy: &mut dyn Entropy) {
        let mut random = [0; 2];
        entropy.fill(&mut random);
        if let Some(link) = self.core.links.get_mut(id) {
            // Uniform over five seconds.
            let part = u64::from(u16::from_le_bytes(random));
            link.wing.pings.jitter = Duration::from_micros(part.saturating_mul(5_000_000) >> 16);
        }
    }

    /// A single new message is written alone; several messages, or retransmitted ones, in a container.
    fn form(&self, plan: &Plan) -> Form {
        if self.splitting.singly > 0 && !plan.kind.is_http() {
            return Form::Single;
        }
        if self.calls.wants_retransmitting() && !plan.is_poll() {
            return Form::Container;
        }
        let replies = self.core.links.get(plan.link).map_or(0, Link::replies);
        let todo = &self.todo;
        let mut count = usize::from(plan.acks)
            .saturating_add(usize::from(plan.http_wait.is_some()))
            .saturating_add(usize::from(plan.salts))
            .saturating_add(usize::from(plan.ping))
            .saturating_add(replies);
        if !plan.is_poll() {
            count = count
                .saturating_add(usize::from(self.calls.wants_asking()))
                .saturating_add(usize::from(!todo.resend.is_empty()))
                .saturating_add(todo.drop_answers.len())
                .saturating_add(todo.destroy_sessions.len())
                .saturating_add(usize::from(todo.destroy_key));
            if count < 2 {
                count = count.saturating_add(self.count_calls());
            }
        }
        if count == 1 { Form::Single } else { Form::Container }
    }

    /// Counts the calls that fit into the packet, at most two.
    fn count_calls(&self) -> usize {
        let Some(first) = self.next_call() else { return 0 };
        let long = |call: &Call| call.body.len() >= self.config.container_bytes;
        if self.calls.get(first).is_some_and(long)
            || self.calls.in_flight().saturating_add(1) >= self.config.calls_in_flight_max
        {
            return 1;
        }
        let second = self.calls.next(|key, call| key != first && self.may_write(call));
        1 + usize::from(second.is_some())
    }

    fn next_call(&self) -> Option<u64> {
        let full = self.calls.in_flight() >= self.config.calls_in_flight_max;
        if full { None } else { self.calls.next(|_, call| self.may_write(call)) }
    }

    /// Returns `true` if a queued call may be written now.
    // spec: session 9
    fn may_write(&self, call: &Call) -> bool {
        if self.keys.is_unbound() && !call.before_binding {
            return false;
        }
        let Some(after) = call.options.after else { return true };
        match self.calls.get(after.as_u64()).map(|before| before.state) {
            // It has ended: nothing to wait for.
            None => true,
            Some(CallState::Queued) => false,
            Some(CallState::Out(flight)) => {
                !call.waits_for_end && flight.delivery != Delivery::Unknown
            }
        }
    }

    /// Writes service messages other than pings, in the order of the specification.
    fn write_service(
        &mut self,
        now: Now,
        plan: &Plan,
        packer: &mut Packer<'_>,
        written: &mut Written,
    ) {
        let max = self.config.container_messages_max.saturating_sub(MESSAGES_BESIDE);
        if plan.acks {
            let (label, span) = self.core.ledger.write_acks(packer, plan.time, MsgIdKind::Client);
            self.record_sent(label, SentKind::Acks(span), written);
        }
        while !packer.is_full(max) {
            let reply = self.core.links.get_mut(plan.link).and_then(Link::pop_reply);
            let Some(reply) = reply else { break };
            self.service(plan, packer, written, SentKind::Other, |out| reply.write(out));
        }
        if plan.is_poll() {
            return;
        }
        if !packer.is_full(max) {
            self.write_questions(now, plan, packer, written);
        }
        while !packer.is_full(max) {
            let Some(req_msg_id) = take_first(&mut self.todo.drop_answers) else { break };
            let message = RpcDropAnswer { req_msg_id };
            let kind = SentKind::DropAnswer(req_msg_id);
            self.service(plan, packer, written, kind, |out| message.encode(out));
        }
        while !packer.is_full(max) {
            let Some(session_id) = take_first(&mut self.todo.destroy_sessions) else { break };
            let message = DestroySession { session_id };
            let kind = SentKind::DestroySession(session_id);
            self.service(plan, packer, written, kind, |out| message.encode(out));
        }
        if self.todo.destroy_key && !packer.is_full(max) {
            self.todo.destroy_key = false;
            self.destroying_key = Some(now.mono);
            let write = |out: &mut Vec<u8>| DestroyAuthKey {}.encode(out);
            self.service(plan, packer, written, SentKind::DestroyKey, write);
        }
        if plan.salts && !packer.is_full(max) {
            self.salts.asked(now.mono);
            let num = i32::try_from(FUTURE_SALTS_MAX).unwrap_or(i32::MAX);
            let write = |out: &mut Vec<u8>| GetFutureSalts { num }.encode(out);
            self.service(plan, packer, written, SentKind::Salts, write);
        }
    }

    fn write_questions(
        &mut self,
        now: Now,
        plan: &Plan,
        packer: &mut Packer<'_>,
        written: &mut Written,
    ) {
        self.questions.expire(|at| now.mono.saturating_since(at) >= QUESTION_KEPT);
        if self.calls.wants_asking() && self.questions.len() < QUESTIONS_MAX {
            let mut ids = Vec::new();
            for key in self.calls.take_ask(IDS_MAX) {
                if let Some(flight) = self.calls.flight_mut(key) {
                    flight.checked_at = now.mono;
                    ids.push(flight.label.msg_id);
                }
            }
            if !ids.is_empty() {
                let message = MsgsStateReq { msg_ids: MsgIds::new(ids.iter().copied()) };
                let write = |out: &mut Vec<u8>| message.encode(out);
                let label = self.service(plan, packer, written, SentKind::StateReq, write);
                self.ask(now, label, plan.link, Asked::State(ids));
                self.check_by(now.mono + self.config.ask_after);
            }
        }
        let full = packer.is_full(self.config.container_messages_max);
        if !self.todo.resend.is_empty() && self.questions.len() < QUESTIONS_MAX && !full {
            let ids = core::mem::take(&mut self.todo.resend);
            let message = MsgResendReq { msg_ids: MsgIds::new(ids.iter().copied()) };
            let write = |out: &mut Vec<u8>| message.encode(out);
            let label = self.service(plan, packer, written, SentKind::ResendReq, write);
            self.ask(now, label, plan.link, Asked::Resend(ids));
        }
    }

    fn ask(&mut self, now: Now, label: Label, link: LinkId, asked: Asked) {
        self.questions.insert(label.msg_id, Question { link, asked, at: now.mono });
    }

    /// Writes a message that needs no acknowledgment.
    fn service(
        &mut self,
        plan: &Plan,
        packer: &mut Packer<'_>,
        written: &mut Written,
        kind: SentKind,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Label {
        let label = self.core.ledger.service(plan.time, MsgIdKind::Client);
        packer.message(label, write);
        self.record_sent(label, kind, written);
        label
    }

    fn record_sent(&mut self, label: Label, kind: SentKind, written: &mut Written) {
        let calls = &self.calls;
        self.sent.push(label.msg_id, kind, |key| calls.is_open(key));
        written.entries = written.entries.saturating_add(1);
    }

    fn write_calls(
        &mut self,
        now: Now,
        plan: &Plan,
        packer: &mut Packer<'_>,
        written: &mut Written,
        entropy: &mut dyn Entropy,
    ) {
        if plan.is_poll() {
            return;
        }
        if self.splitting.singly == 0 {
            while let Some(key) =
                self.calls.next_retransmission().filter(|key| self.fits(packer, *key))
            {
                self.calls.retransmitted(key);
                self.retransmit_call(now, plan, packer, written, key);
            }
        }
        while let Some(key) = self.next_call() {
            if !self.fits(packer, key) {
                self.flush_at = None;
                return;
            }
            let label = self.core.ledger.content(plan.time, MsgIdKind::Client);
            let wrapping = self.wrapping(key);
            self.write_call(packer, key, label, wrapping, entropy);
            let flight = Flight {
                label,
                container: label.msg_id,
                link: plan.link,
                written_at: now.mono,
                delivery: Delivery::Sent,
                checked_at: now.mono,
                wrapping,
                carries_init: wrapping.init,
                was_received: false,
                is_moved: false,
            };
            written.quick_ack |= self.calls.get(key).is_some_and(|call| call.options.quick_ack);
            self.calls.written(key, flight);
            self.record_sent(label, SentKind::Call(key), written);
            self.check_by(now.mono + self.config.ask_after);
        }
        self.calls.blocked = true;
        self.flush_at = None;
    }

    /// Returns `true` if the packet has room for one more call; a long one is written alone.
    // spec: session 8.11
    fn fits(&self, packer: &Packer<'_>, key: u64) -> bool {
        let max = self.config.container_messages_max.saturating_sub(MESSAGES_BESIDE);
        let wrapped = self.config.init.as_ref().map_or(0, |init| init.prefix().len());
        let len = self.calls.get(key).map_or(0, |call| call.body.len()).saturating_add(wrapped);
        let total = packer.len().saturating_add(len).saturating_add(INNER_HEADER_LEN + AFTER_LEN);
        !packer.is_full(max) && (packer.count() == 0 || total <= self.config.container_bytes)
    }

    /// Returns the wrappers of a call that is written now.
    // spec: session 9
    fn wrapping(&self, key: u64) -> Wrapping {
        let Some(call) = self.calls.get(key) else { return Wrapping::default() };
        let before = call.options.after.and_then(|after| self.calls.flight(after.as_u64()));
        let init = self.config.init.is_some()
            && self.init == Init::Needed
            && call.options.wrap == Wrap::AsNeeded;
        Wrapping { after: before.map(|flight| flight.label.msg_id), init }
    }

    /// Writes one call with its wrappers.
    fn write_call(
        &self,
        packer: &mut Packer<'_>,
        key: u64,
        label: Label,
        wrapping: Wrapping,
        entropy: &mut dyn Entropy,
    ) {
        let Some(call) = self.calls.get(key) else { return };
        let prefix = self.config.init.as_ref().filter(|_| wrapping.init);
        packer.message(label, |out| {
            if let Some(msg_id) = wrapping.after {
                INVOKE_AFTER_MSG.encode(out);
                out.put(&msg_id.to_le_bytes());
            }
            if let Some(prefix) = prefix {
                out.put(prefix.prefix());
            }
            match &call.body {
                Body::Bytes(bytes) => out.put(bytes),
                Body::Bind(inputs) => self.write_binding(inputs, label.msg_id, out, entropy),
            }
        });
    }

    /// Retransmits a call under its current id and number.
    // spec: session 8.16
    fn retransmit_call(
        &mut self,
        now: Now,
        plan: &Plan,
        packer: &mut Packer<'_>,
        written: &mut Written,
        key: u64,
    ) {
        if self.calls.get(key).is_none() || self.is_bind(key) {
            return;
        }
        let Some(flight) = self.calls.flight_mut(key) else { return };
        flight.checked_at = now.mono;
        flight.is_moved |= flight.link != plan.link;
        flight.link = plan.link;
        let (label, wrapping) = (flight.label, flight.wrapping);
        self.write_call(packer, key, label, wrapping, &mut NoEntropy);
        written.repeated.push(key);
        self.check_by(now.mono + self.config.ask_after);
    }

    fn write_last(
        &mut self,
        now: Now,
        plan: &Plan,
        packer: &mut Packer<'_>,
        written: &mut Written,
        entropy: &mut dyn Entropy,
    ) {
        let max = self.config.container_messages_max;
        if plan.ping && !packer.is_full(max) {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes);
            let ping_id = u64::from_le_bytes(bytes);
            let disconnect_delay = self.disconnect_delay_s(plan.link);
            let write = |out: &mut Vec<u8>| match plan.kind {
                LinkKind::Stream => PingDelayDisconnect { ping_id, disconnect_delay }.encode(out),
                // A link on which every packet is answered is not closed for silence.
                LinkKind::Http | LinkKind::HttpPoll => Ping { ping_id }.encode(out),
            };
            let label = self.service(plan, packer, written, SentKind::Ping, write);
            if let Some(link) = self.core.links.get_mut(plan.link) {
                link.wing.pings.due = false;
                link.wing.pings.last = Some(now.mono);
                link.wing.pings.out.truncate(PINGS_MAX - 1);
                link.wing.pings.out.push(PingOut { msg_id: label.msg_id, ping_id, at: now.mono });
            }
        }
        if let Some(wait) = &plan.http_wait
            && !packer.is_full(max)
        {
            self.service(plan, packer, written, SentKind::Other, |out| wait.encode(out));
        }
    }

    /// Records the packet of all its messages.
    fn settle(&mut self, form: Form, label: Label, written: &Written) {
        let first = self.sent.first_of_last(written.entries);
        for key in self.sent.seal(written.entries, label.msg_id) {
            if let Some(flight) = self.calls.flight_mut(key) {
                flight.container = label.msg_id;
            }
        }
        for key in &written.repeated {
            if let Some(flight) = self.calls.flight_mut(*key) {
                flight.container = label.msg_id;
                let msg_id = flight.label.msg_id;
                self.sent.move_to(msg_id, label.msg_id);
            }
        }
        if form == Form::Container {
            let calls = &self.calls;
            let kind = SentKind::Container { first: first.unwrap_or(label.msg_id) };
            self.sent.push(label.msg_id, kind, |key| calls.is_open(key));
        }
        self.written = true;
    }

    /// Draws the id of the next session if the previous one is in use.
    fn drawn_session_id(&self, entropy: &mut dyn Entropy) -> mtp_crypto::SessionId {
        if self.next_session_id == self.core.session_id {
            draw_session_id(entropy)
        } else {
            self.next_session_id
        }
    }
}

/// Messages reserved for acknowledgments and for what follows the calls.
const MESSAGES_BESIDE: usize = 4;
/// Unanswered questions.
// spec: session 8.16
const QUESTIONS_MAX: usize = 1000;
/// Time after which an unanswered question is dropped: the state is requested again, messages are announced again.
const QUESTION_KEPT: Duration = Duration::from_secs(60);
/// Packets that may still get a quick acknowledgment.
const QUICK_ACKS_MAX: usize = 64;
/// Unanswered pings remembered on one link.
const PINGS_MAX: usize = 16;
/// Time after the latest response of the server at which an HTTP link is given up: as long as a call
/// may be unanswered on a stream before its state is requested.
// spec: session 8.7
const HTTP_GRACE: Duration = Duration::from_secs(10);
/// Margin below the server's bound for ids.
const FUTURE_MARGIN_S: u32 = 5;

fn take_first<T>(list: &mut Vec<T>) -> Option<T> {
    if list.is_empty() { None } else { Some(list.remove(0)) }
}

/// Entropy for messages that draw none.
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        debug_assert!(out.is_empty());
    }
}
