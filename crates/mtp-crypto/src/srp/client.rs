//! The client's side: proving a password and setting a new one.

use core::fmt;

use crypto_bigint::{U256, U2048};
use zeroize::{Zeroize, Zeroizing};

use super::{PasswordAlgo, PublicValues, Verifier, to_bytes};
use crate::exchange::{DhSecret, DhValueError};
use mtp_env::Entropy;

/// The fields of `inputCheckPasswordSRP` that prove a password.
#[non_exhaustive]
pub struct Proof {
    /// The client's public value A, 256 bytes.
    pub a: [u8; 256],
    /// The proof M1.
    pub m1: [u8; 32],
}

/// Prints the type's name only: the two values allow an offline search for the password.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

/// Proves a password, given as UTF-8 bytes, against the server's public value `srp_B`.
///
/// The server accepts one proof for each value; after a failure, request a new value.
///
/// # Errors
/// [`ProveError::ServerValue`] if B is out of range; request a new value.
/// [`ProveError::Entropy`] if the entropy source is broken.
// spec: crypto 13
pub fn prove(
    algo: &PasswordAlgo,
    password: &[u8],
    srp_b: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Proof, ProveError> {
    let server = read_server_value(algo, srp_b)?;
    let secret = DhSecret::generate(algo.group(), entropy).map_err(|_| ProveError::Entropy)?;
    let x = algo.password_secret(password);
    prove_with(algo, &x, server, *secret.public(), |base| {
        Ok(Zeroizing::new(*secret.shared(base)?.as_bytes()))
    })
}

/// Derives the verifier of a new password, appending 32 random bytes to the offered salt.
///
/// Both results are fields of `account.passwordInputSettings`.
// spec: crypto 13
#[must_use]
pub fn new_password(
    offered: &PasswordAlgo,
    password: &[u8],
    entropy: &mut dyn Entropy,
) -> (PasswordAlgo, Verifier) {
    let mut algo = offered.clone();
    let mut more = [0; 32];
    entropy.fill(&mut more);
    algo.salt1.extend_from_slice(&more);
    let verifier = verifier(&algo, &algo.password_secret(password));
    (algo, verifier)
}

/// Computes the proof; `power` raises a base to the client's secret exponent.
fn prove_with(
    algo: &PasswordAlgo,
    x: &[u8; 32],
    server: U2048,
    client: [u8; 256],
    power: impl FnOnce(&[u8; 256]) -> Result<Zeroizing<[u8; 256]>, DhValueError>,
) -> Result<Proof, ProveError> {
    let public = PublicValues { client, server: to_bytes(&server) };
    let scrambler = public.scrambler().ok_or(ProveError::ServerValue)?;
    let blinding = algo.blinding(&verifier(algo, x).0);
    let mut base = (algo.element(&server) - blinding).retrieve();
    // S = t^(a + ux) as a product of two powers. `power` rejects a base outside the safe range,
    // which only a server that knows the verifier can bring about.
    let with_a = power(&to_bytes(&base)).map_err(|_| ProveError::ServerValue)?;
    let mut exponent: U2048 = scrambler.concatenating_mul(&U256::from_be_slice(x)).resize();
    let with_x = algo.group().power(&base, &exponent);
    let shared = algo.element(&U2048::from_be_slice(&*with_a)) * algo.element(&with_x);
    let shared = Zeroizing::new(to_bytes(&shared.retrieve()));
    base.zeroize();
    exponent.zeroize();
    Ok(Proof { a: client, m1: *algo.evidence(&public, &shared) })
}

/// Reads B, which has 248 to 256 bytes and lies between 0 and the prime.
// spec: crypto 13, 17#29
fn read_server_value(algo: &PasswordAlgo, srp_b: &[u8]) -> Result<U2048, ProveError> {
    let padded = pad(srp_b).filter(|_| srp_b.len() >= SERVER_VALUE_MIN);
    let value = U2048::from_be_slice(&padded.ok_or(ProveError::ServerValue)?);
    if value == U2048::ZERO || value >= *algo.group().prime_number() {
        return Err(ProveError::ServerValue);
    }
    Ok(value)
}

fn verifier(algo: &PasswordAlgo, x: &[u8; 32]) -> Verifier {
    let mut exponent: U2048 = U256::from_be_slice(x).resize();
    let verifier = Verifier(algo.group().power_of_generator(&exponent));
    exponent.zeroize();
    verifier
}

/// Pads a number to 256 bytes, or returns `None` if it is longer.
pub(super) fn pad(bytes: &[u8]) -> Option<[u8; 256]> {
    let mut padded = [0; 256];
    let zeros = padded.len().checked_sub(bytes.len())?;
    padded.get_mut(zeros..)?.copy_from_slice(bytes);
    Some(padded)
}

/// Errors of [`prove`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProveError {
    /// The server's value is out of range.
    ServerValue,
    /// The entropy source is broken.
    Entropy,
}

impl fmt::Display for ProveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerValue => "the server's value for the password check is out of range",
            Self::Entropy => "no random exponent gave a valid public value",
        })
    }
}

impl core::error::Error for ProveError {}

/// The least length of B, in bytes.
const SERVER_VALUE_MIN: usize = 248;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::DhGroup;
    use crate::vectors::{array, bytes, entries, text};

    /// Below `prove`, because one of the vectors has an exponent that `prove` would draw again.
    #[test]
    // spec: crypto 13
    fn proofs_match_the_vectors() {
        for entry in &entries("srp", 4) {
            let algo =
                PasswordAlgo::new(DhGroup::KNOWN, &bytes(entry, "salt1"), &bytes(entry, "salt2"));
            assert_eq!(algo.group().prime(), array(entry, "p"));
            let x = algo.password_secret(&bytes(entry, "password"));
            assert_eq!(*x, array(entry, "x"), "{}", text(entry, "name"));
            assert_eq!(verifier(&algo, &x).to_bytes(), array(entry, "v"));

            let a = U2048::from_be_slice(&pad(&bytes(entry, "a")).unwrap());
            let client = to_bytes(&algo.group().power_of_generator(&a));
            assert_eq!(client, array(entry, "A"));
            let server = read_server_value(&algo, &bytes(entry, "B")).unwrap();
            let proof = prove_with(&algo, &x, server, client, |base| {
                let base = U2048::from_be_slice(base);
                Ok(Zeroizing::new(to_bytes(&algo.group().power(&base, &a))))
            });
            assert_eq!(proof.unwrap().m1, array(entry, "M1"));
        }
    }
}
