//! Configuration of a client's key exchange.

use alloc::sync::Arc;
use core::time::Duration;

use mtp_crypto::DcId;
use mtp_crypto::exchange::RsaPublicKey;

use crate::exchange::config::{LIFETIME, RETRIES_MAX};
use crate::exchange::{Arithmetic, KeyRequest};

/// Configuration of a client's key exchange.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ClientHandshakeConfig {
    /// Data center that the client expects.
    pub dc: DcId,
    /// Kind of key to create.
    pub request: KeyRequest,
    /// Trusted server keys. Keys of a CDN must not be mixed with others.
    // spec: crypto 9
    pub server_keys: Arc<[RsaPublicKey]>,
    /// Where the expensive arithmetic runs. Default [`Arithmetic::Inline`].
    pub arithmetic: Arithmetic,
    /// Maximum number of retries after a key collision. Default 5.
    // spec: crypto 8.9
    pub retries_max: u8,
    /// Maximum duration of the exchange from the first query. Default 10 minutes, after which servers drop it.
    // spec: crypto 8.11
    pub lifetime: Duration,
}

impl ClientHandshakeConfig {
    /// Returns the default configuration for a data center and a kind of key.
    pub const fn new(dc: DcId, request: KeyRequest, server_keys: Arc<[RsaPublicKey]>) -> Self {
        Self {
            dc,
            request,
            server_keys,
            arithmetic: Arithmetic::Inline,
            retries_max: RETRIES_MAX,
            lifetime: LIFETIME,
        }
    }
}
