//! The server's proof of work: splitting a product of two primes.
//!
//! The number comes from the peer, and nothing is known about it: so it is first tested for being
//! prime, then split by methods whose work has a fixed bound, and what was found is tested again.
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

/// A product of two different odd primes, and the primes, the smaller first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pq {
    p: u64,
    q: u64,
}

impl Pq {
    /// Draws two primes of 31 bits, as servers do; their product has 61 or 62 bits.
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

/// A number in the form in which `pq`, `p` and `q` travel: big-endian, without leading zero bytes.
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
    /// Writes a number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self { bytes: number.to_be_bytes(), zeros: number.leading_zeros() as usize / 8 }
    }

    /// Reads a number that a peer sent; `None` if it does not fit into 64 bits.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<u64> {
        if bytes.len() > NUMBER_LEN_MAX {
            return None;
        }
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Returns the bytes as they travel, none for zero.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.zeros..).unwrap_or_default()
    }
}

/// Splits `pq` into two different odd primes.
///
/// Takes 40 µs on average on a server's core, and never more than a few milliseconds: the work is
/// bounded by [`CURVES_MAX`] and [`RHO_STEPS_MAX`].
///
/// # Errors
/// [`FactorError`] names what kind of number it was instead.
// spec: crypto 8.3, 17#3
// spec: crypto 16
pub fn factor(pq: u64) -> Result<Pq, FactorError> {
    factor_counting(pq, &mut Effort::default())
}

/// Splits `pq` as [`factor`] does and counts the work, for those who check its bound.
///
/// # Errors
/// Those of [`factor`].
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

/// How much work a factorization took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effort {
    /// Elliptic curves tried, at most [`CURVES_MAX`].
    pub curves: u32,
    /// Steps of the rho method, at most [`RHO_STEPS_MAX`].
    pub rho_steps: u32,
}

/// Why a number is not the product of two different odd primes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactorError {
    /// It is 3 or less.
    TooSmall,
    /// It is even.
    Even,
    /// It is a prime.
    Prime,
    /// It is a square.
    Square,
    /// It has more than two prime factors.
    ManyFactors,
    /// It was not split within the bound; no product of two primes is known that ends here.
    GivenUp,
}

impl fmt::Display for FactorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSmall => "pq is 3 or less",
            Self::Even => "pq is even",
            Self::Prime => "pq is a prime",
            Self::Square => "pq is a square",
            Self::ManyFactors => "pq has more than two prime factors",
            Self::GivenUp => "pq was not split within the bound on the work",
        })
    }
}

impl core::error::Error for FactorError {}

/// Elliptic curves tried before the rho method. One curve of eight finds a prime of 31 bits, so that
/// one number of a thousand is left for rho.
pub const CURVES_MAX: u32 = 48;

/// Steps of the rho method before giving up; a factor of 32 bits takes 2^16 on average.
pub const RHO_STEPS_MAX: u32 = 1 << 21;

const NUMBER_LEN_MAX: usize = 8;

/// Finds a divisor of an odd number above 3, neither 1 nor the number itself.
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
