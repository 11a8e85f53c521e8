//! Clients and servers on a virtual clock.
use std::sync::{Arc, OnceLock};

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::{Instant, Now, UnixTime};
use mtp_proto::ClientConnection;
use mtp_session::client::{ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent};
use mtp_session::server::{
    ServerConfig, ServerEvent, ServerHandshakeConfig, ServerMachine, ServerSalts,
    ServerSessionEvent,
};
use mtp_transport::framing::Framing;
use mtp_transport::link::{ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack};

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

pub(crate) fn server() -> ServerMachine {
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key()].into());
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    ServerMachine::new(config, entropy(3))
}

pub(crate) fn server_link(now: Now, seed: u64) -> ServerLink {
    ServerLink::new(now, ServerLinkConfig::default(), entropy(seed))
}

pub(crate) fn client(now: Now, seed: u64) -> ClientMachine {
    let config = ClientConfig::new(DcId::new(2), [key().public().clone()].into());
    ClientMachine::new(config, now, None, entropy(seed))
}

pub(crate) fn client_link(now: Now, seed: u64) -> ClientLink {
    let stack = Stack::Plain(Framing::Intermediate);
    ClientLink::new(now, ClientLinkConfig::new(stack), entropy(seed))
}

pub(crate) fn connection(now: Now, seed: u64) -> ClientConnection {
    ClientConnection::new(now, client_link(now, seed + 100), client(now, seed))
}

/// Answers all pending calls.
pub(crate) fn answer(server: &mut ServerMachine, now: Now) {
    loop {
        let (session, call) = match server.poll_event() {
            None => return,
            Some(ServerEvent::Session { session, event: ServerSessionEvent::Call { id, .. } }) => {
                (session, id)
            }
            Some(_) => continue,
        };
        server.answer(now, session, call, &ANSWER).unwrap();
    }
}

/// Counts a client's answers.
pub(crate) fn answers(client: &mut ClientMachine) -> usize {
    let mut count = 0;
    while let Some(event) = client.poll_event() {
        if let ClientEvent::Session(ClientSessionEvent::Result { body, .. }) = event {
            assert_eq!(*body, ANSWER);
            count += 1;
        }
    }
    count
}
