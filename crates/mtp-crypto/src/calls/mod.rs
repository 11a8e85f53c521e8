//! Calls: the key agreement and its proof by pictures.
//!
//! ```text
//!   caller                                            callee
//!   Caller::new ── g_a_hash = SHA-256(g_a) ─────────▶ Callee::new
//!   caller.accepted(g_b)  ◀──────────────── g_b ───── callee.public()
//!        └── g_a, key_fingerprint ──────────────────▶ callee.confirmed(g_a, fingerprint)
//!   emoji(key, g_a)       ◀──── read aloud ────▶      emoji(key, g_a)
//! ```
//!
//! The caller commits to `g_a` before seeing `g_b`; nobody in between can then search for values
//! that give both ends the same four pictures. Each step consumes its state, because a second try
//! would make the commitment worthless: later variants of a call's update are to be ignored.
//!
//! The packets of a call are another protocol and not part of this crate.

mod emoji;

use core::fmt;

pub use emoji::{TABLE, emoji};
use subtle::ConstantTimeEq;

use crate::auth_key::AuthKey;
use crate::entropy::Entropy;
use crate::exchange::{DhGroup, DhSecret, DhValueError};
use crate::hash::sha256;
use crate::ids::AuthKeyId;

/// The caller, before the callee accepted.
#[derive(Debug)]
pub struct Caller {
    secret: DhSecret,
}

impl Caller {
    /// Draws the secret exponent.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] if the source of randomness is broken.
    pub fn new(group: &DhGroup, entropy: &mut dyn Entropy) -> Result<Self, DhValueError> {
        Ok(Self { secret: DhSecret::generate(group, entropy)? })
    }

    /// Returns the commitment to send with `phone.requestCall`.
    // spec: crypto 15
    #[must_use]
    pub fn g_a_hash(&self) -> [u8; 32] {
        sha256(&[self.secret.public()])
    }

    /// Takes the callee's value and computes the call's key.
    ///
    /// Send [`Agreed::g_a`] and the key's id as the fingerprint with `phone.confirmCall`.
    ///
    /// # Errors
    /// [`CallError::Value`] if the value is out of range: discard the call.
    // spec: crypto 15
    pub fn accepted(self, g_b: &[u8]) -> Result<Agreed, CallError> {
        let key = agree(&self.secret, g_b)?;
        Ok(Agreed { key, g_a: *self.secret.public() })
    }
}

/// The callee, before the caller opened the commitment.
pub struct Callee {
    secret: DhSecret,
    g_a_hash: [u8; 32],
}

impl Callee {
    /// Remembers the commitment and draws the secret exponent.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] if the source of randomness is broken.
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

    /// Takes the caller's value, which must be the one committed to, and the key's fingerprint.
    ///
    /// # Errors
    /// [`CallError`] says what is wrong with the call, which is to be discarded.
    // spec: crypto 15, 17#36
    pub fn confirmed(self, g_a: &[u8], fingerprint: AuthKeyId) -> Result<Agreed, CallError> {
        // The commitment covers 256 bytes; a shorter value lacks its leading zeros.
        let mut padded = [0; 256];
        let zeros = padded.len().checked_sub(g_a.len());
        let room = zeros.and_then(|zeros| padded.get_mut(zeros..)).ok_or(CallError::Commitment)?;
        room.copy_from_slice(g_a);
        if !bool::from(sha256(&[&padded]).ct_eq(&self.g_a_hash)) {
            return Err(CallError::Commitment);
        }
        let key = agree(&self.secret, &padded)?;
        if key.id() != fingerprint {
            return Err(CallError::Fingerprint);
        }
        Ok(Agreed { key, g_a: padded })
    }
}

/// Prints the state's name only.
impl fmt::Debug for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callee").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// What both ends hold when a call is confirmed.
#[non_exhaustive]
pub struct Agreed {
    /// The call's key; its id is the fingerprint.
    pub key: AuthKey,
    /// The caller's public value, for [`emoji`].
    pub g_a: [u8; 256],
}

impl Agreed {
    /// Returns the four pictures to show.
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

fn agree(secret: &DhSecret, peer: &[u8]) -> Result<AuthKey, CallError> {
    let shared = secret.shared(peer).map_err(CallError::Value)?;
    // A key whose id is zero is one in 2^64 and as good as a wrong fingerprint.
    shared.into_auth_key().map_err(|_| CallError::Fingerprint)
}

/// Why a call must be discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The peer's value is out of range.
    Value(DhValueError),
    /// The caller's value is not the one committed to.
    Commitment,
    /// The two ends have different keys.
    Fingerprint,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("the peer's public value cannot be used"),
            Self::Commitment => f.write_str("the caller's value is not the one committed to"),
            Self::Fingerprint => f.write_str("the keys of the two ends differ"),
        }
    }
}

impl core::error::Error for CallError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Value(error) => Some(error),
            Self::Commitment | Self::Fingerprint => None,
        }
    }
}
