//! Requests over HTTP that do not wait for the answers to those before.
//!
//! Goal: a request that gets no answer, because it only acknowledges, is not held as a long poll while
//! another waits behind it. Method: a client's session that believes in a stream makes packets whenever it likes;
//! the test puts each into a request of its own and reads the answers off the server's bytes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{AuthKey, CtrEntropy, Salt};
use mtp_env::{Instant, Now, UnixTime};
use mtp_proto::ServerConnection;
use mtp_session::handshake::{DcId, ServerHandshakeConfig};
use mtp_session::server::{Server, ServerConfig, ServerEvent};
use mtp_session::session::{Event, LinkKind, RequestOptions, ServerSalts, Session, SessionConfig};
use mtp_session::{Established, KeyKind, LinkId};
use mtp_transport::ServerLink;
use mtp_transport::link::ServerConfig as ServerLinkConfig;

const LINK: LinkId = LinkId::new(0);
const QUESTION: [u8; 8] = *b"\x01\x02\x03\x04what";
const ANSWER: [u8; 8] = *b"\x05\x06\x07\x08that";

struct World {
    now: Now,
    entropy: CtrEntropy,
    client: Session,
    server: ServerConnection,
}

impl World {
    /// Has a session in which one call was answered, and the answer not acknowledged.
    fn new() -> Self {
        let now = Now { mono: Instant::from_micros(1), unix: UnixTime::from_secs(1_790_000_000) };
        let mut entropy = CtrEntropy::from_number(5);
        let established = Established {
            key: Arc::new(AuthKey::new([9; AuthKey::LEN]).unwrap()),
            salt: Salt::from_raw(0),
            time_offset_ns: 0,
            kind: KeyKind::Permanent,
        };
        let key = RsaPrivateKey::generate(&mut entropy).unwrap();
        let handshake = ServerHandshakeConfig::new(DcId::new(2), [key].into());
        let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
        let mut server = Server::new(config, Box::new(CtrEntropy::from_number(6)));
        assert!(server.insert_key(now, &established, None));
        let link =
            ServerLink::new(now, ServerLinkConfig::default(), Box::new(CtrEntropy::from_number(7)));
        let server = ServerConnection::new(now, link, server);
        let mut config = SessionConfig::client();
        config.client.ping = false;
        let mut client = Session::client(now, Arc::new(config), &mut entropy);
        client.set_key(now, &established);
        client.link_up(now, LINK, LinkKind::Stream);
        let mut world = Self { now, entropy, client, server };
        world.client.request(now, &QUESTION, RequestOptions::new()).unwrap();
        while !world.hear() {
            let request = world.request().expect("the client goes on until it is answered");
            // The first packet has the wrong salt, and the client is told.
            let _ = world.server.handle_bytes(world.now, &request);
            world.serve();
            for body in world.answers() {
                world.client_hears(&body);
            }
        }
        world
    }

    /// Returns the client's next packet as a request; it may want to collect more for some milliseconds.
    fn request(&mut self) -> Option<Vec<u8>> {
        let mut packet = Vec::new();
        for _ in 0..10 {
            let entropy = &mut self.entropy;
            if self.client.poll_transmit(self.now, LINK, &mut packet, entropy).is_some() {
                let head =
                    format!("POST /api HTTP/1.1\r\nContent-Length: {}\r\n\r\n", packet.len());
                return Some([head.as_bytes(), &packet].concat());
            }
            self.now = self.now.after(Duration::from_millis(20));
            self.client.handle_timeout(self.now);
        }
        None
    }

    fn call(&mut self) -> Vec<u8> {
        self.client.request(self.now, &QUESTION, RequestOptions::new()).unwrap();
        self.request().unwrap()
    }

    /// Returns a request that acknowledges and nothing else.
    fn acks(&mut self) -> Vec<u8> {
        self.now = self.now.after(SessionConfig::client().ack_delay);
        self.client.handle_timeout(self.now);
        self.request().expect("the answer is to be acknowledged")
    }

