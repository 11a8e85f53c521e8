//! The relay between a real client link and a real data centre's link, in memory; and the probes
//! that must learn nothing from it.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test panics to fail"
)]

mod pair;

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::QuickAckToken;
use mtp_env::Now;
use mtp_transport::detect::Spoken;
use mtp_transport::faketls::{FakeTlsClientConfig, FakeTlsError, HelloError, Profile};
use mtp_transport::framing::Tag;
use mtp_transport::link::{ServerConfig, Stack};
use mtp_transport::obfuscation::DcId;
use mtp_transport::proxy_protocol::PrefaceError;
use mtp_transport::relay::ledger::Ledger;
use mtp_transport::relay::{
    CloseReason, NamedSecret, OnRefusal, OnUnknownDc, Overrun, Refusal, Relay, RelayConfig,
    RelayEvent, Target,
};
use mtp_transport::replay::ReplayStore;
use mtp_transport::secret::{Domain, ProxySecret, SecretKey};
use mtp_transport::{ClientLink, ServerLink, TransportCode};
use pair::{
    Seen, client, client_drain, client_receive, client_send, entropy, now, server, server_receive,
    server_send,
};

const PLAIN: usize = 1;
const PADDED: usize = 2;
const FAKE_TLS: usize = 3;

fn key(n: usize) -> SecretKey {
    SecretKey::new([u8::try_from(n).unwrap(); 16])
}

fn domain() -> Domain {
    Domain::new(b"example.com").unwrap()
}

fn config() -> RelayConfig {
    let mut config = RelayConfig::default();
    config.secrets = [
        ("other", ProxySecret::fake_tls(key(0), Domain::new(b"other.example").unwrap()).unwrap()),
        ("plain", ProxySecret::plain(key(PLAIN))),
        ("padded", ProxySecret::padded(key(PADDED))),
        ("tls", ProxySecret::fake_tls(key(FAKE_TLS), domain()).unwrap()),
    ]
    .map(|(name, secret)| NamedSecret { name: name.into(), secret })
    .to_vec();
    config
}

fn obfuscated(tag: Tag, dc: DcId, secret: usize) -> Stack {
    Stack::Obfuscated { tag, dc, secret: Some(key(secret)) }
}

fn padded_tag() -> Tag {
    Tag::from_bytes([0xdd; 4]).unwrap()
}

fn fake_tls(dc: DcId, profile: Profile) -> Stack {
    Stack::FakeTls { dc, config: FakeTlsClientConfig::new(key(FAKE_TLS), domain(), profile) }
}

/// The bytes that a client sends first, with its first packet if it may.
fn first_bytes(stack: Stack, seed: u64) -> Vec<u8> {
    let mut client = client(stack, seed);
    let mut out = Vec::new();
    let _ = client.poll_transmit(now(), &mut out);
    if client.can_send() {
        out.extend(client_send(&mut client, &packet(40), false));
    }
    out
}

fn packet(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap() | 1).collect()
}

/// A relay with its driver's part, up to the sockets.
struct Proxy {
    relay: Relay,
    seen: ReplayStore,
    ledger: Ledger,
    events: Vec<RelayEvent>,
    now: Now,
}

impl Proxy {
    fn new(config: RelayConfig) -> Self {
        let ledger = Ledger::new(&config);
        let seen = ReplayStore::new(100, config.window.span());
        Self { relay: relay(config, 9), seen, ledger, events: Vec::new(), now: now() }
    }

    /// A proxy that has seen these bytes once.
    fn having_seen(config: RelayConfig, bytes: &[u8]) -> Self {
        let mut proxy = Self::new(config.clone());
        proxy.receive(bytes, 999);
        proxy.relay = relay(config, 10);
        proxy.events.clear();
        proxy
    }

