//! Both ends of a link to a middle proxy, against the vectors and against each other.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::CtrEntropy;
use mtp_env::{Entropy, Now, UnixTime};
use mtp_transport::middle_proxy::ProcessId;
use mtp_transport::middle_proxy::link::{
    LinkAddresses, MiddleClientLink, MiddleLinkConfig, MiddleLinkError, MiddleSendError,
    MiddleServerLink,
};
use mtp_transport::middle_proxy::rpc::{ConnectionId, MiddleMessage, Request, RequestFlags};
use mtp_transport::middle_proxy::secret::MiddleSecret;
use serde_json::Value;

use crate::vectors::{hex, proxy_section};

/// Draws a given nonce, then zeros.
struct Given(Vec<u8>);

impl Entropy for Given {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = if self.0.is_empty() { 0 } else { self.0.remove(0) };
        }
    }
}

pub(crate) fn address(value: &Value) -> SocketAddr {
    let (ip, port) = value.as_str().unwrap().rsplit_once('|').unwrap();
    SocketAddr::new(ip.parse().unwrap(), port.parse().unwrap())
}

fn at(entry: &Value, name: &str) -> Now {
    Now { unix: UnixTime::from_secs(entry[name].as_u64().unwrap()), ..Now::default() }
}

fn config(crc32c: bool) -> Arc<MiddleLinkConfig> {
    let mut config = MiddleLinkConfig::default();
    config.crc32c = crc32c;
    Arc::new(config)
}

/// The process ids of the vectors.
const PROXY: ProcessId = ProcessId { number: 0x1267, started: 0x6933_bf58 };
const MIDDLE: ProcessId = ProcessId { number: 0x004d, started: 0x6924_8100 };

fn client_of(entry: &Value, crc32c: bool) -> MiddleClientLink {
    let secret = Arc::new(MiddleSecret::from_bytes(&hex(&entry["secret"])).unwrap());
    let addresses =
        LinkAddresses { proxy: address(&entry["proxy"]), middle: address(&entry["dc"]) };
    let entropy = Box::new(Given(hex(&entry["nonce_client"])));
    MiddleClientLink::new(
        at(entry, "client_time"),
        config(crc32c),
        secret,
        addresses,
        PROXY,
        entropy,
    )
}

fn server_of(entry: &Value, crc32c: bool) -> MiddleServerLink {
    let secret = Arc::new(MiddleSecret::from_bytes(&hex(&entry["secret"])).unwrap());
    let addresses =
        LinkAddresses { proxy: address(&entry["proxy"]), middle: address(&entry["dc"]) };
    let entropy = Box::new(Given(hex(&entry["nonce_server"])));
    let secrets = Arc::from([secret]);
    let now = at(entry, "server_time");
    MiddleServerLink::new(now, config(crc32c), secrets, addresses, MIDDLE, entropy)
}

/// What an end does with one step of the vectors.
macro_rules! replay {
    ($link:ident, $now:ident, $steps:expr, $ours:literal, $piece:expr) => {
        for step in $steps {
            let wire = hex(&step["wire"]);
            let payload = step.get("payload").map(hex);
            if step["dir"] == $ours {
                if let Some(payload) = &payload {
                    let message = MiddleMessage::decode(payload).unwrap();
                    // Pongs were queued when the ping was received.
                    if !matches!(message, MiddleMessage::Pong(_)) {
                        $link.send(&message).unwrap();
                    }
                }
                let mut out = Vec::new();
                assert!($link.poll_transmit(&mut out), "{step}");
                assert_eq!(out, wire, "{step}");
                continue;
            }
            let mut received = Vec::new();
            for piece in wire.chunks($piece) {
                $link.handle_bytes($now, piece);
                while let Some(message) = $link.next_message($now).unwrap() {
                    let mut payload = Vec::new();
                    message.encode(&mut payload);
                    received.push(payload);
                }
            }
            // Pings and pongs stay within the link.
            let expected =
                payload.filter(|payload| !payload.starts_with(PING) && !payload.starts_with(PONG));
            assert_eq!(received, Vec::from_iter(expected), "{step}");
        }
    };
}

const PING: &[u8] = &[0xdf, 0xa2, 0x30, 0x57];
const PONG: &[u8] = &[0xa7, 0xea, 0x30, 0x84];

