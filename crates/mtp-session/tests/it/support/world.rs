//! A client machine and a server machine with one link between them, on virtual time.

use core::time::Duration;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::{Deadline, Now};
use mtp_session::client::{ClientConfig, ClientEvent, Evidence, TemporaryKeyEnd};
use mtp_session::client::{ClientSessionEvent, RequestId, RequestOptions};
use mtp_session::established::Established;
use mtp_session::link::{AfterSend, LinkId, Outgoing, QuickAck};
use mtp_session::record::RecordedClient;
use mtp_session::server::ServerHandshakeConfig;
use mtp_session::server::{
    KeyEnd, ServerConfig, ServerEvent, ServerMachine, SessionEnd, SessionName,
};
use mtp_session::server::{ServerSalts, ServerSessionEvent};
use mtp_session::session::LinkKind;

use super::{at, private_keys, public_keys, vectors};

/// A client event without its lifetime.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientSaw {
    KeyCreated { temporary: bool },
    Ready,
    TemporaryKeyLost(TemporaryKeyEnd),
    PermanentKeyLost(Evidence),
    ExchangeFailed(String),
    Result(RequestId, Vec<u8>),
    Error(RequestId, i32, String),
    Update(Vec<u8>),
    Other(String),
}

/// A server event without its lifetime.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerSaw {
    KeyCreated,
    KeyBound,
    KeyDestroyed(KeyEnd),
    SessionNew(SessionName),
    SessionGone(SessionName, SessionEnd),
    Call(SessionName, Vec<u8>),
    Other(String),
}

/// Two machines, a wire, a clock and a log of all events.
pub struct World {
    pub client: RecordedClient,
    pub server: ServerMachine,
    /// The server's time; the client's differs by `skew`.
    pub now: Now,
    /// Seconds by which the client's wall clock is ahead.
    pub skew_s: i64,
    pub link: Option<LinkId>,
    links: u64,
    /// True if a link that ends is replaced at once.
    pub reconnects: bool,
    pub client_events: Vec<ClientSaw>,
    pub server_events: Vec<ServerSaw>,
    /// Every key the server created.
    pub keys: Vec<Established>,
    /// True if calls are answered, with [`ANSWER`] followed by the call.
    pub answers: bool,
    /// Hash of all packets moved.
    pub wire: DefaultHasher,
    /// The link reported by `poll_link` and not yet drained.
    pending: Option<LinkId>,
}

/// Constructor of an answer; arbitrary.
pub const ANSWER: [u8; 4] = [0xa5, 0xa5, 0xa5, 0xa5];
/// A call with an arbitrary constructor.
pub const CALL: [u8; 8] = [0x5a, 0x5a, 0x5a, 0x5a, 1, 2, 3, 4];

impl World {
    pub fn new() -> Self {
        Self::with(client_config(), server_config(), None)
    }

    pub fn with(client: ClientConfig, server: ServerConfig, key: Option<Established>) -> Self {
        let entropy = Box::new(CtrEntropy::from_number(1));
        Self::with_client(RecordedClient::new(client, start(), key, entropy, None), server)
    }

    /// A world whose client is recorded.
    pub fn recorded(client: ClientConfig, note: &[u8]) -> Self {
        let entropy = Box::new(CtrEntropy::from_number(1));
        let client = RecordedClient::new(client, start(), None, entropy, Some(note));
        Self::with_client(client, server_config())
    }

    fn with_client(client: RecordedClient, server: ServerConfig) -> Self {
        Self {
            client,
            server: ServerMachine::new(server, Box::new(CtrEntropy::from_number(2))),
            now: start(),
            skew_s: 0,
            link: None,
            links: 0,
            reconnects: true,
            client_events: Vec::new(),
            server_events: Vec::new(),
            keys: Vec::new(),
            answers: true,
            wire: DefaultHasher::new(),
            pending: None,
        }
    }

    /// Returns the client's clocks.
    pub fn client_now(&self) -> Now {
        let secs = self.now.unix.as_secs().cast_signed() + self.skew_s;
        let nanos = self.now.unix.subsec_nanos();
        Now { mono: self.now.mono, ..at(secs.cast_unsigned(), nanos.into()) }
    }

    pub fn connect(&mut self) {
        self.cut();
        self.links += 1;
        let link = LinkId::new(self.links);
        self.link = Some(link);
        self.client.link_up(self.client_now(), link, LinkKind::Stream);
        self.server.link_up(self.now, link, LinkKind::Stream);
        self.run();
    }

    pub fn cut(&mut self) {
        if let Some(link) = self.link.take() {
            self.client.link_down(self.client_now(), link);
            self.server.link_down(self.now, link);
        }
    }

    pub fn call(&mut self) -> RequestId {
        let request = self.client.request(self.client_now(), &CALL, RequestOptions::new()).unwrap();
        self.run();
        request
    }

    /// Delivers a forged transport error to the client.
    pub fn forge(&mut self, code: i32) {
        if let Some(link) = self.link {
            self.client.handle_transport_error(self.client_now(), link, code);
            self.run();
        }
    }

    /// Moves packets until both machines are silent.
    pub fn run(&mut self) {
        for _ in 0..10_000 {
            self.collect_client_events();
            self.collect_server_events();
            let moved = self.deliver_to_server() | self.deliver_to_client();
            if !moved && self.link.is_none() && self.reconnects {
                self.connect();
                return;
            }
            if !moved {
                return;
            }
        }
        panic!("the machines never fall silent");
    }

