//! Constant-time arithmetic modulo odd numbers of 1024 and 2048 bits.
//!
//! Numbers are in Montgomery form: x is stored as x·R modulo n, with R = 2^1024 or 2^2048. Residues
//! are only *almost* reduced, below R instead of below n, which saves a comparison per product. One
//! subtraction of n suffices after a product for every n, and after a sum if n has its highest bit
//! set.
//!
//! Everything is built on one loop, [`add_rows`], which adds four rows of a product at once: carries
//! and sums of four rows stay in registers, and the processor executes four chains in parallel. With
//! squares that need little more than half the products of a multiplication, this takes two thirds
//! of the time of `crypto-bigint`, which computes the constants.

#![expect(clippy::indexing_slicing, reason = "positions are public and derived from the lengths")]
#![expect(clippy::inline_always, reason = "the loop must be specialized for its callers' lengths")]

use crypto_bigint::modular::FixedMontyParams;
use crypto_bigint::{Uint, Word};
use mtp_kernels::{Multiplier, Power, PowerJob, PowerModulus, radix_gap};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// An odd modulus with the constants of its arithmetic.
///
/// `LIMBS` is a multiple of four. Sums and differences require the highest bit of the modulus to be
/// set; products and powers do not.
#[derive(Clone)]
pub(super) struct Modulus<const LIMBS: usize> {
    n: [u64; LIMBS],
    /// -1/n modulo 2^64.
    inverse: u64,
    one: Residue<LIMBS>,
    square_of_radix: Residue<LIMBS>,
}

/// A residue in Montgomery form, below 2^(64·LIMBS).
#[derive(Clone, Copy)]
pub(super) struct Residue<const LIMBS: usize>([u64; LIMBS]);

pub(super) type Modulus2048 = Modulus<32>;
pub(super) type Residue2048 = Residue<32>;
pub(super) type Modulus1024 = Modulus<16>;
pub(super) type Residue1024 = Residue<16>;

impl<const LIMBS: usize> Modulus<LIMBS> {
    /// Creates a modulus from the constants of `crypto-bigint`. Its highest bit must be set.
    pub(super) const fn of<const WORDS: usize>(params: &FixedMontyParams<WORDS>) -> Self {
        let modulus = Self::for_powers(params);
        assert!(modulus.n[LIMBS - 1] >> 63 == 1, "the modulus has all its bits");
        modulus
    }

    /// Creates any modulus, for products and powers only.
    pub(super) const fn for_powers<const WORDS: usize>(params: &FixedMontyParams<WORDS>) -> Self {
        let n: [u64; LIMBS] = limbs(params.modulus().as_ref());
        let inverse = limbs::<1, _>(params.mod_inv());
        Self {
            n,
            inverse: inverse[0].wrapping_neg(),
            one: Residue(limbs(params.one())),
            square_of_radix: Residue(limbs(params.r2())),
        }
    }

    pub(super) const fn one(&self) -> Residue<LIMBS> {
        self.one
    }

    /// Converts a number of the length of the modulus to Montgomery form. It need not be reduced.
    pub(super) fn residue<const WORDS: usize>(&self, number: &Uint<WORDS>) -> Residue<LIMBS> {
        self.mul(&Residue(limbs(number)), &self.square_of_radix)
    }

    /// Returns the residue of R times a number of the length of the modulus.
    pub(super) fn residue_above<const WORDS: usize>(&self, number: &Uint<WORDS>) -> Residue<LIMBS> {
        self.mul(&self.residue(number), &self.square_of_radix)
    }

    /// Converts a residue to the reduced number.
    pub(super) fn number<const WORDS: usize>(&self, residue: &Residue<LIMBS>) -> Uint<WORDS> {
        let mut wide = [[0; LIMBS]; 2];
        let [low, _] = &mut wide;
        *low = residue.0;
        let mut number = self.reduce(&mut wide).0;
        // The sum that was divided by R is below (1 + n)·R, so the number is at most n.
        let is_n = number.iter().zip(&self.n).fold(0, |gap, (a, b)| gap | (a ^ b)).ct_eq(&0);
        subtract(&mut number, &self.n, u64::from(is_n.unwrap_u8()));
        let number = Residue(number);
        number.to_uint()
    }

    pub(super) fn mul(&self, a: &Residue<LIMBS>, b: &Residue<LIMBS>) -> Residue<LIMBS> {
        let mut wide = [[0; LIMBS]; 2];
        let product = wide.as_flattened_mut();
        for (index, rows) in a.0.as_chunks().0.iter().enumerate() {
            add_rows(&mut product[4 * index..], rows, &b.0, 0);
        }
        self.reduce(&mut wide)
    }

