//! RSA public keys: fingerprint and encryption.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crypto_bigint::modular::FixedMontyParams;
use crypto_bigint::{Odd, U2048};
use mtp_env::Entropy;
use zeroize::{Zeroize, Zeroizing};

use super::layout::{self, BLOCK_LEN, Block, PADDED_LEN};
use super::{RsaKeyError, encoding};
use crate::exchange::number::{from_be, to_be_256, without_zeros};
use crate::exchange::residue::Modulus2048;
use crate::hash::sha1;

/// An RSA public key of 2048 bits.
#[derive(Clone)]
pub struct RsaPublicKey {
    modulus: Odd<U2048>,
    arithmetic: Modulus2048,
    exponent: u32,
    fingerprint: Fingerprint,
}

impl RsaPublicKey {
    /// Creates a key from modulus and exponent as big-endian numbers.
    ///
    /// # Errors
    /// [`RsaKeyError`] unless the modulus is odd and has exactly 2048 bits, and the exponent is odd,
    /// at least 3 and below 2^32. The bound on the exponent bounds the time of encryption.
    // spec: crypto 9
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, RsaKeyError> {
        let modulus = without_zeros(modulus);
        let bits = bit_len(modulus);
        let modulus: Option<U2048> = from_be(modulus).filter(|_| bits == U2048::BITS);
        let modulus: Option<Odd<U2048>> =
            Odd::new(modulus.ok_or(RsaKeyError::ModulusSize { bits })?).into();
        let modulus = modulus.ok_or(RsaKeyError::ModulusEven)?;
        let exponent = match without_zeros(exponent) {
            bytes if bytes.len() <= 4 => bytes.iter().fold(0, |e, byte| e << 8 | u32::from(*byte)),
            _ => return Err(RsaKeyError::Exponent),
        };
        if exponent < 3 || exponent % 2 == 0 {
            return Err(RsaKeyError::Exponent);
        }
        let arithmetic = Modulus2048::of(&FixedMontyParams::new_vartime(modulus));
        let fingerprint = Fingerprint::of_key(&to_be_256(modulus.as_ref()), exponent);
        Ok(Self { modulus, arithmetic, exponent, fingerprint })
    }

    /// Reads a PEM document, `RSA PUBLIC KEY` (PKCS#1) or `PUBLIC KEY` (SPKI).
    ///
    /// # Errors
    /// [`RsaKeyError`] if the document is malformed, or as for [`new`](Self::new).
    // spec: crypto 9
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, RsaKeyError> {
        encoding::read_public_pem(pem.as_ref())
    }

    /// Reads the DER encoding of a PKCS#1 or SPKI structure.
    ///
    /// # Errors
    /// [`RsaKeyError`] if the structure is malformed, or as for [`new`](Self::new).
    pub fn from_der(der: &[u8]) -> Result<Self, RsaKeyError> {
        encoding::read_public_der(der)
    }

    /// Returns the key as PEM in PKCS#1, the form that the protocol uses.
    #[must_use]
    pub fn to_pkcs1_pem(&self) -> String {
        encoding::write_public_pkcs1(self)
    }

    /// Returns the key as PEM in SPKI.
    #[must_use]
    pub fn to_spki_pem(&self) -> String {
        encoding::write_public_spki(self)
    }

    /// Returns the fingerprint, by which client and server identify the key.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Returns the modulus as a big-endian number.
    #[must_use]
    pub fn modulus(&self) -> [u8; 256] {
        to_be_256(self.modulus.as_ref())
    }

    /// Returns the public exponent.
    #[must_use]
    pub const fn exponent(&self) -> u32 {
        self.exponent
    }

