//! Loads and stores of 16-byte blocks.

use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_setzero_si128, _mm_storeu_si128};

use crate::message::Block;

#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn load(block: &Block) -> __m128i {
    #[expect(unsafe_code, reason = "the load takes a pointer")]
    // SAFETY: the reference points to 16 readable bytes, and the load requires no alignment.
    unsafe {
        _mm_loadu_si128(block.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn store(block: &mut Block, value: __m128i) {
    #[expect(unsafe_code, reason = "the store takes a pointer")]
    // SAFETY: the unique reference points to 16 writable bytes, and the store requires no alignment.
    unsafe {
        _mm_storeu_si128(block.as_mut_ptr().cast(), value);
    }
}

/// Loads the two halves of a key or initialization vector.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn load_halves(bytes: &[u8; 32]) -> [__m128i; 2] {
    let mut halves = bytes.as_chunks().0.iter();
    core::array::from_fn(|_| load(halves.next().unwrap_or(&[0; 16])))
}

#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn store_halves(values: [__m128i; 2]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (half, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
        store(half, value);
    }
    bytes
}

/// Loads the block at an index, or zeros if the index is out of bounds.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn peek(blocks: &[Block], at: usize) -> __m128i {
    match blocks.get(at) {
        Some(block) => load(block),
        None => _mm_setzero_si128(),
    }
}

/// Stores the block at an index, or nothing if the index is out of bounds.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn poke(blocks: &mut [Block], at: usize, value: __m128i) {
    if let Some(block) = blocks.get_mut(at) {
        store(block, value);
    }
}
