//! Diffie-Hellman groups.

use alloc::sync::Arc;
use core::fmt;

use crypto_bigint::modular::FixedMontyParams;
use crypto_bigint::{Limb, NonZero, Odd, U2048};
use mtp_env::Entropy;
use zeroize::Zeroizing;

use super::prime::PrimeCache;
use super::{DhValueError, comb};
use crate::exchange::number::{from_be, to_be_256};
use crate::exchange::residue::Modulus2048;

/// A safe prime of 2048 bits and a generator of its large subgroup, both checked.
#[derive(Clone)]
pub struct DhGroup {
    generator: u8,
    modulus: Modulus,
}

#[derive(Clone)]
enum Modulus {
    Known,
    Other(Arc<(Odd<U2048>, Modulus2048)>),
}

impl DhGroup {
    /// The group of all production servers: the known prime with generator 3.
    pub const KNOWN: Self = Self { generator: 3, modulus: Modulus::Known };

    /// Checks the group that a peer proposes.
    ///
    /// The known prime costs a comparison. Any other is tested for being a safe prime, which takes a
    /// few tenths of a second if it is one; `cache` stores the result.
    ///
    /// # Errors
    /// [`DhGroupError`] names the violated rule.
    // spec: crypto 10.2, 17#6
    pub fn check(
        generator: i32,
        prime: &[u8],
        cache: &mut PrimeCache,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, DhGroupError> {
        let prime: U2048 = from_be(prime).ok_or(DhGroupError::PrimeSize)?;
        if prime.bits_vartime() != U2048::BITS {
            return Err(DhGroupError::PrimeSize);
        }
        let generator = check_generator(generator, &prime)?;
        if prime == *KNOWN_PRIME.as_ref() {
            return Ok(Self { generator, modulus: Modulus::Known });
        }
        let prime: Option<Odd<U2048>> = Odd::new(prime).into();
        let prime = prime.ok_or(DhGroupError::NotSafePrime)?;
        if !cache.is_safe_prime(&prime, entropy) {
            return Err(DhGroupError::NotSafePrime);
        }
        let modulus = Modulus2048::of(&FixedMontyParams::new_vartime(prime));
        Ok(Self { generator, modulus: Modulus::Other(Arc::new((prime, modulus))) })
    }

    /// Returns the generator, `g:int`.
    #[must_use]
    pub const fn generator(&self) -> i32 {
        self.generator as i32
    }

    /// Returns the prime, big-endian.
    #[must_use]
    pub fn prime(&self) -> [u8; 256] {
        to_be_256(self.prime_number())
    }

    /// Reads a peer's public value and checks its range.
    pub(crate) fn read_value(&self, bytes: &[u8]) -> Result<U2048, DhValueError> {
        let value = from_be(bytes).ok_or(DhValueError::TooLong { len: bytes.len() })?;
        self.check_value(&value).map(|()| value)
    }

    /// Checks the range of a public value, our own or a peer's.
    // spec: crypto 10.3
    pub(super) fn check_value(&self, value: &U2048) -> Result<(), DhValueError> {
        if *value < MARGIN {
            return Err(DhValueError::TooSmall);
        }
        if *value > self.prime_number().wrapping_sub(&MARGIN) {
            return Err(DhValueError::TooLarge);
        }
        Ok(())
    }

    /// Raises the generator to a secret power.
    pub(crate) fn power_of_generator(&self, exponent: &U2048) -> U2048 {
        match (&self.modulus, self.generator) {
            (Modulus::Known, 3) => comb::power_of_3(exponent),
            _ => self.power(&U2048::from_u8(self.generator), exponent),
        }
    }

    /// Raises a public value to a secret power in constant time.
    pub(crate) fn power(&self, base: &U2048, exponent: &U2048) -> U2048 {
        let modulus = match &self.modulus {
            Modulus::Known => &KNOWN_MODULUS,
            Modulus::Other(other) => &other.1,
        };
        let power = Zeroizing::new(modulus.pow(&modulus.residue(base), exponent));
        modulus.number(&power)
    }

    pub(crate) fn prime_number(&self) -> &U2048 {
        self.odd_prime().as_ref()
    }

    /// Returns the parameters of `crypto-bigint`, for operations where speed does not matter.
    pub(crate) fn params(&self) -> FixedMontyParams<{ U2048::LIMBS }> {
        FixedMontyParams::new_vartime(*self.odd_prime())
    }

    fn odd_prime(&self) -> &Odd<U2048> {
        match &self.modulus {
            Modulus::Known => &KNOWN_PRIME,
            Modulus::Other(other) => &other.0,
        }
    }
}

impl fmt::Debug for DhGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prime = match self.modulus {
            Modulus::Known => "known prime",
            Modulus::Other(_) => "other prime",
        };
        write!(f, "DhGroup({}, {prime})", self.generator)
    }
}

/// Errors of [`DhGroup::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DhGroupError {
    /// The prime does not have exactly 2048 bits.
    PrimeSize,
    /// The generator is not in 2 to 7.
    GeneratorRange {
        /// The generator.
        generator: i32,
    },
    /// The generator is not a square modulo the prime, so that public values would reveal the lowest
    /// bit of the exponent.
    GeneratorNotResidue {
        /// The generator.
        generator: i32,
    },
    /// The modulus p is not a safe prime: p or (p − 1) / 2 is not prime.
    NotSafePrime,
}

impl fmt::Display for DhGroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrimeSize => f.write_str("the prime does not have exactly 2048 bits"),
            Self::GeneratorRange { generator } => {
                write!(f, "the generator {generator} is not in 2 to 7")
            }
            Self::GeneratorNotResidue { generator } => {
                write!(f, "the generator {generator} is not a square modulo the prime")
            }
            Self::NotSafePrime => f.write_str("the modulus is not a safe prime"),
        }
    }
}

impl core::error::Error for DhGroupError {}

/// The prime that all production servers use.
// spec: crypto 10.1
static KNOWN_PRIME: Odd<U2048> = Odd::<U2048>::from_be_hex(concat!(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f",
    "48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37",
    "20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64",
    "2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4",
    "a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754",
    "fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4",
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f",
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b",
));

/// The arithmetic of the known prime, with constants computed at compile time.
pub(super) static KNOWN_MODULUS: Modulus2048 =
    Modulus2048::of(&FixedMontyParams::new_vartime(KNOWN_PRIME));

/// The least distance of public values from 0 and from the prime.
const MARGIN: U2048 = U2048::ONE.shl_vartime(2048 - 64);

/// Checks that the generator is a quadratic residue, so that it generates the subgroup of prime
/// order.
// spec: crypto 10.2.2
fn check_generator(generator: i32, prime: &U2048) -> Result<u8, DhGroupError> {
    let residue = |divisor: u8| {
        let divisor = NonZero::new(Limb::from_u8(divisor)).unwrap_or(NonZero::<Limb>::ONE);
        prime.rem_limb(divisor).0
    };
    let (small, is_residue) = match generator {
        2 => (2, residue(8) == 7),
        3 => (3, residue(3) == 2),
        4 => (4, true),
        5 => (5, matches!(residue(5), 1 | 4)),
        6 => (6, matches!(residue(24), 19 | 23)),
        7 => (7, matches!(residue(7), 3 | 5 | 6)),
        _ => return Err(DhGroupError::GeneratorRange { generator }),
    };
    if is_residue { Ok(small) } else { Err(DhGroupError::GeneratorNotResidue { generator }) }
}
