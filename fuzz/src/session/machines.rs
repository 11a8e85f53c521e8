//! A client and a server machine that share a key already.

use std::sync::Arc;

use mtp_crypto::Salt;
use mtp_env::Now;
use mtp_session::client::{Client, ClientConfig, Secrecy};
use mtp_session::handshake::{DcId, ServerHandshakeConfig};
use mtp_session::server::{Server, ServerConfig};
use mtp_session::session::ServerSalts;
use mtp_session::{Established, KeyKind};

use crate::known;

/// Makes a client; bit 0 of the options lets it ping, bit 1 fetch salts.
pub(crate) fn client(options: u8) -> Client {
    let public = known::rsa_keys()[0].public().clone();
    let mut config = ClientConfig::new(DcId::new(2), Arc::new([public]));
    config.secrecy = Secrecy::Off;
    config.session.client.ping = options & 1 != 0;
    config.session.client.future_salts = options & 2 != 0;
    Client::new(config, known::start(), Some(established()), Box::new(known::entropy(60)))
}

/// Makes a server that knows the key and no session.
pub(crate) fn server(now: Now) -> Server {
    let handshake = ServerHandshakeConfig::new(DcId::new(2), Arc::clone(known::rsa_keys()));
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([9; 32])));
    let mut server = Server::new(config, Box::new(known::entropy(61)));
    assert!(server.insert_key(now, &established(), None));
    server
}

fn established() -> Established {
    Established {
        key: Arc::clone(known::auth_key()),
        salt: Salt::from_raw(0x5a17),
        time_offset_ns: 0,
        kind: KeyKind::Permanent,
    }
}