// spec: proxy 2.1
// spec: proxy 2.2
// spec: proxy 2.4
#[test]
fn both_ends_match_the_links_of_the_vectors_byte_for_byte() {
    let links = proxy_section("links");
    let mut counted = 0;
    for entry in links.as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let (offered, accepted) =
            (name.contains("offered"), name.contains("accepted") && !name.contains("not accepted"));
        let placeholder = name.contains("placeholder");
        let steps = entry["steps"].as_array().unwrap();
        for piece in [usize::MAX, 1, 7, 16, 17] {
            let mut link = server_of(entry, accepted);
            let now = at(entry, "server_time");
            replay!(link, now, steps, "dc>proxy", piece);
            if placeholder {
                continue;
            }
            let mut link = client_of(entry, offered);
            let now = at(entry, "client_time");
            replay!(link, now, steps, "proxy>dc", piece);
        }
        counted += 1;
    }
    assert_eq!(counted, 5);
}

// spec: proxy 3
#[test]
fn messages_match_the_vectors_in_both_directions() {
    let entries = proxy_section("rpc");
    let mut kinds = std::collections::BTreeMap::new();
    for entry in entries.as_array().unwrap() {
        let bytes = hex(&entry["bytes"]);
        let Some(message) = MiddleMessage::decode(&bytes) else {
            assert!(
                ["nonce", "handshake", "handshake error"].iter().any(|it| entry["name"] == *it)
            );
            *kinds.entry("opening").or_insert(0) += 1;
            continue;
        };
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(again, bytes, "{entry}");
        let id = entry["conn_id"].as_u64().or_else(|| entry["id"].as_u64()).unwrap();
        let kind = match message {
            MiddleMessage::Request(request) => {
                assert_eq!(request.connection.as_raw(), id);
                assert_eq!(u64::from(request.flags.bits()), entry["flags"].as_u64().unwrap());
                assert_eq!(request.client, address(&entry["client"]));
                assert_eq!(request.our, address(&entry["our"]));
                let tag = entry["ad_tag"].as_str().map(|_| hex(&entry["ad_tag"]));
                assert_eq!(request.ad_tag.map(Vec::from), tag);
                assert_eq!(request.packet, hex(&entry["message"]));
                let http = entry["http"].as_array();
                assert_eq!(request.http.is_some(), http.is_some());
                "request"
            }
            MiddleMessage::Answer { connection, flags, packet } => {
                assert_eq!((connection.as_raw(), packet), (id, &hex(&entry["data"])[..]));
                assert_eq!(u64::from(flags), entry["flags"].as_u64().unwrap());
                "answer"
            }
            MiddleMessage::SimpleAck { connection, token } => {
                assert_eq!(connection.as_raw(), id);
                assert_eq!(u64::from(token), entry["token"].as_u64().unwrap());
                "ack"
            }
            MiddleMessage::CloseExt(connection) | MiddleMessage::CloseConn(connection) => {
                assert_eq!(connection.as_raw(), id);
                "close"
            }
            MiddleMessage::Ping(found) | MiddleMessage::Pong(found) => {
                assert_eq!(found, id);
                "ping"
            }
            _ => panic!("{message:?}"),
        };
        *kinds.entry(kind).or_insert(0) += 1;
    }
    let expected =
        [("ack", 1), ("answer", 3), ("close", 2), ("opening", 3), ("ping", 2), ("request", 22)];
    assert_eq!(Vec::from_iter(kinds), expected);
}

/// Two connected ends, ready.
pub(crate) fn ready(crc32c: [bool; 2]) -> (Now, MiddleClientLink, MiddleServerLink) {
    let entries = proxy_section("links");
    let mut now = at(&entries[0], "client_time");
    let (mut client, mut server) =
        (client_of(&entries[0], crc32c[0]), server_of(&entries[0], crc32c[1]));
    for _ in 0..2 {
        exchange(now, &mut client, &mut server);
        now = now.after(Duration::from_millis(10));
    }
    assert!(client.is_ready() && server.is_ready());
    (now, client, server)
}

fn exchange(now: Now, client: &mut MiddleClientLink, server: &mut MiddleServerLink) {
    let mut bytes = Vec::new();
    let _ = client.poll_transmit(&mut bytes);
    server.handle_bytes(now, &bytes);
    assert_eq!(server.next_message(now), Ok(None));
    bytes.clear();
    let _ = server.poll_transmit(&mut bytes);
    client.handle_bytes(now, &bytes);
    assert_eq!(client.next_message(now), Ok(None));
}

