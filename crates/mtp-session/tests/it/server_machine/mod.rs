//! Keys, sessions and links of a server machine, and their limits.
//!
//! Method: packets are built by hand under known keys, so that every field can be wrong.

mod replays;

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::begin;
use mtp_crypto::{
    AuthKey, CtrEntropy, DcId, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, open,
    pad, seal, v1,
};
use mtp_env::{Now, UnixTime};
use mtp_session::client::{ClientHandshake, ClientHandshakeConfig};
use mtp_session::established::{Established, KeyKind};
use mtp_session::exchange::{HandshakeError, KeyRequest};
use mtp_session::link::{AfterSend, LinkId, Outgoing, QuickAck};
use mtp_session::server::{
    KeyEnd, ServerConfig, ServerEvent, ServerMachine, ServerPacketError, SessionEnd, SessionName,
};
use mtp_session::server::{KeySalts, ServerSessionEvent};
use mtp_session::service::{BadMsgNotification, BadServerSalt, Container, Message};
use mtp_session::session::LinkKind;
use mtp_session::version::Versions;
use mtp_tl::Encode;

use crate::peers::{Puppet, gzip};
use crate::support::world::server_config;
use crate::support::{at, public_keys, vectors};

/// A call: an unknown constructor and a number.
const CALL: [u8; 8] = [0x11, 0x11, 0x11, 0x11, 7, 0, 0, 0];
const PING: [u8; 12] = [0xec, 0x77, 0xbe, 0x7a, 1, 2, 3, 4, 5, 6, 7, 8];

/// A server with one permanent key and the peer of its links.
struct Bench {
    server: ServerMachine,
    key: Arc<AuthKey>,
    salts: KeySalts,
    config_salts: Arc<mtp_session::server::ServerSalts>,
    now: Now,
    /// Distinguishes messages created at the same time.
    serial: u64,
}

#[derive(Clone, Copy)]
struct Fields {
    session: u64,
    msg_id: u64,
    salt: Salt,
    seq_no: i32,
}

impl Fields {
    fn header(self) -> InnerHeader {
        InnerHeader {
            salt: self.salt,
            session_id: SessionId::from_raw(self.session),
            msg_id: MsgId::from_raw(self.msg_id),
            seq_no: SeqNo::from_raw(self.seq_no),
        }
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(server_config())
    }

    fn with(config: ServerConfig) -> Self {
        let now = at(1_800_000_000, 0);
        let key = Arc::new(AuthKey::new([7; 256]).unwrap());
        let mut server = ServerMachine::new(config, Box::new(CtrEntropy::from_number(2)));
        let config_salts = Arc::clone(server.salts());
        let salts = KeySalts::new(key.id(), None);
        // Long before, so that no id is one that an earlier run may have received.
        let start = at(1_799_999_000, 0);
        assert!(server.insert_key(start, &established(&key, KeyKind::Permanent), None));
        Self { server, key, salts, config_salts, now, serial: 0 }
    }

    fn up(&mut self, link: u64) -> LinkId {
        let link = LinkId::new(link);
        self.server.link_up(self.now, link, LinkKind::Stream);
        link
    }

    fn fields(&mut self, session: u64) -> Fields {
        self.serial += 1;
        Fields {
            session,
            msg_id: (self.now.unix.as_secs() << 32) + 4 * self.serial,
            salt: self.salts.current(&self.config_salts, self.now.unix),
            seq_no: 0,
        }
    }

    fn send(&mut self, link: LinkId, fields: Fields, body: &[u8]) -> Result<(), ServerPacketError> {
        let mut packet = sealed(&self.key, fields.header(), body);
        self.server.handle_packet(self.now, link, &mut packet, QuickAck::NotWanted)
    }

    fn ping(&mut self, link: LinkId, session: u64) -> Result<(), ServerPacketError> {
        let fields = self.fields(session);
        self.send(link, fields, &PING)
    }