    pub(super) fn square(&self, a: &Residue<LIMBS>) -> Residue<LIMBS> {
        let mut wide = [[0; LIMBS]; 2];
        let product = wide.as_flattened_mut();
        // Products of different blocks of four occur twice, those within a block once.
        for (index, rows) in a.0.as_chunks().0.iter().enumerate() {
            let later = 4 * index + 4;
            add_rows(&mut product[4 * index + later..], rows, &a.0[later..], 0);
        }
        double(product);
        let mut carry = 0;
        for (rows, place) in a.0.as_chunks().0.iter().zip(product.as_chunks_mut::<8>().0) {
            let mut square = [0; 8];
            add_rows(&mut square, rows, rows, 0);
            carry = add(place, &square, carry);
        }
        self.reduce(&mut wide)
    }

    pub(super) fn add(&self, a: &Residue<LIMBS>, b: &Residue<LIMBS>) -> Residue<LIMBS> {
        let mut sum = *a;
        // A carry means R, which is congruent to R - n; at most two, since n is above R/2.
        let carry = add(&mut sum.0, &b.0, 0);
        let borrow = subtract(&mut sum.0, &self.n, carry);
        subtract(&mut sum.0, &self.n, carry ^ borrow);
        sum
    }

    pub(super) fn sub(&self, a: &Residue<LIMBS>, b: &Residue<LIMBS>) -> Residue<LIMBS> {
        let mut difference = *a;
        let borrow = subtract(&mut difference.0, &b.0, 1);
        let carry = add_masked(&mut difference.0, &self.n, borrow);
        add_masked(&mut difference.0, &self.n, borrow ^ carry);
        difference
    }

    /// Raises a residue to a secret power.
    pub(super) fn pow<const WORDS: usize>(
        &self,
        base: &Residue<LIMBS>,
        exponent: &Uint<WORDS>,
    ) -> Residue<LIMBS> {
        let exponent = Zeroizing::new(limbs(exponent));
        let [power] = pow_each([(self, base, &*exponent)], Multiplier::detect());
        power
    }

    /// Raises a residue to a secret power by windows of five bits, without kernels.
    ///
    /// Each window takes five squarings and one product with an entry selected in constant time.
    fn pow_portable(&self, base: &Residue<LIMBS>, exponent: &[u64; LIMBS]) -> Residue<LIMBS> {
        let mut powers = [self.one; 1 << WINDOW];
        for index in 1..powers.len() {
            powers[index] = self.mul(&powers[index - 1], base);
        }
        let windows = (64 * LIMBS).div_ceil(WINDOW);
        let mut power = self.one;
        for window in (0..windows).rev() {
            for _ in 0..WINDOW {
                power = self.square(&power);
            }
            let entry = Residue::select(&powers, bits(exponent, window * WINDOW));
            power = self.mul(&power, &entry);
        }
        powers.zeroize();
        power
    }

    /// Raises a residue to a small public power other than zero.
    pub(super) fn pow_public(&self, base: &Residue<LIMBS>, exponent: u32) -> Residue<LIMBS> {
        // From the second-highest bit down: 65537 takes 16 squarings and one product.
        let mut power = *base;
        for bit in (0..exponent.ilog2()).rev() {
            power = self.square(&power);
            if exponent >> bit & 1 == 1 {
                power = self.mul(&power, base);
            }
        }
        power
    }

    /// Returns R · 2^(2·gap), by which the kernels enter their own form.
    pub(super) fn shifted_one(&self) -> Residue<LIMBS> {
        let mut number = [0; LIMBS];
        let position = 2 * radix_gap(LIMBS);
        number[position / 64] = 1 << (position % 64);
        self.mul(&Residue(number), &self.square_of_radix)
    }

