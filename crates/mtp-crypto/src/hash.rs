//! The hash functions of the protocol, raw.
//!
//! **Hazmat.** Each takes its input in parts, as the specification writes `a | b | c`. Nothing here
//! compares: use the types that check.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// Returns the SHA-1 of the parts put together.
///
/// The protocol uses it for identifiers and where old messages are bound; it is not collision
/// resistant.
#[must_use]
pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    digest::<Sha1>(parts).into()
}

/// Returns the SHA-256 of the parts put together.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    digest::<Sha256>(parts).into()
}

/// Returns the SHA-512 of the parts put together.
#[must_use]
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    digest::<Sha512>(parts).into()
}

/// Returns the HMAC-SHA-256 under `key` of the parts put together.
#[must_use]
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "no key is refused")]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn digest<D: Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prefixes of the published digests of "abc" (FIPS 180) and of RFC 4231's case 2.
    #[test]
    fn published_digests() {
        assert_eq!(sha1(&[b"a", b"bc"])[..4], [0xa9, 0x99, 0x3e, 0x36]);
        assert_eq!(sha256(&[b"ab", b"", b"c"])[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(sha512(&[b"abc"])[..4], [0xdd, 0xaf, 0x35, 0xa1]);
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