    fn ping_v1(&mut self, link: LinkId, session: u64) -> Result<(), ServerPacketError> {
        let header = self.fields(session).header();
        let mut packet = sealed_v1(&self.key, header, &PING);
        self.server.handle_packet(self.now, link, &mut packet, QuickAck::NotWanted)
    }

    /// Returns the bodies of all messages that the server sends on a link, containers unpacked.
    fn bodies(&mut self, link: LinkId) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let mut packet = Vec::new();
        while let Some(transmit) = self.server.poll_transmit(self.now, link, &mut packet) {
            if let Outgoing::Packet { .. } = transmit.what {
                let opened = open(&self.key, Side::Server, &mut packet).expect("it opens");
                match Message::parse(opened.body).unwrap() {
                    Message::Container(_) => {
                        let id = opened.header.msg_id;
                        let seq_no = opened.header.seq_no;
                        let container = Container::parse(id, seq_no, opened.body).unwrap();
                        bodies.extend(container.iter().map(|inner| inner.body.to_vec()));
                    }
                    _ => bodies.push(opened.body.to_vec()),
                }
            }
            packet.clear();
        }
        bodies
    }

    fn events(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        while let Some(event) = self.server.poll_event() {
            events.push(match event {
                ServerEvent::SessionNew { session, .. } => format!("new {}", session.id.as_raw()),
                ServerEvent::SessionGone { session, cause } => {
                    format!("gone {} {cause:?}", session.id.as_raw())
                }
                ServerEvent::KeyDestroyed { cause, .. } => format!("key {cause:?}"),
                ServerEvent::Session { event: ServerSessionEvent::Call { query, .. }, .. } => {
                    format!("call of {}", query.len())
                }
                other => format!("{other:?}"),
            });
        }
        events
    }
}

fn established(key: &Arc<AuthKey>, kind: KeyKind) -> Established {
    Established { key: Arc::clone(key), salt: Salt::from_raw(1), time_offset_ns: 0, kind }
}

fn sealed(key: &AuthKey, header: InnerHeader, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let start = begin(&mut packet, header);
    packet.extend_from_slice(body);
    pad(&mut packet, start, Padding::Minimum, &mut CtrEntropy::from_number(4)).unwrap();
    seal(key, Side::Client, &mut packet).unwrap();
    packet
}

// spec: session 5.2, 20#22
// spec: session 5.2#2, 5.2#3, 5.2#4, 5.2#5; crypto 5#10, 5#11, 17#24, 17#25
#[test]
fn bad_id_or_salt_is_reported_and_creates_no_session() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    let good = bench.fields(5);
    let cases: [(Fields, i32); 7] = [
        (Fields { msg_id: good.msg_id - (301 << 32), ..good }, 16),
        (Fields { msg_id: good.msg_id + (31 << 32), ..good }, 17),
        (Fields { msg_id: good.msg_id | 1, ..good }, 18),
        (Fields { msg_id: good.msg_id | 2, ..good }, 18),
        (Fields { msg_id: good.msg_id | 3, ..good }, 18),
        (Fields { salt: Salt::from_raw(0), ..good }, 48),
        (Fields { msg_id: 4, salt: Salt::from_raw(0), ..good }, 16),
    ];
    for (fields, code) in cases {
        let refused = bench.send(link, fields, &PING);
        let Err(ServerPacketError::Rejected(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.code(), code);
        let bodies = bench.bodies(link);
        assert_eq!(bodies.len(), 1);
        let bad_msg_id = MsgId::from_raw(fields.msg_id);
        let bad_msg_seqno = SeqNo::from_raw(fields.seq_no);
        let new_server_salt = good.salt;
        let expected = if code == 48 {
            BadServerSalt { bad_msg_id, bad_msg_seqno, error_code: code, new_server_salt }
                .to_bytes()
        } else {
            BadMsgNotification { bad_msg_id, bad_msg_seqno, error_code: code }.to_bytes()
        };
        assert_eq!(bodies[0], expected);
    }
    assert!(bench.events().is_empty(), "no session and no call");
    bench.send(link, good, &PING).unwrap();
    assert_eq!(bench.events(), ["new 5"]);
}

