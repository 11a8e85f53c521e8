//! Clients and their sessions.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mtp_crypto::{MsgId, SeqNo, SessionId};
use mtp_env::Instant;
use mtp_session::client::{ClientEvent, ClientSessionEvent, RequestId, ResetCause};
use mtp_session::link::LinkId;
use mtp_session::service::Message;
use mtp_session::session::{Discard, LinkKind};

use super::{Context, End, Observer, Outcome, View, hash};
use crate::opened_packet::{OpenedPacket, PacketMessage};
use crate::workload;

#[derive(Debug, Default)]
pub(crate) struct ClientRecord {
    pub(crate) sessions: BTreeMap<SessionId, ClientSession>,
    pub(crate) current: Option<SessionId>,
    pub(crate) view: Option<View>,
    /// Links with the time they came up.
    pub(crate) links: BTreeMap<LinkId, (Instant, LinkKind)>,
    /// Start of the period in which acknowledgments can be sent.
    pub(crate) able_since: Option<Instant>,
    pub(crate) asleep_since: Option<Instant>,
    /// Periods in which the monotonic clock was stopped.
    pub(crate) sleeps: Vec<(Instant, Instant)>,
    /// Times of events that cast doubt on the state of calls: a session or key was replaced or lost.
    pub(crate) disruptions: Vec<Instant>,
    /// The highest position of a packet that the server has accepted.
    pub(crate) latest_taken: u64,
    /// Messages in packets that arrived after later ones.
    pub(crate) overtaken: BTreeSet<(SessionId, MsgId)>,
    /// Times of refusals.
    pub(crate) refusals: Vec<Instant>,
    pub(crate) updates: BTreeSet<u32>,
    pub(crate) requests: BTreeMap<RequestId, u32>,
    /// The key has changed, so the session may be replaced.
    pub(crate) rekeyed: bool,
    /// The session was replaced because time was set back, so ids may repeat.
    pub(crate) ids_may_repeat: bool,
    /// Refused calls that must be resent, with the time of the refusal.
    pub(crate) refused: BTreeMap<u32, Instant>,
    /// The latest ids of calls.
    pub(crate) call_ids: BTreeMap<u32, MsgId>,
    /// The end of the known salts, in seconds of server time.
    pub(crate) salts_until: u64,
    /// Times of the packets of the last second.
    pub(crate) recent_packets: VecDeque<Instant>,
}

#[derive(Debug, Default)]
pub(crate) struct ClientSession {
    pub(crate) last: MsgId,
    pub(crate) odd: u32,
    pub(crate) written: BTreeMap<MsgId, Written>,
    /// Received ids; `true` for content-related messages.
    pub(crate) received: BTreeMap<MsgId, bool>,
    /// Received messages without an acknowledgment.
    pub(crate) owed: BTreeMap<MsgId, Instant>,
    pub(crate) is_over: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) seq_no: SeqNo,
    pub(crate) body: u64,
    /// The latest packet with the message.
    pub(crate) container: MsgId,
    /// The number of the call, if the message is an unpacked call.
    pub(crate) call: Option<u32>,
    /// The server has answered or confirmed the message.
    pub(crate) has_arrived: bool,
}

impl Observer {
    pub(super) fn record_client_packet(
        &mut self,
        client: usize,
        opened: &OpenedPacket,
        view: Option<View>,
    ) {
        let at = self.at;
        let record = &mut self.clients[client];
        record.recent_packets.push_back(at);
        if let Some(view) = view {
            record.view = Some(view);
        }
        let id = opened.header.session_id;
        if record.current != Some(id) {
            if let Some(old) = record.current.and_then(|old| record.sessions.get_mut(&old)) {
                old.is_over = true;
            }
            record.current = Some(id);
        }
        let session = record.sessions.entry(id).or_default();
        for raw in &opened.messages {
            if raw.is_odd() && !session.written.contains_key(&raw.msg_id) {
                session.odd += 1;
            }
            let call = call_number(raw);
            if let Some(call) = call {
                record.refused.remove(&call);
                record.call_ids.insert(call, raw.msg_id);
            }
            let arrived = session.written.get(&raw.msg_id).is_some_and(|it| it.has_arrived);
            session.written.insert(
                raw.msg_id,
                Written {
                    seq_no: raw.seq_no,
                    body: hash(&raw.body),
                    container: opened.header.msg_id,
                    call,
                    has_arrived: arrived,
                },
            );
            session.last = session.last.max(raw.msg_id);
            if let Some(Message::MsgsAck(acks)) = raw.parse() {
                for msg_id in acks.msg_ids.iter() {
                    session.owed.remove(&msg_id);
                }
            }
        }
        if opened.is_container {
            session.last = session.last.max(opened.header.msg_id);
            let (seq_no, container) = (opened.header.seq_no, opened.header.msg_id);
            let written = Written { seq_no, body: 0, container, call: None, has_arrived: true };
            session.written.insert(container, written);
        }
    }