    /// Advances time from deadline to deadline.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now.mono + time;
        let mut wakes = 0;
        while self.now.mono < end {
            let next = Deadline::earliest(self.client.poll_timeout(), self.server.poll_timeout());
            let until = next.map_or(end, |deadline| deadline.at.min(end));
            let step = until.saturating_since(self.now.mono).max(Duration::from_millis(1));
            self.now = self.now.after(step);
            self.client.handle_timeout(self.client_now());
            self.server.handle_timeout(self.now);
            self.run();
            wakes += 1;
            assert!(wakes < 1_000_000, "timers spin: {next:?}");
        }
    }

    pub fn count(&self, event: &ClientSaw) -> usize {
        self.client_events.iter().filter(|other| *other == event).count()
    }

    /// Asserts that a call was answered exactly once.
    #[track_caller]
    pub fn assert_answered(&self, request: RequestId) {
        let answer = [&ANSWER[..], &CALL].concat();
        assert_eq!(self.count(&ClientSaw::Result(request, answer)), 1, "{:#?}", self.client_events);
    }

    fn deliver_to_server(&mut self) -> bool {
        let Some(link) = self.link else { return false };
        let mut packet = Vec::new();
        let Some(transmit) = self.client.poll_transmit(self.client_now(), link, &mut packet) else {
            return false;
        };
        if let Outgoing::Packet { .. } = transmit.what {
            self.wire.write(&packet);
            let _ = self.server.handle_packet(self.now, link, &mut packet, QuickAck::NotWanted);
        }
        if transmit.then == AfterSend::Close {
            self.cut();
        }
        true
    }

    fn deliver_to_client(&mut self) -> bool {
        let Some(link) = self.link else { return false };
        if self.pending != Some(link) {
            self.pending = self.server.poll_link();
        }
        if self.pending != Some(link) {
            return self.pending.is_some();
        }
        let mut packet = Vec::new();
        let Some(transmit) = self.server.poll_transmit(self.now, link, &mut packet) else {
            self.pending = None;
            return false;
        };
        let now = self.client_now();
        match transmit.what {
            Outgoing::Packet { .. } => {
                self.wire.write(&packet);
                let _ = self.client.handle_packet(now, link, &mut packet);
            }
            Outgoing::Error(code) => self.client.handle_transport_error(now, link, code),
            Outgoing::QuickAck(token) => self.client.handle_quick_ack(now, token),
            _ => {}
        }
        if transmit.then == AfterSend::Close {
            self.cut();
        }
        true
    }

    fn collect_client_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            self.client_events.push(match event {
                ClientEvent::KeyCreated { established } => {
                    ClientSaw::KeyCreated { temporary: established.kind.is_temporary() }
                }
                ClientEvent::Ready => ClientSaw::Ready,
                ClientEvent::TemporaryKeyLost { cause } => ClientSaw::TemporaryKeyLost(cause),
                ClientEvent::PermanentKeyLost { evidence } => ClientSaw::PermanentKeyLost(evidence),
                ClientEvent::ExchangeFailed { error } => {
                    ClientSaw::ExchangeFailed(format!("{error:?}"))
                }
                ClientEvent::Session(ClientSessionEvent::Result { request, body }) => {
                    ClientSaw::Result(request, body.to_vec())
                }
                ClientEvent::Session(ClientSessionEvent::RpcError { request, error }) => {
                    ClientSaw::Error(request, error.code(), error.message().to_owned())
                }
                ClientEvent::Session(ClientSessionEvent::Update { body }) => {
                    ClientSaw::Update(body.to_vec())
                }
                other => ClientSaw::Other(format!("{other:?}")),
            });
        }
    }

    fn collect_server_events(&mut self) {
        let mut calls = Vec::new();
        while let Some(event) = self.server.poll_event() {
            self.server_events.push(match event {
                ServerEvent::KeyCreated { established } => {
                    self.keys.push(established);
                    ServerSaw::KeyCreated
                }
                ServerEvent::KeyBound { .. } => ServerSaw::KeyBound,
                ServerEvent::KeyDestroyed { cause, .. } => ServerSaw::KeyDestroyed(cause),
                ServerEvent::SessionNew { session, .. } => ServerSaw::SessionNew(session),
                ServerEvent::SessionGone { session, cause } => {
                    ServerSaw::SessionGone(session, cause)
                }
                ServerEvent::Session {
                    session,
                    event: ServerSessionEvent::Call { id, query, .. },
                } => {
                    calls.push((session, id, [&ANSWER, query].concat()));
                    ServerSaw::Call(session, query.to_vec())
                }
                other => ServerSaw::Other(format!("{other:?}")),
            });
        }
        for (session, id, body) in calls {
            if self.answers {
                self.server.answer(self.now, session, id, &body).unwrap();
            }
        }
    }
}

fn start() -> Now {
    at(1_800_000_000, 0)
}

pub fn client_config() -> ClientConfig {
    ClientConfig::new(DcId::new(2), public_keys(&vectors("crypto")))
}

pub fn server_config() -> ServerConfig {
    let handshake = ServerHandshakeConfig::new(DcId::new(2), private_keys(&vectors("crypto")));
    ServerConfig::new(handshake, Arc::new(ServerSalts::new([3; 32])))
}
