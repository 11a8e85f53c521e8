//! What an observer has seen of a run: the reference that invariants compare with.
//!
//! The observer reads every packet, hears every event and knows every call. [`Book::see`] first lets the
//! invariants judge a fact by what was known before it, then notes it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use mtp_crypto::{AuthKeyId, MsgId, Salt, SeqNo, SessionId, Side};
use mtp_env::{Instant, Now, UnixTime};
use mtp_session::LinkId;
use mtp_session::client::ClientEvent;
use mtp_session::server::{ServerEvent, SessionName};
use mtp_session::service::Message;
use mtp_session::session::{
    CallError, Discard, Event, KeySalts, LinkKind, RequestId, ResetCause, ServerSalts,
};

use crate::invariants::{self, Violation};
use crate::letter::{Letter, Note};
use crate::workload::{self, Planned};

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    /// A step is over.
    Moment,
    /// Nothing is left to do.
    End,
    LinkUp {
        side: Side,
        client: usize,
        link: LinkId,
        kind: LinkKind,
    },
    LinkDown {
        side: Side,
        client: usize,
        link: LinkId,
    },
    /// A side wrote a packet.
    Wrote {
        side: Side,
        client: usize,
        link: LinkId,
        letter: &'a Rc<Letter>,
        view: Option<View>,
    },
    /// A side was given a packet; what it told about it follows, then [`Fact::Done`].
    Took {
        side: Side,
        client: usize,
        link: LinkId,
        letter: Option<&'a Rc<Letter>>,
        outcome: Outcome,
        before: Option<View>,
    },
    Done {
        after: Option<View>,
    },
    ClientTold {
        client: usize,
        event: &'a ClientEvent<'a>,
    },
    ServerTold {
        event: &'a ServerEvent<'a>,
        order: Option<u32>,
    },
    /// A client's application made a call.
    Called {
        planned: Planned,
        request: RequestId,
    },
    Cancelled {
        number: u32,
    },
    /// The server's application answered well.
    Answered {
        number: u32,
    },
    /// A client went on from what it had saved.
    ClientResumed {
        client: usize,
    },
    /// A client lost all memory but its keys.
    ClientRestarted {
        client: usize,
    },
    /// A client uses another key from now on.
    KeyChanged {
        client: usize,
    },
    /// The server lost all sessions.
    ServerForgot,
    /// The server closed a link of its own accord.
    ServerClosed {
        link: LinkId,
    },
    Pushed {
        client: usize,
        session: SessionName,
        number: u32,
    },
    /// A timer is due again and again, and nothing comes of it.
    Spin {
        reason: &'static str,
    },
    /// Something waits, and nobody will ever do anything about it.
    Stuck,
    /// Faults are over.
    Healed,
    /// A client sleeps or wakes.
    Asleep {
        client: usize,
        asleep: bool,
    },
    /// A client broke the rules of a link before there was a session.
    Misbehaved {
        link: LinkId,
    },
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Taken,
    /// At the server: refused with this code before there was a session.
    Screened(i32),
    Refused,
}

/// What can be seen of a client from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) session: SessionId,
    pub(crate) salt: Option<Salt>,
    /// Believed server time minus monotonic time, in nanoseconds.
    pub(crate) shift_ns: i128,
    /// Believed server time.
    pub(crate) time: UnixTime,
    pub(crate) calls_open: usize,
    /// Calls flow.
    pub(crate) ready: bool,
}

/// Everything seen.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) at: Instant,
    /// The server's clocks.
    pub(crate) server_now: Now,
    pub(crate) clients: Vec<ClientBook>,
    pub(crate) server: ServerBook,
    pub(crate) calls: BTreeMap<u32, CallBook>,
    pub(crate) pushes: BTreeMap<u32, PushBook>,
    pub(crate) context: Option<Context>,
    pub(crate) healed_at: Option<Instant>,
    /// Which client a key is of.
    pub(crate) owners: BTreeMap<AuthKeyId, usize>,
    pub(crate) limits: Limits,
    /// Updates that a strange peer sent, as far as they were told.
    pub(crate) strange_updates: BTreeSet<u32>,
}

/// Limits that the run was configured with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) client_unpacked_max: usize,
    pub(crate) calls_max: usize,
    pub(crate) ack_delay: core::time::Duration,
    pub(crate) recoveries_max: usize,
    /// How soon after the end of all faults every call must be over.
    pub(crate) patience: core::time::Duration,
}

