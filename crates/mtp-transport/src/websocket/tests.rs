use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::code::TransportCode;
use crate::layer::Layer;
use crate::rig::{Dice, Rig, STREAMS, hex, shake_hands, vectors};

fn client() -> Rig<WebSocketClient> {
    let host = String::from("venus.web.telegram.org");
    Rig::new(WebSocketClient::new(WebSocketClientConfig::new(host, WebSocketPath::default())))
}

fn server() -> Rig<WebSocketServer> {
    Rig::new(WebSocketServer::new())
}

fn open_pair(piece: usize) -> (Rig<WebSocketClient>, Rig<WebSocketServer>) {
    let (mut client, mut server) = (client(), server());
    shake_hands(&mut client, &mut server, piece);
    assert!(client.layer.can_send() && server.layer.can_send());
    (client, server)
}

fn stream(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((3 * at + 1) % 256).unwrap()).collect()
}

/// Entropy that returns the given bytes and panics afterwards.
struct Given(Vec<u8>);

impl mtp_env::Entropy for Given {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.drain(..out.len()).collect::<Vec<_>>());
    }
}

// spec: transport 9.2
// spec: transport 9.3
#[test]
fn upgrade_and_messages_match_the_vectors() {
    let vectors = vectors("websocket");
    assert_eq!(vectors.as_object().unwrap().len(), 9);
    let key = vectors["key"].as_str().unwrap();
    let accept = vectors["accept"].as_str().unwrap();
    assert_eq!(accept_for(key.as_bytes(), &mut [0; ACCEPT_TEXT_LEN]), accept);
    assert_eq!(SUBPROTOCOL, vectors["subprotocol"].as_str().unwrap());

    let mut client = client();
    let mut upgrade = Vec::new();
    let nonce = b"the sample nonce".to_vec();
    client.layer.poll_transmit(client.now, &mut upgrade, &mut Given(nonce));
    assert_eq!(upgrade, hex(&vectors["client_upgrade"]));
    let mut server = server();
    server.receive(&upgrade, 13).unwrap();
    let answer = server.transmit();
    assert_eq!(answer, hex(&vectors["server_accept"]));
    client.receive(&answer, 13).unwrap();

    let messages = |list: &str| {
        let messages: Vec<_> = vectors[list].as_array().unwrap().iter().map(hex).collect();
        assert_eq!(messages.len(), 3);
        messages
    };
    let (masked, bare) = (messages("client_messages_masked"), messages("server_messages"));
    server.receive(&masked.concat(), 11).unwrap();
    client.receive(&bare.concat(), 11).unwrap();
    assert_eq!(server.inner.stream, stream(300));
    assert_eq!(client.inner.stream, stream(300));

    let mut rest = &stream(300)[..];
    for (message, len) in masked.iter().zip([64, 46, 190]) {
        let mut out = [&[0; 8], &rest[..len]].concat();
        let mask = message[message.len() - len - 4..][..4].to_vec();
        client.layer.seal(client.now, &mut out, 0, &mut Given(mask));
        assert_eq!(&out, message);
        rest = &rest[len..];
    }
    let mut rest = &stream(300)[..];
    for (message, len) in bare.iter().zip([1, 199, 100]) {
        assert_eq!(&server.seal(&rest[..len]), message);
        rest = &rest[len..];
    }
}

#[test]
fn stream_is_the_same_for_every_split() {
    for piece in [1, 2, 3, 5, 127, 70_000] {
        let (mut client, mut server) = open_pair(piece);
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for len in [1, 125, 126, 127, 1000, 65_535, 65_536, 70_001] {
            up.extend(client.seal(&stream(len)));
            down.extend(server.seal(&stream(len)));
        }
        server.receive(&up, piece).unwrap();
        client.receive(&down, piece).unwrap();
        let expected: Vec<u8> =
            [1, 125, 126, 127, 1000, 65_535, 65_536, 70_001].into_iter().flat_map(stream).collect();
        assert!(server.inner.stream == expected, "client to server in pieces of {piece}");
        assert!(client.inner.stream == expected, "server to client in pieces of {piece}");
    }
}

