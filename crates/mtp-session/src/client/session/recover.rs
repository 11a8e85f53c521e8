//! Recovery from messages that were refused, lost or forgotten.

use alloc::vec::Vec;

use mtp_crypto::{MsgId, MsgIdKind, SessionId};
use mtp_env::Now;

use super::calls::{Call, Delivery, Flight};
use super::event::Pending;
use super::questions::{Asked, Question};
use super::refusals::REFUSALS_MAX;
use super::sent::{Entry, SentKind};
use super::{
    CallError, ClientSession, ClientSessionEvent, Init, Repetition, RequestId, ResetCause,
    Splitting,
};
use crate::service::{
    BadMsgNotification, BadServerSalt, Meaning, MessageState, MsgIds, NewSessionCreated,
};
use crate::session::msg_id::MsgIdGenerator;
use crate::session::{Discard, Mutation};

/// What is known about a call that is to be resent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It was not run.
    NotRun,
    /// It may have been run.
    Unsure,
}

impl ClientSession {
    /// Handles `bad_server_salt`.
    // spec: session 6.1
    pub(super) fn on_bad_salt(&mut self, now: Now, msg_id: MsgId, bad: &BadServerSalt) -> bool {
        let named = self.named(bad.bad_msg_id);
        let is_known = !named.is_empty() || self.sent.get(bad.bad_msg_id).is_some();
        if !is_known && !self.breaks(Mutation::StrangersBelieved) {
            self.discard(msg_id, Discard::NotOurs);
            return false;
        }
        if self.salts.correct(bad.new_server_salt, msg_id) {
            self.event(ClientSessionEvent::SaltsChanged);
        }
        self.count_refusal(now, bad.bad_msg_id, bad.error_code);
        self.send_refused_again(now, named, bad.error_code);
        self.sent.settle_container(bad.bad_msg_id);
        true
    }

    /// Handles `bad_msg_notification`.
    // spec: session 8.15
    pub(super) fn on_bad_msg(&mut self, now: Now, msg_id: MsgId, bad: &BadMsgNotification) -> bool {
        let named = self.named(bad.bad_msg_id);
        if named.is_empty() && self.sent.get(bad.bad_msg_id).is_none() {
            self.discard(msg_id, Discard::NotOurs);
            return false;
        }
        let code = bad.error_code;
        if code == 19 && named.iter().any(|entry| self.has_arrived(entry)) {
            // Nothing of a refused container is accepted, so what was refused is a replay.
            self.discard(msg_id, Discard::Replayed);
            return false;
        }
        if matches!(code, 16 | 17) {
            self.count_refusal(now, bad.bad_msg_id, code);
        }
        match code {
            16 => {
                self.force_time(now, msg_id);
                self.send_refused_again(now, named, code);
            }
            20 => self.send_again(now, &named, Proof::Unsure, Some(code)),
            64 if !self.splitting.unproven => {
                self.splitting = Splitting { singly: named.len(), unproven: true };
                self.send_again(now, &named, Proof::NotRun, None);
            }
            17 if self.breaks(Mutation::Code17KeepsSession) => {
                self.force_time(now, msg_id);
                self.send_again(now, &named, Proof::NotRun, Some(code));
            }
            _ => {
                if code == 17 {
                    self.force_time(now, msg_id);
                }
                self.replace_after_fault(now, code, &named);
            }
        }
        self.sent.settle_container(bad.bad_msg_id);
        true
    }

    /// Resends what was refused for its salt or its time.
    ///
    /// A server that was started again refuses what the run before it may have carried out. It gets to see such a call
    /// only if it was written again, on a later link.
    fn send_refused_again(&mut self, now: Now, named: Vec<Entry>, code: i32) {
        let is_moved = |entry: &Entry| {
            let flight = self.key_of(entry).and_then(|key| self.calls.flight(key));
            flight.is_some_and(|flight| flight.is_moved)
        };
        // A call that was received and is refused was forgotten, or its packet was replayed. The server knows which.
        let arrived = named.iter().filter(|entry| self.has_arrived(entry));
        let arrived: Vec<u64> = arrived.filter_map(|entry| self.key_of(entry)).collect();
        let (moved, named): (Vec<_>, Vec<_>) = named.into_iter().partition(is_moved);
        self.send_again(now, &moved, Proof::Unsure, Some(code));
        self.send_again(now, &named, Proof::NotRun, Some(code));
        for key in arrived {
            if let Some(flight) = self.calls.flight_mut(key) {
                flight.was_received = true;
                flight.delivery = Delivery::Unknown;
                self.calls.ask(key);
            }
        }
    }

