//! One IGE chain.
//!
//! ```text
//!   state of block i   x[i] = input[i] ^ output[i-1] ^ first key
//!   the next state     x[i+1] = last round(…, last key ^ input[i-1] ^ input[i+1] ^ first key)
//!   the output         output[i] = x[i+1] ^ input[i+1] ^ first key
//! ```
//!
//! The last round performs all xors of the mode and those with the first key, because its own key is
//! computed in advance. The critical path is fourteen rounds for each block and nothing else.

use core::arch::x86_64::{__m128i, _mm_xor_si128};

use super::aes::{ENCRYPT, RoundKeys, last_round, round};
use super::block::{load_halves, peek, poke, store_halves};
use super::sha256::{Compression, State, Words};
use crate::message::Block;

/// The state of a chain between two blocks.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    /// The input of the current block's first full round.
    pub(crate) state: __m128i,
    /// The input block before the current one.
    pub(crate) before: __m128i,
    /// The current input block, already part of `state`; zero after the last.
    pub(crate) current: __m128i,
}

impl Chain {
    /// Returns the state at the first block.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn new<const DIRECTION: bool>(
        keys: &RoundKeys,
        [low, high]: [__m128i; 2],
        blocks: &[Block],
    ) -> Self {
        // The vector is the previous ciphertext block followed by the previous plaintext block.
        let (output, before) = if DIRECTION == ENCRYPT { (low, high) } else { (high, low) };
        let current = peek(blocks, 0);
        let state = _mm_xor_si128(_mm_xor_si128(output, current), keys.first());
        Self { state, before, current }
    }

    /// Returns the initialization vector that continues the stream.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn end<const DIRECTION: bool>(self, keys: &RoundKeys) -> [__m128i; 2] {
        let output = _mm_xor_si128(_mm_xor_si128(self.state, self.current), keys.first());
        if DIRECTION == ENCRYPT { [output, self.before] } else { [self.before, output] }
    }

    /// Returns the key of the last round, with `next` the block after the current one.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn last_key(&self, last: __m128i, next: __m128i) -> __m128i {
        _mm_xor_si128(_mm_xor_si128(last, self.before), next)
    }

    /// Advances to the block `next`, whose xor with the first key is `next_in`, and returns the
    /// output of the current block.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn advance(&mut self, state: __m128i, next: __m128i, next_in: __m128i) -> __m128i {
        *self = Self { state, before: self.current, current: next };
        _mm_xor_si128(state, next_in)
    }

    /// Applies the block function to the current block and returns its output.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    fn step<const DIRECTION: bool>(&mut self, keys: &RoundKeys, next: __m128i) -> __m128i {
        let next_in = _mm_xor_si128(next, keys.first());
        let last_key = self.last_key(keys.last(), next_in);
        let mut state = self.state;
        for key in keys.middle() {
            state = round::<DIRECTION>(state, *key);
        }
        self.advance(last_round::<DIRECTION>(state, last_key), next, next_in)
    }

    /// Processes the blocks from `at` to `end`.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn run<const DIRECTION: bool>(
        &mut self,
        keys: &RoundKeys,
        blocks: &mut [Block],
        at: usize,
        end: usize,
    ) {
        for at in at..end {
            let output = self.step::<DIRECTION>(keys, peek(blocks, at.wrapping_add(1)));
            poke(blocks, at, output);
        }
    }

    /// Decrypts the four blocks at `at` while hashing a block that was decrypted before.
    ///
    /// The two are independent, and four times fourteen rounds of the cipher take longer than the 64
    /// rounds of the hash, two of which are one instruction.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn stride_hashing<const DIRECTION: bool>(
        &mut self,
        keys: &RoundKeys,
        blocks: &mut [Block],
        at: usize,
        hash: State,
        block: Words,
    ) -> State {
        let mut compression = Compression::begin(hash, block);
        let [_, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, _] = &keys.keys;
        macro_rules! quarter {
            ($index:literal: $a:literal $b:literal $c:literal $d:literal) => {
                let next = peek(blocks, at.wrapping_add($index + 1));
                let next_in = _mm_xor_si128(next, keys.first());
                let last_key = self.last_key(keys.last(), next_in);
                let mut state = self.state;
                for key in [k1, k2, k3, k4] {
                    state = round::<DIRECTION>(state, *key);
                }
                compression.group::<$a>();
                for key in [k5, k6, k7] {
                    state = round::<DIRECTION>(state, *key);
                }
                compression.group::<$b>();
                for key in [k8, k9, k10, k11] {
                    state = round::<DIRECTION>(state, *key);
                }
                compression.group::<$c>();
                for key in [k12, k13] {
                    state = round::<DIRECTION>(state, *key);
                }
                compression.group::<$d>();
                let state = last_round::<DIRECTION>(state, last_key);
                poke(blocks, at.wrapping_add($index), self.advance(state, next, next_in));
            };
        }
        quarter!(0: 0 1 2 3);
        quarter!(1: 4 5 6 7);
        quarter!(2: 8 9 10 11);
        quarter!(3: 12 13 14 15);
        compression.end(hash)
    }
}

/// Encrypts or decrypts one message in place and advances `iv`.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn crypt<const DIRECTION: bool>(
    key: &[u8; 32],
    iv: &mut [u8; 32],
    blocks: &mut [Block],
) {
    let mut keys = RoundKeys::zeroed();
    keys.expand::<DIRECTION>(load_halves(key));
    let mut chain = Chain::new::<DIRECTION>(&keys, load_halves(iv), blocks);
    chain.run::<DIRECTION>(&keys, blocks, 0, blocks.len());
    *iv = store_halves(chain.end::<DIRECTION>(&keys));
}
