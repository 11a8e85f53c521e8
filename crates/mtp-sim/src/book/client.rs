//! What is known of a client and its sessions.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mtp_crypto::{MsgId, SeqNo, SessionId};
use mtp_env::Instant;
use mtp_session::LinkId;
use mtp_session::client::ClientEvent;
use mtp_session::service::Message;
use mtp_session::session::{Discard, Event, LinkKind, RequestId, ResetCause};

use super::{Book, Context, End, Outcome, View, hash};
use crate::letter::{Letter, Note};
use crate::workload::{self};

#[derive(Debug, Default)]
pub(crate) struct ClientBook {
    pub(crate) sessions: BTreeMap<SessionId, ClientSession>,
    pub(crate) current: Option<SessionId>,
    pub(crate) view: Option<View>,
    /// Since when each link is up.
    pub(crate) links: BTreeMap<LinkId, (Instant, LinkKind)>,
    /// Since when acknowledgements could have been written.
    pub(crate) able_since: Option<Instant>,
    pub(crate) asleep_since: Option<Instant>,
    /// From when to when its monotonic clock stood still.
    pub(crate) naps: Vec<(Instant, Instant)>,
    /// When what a client knows of its calls' fate was shaken: a session or key replaced or forgotten.
    pub(crate) upheavals: Vec<Instant>,
    /// Which of its packets was the last that the server took, by order of writing.
    pub(crate) latest_taken: u64,
    /// Messages that reached the server in packets which later ones had overtaken.
    pub(crate) overtaken: BTreeSet<(SessionId, MsgId)>,
    /// Refusals of messages of this client.
    pub(crate) refusals: Vec<Instant>,
    pub(crate) updates: BTreeSet<u32>,
    pub(crate) requests: BTreeMap<RequestId, u32>,
    /// The key changed, so the session may.
    pub(crate) rekeyed: bool,
    /// The session was replaced because time was set back, so ids may be made again.
    pub(crate) is_set_back: bool,
    /// Calls that were refused and must be written again.
    pub(crate) refused: BTreeMap<u32, Instant>,
    /// The ids under which calls were written last.
    pub(crate) call_ids: BTreeMap<u32, MsgId>,
    /// Until when it knows the salts to come, in seconds of server time.
    pub(crate) salts_until: u64,
    /// When packets were written lately.
    pub(crate) lately: VecDeque<Instant>,
}

#[derive(Debug, Default)]
pub(crate) struct ClientSession {
    pub(crate) last: MsgId,
    pub(crate) odd: u32,
    pub(crate) written: BTreeMap<MsgId, Written>,
    /// Received ids, and whether they ask for an acknowledgement.
    pub(crate) received: BTreeMap<MsgId, bool>,
    /// Received and not acknowledged since.
    pub(crate) owed: BTreeMap<MsgId, Instant>,
    pub(crate) is_over: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) seq_no: SeqNo,
    pub(crate) body: u64,
    /// The packet it was last written in.
    pub(crate) container: MsgId,
    /// The number of the call, if it is one that is not packed.
    pub(crate) call: Option<u32>,
    /// The server has answered it, or said that it has it.
    pub(crate) has_arrived: bool,
}

impl Book {
    pub(super) fn note_client_wrote(&mut self, client: usize, letter: &Letter, view: Option<View>) {
        let at = self.at;
        let book = &mut self.clients[client];
        book.lately.push_back(at);
        if let Some(view) = view {
            book.view = Some(view);
        }
        let id = letter.header.session_id;
        if book.current != Some(id) {
            if let Some(old) = book.current.and_then(|old| book.sessions.get_mut(&old)) {
                old.is_over = true;
            }
            book.current = Some(id);
        }
        let session = book.sessions.entry(id).or_default();
        for note in &letter.notes {
            if note.is_odd() && !session.written.contains_key(&note.msg_id) {
                session.odd += 1;
            }
            let call = call_number(note);
            if let Some(call) = call {
                book.refused.remove(&call);
                book.call_ids.insert(call, note.msg_id);
            }
            let arrived = session.written.get(&note.msg_id).is_some_and(|it| it.has_arrived);
            session.written.insert(
                note.msg_id,
                Written {
                    seq_no: note.seq_no,
                    body: hash(&note.body),
                    container: letter.header.msg_id,
                    call,
                    has_arrived: arrived,
                },
            );
            session.last = session.last.max(note.msg_id);
            if let Some(Message::MsgsAck(acks)) = note.message() {
                for msg_id in acks.msg_ids.iter() {
                    session.owed.remove(&msg_id);
                }
            }
        }
        if letter.is_container {
            session.last = session.last.max(letter.header.msg_id);
            let (seq_no, container) = (letter.header.seq_no, letter.header.msg_id);
            let written = Written { seq_no, body: 0, container, call: None, has_arrived: true };
            session.written.insert(container, written);
        }
    }

