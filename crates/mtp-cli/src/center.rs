//! The data centre that `mtp demo` and `mtp server` run.

use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{Entropy, OsEntropy};
use mtp_dc::{ApiConfig, DataCenter, DataCenterConfig};
use mtp_session::handshake::{DcId, ServerHandshakeConfig};
use mtp_session::server::ServerConfig;
use mtp_session::session::ServerSalts;
use mtp_transport::link::ServerConfig as LinkConfig;

/// Makes a data centre of this number with a fresh secret for salts.
pub(crate) fn new(dc: DcId, key: RsaPrivateKey, api: ApiConfig) -> DataCenter {
    let mut secret = [0; 32];
    OsEntropy.fill(&mut secret);
    let handshake = ServerHandshakeConfig::new(dc, [key].into());
    let server = ServerConfig::new(handshake, Arc::new(ServerSalts::new(secret)));
    let config = DataCenterConfig::new(server, LinkConfig::default(), api);
    DataCenter::new(config, Box::new(OsEntropy::seeded()))
}
