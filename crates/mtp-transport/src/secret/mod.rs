//! Proxy secrets: what a client must know to speak through a proxy, in bytes and as text.
//!
//! A secret is 16 key bytes and a statement of how the proxy wants to be spoken to:
//!
//! ```text
//!   16 bytes            key                       any framing inside obfuscation
//!   17 bytes   dd | key                           padded intermediate only
//!   18..=199   ee | key | domain                  padded intermediate inside FakeTLS
//! ```
//!
//! The `secret` field of a data centre's option has the same form.

mod text;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub(crate) use text::unhex;

/// The length of a secret's key, in bytes.
pub const KEY_LEN: usize = 16;

/// The longest domain a secret may carry, in bytes.
///
/// It is what fitted into the fixed hello of 517 bytes that old clients send.
// spec: transport 6.1
pub const DOMAIN_LEN_MAX: usize = 182;

/// The shortest domain in a secret that every client accepts, in bytes.
///
/// Shorter ones are read but never created.
// spec: transport 14
pub const DOMAIN_LEN_MIN_NEW: usize = 4;

/// Holds one proxy secret: its key and how the proxy wants to be spoken to.
///
/// Printing it with [`fmt::Debug`] shows the kind and never the key; [`ProxySecret::to_text`] gives
/// the form for links.
#[derive(Clone)]
pub struct ProxySecret {
    key: SecretKey,
    kind: SecretKind,
}

/// Says how a proxy wants to be spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretKind {
    /// Obfuscation with the key; the client chooses the framing.
    Plain,
    /// Obfuscation with the key; the framing must be padded intermediate.
    Padded,
    /// Padded intermediate inside obfuscation inside records that look like TLS to this domain.
    FakeTls(Domain),
}

impl ProxySecret {
    /// Builds a secret of 16 bytes.
    #[must_use]
    pub const fn plain(key: SecretKey) -> Self {
        Self { key, kind: SecretKind::Plain }
    }

    /// Builds a `dd` secret.
    #[must_use]
    pub const fn padded(key: SecretKey) -> Self {
        Self { key, kind: SecretKind::Padded }
    }

    /// Builds an `ee` secret.
    ///
    /// # Errors
    /// [`SecretError::DomainTooShort`] below [`DOMAIN_LEN_MIN_NEW`] bytes: such secrets are read,
    /// because they exist, but not every client accepts them.
    pub fn fake_tls(key: SecretKey, domain: Domain) -> Result<Self, SecretError> {
        if domain.as_bytes().len() < DOMAIN_LEN_MIN_NEW {
            return Err(SecretError::DomainTooShort { len: domain.as_bytes().len() });
        }
        Ok(Self { key, kind: SecretKind::FakeTls(domain) })
    }

    /// Reads the binary form.
    ///
    /// # Errors
    /// [`SecretError::TooShort`] and [`SecretError::TooLong`] for the length;
    /// [`SecretError::Unsupported`] for a form that a newer client may know.
    // spec: transport 6.1
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretError> {
        if bytes.len() < KEY_LEN {
            return Err(SecretError::TooShort { len: bytes.len() });
        }
        if bytes.len() > SECRET_LEN_MAX {
            return Err(SecretError::TooLong { len: bytes.len() });
        }
        if let Ok(key) = <[u8; KEY_LEN]>::try_from(bytes) {
            return Ok(Self::plain(SecretKey::new(key)));
        }
        let Some((&prefix, rest)) = bytes.split_first() else {
            return Err(SecretError::TooShort { len: 0 });
        };
        let Some((key, domain)) = rest.split_first_chunk::<KEY_LEN>() else {
            return Err(SecretError::TooShort { len: bytes.len() });
        };
        match (prefix, domain) {
            (PREFIX_PADDED, []) => Ok(Self::padded(SecretKey::new(*key))),
            (PREFIX_FAKE_TLS, [_, ..]) => {
                let kind = SecretKind::FakeTls(Domain::new(domain)?);
                Ok(Self { key: SecretKey::new(*key), kind })
            }
            _ => Err(SecretError::Unsupported { first: prefix, len: bytes.len() }),
        }
    }

    /// Returns the binary form, 16 to 199 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match &self.kind {
            SecretKind::Plain => bytes.extend_from_slice(self.key.as_bytes()),
            SecretKind::Padded => {
                bytes.push(PREFIX_PADDED);
                bytes.extend_from_slice(self.key.as_bytes());
            }
            SecretKind::FakeTls(domain) => {
                bytes.push(PREFIX_FAKE_TLS);
                bytes.extend_from_slice(self.key.as_bytes());
                bytes.extend_from_slice(domain.as_bytes());
            }
        }
        bytes
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Returns how the proxy wants to be spoken to.
    #[must_use]
    pub const fn kind(&self) -> &SecretKind {
        &self.kind
    }
}

impl FromStr for ProxySecret {
    type Err = SecretError;

    /// Reads hex, base64url or standard base64, tried in this order.
    fn from_str(text: &str) -> Result<Self, SecretError> {
        Self::from_bytes(&text::decode(text)?)
    }
}

impl fmt::Debug for ProxySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySecret").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Holds the 16 key bytes that a client shares with a proxy; wiped when dropped.
#[derive(Clone)]
pub struct SecretKey([u8; KEY_LEN]);