// spec: session 16
#[test]
fn version_1_is_rejected_by_default() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    assert_eq!(bench.ping_v1(link, 5), Err(ServerPacketError::OldVersion));
    let mut out = Vec::new();
    let closing = bench.server.poll_transmit(bench.now, link, &mut out).unwrap();
    assert_eq!((closing.what, closing.then), (Outgoing::Nothing, AfterSend::Close));
    assert!(out.is_empty() && bench.events().is_empty(), "no session and no reply");
}

// spec: session 16
#[test]
fn version_1_is_answered_in_version_1_when_allowed() {
    let mut bench = Bench::with(with_version_1());
    let link = bench.up(1);
    bench.ping_v1(link, 5).unwrap();
    assert_eq!(bench.events(), ["new 5"]);
    let mut packet = Vec::new();
    assert!(bench.server.poll_transmit(bench.now, link, &mut packet).is_some());
    assert!(open(&bench.key, Side::Server, &mut packet.clone()).is_err(), "not version 2");
    let opened = v1::open(&bench.key, Side::Server, &mut packet).unwrap();
    assert_eq!(opened.header.session_id, SessionId::from_raw(5));

    // Rejections without a session use version 1 as well.
    let fields = Fields { salt: Salt::from_raw(0), ..bench.fields(6) };
    let mut refused = sealed_v1(&bench.key, fields.header(), &PING);
    let refused =
        bench.server.handle_packet(bench.now, link, &mut refused, QuickAck::NotWanted).unwrap_err();
    assert!(matches!(refused, ServerPacketError::Rejected(_)), "{refused:?}");
    packet.clear();
    assert!(bench.server.poll_transmit(bench.now, link, &mut packet).is_some());
    assert!(v1::open(&bench.key, Side::Server, &mut packet).is_ok());
}

// spec: session 16
#[test]
fn second_version_on_one_link_is_rejected() {
    let mut bench = Bench::with(with_version_1());
    let (old, new) = (bench.up(1), bench.up(2));
    bench.ping_v1(old, 5).unwrap();
    bench.ping(new, 6).unwrap();
    assert!(!bench.bodies(new).is_empty(), "the other link is answered in version 2");
    assert_eq!(bench.ping_v1(new, 6), Err(ServerPacketError::Envelope));
    assert_eq!(bench.ping(old, 5), Err(ServerPacketError::Envelope));
    // The session returns over another link in version 2 and is answered in version 2.
    let again = bench.up(3);
    bench.ping(again, 5).unwrap();
    assert!(!bench.bodies(again).is_empty());
}

fn with_version_1() -> ServerConfig {
    let mut config = server_config();
    config.versions = Versions::CurrentAndOld;
    config
}

fn sealed_v1(key: &AuthKey, header: InnerHeader, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let start = begin(&mut packet, header);
    packet.extend_from_slice(body);
    v1::pad(&mut packet, start, &mut CtrEntropy::from_number(4)).unwrap();
    v1::seal(key, Side::Client, &mut packet).unwrap();
    packet
}