    /// Counts a refusal that repairs itself; too many in a row end all calls.
    fn count_refusal(&mut self, now: Now, refused: MsgId, code: i32) {
        let last_sent = self.core.ledger.ids.last();
        let Some(count) = self.refusals.count(now, refused, last_sent) else { return };
        if count >= REFUSALS_MAX {
            self.event(ClientSessionEvent::RefusedRepeatedly { code, count });
            self.fail_all(CallError::Refused { code });
            // A server that refuses everything would refuse these too, without end.
            self.todo.destroy_sessions.clear();
        }
    }

    /// Returns the messages that a notification refers to.
    pub(super) fn named(&mut self, msg_id: MsgId) -> Vec<Entry> {
        if self.breaks(Mutation::ContainersNotMapped) {
            return self.sent.get(msg_id).copied().into_iter().collect();
        }
        if self.breaks(Mutation::SentSearched) {
            self.meter.charge(self.sent.len() as u64);
            return self.sent.search(msg_id);
        }
        let named = self.sent.named(msg_id);
        self.meter.charge((named.len() as u64).saturating_mul(CALL_WORK));
        named
    }

    fn force_time(&mut self, now: Now, witness: MsgId) {
        if self.clock.force(now, witness) {
            self.event(ClientSessionEvent::TimeChanged { offset_ns: self.clock.offset_ns(now) });
        }
    }

    /// Replaces the session because of a fault, a limited number of times.
    fn replace_after_fault(&mut self, now: Now, code: i32, named: &[Entry]) {
        while self.resets.front().is_some_and(|at| now.mono.saturating_since(*at) >= RESETS_WITHIN)
        {
            self.resets.pop_front();
        }
        self.resets.push_back(now.mono);
        // The other copy of a container that was refused for its id may have been accepted.
        let proven = matches!(code, 17 | 18 | 32..=35 | 64);
        let mut not_run: Vec<u64> =
            named.iter().filter(|_| proven).filter_map(|entry| self.key_of(entry)).collect();
        not_run.sort_unstable();
        self.replace_session(now, ResetCause::BadMsg { code }, &not_run);
        if self.resets.len() > usize::from(self.config.recoveries_max) {
            self.fail_all(CallError::Refused { code });
            // A server that refuses everything would refuse these too, without end.
            self.todo.destroy_sessions.clear();
        }
    }

    /// Replaces the session: everything open is resent, nothing of the old session is written.
    ///
    /// `not_run` are calls that are proven not to have been run, in order.
    // spec: session 2, 12 (Resetting)
    pub(super) fn replace_session(&mut self, now: Now, cause: ResetCause, not_run: &[u64]) {
        if self.written {
            let old = self.core.session_id;
            let before = self.previous.replace((old, now.mono));
            self.core.session_id = self.next_session_id;
            if let (true, Some((before, _))) = (self.breaks(Mutation::SessionsComeBack), before) {
                self.core.session_id = before;
            }
            self.todo.destroy_sessions.push(old);
            self.event(ClientSessionEvent::SessionReplaced {
                old,
                new: self.core.session_id,
                cause,
            });
        }
        self.meter.charge((self.calls.len() as u64).saturating_mul(CALL_WORK));
        let out: Vec<u64> = self.calls.flights().map(|(key, ..)| key).collect();
        for key in out {
            let proof =
                if not_run.binary_search(&key).is_ok() { Proof::NotRun } else { Proof::Unsure };
            self.send_call_again(key, proof, None);
        }
        self.calls.forget_intentions();
        self.written = false;
        if matches!(cause, ResetCause::BadMsg { code: 17 } | ResetCause::ClockSetBack) {
            // The only case in which ids may go back; otherwise no id is used twice.
            self.core.ledger.ids = MsgIdGenerator::new();
            self.refusals.ids_restart();
        }
        self.core.ledger.start_session();
        self.core.window.clear();
        self.sent.clear();
        self.questions.clear();
        self.todo.resend.clear();
        // They refer to messages of the old session.
        self.todo.drop_answers.clear();
        self.quick_acks.clear();
        self.incarnation = None;
        self.splitting = Splitting::default();
        for link in self.core.links.iter_mut() {
            link.clear_replies();
            link.wing.pings.out.clear();
            let of_ours = link.used && self.config.ping && !link.kind.is_http();
            link.wing.pings.due |= of_ours || link.wing.pings.asked;
        }
        self.keys.restart();
    }