    /// Returns the modulus as the kernels take it.
    pub(super) const fn for_kernels<'m>(
        &'m self,
        shifted_one: &'m Residue<LIMBS>,
    ) -> PowerModulus<'m, LIMBS> {
        PowerModulus {
            n: &self.n,
            inverse: self.inverse,
            one: &self.one.0,
            shifted_one: &shifted_one.0,
        }
    }

    /// Takes the result of a kernel, which may exceed R.
    pub(super) fn settle(&self, power: Power<LIMBS>) -> Residue<LIMBS> {
        let mut residue = Residue(power.limbs);
        subtract(&mut residue.0, &self.n, power.carry);
        residue
    }

    /// Divides a product by R.
    ///
    /// Processes four limbs at a time: adds, as four rows, the multiple of n from [`cancel`](Self::cancel) that
    /// makes them zero. The carry out of the rows is added where the next four rows end.
    fn reduce(&self, wide: &mut [[u64; LIMBS]; 2]) -> Residue<LIMBS> {
        let sum = wide.as_flattened_mut();
        let mut carry = 0;
        for start in (0..LIMBS).step_by(4) {
            let sum = &mut sum[start..];
            let multiple = self.cancel(sum);
            carry = add_rows(sum, &multiple, &self.n, carry);
        }
        let [_, mut quotient] = *wide;
        subtract(&mut quotient, &self.n, carry);
        Residue(quotient)
    }

    /// Returns the multiple of n, below 2^256, that cancels the lowest four limbs of a sum.
    #[inline]
    fn cancel(&self, sum: &[u64]) -> [u64; 4] {
        let mut rest = [sum[0], sum[1], sum[2], sum[3]];
        let mut multiple = [0; 4];
        for row in 0..4 {
            multiple[row] = rest[row].wrapping_mul(self.inverse);
            let mut carry = 0;
            for (limb, n) in rest[row..].iter_mut().zip(&self.n) {
                (*limb, carry) = multiply_add(multiple[row], *n, *limb, carry);
            }
        }
        multiple
    }
}

/// Raises residues to secret powers: all in turns if the processor has the wide multiplier.
pub(super) fn pow_each<const JOBS: usize, const LIMBS: usize>(
    jobs: [(&Modulus<LIMBS>, &Residue<LIMBS>, &[u64; LIMBS]); JOBS],
    multiplier: Option<Multiplier>,
) -> [Residue<LIMBS>; JOBS] {
    if let Some(multiplier) = multiplier {
        let mut shifts = jobs.map(|(modulus, ..)| modulus.shifted_one());
        let powers = multiplier.pow_each(&core::array::from_fn::<_, JOBS, _>(|at| {
            let (modulus, base, exponent) = jobs[at];
            let modulus = modulus.for_kernels(&shifts[at]);
            PowerJob { modulus, base: &base.0, exponent }
        }));
        shifts.zeroize();
        if let Some(powers) = powers {
            return core::array::from_fn(|at| jobs[at].0.settle(powers[at]));
        }
    }
    jobs.map(|(modulus, base, exponent)| modulus.pow_portable(base, exponent))
}

impl<const LIMBS: usize> Residue<LIMBS> {
    /// Returns the limbs in Montgomery form.
    pub(super) const fn as_limbs(&self) -> &[u64; LIMBS] {
        &self.0
    }

    /// Creates a residue from little-endian limbs in Montgomery form.
    pub(super) const fn from_montgomery(limbs: [u64; LIMBS]) -> Self {
        Self(limbs)
    }

    /// Returns the entry at a secret index by reading all entries.
    #[inline]
    pub(super) fn select(entries: &[Self], index: u64) -> Self {
        let mut selected = [0; LIMBS];
        for (entry, candidate) in entries.iter().zip(0u64..) {
            let mask = u64::from(index.ct_eq(&candidate).unwrap_u8()).wrapping_neg();
            for (to, from) in selected.iter_mut().zip(&entry.0) {
                *to |= from & mask;
            }
        }
        Self(selected)
    }

    fn to_uint<const WORDS: usize>(self) -> Uint<WORDS> {
        let mut bytes = self.0.iter().flat_map(|limb| limb.to_le_bytes());
        let mut number = Uint::ZERO;
        for word in number.as_mut_words() {
            let word_bytes = core::array::from_fn(|_| bytes.next().unwrap_or_default());
            *word = Word::from_le_bytes(word_bytes);
        }
        number
    }
}

impl<const LIMBS: usize> Zeroize for Modulus<LIMBS> {
    fn zeroize(&mut self) {
        self.n.zeroize();
        self.inverse.zeroize();
        self.one.zeroize();
        self.square_of_radix.zeroize();
    }
}

impl<const LIMBS: usize> Zeroize for Residue<LIMBS> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// Bits in each window of a secret exponent.
const WINDOW: usize = 5;

/// Returns the bits of a window at a public position.
pub(super) fn bits<const LIMBS: usize>(number: &[u64; LIMBS], position: usize) -> u64 {
    let (limb, shift) = (position / 64, position % 64);
    let low = number[limb] >> shift;
    let high = number.get(limb + 1).map_or(0, |limb| limb.wrapping_shl(1) << (63 - shift));
    (low | high) & ((1 << WINDOW) - 1)
}