fn request(packet: &[u8]) -> MiddleMessage<'_> {
    MiddleMessage::Request(Request {
        flags: RequestFlags::TCP | RequestFlags::ABRIDGED,
        connection: ConnectionId::from_raw(9),
        client: "192.0.2.9:1000".parse().unwrap(),
        our: "192.0.2.1:443".parse().unwrap(),
        ad_tag: None,
        http: None,
        packet,
    })
}

// spec: proxy 2.4
#[test]
fn checksum_is_negotiated_and_both_are_understood() {
    for crc32c in [[true, true], [true, false], [false, true], [false, false]] {
        let (now, mut client, mut server) = ready(crc32c);
        client.send(&request(&[1; 40])).unwrap();
        let mut bytes = Vec::new();
        assert!(client.poll_transmit(&mut bytes));
        server.handle_bytes(now, &bytes);
        let found = server.next_message(now).unwrap();
        assert!(matches!(found, Some(MiddleMessage::Request(it)) if it.packet == [1; 40]));
        assert_eq!(server.next_message(now), Ok(None));
    }
}

// spec: proxy 2.2
// spec: proxy 2.4
#[test]
fn hostile_openings_match_the_vectors() {
    let links = proxy_section("links");
    let link = &links[0];
    let mut counted = 0;
    for entry in proxy_section("frames").as_array().unwrap() {
        let bytes = hex(&entry["bytes"]);
        let accepted = entry["result"].as_str().unwrap().starts_with("accept");
        let mut now = at(link, "client_time");
        if let Some(secs) = entry["now"].as_u64() {
            now.unix = UnixTime::from_secs(secs);
        }
        if entry["stage"] == "nonce" {
            let mut server = server_of(link, true);
            server.handle_bytes(now, &bytes);
            assert_eq!(server.next_message(now).is_ok(), accepted, "{entry}");
            let mut out = Vec::new();
            assert_eq!(server.poll_transmit(&mut out), accepted, "no answer: {entry}");
            counted += 1;
        }
    }
    assert_eq!(counted, 11);
}

// spec: proxy 2.1
#[test]
fn filler_behind_the_nonce_in_clear_is_skipped_however_the_stream_is_cut() {
    let links = proxy_section("links");
    let steps = links[0]["steps"].as_array().unwrap();
    let mut stream = hex(&steps[0]["wire"]);
    stream.extend([4, 0, 0, 0]);
    stream.extend(hex(&steps[2]["wire"]));
    for piece in 1..stream.len() {
        let mut server = server_of(&links[0], false);
        let now = at(&links[0], "server_time");
        for piece in stream.chunks(piece) {
            server.handle_bytes(now, piece);
            assert_eq!(server.next_message(now), Ok(None));
        }
        assert!(server.is_ready());
    }
}

// spec: proxy 2.2
#[test]
fn end_of_stream_during_the_handshake_is_reported_as_such() {
    let links = proxy_section("links");
    let mut client = client_of(&links[0], false);
    assert_eq!(client.handle_eof(), MiddleLinkError::ClosedEarly);
    let (now, mut client, _) = ready([true, true]);
    assert_eq!(client.handle_eof(), MiddleLinkError::Closed);
    assert_eq!(client.next_message(now), Err(MiddleLinkError::Closed));
    let (now, mut client, _) = ready([true, true]);
    client.handle_bytes(now, &[1]);
    assert_eq!(client.handle_eof(), MiddleLinkError::Truncated);
}

#[test]
fn handshake_times_out_after_five_seconds() {
    let links = proxy_section("links");
    let now = at(&links[0], "client_time");
    let mut client = client_of(&links[0], false);
    let deadline = client.poll_timeout().unwrap();
    assert_eq!(deadline.at.saturating_since(now.mono), Duration::from_secs(5));
    client.handle_timeout(now.after(Duration::from_micros(4_999_999)));
    assert_eq!(client.ended(), None);
    client.handle_timeout(now.after(Duration::from_secs(5)));
    assert_eq!(client.ended(), Some(MiddleLinkError::HandshakeTimeout));
    assert_eq!(client.poll_timeout(), None);
}

