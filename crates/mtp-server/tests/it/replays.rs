//! Replayed openings at a server with many links.
//!
//! Goal: a replay of a client's first bytes reveals nothing. Method: the same bytes go to two
//! links of one hub; the first is answered, the second ends silently.
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::Now;
use mtp_proto::ClientConnection;
use mtp_server::proto::ConnectionError;
use mtp_server::{Hub, OPENINGS_KEPT, OPENINGS_MAX};
use mtp_session::client::{ClientConfig, ClientMachine};
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerMachine, ServerSalts};
use mtp_transport::framing::Tag;
use mtp_transport::link::{
    ClientLink, ClientLinkConfig, LinkError, ServerLink, ServerLinkConfig, Stack,
};
use mtp_transport::replay::ReplayStore;
use mtp_transport::secret::SecretKey;

fn entropy(seed: u64) -> Box<CtrEntropy> {
    Box::new(CtrEntropy::from_number(seed))
}

fn now(secs: u64) -> Now {
    Now::default().after(Duration::from_secs(1_790_000_000 + secs))
}

fn secret() -> SecretKey {
    SecretKey::new([0x5e; 16])
}

/// Returns a hub and the first bytes of a client that knows the secret.
fn hub_and_opening() -> (Hub, Vec<u8>) {
    let key = RsaPrivateKey::generate(&mut CtrEntropy::from_number(99)).unwrap();
    let config = ClientConfig::new(DcId::new(2), [key.public().clone()].into());
    let client = ClientMachine::new(config, now(0), None, entropy(1));
    let (tag, dc) = (Tag::INTERMEDIATE, DcId::new(2));
    let stack = Stack::Obfuscated { tag, dc, secret: Some(secret()) };
    let link = ClientLink::new(now(0), ClientLinkConfig::new(stack), entropy(2));
    let mut opening = Vec::new();
    assert!(ClientConnection::new(now(0), link, client).poll_transmit(now(0), &mut opening));
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key].into());
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    (Hub::new(ServerMachine::new(config, entropy(3))), opening)
}

/// Sends the opening to a new link; returns the outcome and the answer.
fn knock(hub: &mut Hub, secs: u64, opening: &[u8]) -> (Result<(), ConnectionError>, Vec<u8>) {
    let secrets = vec![secret()];
    let mut config = ServerLinkConfig::default();
    config.secrets = secrets;
    config.check_replays = true;
    let link = hub.accept(now(secs), ServerLink::new(now(secs), config, entropy(4)));
    let mut outcome = Ok(());
    for piece in opening.chunks(50) {
        outcome = outcome.and(hub.handle_bytes(now(secs), link, piece));
    }
    let mut answer = Vec::new();
    assert_eq!(hub.poll_transmit(now(secs), link, &mut answer), !answer.is_empty());
    assert_eq!(outcome.is_err(), hub.is_closed(link));
    hub.remove(now(secs), link);
    (outcome, answer)
}

// spec: transport 7.4
#[test]
fn a_replayed_opening_is_rejected() {
    let (mut hub, opening) = hub_and_opening();
    let (outcome, answer) = knock(&mut hub, 1, &opening);
    assert!(outcome.is_ok() && answer.len() > 64, "the answer to the first query");
    for secs in [1, OPENINGS_KEPT.as_secs()] {
        let (outcome, answer) = knock(&mut hub, secs, &opening);
        let Err(ConnectionError::Link(why)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((why, answer), (LinkError::Replayed, vec![]));
    }
    let (outcome, _) = knock(&mut hub, 1 + OPENINGS_KEPT.as_secs(), &opening);
    assert!(outcome.is_ok(), "forgotten after its time");
}

#[test]
fn the_store_of_openings_can_be_replaced() {
    let (mut hub, opening) = hub_and_opening();
    hub.remember_openings(ReplayStore::new(OPENINGS_MAX, Duration::from_secs(5)));
    assert!(knock(&mut hub, 1, &opening).0.is_ok());
    assert!(knock(&mut hub, 5, &opening).0.is_err());
    assert!(knock(&mut hub, 6, &opening).0.is_ok());
}
