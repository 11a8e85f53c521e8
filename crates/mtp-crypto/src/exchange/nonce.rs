//! The nonces of a key exchange.

use alloc::boxed::Box;
use core::fmt;

use mtp_env::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop};

macro_rules! public_nonce {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// It is sent in the clear. It is a byte string, not a number: leading zero bytes count, and
        /// it has no byte order.
        // spec: crypto 1
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Creates the nonce from its bytes on the wire.
            #[must_use]
            pub const fn new(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Draws a random nonce.
            pub fn generate(entropy: &mut dyn Entropy) -> Self {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes);
                Self(bytes)
            }

            /// Returns the bytes on the wire.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), u128::from_be_bytes(self.0))
            }
        }
    };
}

public_nonce! {
    /// The client's nonce, `nonce:int128`.
    Nonce
}

public_nonce! {
    /// The server's nonce, `server_nonce:int128`.
    ServerNonce
}

/// The client's secret nonce, `new_nonce:int256`. The temporary key, the first salt and the answer
/// hashes are derived from it.
///
/// A client draws a new one for each attempt.
// spec: crypto 8.3
pub struct NewNonce(Box<[u8; 32]>);

impl NewNonce {
    /// Creates the nonce from its bytes in the decrypted inner data.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let new_nonce = Self(Box::new(bytes));
        bytes.zeroize();
        new_nonce
    }

    /// Draws a random nonce.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut new_nonce = Self(Box::new([0; 32]));
        entropy.fill(&mut *new_nonce.0);
        new_nonce
    }

    /// Returns the secret bytes. They must only be sent inside the encrypted inner data.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for NewNonce {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for NewNonce {}

impl fmt::Debug for NewNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewNonce(..)")
    }
}
