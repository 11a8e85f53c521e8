//! The hashes of the server's answers and the first salt.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::nonce::{NewNonce, ServerNonce};
use crate::hash::sha1;
use crate::ids::Salt;

/// The server's three answers to `set_client_DH_params`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these three")]
pub enum DhGenAnswer {
    /// `dh_gen_ok`: the key is stored.
    Ok,
    /// `dh_gen_retry`: the id of the key is taken, and the client must choose another secret.
    Retry,
    /// `dh_gen_fail`: the exchange failed.
    Fail,
}

/// The hash that authenticates an answer of the server. It proves knowledge of `new_nonce` and, for
/// a [`DhGenAnswer`], of the new key.
#[derive(Clone, Copy)]
pub struct NewNonceHash([u8; 16]);

impl NewNonceHash {
    /// Computes `new_nonce_hash1`, `2` or `3`; `aux_hash` is that of the new key.
    // spec: crypto 8.10, 17#8
    #[must_use]
    pub fn of_dh_gen(new_nonce: &NewNonce, answer: DhGenAnswer, aux_hash: [u8; 8]) -> Self {
        let number = match answer {
            DhGenAnswer::Ok => 1,
            DhGenAnswer::Retry => 2,
            DhGenAnswer::Fail => 3,
        };
        Self::last_16(sha1(&[new_nonce.as_bytes(), &[number], &aux_hash]))
    }

    /// Computes the hash of `server_DH_params_fail`, which current servers no longer send.
    // spec: crypto 8.6
    #[must_use]
    pub fn of_params_fail(new_nonce: &NewNonce) -> Self {
        Self::last_16(sha1(&[new_nonce.as_bytes()]))
    }

    /// Returns the bytes on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns `true` if the hash equals the received one. Takes constant time.
    #[must_use]
    pub fn matches(&self, received: &[u8; 16]) -> bool {
        self.0.ct_eq(received).into()
    }

    fn last_16(hash: [u8; 20]) -> Self {
        let [_, _, _, _, kept @ ..] = hash;
        Self(kept)
    }
}

impl fmt::Debug for NewNonceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewNonceHash({:032x})", u128::from_be_bytes(self.0))
    }
}

/// Returns the first salt of a new key.
// spec: crypto 8.10
#[must_use]
pub fn first_salt(new_nonce: &NewNonce, server_nonce: &ServerNonce) -> Salt {
    let mut salt = Zeroizing::new([0; 8]);
    let pairs = new_nonce.as_bytes().iter().zip(server_nonce.as_bytes());
    for (to, (new, server)) in salt.iter_mut().zip(pairs) {
        *to = new ^ server;
    }
    Salt::from_le_bytes(*salt)
}
