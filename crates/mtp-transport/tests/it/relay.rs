//! The relay between a client link and the link of a data center, and against probes.

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::{DcId, QuickAckToken};
use mtp_env::Now;
use mtp_transport::code::TransportCode;
use mtp_transport::detect::Protocol;
use mtp_transport::faketls::{FakeTlsClientConfig, FakeTlsError, HelloError, Profile};
use mtp_transport::framing::{Framing, Tag};
use mtp_transport::link::{ClientLink, ServerLink};
use mtp_transport::link::{ServerLinkConfig, Stack};
use mtp_transport::proxy_protocol::ProxyHeaderError;
use mtp_transport::relay::{
    CloseReason, NamedSecret, OnRefusal, OnUnknownDc, Overrun, Relay, RelayConfig, RelayCounters,
    RelayEvent, RelayRefusal, Target,
};
use mtp_transport::replay::ReplayStore;
use mtp_transport::secret::{Domain, ProxySecret, SecretKey};

use crate::pair::{
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

/// Returns the first bytes of a client, with its first packet if it can send one.
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

/// A relay with its driver, without sockets.
struct Proxy {
    relay: Relay,
    seen: ReplayStore,
    counters: RelayCounters,
    events: Vec<RelayEvent>,
    now: Now,
}

impl Proxy {
    fn new(config: RelayConfig) -> Self {
        let counters = RelayCounters::new(&config);
        let seen = ReplayStore::new(100, config.window.span());
        Self { relay: relay(config, 9), seen, counters, events: Vec::new(), now: now() }
    }

    /// Returns a proxy that has received these bytes before.
    fn having_seen(config: RelayConfig, bytes: &[u8]) -> Self {
        let mut proxy = Self::new(config.clone());
        proxy.receive(bytes, 999);
        proxy.relay = relay(config, 10);
        proxy.events.clear();
        proxy
    }

    /// Passes bytes of the client in pieces. Returns the output for the client.
    fn receive(&mut self, bytes: &[u8], piece: usize) -> Vec<u8> {
        for piece in bytes.chunks(piece) {
            if self.relay.handle_client_bytes(self.now, piece).is_err() {
                assert!(self.closed().is_some(), "an open relay rejected bytes");
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
            self.counters.count(&event);
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

    /// Advances the clock to the next deadline, which must be `secs` ahead.
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

/// Opens a connection through a proxy to a data center without secrets.
fn through(proxy: &mut Proxy, stack: Stack, cut: usize) -> (ClientLink, ServerLink) {
    let (mut client, dc) = (client(stack, 77), server(ServerLinkConfig::default(), 78));
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
    assert_eq!(proxy.closed(), None, "received bytes are sent first");
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
fn packets_pass_in_both_directions_for_every_kind_of_secret() {
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
                let counters = &proxy.counters.secrets()[secret];
                assert_eq!((counters.accepted, counters.open), (1, 0));
                assert!(counters.traffic.up > 46_000 && counters.traffic.down > 46_000);
                assert_eq!(counters.traffic, proxy.relay.traffic());
                assert_eq!(proxy.counters.refused(), 0);
            }
        }
    }
}

// spec: transport 7.2
#[test]
fn shortcut_forwards_the_downlink_unchanged() {
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

/// Checks that a probe gets no answer from the proxy and the site gets all its bytes.
#[track_caller]
fn fronted(mut proxy: Proxy, bytes: &[u8], refusal: RelayRefusal) {
    let piece = if bytes.len() > 3000 { 500 } else { 1 };
    assert!(proxy.receive(bytes, piece).is_empty(), "the proxy answered a probe");
    assert_eq!(proxy.events[0], RelayEvent::Refused(refusal));
    let Some(Target::Site { name }) = proxy.dialed().cloned() else { panic!("{:?}", proxy.events) };
    let tls = bytes.starts_with(&[0x16, 3, 1]);
    assert_eq!(name.is_some(), tls && !matches!(refusal, RelayRefusal::Timeout), "{name:?}");
    proxy.connect();
    assert!(proxy.upstream_output() == bytes, "the site must get the bytes of the probe");
    assert_eq!(proxy.upstream_input(b"as any site", 4), b"as any site");
    assert!(proxy.receive(b"more of the probe", 3).is_empty());
    assert_eq!(proxy.upstream_output(), b"more of the probe");
    assert_eq!((proxy.counters.refused(), proxy.closed()), (1, None));
    proxy.relay.handle_upstream_eof(now());
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::UpstreamEof));
}

// spec: transport 8.6
// spec: transport 13.4
// spec: transport 13.6
#[test]
fn probe_is_forwarded_to_the_site() {
    let dc = DcId::new(2);
    let hello = first_bytes(fake_tls(dc, Profile::chrome()), 5);

    let mut wrong_digest = hello.clone();
    wrong_digest[15] ^= 1;
    fronted(Proxy::new(config()), &wrong_digest, RelayRefusal::Hello(HelloError::Digest));

    let mut body_changed = hello.clone();
    *body_changed.last_mut().unwrap() ^= 1;
    fronted(Proxy::new(config()), &body_changed, RelayRefusal::Hello(HelloError::Digest));

    let mut stale = Proxy::new(config());
    stale.now = now().after(Duration::from_secs(600));
    fronted(stale, &hello, RelayRefusal::Hello(HelloError::Stale { seconds: 600 }));

    let seen = Proxy::having_seen(config(), &hello);
    fronted(seen, &hello, RelayRefusal::Hello(HelloError::Replayed));

    let stolen = Stack::FakeTls {
        dc,
        config: FakeTlsClientConfig::new(key(0), domain(), Profile::legacy()),
    };
    let other_name = first_bytes(stolen, 6);
    fronted(Proxy::new(config()), &other_name, RelayRefusal::Hello(HelloError::ServerName));

    let get = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    fronted(Proxy::new(config()), get, RelayRefusal::Protocol(Protocol::HttpGet));
    let plain = RelayRefusal::Protocol(Protocol::Plain(Framing::Abridged));
    fronted(Proxy::new(config()), &[0xef, 1, 2, 3], plain);
    fronted(Proxy::new(config()), &[0x42; 70], RelayRefusal::Header);
    let own = first_bytes(obfuscated(padded_tag(), dc, 9), 7);
    fronted(Proxy::new(config()), &own, RelayRefusal::Header);

    let header = first_bytes(obfuscated(padded_tag(), dc, PLAIN), 8);
    let seen = Proxy::having_seen(config(), &header);
    fronted(seen, &header, RelayRefusal::Replayed);
}

// spec: transport 6.1
#[test]
fn secret_allows_only_its_own_stack() {
    let dc = DcId::new(2);
    for tag in Tag::ALL.into_iter().filter(|tag| *tag != padded_tag()) {
        let bytes = first_bytes(obfuscated(tag, dc, PADDED), 3);
        fronted(Proxy::new(config()), &bytes, RelayRefusal::Header);
    }
    let bytes = first_bytes(obfuscated(padded_tag(), dc, FAKE_TLS), 3);
    fronted(Proxy::new(config()), &bytes, RelayRefusal::Header);
    // A key may occur once for each kind.
    let mut config = config();
    let both = ProxySecret::plain(key(PADDED));
    config.secrets.push(NamedSecret { name: "both".into(), secret: both });
    let mut proxy = Proxy::new(config);
    proxy.receive(&first_bytes(obfuscated(Tag::ALL[0], dc, PADDED), 3), 50);
    assert_eq!(proxy.dialed(), Some(&Target::DataCenter { dc, secret: 4 }));
}

// spec: transport 1.1
#[test]
fn incomplete_opening_is_forwarded_to_the_site_after_the_deadline() {
    let hello = first_bytes(fake_tls(DcId::new(2), Profile::chrome()), 5);
    for bytes in [&hello[..200], b"\x16", b""] {
        let mut proxy = Proxy::new(config());
        assert!(proxy.receive(bytes, 50).is_empty());
        assert!(proxy.events.is_empty());
        proxy.pass_to_deadline(10);
        assert_eq!(proxy.events[0], RelayEvent::Refused(RelayRefusal::Timeout));
        assert_eq!(proxy.dialed(), Some(&Target::Site { name: None }));
        proxy.connect();
        assert_eq!(proxy.upstream_output(), bytes);
    }
}

// spec: transport 5.5
#[test]
fn refused_connection_is_discarded_or_closed_by_policy() {
    let probe = first_bytes(obfuscated(padded_tag(), DcId::new(2), 9), 7);
    let mut config = config();
    config.on_refusal = OnRefusal::Discard;
    let mut proxy = Proxy::new(config.clone());
    assert!(proxy.receive(&probe.repeat(100), 999).is_empty());
    assert_eq!((proxy.dialed(), proxy.closed()), (None, None));
    assert!(proxy.upstream_output().is_empty());
    proxy.pass_to_deadline(300);
    assert_eq!(proxy.closed(), Some(CloseReason::Refused(RelayRefusal::Header)));

    config.on_refusal = OnRefusal::Close;
    let mut proxy = Proxy::new(config);
    assert!(proxy.receive(&probe, 999).is_empty());
    assert_eq!(proxy.closed(), Some(CloseReason::Refused(RelayRefusal::Header)));
    assert_eq!(proxy.relay.handle_client_bytes(now(), b"more"), Err(Overrun));
}

// spec: transport 5.5
#[test]
fn discarded_connection_is_closed_at_the_limit_of_bytes() {
    let probe = first_bytes(obfuscated(padded_tag(), DcId::new(2), 9), 7);
    let mut config = config();
    config.on_refusal = OnRefusal::Discard;
    let mut proxy = Proxy::new(config);
    assert!(proxy.receive(&probe, probe.len()).is_empty());
    let chunk = vec![7; 1 << 20];
    for _ in 0..255 {
        proxy.receive(&chunk, chunk.len());
    }
    proxy.receive(&chunk[1..], chunk.len());
    assert_eq!(proxy.closed(), None, "one byte below the limit");
    proxy.receive(&[7], 1);
    assert_eq!(proxy.closed(), Some(CloseReason::Refused(RelayRefusal::Header)));
}

// spec: transport 8.6
#[test]
fn invalid_header_after_a_valid_hello_is_discarded() {
    let hello = first_bytes(fake_tls(DcId::new(2), Profile::chrome()), 5);
    let garbage = [&[0x17, 3, 3, 0, 64][..], &[0x42; 64]].concat();
    for on_refusal in [OnRefusal::Site, OnRefusal::Discard, OnRefusal::Close] {
        let mut config = config();
        config.on_refusal = on_refusal;
        let mut proxy = Proxy::new(config);
        assert!(proxy.receive(&hello, 100).len() > 127 + 64);
        assert!(proxy.receive(&garbage, 1).is_empty());
        assert_eq!(proxy.events, [RelayEvent::Refused(RelayRefusal::Header)]);
        assert!(proxy.receive(&garbage, 7).is_empty());
        assert_eq!((proxy.dialed(), proxy.closed()), (None, None));
        assert!(proxy.upstream_output().is_empty(), "the site gets no bytes");
        proxy.pass_to_deadline(300);
        assert_eq!(proxy.closed(), Some(CloseReason::Refused(RelayRefusal::Header)));
    }
    // Invalid records close the connection instead.
    let mut proxy = Proxy::new(config());
    proxy.receive(&hello, 100);
    assert!(proxy.receive(&[0x15], 1).is_empty());
    proxy.receive(&[3, 3, 0, 2, 2, 40], 7);
    assert_eq!(proxy.closed(), Some(CloseReason::Records(FakeTlsError::Alert)));
}

/// The bytes in front of a violation reach the upstream, those behind it do not, for any split.
#[test]
fn bytes_in_front_of_an_invalid_record_are_delivered_for_every_split() {
    let stack = fake_tls(DcId::new(2), Profile::chrome());
    for cut in [1, 3, 50, 100_000] {
        let mut proxy = Proxy::new(config());
        let (mut client, mut dc) = through(&mut proxy, stack.clone(), cut);
        let mut up = client_send(&mut client, &packet(40), false);
        proxy.receive(&up, cut);
        proxy.connect();
        let mut carried = proxy.upstream_output();
        up = client_send(&mut client, &packet(56), false);
        up.extend([0x15, 3, 3, 0, 2, 2, 40]); // An alert.
        up.extend(client_send(&mut client, &packet(72), false));
        for piece in up.chunks(cut) {
            // The relay stops reading at the alert.
            let wanted = proxy.relay.wants_client_bytes();
            assert_eq!(proxy.relay.handle_client_bytes(now(), piece).is_ok(), wanted);
        }
        assert!(!proxy.relay.wants_client_bytes());
        carried.extend(proxy.upstream_output());
        proxy.drive();
        assert_eq!(proxy.closed(), Some(CloseReason::Records(FakeTlsError::Alert)));
        let expected = [40, 56].map(|len| Seen::Packet(packet(len), false));
        assert_eq!(server_receive(&mut dc, &carried, &[cut]).unwrap(), expected, "split {cut}");
    }
}

// spec: transport 7.3
#[test]
fn upstream_is_selected_by_the_data_center_number() {
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
    let raw = |id: i16| DcId::from(id);
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
fn proxy_protocol_header_precedes_the_opening() {
    let mut config = config();
    config.proxy_protocol = true;
    let bytes = first_bytes(fake_tls(DcId::new(2), Profile::chrome()), 5);
    let line = b"PROXY TCP4 203.0.113.7 198.51.100.9 51000 443\r\n";
    let mut proxy = Proxy::new(config.clone());
    assert!(!proxy.receive(&[line, &bytes[..]].concat(), 10).is_empty());
    let source = proxy.relay.proxy_header().unwrap().source();
    assert_eq!(source, Some("203.0.113.7:51000".parse().unwrap()));
    // The site gets the client's bytes without the header.
    let mut proxy = Proxy::new(config.clone());
    proxy.receive(&[line, &b"GET / HTTP/1.1\r\n\r\n"[..]].concat(), 10);
    assert_eq!(proxy.upstream_output(), b"GET / HTTP/1.1\r\n\r\n");
    let mut proxy = Proxy::new(config);
    assert!(proxy.receive(&bytes, 10).is_empty());
    assert_eq!(proxy.closed(), Some(CloseReason::ProxyHeader(ProxyHeaderError::NoSignature)));
}

#[test]
fn side_is_not_read_while_the_buffer_for_the_other_is_full() {
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
fn every_state_has_a_deadline() {
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
fn close_waits_for_the_bytes_received_before() {
    let mut proxy = running();
    proxy.relay.handle_client_eof(now());
    proxy.drive();
    assert_eq!(proxy.closed(), None);
    proxy.connect();
    assert!(proxy.upstream_output().len() > 64);
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::ClientEof));
    assert_eq!(proxy.counters.secrets()[PLAIN].open, 0);
    // The wait has a deadline.
    let mut proxy = running();
    proxy.relay.handle_client_eof(now());
    proxy.pass_to_deadline(10);
    assert_eq!(proxy.closed(), Some(CloseReason::ClientEof));
    let mut proxy = running();
    proxy.relay.handle_client_eof(now());
    proxy.relay.handle_upstream_failed(now());
    proxy.drive();
    assert_eq!(proxy.closed(), Some(CloseReason::ClientEof));
    // A closed relay ignores all input.
    proxy.relay.handle_upstream_eof(now());
    proxy.connect();
    proxy.relay.handle_timeout(now());
    assert_eq!(proxy.relay.poll_event(), None);
    assert!(!proxy.relay.wants_client_bytes() && !proxy.relay.wants_upstream_bytes());
}

#[test]
fn debug_output_hides_secrets() {
    let mut config = config();
    config.secrets[0].secret = ProxySecret::plain(SecretKey::new([0xab; 16]));
    let shown = format!(
        "{config:?} {:?} {:?}",
        Proxy::new(config.clone()).relay,
        RelayCounters::new(&config)
    );
    assert!(
        shown.contains("other") && !shown.contains("ab, ab") && !shown.contains("171"),
        "{shown}"
    );
}

/// A small generator; its statistical quality does not matter.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

#[test]
fn mutated_opening_is_never_answered() {
    let dc = DcId::new(2);
    let hello = first_bytes(fake_tls(dc, Profile::legacy()), 5);
    let header = first_bytes(obfuscated(padded_tag(), dc, PLAIN), 8);
    let config = Arc::new(config());
    let mut dice = Dice(1);
    let (mut fronted, mut waiting) = (0, 0);
    for round in 0..60_000 {
        let mut bytes = if round % 8 == 0 { hello.clone() } else { header.clone() };
        // A hello with a slightly different time is still valid, so the time is not mutated.
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
            // After a refusal the relay connects to the site and accepts more bytes.
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