    /// Gives bytes of the client in pieces and returns what the client gets.
    fn receive(&mut self, bytes: &[u8], piece: usize) -> Vec<u8> {
        for piece in bytes.chunks(piece) {
            if self.relay.handle_client_bytes(self.now, piece).is_err() {
                assert!(self.closed().is_some(), "an open relay refused bytes");
                break;
            }
            self.drive();
        }
        let mut out = Vec::new();
        let _ = self.relay.poll_client_transmit(&mut out);
        out
    }

    fn drive(&mut self) {
        while let Some(event) = self.relay.poll_event() {
            self.ledger.note(&event);
            match event {
                RelayEvent::CheckReplay(key) => {
                    let seen = self.seen.check(self.now, key);
                    self.relay.handle_seen(self.now, seen);
                }
                event => self.events.push(event),
            }
        }
    }

    fn dialed(&self) -> Option<&Target> {
        self.events.iter().find_map(|event| match event {
            RelayEvent::Dial(target) => Some(target),
            _ => None,
        })
    }

    fn closed(&self) -> Option<CloseReason> {
        self.events.iter().find_map(|event| match event {
            RelayEvent::Close { reason, .. } => Some(*reason),
            _ => None,
        })
    }

    fn upstream_output(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let _ = self.relay.poll_upstream_transmit(&mut out);
        out
    }

    fn upstream_input(&mut self, bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in bytes.chunks(piece) {
            self.relay.handle_upstream_bytes(self.now, piece).unwrap();
            let _ = self.relay.poll_client_transmit(&mut out);
        }
        out
    }

    fn connect(&mut self) {
        self.relay.handle_upstream_connected(self.now);
    }

    /// Lets time pass up to the next deadline, which must be so far away.
    fn pass_to_deadline(&mut self, secs: u64) {
        let deadline = self.relay.poll_timeout().unwrap();
        assert_eq!(deadline.at, now().mono + Duration::from_secs(secs), "{deadline:?}");
        self.now = now().after(Duration::from_secs(secs));
        self.relay.handle_timeout(self.now);
        self.drive();
    }
}

fn relay(config: RelayConfig, seed: u64) -> Relay {
    Relay::new(now(), Arc::new(config), entropy(seed))
}

/// Opens a connection through a proxy to a data centre that knows no secrets.
fn through(proxy: &mut Proxy, stack: Stack, cut: usize) -> (ClientLink, ServerLink) {
    let (mut client, dc) = (client(stack, 77), server(ServerConfig::default(), 78));
    let mut hello = Vec::new();
    let _ = client.poll_transmit(now(), &mut hello);
    let answer = proxy.receive(&hello, cut);
    if !hello.is_empty() {
        assert_eq!(client_receive(&mut client, &answer, &[cut]), Ok(vec![]));
    }
    assert!(client.can_send());
    (client, dc)
}

fn talk(proxy: &mut Proxy, stack: Stack, cut: usize) {
    let (mut client, mut dc) = through(proxy, stack, cut);
    for (turn, len) in [40, 56, 1000, 5000, 40_008].into_iter().enumerate() {
        let sent = [packet(len), packet(88)];
        let up: Vec<u8> =
            sent.iter().flat_map(|sent| client_send(&mut client, sent, false)).collect();
        assert!(proxy.receive(&up, cut).is_empty());
        if turn == 0 {
            assert!(
                matches!(proxy.dialed(), Some(Target::DataCenter { .. })),
                "{:?}",
                proxy.events
            );
            proxy.connect();
        }
        let expected = sent.clone().map(|sent| Seen::Packet(sent, false));
        assert_eq!(server_receive(&mut dc, &proxy.upstream_output(), &[cut]).unwrap(), expected);

        let mut down = server_send(&mut dc, &sent[0], false);
        let token = QuickAckToken::from_raw(0x8000_0007);
        dc.quick_ack(now(), token, &mut down).unwrap();
        down.extend(server_send(&mut dc, &sent[1], false));
        let down = proxy.upstream_input(&down, cut);
        let [first, second] = expected;
        let expected = [first, Seen::QuickAck(token), second];
        assert_eq!(client_receive(&mut client, &down, &[cut]).unwrap(), expected);
    }
    let mut error = Vec::new();
    dc.error(now(), TransportCode::NOT_FOUND, &mut error).unwrap();
    proxy.relay.handle_upstream_bytes(now(), &error).unwrap();
    proxy.relay.handle_upstream_eof(now());
    proxy.drive();
    assert_eq!(proxy.closed(), None, "what was received is sent first");
    let mut down = Vec::new();
    assert!(proxy.relay.poll_client_transmit(&mut down));
    let seen = client_receive(&mut client, &down, &[cut]).unwrap();
    assert_eq!(seen, [Seen::Error(TransportCode::NOT_FOUND)]);
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::UpstreamEof));
}