/// A packet that is being handled.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) side: Side,
    pub(crate) client: usize,
    pub(crate) link: LinkId,
    pub(crate) letter: Option<Rc<Letter>>,
    pub(crate) outcome: Outcome,
    pub(crate) before: Option<View>,
    pub(crate) discards: Vec<(MsgId, Discard)>,
    pub(crate) calls: usize,
    pub(crate) new_sessions: usize,
    /// The client took the occasion to change to another key.
    pub(crate) rekeyed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct ClientBook {
    pub(crate) sessions: BTreeMap<SessionId, ClientSession>,
    pub(crate) current: Option<SessionId>,
    pub(crate) view: Option<View>,
    /// Since when each link is up.
    pub(crate) links: BTreeMap<LinkId, (Instant, LinkKind)>,
    /// Since when acknowledgements could have been written.
    pub(crate) able_since: Option<Instant>,
    pub(crate) is_asleep: bool,
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

#[derive(Debug, Default)]
pub(crate) struct ServerBook {
    pub(crate) sessions: BTreeMap<SessionName, Incarnation>,
    pub(crate) incarnations: u64,
    /// When each link must be closed.
    pub(crate) disconnects: BTreeMap<LinkId, BTreeMap<SessionName, Instant>>,
    /// Links on which the client was at fault, or on which a session ended.
    pub(crate) faulty: BTreeSet<LinkId>,
    pub(crate) salts: BTreeMap<AuthKeyId, KeySalts>,
    pub(crate) secret: Option<Rc<ServerSalts>>,
    /// The highest id that it has given since it began, or forgot.
    pub(crate) last: MsgId,
}

#[derive(Debug, Default)]
pub(crate) struct Incarnation {
    pub(crate) number: u64,
    pub(crate) greeted: bool,
    pub(crate) unique_id: Option<u64>,
    pub(crate) first: Option<MsgId>,
    /// The lowest id of the packet that began it.
    pub(crate) lowest: Option<MsgId>,
    pub(crate) odd: u32,
    pub(crate) written: BTreeMap<MsgId, (SeqNo, u64)>,
    pub(crate) acked: BTreeSet<MsgId>,
    pub(crate) results: BTreeMap<MsgId, MsgId>,
    pub(crate) executed: BTreeSet<MsgId>,
    pub(crate) received: BTreeSet<MsgId>,
    /// How many ids each question asked about.
    pub(crate) asked: BTreeMap<MsgId, usize>,
    pub(crate) pushes_dropped: bool,
}

#[derive(Debug)]
pub(crate) struct CallBook {
    pub(crate) planned: Planned,
    pub(crate) made_at: Instant,
    pub(crate) end: Option<End>,
    pub(crate) runs: Vec<Run>,
    /// How often it ran from a packet that later ones had overtaken.
    pub(crate) overtaken: usize,
    /// The server's application has answered it with a value.
    pub(crate) succeeded: bool,
    /// The call it comes after was over when it was last free to go.
    pub(crate) ended_at: Option<Instant>,
}

/// How a call ended for its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Result,
    Error(i32),
    Failed(CallError),
    Cancelled,
    /// The application that made it is gone.
    Abandoned,
}

/// One execution of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) session: SessionName,
    pub(crate) msg_id: MsgId,
    pub(crate) incarnation: u64,
    pub(crate) at: Instant,
}

#[derive(Debug)]
pub(crate) struct PushBook {
    pub(crate) client: usize,
    pub(crate) session: SessionName,
    pub(crate) incarnation: u64,
    pub(crate) is_told: bool,
}

impl Book {
    pub(crate) fn new(clients: usize, limits: Limits, secret: Rc<ServerSalts>) -> Self {
        Self {
            at: Instant::default(),
            server_now: Now::default(),
            clients: (0..clients).map(|_| ClientBook::default()).collect(),
            server: ServerBook { secret: Some(secret), ..ServerBook::default() },
            calls: BTreeMap::new(),
            pushes: BTreeMap::new(),
            context: None,
            healed_at: None,
            owners: BTreeMap::new(),
            limits,
            strange_updates: BTreeSet::new(),
        }
    }

