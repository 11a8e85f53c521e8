//! A bad packet anywhere in a stream that is cut anywhere.
//!
//! Goal: after a packet that closes the link nothing behind it is used, in the same read or later. Method: a stream
//! of good packets with one bad packet among them, at each position, goes to a peer in two reads, cut at each byte;
//! the peer must have used exactly the packets in front.

use std::sync::Arc;

use mtp_crypto::{AuthKey, DcId, Salt};
use mtp_env::Now;
use mtp_proto::{ClientConnection, Connection, ConnectionError, ServerConnection};
use mtp_session::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent, RequestOptions, Secrecy,
};
use mtp_session::established::{Established, KeyKind};
use mtp_session::record::RecordedClient;
use mtp_session::server::{ServerEvent, ServerSessionEvent, SessionName};

use super::peers::{
    QUESTION, answer, answers, begin, client_link, entropy, key, server, server_link,
};

/// Packets in one stream.
const PACKETS: usize = 4;

/// A client and a server with a key and a session, and no packet in flight.
struct Pair {
    now: Now,
    client: ClientConnection,
    server: ServerConnection,
}

impl Pair {
    fn new() -> Self {
        let now = begin();
        let (config, permanent) = (client_config(), established());
        let machine = ClientMachine::new(config, now, Some(permanent.clone()), entropy(1));
        let client = ClientConnection::new(now, client_link(now, 2), machine);
        let mut machine = server();
        assert!(machine.insert_key(now, &permanent, None));
        let server = ServerConnection::new(now, server_link(now, 4), machine);
        let mut pair = Self { now, client, server };
        pair.client.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
        for _ in 0..100 {
            let sent = written(&mut pair.client, pair.now);
            // The first packet has no valid salt; the client is corrected.
            let _ = pair.server.handle_bytes(pair.now, &sent);
            answer(pair.server.server_mut(), pair.now);
            let sent = written(&mut pair.server, pair.now);
            pair.client.handle_bytes(pair.now, &sent).unwrap();
            if answers(pair.client.client_mut()) > 0 {
                return pair;
            }
            pair.now = pair.now.after(core::time::Duration::from_millis(20));
            pair.client.handle_timeout(pair.now).unwrap();
            pair.server.handle_timeout(pair.now).unwrap();
        }
        panic!("no answer within 2 s of virtual time");
    }

    /// Returns updates of the server, one packet each.
    fn updates(&mut self, session: SessionName) -> Vec<Vec<u8>> {
        let update = |pair: &mut Self| {
            pair.server.server_mut().push(pair.now, session, &QUESTION).unwrap();
            written(&mut pair.server, pair.now)
        };
        (0..PACKETS).map(|_| update(self)).collect()
    }

    /// Returns calls of the client, one packet each.
    fn calls(&mut self) -> Vec<Vec<u8>> {
        let call = |pair: &mut Self| {
            let options = RequestOptions::new();
            pair.client.client_mut().request(pair.now, &QUESTION, options).unwrap();
            written(&mut pair.client, pair.now)
        };
        (0..PACKETS).map(|_| call(self)).collect()
    }

    fn session(&self) -> SessionName {
        let id = self.client.client().session().session_id();
        SessionName { key: established().key.id(), id }
    }

    fn updates_used(&mut self) -> usize {
        let mut used = 0;
        while let Some(event) = self.client.client_mut().poll_event() {
            used += usize::from(matches!(
                event,
                ClientEvent::Session(ClientSessionEvent::Update { .. })
            ));
        }
        used
    }

    fn calls_used(&mut self) -> usize {
        let mut used = 0;
        while let Some(event) = self.server.server_mut().poll_event() {
            let is_call = matches!(
                event,
                ServerEvent::Session { event: ServerSessionEvent::Call { .. }, .. }
            );
            used += usize::from(is_call);
        }
        used
    }
}

fn client_config() -> ClientConfig {
    let mut config = ClientConfig::new(DcId::new(2), [key().public().clone()].into());
    config.secrecy = Secrecy::Off;
    config
}

fn established() -> Established {
    let key = Arc::new(AuthKey::new([9; AuthKey::LEN]).unwrap());
    Established { key, salt: Salt::from_raw(0), time_offset_ns: 0, kind: KeyKind::Permanent }
}

/// A connection's output, client or server.
trait Writes {
    fn write(&mut self, now: Now, out: &mut Vec<u8>) -> bool;
}

impl Writes for ClientConnection {
    fn write(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        self.poll_transmit(now, out)
    }
}

impl Writes for ServerConnection {
    fn write(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        self.poll_transmit(now, out)
    }
}

