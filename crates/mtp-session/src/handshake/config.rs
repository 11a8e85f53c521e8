//! What both sides of a key exchange are told.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey, RsaSchemes};

/// A data centre as the key exchange names it: 10,000 added for the test environment, negated for
/// a media-only one.
// spec: crypto 8.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DcId(i32);

impl DcId {
    /// Names a data centre by the number that goes onto the wire.
    #[must_use]
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Returns the number that goes onto the wire.
    #[must_use]
    pub const fn as_i32(self) -> i32 {
        self.0
    }

    /// Returns the same centre's media-only sibling.
    #[must_use]
    pub const fn media(self) -> Self {
        Self(if self.0 > 0 { self.0.wrapping_neg() } else { self.0 })
    }

    /// Reports whether the centre serves media only.
    #[must_use]
    pub const fn is_media(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for DcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key a client asks for.
// spec: crypto 11.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRequest {
    /// A key for good.
    Permanent,
    /// A key for forward secrecy.
    Temporary {
        /// Seconds until it dies, counted by the server from its making. Above zero; 86,400 is usual.
        expires_in_s: i32,
    },
}

/// Where the heavy arithmetic of a key exchange runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arithmetic {
    /// Within `handle_packet`, which then takes milliseconds.
    #[default]
    Inline,
    /// Wherever the driver likes: `poll_work` gives it away as a value, `handle_work` takes the result.
    Deferred,
}

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

/// Colliding keys replaced before an exchange fails.
const RETRIES_MAX: u8 = 5;

/// How long both sides remember an unfinished exchange.
const LIFETIME: Duration = Duration::from_secs(600);

/// The longest life of a temporary key.
const TEMPORARY_LIFE_MAX: Duration = Duration::from_secs(86_400);

/// Runs remembered at once on one link: clients send a few probes, and each run costs about 2 KiB.
const RUNS_MAX: usize = 8;

/// Runs begun on one link: far above any client's burst, far below what would load a server.
const RUNS_TOTAL_MAX: u32 = 64;