// spec: transport 7.1
// spec: transport 7.2
#[test]
fn conversations_through_every_kind_of_secret() {
    let dc = DcId::new(4).media();
    let mut stacks: Vec<_> = Tag::ALL.map(|tag| (obfuscated(tag, dc, PLAIN), PLAIN)).to_vec();
    stacks.push((obfuscated(padded_tag(), dc, PADDED), PADDED));
    for profile in [Profile::chrome(), Profile::safari(), Profile::legacy()] {
        stacks.push((fake_tls(dc, profile), FAKE_TLS));
    }
    for (stack, secret) in stacks {
        for shortcut in [true, false] {
            for cut in [1, 13, 1500, 100_000] {
                let mut config = config();
                config.shortcut = shortcut;
                let mut proxy = Proxy::new(config);
                talk(&mut proxy, stack.clone(), cut);
                assert_eq!(proxy.dialed(), Some(&Target::DataCenter { dc, secret }));
                let account = &proxy.ledger.accounts()[secret];
                assert_eq!((account.accepted, account.open), (1, 0));
                assert!(account.traffic.up > 46_000 && account.traffic.down > 46_000);
                assert_eq!(account.traffic, proxy.relay.traffic());
                assert_eq!(proxy.ledger.refused(), 0);
            }
        }
    }
}

// spec: transport 7.2
#[test]
fn with_the_shortcut_the_downlink_is_copied() {
    for (shortcut, same) in [(true, true), (false, false)] {
        let mut config = config();
        config.shortcut = shortcut;
        let mut proxy = Proxy::new(config);
        let dc = DcId::new(2);
        let (mut client, mut server) = through(&mut proxy, obfuscated(padded_tag(), dc, PLAIN), 99);
        proxy.receive(&client_send(&mut client, &packet(40), false), 99);
        proxy.connect();
        server_receive(&mut server, &proxy.upstream_output(), &[99]).unwrap();
        let down = server_send(&mut server, &packet(40), false);
        assert_eq!(proxy.upstream_input(&down, 99) == down, same);
    }
}

/// What a probe gets: nothing, and the site gets every byte.
#[track_caller]
fn fronted(mut proxy: Proxy, bytes: &[u8], refusal: Refusal) {
    let piece = if bytes.len() > 3000 { 500 } else { 1 };
    assert!(proxy.receive(bytes, piece).is_empty(), "a probe was answered");
    assert_eq!(proxy.events[0], RelayEvent::Refused(refusal));
    let Some(Target::Site { name }) = proxy.dialed().cloned() else { panic!("{:?}", proxy.events) };
    let tls = bytes.starts_with(&[0x16, 3, 1]);
    assert_eq!(name.is_some(), tls && !matches!(refusal, Refusal::Timeout), "{name:?}");
    proxy.connect();
    assert!(proxy.upstream_output() == bytes, "the site got other bytes than the proxy");
    assert_eq!(proxy.upstream_input(b"as any site", 4), b"as any site");
    assert!(proxy.receive(b"more of the probe", 3).is_empty());
    assert_eq!(proxy.upstream_output(), b"more of the probe");
    assert_eq!((proxy.ledger.refused(), proxy.closed()), (1, None));
    proxy.relay.handle_upstream_eof(now());
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::UpstreamEof));
}

