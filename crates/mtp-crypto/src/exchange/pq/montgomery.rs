//! Montgomery arithmetic modulo an odd number of up to 64 bits.

/// An odd modulus with derived constants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modulus {
    n: u64,
    /// The inverse of `n` modulo 2^64.
    inverse: u64,
    /// 2^128 mod n, which converts numbers to Montgomery form.
    square_of_radix: u64,
    /// The residue of 1, which is 2^64 mod n.
    one: u64,
}

impl Modulus {
    /// Creates the modulus from an odd number.
    pub(super) const fn new(n: u64) -> Self {
        debug_assert!(n % 2 == 1, "the modulus is odd");
        // Each step of Newton's iteration doubles the number of correct low bits; n has 3.
        let mut inverse = n;
        let mut correct_bits = 3;
        while correct_bits < 64 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(n.wrapping_mul(inverse)));
            correct_bits *= 2;
        }
        let one = (u64::MAX % n + 1) % n;
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below n")]
        let square_of_radix = ((one as u128 * one as u128) % n as u128) as u64;
        Self { n, inverse, square_of_radix, one }
    }

    pub(super) const fn n(&self) -> u64 {
        self.n
    }

    pub(super) const fn one(&self) -> u64 {
        self.one
    }

    /// Returns the residue of a number.
    pub(super) const fn residue(&self, number: u64) -> u64 {
        self.mul(number % self.n, self.square_of_radix)
    }

    /// Multiplies residues.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "splits a product into halves")]
    pub(super) const fn mul(&self, a: u64, b: u64) -> u64 {
        let product = a as u128 * b as u128;
        let (low, high) = (product as u64, (product >> 64) as u64);
        let multiple = ((low.wrapping_mul(self.inverse) as u128 * self.n as u128) >> 64) as u64;
        self.sub(high, multiple)
    }

    #[inline]
    pub(super) const fn square(&self, a: u64) -> u64 {
        self.mul(a, a)
    }

    #[inline]
    pub(super) const fn add(&self, a: u64, b: u64) -> u64 {
        // n may have 64 bits, so a + b is computed as a - (n - b) to avoid overflow.
        self.sub(a, self.n - b)
    }

    #[inline]
    pub(super) const fn sub(&self, a: u64, b: u64) -> u64 {
        let (difference, borrow) = a.overflowing_sub(b);
        if borrow { difference.wrapping_add(self.n) } else { difference }
    }

    /// Raises a residue to a power.
    pub(super) const fn pow(&self, base: u64, exponent: u64) -> u64 {
        let mut power = self.one;
        let mut bit = 64 - exponent.leading_zeros();
        while bit > 0 {
            bit -= 1;
            power = self.square(power);
            if exponent >> bit & 1 == 1 {
                power = self.mul(power, base);
            }
        }
        power
    }

    /// Returns the inverse as a residue, or the divisor that the residue shares with the modulus.
    pub(super) fn invert(&self, residue: u64) -> Result<u64, u64> {
        // Extended Euclidean algorithm: `a` is congruent to `of_a` times the residue.
        let (mut a, mut b) = (self.n, residue % self.n);
        let (mut of_a, mut of_b) = (0u64, 1u64);
        while b != 0 {
            let quotient = a / b;
            (a, b) = (b, a % b);
            let product = (u128::from(quotient % self.n) * u128::from(of_b)) % u128::from(self.n);
            #[expect(clippy::cast_possible_truncation, reason = "the remainder is below n")]
            let next = self.sub(of_a, product as u64);
            (of_a, of_b) = (of_b, next);
        }
        if a == 1 {
            // The inverse of x·R is x⁻¹·R⁻¹; two factors of R² make it x⁻¹·R.
            Ok(self.mul(self.mul(of_a, self.square_of_radix), self.square_of_radix))
        } else {
            Err(a)
        }
    }

    /// Returns the common divisor of the residue and the modulus, if it is a proper divisor.
    pub(super) fn shared_divisor(&self, residue: u64) -> Option<u64> {
        let divisor = gcd(self.n, residue);
        (divisor != 1 && divisor != self.n).then_some(divisor)
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULI: [u64; 6] = [3, 5, 0xffff_ffff, (1 << 61) - 1, u64::MAX, u64::MAX - 58];

    #[test]
    fn arithmetic_agrees_with_128_bit_integers() {
        for n in MODULI {
            let modulus = Modulus::new(n);
            for a in [0, 1, 2, n / 2, n - 2, n - 1] {
                for b in [0, 1, n / 3, n - 1] {
                    let (ra, rb) = (modulus.residue(a), modulus.residue(b));
                    let wide = |x: u128| u64::try_from(x % u128::from(n)).unwrap();
                    let [a, b] = [a, b].map(u128::from);
                    assert_eq!(modulus.mul(ra, rb), modulus.residue(wide(a * b)));
                    assert_eq!(modulus.add(ra, rb), modulus.residue(wide(a + b)));
                    assert_eq!(modulus.sub(ra, rb), modulus.residue(wide(a + u128::from(n) - b)));
                }
            }
        }
    }

    #[test]
    fn invert_returns_the_inverse_or_a_common_divisor() {
        for n in MODULI {
            let modulus = Modulus::new(n);
            for a in 1..300 {
                let residue = modulus.residue(a);
                match modulus.invert(residue) {
                    Ok(inverse) => assert_eq!(modulus.mul(residue, inverse), modulus.one()),
                    Err(divisor) => assert!(divisor > 1 && n % divisor == 0, "{a} mod {n}"),
                }
            }
        }
    }

    #[test]
    fn powers_satisfy_fermats_theorem() {
        let modulus = Modulus::new((1 << 61) - 1);
        for base in 2..50 {
            let residue = modulus.residue(base);
            assert_eq!(modulus.pow(residue, (1 << 61) - 2), modulus.one());
            assert_eq!(modulus.pow(residue, 0), modulus.one());
            assert_eq!(modulus.pow(residue, 3), modulus.mul(residue, modulus.square(residue)));
        }
    }
}
