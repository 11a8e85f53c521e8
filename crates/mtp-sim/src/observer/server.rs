//! The server and its sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mtp_crypto::{AuthKeyId, MsgId, SeqNo};
use mtp_env::Instant;
use mtp_session::link::LinkId;
use mtp_session::server::{KeySalts, ServerEvent, ServerSalts, ServerSessionEvent, SessionName};
use mtp_session::service::Message;

use super::{Context, Observer, Outcome, Run, hash, name_of};
use crate::opened_packet::OpenedPacket;

#[derive(Debug, Default)]
pub(crate) struct ServerRecord {
    pub(crate) sessions: BTreeMap<SessionName, Incarnation>,
    pub(crate) incarnations: u64,
    /// Deadlines for closing links.
    pub(crate) disconnects: BTreeMap<LinkId, BTreeMap<SessionName, Instant>>,
    /// Links with a protocol violation of the client or an ended session.
    pub(crate) faulty: BTreeSet<LinkId>,
    pub(crate) salts: BTreeMap<AuthKeyId, KeySalts>,
    pub(crate) secret: Option<Arc<ServerSalts>>,
    /// Keys that an earlier run of the server may have used.
    pub(crate) stored: BTreeSet<AuthKeyId>,
    /// All messages that were ever run as calls.
    pub(crate) ran: BTreeSet<(SessionName, MsgId)>,
    /// The highest id since the server started or lost its sessions.
    pub(crate) last: MsgId,
}

#[derive(Debug, Default)]
pub(crate) struct Incarnation {
    pub(crate) number: u64,
    pub(crate) greeted: bool,
    pub(crate) unique_id: Option<u64>,
    pub(crate) first: Option<MsgId>,
    /// The highest id that an earlier run of the server may have received.
    floor: MsgId,
    /// The lowest id of the packet that created the session.
    pub(crate) lowest: Option<MsgId>,
    pub(crate) odd: u32,
    pub(crate) written: BTreeMap<MsgId, (SeqNo, u64)>,
    pub(crate) acked: BTreeSet<MsgId>,
    /// The ids that each accepted packet acknowledges.
    acks_of: BTreeMap<MsgId, Vec<MsgId>>,
    pub(crate) results: BTreeMap<MsgId, MsgId>,
    pub(crate) executed: BTreeSet<MsgId>,
    pub(crate) received: BTreeSet<MsgId>,
    /// The number of ids in each state request.
    pub(crate) asked: BTreeMap<MsgId, usize>,
    pub(crate) pushes_dropped: bool,
}

impl Observer {
    pub(super) fn record_server_packet(&mut self, opened: &OpenedPacket) {
        let highest = opened.ids().map(|(msg_id, _)| msg_id).max();
        self.server.last = highest.map_or(self.server.last, |id| id.max(self.server.last));
        let Some(session) = self.server.sessions.get_mut(&name_of(opened)) else { return };
        for raw in &opened.messages {
            if raw.is_odd() && !session.written.contains_key(&raw.msg_id) {
                session.odd += 1;
            }
            session.written.insert(raw.msg_id, (raw.seq_no, hash(&raw.body)));
            match raw.parse() {
                Some(Message::NewSessionCreated(new)) => {
                    session.greeted = true;
                    session.unique_id = Some(new.unique_id);
                    session.first =
                        Some(session.first.map_or(new.first_msg_id, |it| it.min(new.first_msg_id)));
                }
                Some(Message::BadMsgNotification(bad)) if bad.error_code != 19 => {
                    // The acknowledgments of a refused packet do not count.
                    for msg_id in session.acks_of.remove(&bad.bad_msg_id).into_iter().flatten() {
                        session.acked.remove(&msg_id);
                    }
                }
                Some(Message::RpcResult(result)) => {
                    session.results.insert(result.req_msg_id, raw.msg_id);
                }
                _ => {}
            }
        }
        if opened.is_container {
            session.written.insert(opened.header.msg_id, (opened.header.seq_no, 0));
        }
    }

