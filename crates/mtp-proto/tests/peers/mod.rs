//! Clients, servers and the time that tests give them.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test fails by panicking; each file uses its part"
)]

use std::sync::{Arc, OnceLock};

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::RsaPrivateKey;
use mtp_env::{Instant, Now, UnixTime};
use mtp_proto::ClientConnection;
use mtp_session::client::{Client, ClientConfig, ClientEvent};
use mtp_session::handshake::{DcId, ServerHandshakeConfig};
use mtp_session::server::{Server, ServerConfig, ServerEvent};
use mtp_session::session::{Event, ServerSalts};
use mtp_transport::link::{ClientConfig as LinkConfig, ServerConfig as ServerLinkConfig, Stack};
use mtp_transport::{ClientLink, Framing, ServerLink};

pub(crate) const QUESTION: [u8; 8] = *b"\x01\x02\x03\x04what";
pub(crate) const ANSWER: [u8; 12] = *b"\x05\x06\x07\x08that.  .";

pub(crate) fn entropy(seed: u64) -> Box<CtrEntropy> {
    Box::new(CtrEntropy::from_number(seed))
}

pub(crate) fn key() -> RsaPrivateKey {
    static PEM: OnceLock<String> = OnceLock::new();
    let pem = PEM.get_or_init(|| {
        let key = RsaPrivateKey::generate(&mut CtrEntropy::from_number(99)).unwrap();
        key.to_pkcs1_pem().to_string()
    });
    RsaPrivateKey::from_pem(pem).unwrap()
}

pub(crate) fn begin() -> Now {
    Now { mono: Instant::from_micros(0), unix: UnixTime::from_secs(1_790_000_000) }
}

pub(crate) fn server() -> Server {
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key()].into());
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    Server::new(config, entropy(3))
}

pub(crate) fn server_link(now: Now, seed: u64) -> ServerLink {
    ServerLink::new(now, ServerLinkConfig::default(), entropy(seed))
}

pub(crate) fn client(now: Now, seed: u64) -> Client {
    let config = ClientConfig::new(DcId::new(2), [key().public().clone()].into());
    Client::new(config, now, None, entropy(seed))
}

pub(crate) fn client_link(now: Now, seed: u64) -> ClientLink {
    let stack = Stack::Plain(Framing::Intermediate);
    ClientLink::new(now, LinkConfig::new(stack), entropy(seed))
}

pub(crate) fn connection(now: Now, seed: u64) -> ClientConnection {
    ClientConnection::new(now, client_link(now, seed + 100), client(now, seed))
}

/// Answers every call that waits.
pub(crate) fn answer(server: &mut Server, now: Now) {
    loop {
        let (session, call) = match server.poll_event() {
            None => return,
            Some(ServerEvent::Session { session, event: Event::Call { id, .. } }) => (session, id),
            Some(_) => continue,
        };
        server.answer(now, session, call, &ANSWER).unwrap();
    }
}

/// Counts the answers a client got.
pub(crate) fn answers(client: &mut Client) -> usize {
    let mut count = 0;
    while let Some(event) = client.poll_event() {
        if let ClientEvent::Session(Event::Result { body, .. }) = event {
            assert_eq!(*body, ANSWER);
            count += 1;
        }
    }
    count
}