// spec: transport 9.1
#[test]
fn only_known_paths_are_accepted() {
    for (test, premium) in [(false, false), (false, true), (true, false), (true, true)] {
        let path = WebSocketPath { test, premium };
        let config = WebSocketClientConfig::new(String::from("x"), path);
        let (mut client, mut server) = (Rig::new(WebSocketClient::new(config)), server());
        shake_hands(&mut client, &mut server, 50);
        assert!(client.layer.can_send());
    }
    assert_eq!(WebSocketPath::parse("/apiws_premium_test"), None);
    assert_eq!(WebSocketPath::parse("/apiws?"), None);
}

const UPGRADE: &str = "GET /apiws HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\n\
    Connection: keep-alive, upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, binary\r\n\r\n";

#[track_caller]
fn refused(from: &str, to: &str, error: WebSocketError, status: &str) {
    let request = UPGRADE.replace(from, to);
    assert!(from.is_empty() || request != UPGRADE);
    let mut server = server();
    assert_eq!(server.receive(request.as_bytes(), 7), Err(error));
    let answer = server.transmit();
    assert!(answer.starts_with(alloc::format!("HTTP/1.1 {status} ").as_bytes()));
    assert!(server.layer.is_closed() && !server.layer.can_send());
}

// spec: transport 9.2
#[test]
fn invalid_upgrade_request_is_rejected() {
    assert_eq!(server().receive(UPGRADE.as_bytes(), 9), Ok(()));
    let bad = WebSocketError::BadUpgrade;
    refused("binary", "binary2", bad, "400");
    refused("Sec-WebSocket-Protocol: chat, binary\r\n", "", bad, "400");
    refused("/apiws", "/apiwss", bad, "400");
    refused("Version: 13", "Version: 8", bad, "400");
    refused("bXBsZSBub25jZQ==", "bXBsZSBub25jZQ=A", bad, "400");
    refused("bXBsZSBub25jZQ==", "bXBsZSBub25jZQ", bad, "400");
    refused("keep-alive, upgrade", "keep-alive", bad, "400");
    refused("HTTP/1.1", "HTTP/1.0", bad, "400");
    refused("Upgrade: WebSocket\r\n", "", WebSocketError::NotUpgrade, "501");
    refused("Host: x", "Host x", WebSocketError::Head(HttpError::Malformed), "400");
    let long = "x".repeat(crate::http::HEAD_LEN_MAX);
    refused("Host: x", &long, WebSocketError::Head(HttpError::HeadTooLong), "414");
}

#[test]
fn invalid_upgrade_response_is_rejected() {
    let good = |client: &mut Rig<WebSocketClient>| {
        let mut server = server();
        server.receive(&client.transmit(), 999).unwrap();
        String::from_utf8(server.transmit()).unwrap()
    };
    let received = |from: &str, to: &str| {
        let mut client = client();
        let answer = good(&mut client).replace(from, to);
        client.receive(answer.as_bytes(), 5).unwrap_err()
    };
    let bad = WebSocketError::BadAnswer;
    assert_eq!(received("101", "404"), WebSocketError::Refused { status: 404 });
    assert_eq!(received("Accept: ", "Accept: x"), bad);
    assert_eq!(received("binary", "chat"), bad);
    assert_eq!(received("Upgrade: websocket\r\n", ""), bad);
    assert_eq!(received("Connection: Upgrade", "Connection: close"), bad);
    assert_eq!(received("Connection", "Sec-WebSocket-Extensions: x\r\nConnection"), bad);
    let malformed = WebSocketError::Head(HttpError::Malformed);
    assert_eq!(received("HTTP/1.1", "ICY"), malformed);
}

