//! Diffie-Hellman: the group, the secret exponent and the checks of a peer's values.

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

/// One party's secret exponent with its public value.
///
/// Use it for one exchange only. Powers take constant time.
pub struct DhSecret {
    group: DhGroup,
    exponent: Box<U2048>,
    public: [u8; 256],
}

impl DhSecret {
    /// Draws a random exponent of 256 bytes, repeatedly until the public value is in range.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] after a few failed draws: the entropy source is broken.
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

    /// Returns the public value, `g_a` or `g_b`.
    #[must_use]
    pub const fn public(&self) -> &[u8; 256] {
        &self.public
    }

    /// Checks the peer's public value and computes the shared secret.
    ///
    /// # Errors
    /// [`DhValueError`] if the value is out of range.
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

/// The shared secret, padded to 256 bytes on the left.
// spec: crypto 1
pub struct SharedSecret(Box<[u8; 256]>);

impl SharedSecret {
    /// Returns the secret bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 256] {
        &self.0
    }

    /// Converts the secret into an auth key.
    ///
    /// # Errors
    /// [`ZeroKeyId`] if its id is zero. A client then restarts the exchange, and a server answers
    /// with `dh_gen_retry`.
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

/// Errors of public values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DhValueError {
    /// The value is longer than 256 bytes.
    TooLong {
        /// The length in bytes.
        len: usize,
    },
    /// The value is below 2^1984.
    TooSmall,
    /// The value is above the prime minus 2^1984.
    TooLarge,
    /// No random exponent gave a value in range: the entropy source is broken.
    Entropy,
}

impl fmt::Display for DhValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "the public value has {len} bytes, more than 256"),
            Self::TooSmall => f.write_str("the public value is below 2^1984"),
            Self::TooLarge => f.write_str("the public value is above the prime minus 2^1984"),
            Self::Entropy => f.write_str("no random exponent gave a public value in range"),
        }
    }
}

impl core::error::Error for DhValueError {}

/// Exponents drawn before the entropy source is considered broken. One in 2^63 is rejected.
const DRAWS_MAX: usize = 4;