// spec: session 5.2
// spec: crypto 17#17, 17#19
// spec: session 5.1#1, 5.2#1
#[test]
fn undecryptable_packet_closes_the_link() {
    let stranger = AuthKey::new([8; 256]).unwrap();
    let header = InnerHeader {
        salt: Salt::from_raw(0),
        session_id: SessionId::from_raw(1),
        msg_id: MsgId::from_raw(4),
        seq_no: SeqNo::from_raw(0),
    };
    let unknown = sealed(&stranger, header, &PING);
    let mut bench = Bench::new();
    let mut flipped = sealed(&bench.key, header, &PING);
    flipped[40] ^= 1;
    let good = bench.fields(0);
    let (salt, msg_id) = (good.salt, MsgId::from_raw(good.msg_id));
    let zero_session = InnerHeader { salt, session_id: SessionId::from_raw(0), msg_id, ..header };
    let zero = sealed(&bench.key, zero_session, &PING);
    for (number, (mut packet, what)) in [
        (unknown, Outgoing::Error(-404)),
        (flipped, Outgoing::Nothing),
        (zero, Outgoing::Error(-404)),
    ]
    .into_iter()
    .enumerate()
    {
        let link = bench.up(number as u64);
        let result = bench.server.handle_packet(bench.now, link, &mut packet, QuickAck::NotWanted);
        assert!(result.is_err());
        let transmit = bench.server.poll_transmit(bench.now, link, &mut Vec::new()).unwrap();
        assert_eq!((transmit.what, transmit.then), (what, AfterSend::Close));
        assert!(bench.server.poll_transmit(bench.now, link, &mut Vec::new()).is_none());
        // Further input on the link is ignored.
        assert_eq!(bench.ping(link, 9), Ok(()));
        assert!(bench.events().is_empty());
    }
}

#[test]
fn quick_ack_is_sent_when_requested() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    let fields = bench.fields(5);
    let header = InnerHeader {
        salt: fields.salt,
        session_id: SessionId::from_raw(5),
        msg_id: MsgId::from_raw(fields.msg_id),
        seq_no: SeqNo::from_raw(0),
    };
    let mut packet = sealed(&bench.key, header, &PING);
    let token = open(&bench.key, Side::Client, &mut packet.clone()).unwrap().quick_ack;
    bench.server.handle_packet(bench.now, link, &mut packet, QuickAck::Wanted).unwrap();
    let transmit = bench.server.poll_transmit(bench.now, link, &mut Vec::new()).unwrap();
    assert_eq!(transmit.what, Outgoing::QuickAck(token));
}

// spec: session 17
#[test]
fn sessions_per_key_are_limited_and_the_oldest_parked_is_evicted() {
    let mut bench = Bench::new();
    for session in 1..=256 {
        let link = bench.up(session);
        bench.ping(link, session).unwrap();
    }
    assert_eq!(bench.events().len(), 256);
    // Session 3 loses its link first, then session 2.
    bench.server.link_down(bench.now, LinkId::new(3));
    bench.now = bench.now.after(Duration::from_secs(1));
    bench.server.link_down(bench.now, LinkId::new(2));
    for (session, evicted) in [(257, 3), (258, 2)] {
        let link = bench.up(session);
        bench.ping(link, session).unwrap();
        let expected = [format!("gone {evicted} Evicted"), format!("new {session}")];
        assert_eq!(bench.events(), expected);
    }
    let link = bench.up(259);
    bench.ping(link, 259).unwrap();
    assert_eq!(bench.events().len(), 2, "without a session off its link, another one is evicted");
}

// spec: session 17
#[test]
fn sessions_per_link_are_limited_and_the_oldest_is_detached() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    for session in 1..=9 {
        bench.ping(link, session).unwrap();
    }
    assert_eq!(bench.events().len(), 9, "all sessions are kept");
    // The first session was detached from the link and times out; the others keep the link.
    bench.now = bench.now.after(Duration::from_secs(200));
    bench.server.handle_timeout(bench.now);
    assert_eq!(bench.events(), ["gone 1 Idle"]);
}

#[test]
fn sessions_of_the_server_are_limited() {
    let mut config = server_config();
    config.sessions_max = 2;
    let mut bench = Bench::with(config);
    let link = bench.up(1);
    bench.ping(link, 1).unwrap();
    bench.ping(link, 2).unwrap();
    assert_eq!(bench.ping(link, 3), Err(ServerPacketError::Full));
    let mut out = Vec::new();
    let codes: Vec<_> = core::iter::from_fn(|| {
        out.clear();
        bench.server.poll_transmit(bench.now, link, &mut out)
    })
    .filter(|transmit| matches!(transmit.what, Outgoing::Error(_)))
    .collect();
    assert_eq!(codes.len(), 1);
    assert_eq!((codes[0].what, codes[0].then), (Outgoing::Error(-429), AfterSend::Close));
    bench.server.link_down(bench.now, link);
    let link = bench.up(2);
    bench.ping(link, 3).unwrap();
    assert_eq!(bench.events(), ["new 1", "new 2", "gone 1 Evicted", "new 3"]);
}

