//! Pipelined requests over HTTP.
//!
//! Goal: a request that gets no answer, because it only acknowledges, is not held as a long poll while another
//! waits behind it. Method: a client's session on a stream link makes packets at any time; the test puts each into
//! a request of its own and parses the server's responses.
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{AuthKey, CtrEntropy, DcId, Salt};
use mtp_env::{Instant, Now, UnixTime};
use mtp_proto::ServerConnection;
use mtp_session::client::{ClientSession, ClientSessionConfig, ClientSessionEvent, RequestOptions};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::LinkId;
use mtp_session::server::{
    ServerConfig, ServerEvent, ServerHandshakeConfig, ServerMachine, ServerSalts,
    ServerSessionEvent,
};
use mtp_session::session::LinkKind;
use mtp_transport::link::{ServerLink, ServerLinkConfig};

const LINK: LinkId = LinkId::new(0);
const QUESTION: [u8; 8] = *b"\x01\x02\x03\x04what";
const ANSWER: [u8; 8] = *b"\x05\x06\x07\x08that";

struct World {
    now: Now,
    entropy: CtrEntropy,
    client: ClientSession,
    server: ServerConnection,
}

impl World {
    /// Creates a session in which one call was answered and the answer is not acknowledged yet.
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
        let mut server = ServerMachine::new(config, Box::new(CtrEntropy::from_number(6)));
        assert!(server.insert_key(now, &established, None));
        let link =
            ServerLink::new(now, ServerLinkConfig::default(), Box::new(CtrEntropy::from_number(7)));
        let server = ServerConnection::new(now, link, server);
        let mut config = ClientSessionConfig::default();
        config.ping = false;
        let mut client = ClientSession::new(now, Arc::new(config), &mut entropy);
        client.set_key(now, &established);
        client.link_up(now, LINK, LinkKind::Stream);
        let mut world = Self { now, entropy, client, server };
        world.client.request(now, &QUESTION, RequestOptions::new()).unwrap();
        while !world.hear() {
            let request = world.request().expect("the client goes on until it is answered");
            // The first packet has the wrong salt; the client is corrected.
            let _ = world.server.handle_bytes(world.now, &request);
            world.serve();
            for body in world.answers() {
                world.client_hears(&body);
            }
        }
        world
    }

    /// Returns the client's next packet as a request; the client may collect more for some milliseconds first.
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

    /// Returns a request with acknowledgements only.
    fn acks(&mut self) -> Vec<u8> {
        self.now = self.now.after(ClientSessionConfig::default().ack_delay);
        self.client.handle_timeout(self.now);
        self.request().expect("the answer is to be acknowledged")
    }

    /// Answers every call; returns how many there were.
    fn serve(&mut self) -> usize {
        let mut calls = Vec::new();
        while let Some(event) = self.server.server_mut().poll_event() {
            if let ServerEvent::Session { session, event: ServerSessionEvent::Call { id, .. } } =
                event
            {
                calls.push((session, id));
            }
        }
        for (session, id) in &calls {
            self.server.server_mut().answer(self.now, *session, *id, &ANSWER).unwrap();
        }
        calls.len()
    }

    /// Returns the bodies of the server's responses.
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

    /// Returns `true` if the client has an answer.
    fn hear(&mut self) -> bool {
        let mut heard = false;
        while let Some(event) = self.client.poll_event() {
            if let ClientSessionEvent::Result { body, .. } = event {
                assert_eq!(body, ANSWER);
                heard = true;
            }
        }
        heard
    }
}

// spec: transport 10.2
#[test]
fn a_call_ends_the_long_poll_before_it() {
    let mut world = World::new();
    let acks = world.acks();
    world.server.handle_bytes(world.now, &acks).unwrap();
    assert_eq!((world.serve(), world.answers().len()), (0, 0), "held: there is no output");
    let call = world.call();
    let (most, last) = call.split_at(call.len() - 1);
    world.server.handle_bytes(world.now, most).unwrap();
    assert_eq!((world.serve(), world.answers().len()), (0, 0), "an incomplete request");
    world.server.handle_bytes(world.now, last).unwrap();
    assert_eq!(world.serve(), 0, "the request before it is answered first");
    assert_eq!(world.answers(), [Vec::<u8>::new()]);
    assert_eq!(world.serve(), 1);
    let [answer] = world.answers().try_into().unwrap();
    world.client_hears(&answer);
    assert!(world.hear());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
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
    assert_eq!(empty, 1, "only the request with acknowledgements");
    for body in answers.iter().filter(|body| !body.is_empty()) {
        world.client_hears(body);
        assert!(world.hear());
    }
}

/// An expired long poll on a link that cannot take the answer is no deadline in the past.
// spec: session 14
#[test]
fn a_due_answer_sets_no_deadline_twice() {
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