    /// Lets every invariant judge a fact, then notes it.
    pub(crate) fn see(&mut self, fact: &Fact<'_>) -> Result<(), Violation> {
        invariants::check(self, fact)?;
        self.note(fact);
        Ok(())
    }

    /// Returns the client's session that a letter belongs to.
    pub(crate) fn session_of(&self, client: usize, letter: &Letter) -> Option<&ClientSession> {
        self.clients.get(client)?.sessions.get(&letter.header.session_id)
    }

    /// Returns the incarnation that a letter belongs to.
    pub(crate) fn incarnation_of(&self, letter: &Letter) -> Option<&Incarnation> {
        self.server.sessions.get(&name_of(letter))
    }

    /// Returns the session that a client's packets come from while one of its packets is handled.
    pub(crate) fn session_before(&self) -> Option<(&Context, &ClientSession)> {
        let context = self.context.as_ref().filter(|context| !context.rekeyed)?;
        let session = context.before?.session;
        Some((context, self.clients.get(context.client)?.sessions.get(&session)?))
    }

    /// Returns the updates that must still arrive: their sessions are as they were when they were pushed.
    pub(crate) fn awaited_pushes(&self) -> impl Iterator<Item = u32> {
        self.pushes.iter().filter_map(|(number, push)| {
            let incarnation = self.server.sessions.get(&push.session)?;
            let current = self.clients[push.client].current == Some(push.session.id);
            let alive = incarnation.number == push.incarnation && current;
            (alive && !push.is_told && !incarnation.pushes_dropped).then_some(*number)
        })
    }

    /// Reports whether a message came to the server in a packet that was overtaken by one written later.
    pub(crate) fn is_overtaken(&self, session: SessionName, msg_id: MsgId) -> bool {
        let owner = self.owners.get(&session.key).and_then(|client| self.clients.get(*client));
        owner.is_some_and(|client| client.overtaken.contains(&(session.id, msg_id)))
    }

    /// Reports whether a call ran in a session that the server has forgotten since, and began to keep again with an
    /// older message: asked about the call it says that it never came, and means it.
    pub(crate) fn seems_never_received(&self, run: &Run) -> bool {
        self.server.sessions.get(&run.session).is_some_and(|now| {
            let begins = now.first.into_iter().chain(now.lowest).min();
            now.number != run.incarnation && begins.is_some_and(|begins| begins < run.msg_id)
        })
    }

    /// Returns the call that an event speaks of.
    pub(crate) fn call_of(&self, client: usize, request: RequestId) -> Option<&CallBook> {
        let number = self.clients.get(client)?.requests.get(&request)?;
        self.calls.get(number)
    }