    pub(super) fn record_client_handled(&mut self, context: &Context, after: Option<View>) {
        let at = self.at;
        let record = &mut self.clients[context.client];
        if let Some(after) = after {
            record.view = Some(after);
        }
        let (Some(opened), Outcome::Accepted, Some(before), Some(after)) =
            (&context.opened, context.outcome, context.before, after)
        else {
            return;
        };
        if opened.header.session_id != before.session {
            return;
        }
        let session = record.sessions.entry(before.session).or_default();
        let replaced = before.session != after.session;
        for raw in &opened.messages {
            if ClientSession::is_dropped(context, opened.header.msg_id, raw.msg_id) {
                continue;
            }
            session.received.insert(raw.msg_id, raw.is_odd());
            if context.discards.contains(&(raw.msg_id, Discard::BelowFloor)) {
                let number = workload::update_number(&raw.body);
                if let Some(push) = number.and_then(|number| self.pushes.get_mut(&number)) {
                    push.was_too_late = true;
                }
            }
            // An unpackable message is acknowledged unless it is outside of the time window, which has no event.
            let unreadable = context.discards.contains(&(raw.msg_id, Discard::Unpackable));
            if raw.is_odd() && !replaced && !unreadable {
                session.owed.insert(raw.msg_id, at);
            }
            let mut refused = Vec::new();
            match raw.parse() {
                Some(Message::RpcResult(result)) => {
                    if let Some(call) = session.written.get_mut(&result.req_msg_id) {
                        call.has_arrived = true;
                    }
                }
                Some(Message::BadServerSalt(bad)) => {
                    record.salts_until = 0;
                    refused.push(bad.bad_msg_id);
                }
                Some(Message::NewSessionCreated(_)) => record.salts_until = 0,
                Some(Message::FutureSalts(salts)) => {
                    let ours = session.written.contains_key(&salts.req_msg_id);
                    // A duplicate container is discarded as a whole, with its own id.
                    let read = [raw.msg_id, opened.header.msg_id];
                    let fresh = !context.discards.iter().any(|(named, _)| read.contains(named));
                    if ours && fresh {
                        record.salts_until = after.time.as_secs() + SALTS_KNOWN_S;
                    }
                }
                Some(Message::BadMsgNotification(bad)) => {
                    refused.push(bad.bad_msg_id);
                    if bad.error_code == 20 {
                        record.disruptions.push(at);
                    }
                }
                _ => {}
            }
            let unused =
                [Discard::Duplicate, Discard::NotOurs, Discard::Replayed, Discard::BelowFloor];
            let fresh = !unused.iter().any(|why| context.discards.contains(&(raw.msg_id, *why)));
            for msg_id in refused.into_iter().filter(|_| fresh) {
                record.refusals.push(at);
                let calls = session.refused_calls(msg_id, &record.call_ids);
                let is_open =
                    |call: &u32| self.calls.get(call).is_some_and(|call| call.end.is_none());
                for call in calls.filter(is_open) {
                    record.refused.entry(call).or_insert(at);
                }
            }
        }
    }