// spec: session 13
#[test]
fn session_without_link_is_kept_for_three_minutes() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    bench.ping(link, 1).unwrap();
    bench.ping(link, 2).unwrap();
    bench.server.link_down(bench.now, link);
    bench.now = bench.now.after(Duration::from_secs(179));
    bench.server.handle_timeout(bench.now);
    let link = bench.up(2);
    bench.ping(link, 2).unwrap();
    assert_eq!(bench.events(), ["new 1", "new 2"]);
    bench.now = bench.now.after(Duration::from_secs(1));
    bench.server.handle_timeout(bench.now);
    assert_eq!(bench.events(), ["gone 1 Idle"], "the session that returned is kept");
}

// spec: session 8.8
#[test]
fn destroy_session_removes_another_session_of_the_key() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    bench.ping(link, 1).unwrap();
    bench.ping(link, 2).unwrap();
    bench.events();
    bench.bodies(link);
    for (asked, answer) in [(1_u64, 0xe220_45fc_u32), (1, 0x62d3_50c9), (2, 0x62d3_50c9)] {
        let fields = bench.fields(2);
        let body = [&0xe751_2126_u32.to_le_bytes()[..], &asked.to_le_bytes()].concat();
        bench.send(link, fields, &body).unwrap();
        bench.events();
        let expected = [&answer.to_le_bytes()[..], &asked.to_le_bytes()].concat();
        assert!(bench.bodies(link).contains(&expected), "{asked}");
    }
    bench.ping(link, 2).unwrap();
    assert!(bench.events().is_empty(), "the requesting session is kept");
}

// Found by fuzzing a client and a server.
// spec: session 5.3, 8.8; session 20#19
#[test]
fn replayed_packet_does_not_recreate_an_ended_session() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    let call = Fields { seq_no: 1, ..bench.fields(1) };
    bench.send(link, call, &CALL).unwrap();
    assert_eq!(bench.events(), ["new 1", "call of 8"]);
    let later = bench.fields(1);
    let fields = bench.fields(2);
    let destroy = [&0xe751_2126_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat();
    bench.send(link, fields, &destroy).unwrap();
    assert_eq!(bench.events(), ["new 2", "gone 1 Destroyed"]);
    bench.bodies(link);
    // Replayed by an eavesdropper, on any link.
    let other = bench.up(2);
    for link in [link, other] {
        assert_eq!(bench.send(link, call, &CALL), Err(ServerPacketError::Ended));
    }
    assert!(bench.events().is_empty() && bench.bodies(link).is_empty());
    // The client itself may return; the replayed packet stays rejected.
    bench.send(link, later, &PING).unwrap();
    assert_eq!(bench.send(other, call, &CALL), Err(ServerPacketError::Ended));
    assert_eq!(bench.events(), ["new 1"]);
    bench.now = bench.now.after(Duration::from_secs(301));
    let refused = bench.send(link, call, &CALL);
    assert!(matches!(refused, Err(ServerPacketError::Rejected(_) | ServerPacketError::Ended)));
}

#[test]
fn replayed_packet_of_an_ended_session_closes_an_http_link() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    let ping = bench.fields(1);
    bench.send(link, ping, &PING).unwrap();
    bench.server.link_down(bench.now, link);
    bench.now = bench.now.after(Duration::from_secs(180));
    bench.server.handle_timeout(bench.now);
    assert_eq!(bench.events(), ["new 1", "gone 1 Idle"]);
    let (link, stream) = (LinkId::new(2), bench.up(3));
    bench.server.link_up(bench.now, link, LinkKind::Http);
    for (link, closes) in [(link, true), (stream, false)] {
        assert_eq!(bench.send(link, ping, &PING), Err(ServerPacketError::Ended));
        let mut out = Vec::new();
        let then = bench.server.poll_transmit(bench.now, link, &mut out).map(|it| it.then);
        assert_eq!(then == Some(AfterSend::Close), closes);
    }
}

