//! Client configuration.

use alloc::sync::Arc;
use core::time::Duration;

use mtp_crypto::DcId;
use mtp_crypto::exchange::RsaPublicKey;

use super::session::ClientSessionConfig;
use crate::exchange::Arithmetic;

/// Client configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct ClientConfig {
    /// Data center to connect to.
    pub dc: DcId,
    /// Trusted server keys. Keys of a CDN must not be mixed with others.
    pub server_keys: Arc<[RsaPublicKey]>,
    /// Forward secrecy. Default [`Secrecy::Forward`] with keys that live one day.
    pub secrecy: Secrecy,
    /// Session: wrappers, limits, timers.
    pub session: ClientSessionConfig,
    /// Where the expensive arithmetic of key exchanges runs. Default [`Arithmetic::Inline`].
    pub arithmetic: Arithmetic,
    /// Maximum duration of a key exchange. Default 60 s; servers drop it after 10 minutes.
    pub exchange_max: Duration,
    /// Time before expiry at which a temporary key is replaced; at most a quarter of its lifetime. Default one hour.
    // spec: session 15
    pub renew_before: Duration,
    /// Maximum time that the switch to a new key waits for calls in flight. Default 5 minutes.
    pub renew_patience: Duration,
    /// Pause after the first failure; doubled by each further one, up to 64 times. Default 1 s.
    // spec: crypto 18.13
    pub retry_pause: Duration,
}

/// Forward secrecy: which keys encrypt traffic.
// spec: crypto 11
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secrecy {
    /// Temporary keys encrypt traffic; the permanent key only binds them. A key leaked later does not reveal earlier
    /// traffic.
    Forward {
        /// Lifetime of a temporary key in seconds. Up to a twenty-fourth is cut off at random, so that clients do not
        /// renew their keys at the same time.
        life_s: i32,
    },
    /// Temporary keys encrypt traffic and are not bound, as CDNs require.
    Anonymous {
        /// Lifetime of a key in seconds.
        life_s: i32,
    },
    /// The permanent key encrypts traffic.
    Off,
}

impl Secrecy {
    /// Returns the lifetime of temporary keys in seconds, if there are any.
    pub(super) const fn life_s(self) -> Option<i32> {
        match self {
            Self::Forward { life_s } | Self::Anonymous { life_s } => Some(life_s),
            Self::Off => None,
        }
    }
}

impl ClientConfig {
    /// Returns the default configuration for a data center.
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
