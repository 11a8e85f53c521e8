//! The data center that `mtp demo`, `mtp bench` and `mtp server` run: an answerer on an endpoint.

use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{DcId, OsEntropy};
use mtp_dc::{ApiConfig, DataCenter, DataCenterConfig, DcEvent};
use mtp_env::Entropy;
use mtp_server::{Endpoint, EndpointConfig, EndpointEvent};
use mtp_session::exchange::Arithmetic;
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};
use mtp_tokio::server::EventHandler;

/// Returns a fresh secret for salts.
pub(crate) fn salt_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    OsEntropy.fill(&mut secret);
    secret
}

/// Configures key exchanges: their arithmetic runs off the tasks that serve sockets.
pub(crate) fn handshake(dc: DcId, key: RsaPrivateKey) -> ServerHandshakeConfig {
    let mut handshake = ServerHandshakeConfig::new(dc, [key].into());
    handshake.arithmetic = Arithmetic::Deferred;
    handshake
}

/// Configures an endpoint with the default limits.
pub(crate) fn config(handshake: ServerHandshakeConfig, salt_secret: [u8; 32]) -> EndpointConfig {
    EndpointConfig::new(ServerConfig::new(handshake, Arc::new(ServerSalts::new(salt_secret))))
}

/// Creates an endpoint.
pub(crate) fn endpoint(config: EndpointConfig) -> Endpoint {
    Endpoint::new(config, Box::new(OsEntropy::seeded()))
}

/// Answers calls as a data center, and shows every event to `report`.
pub(crate) fn answerer(
    api: ApiConfig,
    mut report: impl FnMut(Reported<'_>) + Send + 'static,
) -> EventHandler {
    let mut center = DataCenter::new(DataCenterConfig::new(api), Box::new(OsEntropy::seeded()));
    Box::new(move |endpoint: &mut Endpoint, now, event| {
        report(Reported::Endpoint(&event));
        center.handle_event(now, endpoint, event);
        while let Some(event) = center.poll_event() {
            report(Reported::Center(&event));
        }
    })
}

/// An event of an endpoint or of the data center on it.
pub(crate) enum Reported<'a> {
    Endpoint(&'a EndpointEvent),
    Center(&'a DcEvent),
}