    fn note(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Moment => self.note_moment(),
            Fact::Healed => self.healed_at = Some(self.at),
            Fact::LinkUp { side: Side::Client, client, link, kind } => {
                self.clients[*client].links.insert(*link, (self.at, *kind));
            }
            Fact::LinkDown { side: Side::Client, client, link } => {
                self.clients[*client].links.remove(link);
            }
            Fact::LinkDown { side: Side::Server, link, .. } => {
                self.server.disconnects.remove(link);
                self.server.faulty.remove(link);
            }
            Fact::Wrote { side: Side::Client, client, letter, view, .. } => {
                self.note_client_wrote(*client, letter, *view);
            }
            Fact::Wrote { side: Side::Server, letter, .. } => self.note_server_wrote(letter),
            Fact::Took { side, client, link, letter, outcome, before } => {
                if let (Side::Server, Some(letter)) = (side, letter) {
                    self.clients[*client].note_order(letter);
                }
                self.context = Some(Context {
                    side: *side,
                    client: *client,
                    link: *link,
                    letter: letter.cloned(),
                    outcome: *outcome,
                    before: *before,
                    discards: Vec::new(),
                    calls: 0,
                    new_sessions: 0,
                    rekeyed: false,
                });
            }
            Fact::Done { after } => self.note_done(*after),
            Fact::ClientTold { client, event } => self.note_client_told(*client, event),
            Fact::ServerTold { event, order } => self.note_server_told(event, *order),
            Fact::Called { planned, request } => {
                let number = planned.order.number;
                self.clients[planned.client].requests.insert(*request, number);
                let call = CallBook {
                    planned: *planned,
                    made_at: self.at,
                    end: None,
                    runs: Vec::new(),
                    overtaken: 0,
                    succeeded: false,
                    ended_at: None,
                };
                self.calls.insert(number, call);
            }
            Fact::Cancelled { number } => self.end(*number, End::Cancelled),
            Fact::Answered { number } => {
                if let Some(call) = self.calls.get_mut(number) {
                    call.succeeded = true;
                }
            }
            Fact::ClientRestarted { client } => self.note_restart(*client),
            Fact::ClientResumed { client } => {
                let client = &mut self.clients[*client];
                client.view = None;
                client.able_since = None;
                // The key that it saved is another one than it used if that was not bound yet.
                client.rekeyed = true;
            }
            Fact::KeyChanged { client } => {
                self.clients[*client].rekeyed = true;
                // What can be written from now on its next packet shows.
                if let Some(view) = &mut self.clients[*client].view {
                    view.ready = false;
                }
                self.clients[*client].upheavals.push(self.at);
            }
            Fact::ServerForgot => {
                self.server.sessions.clear();
                self.server.last = MsgId::from_raw(0);
                self.server.disconnects.clear();
                // Stored keys come without the salt of their exchange.
                for (key, salts) in &mut self.server.salts {
                    *salts = KeySalts::new(*key, None);
                }
                for client in &mut self.clients {
                    client.upheavals.push(self.at);
                }
            }
            Fact::Pushed { client, session, number } => {
                let incarnation = self.server.sessions.get(session).map_or(0, |it| it.number);
                let push =
                    PushBook { client: *client, session: *session, incarnation, is_told: false };
                self.pushes.insert(*number, push);
            }
            Fact::Misbehaved { link } => {
                self.server.faulty.insert(*link);
            }
            Fact::Asleep { client, asleep } => self.clients[*client].is_asleep = *asleep,
            _ => {}
        }
    }

    fn note_moment(&mut self) {
        let at = self.at;
        for client in &mut self.clients {
            let ready = client.view.is_some_and(|view| view.ready);
            let able = !client.is_asleep && ready && !client.links.is_empty();
            client.able_since = if able { client.able_since.or(Some(at)) } else { None };
            while client
                .lately
                .front()
                .is_some_and(|then| at.saturating_since(*then).as_secs() >= 1)
            {
                client.lately.pop_front();
            }
        }
    }

    fn note_client_wrote(&mut self, client: usize, letter: &Letter, view: Option<View>) {
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

    fn note_server_wrote(&mut self, letter: &Letter) {
        let highest = letter.ids().map(|(msg_id, _)| msg_id).max();
        self.server.last = highest.map_or(self.server.last, |id| id.max(self.server.last));
        let Some(session) = self.server.sessions.get_mut(&name_of(letter)) else { return };
        for note in &letter.notes {
            if note.is_odd() && !session.written.contains_key(&note.msg_id) {
                session.odd += 1;
            }
            session.written.insert(note.msg_id, (note.seq_no, hash(&note.body)));
            match note.message() {
                Some(Message::NewSessionCreated(new)) => {
                    session.greeted = true;
                    session.unique_id = Some(new.unique_id);
                    session.first =
                        Some(session.first.map_or(new.first_msg_id, |it| it.min(new.first_msg_id)));
                }
                Some(Message::RpcResult(result)) => {
                    session.results.insert(result.req_msg_id, note.msg_id);
                }
                _ => {}
            }
        }
        if letter.is_container {
            session.written.insert(letter.header.msg_id, (letter.header.seq_no, 0));
        }
    }

    fn note_done(&mut self, after: Option<View>) {
        let Some(context) = self.context.take() else { return };
        match context.side {
            Side::Client => self.note_client_done(&context, after),
            Side::Server => self.note_server_done(&context),
        }
    }

    fn note_client_done(&mut self, context: &Context, after: Option<View>) {
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
                let unread = matches!(why, Discard::OutOfTime | Discard::BelowFloor);
                unread && (*named == msg_id || (*named == outer && *why == Discard::BelowFloor))
            })
        };
        let replaced = before.session != after.session;
        for note in &letter.notes {
            if dropped(note.msg_id) {
                continue;
            }
            session.received.insert(note.msg_id, note.is_odd());
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
                Some(Message::BadServerSalt(bad)) => refused.push(bad.bad_msg_id),
                Some(Message::BadMsgNotification(bad)) => {
                    refused.push(bad.bad_msg_id);
                    if bad.error_code == 20 {
                        book.upheavals.push(at);
                    }
                }
                _ => {}
            }
            let unused = [Discard::Duplicate, Discard::NotOurs, Discard::Replayed];
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

    fn note_server_done(&mut self, context: &Context) {
        let Some(letter) = &context.letter else {
            self.server.faulty.insert(context.link);
            return;
        };
        if context.outcome != Outcome::Taken {
            if context.outcome == Outcome::Refused {
                self.server.faulty.insert(context.link);
            }
            return;
        }
        let name = name_of(letter);
        let Some(session) = self.server.sessions.get_mut(&name) else { return };
        if session.lowest.is_none() {
            session.lowest = letter.ids().map(|(msg_id, _)| msg_id).min();
        }
        for (note, message) in letter.messages() {
            let fresh = session.received.insert(note.msg_id);
            match message {
                Message::MsgsAck(acks) if fresh => session.acked.extend(acks.msg_ids.iter()),
                Message::MsgsStateReq(request) => {
                    session.asked.insert(note.msg_id, request.msg_ids.len());
                }
                Message::MsgResendReq(request) => {
                    session.asked.insert(note.msg_id, request.msg_ids.len());
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

    fn note_client_told(&mut self, client: usize, event: &ClientEvent<'_>) {
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

    fn note_server_told(&mut self, event: &ServerEvent<'_>, order: Option<u32>) {
        let at = self.at;
        match event {
            ServerEvent::SessionNew { session, .. } => {
                if let Some(context) = &mut self.context {
                    context.new_sessions += 1;
                }
                self.server.incarnations += 1;
                let number = self.server.incarnations;
                let fresh = Incarnation { number, ..Incarnation::default() };
                self.server.sessions.insert(*session, fresh);
                if let Some(client) = self.owners.get(&session.key) {
                    self.clients[*client].upheavals.push(at);
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
            ServerEvent::Session { session, event: Event::Call { id, .. } } => {
                if let Some(context) = &mut self.context {
                    context.calls += 1;
                }
                let Some(incarnation) = self.server.sessions.get_mut(session) else { return };
                incarnation.executed.insert(id.msg_id());
                let run = Run {
                    session: *session,
                    msg_id: id.msg_id(),
                    incarnation: incarnation.number,
                    at,
                };
                let overtaken = self.is_overtaken(*session, id.msg_id());
                if let Some(call) = order.and_then(|number| self.calls.get_mut(&number)) {
                    call.runs.push(run);
                    call.overtaken += usize::from(overtaken);
                }
            }
            ServerEvent::Session { session, event: Event::PushesDropped { .. } } => {
                if let Some(incarnation) = self.server.sessions.get_mut(session) {
                    incarnation.pushes_dropped = true;
                }
            }
            _ => {}
        }
    }

    fn note_restart(&mut self, client: usize) {
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
        book.view = None;
        book.rekeyed = true;
        book.upheavals.push(self.at);
    }

    fn end_request(&mut self, client: usize, request: RequestId, end: End) {
        if let Some(number) = self.clients[client].requests.get(&request).copied() {
            self.end(number, end);
        }
    }

    fn end(&mut self, number: u32, end: End) {
        let at = self.at;
        if let Some(call) = self.calls.get_mut(&number) {
            call.end.get_or_insert(end);
            call.ended_at.get_or_insert(at);
            self.clients[call.planned.client].refused.remove(&number);
        }
    }
}

impl ClientBook {
    /// Notes which packet of the client's was the last to reach the server, and what came behind it.
    fn note_order(&mut self, letter: &Letter) {
        if letter.order < self.latest_taken {
            let session = letter.header.session_id;
            self.overtaken.extend(letter.notes.iter().map(|note| (session, note.msg_id)));
        }
        self.latest_taken = self.latest_taken.max(letter.order);
    }
}

/// Returns the name of the session that a letter belongs to.
pub(crate) fn name_of(letter: &Letter) -> SessionName {
    SessionName { key: letter.key, id: letter.header.session_id }
}

/// Returns the number of the call that a client's message is, if it is one and not packed.
fn call_number(note: &Note) -> Option<u32> {
    match note.message()? {
        Message::Object(body) => workload::call_in(body),
        _ => None,
    }
}

/// Returns a number that stands for bytes; the hasher has no random keys.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
