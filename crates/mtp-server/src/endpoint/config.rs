//! Configuration of an endpoint.

use core::time::Duration;

use mtp_session::server::ServerConfig;
use mtp_transport::link::ServerLinkConfig;

use crate::admission::AdmissionConfig;

/// Endpoint configuration.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct EndpointConfig {
    /// Keys, sessions and their limits. Its `handshake.arithmetic` decides whether the arithmetic of key
    /// exchanges runs inside the endpoint or is [given away](super::Endpoint::poll_work).
    pub server: ServerConfig,
    /// Transports that links accept, and their limits.
    pub link: ServerLinkConfig,
    /// Who may connect. Default: anybody, within limits for each address.
    pub admission: AdmissionConfig,
    /// Clients whose layer is remembered. Beyond it the lowest key id is forgotten, and its client has
    /// to send `invokeWithLayer` again. Default 2^16.
    pub layers_max: usize,
    /// Bytes that clients can make the endpoint hold in all. From 3/4 of it strangers, and links with unwritten
    /// answers, are not read; from 7/8 no connections are accepted; beyond it the session or the link that holds
    /// the most is closed. Default 1 GiB.
    pub memory_max: usize,
    /// The least time between two [summaries of refusals](super::EndpointEvent::Refused). Default 10 s.
    pub refusals_every: Duration,
}

impl EndpointConfig {
    /// Creates a configuration with default limits.
    pub fn new(server: ServerConfig) -> Self {
        Self {
            server,
            link: ServerLinkConfig::default(),
            admission: AdmissionConfig::new(),
            layers_max: LAYERS_MAX,
            memory_max: 1 << 30,
            refusals_every: Duration::from_secs(10),
        }
    }
}

const LAYERS_MAX: usize = 1 << 16;
