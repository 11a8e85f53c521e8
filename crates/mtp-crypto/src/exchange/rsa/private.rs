//! RSA private keys: generation and decryption.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::num::NonZeroU32;

use crypto_bigint::modular::FixedMontyParams;
use crypto_bigint::{NonZero, Odd, U1024, U2048};
use crypto_primes::hazmat::SmallFactorsSieve;
use crypto_primes::{Flavor, is_prime};
use mtp_env::Entropy;
use mtp_kernels::Multiplier;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::layout::{self, Block, InnerData, RsaSchemes};
use super::public::RsaPublicKey;
use super::{RsaKeyError, encoding};
use crate::exchange::number::{from_be, to_be_256, without_zeros, write_be};
use crate::exchange::residue::{Modulus1024, Residue1024, limbs, pow_each};

/// An RSA private key of 2048 bits with two primes of 1024 bits.
///
/// Operations take constant time, and messages are blinded in addition. The parts live on the heap
/// and are wiped on drop.
pub struct RsaPrivateKey {
    public: RsaPublicKey,
    secret: Box<Secret>,
}

/// The secret parts and values derived from them.
struct Secret {
    exponent: U2048,
    p: Prime,
    q: Prime,
    /// The inverse of q modulo p.
    q_inverse: Residue1024,
}

impl RsaPrivateKey {
    /// Generates a key with public exponent 65537, which takes a few tenths of a second.
    ///
    /// # Errors
    /// [`RsaKeyError::Entropy`] if no primes are found: the entropy source is broken.
    // spec: crypto 9
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, RsaKeyError> {
        (0..DRAWS_MAX)
            .find_map(|_| {
                let (p, q) = (random_prime(entropy)?, random_prime(entropy)?);
                Self::from_primes(&p, &q, PUBLIC_EXPONENT)
            })
            .ok_or(RsaKeyError::Entropy)
    }