    /// Encrypts serialized inner data of at most 144 bytes under the current scheme, `RSA_PAD`.
    ///
    /// Draws the padding, then temporary keys until the block is below the modulus.
    ///
    /// # Errors
    /// [`RsaEncryptError`] if the data is too long or the entropy source is broken.
    // spec: crypto 8.4, 17#4
    pub fn pad_encrypt(
        &self,
        data: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<[u8; 256], RsaEncryptError> {
        let mut padded = Zeroizing::new([0; PADDED_LEN]);
        let (front, random) = padded
            .split_at_mut_checked(data.len())
            .filter(|_| data.len() <= INNER_DATA_LEN_MAX)
            .ok_or(RsaEncryptError::TooLong { len: data.len() })?;
        front.copy_from_slice(data);
        entropy.fill(random);
        for _ in 0..DRAWS_MAX {
            let mut temp_key = Zeroizing::new([0; 32]);
            entropy.fill(&mut *temp_key);
            if let Some(encrypted) = self.encrypt_block(&layout::pad(&padded, &temp_key)) {
                return Ok(encrypted);
            }
        }
        Err(RsaEncryptError::Entropy)
    }

    /// Encrypts serialized inner data of at most 144 bytes under the scheme from before 2021.
    ///
    /// # Errors
    /// [`RsaEncryptError::TooLong`] if the data is too long.
    // spec: crypto 8.5
    pub fn legacy_encrypt(
        &self,
        data: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<[u8; 256], RsaEncryptError> {
        if data.len() > INNER_DATA_LEN_MAX {
            return Err(RsaEncryptError::TooLong { len: data.len() });
        }
        let block = layout::pad_legacy(data, entropy);
        self.encrypt_block(&block).ok_or(RsaEncryptError::Entropy)
    }

    /// Raises a block to the public exponent, or returns `None` unless it is below the modulus.
    fn encrypt_block(&self, block: &Block) -> Option<[u8; 256]> {
        let mut message = U2048::from_be_slice(block);
        let encrypted = self.is_below_modulus(&message).then(|| {
            let power =
                self.arithmetic.pow_public(&self.arithmetic.residue(&message), self.exponent);
            to_be_256(&self.arithmetic.number::<{ U2048::LIMBS }>(&power))
        });
        message.zeroize();
        encrypted
    }

    pub(super) fn is_below_modulus(&self, number: &U2048) -> bool {
        number < self.modulus.as_ref()
    }

    pub(super) const fn modulus_number(&self) -> &Odd<U2048> {
        &self.modulus
    }

    pub(super) const fn arithmetic(&self) -> &Modulus2048 {
        &self.arithmetic
    }
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({:016x})", self.fingerprint.0)
    }
}

/// The fingerprint of an RSA public key: the low 64 bits of the SHA-1 of its bare TL serialization.
// spec: crypto 9
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Creates the fingerprint from its number.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Returns the number.
    #[must_use]
    pub const fn as_raw(self) -> u64 {
        self.0
    }

    /// Hashes `n:string e:string` in their TL encoding.
    fn of_key(modulus: &[u8; 256], exponent: u32) -> Self {
        let exponent = exponent.to_be_bytes();
        let exponent = without_zeros(&exponent);
        let mut string = Vec::with_capacity(8);
        string.push(u8::try_from(exponent.len()).unwrap_or_default());
        string.extend_from_slice(exponent);
        string.resize(string.len().next_multiple_of(4), 0);
        let [_, _, _, _, _, _, _, _, _, _, _, _, id @ ..] =
            sha1(&[&[0xfe, 0, 1, 0], modulus, &string]);
        Self(u64::from_le_bytes(id))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:016x})", self.0)
    }
}

/// Errors of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RsaEncryptError {
    /// The data is longer than 144 bytes.
    TooLong {
        /// The length in bytes.
        len: usize,
    },
    /// No temporary key gave a block below the modulus: the entropy source is broken.
    Entropy,
}

impl fmt::Display for RsaEncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "the inner data has {len} bytes, more than 144"),
            Self::Entropy => f.write_str("no temporary key gave a block below the modulus"),
        }
    }
}

impl core::error::Error for RsaEncryptError {}

/// The maximum length of inner data, in bytes.
const INNER_DATA_LEN_MAX: usize = 144;

/// Temporary keys drawn before the entropy source is considered broken. More than half of all keys
/// give a block below the modulus.
const DRAWS_MAX: usize = 128;

const _: () = assert!(BLOCK_LEN * 8 == U2048::BITS as usize);

fn bit_len(number: &[u8]) -> u32 {
    let bits = u32::try_from(number.len()).unwrap_or(u32::MAX).saturating_mul(8);
    bits.saturating_sub(number.first().map_or(0, |byte| byte.leading_zeros()))
}
