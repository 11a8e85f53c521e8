//! Links, keys, sessions and the API together.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use mtp_crypto::{AuthKeyId, CtrEntropy};
use mtp_env::{Deadline, Entropy, Now};
use mtp_proto::{ConnectionError, Hub};
use mtp_session::handshake::{Arithmetic, HandshakeError, ServerWork, ServerWorkDone};
use mtp_session::server::{KeyEnd, Server, ServerConfig, ServerEvent, SessionName};
use mtp_session::service::Wrappers;
use mtp_session::session::{Event, IncomingId, SendError};
use mtp_session::{Established, LinkId};
use mtp_tl::Encode;
use mtp_transport::link::ServerConfig as LinkConfig;
use mtp_transport::{ServerLink, TransportCode};

use crate::admission::{Admission, AdmissionConfig, Refused, Standing};
use crate::api::{Answer, Api, ApiConfig, ApiEvent, Caller, Code, RpcError};
use crate::counters::{Counters, add, add_one};

/// What a data centre is told.
#[derive(Debug)]
#[must_use]
pub struct DataCenterConfig {
    /// Keys, sessions and their limits.
    pub server: ServerConfig,
    /// What links may speak, and their limits.
    pub link: LinkConfig,
    /// Who may connect. Default: anybody, within limits for each address.
    pub admission: AdmissionConfig,
    /// What the API answers.
    pub api: ApiConfig,
    /// What happens to calls the API does not know. Default: refused.
    pub unknown_calls: UnknownCalls,
    /// Clients whose layer is remembered; beyond it the lowest key id is forgotten and its client
    /// has to say its layer again. Default 2^16.
    pub callers_max: usize,
}

impl DataCenterConfig {
    /// Joins the parts with the default for unknown calls.
    pub const fn new(server: ServerConfig, link: LinkConfig, api: ApiConfig) -> Self {
        Self {
            server,
            link,
            admission: AdmissionConfig::new(),
            api,
            unknown_calls: UnknownCalls::Refuse,
            callers_max: CALLERS_MAX,
        }
    }
}

const CALLERS_MAX: usize = 1 << 16;

/// What happens to calls the API does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownCalls {
    /// They are answered with `INPUT_METHOD_INVALID`.
    Refuse,
    /// They come out as [`DcEvent::Call`], and the embedder answers.
    Report,
}

/// What happened at a data centre that the embedder has to know.
#[derive(Debug)]
#[non_exhaustive]
pub enum DcEvent {
    /// A key was made. The client hears of it once this event has been taken: store it first.
    KeyCreated {
        /// The key, its first salt and its kind.
        established: Established,
    },
    /// A temporary key stands for a permanent one now; store that too.
    KeyBound {
        /// The temporary key.
        temporary: AuthKeyId,
        /// The permanent key.
        permanent: AuthKeyId,
    },
    /// A key is gone: delete it from the store.
    KeyDestroyed {
        /// The key.
        key: AuthKeyId,
        /// What ended it.
        cause: KeyEnd,
    },
    /// A client began a session.
    SessionNew {
        /// The session.
        session: SessionName,
        /// Its link.
        link: LinkId,
    },
    /// A session is forgotten.
    SessionGone {
        /// The session.
        session: SessionName,
    },
    /// Somebody logs in with a random code: it is to reach the owner of the number, and nobody else.
    LoginCode {
        /// The number, digits only.
        phone: String,
        /// The code.
        code: Code,
    },
    /// A call for the embedder, to be answered with [`DataCenter::answer`].
    Call {
        /// The session.
        session: SessionName,
        /// Names the call for the answer.
        id: IncomingId,
        /// The layer the client speaks, if it said so.
        layer: Option<i32>,
        /// The call, without wrappers.
        query: Vec<u8>,
    },
}

/// A data centre: links in, answers out.
///
/// After every verb: drain [`DataCenter::poll_event`], then poll the links that
/// [`DataCenter::poll_link`] names and that can write.
pub struct DataCenter {
    hub: Hub,
    admission: Admission,
    api: Api,
    link: LinkConfig,
    /// Where the arithmetic of key exchanges runs, as the embedder wants it.
    arithmetic: Arithmetic,
    /// Arithmetic that waits for a place to run.
    works: VecDeque<(LinkId, ServerWork)>,
    counters: Counters,
    unknown_calls: UnknownCalls,
    /// The layer each client said, by the key that identifies it.
    layers: BTreeMap<AuthKeyId, i32>,
    callers_max: usize,
    entropy: Box<dyn Entropy + Send>,
}

