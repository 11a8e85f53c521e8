//! What a finished key exchange hands to a session.

use alloc::sync::Arc;

use mtp_crypto::{AuthKey, Salt};
use mtp_env::UnixTime;

/// The result of a key exchange, for either side: everything a session starts from.
#[derive(Clone, Debug)]
pub struct Established {
    /// The shared key; shared because several sessions of one key need it.
    pub key: Arc<AuthKey>,
    /// The first server salt.
    // spec: crypto 8.10
    pub salt: Salt,
    /// Server time minus local wall time in nanoseconds, zero at the server.
    pub time_offset_ns: i64,
    /// What the key is for, and until when.
    pub kind: KeyKind,
}

/// What an authorization key is for.
// spec: crypto 8.6, 11.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// Identifies the client for good; under forward secrecy it only signs bindings.
    Permanent,
    /// Encrypts traffic until it expires, once bound to a permanent key.
    Temporary {
        /// When the key dies, in server time.
        expires_at: UnixTime,
        /// The key serves a media-only data centre.
        media: bool,
    },
}

impl KeyKind {
    /// Reports whether keys of this kind expire.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Temporary { .. })
    }
}
