//! The server: challenges, verifies, accepts new passwords.

use core::fmt;

use crypto_bigint::U2048;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::client::pad;
use super::{PasswordAlgo, PublicValues, Verifier, to_bytes};
use crate::entropy::Entropy;
use crate::exchange::{DhSecret, DhValueError};

/// A fresh public value B and what the server remembers to verify one answer to it.
///
/// Keep it under the `srp_id` handed out, bound to the auth key that asked, for a short time.
/// Flood limits are the caller's: without them the server answers guesses.
pub struct Challenge {
    algo: PasswordAlgo,
    verifier: Verifier,
    secret: DhSecret,
    public: [u8; 256],
}

impl Challenge {
    /// Draws the secret exponent.
    ///
    /// For an account without a password to be told apart by nothing, pass any verifier, such as
    /// that of a random password.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] if the source of randomness is broken.
    // spec: crypto 13
    pub fn new(
        algo: PasswordAlgo,
        verifier: Verifier,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, DhValueError> {
        let secret = DhSecret::generate(algo.group(), entropy)?;
        let power = algo.element(&U2048::from_be_slice(secret.public()));
        let public = to_bytes(&(algo.blinding(&verifier.0) + power).retrieve());
        Ok(Self { algo, verifier, secret, public })
    }

    /// Returns the value to send as `srp_B`.
    #[must_use]
    pub const fn public(&self) -> &[u8; 256] {
        &self.public
    }

    /// Verifies an answer. The challenge is used up either way.
    ///
    /// # Errors
    /// [`VerifyError`], which to the client is `PASSWORD_HASH_INVALID`.
    // spec: crypto 13, 17#30
    pub fn verify(self, a: &[u8], m1: &[u8]) -> Result<(), VerifyError> {
        let client = self.read_client_value(a)?;
        let public = PublicValues { client: to_bytes(&client), server: self.public };
        let scrambler = public.scrambler().ok_or(VerifyError::ClientValue)?;
        let algo = &self.algo;
        let with_verifier = algo.group().power(&self.verifier.0, &scrambler.resize());
        let base = algo.element(&client) * algo.element(&with_verifier);
        let base = Zeroizing::new(to_bytes(&base.retrieve()));
        let shared = self.secret.shared(&*base).map_err(|_| VerifyError::ClientValue)?;
        let expected = algo.evidence(&public, shared.as_bytes());
        if bool::from(expected.ct_eq(m1)) { Ok(()) } else { Err(VerifyError::Proof) }
    }

    /// Reads A: above 1 and below the prime less 1. A multiple of the prime, with which the shared
    /// value would be known without the password, is none of these.
    // spec: crypto 13
    fn read_client_value(&self, a: &[u8]) -> Result<U2048, VerifyError> {
        let value = U2048::from_be_slice(&pad(a).ok_or(VerifyError::ClientValue)?);
        let last = self.algo.group().prime_number().wrapping_sub(&U2048::ONE);
        if value <= U2048::ONE || value >= last {
            return Err(VerifyError::ClientValue);
        }
        Ok(value)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("algo", &self.algo).finish_non_exhaustive()
    }
}

/// Checks a new password's algorithm and verifier against the algorithm that was offered.
///
/// # Errors
/// [`NewPasswordError::Salt`] unless group and second salt are those offered and the first salt is
/// the one offered with at least 32 bytes behind it: `NEW_SALT_INVALID`.
/// [`NewPasswordError::Hash`] unless `new_password_hash` has 256 bytes and is in the range of
/// public values: `NEW_SETTINGS_INVALID`.
// spec: crypto 13
pub fn check_new_password(
    offered: &PasswordAlgo,
    chosen: &PasswordAlgo,
    new_password_hash: &[u8],
) -> Result<Verifier, NewPasswordError> {
    let same_group = offered.group().generator() == chosen.group().generator()
        && offered.group().prime() == chosen.group().prime();
    let added = chosen.salt1().strip_prefix(offered.salt1()).map_or(0, <[u8]>::len);
    if !same_group || added < SALT_ADDED_MIN || offered.salt2() != chosen.salt2() {
        return Err(NewPasswordError::Salt);
    }
    if new_password_hash.len() != 256 {
        return Err(NewPasswordError::Hash);
    }
    let verifier = chosen.group().read_value(new_password_hash);
    verifier.map(Verifier).map_err(|_| NewPasswordError::Hash)
}

/// Why an answer to a challenge is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The client's value is out of range.
    ClientValue,
    /// The password is another one.
    Proof,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientValue => "the client's value for the password check is out of range",
            Self::Proof => "the proof is not one of this password",
        })
    }
}

impl core::error::Error for VerifyError {}

/// Why a new password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewPasswordError {
    /// The algorithm is not the offered one with a longer salt.
    Salt,
    /// The verifier cannot come from the algorithm.
    Hash,
}

impl fmt::Display for NewPasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Salt => "the new password's salt does not extend the offered one by 32 bytes",
            Self::Hash => "the new password's hash is out of range",
        })
    }
}

impl core::error::Error for NewPasswordError {}

/// Random bytes that a client must add to the first salt.
const SALT_ADDED_MIN: usize = 32;
