//! The observer: the reference that invariants compare with.
//!
//! The observer decrypts every packet and knows every event and call. Invariants check each fact against the observer's
//! knowledge before the fact is recorded.
//!
//! | module | content |
//! |---|---|
//! | `fact` | observable events and the observable state of a client |
//! | `client` | clients and their sessions |
//! | `server` | the server and its sessions |
//! | `calls` | calls and updates |

mod calls;
mod client;
mod fact;
mod server;

use core::hash::{Hash as _, Hasher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::DefaultHasher;
use std::rc::Rc;
use std::sync::Arc;

use mtp_crypto::{AuthKeyId, MsgId, Side};
use mtp_env::{Instant, Now, UnixTime};
use mtp_session::client::RequestId;
use mtp_session::link::LinkId;
use mtp_session::server::{KeySalts, ServerSalts, SessionName};
use mtp_session::session::Discard;

use crate::opened_packet::OpenedPacket;

pub(crate) use calls::{CallRecord, End, PushRecord, Run};
pub(crate) use client::{ClientRecord, ClientSession};
pub(crate) use fact::{Fact, Outcome, View};
pub(crate) use server::{Incarnation, ServerRecord};

/// All knowledge about a run.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) at: Instant,
    /// The clocks of the server.
    pub(crate) server_now: Now,
    /// When the server was started last.
    pub(crate) server_started: Now,
    pub(crate) clients: Vec<ClientRecord>,
    pub(crate) server: ServerRecord,
    pub(crate) calls: BTreeMap<u32, CallRecord>,
    pub(crate) pushes: BTreeMap<u32, PushRecord>,
    pub(crate) context: Option<Context>,
    pub(crate) healed_at: Option<Instant>,
    /// The client of each key.
    pub(crate) owners: BTreeMap<AuthKeyId, usize>,
    pub(crate) limits: Limits,
    /// Forged updates that were delivered.
    pub(crate) strange_updates: BTreeSet<u32>,
    /// The only invariant that is checked.
    pub(crate) only: Option<u8>,
}

/// Configured limits of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) client_unpacked_max: usize,
    pub(crate) calls_max: usize,
    pub(crate) ack_delay: core::time::Duration,
    pub(crate) recoveries_max: usize,
    /// Maximum time from the end of all faults to the end of a call.
    pub(crate) call_end_max: core::time::Duration,
}

/// The packet that is being handled.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) side: Side,
    pub(crate) client: usize,
    pub(crate) link: LinkId,
    pub(crate) opened: Option<Rc<OpenedPacket>>,
    pub(crate) outcome: Outcome,
    pub(crate) before: Option<View>,
    pub(crate) discards: Vec<(MsgId, Discard)>,
    pub(crate) calls: usize,
    pub(crate) new_sessions: usize,
    /// The client has switched to another key while handling it.
    pub(crate) rekeyed: bool,
}