    /// Reads a PEM document, `RSA PRIVATE KEY` (PKCS#1) or `PRIVATE KEY` (PKCS#8).
    ///
    /// # Errors
    /// [`RsaKeyError`] if the document is malformed, as for [`RsaPublicKey::new`], or if the parts
    /// are inconsistent.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, RsaKeyError> {
        encoding::read_private_pem(pem.as_ref())
    }

    /// Reads the DER encoding of a PKCS#1 or PKCS#8 structure.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(der: &[u8]) -> Result<Self, RsaKeyError> {
        encoding::read_private_der(der)
    }

    /// Returns the key as PEM in PKCS#1.
    #[must_use]
    pub fn to_pkcs1_pem(&self) -> Zeroizing<String> {
        encoding::write_private_pkcs1(self)
    }

    /// Returns the key as PEM in PKCS#8.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        encoding::write_private_pkcs8(self)
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public(&self) -> &RsaPublicKey {
        &self.public
    }

    /// Decrypts a client's inner data and checks its hash.
    ///
    /// Performs one private operation for all schemes, blinded with `entropy`.
    ///
    /// # Errors
    /// [`RsaDecryptError`] for every defect alike, after constant time. Only a wrong length and a
    /// value above the modulus, which are public, return early.
    // spec: crypto 8.4, 17#12
    // spec: crypto 8.11
    // spec: crypto 18.4
    pub fn decrypt(
        &self,
        encrypted: &[u8],
        schemes: RsaSchemes,
        entropy: &mut dyn Entropy,
    ) -> Result<InnerData, RsaDecryptError> {
        let encrypted: &Block = encrypted.try_into().map_err(|_| RsaDecryptError)?;
        let encrypted = U2048::from_be_slice(encrypted);
        if !self.public.is_below_modulus(&encrypted) {
            return Err(RsaDecryptError);
        }
        let mut message = self.power(&encrypted, entropy).ok_or(RsaDecryptError)?;
        let block = Zeroizing::new(to_be_256(&message));
        message.zeroize();

        let (is_current, padded) = layout::unpad(&block);
        let legacy = match schemes {
            RsaSchemes::Current => None,
            RsaSchemes::CurrentAndLegacy => Some(layout::unpad_legacy(&block)),
        };
        match legacy {
            _ if is_current.into() => Ok(InnerData::current(&padded)),
            Some((is_legacy, len)) if is_legacy.into() => Ok(InnerData::legacy(&block, len)),
            _ => Err(RsaDecryptError),
        }
    }

    /// Creates a key from its primes, or returns `None` if the exponent has no inverse or the primes
    /// are equal.
    fn from_primes(p: &Odd<U1024>, q: &Odd<U1024>, exponent: u32) -> Option<Self> {
        let modulus: U2048 = p.as_ref().concatenating_mul(q.as_ref());
        let below = |prime: &U1024| prime.wrapping_sub(&U1024::ONE);
        let totient: U2048 = below(p.as_ref()).concatenating_mul(&below(q.as_ref()));
        let totient: NonZero<U2048> = Option::from(NonZero::new(totient))?;
        let inverse: Option<U2048> = U2048::from_u32(exponent).invert_mod(&totient).into();
        Self::from_parts(&Parts {
            modulus: &to_be_256(&modulus),
            exponent: &exponent.to_be_bytes(),
            private_exponent: &to_be_256(&inverse?),
            p: &to_be_256(p.as_ref()),
            q: &to_be_256(q.as_ref()),
        })
        .ok()
    }

    /// Creates a key from its parts and checks that they are consistent.
    pub(super) fn from_parts(parts: &Parts<'_>) -> Result<Self, RsaKeyError> {
        let public = RsaPublicKey::new(parts.modulus, parts.exponent)?;
        let exponent: U2048 =
            from_be(without_zeros(parts.private_exponent)).ok_or(RsaKeyError::Inconsistent)?;
        let p = Prime::new(parts.p, &exponent).ok_or(RsaKeyError::Inconsistent)?;
        let q = Prime::new(parts.q, &exponent).ok_or(RsaKeyError::Inconsistent)?;
        let product: U2048 = p.number.as_ref().concatenating_mul(q.number.as_ref());
        let q_below_p: U1024 = p.arithmetic.number(&p.arithmetic.residue(q.number.as_ref()));
        let q_inverse: Option<U1024> = q_below_p.invert_odd_mod(&p.number).into();
        let is_consistent = product == *public.modulus_number().as_ref()
            && p.inverts(public.exponent())
            && q.inverts(public.exponent());
        match q_inverse {
            Some(q_inverse) if is_consistent => {
                let q_inverse = p.arithmetic.residue(&*Zeroizing::new(q_inverse));
                Ok(Self { public, secret: Box::new(Secret { exponent, p, q, q_inverse }) })
            }
            _ => Err(RsaKeyError::Inconsistent),
        }
    }

    /// Raises a number below the modulus to the private exponent.
    ///
    /// The base is blinded: for c' = c·r^e with a random r, the power of c' is that of c times r,
    /// and the time does not depend on c. The result is verified with the public exponent, because a
    /// hardware fault in the computation modulo one prime would reveal the primes.
    fn power(&self, number: &U2048, entropy: &mut dyn Entropy) -> Option<U2048> {
        let modulus = self.public.arithmetic();
        let exponent = self.public.exponent();
        let mut bytes = Zeroizing::new([0; 256]);
        entropy.fill(&mut *bytes);
        let factor = Zeroizing::new(modulus.residue(&U2048::from_be_slice(&*bytes)));
        let reduced: Zeroizing<U2048> = Zeroizing::new(modulus.number(&factor));
        let inverse: Option<U2048> = reduced.invert_odd_mod(self.public.modulus_number()).into();
        let inverse = Zeroizing::new(modulus.residue(&*Zeroizing::new(inverse?)));
        let blind = modulus.pow_public(&factor, exponent);
        let blinded: U2048 = modulus.number(&modulus.mul(&modulus.residue(number), &blind));

        let power = Zeroizing::new(modulus.residue(&*self.secret.power(&blinded)));
        let checked: U2048 = modulus.number(&modulus.pow_public(&power, exponent));
        let is_right = to_be_256(&checked).ct_eq(&to_be_256(&blinded));
        let result = modulus.number(&modulus.mul(&power, &inverse));
        bool::from(is_right).then_some(result)
    }

    pub(super) fn secret_parts(&self) -> SecretParts {
        let secret = &*self.secret;
        let to_128 = |number: &U1024| {
            let mut bytes = Zeroizing::new([0; 128]);
            write_be(number, &mut *bytes);
            bytes
        };
        let inverse: U1024 = secret.p.arithmetic.number(&secret.q_inverse);
        SecretParts {
            private_exponent: Zeroizing::new(to_be_256(&secret.exponent)),
            p: to_128(secret.p.number.as_ref()),
            q: to_128(secret.q.number.as_ref()),
            p_exponent: to_128(&secret.p.exponent),
            q_exponent: to_128(&secret.q.exponent),
            q_inverse: to_128(&inverse),
        }
    }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPrivateKey({:016x}, ..)", self.public.fingerprint().as_raw())
    }
}

