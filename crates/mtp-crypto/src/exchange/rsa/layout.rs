//! The padding of the current and of the legacy scheme, as blocks of 256 bytes.

use alloc::boxed::Box;
use core::fmt;

use mtp_env::Entropy;
use sha1::{Digest, Sha1};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::hash::{sha1, sha256};
use crate::ige;
use crate::parts::part;

/// Builds the block of the current scheme from padded data and a temporary key.
///
/// ```text
///   temp_key ^ SHA256(rest) 32 | rest = IGE(reversed(padded) 192 | SHA256(temp_key | padded) 32)
/// ```
// spec: crypto 8.4
pub(super) fn pad(padded: &[u8; PADDED_LEN], temp_key: &[u8; 32]) -> Zeroizing<Block> {
    let mut block = Zeroizing::new([0; BLOCK_LEN]);
    let (key, rest) = halves(&mut block);
    let (data, hash) = rest.split_at_mut(PADDED_LEN);
    for (to, from) in data.iter_mut().zip(padded.iter().rev()) {
        *to = *from;
    }
    hash.copy_from_slice(&sha256(&[temp_key, padded]));
    whole_blocks(ige::encrypt(temp_key, &mut [0; 32], rest));
    xor_key(key, temp_key, &sha256(&[rest]));
    block
}

/// Splits the block of the current scheme. The choice is set if the hash is right.
// spec: crypto 8.4
// spec: crypto 18.4
pub(super) fn unpad(block: &Block) -> (Choice, Zeroizing<[u8; PADDED_LEN]>) {
    let mut block = Zeroizing::new(*block);
    let (masked, rest) = halves(&mut block);
    let mut temp_key = Zeroizing::new([0; 32]);
    xor_key(&mut *temp_key, masked, &sha256(&[rest]));
    whole_blocks(ige::decrypt(&temp_key, &mut [0; 32], rest));
    let (data, hash) = rest.split_at(PADDED_LEN);
    let mut padded = Zeroizing::new([0; PADDED_LEN]);
    for (to, from) in padded.iter_mut().zip(data.iter().rev()) {
        *to = *from;
    }
    (sha256(&[&*temp_key, &*padded]).ct_eq(hash), padded)
}

/// Builds the block of the legacy scheme: a zero byte, SHA1(data), data, random bytes.
// spec: crypto 8.5
pub(super) fn pad_legacy(data: &[u8], entropy: &mut dyn Entropy) -> Zeroizing<Block> {
    let mut block = Zeroizing::new([0; BLOCK_LEN]);
    let hash = sha1(&[data]);
    let mut filled = LEGACY_HASH_START;
    for (to, from) in block.iter_mut().skip(LEGACY_HASH_START).zip(hash.iter().chain(data)) {
        *to = *from;
        filled += 1;
    }
    if let Some(random) = block.get_mut(filled..) {
        entropy.fill(random);
    }
    block
}

/// Splits the block of the legacy scheme. The choice is set if the hash is right for some length.
///
/// Only a parser could find the length of the object, and nothing may be parsed before the hash has
/// matched. Therefore all lengths that such an object can have are hashed, every time.
// spec: crypto 8.5
pub(super) fn unpad_legacy(block: &Block) -> (Choice, usize) {
    let hash: &[u8; 20] = part(block, LEGACY_HASH_START);
    let mut valid = Choice::from(0);
    let mut len = 0u64;
    let mut hasher =
        Sha1::new_with_prefix(part::<{ LEGACY_LEN_MIN - 4 }>(block, LEGACY_DATA_START));
    for tried in (LEGACY_LEN_MIN..=LEGACY_LEN_MAX).step_by(4) {
        hasher.update(part::<4>(block, LEGACY_DATA_START + tried - 4));
        let matches = hasher.clone().finalize().ct_eq(hash);
        len.conditional_assign(&(tried as u64), matches);
        valid |= matches;
    }
    let [first, ..] = block;
    #[expect(clippy::cast_possible_truncation, reason = "a length of at most LEGACY_LEN_MAX")]
    (valid & first.ct_eq(&0), len as usize)
}

/// The schemes that a server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two schemes, and the current is always on")]
pub enum RsaSchemes {
    /// The current scheme only.
    #[default]
    Current,
    /// The current scheme and the legacy one, which some clients still use.
    CurrentAndLegacy,
}

/// The scheme of an encrypted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two schemes")]
pub enum RsaScheme {
    /// `RSA_PAD`, in use since 2021.
    Current,
    /// The earlier scheme, with a SHA-1 prefix.
    Legacy,
}

/// Decrypted inner data whose hash has matched; wiped on drop.
pub struct InnerData {
    bytes: Box<Zeroizing<[u8; PADDED_LEN]>>,
    len: usize,
    scheme: RsaScheme,
}

impl InnerData {
    pub(super) fn current(padded: &[u8; PADDED_LEN]) -> Self {
        let bytes = Box::new(Zeroizing::new(*padded));
        Self { bytes, len: PADDED_LEN, scheme: RsaScheme::Current }
    }

    pub(super) fn legacy(block: &Block, len: usize) -> Self {
        let bytes = Box::new(Zeroizing::new(*part(block, LEGACY_DATA_START)));
        Self { bytes, len, scheme: RsaScheme::Legacy }
    }

    /// Returns the bytes of the object. Under the current scheme they are always 192, with random
    /// bytes after the object.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Returns the scheme that the client used for encryption.
    #[must_use]
    pub const fn scheme(&self) -> RsaScheme {
        self.scheme
    }
}

impl fmt::Debug for InnerData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InnerData({:?}, {} bytes)", self.scheme, self.len)
    }
}

/// A block to be raised to the exponent of a key.
pub(super) type Block = [u8; BLOCK_LEN];

pub(super) const BLOCK_LEN: usize = 256;
/// The length of padded data under the current scheme.
pub(super) const PADDED_LEN: usize = 192;

const LEGACY_HASH_START: usize = 1;
const LEGACY_DATA_START: usize = LEGACY_HASH_START + 20;
/// The lengths of the shortest and the longest constructor of the inner data.
const LEGACY_LEN_MIN: usize = 80;
const LEGACY_LEN_MAX: usize = 148;

const _: () = assert!(LEGACY_DATA_START + PADDED_LEN <= BLOCK_LEN);

fn halves(block: &mut Block) -> (&mut [u8], &mut [u8]) {
    block.split_at_mut(32)
}

fn xor_key(out: &mut [u8], one: &[u8], other: &[u8]) {
    for (to, (a, b)) in out.iter_mut().zip(one.iter().zip(other)) {
        *to = a ^ b;
    }
}

fn whole_blocks(done: Result<(), ige::NotWholeBlocks>) {
    debug_assert!(done.is_ok(), "224 bytes are 14 blocks");
}