impl DataCenter {
    /// Starts without keys and links.
    #[must_use]
    pub fn new(config: DataCenterConfig, mut entropy: Box<dyn Entropy + Send>) -> Self {
        let mut server = config.server;
        // Arithmetic always passes by the admission, which makes its address pay for it.
        let arithmetic = core::mem::replace(&mut server.handshake.arithmetic, Arithmetic::Deferred);
        let server = Server::new(server, Box::new(fork(&mut entropy)));
        Self {
            hub: Hub::new(server),
            admission: Admission::new(config.admission),
            api: Api::new(config.api, Box::new(fork(&mut entropy))),
            link: config.link,
            arithmetic,
            works: VecDeque::new(),
            counters: Counters::default(),
            unknown_calls: config.unknown_calls,
            layers: BTreeMap::new(),
            callers_max: config.callers_max,
            entropy,
        }
    }

    /// Gives a stored key back, with the permanent key a temporary one is bound to.
    ///
    /// Permanent keys first. Reports whether the key is known now: not if it has expired.
    pub fn insert_key(&mut self, now: Now, key: &Established, bound_to: Option<AuthKeyId>) -> bool {
        self.hub.server_mut().insert_key(now, key, bound_to)
    }

    // ── links ──────────────────────────────────────────────────────────────────────────────────

    /// Takes on a socket that was accepted from an address and names its link.
    ///
    /// It may push out another link, the oldest of those that have shown nothing.
    ///
    /// # Errors
    /// [`Refused`]: close the socket.
    pub fn accept(&mut self, now: Now, address: IpAddr) -> Result<LinkId, Refused> {
        let standing = match self.admission.judge(now, address) {
            Ok(standing) => standing,
            Err(why) => {
                self.counters.note_refused(why);
                return Err(why);
            }
        };
        add_one(&mut self.counters.links);
        let link = ServerLink::new(now, self.link.clone(), Box::new(fork(&mut self.entropy)));
        let link = self.hub.accept(now, link);
        if let Some(displaced) = self.admission.enter(now, address, standing, link) {
            add_one(&mut self.counters.cut.displaced);
            self.cut(now, displaced);
        }
        Ok(link)
    }

    /// Takes received bytes of a link, cut anywhere.
    ///
    /// # Errors
    /// [`ConnectionError`]: the client broke the protocol. Its link is closed once its output is
    /// drained.
    pub fn handle_bytes(
        &mut self,
        now: Now,
        link: LinkId,
        bytes: &[u8],
    ) -> Result<(), ConnectionError> {
        add(&mut self.counters.bytes_in, bytes.len());
        let outcome = self.hub.handle_bytes(now, link, bytes);
        self.settle(now, link);
        self.note_outcome(outcome)
    }

    /// A link's client sends nothing any more.
    ///
    /// # Errors
    /// [`ConnectionError::Link`] if that was in the middle of a frame or a handshake.
    pub fn handle_eof(&mut self, now: Now, link: LinkId) -> Result<(), ConnectionError> {
        let outcome = self.hub.handle_eof(now, link);
        self.settle(now, link);
        self.note_outcome(outcome)
    }