    /// Returns `true` if the id is that of the previous session, and it ended recently.
    pub(super) fn is_previous(&self, now: Now, session_id: SessionId) -> bool {
        self.previous.is_some_and(|(old, at)| {
            old == session_id && now.mono.saturating_since(at) <= PREVIOUS_KEPT
        })
    }

    /// Resends what a refusal names.
    // spec: session 11.4
    fn send_again(&mut self, now: Now, named: &[Entry], proof: Proof, code: Option<i32>) {
        // A call that was received cannot be refused: what was refused is a replay of its packet.
        let refused = named.iter().filter(|entry| !self.has_arrived(entry));
        let keys: Vec<u64> = refused.filter_map(|entry| self.key_of(entry)).collect();
        self.send_calls_again(&keys, proof, code);
        for entry in named {
            if matches!(entry.kind, SentKind::Call(_)) {
                continue;
            }
            if let Some(kind) = self.sent.settle(entry.msg_id) {
                self.redo(now, entry.msg_id, kind);
            }
        }
    }

    /// Repeats what a refused service message was for.
    fn redo(&mut self, now: Now, msg_id: MsgId, kind: SentKind) {
        match kind {
            SentKind::Acks(span) => self.core.ledger.acks.requeue(now, span),
            SentKind::Ping => {
                for link in self.core.links.iter_mut() {
                    let before = link.wing.pings.out.len();
                    link.wing.pings.out.retain(|ping| ping.msg_id != msg_id);
                    link.wing.pings.due |= link.wing.pings.out.len() < before;
                }
            }
            SentKind::StateReq | SentKind::ResendReq => {
                self.ask_again(|asked, _| asked == msg_id);
            }
            SentKind::DropAnswer(call) => self.todo.drop_answers.push(call),
            SentKind::DestroySession(session_id) => self.todo.destroy_sessions.push(session_id),
            SentKind::DestroyKey => self.todo.destroy_key = true,
            SentKind::Salts => self.salts.ask_at_once(),
            SentKind::Call(_) | SentKind::Container { .. } | SentKind::Other => {}
        }
    }

    /// Returns `true` if a sent message is a call that the server is known to have.
    fn has_arrived(&self, entry: &Entry) -> bool {
        match (entry.kind, self.key_of(entry)) {
            (SentKind::Call(_), Some(key)) => {
                self.calls.flight(key).is_some_and(Flight::has_arrived)
            }
            // The call has ended, or was resent under a new id.
            (SentKind::Call(key), None) => !self.calls.is_open(key),
            _ => false,
        }
    }

    /// Returns the call of a sent message, unless it was resent under a new id since.
    fn key_of(&self, entry: &Entry) -> Option<u64> {
        self.call_of(entry.msg_id)
    }

    /// Resends calls under new ids, and with them the calls that depend on them.
    pub(super) fn send_calls_again(&mut self, keys: &[u64], proof: Proof, code: Option<i32>) {
        self.meter.charge((keys.len() as u64).saturating_mul(CALL_WORK));
        if self.calls.has_chains() && !keys.is_empty() {
            self.meter.charge(self.calls.len() as u64);
        }
        let mut named = Vec::from(keys);
        named.sort_unstable();
        for key in self.calls.with_dependents(keys.iter().copied()) {
            let is_named = named.binary_search(&key).is_ok();
            if !is_named && proof == Proof::Unsure && self.is_once(key) {
                // Only the predecessor is in doubt: the server can still report the state of this one.
                if let Some(flight) = self.calls.flight_mut(key) {
                    flight.delivery = Delivery::Unknown;
                }
                self.calls.ask(key);
                continue;
            }
            self.send_call_again(key, proof, code.filter(|_| is_named));
        }
    }

    fn is_once(&self, key: u64) -> bool {
        self.calls.get(key).is_some_and(|call| call.options.repetition == Repetition::Once)
    }

