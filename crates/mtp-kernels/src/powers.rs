//! Arguments of the kernels for modular powers.

use core::fmt;

/// An odd modulus below R = 2^(64·LIMBS) with the constants of its Montgomery form. All limbs are little-endian.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the constants that Montgomery arithmetic takes")]
pub struct PowerModulus<'m, const LIMBS: usize> {
    /// The modulus n.
    pub n: &'m [u64; LIMBS],
    /// -1/n modulo 2^64.
    pub inverse: u64,
    /// R modulo n.
    pub one: &'m [u64; LIMBS],
    /// R · 2^(2·[`radix_gap`]) modulo n.
    pub shifted_one: &'m [u64; LIMBS],
}

/// One power to compute in constant time: its base in Montgomery form, below R.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a power has a modulus, a base and an exponent")]
pub struct PowerJob<'m, const LIMBS: usize> {
    /// The modulus, secret or public.
    pub modulus: PowerModulus<'m, LIMBS>,
    /// The base, secret.
    pub base: &'m [u64; LIMBS],
    /// The exponent, secret.
    pub exponent: &'m [u64; LIMBS],
}

/// A result in Montgomery form: less than twice the modulus, and R or above only if the modulus is close to R.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Power<const LIMBS: usize> {
    /// The number modulo R.
    pub limbs: [u64; LIMBS],
    /// One if the number is R or above, zero otherwise.
    pub carry: u64,
}

/// Returns by how many bits the radix of the kernels, a power of 2^52, exceeds R.
#[must_use]
pub const fn radix_gap(limbs: usize) -> usize {
    digits(limbs) * DIGIT_BITS - 64 * limbs
}

/// Returns the number of digits of a number.
pub(crate) const fn digits(limbs: usize) -> usize {
    (64 * limbs).div_ceil(DIGIT_BITS)
}

/// Bits in a digit: the multiplier's width.
pub(crate) const DIGIT_BITS: usize = 52;

/// Prints the type's name only.
impl<const LIMBS: usize> fmt::Debug for PowerModulus<'_, LIMBS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PowerModulus(..)")
    }
}

/// Prints the type's name only.
impl<const LIMBS: usize> fmt::Debug for PowerJob<'_, LIMBS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PowerJob(..)")
    }
}

/// Prints the type's name only.
impl<const LIMBS: usize> fmt::Debug for Power<LIMBS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Power(..)")
    }
}