    /// Answers every call; returns how many there were.
    fn serve(&mut self) -> usize {
        let mut calls = Vec::new();
        while let Some(event) = self.server.peer_mut().poll_event() {
            if let ServerEvent::Session { session, event: Event::Call { id, .. } } = event {
                calls.push((session, id));
            }
        }
        for (session, id) in &calls {
            self.server.peer_mut().answer(self.now, *session, *id, &ANSWER).unwrap();
        }
        calls.len()
    }

    /// Takes what the server writes apart: the bodies of its answers.
    fn answers(&mut self) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        let _ = self.server.poll_transmit(self.now, &mut bytes);
        let mut bodies = Vec::new();
        while !bytes.is_empty() {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let (_, len) = head.split_once("Content-length: ").unwrap();
            let len: usize = len.trim().parse().unwrap();
            bodies.push(bytes[end..end + len].to_vec());
            bytes.drain(..end + len);
        }
        bodies
    }

    fn client_hears(&mut self, body: &[u8]) {
        self.client.handle_packet(self.now, LINK, &mut body.to_vec()).unwrap();
    }

    /// Reports whether the client has an answer.
    fn hear(&mut self) -> bool {
        let mut heard = false;
        while let Some(event) = self.client.poll_event() {
            if let Event::Result { body, .. } = event {
                assert_eq!(body, ANSWER);
                heard = true;
            }
        }
        heard
    }
}

// spec: transport 10.2
#[test]
fn a_call_ends_the_wait_of_the_request_before() {
    let mut world = World::new();
    let acks = world.acks();
    world.server.handle_bytes(world.now, &acks).unwrap();
    assert_eq!((world.serve(), world.answers().len()), (0, 0), "held: there is nothing to say");
    let call = world.call();
    let (most, last) = call.split_at(call.len() - 1);
    world.server.handle_bytes(world.now, most).unwrap();
    assert_eq!((world.serve(), world.answers().len()), (0, 0), "not a whole request yet");
    world.server.handle_bytes(world.now, last).unwrap();
    assert_eq!(world.serve(), 0, "the request before has its turn");
    assert_eq!(world.answers(), [Vec::<u8>::new()]);
    assert_eq!(world.serve(), 1);
    let [answer] = world.answers().try_into().unwrap();
    world.client_hears(&answer);
    assert!(world.hear());
}

#[test]
fn requests_sent_together_are_answered_one_by_one() {
    let mut world = World::new();
    let mut together = world.acks();
    for _ in 0..3 {
        together.extend(world.call());
    }
    world.server.handle_bytes(world.now, &together).unwrap();
    let (mut calls, mut answers) = (0, Vec::new());
    for _ in 0..5 {
        calls += world.serve();
        answers.extend(world.answers());
    }
    assert_eq!((calls, answers.len()), (3, 4));
    let empty = answers.iter().filter(|body| body.is_empty()).count();
    assert_eq!(empty, 1, "only the one that acknowledged");
    for body in answers.iter().filter(|body| !body.is_empty()) {
        world.client_hears(body);
        assert!(world.hear());
    }
}

/// A request whose time has come on a link that cannot take the answer is not a deadline for ever.
// spec: session 14
#[test]
fn an_answer_that_is_due_is_told_once() {
    let mut world = World::new();
    let acks = world.acks();
    world.server.handle_bytes(world.now, &acks).unwrap();
    assert!(world.answers().is_empty());
    for _ in 0..10 {
        let Some(deadline) = world.server.poll_timeout() else { return };
        assert!(deadline.at > world.now.mono, "{} again", deadline.reason);
        let wait = deadline.at.saturating_since(world.now.mono);
        world.now = world.now.after(wait + Duration::from_micros(1));
        world.server.handle_timeout(world.now).unwrap();
    }
}