    pub(super) fn record_server_handled(&mut self, context: &Context) {
        let Some(opened) = &context.opened else {
            self.server.faulty.insert(context.link);
            return;
        };
        if context.outcome != Outcome::Accepted {
            if context.outcome == Outcome::Rejected {
                self.server.faulty.insert(context.link);
            }
            return;
        }
        let name = name_of(opened);
        let Some(session) = self.server.sessions.get_mut(&name) else { return };
        if session.lowest.is_none() {
            // Ids that an earlier run may have received are refused one by one: they do not begin the session.
            let accepted = opened.ids().map(|(msg_id, _)| msg_id).filter(|id| *id > session.floor);
            session.lowest = accepted.min().or(Some(opened.header.msg_id));
        }
        for (raw, message) in opened.parsed() {
            if raw.msg_id <= session.floor {
                continue;
            }
            let fresh = session.received.insert(raw.msg_id);
            match message {
                Message::MsgsAck(acks) if fresh => {
                    session.acked.extend(acks.msg_ids.iter());
                    let all = session.acks_of.entry(opened.header.msg_id).or_default();
                    all.extend(acks.msg_ids.iter());
                }
                Message::MsgsStateReq(request) => {
                    session.asked.insert(raw.msg_id, request.msg_ids.len());
                }
                Message::MsgResendReq(request) => {
                    session.asked.insert(raw.msg_id, request.msg_ids.len());
                }
                Message::PingDelayDisconnect(ping) if fresh && ping.disconnect_delay > 0 => {
                    let seconds = u64::from(ping.disconnect_delay.unsigned_abs());
                    let at = self.at + core::time::Duration::from_secs(seconds);
                    self.server.disconnects.entry(context.link).or_default().insert(name, at);
                }
                _ => {}
            }
        }
    }

    pub(super) fn record_server_event(&mut self, event: &ServerEvent<'_>, number: Option<u32>) {
        let at = self.at;
        match event {
            ServerEvent::SessionNew { session, .. } => {
                if let Some(context) = &mut self.context {
                    context.new_sessions += 1;
                }
                self.server.incarnations += 1;
                let number = self.server.incarnations;
                let first = self.context.as_ref().and_then(|context| context.opened.as_ref());
                let floor = first.and_then(|opened| self.floor(session.key, opened.header.msg_id));
                let floor = floor.unwrap_or_default();
                let fresh = Incarnation { number, floor, ..Incarnation::default() };
                self.server.sessions.insert(*session, fresh);
                if let Some(client) = self.owners.get(&session.key) {
                    self.clients[*client].disruptions.push(at);
                }
            }
            ServerEvent::SessionGone { session, .. } => {
                self.server.sessions.remove(session);
                for (link, sessions) in &mut self.server.disconnects {
                    if sessions.remove(session).is_some() {
                        self.server.faulty.insert(*link);
                    }
                }
            }
            ServerEvent::Session { session, event: ServerSessionEvent::Call { id, .. } } => {
                if let Some(context) = &mut self.context {
                    context.calls += 1;
                }
                self.server.ran.insert((*session, id.msg_id()));
                let Some(incarnation) = self.server.sessions.get_mut(session) else { return };
                incarnation.executed.insert(id.msg_id());
                let run = Run {
                    session: *session,
                    msg_id: id.msg_id(),
                    incarnation: incarnation.number,
                    at,
                };
                let overtaken = self.is_overtaken(*session, id.msg_id());
                if let Some(call) = number.and_then(|number| self.calls.get_mut(&number)) {
                    call.runs.push(run);
                    call.overtaken += usize::from(overtaken);
                }
            }
            ServerEvent::Session { session, event: ServerSessionEvent::PushesDropped { .. } } => {
                if let Some(incarnation) = self.server.sessions.get_mut(session) {
                    incarnation.pushes_dropped = true;
                }
            }
            _ => {}
        }
    }
}
