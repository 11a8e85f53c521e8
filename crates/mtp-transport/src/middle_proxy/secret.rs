//! The secret that proxies and middle proxies share.

use alloc::boxed::Box;
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A published secret, whose first four bytes select it.
pub struct MiddleSecret {
    bytes: Box<[u8]>,
}

impl MiddleSecret {
    /// Checks the contents of a secret's file.
    ///
    /// # Errors
    ///
    /// The bytes are not a secret: their number is wrong, or they are an error page.
    // spec: proxy 1.1
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MiddleSecretError> {
        let len = bytes.len();
        if !(MIDDLE_SECRET_LEN_MIN..=MIDDLE_SECRET_LEN_MAX).contains(&len) {
            return Err(MiddleSecretError::Length { len });
        }
        if let [b'<' | b'{', ..] = bytes {
            return Err(MiddleSecretError::Page);
        }
        let secret = Self { bytes: bytes.into() };
        if secret.selector() == [0; 4] { Err(MiddleSecretError::Selector) } else { Ok(secret) }
    }

    /// Returns the key selector, which is sent in the clear.
    #[must_use]
    pub fn selector(&self) -> [u8; 4] {
        self.bytes.first_chunk().copied().unwrap_or_default()
    }

    /// Returns the secret.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Compares two secrets in constant time.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

impl Drop for MiddleSecret {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl ZeroizeOnDrop for MiddleSecret {}

impl fmt::Debug for MiddleSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiddleSecret(..)")
    }
}

/// Why bytes are not a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MiddleSecretError {
    /// A secret has 32 to 256 bytes.
    Length {
        /// The number of bytes.
        len: usize,
    },
    /// The bytes are the beginning of an HTML or JSON page.
    Page,
    /// The first four bytes are zero, which selects no secret.
    Selector,
}

impl fmt::Display for MiddleSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len } => {
                write!(
                    f,
                    "secret of {len} bytes, expected {MIDDLE_SECRET_LEN_MIN} to {MIDDLE_SECRET_LEN_MAX}"
                )
            }
            Self::Page => f.write_str("a page instead of a secret"),
            Self::Selector => f.write_str("secret begins with four zero bytes"),
        }
    }
}

impl core::error::Error for MiddleSecretError {}

/// The shortest secret.
// spec: proxy 1.1
pub const MIDDLE_SECRET_LEN_MIN: usize = 32;

/// The longest secret.
// spec: proxy 1.1
pub const MIDDLE_SECRET_LEN_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    // spec: proxy 1.1
    #[test]
    fn secret_is_accepted_at_the_limits_and_rejected_beyond() {
        let check = |len: usize| MiddleSecret::from_bytes(&[7; 300][..len]).map(drop);
        for (len, fits) in [(31, false), (32, true), (256, true), (257, false), (0, false)] {
            let expected = if fits { Ok(()) } else { Err(MiddleSecretError::Length { len }) };
            assert_eq!(check(len), expected);
        }
    }

    #[test]
    fn pages_and_zero_selectors_are_rejected() {
        let of = |first: &[u8]| {
            let mut bytes = [9; 64];
            bytes[..first.len()].copy_from_slice(first);
            MiddleSecret::from_bytes(&bytes).map(drop)
        };
        assert_eq!(of(b"<html>"), Err(MiddleSecretError::Page));
        assert_eq!(of(b"{\"ok\""), Err(MiddleSecretError::Page));
        assert_eq!(of(&[0; 4]), Err(MiddleSecretError::Selector));
        assert_eq!(of(&[0, 0, 0, 1]), Ok(()));
    }

    #[test]
    fn debug_shows_no_bytes() {
        let secret = MiddleSecret::from_bytes(&[0xab; 32]).unwrap();
        assert_eq!(alloc::format!("{secret:?}"), "MiddleSecret(..)");
    }
}
