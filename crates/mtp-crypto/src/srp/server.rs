//! The server's side: challenges, verification and new passwords.

use core::fmt;

use crypto_bigint::U2048;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::client::pad;
use super::{PasswordAlgo, PublicValues, Verifier, to_bytes};
use crate::exchange::{DhSecret, DhValueError};
use mtp_env::Entropy;

/// A fresh public value B and the state to verify one proof for it.
///
/// Store it for a short time under its `srp_id`, bound to the auth key that requested it. The caller
/// must limit the rate of attempts; without a limit the server is an oracle for guesses.
pub struct Challenge {
    algo: PasswordAlgo,
    verifier: Verifier,
    secret: DhSecret,
    public: [u8; 256],
}

impl Challenge {
    /// Creates a challenge by drawing the secret exponent.
    ///
    /// To make an account without a password indistinguishable from one with a password, pass the
    /// verifier of a random password.
    ///
    /// # Errors
    /// [`DhValueError::Entropy`] if the entropy source is broken.
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

    /// Verifies a proof and consumes the challenge.
    ///
    /// # Errors
    /// [`VerifyError`]. The answer to the client is `PASSWORD_HASH_INVALID`.
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

    /// Reads A, which must be above 1 and below the prime minus 1. The check excludes multiples of
    /// the prime, for which the shared value does not depend on the password.
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

/// Checks the algorithm and verifier of a new password against the offered algorithm.
///
/// # Errors
/// [`NewPasswordError::Salt`] unless group and second salt are the offered ones and the first salt
/// is the offered one followed by at least 32 bytes; the answer is `NEW_SALT_INVALID`.
/// [`NewPasswordError::Hash`] unless `new_password_hash` has 256 bytes and lies in the range of
/// public values; the answer is `NEW_SETTINGS_INVALID`.
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

/// Errors of [`Challenge::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The client's public value is out of range.
    ClientValue,
    /// The proof is wrong, because the password is.
    Proof,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientValue => "the client's value for the password check is out of range",
            Self::Proof => "the proof does not match the password",
        })
    }
}

impl core::error::Error for VerifyError {}

/// Errors of [`check_new_password`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewPasswordError {
    /// The algorithm is not the offered one with an extended salt.
    Salt,
    /// The verifier is out of range.
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

/// Minimum number of random bytes that a client must append to the first salt.
const SALT_ADDED_MIN: usize = 32;
