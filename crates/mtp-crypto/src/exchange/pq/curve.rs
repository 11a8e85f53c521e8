//! Lenstra's elliptic curve method on Montgomery curves.
//!
//! Stage 1 multiplies a point by all prime powers up to [`STAGE_1_MAX`], and stage 2 tests it against
//! each prime up to [`STAGE_2_MAX`]. If the order of the curve modulo a divisor has only such
//! factors, the point becomes the neutral element modulo that divisor, and its `z` shares the divisor
//! with the modulus.

use super::CURVES_MAX;
use super::montgomery::Modulus;
use super::primality::is_small_prime;

/// Searches for a divisor of a composite modulus that is not a square; `curves` counts the work.
// spec: crypto 16
pub(super) fn find_divisor(modulus: &Modulus, curves: &mut u32) -> Option<u64> {
    (SIGMA_MIN..).take(CURVES_MAX as usize).find_map(|sigma| {
        *curves = curves.saturating_add(1);
        match Curve::suyama(modulus, sigma) {
            Ok((curve, x)) => curve.try_point(x),
            Err(divisor) => (divisor != modulus.n()).then_some(divisor),
        }
    })
}

/// The curve `B·y² = x³ + A·x² + x`, represented by `(A + 2) / 4`. The formulas do not use `B`.
struct Curve<'m> {
    modulus: &'m Modulus,
    a24: u64,
}

/// A point without its `y` coordinate, with `x` as the fraction `x / z`.
#[derive(Clone, Copy)]
struct Point {
    x: u64,
    z: u64,
}

impl<'m> Curve<'m> {
    /// Returns Suyama's curve for a parameter, whose order is a multiple of 12, and the `x` of a
    /// point on it, or a divisor of the modulus if the computation finds one.
    fn suyama(modulus: &'m Modulus, sigma: u64) -> Result<(Self, u64), u64> {
        let m = modulus;
        let cube = |a| m.mul(m.square(a), a);
        let sigma = m.residue(sigma);
        let u = m.sub(m.square(sigma), m.residue(5));
        let v = m.mul(sigma, m.residue(4));
        let (u3, v3) = (cube(u), cube(v));
        let u3v16 = m.mul(m.mul(u3, v), m.residue(16));
        // One inversion serves both quotients: x = u³ / v³, a24 = (v - u)³ (3u + v) / 16u³v.
        let inverse = m.invert(m.mul(u3v16, v3))?;
        let x = m.mul(u3, m.mul(inverse, u3v16));
        let numerator = m.mul(cube(m.sub(v, u)), m.add(m.add(m.add(u, u), u), v));
        let a24 = m.mul(numerator, m.mul(inverse, v3));
        Ok((Self { modulus, a24 }, x))
    }

    /// Runs both stages on the point with the given `x`.
    fn try_point(&self, x: u64) -> Option<u64> {
        let point = self.stage_1(x);
        let product = self.stage_2(point);
        // Stage 2 may have found both divisors at once; stage 1 alone may still separate them.
        let m = self.modulus;
        m.shared_divisor(m.mul(product, point.z)).or_else(|| m.shared_divisor(point.z))
    }

    /// Multiplies the point with affine `x` by [`SCALAR`] with Montgomery's ladder.
    fn stage_1(&self, x: u64) -> Point {
        let mut low = Point { x, z: self.modulus.one() };
        let mut high = self.double(low);
        for index in (0..SCALAR.bits - 1).rev() {
            let sum = self.add_base(low, high, x);
            if SCALAR.bit(index) {
                (low, high) = (sum, self.double(high));
            } else {
                (low, high) = (self.double(low), sum);
            }
        }
        low
    }

    /// Returns a product that shares a divisor with the modulus if the multiple of the point by a
    /// prime up to [`STAGE_2_MAX`] is neutral modulo that divisor.
    ///
    /// Each prime is `60·m ± j`. If its multiple is neutral, the multiples by `60·m` and `j` are
    /// equal up to sign, so one pair of points covers both signs.
    fn stage_2(&self, point: Point) -> u64 {
        let m = self.modulus;
        let (small, fifteen) = self.small_multiples(point);
        let stride = self.double(self.double(fifteen));
        let mut before = stride;
        let mut multiple = self.double(stride);
        let mut product = m.one();
        for pairs in PAIRS {
            let own = m.mul(multiple.x, multiple.z);
            for (index, (other, others)) in small.iter().enumerate() {
                if pairs >> index & 1 == 1 {
                    // x·z' - x'·z with one multiplication.
                    let cross = m.mul(m.sub(multiple.x, other.x), m.add(multiple.z, other.z));
                    product = m.mul(product, m.add(m.sub(cross, own), *others));
                }
            }
            (before, multiple) = (multiple, self.add(multiple, stride, before));
        }
        product
    }

