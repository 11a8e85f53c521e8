//! Calls: the key agreement and its verification by emoji.
//!
//! ```text
//!   caller                                            callee
//!   Caller::new ── g_a_hash = SHA-256(g_a) ─────────▶ Callee::new
//!   caller.accepted(g_b)  ◀──────────────── g_b ───── callee.public()
//!        └── g_a, key_fingerprint ──────────────────▶ callee.confirmed(g_a, fingerprint)
//!   emoji(key, g_a)       ◀─── compare aloud ───▶     emoji(key, g_a)
//! ```
//!
//! The caller commits to `g_a` before it sees `g_b`, so an interceptor cannot search for values that
//! give both ends the same four emoji. Each step consumes its state, because a second attempt would
//! void the commitment: ignore repeated updates of a call.
//!
//! The media packets of a call are another protocol and not part of this crate.

mod emoji;

use core::fmt;

pub use emoji::{TABLE, emoji};
use subtle::ConstantTimeEq;

use crate::auth_key::AuthKey;
use crate::exchange::{DhGroup, DhSecret, DhValueError};
use crate::hash::sha256;
use crate::ids::AuthKeyId;
use mtp_env::Entropy;

/// The caller before the callee has accepted.
#[derive(Debug)]
pub struct Caller {
    secret: DhSecret,
}

impl Caller {
    /// Starts a call by drawing the secret exponent.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] if the entropy source is broken.
    pub fn new(group: &DhGroup, entropy: &mut dyn Entropy) -> Result<Self, DhValueError> {
        Ok(Self { secret: DhSecret::generate(group, entropy)? })
    }

    /// Returns the commitment to send with `phone.requestCall`.
    // spec: crypto 15
    #[must_use]
    pub fn g_a_hash(&self) -> [u8; 32] {
        sha256(&[self.secret.public()])
    }

    /// Computes the key of the call from the callee's public value.
    ///
    /// Send [`Agreed::g_a`], and the id of the key as the fingerprint, with `phone.confirmCall`.
    ///
    /// # Errors
    /// [`CallKeyError::Value`] if the value is out of range; discard the call.
    // spec: crypto 15
    pub fn accepted(self, g_b: &[u8]) -> Result<Agreed, CallKeyError> {
        let key = agree(&self.secret, g_b)?;
        Ok(Agreed { key, g_a: *self.secret.public() })
    }
}

/// The callee before the caller has revealed its public value.
pub struct Callee {
    secret: DhSecret,
    g_a_hash: [u8; 32],
}

impl Callee {
    /// Accepts a call with the caller's commitment and draws the secret exponent.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] if the entropy source is broken.
    pub fn new(
        group: &DhGroup,
        g_a_hash: [u8; 32],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, DhValueError> {
        Ok(Self { secret: DhSecret::generate(group, entropy)?, g_a_hash })
    }

    /// Returns the value to send with `phone.acceptCall`.
    #[must_use]
    pub const fn public(&self) -> &[u8; 256] {
        self.secret.public()
    }

    /// Checks the caller's public value against the commitment, computes the key and checks its
    /// fingerprint.
    ///
    /// # Errors
    /// [`CallKeyError`]; discard the call.
    // spec: crypto 15, 17#36
    pub fn confirmed(self, g_a: &[u8], fingerprint: AuthKeyId) -> Result<Agreed, CallKeyError> {
        // The commitment covers 256 bytes; restore the leading zeros of a shorter value.
        let mut padded = [0; 256];
        let zeros = padded.len().checked_sub(g_a.len());
        let room =
            zeros.and_then(|zeros| padded.get_mut(zeros..)).ok_or(CallKeyError::Commitment)?;
        room.copy_from_slice(g_a);
        if !bool::from(sha256(&[&padded]).ct_eq(&self.g_a_hash)) {
            return Err(CallKeyError::Commitment);
        }
        let key = agree(&self.secret, &padded)?;
        if key.id() != fingerprint {
            return Err(CallKeyError::Fingerprint);
        }
        Ok(Agreed { key, g_a: padded })
    }
}

/// Omits the commitment, which is not a secret but would be mistaken for one.
impl fmt::Debug for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callee").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// The key of a confirmed call.
#[non_exhaustive]
pub struct Agreed {
    /// The key. Its id is the fingerprint.
    pub key: AuthKey,
    /// The caller's public value, for [`emoji`].
    pub g_a: [u8; 256],
}

impl Agreed {
    /// Returns the four emoji to display.
    #[must_use]
    pub fn emoji(&self) -> [&'static str; 4] {
        emoji(&self.key, &self.g_a)
    }
}

/// Prints the key's id.
impl fmt::Debug for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agreed").field("key", &self.key).finish_non_exhaustive()
    }
}

fn agree(secret: &DhSecret, peer: &[u8]) -> Result<AuthKey, CallKeyError> {
    let shared = secret.shared(peer).map_err(CallKeyError::Value)?;
    // A key with id zero occurs once in 2^64 times and is treated like a wrong fingerprint.
    shared.into_auth_key().map_err(|_| CallKeyError::Fingerprint)
}

/// Errors of a call's key agreement. The call must be discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallKeyError {
    /// The peer's public value is out of range.
    Value(DhValueError),
    /// The caller's public value does not match its commitment.
    Commitment,
    /// The fingerprint does not match: the two ends have different keys.
    Fingerprint,
}

impl fmt::Display for CallKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("the peer's public value is not valid"),
            Self::Commitment => f.write_str("the caller's value does not match its commitment"),
            Self::Fingerprint => f.write_str("the keys of the two ends differ"),
        }
    }
}

impl core::error::Error for CallKeyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Value(error) => Some(error),
            Self::Commitment | Self::Fingerprint => None,
        }
    }
}