/// Returns a number as little-endian 64-bit limbs, independent of the machine's word size.
pub(super) const fn limbs<const LIMBS: usize, const WORDS: usize>(
    number: &Uint<WORDS>,
) -> [u64; LIMBS] {
    const WORD_BITS: usize = Word::BITS as usize;
    let words_per_limb = 64 / WORD_BITS;
    let mut limbs = [0; LIMBS];
    let mut index = 0;
    while index < WORDS {
        #[expect(clippy::unnecessary_cast, reason = "words have 32 bits on other machines")]
        let word = number.as_words()[index] as u64;
        limbs[index / words_per_limb] |= word << (index % words_per_limb * WORD_BITS);
        index += 1;
    }
    limbs
}

/// Adds four limbs times a number to the low end of a sum, and `carry` to the sum at the end of the
/// number. Returns the carry out of the four limbs after that position.
#[inline(always)]
fn add_rows(sum: &mut [u64], rows: &[u64; 4], number: &[u64], carry: u64) -> u64 {
    let (sum, above) = sum.split_at_mut(number.len());
    let [mut first, mut second, mut third, mut fourth] = [0; 4];
    for (sum, limb) in sum.iter_mut().zip(number) {
        let mut carry;
        (*sum, carry) = multiply_add(rows[0], *limb, *sum, first);
        (first, carry) = multiply_add(rows[1], *limb, second, carry);
        (second, carry) = multiply_add(rows[2], *limb, third, carry);
        (third, fourth) = multiply_add(rows[3], *limb, fourth, carry);
    }
    add(&mut above[..4], &[first, second, third, fourth], carry)
}

/// Returns the low and the high half of `a·b + c + d`, which cannot overflow.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "splits a product into halves")]
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d);
    (product as u64, (product >> 64) as u64)
}

/// Adds a number of the same length and a carry, and returns the carry.
#[inline(always)]
fn add(sum: &mut [u64], number: &[u64], mut carry: u64) -> u64 {
    for (sum, limb) in sum.iter_mut().zip(number) {
        let (low, one) = sum.overflowing_add(*limb);
        let (low, other) = low.overflowing_add(carry);
        *sum = low;
        carry = u64::from(one | other);
    }
    carry
}

/// Adds a number of the same length zero times or once, and returns the carry.
#[inline(always)]
fn add_masked(sum: &mut [u64], number: &[u64], times: u64) -> u64 {
    let mask = times.wrapping_neg();
    let mut carry = 0;
    for (sum, limb) in sum.iter_mut().zip(number) {
        let (low, one) = sum.overflowing_add(limb & mask);
        let (low, other) = low.overflowing_add(carry);
        *sum = low;
        carry = u64::from(one | other);
    }
    carry
}

/// Subtracts a number of the same length zero times or once, and returns the borrow.
#[inline(always)]
fn subtract(sum: &mut [u64], number: &[u64], times: u64) -> u64 {
    let mask = times.wrapping_neg();
    let mut borrow = 0;
    for (sum, limb) in sum.iter_mut().zip(number) {
        let (low, one) = sum.overflowing_sub(limb & mask);
        let (low, other) = low.overflowing_sub(borrow);
        *sum = low;
        borrow = u64::from(one | other);
    }
    borrow
}