    /// Returns the multiples by [`RESIDUES`], each with its product `x·z`, and the multiple by 15.
    fn small_multiples(&self, point: Point) -> ([(Point, u64); RESIDUES.len()], Point) {
        let two = self.double(point);
        let (mut before, mut odd) = (point, self.add(two, point, point));
        let mut fifteen = point;
        let mut found = [(point, self.modulus.mul(point.x, point.z)); RESIDUES.len()];
        let mut slots = found.iter_mut().zip(RESIDUES).skip(1).peekable();
        for number in (3..=29).step_by(2) {
            if number == 15 {
                fifteen = odd;
            }
            if let Some((slot, _)) = slots.next_if(|(_, residue)| *residue == number) {
                *slot = (odd, self.modulus.mul(odd.x, odd.z));
            }
            (before, odd) = (odd, self.add(odd, two, before));
        }
        (found, fifteen)
    }

    #[inline]
    fn double(&self, point: Point) -> Point {
        let m = self.modulus;
        let sum = m.square(m.add(point.x, point.z));
        let difference = m.square(m.sub(point.x, point.z));
        let xz4 = m.sub(sum, difference);
        Point { x: m.mul(sum, difference), z: m.mul(xz4, m.add(difference, m.mul(self.a24, xz4))) }
    }

    /// Adds two points whose difference is known.
    #[inline]
    fn add(&self, one: Point, other: Point, difference: Point) -> Point {
        let m = self.modulus;
        let (sum, gap) = self.cross(one, other);
        Point { x: m.mul(difference.z, sum), z: m.mul(difference.x, gap) }
    }

    /// Adds two points whose difference has the affine `x`.
    #[inline]
    fn add_base(&self, one: Point, other: Point, x: u64) -> Point {
        let (sum, gap) = self.cross(one, other);
        Point { x: sum, z: self.modulus.mul(x, gap) }
    }

    #[inline]
    fn cross(&self, one: Point, other: Point) -> (u64, u64) {
        let m = self.modulus;
        let a = m.mul(m.sub(one.x, one.z), m.add(other.x, other.z));
        let b = m.mul(m.add(one.x, one.z), m.sub(other.x, other.z));
        (m.square(m.add(a, b)), m.square(m.sub(a, b)))
    }
}

/// The multiplier of stage 1, little-endian.
struct Scalar {
    words: [u64; 3],
    bits: u32,
}

impl Scalar {
    /// Returns the product of the largest powers of all primes that are at most [`STAGE_1_MAX`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::indexing_slicing,
        reason = "splits a sum into halves, and is evaluated at compile time"
    )]
    const fn of_stage_1() -> Self {
        let mut words = [1u64, 0, 0];
        let mut prime = 2;
        while prime <= STAGE_1_MAX {
            let mut power = 1;
            while is_small_prime(prime) && power * prime <= STAGE_1_MAX {
                power *= prime;
            }
            let (mut carry, mut index) = (0u128, 0);
            while index < words.len() {
                carry += words[index] as u128 * power as u128;
                words[index] = carry as u64;
                carry >>= 64;
                index += 1;
            }
            assert!(carry == 0, "the multiplier fits into its words");
            prime += 1;
        }
        let top = if words[2] == 0 { 1 } else { 2 };
        Self { words, bits: 64 * (top as u32 + 1) - words[top].leading_zeros() }
    }

    fn bit(&self, index: u32) -> bool {
        let word = self.words.get(index as usize / 64).copied().unwrap_or_default();
        word >> (index % 64) & 1 == 1
    }
}

const SCALAR: Scalar = Scalar::of_stage_1();

/// For each multiple of 60 from 120 on: bit `i` is set if its distance to a prime of stage 2 is
/// `RESIDUES[i]`.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const PAIRS: [u8; ((STAGE_2_MAX - STAGE_1_MAX) / STRIDE) as usize + 1] = {
    let mut pairs = [0; ((STAGE_2_MAX - STAGE_1_MAX) / STRIDE) as usize + 1];
    let mut multiple = STAGE_1_MAX;
    while multiple <= STAGE_2_MAX {
        let mut index = 0;
        while index < RESIDUES.len() {
            let residue = RESIDUES[index];
            if is_small_prime(multiple - residue) || is_small_prime(multiple + residue) {
                pairs[((multiple - STAGE_1_MAX) / STRIDE) as usize] |= 1 << index;
            }
            index += 1;
        }
        multiple += STRIDE;
    }
    pairs
};

/// The numbers below 30 that are coprime to 60.
const RESIDUES: [u32; 8] = [1, 7, 11, 13, 17, 19, 23, 29];
const STRIDE: u32 = 60;

/// The bounds, tuned by measurement for products of two 31-bit primes. Multiples of [`STRIDE`].
const STAGE_1_MAX: u32 = 120;
const STAGE_2_MAX: u32 = 3600;

/// The least parameter of Suyama that gives a curve.
const SIGMA_MIN: u64 = 6;
