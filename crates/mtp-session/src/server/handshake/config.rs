//! Server key exchange configuration.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::exchange::{RsaPrivateKey, RsaSchemes};

use crate::exchange::config::{LIFETIME, RETRIES_MAX};
use crate::exchange::{Arithmetic, DcId};

/// What a server's key exchanges are told; shared by all links.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerHandshakeConfig {
    /// The server's keys, offered in this order.
    pub keys: Arc<[RsaPrivateKey]>,
    /// The centres a client may ask for, media-only ones named separately.
    pub dcs: Vec<DcId>,
    /// Where the heavy arithmetic runs.
    pub arithmetic: Arithmetic,
    /// Whether clients that encrypt as before 2021 are served. Default no: the hash of that scheme
    /// covers data of unknown length, which an attack on the key exchange used once.
    // spec: crypto 8.5
    pub rsa_schemes: RsaSchemes,
    /// How many colliding keys are replaced before a run fails. Default 5.
    // spec: crypto 8.9
    pub retries_max: u8,
    /// How long a run is remembered after its first query. Default 10 minutes.
    // spec: crypto 8.11
    pub lifetime: Duration,
    /// The longest life of a temporary key; longer wishes are cut. Default 24 hours.
    // spec: crypto 8.6
    pub temporary_life_max: Duration,
    /// Runs remembered at once on one link; the oldest makes room. Default 8.
    pub runs_max: usize,
    /// Runs begun on one link in all; the link is closed at one more. Default 64.
    pub runs_total_max: u32,
}

impl ServerHandshakeConfig {
    /// Builds the default configuration of one centre and its media-only sibling.
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

/// The longest life of a temporary key.
const TEMPORARY_LIFE_MAX: Duration = Duration::from_secs(86_400);

/// Runs remembered at once on one link: clients send a few probes, and each run costs about 2 KiB.
const RUNS_MAX: usize = 8;

/// Runs begun on one link: far above any client's burst, far below what would load a server.
const RUNS_TOTAL_MAX: u32 = 64;
