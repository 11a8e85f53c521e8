//! Test of safe primes other than the known one, with a cache.

use alloc::collections::VecDeque;

use crypto_bigint::modular::FixedMontyParams;
use crypto_bigint::{Limb, NonZero, Odd, U2048};
use crypto_primes::hazmat::{AStarBase, LucasCheck, lucas_test};
use mtp_env::Entropy;

use crate::exchange::number::to_be_256;
use crate::exchange::residue::{Modulus2048, Residue2048};
use crate::hash::sha256;

/// A cache of the safe-prime test.
///
/// One cache serves all uses of Diffie-Hellman groups: key exchange, passwords, secret chats and
/// calls. It keeps the last [`PRIME_CACHE_LEN`] results, keyed by the hash of the modulus.
// spec: crypto 10.2.4
#[derive(Debug, Default)]
pub struct PrimeCache {
    known: VecDeque<([u8; 32], bool)>,
}

impl PrimeCache {
    /// Creates an empty cache.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: VecDeque::new() }
    }

    pub(super) fn is_safe_prime(&mut self, number: &Odd<U2048>, entropy: &mut dyn Entropy) -> bool {
        let hash = sha256(&[&to_be_256(number.as_ref())]);
        if let Some((_, answer)) = self.known.iter().find(|(known, _)| *known == hash) {
            return *answer;
        }
        let answer = is_safe_prime(number, entropy);
        if self.known.len() == PRIME_CACHE_LEN {
            self.known.pop_front();
        }
        self.known.push_back((hash, answer));
        answer
    }
}

/// Most results in a [`PrimeCache`], 33 bytes each. The oldest is evicted.
pub const PRIME_CACHE_LEN: usize = 64;

/// Upper bound of trial division.
const SMALL_PRIMES_END: u8 = 251;

/// Miller-Rabin rounds with random bases after the Baillie-PSW test. A composite that passes the
/// latter, of which none is known, passes all rounds with probability 2^-32.
const RANDOM_ROUNDS: usize = 16;

/// Returns `true` if a number p of 2048 bits and q = (p - 1) / 2 are both prime.
///
/// The bases are random because composites can be constructed for any bases known in advance. If q is
/// prime, one power suffices for p: since q exceeds its square root, Pocklington's theorem proves p
/// prime if 2^(p-1) = 1 and 2² - 1 shares no divisor with p.
// spec: crypto 10.2.3
fn is_safe_prime(p: &Odd<U2048>, entropy: &mut dyn Entropy) -> bool {
    let half = p.as_ref().shr_vartime(1);
    let q: Option<Odd<U2048>> = Odd::new(half).into();
    let Some(q) = q else { return false };
    if has_small_divisor(&q) {
        return false;
    }
    let two = U2048::from_u8(2);
    let miller_rabin = MillerRabin::new(&q);
    if !miller_rabin.passes(&two) || !fermat_holds(p, &two) {
        return false;
    }
    if lucas_test(q, AStarBase, LucasCheck::Bpsw21).is_composite() {
        return false;
    }
    (0..RANDOM_ROUNDS).all(|_| {
        let mut bytes = [0; 256];
        entropy.fill(&mut bytes);
        miller_rabin.passes(&U2048::from_be_slice(&bytes))
    })
}

/// Returns `true` if q or p = 2q + 1 has a small odd divisor.
fn has_small_divisor(q: &U2048) -> bool {
    (3..=SMALL_PRIMES_END)
        .step_by(2)
        .filter_map(|divisor| NonZero::new(Limb::from_u8(divisor)).into_option())
        .any(|divisor| {
            let remainder = q.rem_limb(divisor).0;
            remainder == 0 || 2 * remainder + 1 == divisor.get().0
        })
}

/// The Miller-Rabin test of a number q = d·2^s + 1 with d odd.
///
/// Its powers dominate the time of [`is_safe_prime`] and therefore use our own arithmetic.
struct MillerRabin {
    modulus: Modulus2048,
    minus_one: U2048,
    odd_part: U2048,
    twos: u32,
}

impl MillerRabin {
    fn new(q: &Odd<U2048>) -> Self {
        let minus_one = q.as_ref().wrapping_sub(&U2048::ONE);
        let twos = minus_one.trailing_zeros_vartime();
        let odd_part = minus_one.shr_vartime(twos);
        let modulus = Modulus2048::for_powers(&FixedMontyParams::new_vartime(*q));
        Self { modulus, minus_one, odd_part, twos }
    }

    /// Returns `true` if q is a strong probable prime to this base.
    fn passes(&self, base: &U2048) -> bool {
        let mut power = self.modulus.pow(&self.modulus.residue(base), &self.odd_part);
        let is =
            |power: &Residue2048, number| self.modulus.number::<{ U2048::LIMBS }>(power) == number;
        if is(&power, U2048::ONE) {
            return true;
        }
        for _ in 0..self.twos {
            if is(&power, self.minus_one) {
                return true;
            }
            power = self.modulus.square(&power);
        }
        false
    }
}

/// Returns `true` if base^(p-1) is 1 modulo p.
fn fermat_holds(p: &Odd<U2048>, base: &U2048) -> bool {
    let modulus = Modulus2048::of(&FixedMontyParams::new_vartime(*p));
    let exponent = p.as_ref().wrapping_sub(&U2048::ONE);
    modulus.number::<{ U2048::LIMBS }>(&modulus.pow(&modulus.residue(base), &exponent))
        == U2048::ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(number: u64) -> Odd<U2048> {
        Odd::new(U2048::from_u64(number)).unwrap()
    }

    /// Most composites fail every step; these tests check each step in isolation.
    #[test]
    fn small_divisors_of_q_and_p_are_found() {
        let divides =
            |number: u64| (3..=251).step_by(2).any(|divisor| number.is_multiple_of(divisor));
        // Numbers below a power of two: most have a small divisor, many have none.
        let found = (1..2_000_u64).step_by(2).filter(|below| {
            let q = (1 << 62) - below;
            let found = has_small_divisor(&U2048::from_u64(q));
            assert_eq!(found, divides(q) || divides(2 * q + 1), "{q}");
            found
        });
        assert!((500..990).contains(&found.count()));
    }

    #[test]
    fn miller_rabin_accepts_primes_and_rejects_pseudoprimes() {
        let passes = |q, base| MillerRabin::new(&odd(q)).passes(&U2048::from_u64(base));
        for prime in [65_537, 1_000_003, 4_294_967_291, 18_446_744_073_709_551_557] {
            assert!([2, 3, 5, 7, 1_000].into_iter().all(|base| passes(prime, base)), "{prime}");
        }
        // A known strong pseudoprime to four bases, but not to a fifth.
        assert!([2, 3, 5, 7].into_iter().all(|base| passes(3_215_031_751, base)));
        assert!(!passes(3_215_031_751, 11));
        // Fermat pseudoprimes to base 2.
        assert!([341, 561, 645, 1_105].into_iter().all(|composite| !passes(composite, 2)));
    }
}
