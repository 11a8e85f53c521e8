//! MTProto 2.0's envelope around one message: message key, derived keys, cipher.

use core::arch::x86_64::{
    __m128i, _mm_alignr_epi8, _mm_blend_epi16, _mm_cvtsi32_si128, _mm_or_si128, _mm_set_epi64x,
    _mm_slli_si128, _mm_srli_si128,
};

use super::aes::{DECRYPT, ENCRYPT, RoundKeys};
use super::block::{load, load_halves, peek, store_halves};
use super::ige::Chain;
use super::sha256::{State, Words, compress_each, padded, with_length};
use crate::{Block, Digest, Secret};

/// Hashes, derives, encrypts.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn seal(secret: &Secret<'_>, blocks: &mut [Block]) -> Digest {
    let digest = Covered::new(secret, blocks.len()).hash(blocks);
    let Derived { key, iv } = derive(secret, msg_key(digest));
    let keys = RoundKeys::new::<ENCRYPT>(key);
    let len = blocks.len();
    Chain::new::<ENCRYPT>(&keys, iv, blocks).run::<ENCRYPT>(&keys, blocks, 0, len);
    store_halves(digest)
}

/// Derives, and hashes as it decrypts.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn open(secret: &Secret<'_>, msg_key: &Block, blocks: &mut [Block]) -> Digest {
    let Derived { key, iv } = derive(secret, load(msg_key));
    let keys = RoundKeys::new::<DECRYPT>(key);
    let mut chain = Chain::new::<DECRYPT>(&keys, iv, blocks);
    let covered = Covered::new(secret, blocks.len());
    let mut hash = State::new();
    let mut hashed = 0;
    // What fills the hash's first block beside the prefix; then always one block behind.
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

/// Key and vector of one message.
#[derive(Clone, Copy)]
pub(crate) struct Derived {
    pub(crate) key: [__m128i; 2],
    pub(crate) iv: [__m128i; 2],
}

/// Returns the message key in the middle of the hash over prefix and plaintext.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn msg_key([low, high]: [__m128i; 2]) -> __m128i {
    _mm_alignr_epi8::<8>(high, low)
}

/// Derives key and vector; the two hashes run side by side.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn derive(secret: &Secret<'_>, msg_key: __m128i) -> Derived {
    let [a, b] = compress_each([State::new(); 2], derivation(secret, msg_key));
    let ([a0, a1], [b0, b1]) = (a.digest(), b.digest());
    Derived {
        key: [_mm_blend_epi16::<0xf0>(a0, b0), _mm_blend_epi16::<0xf0>(b1, a1)],
        iv: [_mm_blend_epi16::<0xf0>(b0, a0), _mm_blend_epi16::<0xf0>(a1, b1)],
    }
}

/// The blocks of a derivation's two hashes, over `msg_key | first` and `second | msg_key`.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn derivation(secret: &Secret<'_>, msg_key: __m128i) -> [Words; 2] {
    // Both end four bytes into the last sixteen.
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

/// Bytes that each hash of a derivation covers.
const DERIVED_LEN: usize = size_of::<Block>() + PIECE;

/// Bytes of a piece of the auth key in each of them.
const PIECE: usize = 36;

/// Loads a piece of the auth key, zeros behind it.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn load_piece(piece: &[u8; PIECE]) -> [__m128i; 3] {
    let [blocks @ .., a, b, c, d] = piece;
    let [low, high] = load_halves(blocks);
    [low, high, _mm_cvtsi32_si128(i32::from_le_bytes([*a, *b, *c, *d]))]
}

/// What the message key covers: a prefix, then the plaintext, as the blocks of its hash.
#[derive(Clone, Copy)]
pub(crate) struct Covered {
    prefix: [__m128i; 2],
    /// Pieces of 16 bytes.
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

    /// Returns the number of the hash's blocks; the last one always has room for the end mark.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn count(&self) -> usize {
        (self.pieces / STRIDE).wrapping_add(1)
    }

    /// Returns a block of the hash, the last one with its padding.
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

    /// Hashes all of it.
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

/// Pieces of the hashed bytes in front of the plaintext.
const PREFIX_PIECES: usize = 2;
/// Blocks of the cipher that fill the hash's first block together with the prefix.
const LEAD: usize = STRIDE - PREFIX_PIECES;
/// Blocks of the cipher in one block of the hash.
const STRIDE: usize = 4;
