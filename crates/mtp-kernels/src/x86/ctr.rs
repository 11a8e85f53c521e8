//! AES-256 in counter mode.
//!
//! All blocks are independent: eight chains fill the cipher's units with AES-NI, eight registers of four blocks with
//! VAES on AVX-512. The counter is the whole block, big-endian. While its lower half does not overflow, vectors count
//! in the processor's order and reverse the bytes; a group in which it overflows is counted block by block.

use core::arch::x86_64::{
    __m128i, __m512i, _mm_set_epi64x, _mm_xor_si128, _mm512_add_epi64, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_set_epi64,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_storeu_si512, _mm512_xor_si512,
};

use super::aes::{ENCRYPT, ROUNDS, RoundKeys, last_round, round};
use super::block::{load, store};
use crate::message::Block;

/// Xors the keystream from `counter` on into whole blocks.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn ctr(keys: &RoundKeys, mut counter: u128, blocks: &mut [Block]) {
    let (groups, rest) = blocks.as_chunks_mut();
    for group in groups {
        xor_lanes(keys, counter, group);
        counter = counter.wrapping_add(LANES as u128);
    }
    if !rest.is_empty() {
        let mut group = [[0; 16]; LANES];
        for (to, from) in group.iter_mut().zip(&*rest) {
            *to = *from;
        }
        xor_lanes(keys, counter, &mut group);
        for (to, from) in rest.iter_mut().zip(&group) {
            *to = *from;
        }
    }
}

/// Xors the keystream into eight blocks.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn xor_lanes(keys: &RoundKeys, counter: u128, group: &mut [Block; LANES]) {
    let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5, mut s6, mut s7] =
        core::array::from_fn(|lane| {
            let counter = counter.wrapping_add(lane as u128);
            _mm_xor_si128(block_of(counter), keys.first())
        });
    // Eight variables: an array would be kept in memory between the rounds.
    macro_rules! each {
        ($state:ident => $change:expr) => {
            each!($state => $change; s0 s1 s2 s3 s4 s5 s6 s7)
        };
        ($state:ident => $change:expr; $($lane:ident)*) => {
            $({
                let $state = $lane;
                $lane = $change;
            })*
        };
    }
    for key in keys.middle() {
        each!(state => round::<ENCRYPT>(state, *key));
    }
    for (block, state) in group.iter_mut().zip([s0, s1, s2, s3, s4, s5, s6, s7]) {
        // The key of the last round is xored last, so it carries the data.
        let key = _mm_xor_si128(keys.last(), load(block));
        store(block, last_round::<ENCRYPT>(state, key));
    }
}

/// As [`ctr`], with VAES.
#[target_feature(enable = "aes,sha,ssse3,sse4.1,avx512f,avx512bw,vaes")]
pub(crate) fn ctr_wide(keys: &RoundKeys, counter: u128, blocks: &mut [Block]) {
    if blocks.len() < HALF_BLOCKS {
        return ctr(keys, counter, blocks);
    }
    let mut wide = [_mm512_setzero_si512(); ROUNDS + 1];
    for (wide, key) in wide.iter_mut().zip(keys.keys) {
        *wide = _mm512_broadcast_i32x4(key);
    }
    let (groups, rest) = blocks.as_chunks_mut();
    let counter = ctr_groups::<LANES, WIDE_BLOCKS>(keys, &wide, counter, groups);
    let (groups, rest) = rest.as_chunks_mut();
    let counter = ctr_groups::<HALF_LANES, HALF_BLOCKS>(keys, &wide, counter, groups);
    ctr(keys, counter, rest);
}

/// Xors the keystream into groups of four blocks for each of `COUNT` registers, and returns the next counter.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1,avx512f,avx512bw,vaes")]
fn ctr_groups<const COUNT: usize, const BLOCKS: usize>(
    keys: &RoundKeys,
    wide: &[__m512i; ROUNDS + 1],
    mut counter: u128,
    groups: &mut [[Block; BLOCKS]],
) -> u128 {
    for group in groups {
        let next = counter.wrapping_add(BLOCKS as u128);
        // The upper halves differ if the lower one overflows within the group.
        if next >> 64 == counter >> 64 {
            xor_wide::<COUNT>(wide, counter, group.as_chunks_mut().0);
        } else {
            ctr(keys, counter, group);
        }
        counter = next;
    }
    counter
}

#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1,avx512f,avx512bw,vaes")]
fn xor_wide<const COUNT: usize>(
    keys: &[__m512i; ROUNDS + 1],
    counter: u128,
    group: &mut [[Block; 4]],
) {
    let [low, high] = halves(counter);
    let base = _mm512_set_epi64(high, low, high, low, high, low, high, low);
    let mut next = _mm512_add_epi64(base, _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0));
    let order = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let reverse = _mm512_broadcast_i32x4(order);
    let [first, middle @ .., last] = keys;
    let mut states = [_mm512_setzero_si512(); COUNT];
    for state in &mut states {
        *state = _mm512_xor_si512(_mm512_shuffle_epi8(next, reverse), *first);
        next = _mm512_add_epi64(next, _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4));
    }
    for key in middle {
        for state in &mut states {
            *state = _mm512_aesenc_epi128(*state, *key);
        }
    }
    for (four, state) in group.iter_mut().zip(states) {
        // The key of the last round is xored last, so it carries the data.
        let key = _mm512_xor_si512(*last, load_four(four));
        store_four(four, _mm512_aesenclast_epi128(state, key));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_four(blocks: &[Block; 4]) -> __m512i {
    #[expect(unsafe_code, reason = "the load takes a pointer")]
    // SAFETY: the reference points to 64 readable bytes, and the load requires no alignment.
    unsafe {
        _mm512_loadu_si512(blocks.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_four(blocks: &mut [Block; 4], value: __m512i) {
    #[expect(unsafe_code, reason = "the store takes a pointer")]
    // SAFETY: the unique reference points to 64 writable bytes, and the store requires no alignment.
    unsafe {
        _mm512_storeu_si512(blocks.as_mut_ptr().cast(), value);
    }
}

/// Returns the block of a counter.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn block_of(counter: u128) -> __m128i {
    let [low, high] = halves(counter.swap_bytes());
    _mm_set_epi64x(high, low)
}

/// Returns the lower and the upper half.
#[expect(clippy::cast_possible_truncation, reason = "the halves")]
const fn halves(number: u128) -> [i64; 2] {
    [(number as u64).cast_signed(), ((number >> 64) as u64).cast_signed()]
}

/// Chains that run in parallel.
const LANES: usize = 8;
/// Blocks in as many wide registers.
const WIDE_BLOCKS: usize = 4 * LANES;
/// Wide registers for what is left.
const HALF_LANES: usize = LANES / 2;
const HALF_BLOCKS: usize = 4 * HALF_LANES;
