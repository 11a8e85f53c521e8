//! The hash functions of the protocol, raw primitives.
//!
//! **Hazmat.** Each function takes its input in parts, the specification's `a | b | c`. Do not
//! compare hashes of secrets with `==`; the types of this crate compare in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::block_api::compress256;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroize;

/// Returns the SHA-1 of the concatenated parts.
///
/// The protocol uses it for identifiers and in MTProto 1.0. It is not collision resistant.
#[must_use]
pub fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    digest::<Sha1>(parts).into()
}

/// Returns the SHA-256 of the concatenated parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    digest::<Sha256>(parts).into()
}

/// Returns the SHA-512 of the concatenated parts.
#[must_use]
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    digest::<Sha512>(parts).into()
}

/// Returns the HMAC-SHA-256 of the concatenated parts under `key`.
#[must_use]
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "every key is accepted")]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// SHA-256 over whole blocks in place, without a buffer.
///
/// For messages, whose blocks are known to be whole and are hashed while the next ones are being
/// decrypted.
pub(crate) struct BlockHash {
    state: [u32; 8],
    blocks: u64,
}

impl BlockHash {
    /// Maximum number of bytes for [`finish`](Self::finish).
    pub(crate) const TAIL_MAX: usize = 55;

    pub(crate) const fn new() -> Self {
        Self { state: SHA256_INITIAL, blocks: 0 }
    }

    #[inline]
    pub(crate) fn update(&mut self, blocks: &[[u8; 64]]) {
        compress256(&mut self.state, blocks);
        self.blocks = self.blocks.wrapping_add(blocks.len() as u64);
    }

    /// Hashes the last bytes, at most [`TAIL_MAX`](Self::TAIL_MAX), and returns the hash.
    #[inline]
    pub(crate) fn finish(mut self, tail: &[u8]) -> [u8; 32] {
        debug_assert!(tail.len() <= Self::TAIL_MAX);
        let bits = (self.blocks.wrapping_mul(64)).wrapping_add(tail.len() as u64).wrapping_mul(8);
        let mut last = [0; 64];
        for (byte, from) in last.iter_mut().zip(tail.iter().chain(&[0x80])) {
            *byte = *from;
        }
        if let Some(len) = last.last_chunk_mut() {
            *len = bits.to_be_bytes();
        }
        compress256(&mut self.state, &[last]);
        last[..].zeroize();
        let mut hash = [0; 32];
        for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        hash
    }
}

impl Drop for BlockHash {
    fn drop(&mut self) {
        self.state[..].zeroize();
    }
}

/// FIPS 180-4, 5.3.3.
const SHA256_INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

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
    fn digests_match_published_values() {
        assert_eq!(sha1(&[b"a", b"bc"])[..4], [0xa9, 0x99, 0x3e, 0x36]);
        assert_eq!(sha256(&[b"ab", b"", b"c"])[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(sha512(&[b"abc"])[..4], [0xdd, 0xaf, 0x35, 0xa1]);
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
