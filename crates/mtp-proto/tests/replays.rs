//! Openings seen before, at a server with many links.
//!
//! Goal: whoever sends a client's first bytes again learns nothing. Method: the same bytes go to two
//! links of one hub; the first is answered, the second ends without a word.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::RsaPrivateKey;
use mtp_env::Now;
use mtp_proto::hub::{OPENINGS_KEPT, OPENINGS_MAX};
use mtp_proto::{ClientConnection, ConnectionError, Hub};
use mtp_session::client::{Client, ClientConfig};
use mtp_session::handshake::{DcId, ServerHandshakeConfig};
use mtp_session::server::{Server, ServerConfig};
use mtp_session::session::ServerSalts;
use mtp_transport::framing::Tag;
use mtp_transport::link::{
    ClientConfig as LinkConfig, LinkError, ServerConfig as ServerLinkConfig, Stack,
};
use mtp_transport::replay::ReplayStore;
use mtp_transport::secret::SecretKey;
use mtp_transport::{ClientLink, ServerLink, obfuscation};

fn entropy(seed: u64) -> Box<CtrEntropy> {
    Box::new(CtrEntropy::from_number(seed))
}

fn now(secs: u64) -> Now {
    Now::default().after(Duration::from_secs(1_790_000_000 + secs))
}

fn secret() -> SecretKey {
    SecretKey::new([0x5e; 16])
}

/// A hub, and what a client that knows the secret says first.
fn hub_and_opening() -> (Hub, Vec<u8>) {
    let key = RsaPrivateKey::generate(&mut CtrEntropy::from_number(99)).unwrap();
    let config = ClientConfig::new(DcId::new(2), [key.public().clone()].into());
    let client = Client::new(config, now(0), None, entropy(1));
    let (tag, dc) = (Tag::INTERMEDIATE, obfuscation::DcId::new(2));
    let stack = Stack::Obfuscated { tag, dc, secret: Some(secret()) };
    let link = ClientLink::new(now(0), LinkConfig::new(stack), entropy(2));
    let mut opening = Vec::new();
    assert!(ClientConnection::new(now(0), link, client).poll_transmit(now(0), &mut opening));
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key].into());
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    (Hub::new(Server::new(config, entropy(3))), opening)
}

/// Sends the opening to a new link and returns how that went and what was answered.
fn knock(hub: &mut Hub, secs: u64, opening: &[u8]) -> (Result<(), ConnectionError>, Vec<u8>) {
    let secrets = vec![secret()];
    let config = ServerLinkConfig { secrets, check_replays: true, ..Default::default() };
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
fn an_opening_is_good_once() {
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
fn the_store_may_be_another() {
    let (mut hub, opening) = hub_and_opening();
    hub.remember_openings(ReplayStore::new(OPENINGS_MAX, Duration::from_secs(5)));
    assert!(knock(&mut hub, 1, &opening).0.is_ok());
    assert!(knock(&mut hub, 5, &opening).0.is_err());
    assert!(knock(&mut hub, 6, &opening).0.is_ok());
}