// spec: session 8.9
#[test]
fn destroy_auth_key_removes_key_and_sessions() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    bench.ping(link, 1).unwrap();
    bench.events();
    bench.bodies(link);
    let fields = bench.fields(1);
    bench.send(link, fields, &0xd143_5160_u32.to_le_bytes()).unwrap();
    assert_eq!(bench.events(), ["gone 1 KeyGone", "key Destroyed"]);
    let mut packet = Vec::new();
    let transmit = bench.server.poll_transmit(bench.now, link, &mut packet).unwrap();
    assert_eq!(transmit.what, Outgoing::Packet { quick_ack: None });
    let opened = open(&bench.key, Side::Server, &mut packet).unwrap();
    assert_eq!(opened.body, 0xf660_e1d4_u32.to_le_bytes());
    let transmit = bench.server.poll_transmit(bench.now, link, &mut Vec::new()).unwrap();
    assert_eq!(transmit.then, AfterSend::Close);
    let link = bench.up(2);
    let id = bench.key.id();
    assert_eq!(bench.ping(link, 1), Err(ServerPacketError::UnknownKey(id)));
}

// spec: crypto 11.1
#[test]
fn temporary_key_is_removed_at_its_expiry() {
    let mut bench = Bench::new();
    let temporary = Arc::new(AuthKey::new([9; 256]).unwrap());
    let expires_at = UnixTime::from_secs(bench.now.unix.as_secs() + 100);
    let kind = KeyKind::Temporary { expires_at, media: false };
    let permanent = bench.key.id();
    assert!(bench.server.insert_key(bench.now, &established(&temporary, kind), Some(permanent)));
    assert_eq!(bench.server.identity(temporary.id()), Some(permanent));
    let end = bench.now.after(Duration::from_secs(100));
    assert_eq!(bench.server.poll_timeout().unwrap().at, end.mono);
    bench.server.handle_timeout(bench.now.after(Duration::from_secs(99)));
    assert!(bench.events().is_empty());
    bench.server.handle_timeout(end);
    assert_eq!(bench.events(), ["key Expired"]);
    assert_eq!(bench.server.identity(temporary.id()), None);
    assert!(
        !bench.server.insert_key(end, &established(&temporary, kind), None),
        "an expired key is not inserted"
    );
}

// spec: crypto 17#27
#[test]
fn unbound_temporary_key_may_only_bind_and_get_config() {
    let mut bench = Bench::new();
    let temporary = Arc::new(AuthKey::new([9; 256]).unwrap());
    let expires_at = UnixTime::from_secs(bench.now.unix.as_secs() + 1000);
    let kind = KeyKind::Temporary { expires_at, media: false };
    bench.server.insert_key(bench.now, &established(&temporary, kind), None);
    bench.key = Arc::clone(&temporary);
    bench.salts = KeySalts::new(temporary.id(), None);
    let link = bench.up(1);
    for (number, (method, allowed)) in
        [(0xc4f9_186b_u32, true), (0x1fb3_3026, true), (0xedd4_882a, false)].into_iter().enumerate()
    {
        let fields = Fields { seq_no: 2 * i32::try_from(number).unwrap() + 1, ..bench.fields(1) };
        bench.send(link, fields, &method.to_le_bytes()).unwrap();
        let calls = bench.events().iter().filter(|event| event.starts_with("call")).count();
        assert_eq!(calls, usize::from(allowed), "{method:x}");
        let refused = bench
            .bodies(link)
            .iter()
            .any(|body| body.windows(19).any(|window| window == b"AUTH_KEY_PERM_EMPTY"));
        assert_eq!(refused, !allowed, "{method:x}");
    }
}

