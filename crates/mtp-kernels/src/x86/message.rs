//! MTProto 2.0 encryption of one message: message key, key derivation and cipher.

use core::arch::x86_64::{
    __m128i, _mm_alignr_epi8, _mm_blend_epi16, _mm_cvtsi32_si128, _mm_or_si128, _mm_set_epi64x,
    _mm_slli_si128, _mm_srli_si128,
};

use super::aes::{DECRYPT, ENCRYPT, RoundKeys};
use super::block::{load, load_halves, peek, store_halves};
use super::ige::Chain;
use super::sha256::{State, Words, compress_pair, padded, with_length};
use crate::message::{Block, Digest, Secret};

/// Hashes a message, derives its keys and encrypts it.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn seal(secret: &Secret<'_>, blocks: &mut [Block]) -> Digest {
    let digest = Covered::new(secret, blocks.len()).hash(blocks);
    let Derived { key, iv } = derive(secret, msg_key(digest));
    let mut keys = RoundKeys::zeroed();
    keys.expand::<ENCRYPT>(key);
    let len = blocks.len();
    Chain::new::<ENCRYPT>(&keys, iv, blocks).run::<ENCRYPT>(&keys, blocks, 0, len);
    store_halves(digest)
}

/// Derives the keys of a message and hashes it while decrypting.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn open(secret: &Secret<'_>, msg_key: &Block, blocks: &mut [Block]) -> Digest {
    let Derived { key, iv } = derive(secret, load(msg_key));
    let mut keys = RoundKeys::zeroed();
    keys.expand::<DECRYPT>(key);
    let mut chain = Chain::new::<DECRYPT>(&keys, iv, blocks);
    let covered = Covered::new(secret, blocks.len());
    let mut hash = State::new();
    let mut hashed = 0;
    // First the blocks that complete the hash's first block; then the hash stays one block behind.
    let lead = LEAD.min(blocks.len());
    chain.run::<DECRYPT>(&keys, blocks, 0, lead);
    let strides = blocks.len().saturating_sub(lead) / STRIDE;
    for _ in 0..strides {
        let block = covered.block(blocks, hashed);
        let at = lead.wrapping_add(hashed.wrapping_mul(STRIDE));
        hash = chain.stride_hashing::<DECRYPT>(&keys, blocks, at, hash, block);
        hashed = hashed.wrapping_add(1);
    }
    let at = lead.wrapping_add(strides.wrapping_mul(STRIDE));
    chain.run::<DECRYPT>(&keys, blocks, at, blocks.len());
    for number in hashed..covered.count() {
        hash = hash.compress(covered.block(blocks, number));
    }
    store_halves(hash.digest())
}

/// The AES key and initialization vector of one message.
#[derive(Clone, Copy)]
pub(crate) struct Derived {
    pub(crate) key: [__m128i; 2],
    pub(crate) iv: [__m128i; 2],
}

/// Returns the message key: the middle 16 bytes of the hash over prefix and plaintext.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn msg_key([low, high]: [__m128i; 2]) -> __m128i {
    _mm_alignr_epi8::<8>(high, low)
}

/// Derives key and vector, computing the two hashes in parallel.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn derive(secret: &Secret<'_>, msg_key: __m128i) -> Derived {
    let [block, other] = derivation(secret, msg_key);
    let (a, b) = compress_pair((State::new(), block), (State::new(), other));
    let ([a0, a1], [b0, b1]) = (a.digest(), b.digest());
    Derived {
        key: [_mm_blend_epi16::<0xf0>(a0, b0), _mm_blend_epi16::<0xf0>(b1, a1)],
        iv: [_mm_blend_epi16::<0xf0>(b0, a0), _mm_blend_epi16::<0xf0>(a1, b1)],
    }
}

/// Returns the blocks of the two hashes of a derivation, `msg_key | first` and `second | msg_key`.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn derivation(secret: &Secret<'_>, msg_key: __m128i) -> [Words; 2] {
    // Both inputs end four bytes into their last 16-byte piece.
    let mark = with_length(_mm_set_epi64x(0, 0x80 << 32), DERIVED_LEN);
    let [a0, a1, a2] = load_piece(secret.first);
    let [b0, b1, b2] = load_piece(secret.second);
    [
        [msg_key, a0, a1, _mm_or_si128(a2, mark)],
        [
            b0,
            b1,
            _mm_or_si128(b2, _mm_slli_si128::<4>(msg_key)),
            _mm_or_si128(_mm_srli_si128::<12>(msg_key), mark),
        ],
    ]
}

/// Length of the input of each hash in a derivation, in bytes.
const DERIVED_LEN: usize = size_of::<Block>() + PIECE;

/// Length of the part of the auth key in each input, in bytes.
const PIECE: usize = 36;

/// Loads a part of the auth key, followed by zeros.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn load_piece(piece: &[u8; PIECE]) -> [__m128i; 3] {
    let [blocks @ .., a, b, c, d] = piece;
    let [low, high] = load_halves(blocks);
    [low, high, _mm_cvtsi32_si128(i32::from_le_bytes([*a, *b, *c, *d]))]
}

/// The input of the message key's hash: prefix and plaintext, as blocks of the hash.
#[derive(Clone, Copy)]
pub(crate) struct Covered {
    prefix: [__m128i; 2],
    /// The length in pieces of 16 bytes.
    pieces: usize,
}

impl Covered {
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn new(secret: &Secret<'_>, plain_blocks: usize) -> Self {
        Self {
            prefix: load_halves(secret.prefix),
            pieces: plain_blocks.wrapping_add(PREFIX_PIECES),
        }
    }

    /// Returns the number of blocks of the hash. The last one always has room for the padding.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn count(&self) -> usize {
        (self.pieces / STRIDE).wrapping_add(1)
    }

    /// Returns a block of the hash, padded if it is the last one.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn block(&self, plain: &[Block], number: usize) -> Words {
        let at = number.wrapping_mul(STRIDE);
        let behind = at.wrapping_sub(PREFIX_PIECES);
        let [low, high] = if number == 0 {
            self.prefix
        } else {
            [peek(plain, behind), peek(plain, behind.wrapping_add(1))]
        };
        let words =
            [low, high, peek(plain, behind.wrapping_add(2)), peek(plain, behind.wrapping_add(3))];
        let left = self.pieces.wrapping_sub(at);
        if left < STRIDE {
            padded(words, left, self.pieces.wrapping_mul(size_of::<Block>()))
        } else {
            words
        }
    }

    /// Hashes the whole input.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn hash(&self, plain: &[Block]) -> [__m128i; 2] {
        let mut hash = State::new();
        for number in 0..self.count() {
            hash = hash.compress(self.block(plain, number));
        }
        hash.digest()
    }
}

/// Pieces of the input before the plaintext.
const PREFIX_PIECES: usize = 2;
/// Cipher blocks that complete the hash's first block after the prefix.
const LEAD: usize = STRIDE - PREFIX_PIECES;
/// Cipher blocks in one block of the hash.
const STRIDE: usize = 4;