    /// Appends what a link is to write and reports whether that was anything.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let wrote = self.hub.poll_transmit(now, link, out);
        add(&mut self.counters.bytes_out, out.len().saturating_sub(before));
        wrote
    }

    /// Names a link that may have something to write or is to be closed, each once after each cause.
    #[must_use]
    pub fn poll_link(&mut self) -> Option<LinkId> {
        self.hub.poll_link()
    }

    /// Reports whether a link is to be closed: everything is written, or nothing more will be.
    #[must_use]
    pub fn is_closed(&self, link: LinkId) -> bool {
        self.hub.is_closed(link)
    }

    /// Reports whether a link has ended, though something may still have to be written.
    #[must_use]
    pub fn is_ending(&self, link: LinkId) -> bool {
        self.hub.is_ending(link)
    }

    /// Reports whether more should be read from a link: its sessions are not behind.
    // spec: session 11.7
    #[must_use]
    pub fn wants_bytes(&self, link: LinkId) -> bool {
        self.hub.server().wants_packets(link)
    }

    /// Forgets a link whose socket is closed.
    pub fn remove(&mut self, now: Now, link: LinkId) {
        self.hub.remove(now, link);
        self.admission.leave(link);
    }

    /// Returns the number of links.
    #[must_use]
    pub fn links(&self) -> usize {
        self.hub.links()
    }

    /// Returns what happened since the start.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    // ── arithmetic and time ────────────────────────────────────────────────────────────────────

    /// Gives arithmetic of key exchanges away, if the configuration defers it and some waits.
    ///
    /// What an address asks for too often, or when too much waits already, is not computed: its link is
    /// told −429.
    #[must_use]
    pub fn poll_work(&mut self, now: Now) -> Option<(LinkId, ServerWork)> {
        self.enlist_works(now);
        while let Some((link, work)) = self.works.pop_front() {
            // Whoever has left meanwhile wants nothing any more.
            if !self.hub.is_ending(link) {
                add_one(&mut self.counters.exchange_steps);
                return Some((link, work));
            }
        }
        None
    }

    /// Takes the result of arithmetic back.
    ///
    /// # Errors
    /// As [`handle_bytes`](Self::handle_bytes), for the client that caused it.
    pub fn handle_work(
        &mut self,
        now: Now,
        link: LinkId,
        done: ServerWorkDone,
    ) -> Result<(), HandshakeError> {
        let outcome = self.hub.server_mut().handle_work(now, link, done);
        if outcome.is_err() {
            add_one(&mut self.counters.packets_refused.handshake);
        }
        outcome
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        Deadline::earliest(self.hub.poll_timeout(), self.admission.poll_timeout())
    }

    /// Lets time pass for the machine and every link.
    pub fn handle_timeout(&mut self, now: Now) {
        self.hub.handle_timeout(now);
        while let Some(link) = self.admission.poll_overdue(now) {
            add_one(&mut self.counters.cut.overdue);
            self.cut(now, link);
        }
    }

    // ── calls ──────────────────────────────────────────────────────────────────────────────────

    /// Answers a call that came out as [`DcEvent::Call`].
    ///
    /// # Errors
    /// [`SendError`]: the session is gone or the answer is too large.
    pub fn answer(
        &mut self,
        now: Now,
        session: SessionName,
        call: IncomingId,
        answer: &Answer,
    ) -> Result<(), SendError> {
        match answer {
            Answer::Result(body) => self.hub.server_mut().answer(now, session, call, body),
            Answer::Error(error) => {
                add_one(&mut self.counters.calls_failed);
                let body = error.to_bytes();
                self.hub.server_mut().answer(now, session, call, &body)
            }
            Answer::Unknown => {
                add_one(&mut self.counters.calls_failed);
                let body = RpcError::new(400, "INPUT_METHOD_INVALID").to_bytes();
                self.hub.server_mut().answer(now, session, call, &body)
            }
        }
    }

    /// Sends an update of the embedder's to a session: a boxed API object.
    ///
    /// # Errors
    /// [`SendError`]: the session is gone, takes no more, or the update is too large.
    pub fn push(&mut self, now: Now, session: SessionName, update: &[u8]) -> Result<(), SendError> {
        self.hub.server_mut().push(now, session, update).map(drop)
    }

    /// Answers what the API knows and returns the next thing the embedder has to know.
    #[must_use]
    pub fn poll_event(&mut self, now: Now) -> Option<DcEvent> {
        self.compute(now);
        loop {
            if let Some(event) = self.handle_api_events(now) {
                return Some(event);
            }
            let call = match self.hub.server_mut().poll_event()? {
                ServerEvent::KeyCreated { established } => {
                    self.counters.note_key(&established);
                    return Some(DcEvent::KeyCreated { established });
                }
                ServerEvent::KeyBound { temporary, permanent } => {
                    add_one(&mut self.counters.keys_bound);
                    return Some(DcEvent::KeyBound { temporary, permanent });
                }
                ServerEvent::KeyDestroyed { key, cause } => {
                    add_one(&mut self.counters.keys_destroyed);
                    self.layers.remove(&key);
                    self.api.forget_key(key);
                    return Some(DcEvent::KeyDestroyed { key, cause });
                }
                ServerEvent::SessionNew { session, link } => {
                    add_one(&mut self.counters.sessions);
                    return Some(DcEvent::SessionNew { session, link });
                }
                ServerEvent::SessionGone { session, .. } => {
                    add_one(&mut self.counters.sessions_gone);
                    let identity = self.hub.server().identity(session.key);
                    self.api.forget_session(session, identity.unwrap_or(session.key));
                    return Some(DcEvent::SessionGone { session });
                }
                ServerEvent::Session {
                    session,
                    event: Event::Call { id, wrappers, query, .. },
                } => {
                    let (said, _) = Wrappers::peel(wrappers).unwrap_or_default();
                    let Wrappers { layer, without_updates, .. } = said;
                    Incoming { session, id, layer, without_updates, query: query.to_vec() }
                }
                // Acknowledgements, cancelled and late calls: nothing here waits for them.
                _ => continue,
            };
            if let Some(event) = self.handle_call(now, call) {
                return Some(event);
            }
        }
    }

    /// Draws the admission's conclusions from what a link has shown and what it holds.
    fn settle(&mut self, now: Now, link: LinkId) {
        match self.admission.standing(link) {
            Some(Standing::Unproven) if self.hub.server().has_session(link) => {
                self.admission.prove(link);
            }
            Some(Standing::Doomed) if self.hub.can_tell(link) => {
                add_one(&mut self.counters.cut.doomed);
                self.hub.refuse(now, link, TransportCode::FLOOD);
            }
            _ => {}
        }
        self.admission.note_held(link, self.hub.held(link));
        while let Some(greedy) = self.admission.greediest() {
            self.hub.release(greedy);
            if self.hub.held(greedy) == 0 {
                self.admission.note_held(greedy, 0);
            } else {
                add_one(&mut self.counters.cut.greedy);
                self.cut(now, greedy);
            }
        }
        self.enlist_works(now);
    }

    /// Takes what the machine wants computed, as far as its addresses may want it.
    fn enlist_works(&mut self, now: Now) {
        while let Some((link, work)) = self.hub.server_mut().poll_work() {
            if self.admission.allows_exchange(now, link, self.works.len()) {
                self.works.push_back((link, work));
            } else {
                add_one(&mut self.counters.exchange_steps_refused);
                self.hub.refuse(now, link, TransportCode::FLOOD);
            }
        }
    }

    fn note_outcome(
        &mut self,
        outcome: Result<(), ConnectionError>,
    ) -> Result<(), ConnectionError> {
        if let Err(why) = &outcome {
            self.counters.note_error(why);
        }
        outcome
    }

    fn cut(&mut self, now: Now, link: LinkId) {
        self.hub.cut(now, link);
        self.admission.leave(link);
    }

    /// Runs the arithmetic here that nobody else is to run.
    fn compute(&mut self, now: Now) {
        if self.arithmetic != Arithmetic::Inline {
            return;
        }
        while let Some((link, work)) = self.poll_work(now) {
            // A client whose numbers are wrong loses its link by the machine's own doing.
            let _ = self.handle_work(now, link, work.run());
        }
    }

    fn handle_call(&mut self, now: Now, call: Incoming) -> Option<DcEvent> {
        let Incoming { session, id, layer, without_updates, query } = call;
        add_one(&mut self.counters.calls);
        let identity = self.hub.server().identity(session.key).unwrap_or(session.key);
        let layer = self.remember_layer(identity, layer);
        let caller = Caller { session, identity, layer, without_updates };
        let answer = match (self.api.handle_call(now, &caller, &query), self.unknown_calls) {
            (Answer::Unknown, UnknownCalls::Report) => {
                return Some(DcEvent::Call { session, id, layer, query });
            }
            (Answer::Unknown, UnknownCalls::Refuse) => {
                let method = query.first_chunk().map_or(0, |id| u32::from_le_bytes(*id));
                Answer::Error(RpcError::unknown_method(method, layer))
            }
            (answer, _) => answer,
        };
        // A session that is gone needs no answer, and the API's answers fit into a message.
        let _ = self.answer(now, session, id, &answer);
        None
    }

    /// Sends what calls brought about: behind their answers.
    fn handle_api_events(&mut self, now: Now) -> Option<DcEvent> {
        loop {
            match self.api.poll_event()? {
                ApiEvent::Push { session, body } => {
                    // A session that takes no more gets an `updatesTooLong` of its own accord.
                    let _ = self.push(now, session, &body);
                }
                ApiEvent::LoginCode { phone, code } => {
                    return Some(DcEvent::LoginCode { phone, code });
                }
            }
        }
    }

    /// Returns the layer in which a client speaks, and keeps what it says now.
    // spec: session 2
    fn remember_layer(&mut self, identity: AuthKeyId, said: Option<i32>) -> Option<i32> {
        let Some(layer) = said else { return self.layers.get(&identity).copied() };
        if self.layers.len() >= self.callers_max && !self.layers.contains_key(&identity) {
            self.layers.pop_first();
        }
        self.layers.insert(identity, layer);
        Some(layer)
    }
}

impl fmt::Debug for DataCenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataCenter")
            .field("hub", &self.hub)
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

/// A call, taken out of the machine that reported it.
struct Incoming {
    session: SessionName,
    id: IncomingId,
    layer: Option<i32>,
    without_updates: bool,
    query: Vec<u8>,
}

fn fork(entropy: &mut dyn Entropy) -> CtrEntropy {
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    CtrEntropy::new(seed)
}