// spec: transport 8.6
// spec: transport 13.4
// spec: transport 13.6
#[test]
fn probes_get_the_site() {
    let dc = DcId::new(2);
    let hello = first_bytes(fake_tls(dc, Profile::chrome()), 5);

    let mut wrong_digest = hello.clone();
    wrong_digest[15] ^= 1;
    fronted(Proxy::new(config()), &wrong_digest, Refusal::Hello(HelloError::Digest));

    let mut body_changed = hello.clone();
    *body_changed.last_mut().unwrap() ^= 1;
    fronted(Proxy::new(config()), &body_changed, Refusal::Hello(HelloError::Digest));

    let mut stale = Proxy::new(config());
    stale.now = now().after(Duration::from_secs(600));
    fronted(stale, &hello, Refusal::Hello(HelloError::Stale { seconds: 600 }));

    let seen = Proxy::having_seen(config(), &hello);
    fronted(seen, &hello, Refusal::Hello(HelloError::Replayed));

    let stolen = Stack::FakeTls {
        dc,
        config: FakeTlsClientConfig::new(key(0), domain(), Profile::legacy()),
    };
    let other_name = first_bytes(stolen, 6);
    fronted(Proxy::new(config()), &other_name, Refusal::Hello(HelloError::ServerName));

    let get = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    fronted(Proxy::new(config()), get, Refusal::Spoken(Spoken::HttpGet));
    let plain = Refusal::Spoken(Spoken::Plain(mtp_transport::Framing::Abridged));
    fronted(Proxy::new(config()), &[0xef, 1, 2, 3], plain);
    fronted(Proxy::new(config()), &[0x42; 70], Refusal::Header);
    let own = first_bytes(obfuscated(padded_tag(), dc, 9), 7);
    fronted(Proxy::new(config()), &own, Refusal::Header);

    let header = first_bytes(obfuscated(padded_tag(), dc, PLAIN), 8);
    let seen = Proxy::having_seen(config(), &header);
    fronted(seen, &header, Refusal::Replayed);
}

// spec: transport 6.1
#[test]
fn a_secret_allows_its_own_way_of_speaking_only() {
    let dc = DcId::new(2);
    for tag in Tag::ALL.into_iter().filter(|tag| *tag != padded_tag()) {
        let bytes = first_bytes(obfuscated(tag, dc, PADDED), 3);
        fronted(Proxy::new(config()), &bytes, Refusal::Header);
    }
    let bytes = first_bytes(obfuscated(padded_tag(), dc, FAKE_TLS), 3);
    fronted(Proxy::new(config()), &bytes, Refusal::Header);
    // A key may be there once for each kind.
    let mut config = config();
    let both = ProxySecret::plain(key(PADDED));
    config.secrets.push(NamedSecret { name: "both".into(), secret: both });
    let mut proxy = Proxy::new(config);
    proxy.receive(&first_bytes(obfuscated(Tag::ALL[0], dc, PADDED), 3), 50);
    assert_eq!(proxy.dialed(), Some(&Target::DataCenter { dc, secret: 4 }));
}

// spec: transport 1.1
#[test]
fn silence_is_fronted_too() {
    let hello = first_bytes(fake_tls(DcId::new(2), Profile::chrome()), 5);
    for bytes in [&hello[..200], b"\x16", b""] {
        let mut proxy = Proxy::new(config());
        assert!(proxy.receive(bytes, 50).is_empty());
        assert!(proxy.events.is_empty());
        proxy.pass_to_deadline(10);
        assert_eq!(proxy.events[0], RelayEvent::Refused(Refusal::Timeout));
        assert_eq!(proxy.dialed(), Some(&Target::Site { name: None }));
        proxy.connect();
        assert_eq!(proxy.upstream_output(), bytes);
    }
}