impl Observer {
    pub(crate) fn new(clients: usize, limits: Limits, secret: Arc<ServerSalts>) -> Self {
        Self {
            at: Instant::default(),
            server_now: Now::default(),
            server_started: Now::default(),
            clients: (0..clients).map(|_| ClientRecord::default()).collect(),
            server: ServerRecord { secret: Some(secret), ..ServerRecord::default() },
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

    /// Returns `true` if an invariant is checked in this run.
    pub(crate) fn is_checked_by(&self, invariant: u8) -> bool {
        self.only.is_none_or(|only| only == invariant)
    }

    /// Returns the client session of a packet.
    pub(crate) fn session_of(
        &self,
        client: usize,
        opened: &OpenedPacket,
    ) -> Option<&ClientSession> {
        self.clients.get(client)?.sessions.get(&opened.header.session_id)
    }

    /// Returns the server session of a packet.
    pub(crate) fn incarnation_of(&self, opened: &OpenedPacket) -> Option<&Incarnation> {
        self.server.sessions.get(&name_of(opened))
    }

    /// Returns the client session that was current before the packet that is being handled.
    pub(crate) fn session_before(&self) -> Option<(&Context, &ClientSession)> {
        let context = self.context.as_ref().filter(|context| !context.rekeyed)?;
        let session = context.before?.session;
        Some((context, self.clients.get(context.client)?.sessions.get(&session)?))
    }

    /// Returns the updates that must still arrive: those whose session has not been replaced.
    pub(crate) fn awaited_pushes(&self) -> impl Iterator<Item = u32> {
        self.pushes.iter().filter_map(|(number, push)| {
            let incarnation = self.server.sessions.get(&push.session)?;
            let current = self.clients[push.client].current == Some(push.session.id);
            let alive = incarnation.number == push.incarnation && current;
            let excused = push.was_too_late || incarnation.pushes_dropped;
            (alive && !push.is_delivered && !excused).then_some(*number)
        })
    }

    /// Returns `true` if a later packet overtook the packet of a message.
    pub(crate) fn is_overtaken(&self, session: SessionName, msg_id: MsgId) -> bool {
        let owner = self.owners.get(&session.key).and_then(|client| self.clients.get(*client));
        owner.is_some_and(|client| client.overtaken.contains(&(session.id, msg_id)))
    }

    /// Returns the highest id that a session accepts no more, if it begins with `first`: an earlier run of the server may
    /// have received it.
    pub(crate) fn floor(&self, key: AuthKeyId, first: MsgId) -> Option<MsgId> {
        let is_stored = self.server.stored.contains(&key);
        let started = self.server_started.unix;
        let ahead = UnixTime::from_nanos(started.as_nanos().saturating_add(AHEAD_NS));
        let fraction = (u64::from(ahead.subsec_nanos()) << 32) / 1_000_000_000;
        let highest = MsgId::from_raw(ahead.as_secs() << 32 | fraction);
        is_stored.then(|| highest.min(first))
    }

    /// Returns `true` if the server denies having received the message of a run: it lost the session after the run and
    /// then created it again from an older message.
    pub(crate) fn seems_never_received(&self, run: &Run) -> bool {
        self.server.sessions.get(&run.session).is_some_and(|now| {
            let begins = now.first.into_iter().chain(now.lowest).min();
            now.number != run.incarnation && begins.is_some_and(|begins| begins < run.msg_id)
        })
    }

    /// Returns the call of a request.
    pub(crate) fn call_of(&self, client: usize, request: RequestId) -> Option<&CallRecord> {
        let number = self.clients.get(client)?.requests.get(&request)?;
        self.calls.get(number)
    }

    /// Records a fact.
    pub(crate) fn record(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::StepEnd => self.record_step_end(),
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
            Fact::Sent { side: Side::Client, client, opened, view, .. } => {
                self.record_client_packet(*client, opened, *view);
            }
            Fact::Sent { side: Side::Server, opened, .. } => self.record_server_packet(opened),
            Fact::Received { side, client, link, opened, outcome, before } => {
                if let (Side::Server, Some(opened)) = (side, opened) {
                    self.clients[*client].record_arrival(opened);
                }
                self.context = Some(Context {
                    side: *side,
                    client: *client,
                    link: *link,
                    opened: opened.cloned(),
                    outcome: *outcome,
                    before: *before,
                    discards: Vec::new(),
                    calls: 0,
                    new_sessions: 0,
                    rekeyed: false,
                });
            }
            Fact::Handled { after } => self.record_handled(*after),
            Fact::ClientEvent { client, event } => self.record_client_event(*client, event),
            Fact::ServerEvent { event, call } => self.record_server_event(event, *call),
            Fact::Called { planned, request } => {
                let number = planned.spec.number;
                self.clients[planned.client].requests.insert(*request, number);
                let call = CallRecord {
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
            Fact::Pushed { client, session, number } => {
                let incarnation = self.server.sessions.get(session).map_or(0, |it| it.number);
                self.pushes.insert(*number, PushRecord::new(*client, *session, incarnation));
            }
            Fact::LinkFault { link } => {
                self.server.faulty.insert(*link);
            }
            Fact::Asleep { client, asleep } => {
                self.clients[*client].record_sleep(self.at, *asleep);
            }
            _ => self.record_loss(fact),
        }
    }

    /// Records a change of keys or a loss of state.
    fn record_loss(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::ClientRestarted { client } => self.record_restart(*client),
            Fact::ClientResumed { client } => {
                let client = &mut self.clients[*client];
                client.view = None;
                client.able_since = None;
                client.salts_until = 0;
                // The saved key differs from the used one if that was not bound yet.
                client.rekeyed = true;
            }
            Fact::KeyChanged { client } => {
                self.clients[*client].rekeyed = true;
                // The next packet shows what can be sent with the new key.
                if let Some(view) = &mut self.clients[*client].view {
                    view.ready = false;
                }
                self.clients[*client].salts_until = 0;
                self.clients[*client].disruptions.push(self.at);
            }
            Fact::SessionsLost => {
                self.server.sessions.clear();
                self.server.stored.extend(self.server.salts.keys());
                self.server.last = MsgId::from_raw(0);
                self.server.disconnects.clear();
                // Stored keys have no salt of their exchange.
                for (key, salts) in &mut self.server.salts {
                    *salts = KeySalts::new(*key, None);
                }
                for client in &mut self.clients {
                    client.disruptions.push(self.at);
                }
            }
            _ => {}
        }
    }

    fn record_step_end(&mut self) {
        let at = self.at;
        for client in &mut self.clients {
            let ready = client.view.is_some_and(|view| view.ready);
            let able = client.asleep_since.is_none() && ready && !client.links.is_empty();
            client.able_since = if able { client.able_since.or(Some(at)) } else { None };
            while client
                .recent_packets
                .front()
                .is_some_and(|then| at.saturating_since(*then).as_secs() >= 1)
            {
                client.recent_packets.pop_front();
            }
        }
    }

    fn record_handled(&mut self, after: Option<View>) {
        let Some(context) = self.context.take() else { return };
        match context.side {
            Side::Client => self.record_client_handled(&context, after),
            Side::Server => self.record_server_handled(&context),
        }
    }
}

/// Time by which ids may be ahead of the server, in nanoseconds.
const AHEAD_NS: u64 = 30_000_000_000;

/// Returns the name of the session of a packet.
pub(crate) fn name_of(opened: &OpenedPacket) -> SessionName {
    SessionName { key: opened.key, id: opened.header.session_id }
}

/// Returns a hash of bytes. The hasher has no random keys.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