impl Secret {
    /// Raises a number to the private exponent modulo both primes and combines the results.
    fn power(&self, number: &U2048) -> Zeroizing<U2048> {
        let [mut of_p, mut of_q] = Prime::powers([&self.p, &self.q], number);
        // x = of_q + q · ((of_p - of_q) / q mod p)
        let p = &self.p.arithmetic;
        let mut gap = p.mul(&p.sub(&p.residue(&of_p), &p.residue(&of_q)), &self.q_inverse);
        let mut factor: U1024 = p.number(&gap);
        let product: U2048 = factor.concatenating_mul(self.q.number.as_ref());
        let joined = Zeroizing::new(product.wrapping_add(&of_q.resize()));
        of_p.zeroize();
        of_q.zeroize();
        gap.zeroize();
        factor.zeroize();
        joined
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.exponent.zeroize();
        self.q_inverse.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

/// A prime, and the private exponent modulo the prime minus 1.
struct Prime {
    number: Odd<U1024>,
    arithmetic: Modulus1024,
    exponent: U1024,
}

impl Prime {
    /// Creates a prime from an odd number of 1024 bits. Primality is not checked.
    fn new(bytes: &[u8], private_exponent: &U2048) -> Option<Self> {
        let number: U1024 = from_be(without_zeros(bytes))?;
        if number.bits() != U1024::BITS {
            return None;
        }
        let below: NonZero<U1024> = Option::from(NonZero::new(number.wrapping_sub(&U1024::ONE)))?;
        let exponent = private_exponent.rem(&below);
        let number: Odd<U1024> = Option::from(Odd::new(number))?;
        let arithmetic = Modulus1024::of(&FixedMontyParams::new(number));
        Some(Self { number, arithmetic, exponent })
    }

    /// Returns `true` if the exponent is the inverse of the public one.
    fn inverts(&self, public_exponent: u32) -> bool {
        let below = self.number.as_ref().wrapping_sub(&U1024::ONE);
        let below: Option<NonZero<U1024>> = NonZero::new(below).into();
        let product: U2048 = self.exponent.concatenating_mul(&U1024::from_u32(public_exponent));
        below.is_some_and(|below| product.rem(&below) == U1024::ONE)
    }

    /// Raises a number of double length to the private exponent modulo each prime.
    fn powers(primes: [&Self; 2], number: &U2048) -> [U1024; 2] {
        let mut bases = primes.map(|prime| prime.residue(number));
        let exponents = primes.map(|prime| Zeroizing::new(limbs(&prime.exponent)));
        let [p, q] = primes.map(|prime| &prime.arithmetic);
        let [p_job, q_job] = [(p, &bases[0], &*exponents[0]), (q, &bases[1], &*exponents[1])];
        let mut powers = pow_each([p_job, q_job], Multiplier::detect());
        let numbers = [p.number(&powers[0]), q.number(&powers[1])];
        bases.zeroize();
        powers.zeroize();
        numbers
    }

    /// Reduces a number of double length.
    fn residue(&self, number: &U2048) -> Residue1024 {
        let (low, high) = number.split::<{ U1024::LIMBS }>();
        let p = &self.arithmetic;
        p.add(&p.residue_above(&high), &p.residue(&low))
    }
}

impl Drop for Prime {
    fn drop(&mut self) {
        self.number.zeroize();
        self.arithmetic.zeroize();
        self.exponent.zeroize();
    }
}

/// The numbers of a key as in its file, big-endian.
pub(super) struct Parts<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
    pub(super) private_exponent: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
}

/// The secret numbers of a key, big-endian.
pub(super) struct SecretParts {
    pub(super) private_exponent: Zeroizing<[u8; 256]>,
    pub(super) p: Zeroizing<[u8; 128]>,
    pub(super) q: Zeroizing<[u8; 128]>,
    pub(super) p_exponent: Zeroizing<[u8; 128]>,
    pub(super) q_exponent: Zeroizing<[u8; 128]>,
    pub(super) q_inverse: Zeroizing<[u8; 128]>,
}

/// Inner data that is damaged or was encrypted under another key or scheme.
///
/// The error has no details, so that a peer learns nothing about the defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "every defect looks the same, so it has no details")]
pub struct RsaDecryptError;

impl fmt::Display for RsaDecryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the encrypted inner data is not valid")
    }
}

impl core::error::Error for RsaDecryptError {}

const PUBLIC_EXPONENT: u32 = 65_537;

/// Pairs of primes drawn before the entropy source is considered broken. A pair is rejected if the
/// public exponent divides one of them minus 1, which happens once in 30,000 times.
const DRAWS_MAX: usize = 8;

/// Draws a prime of 1024 bits with the two highest bits set, so that the product of two has 2048
/// bits: the first prime from a random number on, if there is one below 2^1024.
fn random_prime(entropy: &mut dyn Entropy) -> Option<Odd<U1024>> {
    let mut bytes = Zeroizing::new([0; 128]);
    entropy.fill(&mut *bytes);
    let start = U1024::from_be_slice(&*bytes)
        .bitor(&U1024::ONE.shl_vartime(1022))
        .bitor(&U1024::ONE.shl_vartime(1023));
    let candidates = SmallFactorsSieve::new(start, NonZeroU32::new(U1024::BITS)?, false).ok()?;
    let prime = candidates.into_iter().find(|candidate| is_prime(Flavor::Any, candidate))?;
    Odd::new(prime).into()
}
