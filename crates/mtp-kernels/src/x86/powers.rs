//! Modular powers with the 52-bit multiply-add instructions of AVX-512 IFMA.
//!
//! ```text
//!   limbs of 64 bits ──▶ digits of 52 bits, eight in a register ──▶ products, squares ──▶ digits ──▶ limbs
//! ```
//!
//! A product is Montgomery's, one digit of the multiplier at a time: add its multiples of the other factor, add the
//! multiple of the modulus that clears the lowest digit, shift down by a digit. Sums stay in 64-bit lanes and carry once
//! at the end. The lowest digit is kept as a scalar beside the vectors, because the next multiple depends on it alone.
//! Several products advance in turns, which hides the latency of that chain.
//!
//! Results are below 2n for factors below 2n, as R' = 2^(52·digits) is above 4n. No branch and no address depends on
//! data; windows are selected by reading the whole table.

use core::arch::x86_64::{
    __m512i, _mm_cvtsi128_si64, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_and_si512,
    _mm512_castsi512_si128, _mm512_cmpeq_epu64_mask, _mm512_cmpgt_epu64_mask, _mm512_loadu_si512,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_mov_epi64, _mm512_mask_set1_epi64,
    _mm512_mask_sub_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64,
    _mm512_storeu_si512,
};

use zeroize::Zeroize;

use crate::powers::{DIGIT_BITS, Power, PowerJob, PowerModulus, digits};

/// A number as digits of 52 bits, eight in a register.
type Digits<const VECTORS: usize> = [__m512i; VECTORS];
/// A number as digits in memory.
type Stored<const VECTORS: usize> = [[u64; LANES]; VECTORS];

