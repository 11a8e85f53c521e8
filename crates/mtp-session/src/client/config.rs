//! What a client is told.

use alloc::sync::Arc;
use core::time::Duration;

use mtp_crypto::DcId;
use mtp_crypto::exchange::RsaPublicKey;

use super::session::ClientSessionConfig;
use crate::exchange::Arithmetic;

/// What a [`ClientMachine`](super::ClientMachine) is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ClientConfig {
    /// The data centre it talks to.
    pub dc: DcId,
    /// The server keys it trusts; those of a content delivery centre stand alone.
    pub server_keys: Arc<[RsaPublicKey]>,
    /// Whether traffic is encrypted with temporary keys. Default yes, with keys of a day.
    pub secrecy: Secrecy,
    /// The session: wrappers, limits, timers.
    pub session: ClientSessionConfig,
    /// Where the heavy arithmetic of key exchanges runs.
    pub arithmetic: Arithmetic,
    /// How long one key exchange may take. Default 60 s; servers remember 10 minutes.
    pub exchange_max: Duration,
    /// How long before its end a temporary key is replaced, at most a quarter of its life.
    /// Default one hour.
    // spec: session 15
    pub renew_before: Duration,
    /// How long the change to a new key waits for calls in flight to be answered. Default 5 minutes.
    pub renew_patience: Duration,
    /// The pause after a first failure; doubled by each further one, up to 64 times. Default 1 s.
    // spec: crypto 18.13
    pub retry_pause: Duration,
}

/// How long keys that encrypt traffic live.
// spec: crypto 11
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secrecy {
    /// Temporary keys encrypt, the permanent key only vouches for them: whoever learns a key later
    /// cannot read what was sent before.
    Forward {
        /// The life of a temporary key, in seconds; up to a twenty-fourth of it is cut off at
        /// random, so that clients do not renew their keys together.
        life_s: i32,
    },
    /// Temporary keys encrypt and nothing vouches for them, as content delivery centres want it.
    Anonymous {
        /// The life of a key, in seconds.
        life_s: i32,
    },
    /// The permanent key encrypts.
    Off,
}

impl Secrecy {
    /// Returns the life of temporary keys, if there are any.
    pub(super) const fn life_s(self) -> Option<i32> {
        match self {
            Self::Forward { life_s } | Self::Anonymous { life_s } => Some(life_s),
            Self::Off => None,
        }
    }
}

impl ClientConfig {
    /// Builds the default configuration.
    pub fn new(dc: DcId, server_keys: Arc<[RsaPublicKey]>) -> Self {
        Self {
            dc,
            server_keys,
            secrecy: Secrecy::Forward { life_s: LIFE_S },
            session: ClientSessionConfig::default(),
            arithmetic: Arithmetic::Inline,
            exchange_max: EXCHANGE_MAX,
            renew_before: RENEW_BEFORE,
            renew_patience: RENEW_PATIENCE,
            retry_pause: RETRY_PAUSE,
        }
    }
}

const LIFE_S: i32 = 86_400;
const EXCHANGE_MAX: Duration = Duration::from_secs(60);
const RENEW_BEFORE: Duration = Duration::from_secs(3600);
const RENEW_PATIENCE: Duration = Duration::from_secs(300);
const RETRY_PAUSE: Duration = Duration::from_secs(1);
