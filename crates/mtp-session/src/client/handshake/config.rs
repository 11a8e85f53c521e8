//! Client key exchange configuration.

use alloc::sync::Arc;
use core::time::Duration;

use mtp_crypto::exchange::RsaPublicKey;

use crate::exchange::config::{LIFETIME, RETRIES_MAX};
use crate::exchange::{Arithmetic, DcId, KeyRequest};

/// What a client's key exchange is told.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientHandshakeConfig {
    /// The data centre the client believes it talks to.
    pub dc: DcId,
    /// The key it wants.
    pub request: KeyRequest,
    /// The server keys it trusts. Keys of a content delivery centre stand alone, never among others.
    // spec: crypto 9
    pub server_keys: Arc<[RsaPublicKey]>,
    /// Where the heavy arithmetic runs.
    pub arithmetic: Arithmetic,
    /// How many colliding keys are replaced before the exchange fails. Default 5.
    // spec: crypto 8.9
    pub retries_max: u8,
    /// How long the exchange may take from the first query. Default and sensible maximum 10 minutes:
    /// the server forgets it then.
    // spec: crypto 8.11
    pub lifetime: Duration,
}

impl ClientHandshakeConfig {
    /// Builds the default configuration for one centre and one kind of key.
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