    pub(super) fn note_client_done(&mut self, context: &Context, after: Option<View>) {
        let at = self.at;
        let book = &mut self.clients[context.client];
        if let Some(after) = after {
            book.view = Some(after);
        }
        let (Some(letter), Outcome::Taken, Some(before), Some(after)) =
            (&context.letter, context.outcome, context.before, after)
        else {
            return;
        };
        if letter.header.session_id != before.session {
            return;
        }
        let session = book.sessions.entry(before.session).or_default();
        let dropped = |msg_id: MsgId| {
            let outer = letter.header.msg_id;
            context.discards.iter().any(|(named, why)| {
                // Below the floor a packet is not looked at; a message in a container is acknowledged.
                match why {
                    Discard::OutOfTime => *named == msg_id,
                    Discard::BelowFloor => *named == outer,
                    _ => false,
                }
            })
        };
        let replaced = before.session != after.session;
        for note in &letter.notes {
            if dropped(note.msg_id) {
                continue;
            }
            session.received.insert(note.msg_id, note.is_odd());
            if context.discards.contains(&(note.msg_id, Discard::BelowFloor)) {
                let number = workload::update_number(&note.body);
                if let Some(push) = number.and_then(|number| self.pushes.get_mut(&number)) {
                    push.came_too_late = true;
                }
            }
            // What cannot be unpacked is acknowledged unless it is out of time, which then is not told.
            let unreadable = context.discards.contains(&(note.msg_id, Discard::Unpackable));
            if note.is_odd() && !replaced && !unreadable {
                session.owed.insert(note.msg_id, at);
            }
            let mut refused = Vec::new();
            match note.message() {
                Some(Message::RpcResult(result)) => {
                    if let Some(call) = session.written.get_mut(&result.req_msg_id) {
                        call.has_arrived = true;
                    }
                }
                Some(Message::BadServerSalt(bad)) => {
                    book.salts_until = 0;
                    refused.push(bad.bad_msg_id);
                }
                Some(Message::NewSessionCreated(_)) => book.salts_until = 0,
                Some(Message::FutureSalts(salts)) => {
                    let ours = session.written.contains_key(&salts.req_msg_id);
                    // A container that came before is discarded as a whole, under its own id.
                    let read = [note.msg_id, letter.header.msg_id];
                    let fresh = !context.discards.iter().any(|(named, _)| read.contains(named));
                    if ours && fresh {
                        book.salts_until = after.time.as_secs() + SALTS_KNOWN_S;
                    }
                }
                Some(Message::BadMsgNotification(bad)) => {
                    refused.push(bad.bad_msg_id);
                    if bad.error_code == 20 {
                        book.upheavals.push(at);
                    }
                }
                _ => {}
            }
            let unused =
                [Discard::Duplicate, Discard::NotOurs, Discard::Replayed, Discard::BelowFloor];
            let fresh = !unused.iter().any(|why| context.discards.contains(&(note.msg_id, *why)));
            for msg_id in refused.into_iter().filter(|_| fresh) {
                book.refusals.push(at);
                for (own, written) in &session.written {
                    let named = *own == msg_id || written.container == msg_id;
                    let Some(call) = written.call.filter(|_| named && !written.has_arrived) else {
                        continue;
                    };
                    let current = book.call_ids.get(&call) == Some(own);
                    if current && self.calls.get(&call).is_some_and(|call| call.end.is_none()) {
                        book.refused.entry(call).or_insert(at);
                    }
                }
            }
        }
    }