// spec: session 8.6, 20#27
#[test]
fn link_is_closed_after_disconnect_delay_without_pings() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    let ping_delay_disconnect = |seconds: i32| {
        [&0xf342_7b8c_u32.to_le_bytes()[..], &[0; 8], &seconds.to_le_bytes()].concat()
    };
    for _ in 0..2 {
        let fields = bench.fields(1);
        bench.send(link, fields, &ping_delay_disconnect(10)).unwrap();
        bench.bodies(link);
        bench.now = bench.now.after(Duration::from_secs(9));
        bench.server.handle_timeout(bench.now);
        assert!(bench.server.poll_transmit(bench.now, link, &mut Vec::new()).is_none());
    }
    bench.ping(link, 1).unwrap();
    bench.bodies(link);
    while bench.server.poll_link().is_some() {}
    bench.now = bench.now.after(Duration::from_secs(1));
    bench.server.handle_timeout(bench.now);
    assert_eq!(bench.server.poll_link(), Some(link));
    let transmit = bench.server.poll_transmit(bench.now, link, &mut Vec::new()).unwrap();
    assert_eq!((transmit.what, transmit.then), (Outgoing::Nothing, AfterSend::Close));
    assert!(bench.server.poll_transmit(bench.now, link, &mut Vec::new()).is_none(), "closed once");
}

/// Drives an exchange up to the client's last query and returns the client handshake.
fn nearly_done(bench: &mut Bench, link: LinkId) -> ClientHandshake {
    let keys = public_keys(&vectors("crypto"));
    let config = ClientHandshakeConfig::new(DcId::new(2), KeyRequest::Permanent, keys);
    let mut client = ClientHandshake::new(config, Box::new(CtrEntropy::from_number(77)));
    let mut packet = Vec::new();
    while client.poll_transmit(bench.now, &mut packet).is_some() {
        bench.server.handle_packet(bench.now, link, &mut packet, QuickAck::NotWanted).unwrap();
        packet.clear();
        if bench.server.poll_transmit(bench.now, link, &mut packet).is_some() {
            let _ = client.handle_packet(bench.now, &packet);
        }
        packet.clear();
    }
    client
}

// spec: crypto 8.9
#[test]
fn key_is_reported_before_dh_gen_ok_is_sent() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    let mut client = nearly_done(&mut bench, link);
    let mut packet = Vec::new();
    assert!(bench.server.poll_transmit(bench.now, link, &mut packet).is_none());
    let Some(ServerEvent::KeyCreated { established }) = bench.server.poll_event() else { panic!() };
    let _ = bench.server.poll_transmit(bench.now, link, &mut packet).expect("dh_gen_ok");
    client.handle_packet(bench.now, &packet).unwrap();
    assert_eq!(client.finish().unwrap().key.id(), established.key.id());
}

// spec: crypto 8.11
#[test]
fn existing_key_works_during_a_key_exchange() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    let client = nearly_done(&mut bench, link);
    bench.ping(link, 5).unwrap();
    let mut pongs = bench.bodies(link);
    pongs.retain(|body| body.starts_with(&0x3477_73c5_u32.to_le_bytes()));
    assert_eq!(pongs.len(), 1);
    assert!(!client.is_done());
}

#[test]
fn key_exchange_is_refused_when_the_key_store_is_full() {
    let mut config = server_config();
    config.keys_max = 1;
    let mut bench = Bench::with(config);
    let link = bench.up(1);
    let client = nearly_done(&mut bench, link);
    assert_eq!(client.failure(), Some(HandshakeError::Refused));
    assert!(bench.events().is_empty());
}

