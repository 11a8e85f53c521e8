//! Peers for session tests: a puppet whose every message the test chooses, and a pair of real sessions.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use mtp_crypto::begin;
use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, open, pad, seal,
};
use mtp_env::{Deadline, Entropy, Instant, Now, UnixTime};
use mtp_session::client::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, RequestId, RequestOptions,
};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::{AfterSend, LinkId, Outgoing, Transmit};
use mtp_session::server::{
    IncomingId, KeySalts, ServerSalts, ServerSession, ServerSessionConfig, ServerSessionEvent,
};
use mtp_session::service::{
    BadMsgNotification, BadServerSalt, Container, GzipPacked, InnerMessage, MESSAGE, MSG_CONTAINER,
    MSG_COPY, Message, RpcResult,
};
use mtp_session::session::{Discard, LinkKind, PacketError};
use mtp_tl::{Encode, Rest};

/// Start of all tests, in Unix seconds.
pub const START: u64 = 1_700_000_137;
pub const FIRST_SALT: Salt = Salt::from_raw(0x5a17);
pub const LINK: LinkId = LinkId::new(1);
/// `help.getConfig`
pub const CALL: [u8; 4] = [0x6b, 0x18, 0xf9, 0xc4];
/// `boolTrue`
pub const TRUE: [u8; 4] = [0xb5, 0x75, 0x72, 0x99];

pub fn start() -> Now {
    Now { mono: Instant::from_micros(50_000_000), unix: UnixTime::from_secs(START) }
}

pub fn key(seed: u8) -> Arc<AuthKey> {
    let mut bytes = [seed; 256];
    bytes[0] = 1;
    Arc::new(AuthKey::new(bytes).unwrap())
}

pub fn established(key: &Arc<AuthKey>, kind: KeyKind) -> Established {
    Established { key: key.clone(), salt: FIRST_SALT, time_offset_ns: 0, kind }
}

/// Returns a call: an unknown constructor and a number.
pub fn call(number: u32) -> Vec<u8> {
    [0x1111_1111_u32.to_le_bytes(), number.to_le_bytes()].concat()
}

/// Returns an update: an unknown constructor and a number.
pub fn update(number: u32) -> Vec<u8> {
    [0x2222_2222_u32.to_le_bytes(), number.to_le_bytes()].concat()
}

pub fn result(msg_id: MsgId, content: &[u8]) -> Vec<u8> {
    RpcResult { req_msg_id: msg_id, result: Rest::from(content) }.to_bytes()
}

pub fn bad_msg(bad_msg_id: MsgId, code: i32) -> BadMsgNotification {
    let bad_msg_seqno = SeqNo::from_raw(1);
    BadMsgNotification { bad_msg_id, bad_msg_seqno, error_code: code }
}

pub fn bad_salt(bad_msg_id: MsgId, salt: Salt) -> BadServerSalt {
    let bad_msg_seqno = SeqNo::from_raw(1);
    BadServerSalt { bad_msg_id, bad_msg_seqno, error_code: 48, new_server_salt: salt }
}

/// A message as read by a puppet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub msg_id: MsgId,
    pub seq_no: SeqNo,
    /// The message id of its packet.
    pub container: MsgId,
    pub body: Vec<u8>,
}

impl Read {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.body).unwrap()
    }

    pub fn is_odd(&self) -> bool {
        self.seq_no.as_raw() & 1 == 1
    }
}

/// A packet as read by a puppet.
#[derive(Clone, Debug)]
pub struct Packet {
    pub header: InnerHeader,
    pub is_container: bool,
    pub messages: Vec<Read>,
}

impl Packet {
    /// Returns the calls among the messages.
    pub fn calls(&self) -> Vec<&Read> {
        let is_call = |read: &&Read| matches!(read.message(), Message::Object(_));
        self.messages.iter().filter(is_call).collect()
    }