    pub(super) fn note_client_told(&mut self, client: usize, event: &ClientEvent<'_>) {
        let at = self.at;
        match event {
            ClientEvent::Session(Event::Result { request, .. }) => {
                self.end_request(client, *request, End::Result);
            }
            ClientEvent::Session(Event::RpcError { request, error }) => {
                self.end_request(client, *request, End::Error(error.code()));
            }
            ClientEvent::Session(Event::Failed { request, error }) => {
                self.end_request(client, *request, End::Failed(*error));
            }
            ClientEvent::Session(Event::Update { body }) => match workload::update_number(body) {
                Some(number) if self.pushes.contains_key(&number) => {
                    self.clients[client].updates.insert(number);
                    if let Some(push) = self.pushes.get_mut(&number) {
                        push.is_told = true;
                    }
                }
                Some(number) => {
                    self.strange_updates.insert(number);
                }
                None => {}
            },
            ClientEvent::Session(Event::SessionReplaced { cause, .. }) => {
                let back =
                    matches!(cause, ResetCause::BadMsg { code: 17 } | ResetCause::ClockSetBack);
                self.clients[client].is_set_back = back;
                if *cause == ResetCause::NewKey {
                    // The key's exchange has told the time.
                    self.clients[client].view = None;
                    if let Some(context) = &mut self.context {
                        context.rekeyed = true;
                    }
                }
                self.clients[client].rekeyed = false;
                self.clients[client].upheavals.push(at);
            }
            // Which of its calls the server's new memory knows is not always clear to the client.
            ClientEvent::Session(Event::SessionCreated { .. }) => {
                self.clients[client].upheavals.push(at);
            }
            // What the server is known to have is not refused: a repetition of its packet was.
            ClientEvent::Session(Event::Delivered { request }) => {
                let book = &mut self.clients[client];
                let number = book.requests.get(request);
                let msg_id = number.and_then(|number| book.call_ids.get(number)).copied();
                for session in book.sessions.values_mut() {
                    if let Some(call) = msg_id.and_then(|id| session.written.get_mut(&id)) {
                        call.has_arrived = true;
                    }
                }
            }
            ClientEvent::Session(Event::Discarded { msg_id, reason }) => {
                if let Some(context) = &mut self.context {
                    context.discards.push((*msg_id, *reason));
                }
            }
            _ => {}
        }
    }

    pub(super) fn note_restart(&mut self, client: usize) {
        let open: Vec<u32> = self.clients[client]
            .requests
            .values()
            .copied()
            .filter(|number| self.calls.get(number).is_some_and(|call| call.end.is_none()))
            .collect();
        for number in open {
            self.end(number, End::Abandoned);
        }
        let book = &mut self.clients[client];
        if let Some(old) = book.current.take().and_then(|old| book.sessions.get_mut(&old)) {
            old.is_over = true;
        }
        book.requests.clear();
        book.salts_until = 0;
        book.view = None;
        book.rekeyed = true;
        book.upheavals.push(self.at);
    }
}

impl ClientBook {
    /// Returns when a span that the client measures by its own clock began, if it ends now.
    pub(crate) fn awake_since(&self, at: Instant, span: Duration) -> Instant {
        let mut start = at.saturating_sub(span);
        for (fell, woke) in self.naps.iter().rev() {
            if *woke >= start {
                start = start.saturating_sub(woke.saturating_since(*fell));
            }
        }
        start
    }

    /// Notes that the client falls asleep, or wakes.
    pub(super) fn note_sleep(&mut self, at: Instant, asleep: bool) {
        if asleep {
            self.asleep_since = Some(at);
        } else if let Some(fell) = self.asleep_since.take() {
            self.naps.push((fell, at));
        }
    }

    /// Notes which packet of the client's was the last to reach the server, and what came behind it.
    pub(super) fn note_order(&mut self, letter: &Letter) {
        if letter.order < self.latest_taken {
            let session = letter.header.session_id;
            self.overtaken.extend(letter.notes.iter().map(|note| (session, note.msg_id)));
        }
        self.latest_taken = self.latest_taken.max(letter.order);
    }
}

/// Returns the number of the call that a client's message is, if it is one and not packed.
fn call_number(note: &Note) -> Option<u32> {
    match note.message()? {
        Message::Object(body) => workload::call_in(body),
        _ => None,
    }
}

/// The current salt of a schedule lasts at least so long, and a minute in which the next ones may be asked for.
const SALTS_KNOWN_S: u64 = 1500;