/// Passes one message of a client to a server, masked with zeros, and checks the error.
#[track_caller]
fn violated(first: u8, len: &[u8], error: WebSocketError) {
    let (_, mut server) = open_pair(100);
    let message = [&[first], len, &[0; 4], &[0; 200]].concat();
    assert_eq!(server.receive(&message, 3), Err(error));
    // Close, 1000, no reason.
    assert_eq!(server.transmit(), [0x88, 2, 0x03, 0xe8]);
    assert!(server.layer.is_closed() && server.transmit().is_empty());
}

// spec: transport 9.3
// spec: transport 13.6
#[test]
fn violation_closes_with_status_1000() {
    violated(0x81, &[0x81], WebSocketError::Text);
    violated(0xc2, &[0x81], WebSocketError::Reserved { first: 0xc2 });
    violated(0x83, &[0x81], WebSocketError::Reserved { first: 0x83 });
    violated(0x82, &[0x01], WebSocketError::Mask);
    violated(0x80, &[0x81], WebSocketError::Fragment);
    violated(0x09, &[0x80], WebSocketError::Control);
    violated(0x89, &[0xfe, 0, 126], WebSocketError::Control);
    violated(0x82, &[0xfe, 0, 125], WebSocketError::Length);
    violated(0x82, &[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], WebSocketError::Length);
    violated(0x82, &[0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], WebSocketError::Length);
    // A whole message between the fragments of another.
    let (_, mut server) = open_pair(100);
    server.receive(&[0x02, 0x81, 0, 0, 0, 0, b'a'], 1).unwrap();
    assert_eq!(server.receive(&[0x82, 0x81, 0, 0, 0, 0, b'b'], 1), Err(WebSocketError::Fragment));
    let (mut client, _) = open_pair(100);
    assert_eq!(client.receive(&[0x82, 0x81, 0, 0, 0, 0, b'b'], 1), Err(WebSocketError::Mask));
}

#[test]
fn control_message_is_accepted_at_the_limit_and_rejected_above() {
    let (_, mut server) = open_pair(100);
    let ping = [&[0x89, 0xfd][..], &[0; 4], &[7; 125]].concat();
    server.receive(&ping, 50).unwrap();
    assert_eq!(server.transmit(), [&[0x8a, 125][..], &[7; 125]].concat());
    let longer = [&[0x89, 0xfe, 0, 126][..], &[0; 4], &[7; 126]].concat();
    assert_eq!(server.receive(&longer, 50), Err(WebSocketError::Control));
}

#[test]
fn control_messages_between_fragments_are_handled() {
    let (_, mut server) = open_pair(100);
    let mask = [0; 4];
    let bytes = [
        &[0x02, 0x82][..],
        &mask,
        b"ab",
        &[0x89, 0x84],
        &mask,
        b"ping",
        &[0x00, 0x80],
        &mask,
        &[0x89, 0x83],
        &mask,
        b"two",
        &[0x8a, 0x80],
        &mask,
        &[0x80, 0x81],
        &mask,
        b"c",
        &[0x82, 0x81],
        &mask,
        b"d",
    ]
    .concat();
    for piece in [1, 100] {
        server.receive(&bytes, piece).unwrap();
        // Only the latest ping gets a pong.
        assert_eq!(server.transmit(), b"\x8a\x03two");
    }
    assert_eq!(server.inner.stream, b"abcdabcd");
}

// spec: transport 9.3
#[test]
fn ping_is_sent_after_an_interval_without_output() {
    let (mut client, mut server) = open_pair(100);
    assert_eq!(server.layer.poll_timeout(), None);
    client.pass(44);
    client.seal(b"not silent");
    client.pass_to_deadline().unwrap();
    assert_eq!(client.layer.poll_timeout(), None);
    let asked = client.transmit();
    assert_eq!(asked.len(), 6);
    server.receive(&asked, 1).unwrap();
    let answered = server.transmit();
    assert_eq!(answered, [0x8a, 0]);
    client.receive(&answered, 1).unwrap();
    assert_eq!(client.now.mono.as_micros(), 89_000_000);
    assert!(client.layer.poll_timeout().is_some());
}