impl SecretKey {
    /// Wraps key bytes.
    #[must_use]
    pub const fn new(key: [u8; KEY_LEN]) -> Self {
        Self(key)
    }

    /// Returns the key bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SecretKey {}

impl ConstantTimeEq for SecretKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// Names the site a FakeTLS connection pretends to visit: 1 to 182 bytes.
///
/// Bytes and not text, because that is what secrets carry and what the server name extension
/// compares.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain(Box<[u8]>);

impl Domain {
    /// Checks the length and copies the name.
    ///
    /// # Errors
    /// [`SecretError::DomainTooShort`] if empty, [`SecretError::TooLong`] over [`DOMAIN_LEN_MAX`].
    pub fn new(name: &[u8]) -> Result<Self, SecretError> {
        match name.len() {
            0 => Err(SecretError::DomainTooShort { len: 0 }),
            1..=DOMAIN_LEN_MAX => Ok(Self(name.into())),
            len => Err(SecretError::TooLong { len: len.saturating_add(1 + KEY_LEN) }),
        }
    }

    /// Returns the name's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the name as text if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({})", self.0.escape_ascii())
    }
}

/// Says why bytes or text are no proxy secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// Fewer than 16 bytes.
    TooShort {
        /// The number of bytes found.
        len: usize,
    },
    /// More than 199 bytes.
    TooLong {
        /// The number of bytes found.
        len: usize,
    },
    /// A form this version does not know; a user interface may advise an update.
    Unsupported {
        /// The first byte, which names the form.
        first: u8,
        /// The number of bytes found.
        len: usize,
    },
    /// Neither hex nor base64.
    NotDecodable,
    /// A domain that is empty or, in a new secret, shorter than every client accepts.
    DomainTooShort {
        /// The domain's length in bytes.
        len: usize,
    },
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { len } => write!(f, "secret of {len} bytes, expected at least 16"),
            Self::TooLong { len } => {
                write!(f, "secret of {len} bytes, expected at most {SECRET_LEN_MAX}")
            }
            Self::Unsupported { first, len } => {
                write!(f, "secret of {len} bytes starting {first:02x} is of an unknown kind")
            }
            Self::NotDecodable => f.write_str("secret is neither hex nor base64"),
            Self::DomainTooShort { len } => write!(f, "domain of {len} bytes is too short"),
        }
    }
}

impl core::error::Error for SecretError {}

const PREFIX_PADDED: u8 = 0xdd;
const PREFIX_FAKE_TLS: u8 = 0xee;
const SECRET_LEN_MAX: usize = 1 + KEY_LEN + DOMAIN_LEN_MAX;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn lengths_are_checked_at_the_border() {
        let mut bytes = [0x61_u8; SECRET_LEN_MAX + 1];
        bytes[0] = PREFIX_FAKE_TLS;
        assert!(ProxySecret::from_bytes(&bytes[..SECRET_LEN_MAX]).is_ok());
        assert_eq!(
            ProxySecret::from_bytes(&bytes).unwrap_err(),
            SecretError::TooLong { len: SECRET_LEN_MAX + 1 }
        );
        assert!(ProxySecret::from_bytes(&bytes[..18]).is_ok());
        assert_eq!(
            ProxySecret::from_bytes(&bytes[..17]).unwrap_err(),
            SecretError::Unsupported { first: 0xee, len: 17 }
        );
        assert!(matches!(ProxySecret::from_bytes(&bytes[..16]).unwrap().kind(), SecretKind::Plain));
        assert_eq!(
            ProxySecret::from_bytes(&bytes[..15]).unwrap_err(),
            SecretError::TooShort { len: 15 }
        );
    }

    #[test]
    fn a_padded_secret_has_exactly_17_bytes() {
        let mut bytes = [7_u8; 18];
        bytes[0] = PREFIX_PADDED;
        assert!(ProxySecret::from_bytes(&bytes[..17]).is_ok());
        assert_eq!(
            ProxySecret::from_bytes(&bytes).unwrap_err(),
            SecretError::Unsupported { first: 0xdd, len: 18 }
        );
    }

    // spec: transport 14
    #[test]
    fn short_domains_are_read_but_not_created() {
        let key = || SecretKey::new([1; KEY_LEN]);
        let domain = |name: &str| Domain::new(name.as_bytes()).unwrap();
        assert_eq!(
            ProxySecret::fake_tls(key(), domain("a.b")).unwrap_err(),
            SecretError::DomainTooShort { len: 3 }
        );
        let made = ProxySecret::fake_tls(key(), domain("a.bc")).unwrap();
        let read = ProxySecret::from_bytes(&made.to_bytes()).unwrap();
        assert_eq!(read.kind(), made.kind());
        assert_eq!(Domain::new(b"").unwrap_err(), SecretError::DomainTooShort { len: 0 });
    }

    #[test]
    fn debug_shows_no_key() {
        let secret = ProxySecret::padded(SecretKey::new([0xab; KEY_LEN]));
        let shown = format!("{secret:?} {:?}", secret.key());
        assert!(!shown.contains("ab") && !shown.contains("171"), "{shown}");
    }
}