    /// Resends one call, or ends it if it must not be resent.
    // spec: session 11.6
    fn send_call_again(&mut self, key: u64, proof: Proof, code: Option<i32>) {
        let max = self.config.recoveries_max;
        let once_kept = !self.breaks(Mutation::OnceIgnored);
        let Some(call) = self.calls.get_mut(key) else { return };
        let may_not = call.options.repetition == Repetition::Once;
        if proof == Proof::Unsure && may_not && once_kept {
            self.fail(key, CallError::MaybeExecuted);
            return;
        }
        if let Some(code) = code {
            call.recoveries = call.recoveries.saturating_add(1);
            if call.recoveries > max {
                self.fail(key, CallError::Refused { code });
                return;
            }
        }
        self.calls.requeue(key);
    }

    /// Handles `new_session_created`.
    // spec: session 8.10
    pub(super) fn on_new_session(&mut self, msg_id: MsgId, new: &NewSessionCreated) {
        if self.sent.get(new.first_msg_id).is_none() {
            self.discard(msg_id, Discard::NotOurs);
            return;
        }
        let known = self.incarnation.filter(|(unique_id, _)| *unique_id == new.unique_id);
        if known.is_some_and(|(_, first)| new.first_msg_id <= first) {
            // The same incarnation reaches further back now: nothing is lost.
            self.incarnation = Some((new.unique_id, new.first_msg_id));
            return;
        }
        self.meter.charge((self.calls.len() as u64).saturating_mul(2));
        let bound = super::sent::incarnation_bound(&self.sent, new.first_msg_id);
        if known.is_some() {
            // Notifications may overtake each other. The same incarnation can report what is in doubt.
            self.doubt(|flight| flight.container < bound);
            return;
        }
        let lost: Vec<u64> = self
            .calls
            .flights()
            .filter(|(_, _, flight)| flight.container < bound)
            .map(|(key, ..)| key)
            .collect();
        self.send_calls_again(&lost, Proof::Unsure, None);
        // The others may have been acknowledged by the incarnation that is gone.
        self.doubt(Flight::has_arrived);
        self.incarnation = Some((new.unique_id, new.first_msg_id));
        if self.salts.adopt(new.server_salt) {
            self.event(ClientSessionEvent::SaltsChanged);
        }
        self.ask_again(|asked, _| asked < bound);
        self.event(ClientSessionEvent::SessionCreated { unique_id: new.unique_id });
    }

    /// Requests the state of calls although they may have been acknowledged.
    fn doubt(&mut self, is_doubtful: impl Fn(&Flight) -> bool) {
        let mut doubtful = Vec::new();
        for (key, flight) in self.calls.flights_mut() {
            if is_doubtful(flight) {
                flight.was_received |= flight.has_arrived();
                flight.delivery = Delivery::Unknown;
                doubtful.push(key);
            }
        }
        doubtful.sort_unstable();
        for key in doubtful {
            self.calls.ask(key);
        }
    }

    /// Handles the state of our messages as the server reports it.
    // spec: session 8.16
    pub(super) fn on_states(&mut self, now: Now, states: impl Iterator<Item = (MsgId, u8)>) {
        let (mut lost, mut forgotten) = (Vec::new(), Vec::new());
        for (msg_id, byte) in states {
            self.meter.charge(STATE_WORK);
            let Some(key) = self.call_of(msg_id) else { continue };
            let state = MessageState::from_byte(byte);
            match state.meaning() {
                // A server that lost the session reports the same, and may have run the call before.
                Meaning::NotReceived
                    if state == MessageState::UNKNOWN || self.was_received(key) =>
                {
                    forgotten.push(key);
                }
                Meaning::NotReceived => lost.push(key),
                // We acknowledged the answer, so the server dropped it, but we do not have it.
                Meaning::Received if state.has(MessageState::ASKER_KNOWS) => forgotten.push(key),
                Meaning::Received => {
                    let answered = state.has(MessageState::ANSWER_MADE);
                    let delivery = if answered { Delivery::Answered } else { Delivery::Acked };
                    self.set_delivery(now, key, delivery);
                }
                Meaning::Invalid => {}
            }
        }
        self.send_calls_again(&forgotten, Proof::Unsure, None);
        self.send_calls_again(&lost, Proof::NotRun, None);
    }