fn written(from: &mut impl Writes, now: Now) -> Vec<u8> {
    let mut bytes = Vec::new();
    while from.write(now, &mut bytes) {}
    bytes
}

/// How a packet is spoiled; framing is intermediate: four bytes of length, then the packet.
#[derive(Clone, Copy, Debug)]
enum Spoiled {
    /// A bit of the ciphertext is flipped.
    Ciphertext,
    /// The key id is unknown.
    KeyId,
    /// The packet is plain, outside of any key exchange.
    Plain,
    /// The packet is a transport error.
    TransportError,
}

impl Spoiled {
    fn apply(self, frame: &mut Vec<u8>) {
        match self {
            Self::Ciphertext => *frame.last_mut().unwrap() ^= 1,
            Self::KeyId => frame[4] ^= 1,
            Self::Plain => frame[4..12].fill(0),
            Self::TransportError => {
                frame.clear();
                frame.extend(4_u32.to_le_bytes());
                frame.extend((-404_i32).to_le_bytes());
            }
        }
    }
}

fn stream(frames: &[Vec<u8>], bad: usize, spoiled: Spoiled) -> Vec<u8> {
    let mut frames = frames.to_vec();
    spoiled.apply(&mut frames[bad]);
    frames.concat()
}

/// Returns every fifth position, and all near the end of the bad packet.
fn cuts(frames: &[Vec<u8>], bad: usize, len: usize) -> Vec<usize> {
    let mut ends = frames.iter().scan(0, |end, frame| {
        *end += frame.len();
        Some(*end)
    });
    let end = ends.nth(bad).unwrap();
    (0..=len).filter(|cut| cut % 5 == 0 || cut.abs_diff(end) < 9).collect()
}

#[test]
fn a_client_uses_nothing_behind_a_bad_packet() {
    for spoiled in [Spoiled::Ciphertext, Spoiled::KeyId, Spoiled::Plain, Spoiled::TransportError] {
        for bad in 0..PACKETS {
            let mut pair = Pair::new();
            let session = pair.session();
            let frames = pair.updates(session);
            let stream = stream(&frames, bad, spoiled);
            for cut in cuts(&frames, bad, stream.len()) {
                let mut pair = Pair::new();
                let (first, second) = stream.split_at(cut);
                let outcome = pair.client.handle_bytes(pair.now, first);
                let outcome = outcome.and(pair.client.handle_bytes(pair.now, second));
                assert_eq!(pair.updates_used(), bad, "{spoiled:?} at {bad}, cut at {cut}");
                let reported = matches!(outcome, Err(ConnectionError::FromServer(_)));
                assert_eq!(reported, !matches!(spoiled, Spoiled::TransportError));
                assert!(pair.client.is_ending());
                written(&mut pair.client, pair.now);
                assert!(pair.client.is_closed());
            }
        }
    }
}

#[test]
fn a_server_uses_nothing_behind_a_bad_packet() {
    for spoiled in [Spoiled::Ciphertext, Spoiled::KeyId, Spoiled::Plain] {
        for bad in 0..PACKETS {
            let frames = Pair::new().calls();
            let stream = stream(&frames, bad, spoiled);
            for cut in cuts(&frames, bad, stream.len()) {
                let mut pair = Pair::new();
                let (first, second) = stream.split_at(cut);
                let outcome = pair.server.handle_bytes(pair.now, first);
                let outcome = outcome.and(pair.server.handle_bytes(pair.now, second));
                assert_eq!(pair.calls_used(), bad, "{spoiled:?} at {bad}, cut at {cut}");
                assert!(matches!(outcome, Err(ConnectionError::FromClient(_))), "{outcome:?}");
                assert!(pair.server.is_ending());
                written(&mut pair.server, pair.now);
                assert!(pair.server.is_closed());
            }
        }
    }
}

#[test]
fn a_recorded_client_follows_the_same_rule() {
    let mut pair = Pair::new();
    let session = pair.session();
    let frames = pair.updates(session);
    let now = begin();
    let machine =
        RecordedClient::new(client_config(), now, Some(established()), entropy(1), Some(b"note"));
    let mut connection = Connection::new(now, client_link(now, 2), machine);
    let mut bytes = Vec::new();
    while connection.poll_transmit(now, &mut bytes) {}
    assert!(connection.handle_bytes(now, &stream(&frames, 0, Spoiled::Ciphertext)).is_err());
    assert!(connection.is_ending());
    while connection.poll_transmit(now, &mut bytes) {}
    assert!(connection.is_closed());
    assert!(connection.client_mut().take_log().len() > bytes.len(), "all inputs are in the log");
}