    /// Returns the only message that `pick` selects.
    #[track_caller]
    pub fn only<T>(&self, pick: impl Fn(&Read, Message<'_>) -> Option<T>) -> T {
        let mut found: Vec<T> = self.all(pick);
        assert_eq!(found.len(), 1, "in {self:?}");
        found.remove(0)
    }

    pub fn all<T>(&self, pick: impl Fn(&Read, Message<'_>) -> Option<T>) -> Vec<T> {
        self.messages.iter().filter_map(|read| pick(read, read.message())).collect()
    }
}

/// A peer whose every message the test chooses.
pub struct Puppet {
    pub key: Arc<AuthKey>,
    pub side: Side,
    pub session_id: SessionId,
    pub salt: Salt,
    pub last: u64,
    pub odd: i32,
    entropy: CtrEntropy,
}

impl Puppet {
    pub fn new(key: &Arc<AuthKey>, side: Side, session_id: SessionId) -> Self {
        let entropy = CtrEntropy::from_number(77);
        Self { key: key.clone(), side, session_id, salt: FIRST_SALT, last: 0, odd: 0, entropy }
    }

    /// Creates a message id of the given kind (modulo 4) at a time.
    pub fn id(&mut self, now: Now, kind: u64) -> MsgId {
        let fraction = (u64::from(now.unix.subsec_nanos()) << 32) / 1_000_000_000;
        let fresh = (now.unix.as_secs() << 32 | fraction) & !3 | kind;
        let id = fresh.max(((self.last & !3) + 4) | kind);
        self.last = id;
        MsgId::from_raw(id)
    }

    pub fn odd(&mut self) -> SeqNo {
        self.odd += 1;
        SeqNo::from_raw(self.odd * 2 - 1)
    }

    pub fn even(&self) -> SeqNo {
        SeqNo::from_raw(self.odd * 2)
    }

    /// Labels a message with an id of the given kind and an odd or even sequence number.
    pub fn label(&mut self, now: Now, kind: u64, odd: bool) -> (MsgId, SeqNo) {
        let id = self.id(now, kind);
        (id, if odd { self.odd() } else { self.even() })
    }

    pub fn seal(&mut self, (msg_id, seq_no): (MsgId, SeqNo), body: &[u8]) -> Vec<u8> {
        let (salt, session_id) = (self.salt, self.session_id);
        let mut out = Vec::new();
        let start = begin(&mut out, InnerHeader { salt, session_id, msg_id, seq_no });
        out.extend_from_slice(body);
        pad(&mut out, start, Padding::Minimum, &mut self.entropy).unwrap();
        seal(&self.key, self.side, &mut out).unwrap();
        out
    }

    /// Seals a message that needs no acknowledgment.
    pub fn even_message(&mut self, now: Now, message: &impl Encode) -> Vec<u8> {
        let kind = u64::from(self.side == Side::Server);
        let label = self.label(now, kind, false);
        self.seal(label, &message.to_bytes())
    }

    /// Seals a message that needs an acknowledgment.
    pub fn odd_message(&mut self, now: Now, kind: u64, body: &[u8]) -> (MsgId, Vec<u8>) {
        let label = self.label(now, kind, true);
        (label.0, self.seal(label, body))
    }

    pub fn container(messages: &[(MsgId, SeqNo, &[u8])]) -> Vec<u8> {
        let mut body = MSG_CONTAINER.get().to_le_bytes().to_vec();
        body.extend(u32::try_from(messages.len()).unwrap().to_le_bytes());
        for (msg_id, seq_no, inner) in messages {
            body.extend(msg_id.to_le_bytes());
            body.extend(seq_no.to_le_bytes());
            body.extend(u32::try_from(inner.len()).unwrap().to_le_bytes());
            body.extend(*inner);
        }
        body
    }

    /// Seals a container of labeled messages.
    pub fn seal_container(&mut self, now: Now, messages: &[(MsgId, SeqNo, &[u8])]) -> Vec<u8> {
        let body = Self::container(messages);
        let kind = u64::from(self.side == Side::Server);
        let label = self.label(now, kind, false);
        self.seal(label, &body)
    }

    /// Opens a packet of the other side and adopts its session id.
    #[track_caller]
    pub fn read(&mut self, packet: &[u8]) -> Packet {
        let mut packet = packet.to_vec();
        let opened = open(&self.key, self.side.peer(), &mut packet).unwrap();
        let header = opened.header;
        self.session_id = header.session_id;
        let is_container = opened.body.starts_with(&MSG_CONTAINER.get().to_le_bytes());
        let read = |msg_id, seq_no, body: &[u8]| Read {
            msg_id,
            seq_no,
            container: header.msg_id,
            body: body.to_vec(),
        };
        let messages = if is_container {
            let container = Container::parse(header.msg_id, header.seq_no, opened.body).unwrap();
            let read = |InnerMessage { msg_id, seq_no, body }| read(msg_id, seq_no, body);
            container.iter().map(read).collect()
        } else {
            vec![read(header.msg_id, header.seq_no, opened.body)]
        };
        Packet { header, is_container, messages }
    }
}

/// An event with owned bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    Result(RequestId, Vec<u8>),
    RpcError(RequestId, i32, String),
    Update(Vec<u8>),
    Call(IncomingId, Vec<u8>, Vec<u8>),
    /// Any other event of a client.
    Client(ClientSessionEvent<'static>),
    /// Any other event of a server.
    Server(ServerSessionEvent<'static>),
}

pub fn observe_client(event: ClientSessionEvent<'_>) -> Observed {
    Observed::Client(match event {
        ClientSessionEvent::Result { request, body } => {
            return Observed::Result(request, body.to_vec());
        }
        ClientSessionEvent::RpcError { request, error } => {
            return Observed::RpcError(request, error.code(), error.message().to_owned());
        }
        ClientSessionEvent::Update { body } => return Observed::Update(body.to_vec()),
        ClientSessionEvent::Failed { request, error } => {
            ClientSessionEvent::Failed { request, error }
        }
        ClientSessionEvent::Delivered { request } => ClientSessionEvent::Delivered { request },
        ClientSessionEvent::QuickAcked { request } => ClientSessionEvent::QuickAcked { request },
        ClientSessionEvent::SessionCreated { unique_id } => {
            ClientSessionEvent::SessionCreated { unique_id }
        }
        ClientSessionEvent::SessionReplaced { old, new, cause } => {
            ClientSessionEvent::SessionReplaced { old, new, cause }
        }
        ClientSessionEvent::TimeChanged { offset_ns } => {
            ClientSessionEvent::TimeChanged { offset_ns }
        }
        ClientSessionEvent::Pong { link, round_trip } => {
            ClientSessionEvent::Pong { link, round_trip }
        }
        ClientSessionEvent::RefusedRepeatedly { code, count } => {
            ClientSessionEvent::RefusedRepeatedly { code, count }
        }
        ClientSessionEvent::SaltsChanged => ClientSessionEvent::SaltsChanged,
        ClientSessionEvent::BindingLost => ClientSessionEvent::BindingLost,
        ClientSessionEvent::SessionDestroyed { session_id, existed } => {
            ClientSessionEvent::SessionDestroyed { session_id, existed }
        }
        ClientSessionEvent::KeyDestroyed(outcome) => ClientSessionEvent::KeyDestroyed(outcome),
        ClientSessionEvent::TransportError { link, code } => {
            ClientSessionEvent::TransportError { link, code }
        }
        ClientSessionEvent::Discarded { msg_id, reason } => {
            ClientSessionEvent::Discarded { msg_id, reason }
        }
        other => panic!("unexpected event: {other:?}"),
    })
}

pub fn observe_server(event: ServerSessionEvent<'_>) -> Observed {
    Observed::Server(match event {
        ServerSessionEvent::Call { id, wrappers, query, .. } => {
            return Observed::Call(id, wrappers.to_vec(), query.to_vec());
        }
        ServerSessionEvent::CallDropped { id } => ServerSessionEvent::CallDropped { id },
        ServerSessionEvent::CallTimedOut { id } => ServerSessionEvent::CallTimedOut { id },
        ServerSessionEvent::AnswerAcked { id } => ServerSessionEvent::AnswerAcked { id },
        ServerSessionEvent::PushAcked { id } => ServerSessionEvent::PushAcked { id },
        ServerSessionEvent::PushesDropped { count } => ServerSessionEvent::PushesDropped { count },
        ServerSessionEvent::DestroySession { session_id } => {
            ServerSessionEvent::DestroySession { session_id }
        }
        ServerSessionEvent::DestroyKey => ServerSessionEvent::DestroyKey,
        ServerSessionEvent::SessionGone => ServerSessionEvent::SessionGone,
        ServerSessionEvent::PacketCut { msg_id, refused, cause } => {
            ServerSessionEvent::PacketCut { msg_id, refused, cause }
        }
        ServerSessionEvent::Discarded { msg_id, reason } => {
            ServerSessionEvent::Discarded { msg_id, reason }
        }
        other => panic!("unexpected event: {other:?}"),
    })
}

/// Wraps a body in `gzip_packed`.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    GzipPacked { packed_data: &encoder.finish().unwrap() }.to_bytes()
}

/// Wraps a message in `msg_copy`.
pub fn copy((id, seq_no): (MsgId, SeqNo), body: &[u8]) -> Vec<u8> {
    let mut bytes = [MSG_COPY.get().to_le_bytes(), MESSAGE.get().to_le_bytes()].concat();
    bytes.extend(id.to_le_bytes());
    bytes.extend(seq_no.to_le_bytes());
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Returns the reasons of all discarded messages.
pub fn discarded(events: &[Observed]) -> Vec<Discard> {
    let reason = |event: &Observed| match event {
        Observed::Client(ClientSessionEvent::Discarded { reason, .. })
        | Observed::Server(ServerSessionEvent::Discarded { reason, .. }) => Some(*reason),
        _ => None,
    };
    events.iter().filter_map(reason).collect()
}

/// The verbs that both kinds of sessions have.
pub trait Session {
    fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
    ) -> Result<(), PacketError>;
    fn poll_transmit(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Option<Transmit>;
    fn observe(&mut self) -> Option<Observed>;
    fn poll_timeout(&self) -> Option<Deadline>;
    fn handle_timeout(&mut self, now: Now);
}

macro_rules! verbs {
    ($session:ident, $observe:ident) => {
        impl Session for $session {
            fn handle_packet(
                &mut self,
                now: Now,
                link: LinkId,
                packet: &mut [u8],
            ) -> Result<(), PacketError> {
                $session::handle_packet(self, now, link, packet)
            }

            fn poll_transmit(
                &mut self,
                now: Now,
                link: LinkId,
                out: &mut Vec<u8>,
                entropy: &mut dyn Entropy,
            ) -> Option<Transmit> {
                $session::poll_transmit(self, now, link, out, entropy)
            }

            fn observe(&mut self) -> Option<Observed> {
                self.poll_event().map($observe)
            }

            fn poll_timeout(&self) -> Option<Deadline> {
                $session::poll_timeout(self)
            }

            fn handle_timeout(&mut self, now: Now) {
                $session::handle_timeout(self, now);
            }
        }
    };
}

verbs!(ClientSession, observe_client);
verbs!(ServerSession, observe_server);

/// A session under test with its clock and entropy.
pub struct Driven<S> {
    pub session: S,
    pub entropy: CtrEntropy,
    pub now: Now,
}

pub type DrivenClient = Driven<ClientSession>;
pub type DrivenServer = Driven<ServerSession>;

impl DrivenClient {
    pub fn client(config: ClientSessionConfig) -> Self {
        let mut entropy = CtrEntropy::from_number(1);
        let session = ClientSession::new(start(), Arc::new(config), &mut entropy);
        Self { session, entropy, now: start() }
    }

    /// A client with a permanent key and one link.
    pub fn ready_client(config: ClientSessionConfig) -> (Self, Puppet) {
        let mut client = Self::client(config);
        let key = key(3);
        client.session.set_key(client.now, &established(&key, KeyKind::Permanent));
        client.session.link_up(client.now, LINK, LinkKind::Stream);
        let puppet = Puppet::new(&key, Side::Server, client.session.session_id());
        (client, puppet)
    }

    #[track_caller]
    pub fn call(&mut self, number: u32) -> RequestId {
        self.request(&call(number), RequestOptions::new())
    }

    #[track_caller]
    pub fn request(&mut self, body: &[u8], options: RequestOptions) -> RequestId {
        self.session.request(self.now, body, options).unwrap()
    }
}

impl DrivenServer {
    /// A server with one link and a puppet client with a valid salt.
    pub fn ready_server(config: ServerSessionConfig) -> (Self, Puppet) {
        let mut entropy = CtrEntropy::from_number(2);
        let key = key(3);
        let salts = Arc::new(ServerSalts::new([9; 32]));
        let first = Some((start().unix, FIRST_SALT));
        let key_salts = KeySalts::new(key.id(), first);
        let session_id = SessionId::from_raw(0x00c0_ffee);
        let session = ServerSession::new(
            start(),
            key.clone(),
            session_id,
            (salts, key_salts),
            Arc::new(config),
            &mut entropy,
        );
        let mut server = Self { session, entropy, now: start() };
        server.session.link_up(server.now, LINK, LinkKind::Stream);
        (server, Puppet::new(&key, Side::Client, session_id))
    }
}

impl<S: Session> Driven<S> {
    pub fn pass(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
    }

    pub fn pass_s(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Returns all packets pending on a link; `Err` if the session closes the link.
    pub fn transmit(&mut self, link: LinkId) -> Result<Vec<Vec<u8>>, ()> {
        let mut packets = Vec::new();
        loop {
            let mut out = vec![0xee; 3];
            match self.session.poll_transmit(self.now, link, &mut out, &mut self.entropy) {
                None => {
                    assert_eq!(out.len(), 3, "the buffer must be unchanged");
                    return Ok(packets);
                }
                Some(transmit) if transmit.then == AfterSend::Close => return Err(()),
                Some(transmit) => {
                    assert!(matches!(transmit.what, Outgoing::Packet { .. }));
                    packets.push(out.split_off(3));
                }
            }
        }
    }

    /// Returns the only pending packet.
    #[track_caller]
    pub fn packet(&mut self) -> Vec<u8> {
        let mut packets = self.transmit(LINK).expect("the link stays open");
        assert_eq!(packets.len(), 1, "packets");
        packets.remove(0)
    }

    #[track_caller]
    pub fn silent(&mut self) {
        assert_eq!(self.transmit(LINK), Ok(Vec::new()));
    }

    #[track_caller]
    pub fn take(&mut self, packet: &[u8]) {
        self.session.handle_packet(self.now, LINK, &mut packet.to_vec()).unwrap();
    }

    pub fn events(&mut self) -> Vec<Observed> {
        let mut events = Vec::new();
        while let Some(event) = self.session.observe() {
            events.push(event);
        }
        events
    }

    /// Advances time from deadline to deadline until `until`, without a peer.
    pub fn idle(&mut self, until: Now) {
        for _ in 0..10_000 {
            match self.session.poll_timeout() {
                Some(deadline) if deadline.at <= until.mono => {
                    let wait = deadline.at.saturating_since(self.now.mono);
                    self.now = self.now.after(wait);
                    self.session.handle_timeout(self.now);
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("timers spin: {:?}", self.session.poll_timeout());
    }
}

/// Returns a client configuration without pings and salt requests.
pub fn quiet() -> ClientSessionConfig {
    let mut config = ClientSessionConfig::default();
    config.ping = false;
    config.future_salts = false;
    config
}

/// Two real sessions and a wire between them.
pub struct Pair {
    pub client: DrivenClient,
    pub server: DrivenServer,
    pub to_server: VecDeque<Vec<u8>>,
    pub to_client: VecDeque<Vec<u8>>,
}

impl Pair {
    pub fn new(client: ClientSessionConfig, server: ServerSessionConfig) -> Self {
        let (client, _) = DrivenClient::ready_client(client);
        let mut entropy = CtrEntropy::from_number(2);
        let key = key(3);
        let salts = Arc::new(ServerSalts::new([9; 32]));
        let key_salts = KeySalts::new(key.id(), Some((start().unix, FIRST_SALT)));
        let session = ServerSession::new(
            start(),
            key,
            client.session.session_id(),
            (salts, key_salts),
            Arc::new(server),
            &mut entropy,
        );
        let mut server = Driven { session, entropy, now: start() };
        server.session.link_up(server.now, LINK, LinkKind::Stream);
        Self { client, server, to_server: VecDeque::new(), to_client: VecDeque::new() }
    }

    pub fn pass(&mut self, duration: Duration) {
        self.client.pass(duration);
        self.server.pass(duration);
    }

    /// Moves packets until both sides are silent.
    pub fn settle(&mut self) {
        for _ in 0..1000 {
            self.client.session.handle_timeout(self.client.now);
            self.server.session.handle_timeout(self.server.now);
            self.to_server.extend(self.client.transmit(LINK).unwrap_or_default());
            self.to_client.extend(self.server.transmit(LINK).unwrap_or_default());
            if self.to_server.is_empty() && self.to_client.is_empty() {
                return;
            }
            while let Some(packet) = self.to_server.pop_front() {
                self.server.take(&packet);
            }
            while let Some(packet) = self.to_client.pop_front() {
                self.client.take(&packet);
            }
        }
        panic!("the sessions never fall silent");
    }
}
