//! Two-factor passwords: a variant of SRP-6a, client and server.
//!
//! ```text
//!   client                                         server
//!                       algo, B, srp_id       ◀──  Challenge::new(algo, verifier)
//!   prove(algo, password, B)  ──▶  A, M1      ──▶  challenge.verify(A, M1)
//!
//!   new_password(new_algo, password)          ──▶  check_new_password(offered, chosen, hash)
//! ```
//!
//! The server stores a [`Verifier`], which reveals the password only to a search. Verification
//! consumes the [`Challenge`], so that at most one proof is tried against it.
//!
//! [`prove`] and [`new_password`] block for about a tenth of a second, the time of 100,000 rounds of
//! PBKDF2: run them on a thread that may block.

mod client;
mod server;

use alloc::vec::Vec;
use core::fmt;

pub use client::{Proof, ProveError, new_password, prove};
use crypto_bigint::modular::FixedMontyForm;
use crypto_bigint::{U256, U2048};
pub use server::{Challenge, NewPasswordError, VerifyError, check_new_password};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

use crate::exchange::DhGroup;
use crate::hash::sha256;

/// The parameters of a password's key derivation: the fields of the protocol's only algorithm,
/// `passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow`, with its group checked.
#[derive(Clone)]
pub struct PasswordAlgo {
    group: DhGroup,
    salt1: Vec<u8>,
    salt2: Vec<u8>,
}

impl PasswordAlgo {
    /// Creates an algorithm from a group accepted by [`DhGroup::check`] and the two salts.
    #[must_use]
    pub fn new(group: DhGroup, salt1: &[u8], salt2: &[u8]) -> Self {
        Self { group, salt1: salt1.to_vec(), salt2: salt2.to_vec() }
    }

    /// Returns the group.
    #[must_use]
    pub const fn group(&self) -> &DhGroup {
        &self.group
    }

    /// Returns the first salt: the server's bytes followed by the client's.
    #[must_use]
    pub fn salt1(&self) -> &[u8] {
        &self.salt1
    }

    /// Returns the second salt, which the server chooses.
    #[must_use]
    pub fn salt2(&self) -> &[u8] {
        &self.salt2
    }

    /// Derives the secret exponent x from the password's UTF-8 bytes.
    // spec: crypto 13
    fn password_secret(&self, password: &[u8]) -> Zeroizing<[u8; 32]> {
        let salted = |data: &[u8], salt: &[u8]| Zeroizing::new(sha256(&[salt, data, salt]));
        let once = salted(password, &self.salt1);
        let first = salted(&*once, &self.salt2);
        let mut stretched = Zeroizing::new([0; 64]);
        pbkdf2::pbkdf2_hmac::<Sha512>(&*first, &self.salt1, ROUNDS, &mut *stretched);
        salted(&*stretched, &self.salt2)
    }

    /// Returns the multiplier k times the verifier.
    fn blinding(&self, verifier: &U2048) -> Element {
        let multiplier = sha256(&[&self.group.prime(), &self.generator()]);
        let multiplier = U256::from_be_slice(&multiplier).resize();
        self.element(&multiplier) * self.element(verifier)
    }

    /// Returns M1, which proves that the client computed the shared value.
    fn evidence(&self, public: &PublicValues, shared: &[u8; 256]) -> Zeroizing<[u8; 32]> {
        let mut group_hash = sha256(&[&self.group.prime()]);
        for (byte, other) in group_hash.iter_mut().zip(sha256(&[&self.generator()])) {
            *byte ^= other;
        }
        let key = Zeroizing::new(sha256(&[shared]));
        Zeroizing::new(sha256(&[
            &group_hash,
            &sha256(&[&self.salt1]),
            &sha256(&[&self.salt2]),
            &public.client,
            &public.server,
            &*key,
        ]))
    }

    /// Returns the generator as 256 bytes.
    fn generator(&self) -> [u8; 256] {
        to_bytes(&U2048::from(self.group.generator().unsigned_abs()))
    }

    fn element(&self, number: &U2048) -> Element {
        FixedMontyForm::new(number, &self.group.params())
    }
}

/// Prints the group and the lengths of the salts.
impl fmt::Debug for PasswordAlgo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordAlgo")
            .field("group", &self.group)
            .field("salt1_len", &self.salt1.len())
            .field("salt2_len", &self.salt2.len())
            .finish()
    }
}

/// What a server stores of a password: `new_password_hash`, 256 bytes.
///
/// It is a secret: it allows an offline search for the password.
pub struct Verifier(U2048);

impl Verifier {
    /// Returns the verifier in its wire form, for storage.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 256] {
        to_bytes(&self.0)
    }

    /// Creates a verifier from the stored bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// A verifier received from a client must go through [`check_new_password`] instead.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 256]) -> Self {
        Self(U2048::from_be_slice(bytes))
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

/// The two public values, padded to 256 bytes.
struct PublicValues {
    client: [u8; 256],
    server: [u8; 256],
}

impl PublicValues {
    /// Returns u, the hash of both values, or `None` if it is zero, which does not happen by chance.
    // spec: crypto 13
    fn scrambler(&self) -> Option<U256> {
        non_zero(sha256(&[&self.client, &self.server]))
    }
}

fn non_zero(hash: [u8; 32]) -> Option<U256> {
    (hash != [0; 32]).then(|| U256::from_be_slice(&hash))
}

type Element = FixedMontyForm<{ U2048::LIMBS }>;

fn to_bytes(number: &U2048) -> [u8; 256] {
    let mut bytes = [0; 256];
    bytes.copy_from_slice(number.to_be_bytes().as_ref());
    bytes
}

/// Rounds of PBKDF2, given by the name of the algorithm.
const ROUNDS: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // spec: crypto 13
    fn zero_scrambler_is_rejected() {
        assert_eq!(non_zero([0; 32]), None);
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(non_zero(one), Some(U256::ONE));
    }
}