/// Doubles a number whose highest bit is zero.
fn double(number: &mut [u64]) {
    let mut carry = 0;
    for limb in number {
        let next = *limb >> 63;
        *limb = *limb << 1 | carry;
        carry = next;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crypto_bigint::{Odd, U1024, U2048};
    use num_bigint::BigUint;

    use super::*;
    use crate::CtrEntropy;
    use mtp_env::Entropy;

    fn big<const WORDS: usize>(number: &Uint<WORDS>) -> BigUint {
        BigUint::from_bytes_le(number.to_le_bytes().as_slice())
    }

    /// Numbers that exercise every carry, and random ones.
    fn numbers<const WORDS: usize>(count: u64) -> Vec<Uint<WORDS>> {
        let mut numbers = Vec::from([Uint::ZERO, Uint::ONE, Uint::MAX]);
        numbers.push(Uint::MAX.wrapping_sub(&Uint::ONE));
        numbers.push(Uint::ONE.shl_vartime(Uint::<WORDS>::BITS - 1));
        numbers.push(Uint::MAX.shl_vartime(64));
        numbers.push(Uint::MAX.shr_vartime(64));
        numbers.push(Uint::MAX.shl_vartime(256));
        numbers.push(Uint::MAX.shr_vartime(256));
        let mut entropy = CtrEntropy::from_number(count);
        for _ in 0..count {
            let mut number = Uint::ZERO;
            for word in number.as_mut_words() {
                let mut bytes = [0; size_of::<Word>()];
                entropy.fill(&mut bytes);
                *word = Word::from_le_bytes(bytes);
            }
            numbers.push(number);
        }
        numbers
    }

    fn check_arithmetic<const LIMBS: usize, const WORDS: usize>() {
        let radix = BigUint::from(1u8) << (64 * LIMBS);
        for modulus in numbers::<WORDS>(6) {
            let modulus = modulus.bitor(&Uint::ONE.shl_vartime(Uint::<WORDS>::BITS - 1));
            let odd = Odd::new(modulus.bitor(&Uint::ONE)).unwrap();
            let m = Modulus::<LIMBS>::of(&FixedMontyParams::new_vartime(odd));
            let n = big(odd.as_ref());
            let plain = |residue: &Residue<LIMBS>| big(&m.number::<WORDS>(residue));
            let mut values = numbers::<WORDS>(6);
            values.push(*odd.as_ref());
            values.push(odd.as_ref().wrapping_sub(&Uint::ONE));
            for a in &values {
                let (ra, pa) = (m.residue(a), big(a) % &n);
                assert_eq!(plain(&ra), pa);
                assert_eq!(plain(&m.residue_above(a)), &pa * &radix % &n);
                assert_eq!(plain(&m.square(&ra)), &pa * &pa % &n);
                assert_eq!(plain(&m.pow_public(&ra, 65_537)), pa.modpow(&65_537u32.into(), &n));
                // Residues of maximum size, which are not the result of a product.
                let raw = Residue(limbs(a));
                assert_eq!(plain(&m.square(&raw)), plain(&m.mul(&raw, &raw)));
                for b in &values {
                    let (rb, pb) = (m.residue(b), big(b) % &n);
                    assert_eq!(plain(&m.mul(&ra, &rb)), &pa * &pb % &n);
                    assert_eq!(plain(&m.add(&ra, &rb)), (&pa + &pb) % &n);
                    assert_eq!(plain(&m.sub(&ra, &rb)), (&pa + &n - &pb) % &n);
                    let other = Residue(limbs(b));
                    let sum = (plain(&raw) + plain(&other)) % &n;
                    assert_eq!(plain(&m.add(&raw, &other)), sum);
                    assert_eq!((plain(&m.sub(&raw, &other)) + plain(&other)) % &n, plain(&raw));
                }
            }
        }
    }

    #[test]
    fn arithmetic_of_2048_bits_agrees_with_num_bigint() {
        check_arithmetic::<32, { U2048::LIMBS }>();
    }

    #[test]
    fn arithmetic_of_1024_bits_agrees_with_num_bigint() {
        check_arithmetic::<16, { U1024::LIMBS }>();
    }

    #[test]
    fn powers_agree_with_num_bigint() {
        let numbers = numbers::<{ U1024::LIMBS }>(2);
        let odd = Odd::new(U1024::MAX.wrapping_sub(&U1024::from_u8(104))).unwrap();
        let m = Modulus1024::of(&FixedMontyParams::new_vartime(odd));
        for base in &numbers {
            for exponent in &numbers {
                let expected = big(base).modpow(&big(exponent), &big(odd.as_ref()));
                for multiplier in [None, Multiplier::detect()] {
                    let job = (&m, &m.residue(base), &limbs(exponent));
                    let [power, pair] = pow_each([job; 2], multiplier);
                    assert_eq!(power.0, pair.0);
                    assert_eq!(big(&m.number::<{ U1024::LIMBS }>(&power)), expected);
                }
            }
        }
    }

    #[test]
    fn powers_work_for_moduli_of_any_length() {
        let numbers = numbers::<{ U1024::LIMBS }>(2);
        for bits in [2, 64, 1000, 1023] {
            let odd = Odd::new(U1024::MAX.shr_vartime(1024 - bits)).unwrap();
            let m = Modulus1024::for_powers(&FixedMontyParams::new_vartime(odd));
            for base in &numbers {
                let power: U1024 = m.number(&m.pow(&m.residue(base), &numbers[10]));
                let expected = big(base).modpow(&big(&numbers[10]), &big(odd.as_ref()));
                assert_eq!(big(&power), expected, "{bits} bits");
            }
        }
    }

    #[test]
    fn select_returns_the_entry_at_each_index() {
        let entries: [_; 32] = core::array::from_fn(|index| Residue([index as u64; 16]));
        for index in 0..32 {
            assert_eq!(Residue::select(&entries, index).0, [index; 16]);
        }
    }
}
