//! Result of a key exchange.

use alloc::sync::Arc;
use alloc::vec::Vec;

use mtp_crypto::{AuthKey, Salt};
use mtp_env::UnixTime;
use mtp_tl::{DecodeError, Decoder, Encode as _, Output as _};

/// Result of a key exchange, for either side.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "key stores build it from their records")]
pub struct Established {
    /// Authorization key, shared by the sessions that use it.
    pub key: Arc<AuthKey>,
    /// First server salt.
    // spec: crypto 8.10
    pub salt: Salt,
    /// Server time minus local time in nanoseconds; zero at the server.
    pub time_offset_ns: i64,
    /// Kind and expiry of the key.
    pub kind: KeyKind,
}

/// Stored form: `secret 256 | salt u64 | offset_ns i64 | kind u32 | expires_at_ns u64`, little-endian.
impl Established {
    pub(crate) const LEN: usize = AuthKey::LEN + 8 + 8 + 4 + 8;

    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        let (kind, expires_at) = match self.kind {
            KeyKind::Temporary { expires_at, media: false } => (TEMPORARY, expires_at.as_nanos()),
            KeyKind::Temporary { expires_at, media: true } => (MEDIA, expires_at.as_nanos()),
            KeyKind::Permanent => (PERMANENT, 0),
        };
        to.put(self.key.as_bytes());
        to.put(&self.salt.to_le_bytes());
        to.put(&self.time_offset_ns.to_le_bytes());
        kind.encode(to);
        to.put(&expires_at.to_le_bytes());
    }

    /// Reads what [`put`](Self::put) wrote; `None` if the bytes are not a key.
    pub(crate) fn read(d: &mut Decoder<'_>) -> Result<Option<Self>, DecodeError> {
        let secret = AuthKey::new(*d.array()?);
        let salt = Salt::from_le_bytes(*d.array()?);
        let time_offset_ns = i64::from_le_bytes(*d.array()?);
        let kind: u32 = d.read()?;
        let expires_at = UnixTime::from_nanos(u64::from_le_bytes(*d.array()?));
        let kind = match kind {
            PERMANENT => KeyKind::Permanent,
            TEMPORARY => KeyKind::Temporary { expires_at, media: false },
            MEDIA => KeyKind::Temporary { expires_at, media: true },
            _ => return Ok(None),
        };
        Ok(secret.ok().map(|key| Self { key: Arc::new(key), salt, time_offset_ns, kind }))
    }
}

const PERMANENT: u32 = 0;
const TEMPORARY: u32 = 1;
const MEDIA: u32 = 2;

/// Kind of an authorization key.
// spec: crypto 8.6, 11.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// Identifies the client; with forward secrecy it only signs bindings.
    Permanent,
    /// Encrypts traffic until it expires, once bound to a permanent key.
    Temporary {
        /// Expiry in server time.
        expires_at: UnixTime,
        /// True for a media-only data center.
        media: bool,
    },
}

impl KeyKind {
    /// Returns `true` if the key expires.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Temporary { .. })
    }
}