/// Raises each base to its exponent, for lengths with a kernel.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn pow_each<const JOBS: usize, const LIMBS: usize>(
    jobs: &[PowerJob<'_, LIMBS>; JOBS],
) -> Option<[Power<LIMBS>; JOBS]> {
    match LIMBS {
        16 => Some(pow_digits::<JOBS, 3, LIMBS>(jobs)),
        32 => Some(pow_digits::<JOBS, 5, LIMBS>(jobs)),
        _ => None,
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[expect(clippy::indexing_slicing, reason = "positions are public and below constant lengths")]
fn pow_digits<const JOBS: usize, const VECTORS: usize, const LIMBS: usize>(
    jobs: &[PowerJob<'_, LIMBS>; JOBS],
) -> [Power<LIMBS>; JOBS] {
    let moduli = jobs.map(|job| Modulus::<VECTORS>::new(&job.modulus));
    let shifts = jobs.map(|job| load(&to_digits(job.modulus.shifted_one)));
    let ones = jobs.map(|job| load(&to_digits(job.modulus.one)));
    // From the caller's Montgomery form to that of the kernel.
    let bases = mul_each(&moduli, &jobs.map(|job| load(&to_digits(job.base))), &shifts);
    let mut powers = mul_each(&moduli, &ones, &shifts);
    let mut tables = [[[[0; LANES]; VECTORS]; 1 << WINDOW]; JOBS];
    let mut entry = powers;
    for index in 0..1 << WINDOW {
        for (table, entry) in tables.iter_mut().zip(&entry) {
            table[index] = store(entry);
        }
        entry = mul_each(&moduli, &entry, &bases);
    }
    for window in (0..(64 * LIMBS).div_ceil(WINDOW)).rev() {
        for _ in 0..WINDOW {
            powers = mul_each(&moduli, &powers, &powers);
        }
        let mut entries = powers;
        for ((entry, table), job) in entries.iter_mut().zip(&tables).zip(jobs) {
            *entry = select(table, window_of(job.exponent, window * WINDOW));
        }
        powers = mul_each(&moduli, &powers, &entries);
    }
    tables.as_flattened_mut().as_flattened_mut().as_flattened_mut().zeroize();
    mul_each(&moduli, &powers, &ones).map(|power| to_limbs(&store(&power)))
}

/// Returns the product of a comb: for each column squares it, then multiplies it by an entry of each block.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn comb<'t, const BLOCKS: usize, const ENTRIES: usize>(
    modulus: &PowerModulus<'_, COMB_LIMBS>,
    table: impl Fn(usize, usize) -> &'t [u64; COMB_LIMBS],
    columns: &[[u64; BLOCKS]],
) -> Power<COMB_LIMBS> {
    let moduli = [Modulus::<COMB_VECTORS>::new(modulus); 2];
    let shift = load(&to_digits(modulus.shifted_one));
    let one = load(&to_digits(modulus.one));
    let mut entries = [[[[0; LANES]; COMB_VECTORS]; ENTRIES]; BLOCKS];
    for (block, entries) in entries.iter_mut().enumerate() {
        for (pair, entries) in entries.chunks_mut(2).enumerate() {
            let [first, second] = [2 * pair, (2 * pair + 1).min(ENTRIES.saturating_sub(1))]
                .map(|entry| load(&to_digits(table(block, entry))));
            let shifted = mul_each(&moduli, &[first, second], &[shift; 2]);
            for (entry, shifted) in entries.iter_mut().zip(&shifted) {
                *entry = store(shifted);
            }
        }
    }
    let [modulus, _] = moduli;
    let moduli = [modulus];
    let mut power = mul_each(&moduli, &[one], &[shift]);
    for column in columns {
        power = mul_each(&moduli, &power, &power);
        for (entries, index) in entries.iter().zip(column) {
            power = mul_each(&moduli, &power, &[select(entries, *index)]);
        }
    }
    let [power] = mul_each(&moduli, &power, &[one]);
    to_limbs(&store(&power))
}

/// Length of a comb's numbers.
const COMB_LIMBS: usize = 32;
const COMB_VECTORS: usize = 5;

/// A modulus with what a product takes of it.
#[derive(Clone, Copy)]
struct Modulus<const VECTORS: usize> {
    n: Digits<VECTORS>,
    /// The lowest digit of the modulus.
    lowest: u64,
    /// -1/n modulo 2^52.
    inverse: u64,
    /// Digits of a multiplier.
    len: usize,
}

impl<const VECTORS: usize> Modulus<VECTORS> {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new<const LIMBS: usize>(modulus: &PowerModulus<'_, LIMBS>) -> Self {
        let n = to_digits(modulus.n);
        let lowest = n.as_flattened().first().copied().unwrap_or_default();
        Self { n: load(&n), lowest, inverse: modulus.inverse & DIGIT_MASK, len: digits(LIMBS) }
    }
}

/// Multiplies pairs of numbers, all in turns.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
#[expect(clippy::indexing_slicing, reason = "the bounds of the loops are constants")]
#[expect(clippy::needless_range_loop, reason = "the vectors of four numbers advance together")]
fn mul_each<const JOBS: usize, const VECTORS: usize>(
    moduli: &[Modulus<VECTORS>; JOBS],
    factors: &[Digits<VECTORS>; JOBS],
    multipliers: &[Digits<VECTORS>; JOBS],
) -> [Digits<VECTORS>; JOBS] {
    let mut stored = [[[0; LANES]; VECTORS]; JOBS];
    let mut lowest = [0; JOBS];
    for job in 0..JOBS {
        stored[job] = store(&multipliers[job]);
        lowest[job] = lowest_digit(&factors[job]);
    }
    let zero = _mm512_setzero_si512();
    let mut sums = [[zero; VECTORS]; JOBS];
    // The lowest digits of the sums, with the carries into them.
    let mut lows = [0_u64; JOBS];
    let len = moduli.iter().map(|modulus| modulus.len).max().unwrap_or_default();
    for at in 0..len.min(LANES * VECTORS) {
        for job in 0..JOBS {
            let (modulus, factor, sum) = (&moduli[job], &factors[job], &mut sums[job]);
            let digit = stored[job].as_flattened()[at];
            let low = u128::from(lowest[job]) * u128::from(digit) + u128::from(lows[job]);
            let multiple = low_half(low).wrapping_mul(modulus.inverse) & DIGIT_MASK;
            let low = low + u128::from(modulus.lowest) * u128::from(multiple);
            let digit = _mm512_set1_epi64(digit.cast_signed());
            let multiple = _mm512_set1_epi64(multiple.cast_signed());
            for vector in 0..VECTORS {
                sum[vector] = _mm512_madd52lo_epu64(sum[vector], factor[vector], digit);
            }
            for vector in 0..VECTORS {
                sum[vector] = _mm512_madd52lo_epu64(sum[vector], modulus.n[vector], multiple);
            }
            for vector in 0..VECTORS {
                let above = if vector + 1 < VECTORS { sum[vector + 1] } else { zero };
                sum[vector] = _mm512_alignr_epi64::<1>(above, sum[vector]);
            }
            // The upper halves of the lowest digit's products are in `low` already.
            lows[job] = low_half(low >> DIGIT_BITS).wrapping_add(lowest_digit(sum));
            for vector in 0..VECTORS {
                sum[vector] = _mm512_madd52hi_epu64(sum[vector], factor[vector], digit);
            }
            for vector in 0..VECTORS {
                sum[vector] = _mm512_madd52hi_epu64(sum[vector], modulus.n[vector], multiple);
            }
        }
    }
    for (sum, low) in sums.iter_mut().zip(lows) {
        sum[0] = _mm512_mask_set1_epi64(sum[0], 1, low.cast_signed());
        carry(sum);
    }
    sums
}

/// Carries, so that each lane is a digit.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carry<const VECTORS: usize>(number: &mut Digits<VECTORS>) {
    let mask = _mm512_set1_epi64(DIGIT_MASK.cast_signed());
    let mut below = _mm512_setzero_si512();
    let (mut above, mut full) = (0_u64, 0_u64);
    for (vector, shift) in number.iter_mut().zip((0..).step_by(LANES)) {
        let carries = _mm512_srli_epi64::<52>(*vector);
        let incoming = _mm512_alignr_epi64::<7>(carries, below);
        below = carries;
        *vector = _mm512_add_epi64(_mm512_and_si512(*vector, mask), incoming);
        above |= u64::from(_mm512_cmpgt_epu64_mask(*vector, mask)) << shift;
        full |= u64::from(_mm512_cmpeq_epu64_mask(*vector, mask)) << shift;
    }
    // Each lane now carries one at most. Adding the masks lets carries run through full lanes.
    let carried = (above << 1).wrapping_add(full) ^ full;
    for (vector, carried) in number.iter_mut().zip(carried.to_le_bytes()) {
        // Subtracting the mask adds one modulo 2^52.
        let with_carry = _mm512_mask_sub_epi64(*vector, carried, *vector, mask);
        *vector = _mm512_and_si512(with_carry, mask);
    }
}

/// Returns the entry at a secret index by reading all entries.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn select<const VECTORS: usize>(table: &[Stored<VECTORS>], index: u64) -> Digits<VECTORS> {
    let index = _mm512_set1_epi64(index.cast_signed());
    let mut selected = [_mm512_setzero_si512(); VECTORS];
    for (entry, candidate) in table.iter().zip(0..) {
        let is_it = _mm512_cmpeq_epu64_mask(_mm512_set1_epi64(candidate), index);
        for (to, from) in selected.iter_mut().zip(load(entry)) {
            *to = _mm512_mask_mov_epi64(*to, is_it, from);
        }
    }
    selected
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn lowest_digit<const VECTORS: usize>(number: &Digits<VECTORS>) -> u64 {
    let lowest = number.first().map(|vector| _mm_cvtsi128_si64(_mm512_castsi512_si128(*vector)));
    lowest.unwrap_or_default().cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load<const VECTORS: usize>(digits: &Stored<VECTORS>) -> Digits<VECTORS> {
    let mut number = [_mm512_setzero_si512(); VECTORS];
    for (vector, eight) in number.iter_mut().zip(digits) {
        #[expect(unsafe_code, reason = "the load takes a pointer")]
        // SAFETY: the reference points to 64 readable bytes, and the load requires no alignment.
        unsafe {
            *vector = _mm512_loadu_si512(eight.as_ptr().cast());
        }
    }
    number
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store<const VECTORS: usize>(number: &Digits<VECTORS>) -> Stored<VECTORS> {
    let mut digits = [[0; LANES]; VECTORS];
    for (eight, vector) in digits.iter_mut().zip(number) {
        #[expect(unsafe_code, reason = "the store takes a pointer")]
        // SAFETY: the unique reference points to 64 writable bytes, and the store requires no alignment.
        unsafe {
            _mm512_storeu_si512(eight.as_mut_ptr().cast(), *vector);
        }
    }
    digits
}

fn to_digits<const VECTORS: usize, const LIMBS: usize>(limbs: &[u64; LIMBS]) -> Stored<VECTORS> {
    let mut stored = [[0; LANES]; VECTORS];
    for (digit, position) in stored.as_flattened_mut().iter_mut().zip((0..).step_by(DIGIT_BITS)) {
        *digit = bits_at(limbs, position) & DIGIT_MASK;
    }
    stored
}

fn to_limbs<const VECTORS: usize, const LIMBS: usize>(digits: &Stored<VECTORS>) -> Power<LIMBS> {
    let mut power = Power { limbs: [0; LIMBS], carry: 0 };
    for (digit, position) in digits.as_flattened().iter().zip((0..).step_by(DIGIT_BITS)) {
        let wide = u128::from(*digit) << (position % 64);
        for (half, limb) in [low_half(wide), low_half(wide >> 64)].into_iter().zip(position / 64..)
        {
            *power.limbs.get_mut(limb).unwrap_or(&mut power.carry) |= half;
        }
    }
    power
}

/// Returns the window of an exponent at a public position.
fn window_of<const LIMBS: usize>(exponent: &[u64; LIMBS], position: usize) -> u64 {
    bits_at(exponent, position) & ((1 << WINDOW) - 1)
}

/// Returns 64 bits at a public position, with zeros above the number.
fn bits_at<const LIMBS: usize>(limbs: &[u64; LIMBS], position: usize) -> u64 {
    let limb = |at| limbs.get(at).copied().map_or(0, u128::from);
    let pair = limb(position / 64) | limb(position / 64 + 1) << 64;
    low_half(pair >> (position % 64))
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn low_half(wide: u128) -> u64 {
    wide as u64
}

/// Digits in a register.
const LANES: usize = 8;
const DIGIT_MASK: u64 = (1 << DIGIT_BITS) - 1;
/// Bits in each window of an exponent.
const WINDOW: usize = 5;