    pub(super) fn record_client_event(&mut self, client: usize, event: &ClientEvent<'_>) {
        let at = self.at;
        match event {
            ClientEvent::Session(ClientSessionEvent::Result { request, .. }) => {
                self.end_request(client, *request, End::Result);
            }
            ClientEvent::Session(ClientSessionEvent::RpcError { request, error }) => {
                self.end_request(client, *request, End::Error(error.code()));
            }
            ClientEvent::Session(ClientSessionEvent::Failed { request, error }) => {
                self.end_request(client, *request, End::Failed(*error));
            }
            ClientEvent::Session(ClientSessionEvent::Update { body }) => {
                match workload::update_number(body) {
                    Some(number) if self.pushes.contains_key(&number) => {
                        self.clients[client].updates.insert(number);
                        if let Some(push) = self.pushes.get_mut(&number) {
                            push.is_delivered = true;
                        }
                    }
                    Some(number) => {
                        self.strange_updates.insert(number);
                    }
                    None => {}
                }
            }
            ClientEvent::Session(ClientSessionEvent::SessionReplaced { cause, .. }) => {
                let back =
                    matches!(cause, ResetCause::BadMsg { code: 17 } | ResetCause::ClockSetBack);
                self.clients[client].ids_may_repeat = back;
                if *cause == ResetCause::NewKey {
                    // The key exchange has set the estimate of server time.
                    self.clients[client].view = None;
                    if let Some(context) = &mut self.context {
                        context.rekeyed = true;
                    }
                }
                self.clients[client].rekeyed = false;
                self.clients[client].disruptions.push(at);
            }
            // The client may not know which calls the new session of the server has received.
            ClientEvent::Session(ClientSessionEvent::SessionCreated { .. }) => {
                self.clients[client].disruptions.push(at);
            }
            // A call that the server has confirmed is not refused: only a copy of its packet was.
            ClientEvent::Session(ClientSessionEvent::Delivered { request }) => {
                let record = &mut self.clients[client];
                let number = record.requests.get(request);
                let msg_id = number.and_then(|number| record.call_ids.get(number)).copied();
                for session in record.sessions.values_mut() {
                    if let Some(call) = msg_id.and_then(|id| session.written.get_mut(&id)) {
                        call.has_arrived = true;
                    }
                }
            }
            ClientEvent::Session(ClientSessionEvent::Discarded { msg_id, reason }) => {
                if let Some(context) = &mut self.context {
                    context.discards.push((*msg_id, *reason));
                }
            }
            _ => {}
        }
    }

    pub(super) fn record_restart(&mut self, client: usize) {
        let open: Vec<u32> = self.clients[client]
            .requests
            .values()
            .copied()
            .filter(|number| self.calls.get(number).is_some_and(|call| call.end.is_none()))
            .collect();
        for number in open {
            self.end(number, End::Abandoned);
        }
        let record = &mut self.clients[client];
        if let Some(old) = record.current.take().and_then(|old| record.sessions.get_mut(&old)) {
            old.is_over = true;
        }
        record.requests.clear();
        record.salts_until = 0;
        record.view = None;
        record.rekeyed = true;
        record.disruptions.push(self.at);
    }
}

impl ClientSession {
    /// Returns the calls that a refusal of a message or packet concerns, with their latest ids in `call_ids`.
    fn refused_calls(
        &self,
        refused: MsgId,
        call_ids: &BTreeMap<u32, MsgId>,
    ) -> impl Iterator<Item = u32> {
        self.written.iter().filter_map(move |(own, written)| {
            let named = *own == refused || written.container == refused;
            let call = written.call.filter(|_| named && !written.has_arrived)?;
            (call_ids.get(&call) == Some(own)).then_some(call)
        })
    }

    /// Returns `true` if a message was discarded, alone or with its packet, without an acknowledgment.
    fn is_dropped(context: &Context, outer: MsgId, msg_id: MsgId) -> bool {
        context.discards.iter().any(|(named, why)| {
            // A packet below the floor is ignored; a message of a container below the floor is acknowledged.
            match why {
                Discard::OutOfTime => *named == msg_id,
                Discard::BelowFloor => *named == outer,
                _ => false,
            }
        })
    }
}

impl ClientRecord {
    /// Returns the true start of a span that ends at `at` and is measured by the client's clock.
    pub(crate) fn awake_since(&self, at: Instant, span: Duration) -> Instant {
        let mut start = at.saturating_sub(span);
        for (fell, woke) in self.sleeps.iter().rev() {
            if *woke >= start {
                start = start.saturating_sub(woke.saturating_since(*fell));
            }
        }
        start
    }

    /// Records that the client falls asleep or wakes up.
    pub(super) fn record_sleep(&mut self, at: Instant, asleep: bool) {
        if asleep {
            self.asleep_since = Some(at);
        } else if let Some(fell) = self.asleep_since.take() {
            self.sleeps.push((fell, at));
        }
    }

    /// Records the order in which packets arrive at the server.
    pub(super) fn record_arrival(&mut self, opened: &OpenedPacket) {
        if opened.order < self.latest_taken {
            let session = opened.header.session_id;
            self.overtaken.extend(opened.messages.iter().map(|raw| (session, raw.msg_id)));
        }
        self.latest_taken = self.latest_taken.max(opened.order);
    }
}

/// Returns the number of an unpacked call.
fn call_number(raw: &PacketMessage) -> Option<u32> {
    match raw.parse()? {
        Message::Object(body) => workload::call_in(body),
        _ => None,
    }
}

/// Minimum lifetime of the first salt of a schedule, without the minute in which the next ones may be requested.
const SALTS_KNOWN_S: u64 = 1500;