// spec: transport 5.5
#[test]
fn refusals_may_be_swallowed_or_closed() {
    let probe = first_bytes(obfuscated(padded_tag(), DcId::new(2), 9), 7);
    let mut config = config();
    config.on_refusal = OnRefusal::Swallow;
    let mut proxy = Proxy::new(config.clone());
    assert!(proxy.receive(&probe.repeat(100), 999).is_empty());
    assert_eq!((proxy.dialed(), proxy.closed()), (None, None));
    assert!(proxy.upstream_output().is_empty());
    proxy.pass_to_deadline(300);
    assert_eq!(proxy.closed(), Some(CloseReason::Refused(Refusal::Header)));

    config.on_refusal = OnRefusal::Close;
    let mut proxy = Proxy::new(config);
    assert!(proxy.receive(&probe, 999).is_empty());
    assert_eq!(proxy.closed(), Some(CloseReason::Refused(Refusal::Header)));
    assert_eq!(proxy.relay.handle_client_bytes(now(), b"more"), Err(Overrun));
}

// spec: transport 8.6
#[test]
fn a_bad_header_after_a_good_hello_is_swallowed() {
    let hello = first_bytes(fake_tls(DcId::new(2), Profile::chrome()), 5);
    let garbage = [&[0x17, 3, 3, 0, 64][..], &[0x42; 64]].concat();
    for on_refusal in [OnRefusal::Site, OnRefusal::Swallow, OnRefusal::Close] {
        let mut config = config();
        config.on_refusal = on_refusal;
        let mut proxy = Proxy::new(config);
        assert!(proxy.receive(&hello, 100).len() > 127 + 64);
        assert!(proxy.receive(&garbage, 1).is_empty());
        assert_eq!(proxy.events, [RelayEvent::Refused(Refusal::Header)]);
        assert!(proxy.receive(&garbage, 7).is_empty());
        assert_eq!((proxy.dialed(), proxy.closed()), (None, None));
        assert!(proxy.upstream_output().is_empty(), "no site is told anything");
        proxy.pass_to_deadline(300);
        assert_eq!(proxy.closed(), Some(CloseReason::Refused(Refusal::Header)));
    }
    // Records that make no sense end it instead.
    let mut proxy = Proxy::new(config());
    proxy.receive(&hello, 100);
    assert!(proxy.receive(&[0x15], 1).is_empty());
    proxy.receive(&[3, 3, 0, 2, 2, 40], 7);
    assert_eq!(proxy.closed(), Some(CloseReason::Records(FakeTlsError::Alert)));
}

// spec: transport 7.3
#[test]
fn data_centres_are_chosen_by_their_number() {
    let dialed = |dc: DcId, on_unknown_dc: OnUnknownDc| {
        let mut config = config();
        config.on_unknown_dc = on_unknown_dc;
        let mut proxy = Proxy::new(config);
        proxy.receive(&first_bytes(obfuscated(padded_tag(), dc, PLAIN), 11), 99);
        let dialed = proxy.dialed().cloned();
        dialed.ok_or_else(|| proxy.closed().unwrap()).map(|target| match target {
            Target::DataCenter { dc, .. } => dc,
            other => panic!("{other:?}"),
        })
    };
    let raw = DcId::from_raw;
    for known in [1, 2, 3, 4, 5, 203, -1, -4, -203, 10_001, -10_002] {
        assert_eq!(dialed(raw(known), OnUnknownDc::Close), Ok(raw(known)));
    }
    assert_eq!(dialed(raw(0), OnUnknownDc::Close), Ok(raw(2)));
    for (unknown, usual) in
        [(6, 2), (-7, -2), (10_009, 10_002), (-10_009, -10_002), (i16::MIN, -10_002)]
    {
        assert_eq!(dialed(raw(unknown), OnUnknownDc::FallBack), Ok(raw(usual)));
        let reason = CloseReason::UnknownDc(raw(unknown));
        assert_eq!(dialed(raw(unknown), OnUnknownDc::Close), Err(reason));
    }
}

