//! The server's proof of work: factoring a product of two primes.
//!
//! The number comes from the peer and is untrusted: it is tested for primality, then factored with a
//! bounded amount of work, and the factors are tested again.
//!
//! ```text
//!   pq ── trial division ── prime? square? ── elliptic curves, at most CURVES_MAX ──┐
//!                                         └── rho, at most RHO_STEPS_MAX ───────────┴─▶ p, q prime?
//! ```

mod curve;
mod montgomery;
mod primality;
mod rho;

use core::fmt;

use mtp_env::Entropy;

use montgomery::Modulus;

/// A product of two different odd primes, with its factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pq {
    p: u64,
    q: u64,
}

impl Pq {
    /// Draws two primes of 31 bits, like Telegram's servers. Their product has 61 or 62 bits.
    // spec: crypto 8.11
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let one = primality::random_prime(entropy, None);
        let other = primality::random_prime(entropy, Some(one));
        Self { p: one.min(other), q: one.max(other) }
    }

    /// Returns the product.
    #[must_use]
    pub const fn pq(self) -> u64 {
        self.p.wrapping_mul(self.q)
    }

    /// Returns the smaller prime.
    #[must_use]
    pub const fn p(self) -> u64 {
        self.p
    }

    /// Returns the larger prime.
    #[must_use]
    pub const fn q(self) -> u64 {
        self.q
    }
}

/// The wire form of `pq`, `p` and `q`: big-endian, without leading zero bytes.
///
/// ```
/// use mtp_crypto::exchange::ShortNumber;
///
/// assert_eq!(ShortNumber::new(0x1_02).as_bytes(), [1, 2]);
/// assert_eq!(ShortNumber::read(&[0, 1, 2]), Some(0x1_02));
/// ```
// spec: crypto 1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShortNumber {
    bytes: [u8; 8],
    zeros: usize,
}

impl ShortNumber {
    /// Converts a number to its wire form.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self { bytes: number.to_be_bytes(), zeros: number.leading_zeros() as usize / 8 }
    }

    /// Reads a number from its wire form, or returns `None` if it is longer than 8 bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<u64> {
        if bytes.len() > NUMBER_LEN_MAX {
            return None;
        }
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Returns the bytes on the wire; none for zero.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.zeros..).unwrap_or_default()
    }
}

/// Factors `pq` into two different odd primes.
///
/// Takes 40 µs on average on a server's core and at most a few milliseconds: the work is bounded by
/// [`CURVES_MAX`] and [`RHO_STEPS_MAX`].
///
/// # Errors
/// [`FactorError`] if the number is not such a product.
// spec: crypto 8.3, 17#3
// spec: crypto 16
pub fn factor(pq: u64) -> Result<Pq, FactorError> {
    factor_counting(pq, &mut Effort::default())
}

/// Factors `pq` like [`factor`] and counts the work, for tests of its bound.
///
/// # Errors
/// As [`factor`].
pub fn factor_counting(pq: u64, effort: &mut Effort) -> Result<Pq, FactorError> {
    let divisor = match pq {
        0..=3 => return Err(FactorError::TooSmall),
        _ if pq.is_multiple_of(2) => return Err(FactorError::Even),
        _ => find_divisor(pq, effort)?,
    };
    let quotient = pq / divisor;
    let pq = Pq { p: divisor.min(quotient), q: divisor.max(quotient) };
    if primality::is_prime(pq.p) && primality::is_prime(pq.q) {
        Ok(pq)
    } else {
        Err(FactorError::ManyFactors)
    }
}

/// The work of a factorization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effort {
    /// Elliptic curves tried, at most [`CURVES_MAX`].
    pub curves: u32,
    /// Steps of the rho method, at most [`RHO_STEPS_MAX`].
    pub rho_steps: u32,
}

/// Errors of [`factor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactorError {
    /// The number is 3 or less.
    TooSmall,
    /// The number is even.
    Even,
    /// The number is prime.
    Prime,
    /// The number is a square.
    Square,
    /// The number has more than two prime factors.
    ManyFactors,
    /// No factor was found within the bound on the work. No product of two primes is known for which
    /// this happens.
    GivenUp,
}

impl fmt::Display for FactorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSmall => "pq is 3 or less",
            Self::Even => "pq is even",
            Self::Prime => "pq is prime",
            Self::Square => "pq is a square",
            Self::ManyFactors => "pq has more than two prime factors",
            Self::GivenUp => "pq was not factored within the bound on the work",
        })
    }
}

impl core::error::Error for FactorError {}

/// Elliptic curves tried before the rho method. One curve in eight finds a prime of 31 bits, so one
/// number in a thousand is left for rho.
pub const CURVES_MAX: u32 = 48;

/// Steps of the rho method before giving up. A factor of 32 bits takes 2^16 steps on average.
pub const RHO_STEPS_MAX: u32 = 1 << 21;

const NUMBER_LEN_MAX: usize = 8;

/// Finds a proper divisor of an odd number above 3.
fn find_divisor(pq: u64, effort: &mut Effort) -> Result<u64, FactorError> {
    for prime in primality::SMALL_PRIMES {
        if pq.is_multiple_of(prime) {
            return if prime == pq { Err(FactorError::Prime) } else { proper(pq, prime) };
        }
    }
    if primality::is_prime(pq) {
        return Err(FactorError::Prime);
    }
    let root = pq.isqrt();
    if root * root == pq {
        return Err(FactorError::Square);
    }
    let modulus = Modulus::new(pq);
    curve::find_divisor(&modulus, &mut effort.curves)
        .or_else(|| rho::find_divisor(&modulus, &mut effort.rho_steps))
        .ok_or(FactorError::GivenUp)
}

fn proper(pq: u64, prime: u64) -> Result<u64, FactorError> {
    if pq / prime == prime { Err(FactorError::Square) } else { Ok(prime) }
}
