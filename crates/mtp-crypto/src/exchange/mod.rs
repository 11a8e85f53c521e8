//! The arithmetic of the authorization key exchange.
mod dh;
mod hashes;
mod known_keys;
mod nonce;
mod number;
mod pq;
mod rsa;
mod tmp_aes;

pub use dh::{
    DhGroup, DhGroupError, DhSecret, DhValueError, PRIME_CACHE_LEN, PrimeCache, SharedSecret,
};
pub use hashes::{DhGenAnswer, NewNonceHash, first_salt};
pub use known_keys::{KNOWN_KEYS, KnownKey, KnownKeyKind};
pub use nonce::{NewNonce, Nonce, ServerNonce};
pub use pq::{
    CURVES_MAX, Effort, FactorError, Pq, RHO_STEPS_MAX, ShortNumber, factor, factor_counting,
};
pub use rsa::{
    Fingerprint, InnerData, RsaDecryptError, RsaEncryptError, RsaKeyError, RsaPrivateKey,
    RsaPublicKey, RsaScheme, RsaSchemes,
};
pub use tmp_aes::{OpenAnswerError, OpenedAnswer, TmpAes};
