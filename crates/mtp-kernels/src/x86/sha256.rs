//! SHA-256, one stream or several in parallel.
//!
//! A compression is one chain of 32 instructions of 4 cycles each, which use half of their execution
//! unit's throughput. On some processors, the expansion of the message uses the other half.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_set_epi32, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi8, _mm_shuffle_epi32,
};

/// A block in memory order, in four registers.
pub(crate) type Words = [__m128i; 4];

/// The state between two blocks, in the order that the instructions use.
#[derive(Clone, Copy)]
pub(crate) struct State {
    abef: __m128i,
    cdgh: __m128i,
}

impl State {
    /// Returns the initial state (FIPS 180-4, 5.3.3).
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn new() -> Self {
        Self {
            abef: _mm_set_epi64x(0x6a09_e667_bb67_ae85, 0x510e_527f_9b05_688c),
            cdgh: _mm_set_epi64x(0x3c6e_f372_a54f_f53a, 0x1f83_d9ab_5be0_cd19),
        }
    }

    /// Compresses one block.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn compress(self, block: Words) -> Self {
        clear_upper_halves();
        let mut compression = Compression::begin(self, block);
        macro_rules! groups {
            ($($group:literal)*) => {
                $(compression.group::<$group>();)*
            };
        }
        groups!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        compression.end(self)
    }

    /// Returns the hash as bytes.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn digest(self) -> [__m128i; 2] {
        let feba = _mm_shuffle_epi32::<0x1b>(self.abef);
        let dchg = _mm_shuffle_epi32::<0xb1>(self.cdgh);
        let dcba = _mm_blend_epi16::<0xf0>(feba, dchg);
        let hgfe = _mm_alignr_epi8::<8>(dchg, feba);
        [big_endian(dcba), big_endian(hgfe)]
    }
}

/// A compression in progress: sixteen groups of four rounds, to be interleaved with other work.
#[derive(Clone, Copy)]
pub(crate) struct Compression {
    abef: __m128i,
    cdgh: __m128i,
    words: Words,
}

impl Compression {
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn begin(state: State, block: Words) -> Self {
        let [a, b, c, d] = block;
        let words = [big_endian(a), big_endian(b), big_endian(c), big_endian(d)];
        Self { abef: state.abef, cdgh: state.cdgh, words }
    }

    /// Performs four rounds and expands the message by four words.
    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn group<const GROUP: usize>(&mut self) {
        let [w0, w1, w2, w3] = self.words;
        let sum = _mm_add_epi32(w0, constants::<GROUP>());
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, sum);
        let sum = _mm_shuffle_epi32::<0x0e>(sum);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, sum);
        let next = if GROUP < 12 {
            let early = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8::<4>(w3, w2));
            _mm_sha256msg2_epu32(early, w3)
        } else {
            w0
        };
        self.words = [w1, w2, w3, next];
    }

    #[inline]
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    pub(crate) fn end(self, state: State) -> State {
        State {
            abef: _mm_add_epi32(state.abef, self.abef),
            cdgh: _mm_add_epi32(state.cdgh, self.cdgh),
        }
    }
}

/// Compresses a block in each of two streams.
///
/// The streams are separate variables: builds for newer processors copy arrays with wider registers, and pay for it as
/// [`clear_upper_halves`] describes.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn compress_pair(
    (state, block): (State, Words),
    (other_state, other_block): (State, Words),
) -> (State, State) {
    clear_upper_halves();
    let mut one = Compression::begin(state, block);
    let mut other = Compression::begin(other_state, other_block);
    macro_rules! groups {
        ($($group:literal)*) => {
            $(
                one.group::<$group>();
                other.group::<$group>();
            )*
        };
    }
    groups!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    (one.end(state), other.end(other_state))
}

/// Appends the padding and the length of the message after its last pieces.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn padded(mut block: Words, pieces: usize, len: usize) -> Words {
    let mut padding = [_mm_set_epi64x(0, 0x80), _mm_setzero_si128()].into_iter();
    for slot in block.iter_mut().skip(pieces) {
        *slot = padding.next().unwrap_or(_mm_setzero_si128());
    }
    let [.., last] = &mut block;
    *last = with_length(*last, len);
    block
}

/// Writes the length of the message in bits into the last eight bytes.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn with_length(last: __m128i, len: usize) -> __m128i {
    let bits = (len as u64).wrapping_mul(8).swap_bytes();
    _mm_blend_epi16::<0xf0>(last, _mm_set_epi64x(bits.cast_signed(), 0))
}

/// Clears the upper halves of the vector registers, in builds that use them.
///
/// The instructions for SHA exist in the legacy encoding only. After an instruction that wrote an upper half, for
/// example to copy an array, each of them takes a hundred times as long on some processors.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn clear_upper_halves() {
    #[cfg(target_feature = "avx")]
    #[expect(unsafe_code, reason = "calls a `target_feature` function")]
    // SAFETY: this is compiled only if the build requires processors with AVX.
    unsafe {
        core::arch::x86_64::_mm256_zeroupper();
    }
}

/// Swaps the bytes of each word.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn big_endian(words: __m128i) -> __m128i {
    let order = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    _mm_shuffle_epi8(words, order)
}

/// Returns the round constants of a group.
#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
#[expect(clippy::indexing_slicing, reason = "an index out of bounds does not compile")]
fn constants<const GROUP: usize>() -> __m128i {
    let [a, b, c, d] = const { CONSTANTS[GROUP] };
    _mm_set_epi32(d.cast_signed(), c.cast_signed(), b.cast_signed(), a.cast_signed())
}

/// The round constants (FIPS 180-4, 4.2.2).
const CONSTANTS: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];
