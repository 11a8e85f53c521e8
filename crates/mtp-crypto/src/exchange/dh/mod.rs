//! Diffie-Hellman: the group, the secret exponent, and what is checked of a peer's values.

mod comb;
mod group;
mod prime;

use alloc::boxed::Box;
use core::fmt;

use crypto_bigint::U2048;
use mtp_env::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use group::{DhGroup, DhGroupError};
pub use prime::{PRIME_CACHE_LEN, PrimeCache};

use super::number::to_be_256;
use crate::auth_key::{AuthKey, ZeroKeyId};

/// One party's secret exponent with the public value that belongs to it.
///
/// One per run, never used again. All powers take the same time whatever the exponent is.
pub struct DhSecret {
    group: DhGroup,
    exponent: Box<U2048>,
    public: [u8; 256],
}

impl DhSecret {
    /// Draws 256 random bytes as the exponent, again if the public value is out of range.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] if that happens again and again: the source of randomness is
    /// broken.
    // spec: crypto 8.7
    // spec: crypto 8.8.6
    pub fn generate(group: &DhGroup, entropy: &mut dyn Entropy) -> Result<Self, DhValueError> {
        for _ in 0..DRAWS_MAX {
            let mut bytes = Zeroizing::new([0; 256]);
            entropy.fill(&mut *bytes);
            let exponent = Box::new(U2048::from_be_slice(&*bytes));
            let public = group.power_of_generator(&exponent);
            let secret = Self { group: group.clone(), exponent, public: to_be_256(&public) };
            // spec: crypto 10.3, 17#7
            if group.check_value(&public).is_ok() {
                return Ok(secret);
            }
        }
        Err(DhValueError::Entropy)
    }

    /// Returns the value to send, `g_a` or `g_b`: always 256 bytes.
    #[must_use]
    pub const fn public(&self) -> &[u8; 256] {
        &self.public
    }

    /// Checks the peer's value and computes the secret that both share.
    ///
    /// # Errors
    /// [`DhValueError`] if the value is out of range; nothing was computed with it then.
    // spec: crypto 10.3, 17#7
    pub fn shared(&self, peer: &[u8]) -> Result<SharedSecret, DhValueError> {
        let peer = self.group.read_value(peer)?;
        let mut shared = self.group.power(&peer, &self.exponent);
        let secret = SharedSecret(Box::new(to_be_256(&shared)));
        shared.zeroize();
        Ok(secret)
    }
}

impl Drop for DhSecret {
    fn drop(&mut self) {
        self.exponent.zeroize();
    }
}

impl ZeroizeOnDrop for DhSecret {}

impl fmt::Debug for DhSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DhSecret({:?}, ..)", self.group)
    }
}

/// What both parties computed, padded to 256 bytes on the left: an auth key to be.
// spec: crypto 1
pub struct SharedSecret(Box<[u8; 256]>);

impl SharedSecret {
    /// Returns the secret bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 256] {
        &self.0
    }

    /// Makes the secret an auth key.
    ///
    /// # Errors
    /// [`ZeroKeyId`] if its id is zero: a client starts again, a server answers `dh_gen_retry`.
    pub fn into_auth_key(self) -> Result<AuthKey, ZeroKeyId> {
        AuthKey::new(*self.0)
    }
}

impl Drop for SharedSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SharedSecret {}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// Why a public value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DhValueError {
    /// It has more than 256 bytes.
    TooLong {
        /// The number of bytes.
        len: usize,
    },
    /// It is below 2^1984, where too few powers of the generator lie.
    TooSmall,
    /// It is above the prime less 2^1984.
    TooLarge,
    /// No random exponent gave a value in range.
    Entropy,
}

impl fmt::Display for DhValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "the public value has {len} bytes, above 256"),
            Self::TooSmall => f.write_str("the public value is below 2^1984"),
            Self::TooLarge => f.write_str("the public value is above the prime less 2^1984"),
            Self::Entropy => f.write_str("no random exponent gave a public value in range"),
        }
    }
}

impl core::error::Error for DhValueError {}

/// Exponents drawn before the source of randomness is declared broken: one of 2^63 is in vain.
const DRAWS_MAX: usize = 4;
