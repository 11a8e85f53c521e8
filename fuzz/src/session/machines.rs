//! Client and server machines that share a key.

use std::sync::Arc;

use mtp_crypto::{DcId, Salt};
use mtp_env::Now;
use mtp_session::client::{ClientConfig, ClientMachine, Secrecy};
use mtp_session::established::{Established, KeyKind};
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerMachine, ServerSalts};

use crate::known;

/// Makes a client. Bit 0 of the options enables pings, bit 1 future salts.
pub(crate) fn client(options: u8) -> ClientMachine {
    let public = known::rsa_keys()[0].public().clone();
    let mut config = ClientConfig::new(DcId::new(2), Arc::new([public]));
    config.secrecy = Secrecy::Off;
    config.session.ping = options & 1 != 0;
    config.session.future_salts = options & 2 != 0;
    ClientMachine::new(config, known::start(), Some(established()), Box::new(known::entropy(60)))
}

/// Makes a server with the key and no session.
pub(crate) fn server(now: Now) -> ServerMachine {
    let handshake = ServerHandshakeConfig::new(DcId::new(2), Arc::clone(known::rsa_keys()));
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([9; 32])));
    let mut server = ServerMachine::new(config, Box::new(known::entropy(61)));
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