// spec: transport 7.1
#[test]
fn a_load_balancer_speaks_first() {
    let mut config = config();
    config.proxy_protocol = true;
    let bytes = first_bytes(fake_tls(DcId::new(2), Profile::chrome()), 5);
    let line = b"PROXY TCP4 203.0.113.7 198.51.100.9 51000 443\r\n";
    let mut proxy = Proxy::new(config.clone());
    assert!(!proxy.receive(&[line, &bytes[..]].concat(), 10).is_empty());
    let source = proxy.relay.preface().unwrap().source;
    assert_eq!(source, Some("203.0.113.7:51000".parse().unwrap()));
    // The site gets the client's bytes without the preface.
    let mut proxy = Proxy::new(config.clone());
    proxy.receive(&[line, &b"GET / HTTP/1.1\r\n\r\n"[..]].concat(), 10);
    assert_eq!(proxy.upstream_output(), b"GET / HTTP/1.1\r\n\r\n");
    let mut proxy = Proxy::new(config);
    assert!(proxy.receive(&bytes, 10).is_empty());
    assert_eq!(proxy.closed(), Some(CloseReason::Preface(PrefaceError::NoSignature)));
}

#[test]
fn neither_side_is_read_while_the_other_lags() {
    let mut config = config();
    config.buffer_len_max = 1000;
    let mut proxy = Proxy::new(config);
    let (mut client, mut dc) =
        through(&mut proxy, obfuscated(padded_tag(), DcId::new(2), PLAIN), 99);
    assert_eq!(proxy.relay.handle_upstream_bytes(now(), b"early"), Err(Overrun));
    let sent = packet(2008);
    let up = client_send(&mut client, &sent, false);
    let (head, tail) = up.split_at(1000 - 1);
    proxy.receive(head, 999);
    assert!(proxy.relay.wants_client_bytes(), "one byte below the limit");
    proxy.receive(&tail[..1], 1);
    assert!(!proxy.relay.wants_client_bytes(), "at the limit");
    assert_eq!(proxy.relay.handle_client_bytes(now(), &tail[1..]), Err(Overrun));
    proxy.connect();
    let mut carried = proxy.upstream_output();
    assert_eq!(carried.len(), 1000);
    assert!(proxy.relay.wants_client_bytes());
    proxy.receive(&tail[1..], 5000);
    carried.extend(proxy.upstream_output());
    let seen = server_receive(&mut dc, &carried, &[100]).unwrap();
    assert_eq!(seen, [Seen::Packet(sent.clone(), false)]);

    let down = server_send(&mut dc, &sent, false);
    proxy.relay.handle_upstream_bytes(now(), &down[..1000]).unwrap();
    assert!(!proxy.relay.wants_upstream_bytes());
    assert_eq!(proxy.relay.handle_upstream_bytes(now(), &down[1000..]), Err(Overrun));
    let mut out = Vec::new();
    assert!(proxy.relay.poll_client_transmit(&mut out));
    proxy.relay.handle_upstream_bytes(now(), &down[1000..]).unwrap();
    assert!(proxy.relay.poll_client_transmit(&mut out));
    client.handle_bytes(&out);
    let mut seen = Vec::new();
    client_drain(&mut client, &mut seen).unwrap();
    assert_eq!(seen, [Seen::Packet(sent, false)]);
}

fn running() -> Proxy {
    let mut proxy = Proxy::new(config());
    proxy.receive(&first_bytes(obfuscated(padded_tag(), DcId::new(2), PLAIN), 12), 99);
    assert!(proxy.dialed().is_some());
    proxy
}

