//! The data center that `mtp demo`, `mtp server` and `mtp bench` run.

use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{DcId, OsEntropy};
use mtp_dc::{ApiConfig, DataCenter, DataCenterConfig, UnknownCalls};
use mtp_env::Entropy as _;
use mtp_server::{Endpoint, EndpointConfig};
use mtp_session::exchange::Arithmetic;
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};
use mtp_tokio::EventHandler;

/// An endpoint, and the API that answers its calls.
pub(crate) struct Center {
    pub(crate) endpoint: Endpoint,
    pub(crate) answerer: DataCenter,
}

impl Center {
    /// Creates a data center without clients.
    pub(crate) fn new(config: EndpointConfig, api: ApiConfig, unknown_calls: UnknownCalls) -> Self {
        let mut center = DataCenterConfig::new(api);
        center.unknown_calls = unknown_calls;
        Self {
            endpoint: Endpoint::new(config, Box::new(OsEntropy::seeded())),
            answerer: DataCenter::new(center, Box::new(OsEntropy::seeded())),
        }
    }

    /// Returns the endpoint, and a handler that only answers calls.
    pub(crate) fn into_parts(self) -> (Endpoint, EventHandler) {
        let Self { endpoint, mut answerer } = self;
        let handler = Box::new(move |endpoint: &mut _, now, event| {
            answerer.handle_event(now, endpoint, event);
            while answerer.poll_event().is_some() {}
        });
        (endpoint, handler)
    }
}

/// Returns a fresh secret for salts.
pub(crate) fn salt_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    OsEntropy.fill(&mut secret);
    secret
}

/// Returns the configuration of key exchanges: their arithmetic runs off the tasks that serve sockets.
pub(crate) fn handshake(dc: DcId, key: RsaPrivateKey) -> ServerHandshakeConfig {
    let mut handshake = ServerHandshakeConfig::new(dc, [key].into());
    handshake.arithmetic = Arithmetic::Deferred;
    handshake
}

/// Returns an endpoint's configuration with the default limits.
pub(crate) fn config(handshake: ServerHandshakeConfig, salt_secret: [u8; 32]) -> EndpointConfig {
    EndpointConfig::new(ServerConfig::new(handshake, Arc::new(ServerSalts::new(salt_secret))))
}
