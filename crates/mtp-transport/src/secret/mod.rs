//! Proxy secrets in binary and text form.
//!
//! A secret has a 16-byte key and a kind, which determines the stack of the connection:
//!
//! ```text
//!   16 bytes            key                       any framing inside obfuscation
//!   17 bytes   dd | key                           padded intermediate only
//!   18..=199   ee | key | domain                  padded intermediate inside FakeTLS
//! ```
//!
//! The `secret` field of a `dcOption` has the same form.

mod text;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub(crate) use text::unhex;

/// Length of a secret's key, in bytes.
pub const KEY_LEN: usize = 16;

/// The longest domain in a secret, in bytes.
///
/// The longest one that fits the 517-byte hello of old clients.
// spec: transport 6.1
pub const DOMAIN_LEN_MAX: usize = 182;

/// The shortest domain that every client accepts, in bytes.
///
/// Secrets with shorter domains are parsed but not created.
// spec: transport 14
pub const DOMAIN_LEN_MIN_NEW: usize = 4;

/// Proxy secret: a key and a kind.
///
/// [`fmt::Debug`] prints the kind and hides the key. [`ProxySecret::to_text`] returns the form for
/// links.
#[derive(Clone)]
pub struct ProxySecret {
    key: SecretKey,
    kind: SecretKind,
}

/// Kind of a secret, which determines the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretKind {
    /// Obfuscation with the key; any framing.
    Plain,
    /// Obfuscation with the key; padded intermediate framing only.
    Padded,
    /// FakeTLS with this domain; padded intermediate framing only.
    FakeTls(Domain),
}

impl ProxySecret {
    /// Returns a 16-byte secret.
    #[must_use]
    pub const fn plain(key: SecretKey) -> Self {
        Self { key, kind: SecretKind::Plain }
    }

    /// Returns a `dd` secret.
    #[must_use]
    pub const fn padded(key: SecretKey) -> Self {
        Self { key, kind: SecretKind::Padded }
    }

    /// Returns an `ee` secret.
    ///
    /// # Errors
    ///
    /// [`SecretError::DomainTooShort`] below [`DOMAIN_LEN_MIN_NEW`] bytes, which not every client
    /// accepts.
    pub fn fake_tls(key: SecretKey, domain: Domain) -> Result<Self, SecretError> {
        if domain.as_bytes().len() < DOMAIN_LEN_MIN_NEW {
            return Err(SecretError::DomainTooShort { len: domain.as_bytes().len() });
        }
        Ok(Self { key, kind: SecretKind::FakeTls(domain) })
    }

    /// Parses the binary form.
    ///
    /// # Errors
    ///
    /// [`SecretError::TooShort`] and [`SecretError::TooLong`] for the length;
    /// [`SecretError::Unsupported`] for an unknown form.
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

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> &SecretKind {
        &self.kind
    }
}

impl FromStr for ProxySecret {
    type Err = SecretError;

    /// Parses hex, base64url or standard base64, tried in this order.
    fn from_str(text: &str) -> Result<Self, SecretError> {
        Self::from_bytes(&text::decode(text)?)
    }
}

impl fmt::Debug for ProxySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySecret").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The 16-byte key shared by a client and a proxy. Wiped when dropped.
#[derive(Clone)]
pub struct SecretKey([u8; KEY_LEN]);

impl SecretKey {
    /// Returns a key of these bytes.
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

/// Server name of a FakeTLS connection: 1 to 182 bytes.
///
/// Bytes rather than text, like in secrets and in the server name extension.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain(Box<[u8]>);

impl Domain {
    /// Copies the name.
    ///
    /// # Errors
    ///
    /// [`SecretError::DomainTooShort`] if empty, [`SecretError::TooLong`] above [`DOMAIN_LEN_MAX`].
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

    /// Returns the name as text if it is UTF-8.
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

/// Errors of parsing or creating a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// Fewer than 16 bytes.
    TooShort {
        /// The length in bytes.
        len: usize,
    },
    /// More than 199 bytes.
    TooLong {
        /// The length in bytes.
        len: usize,
    },
    /// An unknown form. A user interface can suggest an update.
    Unsupported {
        /// The first byte, which identifies the form.
        first: u8,
        /// The length in bytes.
        len: usize,
    },
    /// Neither hex nor base64.
    NotDecodable,
    /// A domain that is empty or, in a new secret, too short for some clients.
    DomainTooShort {
        /// The length of the domain in bytes.
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
                write!(f, "secret of {len} bytes of the unknown kind {first:02x}")
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
    fn length_is_accepted_at_the_limits_and_rejected_beyond() {
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
    fn padded_secret_has_exactly_17_bytes() {
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
    fn short_domain_is_parsed_but_not_created() {
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
    fn debug_output_hides_the_key() {
        let secret = ProxySecret::padded(SecretKey::new([0xab; KEY_LEN]));
        let shown = format!("{secret:?} {:?}", secret.key());
        assert!(!shown.contains("ab") && !shown.contains("171"), "{shown}");
    }
}
