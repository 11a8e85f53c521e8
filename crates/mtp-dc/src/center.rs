//! Links, keys, sessions and the API together.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{AuthKeyId, CtrEntropy};
use mtp_env::{Entropy, Now};
use mtp_proto::Hub;
use mtp_session::server::{KeyEnd, Server, ServerConfig, ServerEvent, SessionName};
use mtp_session::service::Wrappers;
use mtp_session::session::{Event, IncomingId, SendError};
use mtp_session::{Established, LinkId};
use mtp_tl::Encode;
use mtp_transport::ServerLink;
use mtp_transport::link::ServerConfig as LinkConfig;

use crate::api::{Answer, Api, ApiConfig, ApiEvent, Caller, Code, RpcError};

/// What a data centre is told.
#[derive(Debug)]
#[must_use]
pub struct DataCenterConfig {
    /// Keys, sessions and their limits.
    pub server: ServerConfig,
    /// What links may speak, and their limits.
    pub link: LinkConfig,
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
        Self { server, link, api, unknown_calls: UnknownCalls::Refuse, callers_max: CALLERS_MAX }
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
/// After every verb: drain [`DataCenter::poll_event`], then poll the links that can write.
pub struct DataCenter {
    hub: Hub,
    api: Api,
    link: LinkConfig,
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
        let server = Server::new(config.server, Box::new(fork(&mut entropy)));
        Self {
            hub: Hub::new(server),
            api: Api::new(config.api, Box::new(fork(&mut entropy))),
            link: config.link,
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

    /// Takes on a socket that was accepted and names its link.
    pub fn accept(&mut self, now: Now) -> LinkId {
        let link = ServerLink::new(now, self.link.clone(), Box::new(fork(&mut self.entropy)));
        self.hub.accept(now, link)
    }

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
                let body = error.to_bytes();
                self.hub.server_mut().answer(now, session, call, &body)
            }
            Answer::Unknown => {
                let body = RpcError::new(400, "INPUT_METHOD_INVALID").to_bytes();
                self.hub.server_mut().answer(now, session, call, &body)
            }
        }
    }

    /// Answers what the API knows and returns the next thing the embedder has to know.
    #[must_use]
    pub fn poll_event(&mut self, now: Now) -> Option<DcEvent> {
        loop {
            if let Some(event) = self.handle_api_events(now) {
                return Some(event);
            }
            let call = match self.hub.server_mut().poll_event()? {
                ServerEvent::KeyCreated { established } => {
                    return Some(DcEvent::KeyCreated { established });
                }
                ServerEvent::KeyBound { temporary, permanent } => {
                    return Some(DcEvent::KeyBound { temporary, permanent });
                }
                ServerEvent::KeyDestroyed { key, cause } => {
                    self.layers.remove(&key);
                    self.api.forget_key(key);
                    return Some(DcEvent::KeyDestroyed { key, cause });
                }
                ServerEvent::SessionNew { session, link } => {
                    return Some(DcEvent::SessionNew { session, link });
                }
                ServerEvent::SessionGone { session, .. } => {
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

    /// Returns the links, to move bytes: see [`Hub`].
    #[must_use]
    pub const fn hub_mut(&mut self) -> &mut Hub {
        &mut self.hub
    }

    /// Returns the links.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    fn handle_call(&mut self, now: Now, call: Incoming) -> Option<DcEvent> {
        let Incoming { session, id, layer, without_updates, query } = call;
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
                    let _ = self.hub.server_mut().push(now, session, &body);
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