// spec: transport 15
#[test]
fn every_wait_has_an_end() {
    let mut proxy = running();
    proxy.pass_to_deadline(10);
    assert_eq!(proxy.closed(), Some(CloseReason::DialTimeout));
    let mut proxy = running();
    proxy.connect();
    proxy.pass_to_deadline(300);
    assert_eq!(proxy.closed(), Some(CloseReason::Idle));
    assert_eq!(proxy.relay.poll_timeout(), None);
    let mut proxy = Proxy::new(config());
    proxy.receive(b"GET / HTTP/1.1\r\n\r\n", 99);
    proxy.connect();
    proxy.pass_to_deadline(60);
    assert_eq!(proxy.closed(), Some(CloseReason::Idle));
    let mut proxy = running();
    proxy.relay.handle_upstream_failed(now());
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::DialFailed));
}

#[test]
fn an_end_waits_for_what_came_before_it() {
    let mut proxy = running();
    proxy.relay.handle_client_eof(now());
    proxy.drive();
    assert_eq!(proxy.closed(), None);
    proxy.connect();
    assert!(proxy.upstream_output().len() > 64);
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::ClientEof));
    assert_eq!(proxy.ledger.accounts()[PLAIN].open, 0);
    // But not for ever.
    let mut proxy = running();
    proxy.relay.handle_client_eof(now());
    proxy.pass_to_deadline(10);
    assert_eq!(proxy.closed(), Some(CloseReason::ClientEof));
    let mut proxy = running();
    proxy.relay.handle_client_eof(now());
    proxy.relay.handle_upstream_failed(now());
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::ClientEof));
    // Closed is closed.
    proxy.relay.handle_upstream_eof(now());
    proxy.connect();
    proxy.relay.handle_timeout(now());
    assert_eq!(proxy.relay.poll_event(), None);
    assert!(!proxy.relay.wants_client_bytes() && !proxy.relay.wants_upstream_bytes());
}

#[test]
fn nothing_shown_is_secret() {
    let mut config = config();
    config.secrets[0].secret = ProxySecret::plain(SecretKey::new([0xab; 16]));
    let shown =
        format!("{config:?} {:?} {:?}", Proxy::new(config.clone()).relay, Ledger::new(&config));
    assert!(
        shown.contains("other") && !shown.contains("ab, ab") && !shown.contains("171"),
        "{shown}"
    );
}

/// A small generator; its quality does not matter.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

#[test]
fn mutated_openings_are_never_answered() {
    let dc = DcId::new(2);
    let hello = first_bytes(fake_tls(dc, Profile::legacy()), 5);
    let header = first_bytes(obfuscated(padded_tag(), dc, PLAIN), 8);
    let config = Arc::new(config());
    let mut dice = Dice(1);
    let (mut fronted, mut waiting) = (0, 0);
    for round in 0..60_000 {
        let mut bytes = if round % 8 == 0 { hello.clone() } else { header.clone() };
        // The time under the digest may change a little and still be good: leave it alone.
        let at = match dice.roll(bytes.len()) {
            39..43 => 15,
            at => at,
        };
        match dice.roll(3) {
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
        let mut relay = Relay::new(now(), Arc::clone(&config), entropy(1));
        let (first, second) = bytes.split_at(dice.roll(bytes.len()));
        let (mut answered, mut refused) = (false, false);
        for part in [first, second] {
            // After a refusal the site is dialed and more bytes are welcome.
            relay.handle_client_bytes(now(), part).unwrap();
            while let Some(event) = relay.poll_event() {
                match event {
                    RelayEvent::CheckReplay(_) => answered |= round % 8 == 0,
                    RelayEvent::Refused(_) => refused = true,
                    _ => {}
                }
            }
        }
        assert!(!answered, "a mutated hello passed in round {round}");
        assert!(!relay.poll_client_transmit(&mut Vec::new()));
        if refused {
            fronted += 1;
            let mut to_site = Vec::new();
            let _ = relay.poll_upstream_transmit(&mut to_site);
            assert!(to_site == bytes);
        } else {
            waiting += 1;
        }
    }
    assert!(fronted > 1000 && waiting > 1000, "{fronted} fronted, {waiting} waiting");
}
