//! Arithmetic modulo an odd number of up to 64 bits, on residues times 2^64.

/// An odd modulus and what follows from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modulus {
    n: u64,
    /// The inverse of `n` modulo 2^64.
    inverse: u64,
    /// 2^128 mod n, which turns numbers into residues.
    square_of_radix: u64,
    /// The residue of 1: 2^64 mod n.
    one: u64,
}

impl Modulus {
    /// Takes an odd number.
    pub(super) const fn new(n: u64) -> Self {
        debug_assert!(n % 2 == 1, "the modulus is odd");
        // Each step of Newton's iteration doubles the number of right low bits; n is right on 3.
        let mut inverse = n;
        let mut right_bits = 3;
        while right_bits < 64 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(n.wrapping_mul(inverse)));
            right_bits *= 2;
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
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a product are meant")]
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
        // n may have 64 bits, so the sum is formed as a difference.
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

    /// Returns the residue of the inverse, or the divisor that the residue shares with the modulus.
    pub(super) fn invert(&self, residue: u64) -> Result<u64, u64> {
        // Extended Euclid on (n, a): `a` is congruent to its coefficient times the residue.
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

    /// Returns what a residue shares with the modulus, if that is a proper divisor.
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
    fn products_sums_and_differences_are_the_plain_ones() {
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
    fn inverses_multiply_to_one_or_name_the_shared_divisor() {
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
    fn powers_obey_fermat() {
        let modulus = Modulus::new((1 << 61) - 1);
        for base in 2..50 {
            let residue = modulus.residue(base);
            assert_eq!(modulus.pow(residue, (1 << 61) - 2), modulus.one());
            assert_eq!(modulus.pow(residue, 0), modulus.one());
            assert_eq!(modulus.pow(residue, 3), modulus.mul(residue, modulus.square(residue)));
        }
    }
}
