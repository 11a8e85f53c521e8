//! Configuration of a server's key exchanges.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::DcId;
use mtp_crypto::exchange::{RsaPrivateKey, RsaSchemes};

use crate::exchange::Arithmetic;
use crate::exchange::config::{LIFETIME, RETRIES_MAX};

/// Configuration of a server's key exchanges, shared by all links.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ServerHandshakeConfig {
    /// RSA keys of the server, offered in this order.
    pub keys: Arc<[RsaPrivateKey]>,
    /// Data centers that a client may request, media-only ones listed separately.
    pub dcs: Vec<DcId>,
    /// Where the expensive arithmetic runs. Default [`Arithmetic::Inline`].
    pub arithmetic: Arithmetic,
    /// Accepted RSA schemes. Default [`RsaSchemes::Current`]: the hash of the scheme from before 2021 covers data of
    /// unknown length, which enabled an attack on the key exchange.
    // spec: crypto 8.5
    pub rsa_schemes: RsaSchemes,
    /// Maximum number of retries after a key collision. Default 5.
    // spec: crypto 8.9
    pub retries_max: u8,
    /// Maximum duration of a run from its first query. Default 10 minutes.
    // spec: crypto 8.11
    pub lifetime: Duration,
    /// Maximum lifetime of a temporary key; longer requests are capped. Default 24 hours.
    // spec: crypto 8.6
    pub temporary_life_max: Duration,
    /// Maximum number of concurrent runs per link; the oldest is dropped. Default 8.
    pub runs_max: usize,
    /// Maximum number of runs started on one link; the link is closed at one more. Default 64.
    pub runs_total_max: u32,
}

impl ServerHandshakeConfig {
    /// Returns the default configuration for a data center and its media-only counterpart.
    pub fn new(dc: DcId, keys: Arc<[RsaPrivateKey]>) -> Self {
        Self {
            keys,
            dcs: alloc::vec![dc, dc.media()],
            arithmetic: Arithmetic::Inline,
            rsa_schemes: RsaSchemes::Current,
            retries_max: RETRIES_MAX,
            lifetime: LIFETIME,
            temporary_life_max: TEMPORARY_LIFE_MAX,
            runs_max: RUNS_MAX,
            runs_total_max: RUNS_TOTAL_MAX,
        }
    }
}

/// Maximum lifetime of a temporary key.
const TEMPORARY_LIFE_MAX: Duration = Duration::from_secs(86_400);

/// Concurrent runs per link: clients send a few probes, and each run takes about 2 KiB.
const RUNS_MAX: usize = 8;

/// Runs per link: far above any client's burst, far below a load on the server.
const RUNS_TOTAL_MAX: u32 = 64;
