//! Primality of numbers of up to 64 bits.

use mtp_env::Entropy;

use super::montgomery::Modulus;

/// The odd primes below 54, for trial division.
pub(super) const SMALL_PRIMES: [u64; 15] =
    [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53];

/// Returns `true` if a number is prime. The test is exact for all 64-bit numbers.
// spec: crypto 16
pub(super) fn is_prime(n: u64) -> bool {
    if n < 4 || n.is_multiple_of(2) {
        return n == 2 || n == 3;
    }
    let bases: &[u64] = if n < THREE_BASES_BELOW { &THREE_BASES } else { &SEVEN_BASES };
    let modulus = Modulus::new(n);
    bases.iter().all(|base| is_strong_probable_prime(&modulus, *base))
}

/// Returns `true` if a number is prime, at compile time.
pub(super) const fn is_small_prime(n: u32) -> bool {
    let mut divisor = 2;
    while divisor * divisor <= n {
        if n.is_multiple_of(divisor) {
            return false;
        }
        divisor += 1;
    }
    n > 1
}

/// Draws a prime of 31 bits other than `other`: the first one from a random number on.
///
/// Draws from the entropy source once, so that a broken source cannot cause an endless loop.
pub(super) fn random_prime(entropy: &mut dyn Entropy, other: Option<u64>) -> u64 {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    let mut candidate = u64::from(u32::from_le_bytes(bytes) >> 2 | 1 << 30 | 1);
    while !is_prime(candidate) || other == Some(candidate) {
        candidate += 2;
    }
    candidate
}

/// Bases that detect every composite below [`THREE_BASES_BELOW`] (Jaeschke 1993).
const THREE_BASES: [u64; 3] = [2, 7, 61];
const THREE_BASES_BELOW: u64 = 4_759_123_141;
/// Bases that detect every composite below 2^64 (Sinclair 2011).
const SEVEN_BASES: [u64; 7] = [2, 325, 9_375, 28_178, 450_775, 9_780_504, 1_795_265_022];

fn is_strong_probable_prime(modulus: &Modulus, base: u64) -> bool {
    let n = modulus.n();
    let residue = modulus.residue(base);
    if residue == 0 {
        return true;
    }
    let twos = (n - 1).trailing_zeros();
    let minus_one = n - modulus.one();
    let mut power = modulus.pow(residue, (n - 1) >> twos);
    if power == modulus.one() || power == minus_one {
        return true;
    }
    for _ in 1..twos {
        power = modulus.square(power);
        if power == minus_one {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_prime_agrees_with_a_sieve() {
        const END: usize = 10_000;
        let mut composite = [false; END];
        for n in 2..END {
            assert_eq!(is_prime(n as u64), !composite[n], "{n}");
            for multiple in (n * n..END).step_by(n) {
                composite[multiple] = true;
            }
        }
        assert!(!is_prime(0) && !is_prime(1));
    }

    #[test]
    fn strong_pseudoprimes_are_composite() {
        // Pseudoprimes to bases 2; 2..7; 2..11; 2..13; 2..23; 2, 7 and 61; and a Carmichael number.
        for n in [
            2047,
            3_215_031_751,
            2_152_302_898_747,
            3_474_749_660_383,
            3_825_123_056_546_413_051,
            THREE_BASES_BELOW,
            561,
        ] {
            assert!(!is_prime(n), "{n}");
        }
    }

    #[test]
    fn large_primes_are_prime() {
        for n in [(1 << 61) - 1, 9_223_372_036_854_775_783, 18_446_744_073_709_551_557] {
            assert!(is_prime(n), "{n}");
        }
    }
}
