//! The data centre that `mtp demo` and `mtp server` run.

use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{Entropy, OsEntropy};
use mtp_dc::{ApiConfig, DataCenter, DataCenterConfig};
use mtp_session::handshake::{Arithmetic, DcId, ServerHandshakeConfig};
use mtp_session::server::ServerConfig;
use mtp_session::session::ServerSalts;
use mtp_transport::link::ServerConfig as LinkConfig;

/// Returns a fresh secret for salts.
pub(crate) fn salt_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    OsEntropy.fill(&mut secret);
    secret
}

/// Says how a data centre makes keys: arithmetic runs off the tasks that serve sockets.
pub(crate) fn handshake(dc: DcId, key: RsaPrivateKey) -> ServerHandshakeConfig {
    let mut handshake = ServerHandshakeConfig::new(dc, [key].into());
    handshake.arithmetic = Arithmetic::Deferred;
    handshake
}

/// Joins what a data centre is told, with the default limits.
pub(crate) fn config(
    handshake: ServerHandshakeConfig,
    api: ApiConfig,
    salt_secret: [u8; 32],
) -> DataCenterConfig {
    let server = ServerConfig::new(handshake, Arc::new(ServerSalts::new(salt_secret)));
    DataCenterConfig::new(server, LinkConfig::default(), api)
}

/// Makes a data centre.
pub(crate) fn new(config: DataCenterConfig) -> DataCenter {
    DataCenter::new(config, Box::new(OsEntropy::seeded()))
}
