//! What an observer has seen of a run: the reference that invariants compare with.
//!
//! The observer reads every packet, hears every event and knows every call. [`Book::see`] first lets the
//! invariants judge a fact by what was known before it, then notes it.
//!
//! | module | idea |
//! |---|---|
//! | `fact` | what happens, and what can be seen of a client |
//! | `client` | what is known of a client and its sessions |
//! | `server` | what is known of the server's sessions |
//! | `calls` | what became of calls and updates |

mod calls;
mod client;
mod fact;
mod server;

use core::hash::{Hash as _, Hasher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::DefaultHasher;
use std::rc::Rc;

use mtp_crypto::{AuthKeyId, MsgId, Side};
use mtp_env::{Instant, Now};
use mtp_session::LinkId;
use mtp_session::server::SessionName;
use mtp_session::session::{Discard, KeySalts, RequestId, ServerSalts};

use crate::invariants::{self, Violation};
use crate::letter::Letter;

pub(crate) use calls::{CallBook, End, PushBook, Run};
pub(crate) use client::{ClientBook, ClientSession};
pub(crate) use fact::{Fact, Outcome, View};
pub(crate) use server::{Incarnation, ServerBook};

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
    /// The only invariant that judges.
    pub(crate) only: Option<u8>,
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
            only: None,
        }
    }

    /// Reports whether an invariant judges this run.
    pub(crate) fn is_judged_by(&self, invariant: u8) -> bool {
        self.only.is_none_or(|only| only == invariant)
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
            let excused = push.came_too_late || incarnation.pushes_dropped;
            (alive && !push.is_told && !excused).then_some(*number)
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
                client.salts_until = 0;
                // The key that it saved is another one than it used if that was not bound yet.
                client.rekeyed = true;
            }
            Fact::KeyChanged { client } => {
                self.clients[*client].rekeyed = true;
                // What can be written from now on its next packet shows.
                if let Some(view) = &mut self.clients[*client].view {
                    view.ready = false;
                }
                self.clients[*client].salts_until = 0;
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
                self.pushes.insert(*number, PushBook::new(*client, *session, incarnation));
            }
            Fact::Misbehaved { link } => {
                self.server.faulty.insert(*link);
            }
            Fact::Asleep { client, asleep } => {
                self.clients[*client].note_sleep(self.at, *asleep);
            }
            _ => {}
        }
    }

    fn note_moment(&mut self) {
        let at = self.at;
        for client in &mut self.clients {
            let ready = client.view.is_some_and(|view| view.ready);
            let able = client.asleep_since.is_none() && ready && !client.links.is_empty();
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

    fn note_done(&mut self, after: Option<View>) {
        let Some(context) = self.context.take() else { return };
        match context.side {
            Side::Client => self.note_client_done(&context, after),
            Side::Server => self.note_server_done(&context),
        }
    }
}

/// Returns the name of the session that a letter belongs to.
pub(crate) fn name_of(letter: &Letter) -> SessionName {
    SessionName { key: letter.key, id: letter.header.session_id }
}

/// Returns a number that stands for bytes; the hasher has no random keys.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
