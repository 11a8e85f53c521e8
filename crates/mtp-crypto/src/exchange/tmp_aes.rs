//! The temporary key that encrypts the Diffie-Hellman values.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use mtp_env::Entropy;
use sha1::{Digest, Sha1};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::nonce::{NewNonce, ServerNonce};
use crate::hash::sha1;
use crate::ige::{self, NotWholeBlocks};

/// The key that encrypts the server's `server_DH_inner_data` and the client's
/// `client_DH_inner_data`.
///
/// ```text
///   SHA1(data) 20 | data | 0..15 random bytes          AES-256-IGE, a multiple of 16
/// ```
///
/// Every message starts with the same initialization vector.
pub struct TmpAes {
    key: Box<[u8; 32]>,
    iv: Box<[u8; 32]>,
}

impl TmpAes {
    /// Derives the key from the nonces.
    // spec: crypto 8.7
    #[must_use]
    pub fn derive(new_nonce: &NewNonce, server_nonce: &ServerNonce) -> Self {
        let (new, server) = (new_nonce.as_bytes(), server_nonce.as_bytes());
        let new_server = Zeroizing::new(sha1(&[new, server]));
        let server_new = Zeroizing::new(sha1(&[server, new]));
        let new_new = Zeroizing::new(sha1(&[new, new]));
        let (server_new_12, server_new_rest) = server_new.split_at(12);
        Self {
            key: Box::new(*joined(&[&*new_server, server_new_12])),
            iv: Box::new(*joined(&[server_new_rest, &*new_new, new.get(..4).unwrap_or_default()])),
        }
    }

    /// Encrypts a serialized object, prefixed with its hash and padded with random bytes.
    // spec: crypto 8.7
    #[must_use]
    pub fn seal(&self, data: &[u8], entropy: &mut dyn Entropy) -> Vec<u8> {
        let filled = HASH_LEN.saturating_add(data.len());
        let padded = filled.next_multiple_of(BLOCK_LEN);
        let mut sealed = Vec::with_capacity(padded);
        sealed.extend_from_slice(&sha1(&[data]));
        sealed.extend_from_slice(data);
        sealed.resize(padded, 0);
        if let Some(padding) = sealed.get_mut(filled..) {
            entropy.fill(padding);
        }
        self.run(ige::encrypt, &mut sealed);
        sealed
    }

    /// Decrypts and checks a message of [`seal`](Self::seal) and returns the serialized object.
    ///
    /// The length of the object is found by hashing all sixteen lengths that the padding allows,
    /// every time. Nothing decrypted is interpreted before the hash has matched, and excess padding
    /// is rejected.
    ///
    /// # Errors
    /// [`OpenAnswerError`] for every defect alike.
    // spec: crypto 8.8.1, 17#5, 17#15
    // spec: crypto 8.8.2
    pub fn open(&self, sealed: &[u8]) -> Result<OpenedAnswer, OpenAnswerError> {
        if !sealed.len().is_multiple_of(BLOCK_LEN) {
            return Err(OpenAnswerError);
        }
        let mut plain = Zeroizing::new(sealed.to_vec());
        self.run(ige::decrypt, &mut plain);
        let (hash, padded) = plain.split_first_chunk::<HASH_LEN>().ok_or(OpenAnswerError)?;
        let len = hashed_len(hash, padded).ok_or(OpenAnswerError)?;
        Ok(OpenedAnswer { plain, len })
    }

    fn run(&self, cipher: Cipher, data: &mut [u8]) {
        let mut iv = Zeroizing::new(*self.iv);
        let done = cipher(&self.key, &mut iv, data);
        debug_assert!(done.is_ok(), "callers pass whole blocks");
    }
}

impl Drop for TmpAes {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

impl ZeroizeOnDrop for TmpAes {}

impl fmt::Debug for TmpAes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TmpAes(..)")
    }
}

/// A decrypted object whose hash has matched; wiped on drop.
pub struct OpenedAnswer {
    plain: Zeroizing<Vec<u8>>,
    len: usize,
}

impl OpenedAnswer {
    /// Returns the serialized object, without hash and padding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.plain.get(HASH_LEN..).and_then(|data| data.get(..self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for OpenedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedAnswer({} bytes)", self.len)
    }
}

/// A message under the temporary key that is damaged, has excess padding or belongs to another
/// exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "every defect looks the same, so it has no details")]
pub struct OpenAnswerError;

impl fmt::Display for OpenAnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer does not match its hash")
    }
}

impl core::error::Error for OpenAnswerError {}

type Cipher = fn(&[u8; 32], &mut [u8; 32], &mut [u8]) -> Result<(), NotWholeBlocks>;

const BLOCK_LEN: usize = 16;
const HASH_LEN: usize = 20;
const PADDING_MAX: usize = 15;

/// Returns the length of the prefix of `padded` with the given hash.
fn hashed_len(hash: &[u8; HASH_LEN], padded: &[u8]) -> Option<usize> {
    let len_min = padded.len().saturating_sub(PADDING_MAX);
    let (certain, possible) = padded.split_at_checked(len_min)?;
    let mut hasher = Sha1::new_with_prefix(certain);
    let mut found = hasher.clone().finalize().ct_eq(hash);
    let mut extra = 0u8;
    for (byte, tried) in possible.iter().zip(1u8..) {
        hasher.update([*byte]);
        let matches = hasher.clone().finalize().ct_eq(hash);
        extra.conditional_assign(&tried, matches);
        found |= matches;
    }
    bool::from(found).then_some(len_min.saturating_add(usize::from(extra)))
}

fn joined(parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    for (to, from) in bytes.iter_mut().zip(parts.iter().copied().flatten()) {
        *to = *from;
    }
    bytes
}
