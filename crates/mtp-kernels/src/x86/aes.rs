//! AES-256: key schedule and rounds.

use core::arch::x86_64::{
    __m128i, _mm_aesdec_si128, _mm_aesdeclast_si128, _mm_aesenc_si128, _mm_aesenclast_si128,
    _mm_aesimc_si128, _mm_set1_epi32, _mm_setzero_si128, _mm_shuffle_epi8, _mm_shuffle_epi32,
    _mm_slli_si128, _mm_xor_si128,
};

use zeroize::Zeroize;

/// Rounds of AES-256. There is one more round key.
pub(crate) const ROUNDS: usize = 14;

/// The directions, as const generic arguments.
pub(crate) const ENCRYPT: bool = true;
pub(crate) const DECRYPT: bool = false;

/// The round keys of one direction in the order of their use; wiped on drop.
pub(crate) struct RoundKeys {
    pub(crate) keys: [__m128i; ROUNDS + 1],
}

impl RoundKeys {
    /// Returns zeroed round keys, to be expanded in place without leaving copies.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn zeroed() -> Self {
        Self { keys: [_mm_setzero_si128(); ROUNDS + 1] }
    }

    /// Expands a key.
    ///
    /// `aesenclast` on a word in all four columns performs the substitution of the schedule and adds
    /// the round constant, in half the time of `aeskeygenassist`.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn expand<const DIRECTION: bool>(&mut self, [low, high]: [__m128i; 2]) {
        let (mut even, mut odd) = (low, high);
        let mut constant = 1;
        for pair in self.keys.chunks_mut(2) {
            for (slot, key) in pair.iter_mut().zip([even, odd]) {
                *slot = key;
            }
            even = _mm_xor_si128(spread(even), rotated_word(odd, constant));
            odd = _mm_xor_si128(spread(odd), word(even));
            constant <<= 1;
        }
        if DIRECTION == DECRYPT {
            self.keys.reverse();
            for key in self.keys.iter_mut().skip(1).take(ROUNDS - 1) {
                *key = _mm_aesimc_si128(*key);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn first(&self) -> __m128i {
        let [first, ..] = self.keys;
        first
    }

    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn last(&self) -> __m128i {
        let [.., last] = self.keys;
        last
    }

    /// Returns the keys between the first and the last.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn middle(&self) -> &[__m128i; ROUNDS - 1] {
        let [_, middle @ .., _] = &self.keys;
        middle
    }
}

impl Drop for RoundKeys {
    fn drop(&mut self) {
        self.keys.zeroize();
    }
}

/// One round other than the last.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn round<const DIRECTION: bool>(state: __m128i, key: __m128i) -> __m128i {
    if DIRECTION == ENCRYPT { _mm_aesenc_si128(state, key) } else { _mm_aesdec_si128(state, key) }
}

/// The last round.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn last_round<const DIRECTION: bool>(state: __m128i, key: __m128i) -> __m128i {
    if DIRECTION == ENCRYPT {
        _mm_aesenclast_si128(state, key)
    } else {
        _mm_aesdeclast_si128(state, key)
    }
}

/// Xors each word with all words before it.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn spread(key: __m128i) -> __m128i {
    let pairs = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
    _mm_xor_si128(pairs, _mm_slli_si128::<8>(pairs))
}

/// Returns the last word rotated, substituted and xored with the round constant, in all columns.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn rotated_word(key: __m128i, constant: i32) -> __m128i {
    let rotated = _mm_shuffle_epi8(key, _mm_set1_epi32(0x0c0f_0e0d));
    _mm_aesenclast_si128(rotated, _mm_set1_epi32(constant))
}

/// Returns the last word substituted, in all columns.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn word(key: __m128i) -> __m128i {
    _mm_aesenclast_si128(_mm_shuffle_epi32::<0xff>(key), _mm_setzero_si128())
}
