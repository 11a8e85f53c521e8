//! RSA: the keys of servers and the encryption of the client's inner data.
//!
//! | module | purpose |
//! |---|---|
//! | `public` | the public key, encryption |
//! | `private` | the private key, decryption |
//! | `layout` | the padding of the two schemes |
//! | `encoding` | PEM and DER |

mod encoding;
mod layout;
mod private;
mod public;

use core::fmt;

pub use layout::{InnerData, RsaScheme, RsaSchemes};
pub use private::{RsaDecryptError, RsaPrivateKey};
pub use public::{Fingerprint, RsaEncryptError, RsaPublicKey};

/// Errors of reading and generating RSA keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RsaKeyError {
    /// The text is not a PEM document.
    Pem,
    /// The label of the PEM document is not that of an RSA key.
    Label,
    /// The DER structure is not supported.
    Der,
    /// The key is not an RSA key.
    Algorithm,
    /// The modulus does not have exactly 2048 bits.
    ModulusSize {
        /// The number of bits.
        bits: u32,
    },
    /// The modulus is even.
    ModulusEven,
    /// The public exponent is even, below 3 or longer than 32 bits.
    Exponent,
    /// The parts of a private key are inconsistent, or its primes do not have 1024 bits each.
    Inconsistent,
    /// No primes for a key were found: the entropy source is broken.
    Entropy,
}

impl fmt::Display for RsaKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem => f.write_str("the text is not a PEM document"),
            Self::Label => f.write_str("the PEM label is not that of an RSA key"),
            Self::Der => f.write_str("the DER structure is not supported"),
            Self::Algorithm => f.write_str("the key is not an RSA key"),
            Self::ModulusSize { bits } => write!(f, "the modulus has {bits} bits, not 2048"),
            Self::ModulusEven => f.write_str("the modulus is even"),
            Self::Exponent => f.write_str("the public exponent is even, too small or too large"),
            Self::Inconsistent => f.write_str("the parts of the private key are inconsistent"),
            Self::Entropy => f.write_str("no random primes for a key were found"),
        }
    }
}

impl core::error::Error for RsaKeyError {}