/// `--nocapture` prints the number of bytes.
#[test]
fn idle_session_takes_less_than_4_kib() {
    const SESSIONS: u64 = 512;
    let mut config = server_config();
    config.sessions_per_key_max = usize::MAX;
    let mut bench = Bench::with(config);
    let memory = allocation_counter::measure(|| {
        for session in 1..=SESSIONS {
            let link = bench.up(session);
            bench.ping(link, session).unwrap();
            bench.events();
            bench.bodies(link);
            let acked = bench.fields(session);
            let ack = [&0x62d6_b459_u32.to_le_bytes()[..], &[0x15, 0xc4, 0xb5, 0x1c, 0, 0, 0, 0]];
            bench.send(link, acked, &ack.concat()).unwrap();
            bench.server.link_down(bench.now, link);
        }
    });
    let each = memory.bytes_current / i64::try_from(SESSIONS).unwrap();
    println!("{each} bytes for each idle session");
    assert!((256..=4096).contains(&each), "{each} bytes");
}

#[test]
fn debug_output_contains_no_key_bytes() {
    let name = SessionName { key: Bench::new().key.id(), id: SessionId::from_raw(5) };
    assert!(format!("{name:?}").ends_with("/0000000000000005)"));
    let debug = format!("{:?}", Bench::new().server);
    assert!(debug.contains("keys: 1"));
    assert!(!debug.contains("07070707") && !debug.contains("7, 7, 7"));
    assert_ne!(SessionEnd::Idle, SessionEnd::Stuck);
    assert_ne!(KeyEnd::Removed, KeyEnd::Expired);
}

/// Goal: a session whose calls wait for room is announced again once there is room. Method: one call runs at a time.
// spec: session 11.7
#[test]
fn session_with_held_calls_is_announced_again() {
    let mut config = server_config();
    config.session.answer_reserve = config.session.output_bytes_max;
    let mut bench = Bench::with(config);
    let link = bench.up(1);
    for number in 0..3 {
        let fields = Fields { seq_no: 2 * number + 1, ..bench.fields(5) };
        bench.send(link, fields, &CALL).unwrap();
    }
    let mut ran = 0;
    while let Some(event) = bench.server.poll_event() {
        let ServerEvent::Session { session, event: ServerSessionEvent::Call { id, .. } } = event
        else {
            continue;
        };
        ran += 1;
        assert!(bench.server.poll_event().is_none(), "the next waits");
        bench.server.answer(bench.now, session, id, &CALL).unwrap();
    }
    assert_eq!(ran, 3);
}

#[test]
fn bytes_and_work_of_all_sessions_are_summed() {
    let mut bench = Bench::new();
    let link = bench.up(1);
    assert_eq!((bench.server.held_bytes(), bench.server.greediest()), (0, None));
    let mut work = bench.server.work();
    for session in 5..8 {
        bench.ping(link, session).unwrap();
        assert_eq!(bench.server.work() - work, bench.server.work_of_last_packet());
        work = bench.server.work();
    }
    bench.events();
    let small = bench.server.held_bytes();
    let name = |id| SessionName { key: bench.key.id(), id: SessionId::from_raw(id) };
    let (least, most) = (name(6), name(7));
    for (session, len) in [(least, 70_000), (most, 200_000)] {
        bench.server.push(bench.now, session, &vec![1; len]).unwrap();
    }
    // A push of equal bytes is packed.
    assert!(bench.server.held_bytes() < small + 10_000);
    let noise = |seed: u64, len: usize| {
        let mut noise = vec![0; len];
        mtp_env::Entropy::fill(&mut CtrEntropy::from_number(seed), &mut noise);
        noise
    };
    bench.server.push(bench.now, least, &noise(1, 70_000)).unwrap();
    assert_eq!(bench.server.greediest(), Some(least));
    bench.server.push(bench.now, most, &noise(2, 200_000)).unwrap();
    assert_eq!(bench.server.greediest(), Some(most));
    assert!(bench.server.held_bytes_of(most) > 200_000);
    assert!(bench.server.held_bytes() > 270_000);
    assert!(bench.server.evict(bench.now, most));
    assert_eq!(bench.server.greediest(), Some(least));
    assert!(bench.server.evict(bench.now, least));
    assert!(bench.server.held_bytes() < small + 10_000);
    assert!(!bench.server.evict(bench.now, least));
}
