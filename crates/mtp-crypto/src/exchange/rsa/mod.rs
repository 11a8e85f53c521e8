//! The envelope in which the client's secret reaches the server.
//!
//! | module | idea |
//! |---|---|
//! | `public` | the key clients have compiled in, and encryption |
//! | `private` | the server's key, and decryption |
//! | `layout` | what is encrypted: the two schemes as byte strings |
//! | `encoding` | PEM and DER |

mod encoding;
mod layout;
mod private;
mod public;

use core::fmt;

pub use layout::{InnerData, RsaScheme, RsaSchemes};
pub use private::{RsaDecryptError, RsaPrivateKey};
pub use public::{Fingerprint, RsaEncryptError, RsaPublicKey};

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RsaKeyError {
    /// The text is no PEM document.
    Pem,
    /// The document is of another kind: its label is none that belongs to such keys.
    Label,
    /// The bytes are none of the known structures.
    Der,
    /// The key is of another algorithm than RSA.
    Algorithm,
    /// The modulus has not exactly 2048 bits.
    ModulusSize {
        /// Its bits.
        bits: u32,
    },
    /// The modulus is even.
    ModulusEven,
    /// The public exponent is even, below 3 or above 32 bits.
    Exponent,
    /// The parts of a private key do not belong together, or its primes have not 1024 bits each.
    Inconsistent,
    /// No random primes made a key.
    Entropy,
}

impl fmt::Display for RsaKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem => f.write_str("the text is no PEM document"),
            Self::Label => f.write_str("the PEM document is of another kind"),
            Self::Der => f.write_str("the key's structure is unknown"),
            Self::Algorithm => f.write_str("the key is no RSA key"),
            Self::ModulusSize { bits } => write!(f, "the modulus has {bits} bits, not 2048"),
            Self::ModulusEven => f.write_str("the modulus is even"),
            Self::Exponent => f.write_str("the public exponent is even, too small or too large"),
            Self::Entropy => f.write_str("no random primes made a key"),
            Self::Inconsistent => {
                f.write_str("the parts of the private key do not belong together")
            }
        }
    }
}

impl core::error::Error for RsaKeyError {}