    fn was_received(&self, key: u64) -> bool {
        self.calls.flight(key).is_some_and(|flight| flight.was_received)
    }

    /// Records that a call was received.
    // spec: session 11.2
    pub(super) fn set_delivery(&mut self, now: Now, key: u64, delivery: Delivery) {
        let Some(flight) = self.calls.flight_mut(key) else { return };
        let news = matches!(flight.delivery, Delivery::Sent | Delivery::Unknown);
        if flight.delivery != Delivery::Answered {
            flight.delivery = delivery;
            flight.checked_at = now.mono;
        }
        if news {
            self.event(ClientSessionEvent::Delivered { request: RequestId::new(key) });
        }
        if self.breaks(Mutation::AcksEndCalls) {
            let span = self.events.store(&[0x15, 0x5a, 0x15, 0x5a]);
            self.finish(key);
            self.events.push(Pending::Result(RequestId::new(key), span));
            return;
        }
        if delivery == Delivery::Answered {
            self.check_by(now.mono + self.config.ask_after);
        }
    }

    /// Handles a `msgs_state_info`.
    pub(super) fn on_state_info(
        &mut self,
        now: Now,
        msg_id: MsgId,
        (req_msg_id, info): (MsgId, &[u8]),
    ) -> bool {
        match self.questions.take_answered(req_msg_id, info.len()) {
            Ok(question) => {
                self.sent.settle(req_msg_id);
                if let Asked::State(ids) = question.asked {
                    self.on_states(now, ids.into_iter().zip(info.iter().copied()));
                }
                true
            }
            Err(reason) => {
                self.discard(msg_id, reason);
                false
            }
        }
    }

    /// Repeats lost questions.
    pub(super) fn ask_again(&mut self, is_lost: impl Fn(MsgId, &Question) -> bool) {
        self.meter.charge(self.questions.len() as u64);
        for question in self.questions.take_lost(is_lost) {
            match question.asked {
                Asked::State(ids) => {
                    for msg_id in ids {
                        if let Some(key) = self.call_of(msg_id) {
                            self.calls.ask(key);
                        }
                    }
                }
                Asked::Resend(ids) => {
                    for msg_id in ids {
                        self.request_resend(msg_id);
                    }
                }
            }
        }
    }

    /// Requests a message of the server unless it has arrived.
    pub(super) fn request_resend(&mut self, msg_id: MsgId) {
        let missing = self.core.window.get(msg_id).is_none();
        if missing && self.todo.resend.len() < RESEND_MAX {
            self.todo.resend.insert(msg_id);
        }
    }

    /// Requeues a call that must be wrapped, or must wait for another.
    pub(super) fn put_back(&mut self, key: u64, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.get_mut(key) {
            call.recoveries = call.recoveries.saturating_add(1);
            change(call);
        }
        self.calls.requeue(key);
    }

    /// Records that an answer proves that the server has the `initConnection`.
    // spec: session 9
    pub(super) fn settle_init(&mut self, key: u64) {
        if self.calls.flight(key).is_some_and(|flight| flight.carries_init) {
            self.init = Init::Settled;
        }
    }

    /// Returns the state of the server's messages.
    // spec: session 8.16
    pub(super) fn states_of(&mut self, ids: &MsgIds<'_>) -> alloc::boxed::Box<[u8]> {
        self.meter.charge((ids.len() as u64).saturating_mul(STATE_WORK));
        ids.iter()
            .map(|msg_id| match msg_id.kind() {
                MsgIdKind::Answer | MsgIdKind::Notice => self.core.window.state(msg_id).as_byte(),
                _ => MessageState::UNKNOWN.as_byte(),
            })
            .collect()
    }
}

/// Look-ups and entries of a call that is sent again.
const CALL_WORK: u64 = 4;
/// Look-ups for the state of a message.
const STATE_WORK: u64 = 3;
/// Period over which recoveries by a new session are counted.
// spec: session 8.15
const RESETS_WITHIN: core::time::Duration = core::time::Duration::from_secs(60);
/// Time for which packets of the previous session are ignored without an error.
// spec: session 5.1
const PREVIOUS_KEPT: core::time::Duration = core::time::Duration::from_secs(60);
/// Messages of the server requested at a time.
const RESEND_MAX: usize = 8192;