// spec: proxy 4.4
#[test]
fn silent_link_is_pinged_and_then_closed() {
    let (start, mut client, mut server) = ready([true, true]);
    let mut now = start;
    // The peer answers the first ping.
    let deadline = client.poll_timeout().unwrap();
    now = now.after(deadline.at.saturating_since(now.mono));
    let waited = now.mono.saturating_since(start.mono);
    assert!(waited >= Duration::from_secs(14) && waited <= Duration::from_secs(26), "{waited:?}");
    client.handle_timeout(now);
    assert!(client.has_output());
    exchange(now, &mut client, &mut server);
    let heard = now;
    while client.ended().is_none() {
        let deadline = client.poll_timeout().unwrap();
        now = now.after(deadline.at.saturating_since(now.mono));
        client.handle_timeout(now);
        let silence = now.mono.saturating_since(heard.mono);
        assert_eq!(client.ended().is_some(), silence >= Duration::from_secs(40), "{silence:?}");
    }
    assert_eq!(client.ended(), Some(MiddleLinkError::Silent));
}

#[test]
fn frame_is_accepted_at_the_limit_and_rejected_above() {
    for (len, fits) in [(996, true), (1000, true), (1004, false)] {
        let (now, mut client, mut server) = ready_with(|config| config.frame_len_max = 1068);
        // Frame and request around a packet: 12 and 56 bytes.
        client.send(&request(&vec![7; len])).unwrap();
        let mut bytes = Vec::new();
        assert!(client.poll_transmit(&mut bytes));
        server.handle_bytes(now, &bytes);
        let found = server.next_message(now).map(|message| message.is_some());
        let expected = if fits { Ok(true) } else { Err(MiddleLinkError::Length { len: len + 68 }) };
        assert_eq!(found, expected);
    }
}

/// Two ends, of which the server's has another configuration.
fn ready_with(
    change: impl FnOnce(&mut MiddleLinkConfig),
) -> (Now, MiddleClientLink, MiddleServerLink) {
    let links = proxy_section("links");
    let entry = &links[0];
    let mut config = MiddleLinkConfig::default();
    change(&mut config);
    let secret = Arc::new(MiddleSecret::from_bytes(&hex(&entry["secret"])).unwrap());
    let addresses =
        LinkAddresses { proxy: address(&entry["proxy"]), middle: address(&entry["dc"]) };
    let now = at(entry, "server_time");
    let entropy = Box::new(CtrEntropy::from_number(5));
    let mut server = MiddleServerLink::new(
        now,
        Arc::new(config),
        Arc::from([secret]),
        addresses,
        MIDDLE,
        entropy,
    );
    let mut client = client_of(entry, true);
    exchange(now, &mut client, &mut server);
    exchange(now, &mut client, &mut server);
    assert!(client.is_ready() && server.is_ready());
    (now, client, server)
}

#[test]
fn queue_accepts_packets_until_the_limit() {
    let (_, mut client, _) = ready([true, true]);
    let max = MiddleLinkConfig::default().queue_len_max;
    let packet = vec![1; 65_536];
    let mut queued = 0;
    while queued < max {
        assert!(client.wants_packets());
        client.send(&request(&packet)).unwrap();
        queued += packet.len() + 68;
    }
    assert!(!client.wants_packets());
    assert_eq!(client.send(&request(&packet)), Err(MiddleSendError::Full));
    // A client that is gone is still reported, behind its packets.
    client.send(&MiddleMessage::CloseConn(ConnectionId::from_raw(9))).unwrap();
    let mut bytes = Vec::new();
    assert!(client.poll_transmit(&mut bytes));
    client.send(&request(&packet)).unwrap();
}

#[test]
fn pongs_are_limited_for_a_peer_that_does_not_read() {
    let (now, mut client, mut server) = ready([true, true]);
    let max = MiddleLinkConfig::default().urgent_len_max;
    let mut bytes = Vec::new();
    for id in 0..10_000 {
        let _ = server.send(&MiddleMessage::Ping(id));
        let _ = server.poll_transmit(&mut bytes);
    }
    client.handle_bytes(now, &bytes);
    assert_eq!(client.next_message(now), Ok(None));
    let mut out = Vec::new();
    assert!(client.poll_transmit(&mut out));
    assert!(out.len() >= max && out.len() < max + 64, "{}", out.len());
}