// spec: transport 9.3
#[test]
fn close_carries_the_transport_error_as_its_reason() {
    let (mut client, mut server) = open_pair(100);
    // The error is sent as a frame, followed by the close.
    let frame = server.seal(b"frame");
    server.layer.close(Some(TransportCode::NOT_FOUND));
    assert!(server.layer.is_closed());
    let close = server.transmit();
    assert_eq!(close, b"\x88\x06\x03\xe8-404");
    client.receive(&[frame, close].concat(), 2).unwrap();
    assert_eq!(client.inner.stream, b"frame");
    assert!(client.layer.is_closed());
    // The close is answered, and input behind it is ignored.
    assert_eq!(client.transmit().len(), 8);
    client.receive(b"more", 1).unwrap();
    assert_eq!((client.eof(), server.eof()), (Ok(()), Ok(())));
    assert!(!client.layer.can_send());
}

#[test]
fn end_of_stream_within_a_message_is_an_error() {
    let (mut client, mut server) = open_pair(100);
    assert_eq!(server.eof(), Ok(()));
    assert!(server.layer.is_closed());
    client.receive(&[0x82, 2, b'a'], 1).unwrap();
    assert_eq!(client.eof(), Err(WebSocketError::Truncated));
    assert_eq!(self::client().eof(), Err(WebSocketError::Truncated));
    let mut server = self::server();
    assert_eq!(server.eof(), Ok(()));
    server.receive(b"GET", 1).unwrap();
    assert_eq!(server.eof(), Err(WebSocketError::Truncated));
}

#[test]
fn mutated_client_streams_yield_bytes_or_errors() {
    let (mut client, _) = open_pair(100);
    let up =
        [client.seal(&stream(130)), client.seal(&stream(20)), client.seal(&stream(1))].concat();
    let ping = [0x89, 0x82, 1, 2, 3, 4, 5, 6];
    let open = [&up[..], &ping, &up].concat();
    let mut dice = Dice(20);
    let (mut streams, mut errors) = (0, 0);
    for round in 0..STREAMS {
        let mut bytes = if round % 3 == 0 { UPGRADE.as_bytes().to_vec() } else { open.clone() };
        dice.mutate(&mut bytes);
        let mut server = server();
        if round % 3 != 0 {
            server.receive(UPGRADE.as_bytes(), 1000).unwrap();
            server.transmit();
        }
        let piece = 1 + dice.roll(bytes.len().max(1));
        errors += usize::from(server.receive(&bytes, piece).is_err());
        streams += usize::from(!server.inner.stream.is_empty());
        assert!(server.transmit().len() < 600);
    }
    assert!(streams > 1000 && errors > 1000, "{streams} streams, {errors} errors");
}

#[test]
fn mutated_server_streams_yield_bytes_or_errors() {
    let mut server = server();
    server.receive(&client().transmit(), 1000).unwrap();
    let accept = server.transmit();
    let down = [server.seal(&stream(130)), server.seal(&stream(20))].concat();
    let open = [&accept[..], &down, &[0x89, 1, 7], &down].concat();
    let mut dice = Dice(21);
    let (mut streams, mut errors) = (0, 0);
    for round in 0..STREAMS {
        let mut bytes = open.clone();
        // Two of three keep the response intact, so that the messages are parsed.
        let whole = if round % 3 == 0 { 0 } else { accept.len() };
        let mut rest = bytes.split_off(whole);
        dice.mutate(&mut rest);
        bytes.extend(rest);
        let mut client = client();
        client.transmit();
        let piece = 1 + dice.roll(bytes.len().max(1));
        errors += usize::from(client.receive(&bytes, piece).is_err());
        streams += usize::from(!client.inner.stream.is_empty());
        assert!(client.transmit().len() < 600);
    }
    assert!(streams > 1000 && errors > 1000, "{streams} streams, {errors} errors");
}
