//! The arithmetic of the authorization key exchange, for both roles: values in, values out.
//!
//! It knows no TL, no order of steps and no clock: `mtp-session` builds and parses the objects,
//! decides what comes next, and calls these functions, which may as well run on another thread.
//!
//! ```text
//!   client                                                       server
//!                                                                Pq::generate
//!   factor ── p, q ─────────────────────────────────────────▶
//!   RsaPublicKey::pad_encrypt ── new_nonce ─────────────────▶    RsaPrivateKey::decrypt
//!   TmpAes::derive                                               TmpAes::derive
//!                                                                DhSecret::generate (a)
//!   TmpAes::open ◀────────────────────────────────── g_a ────    TmpAes::seal
//!   DhGroup::check, DhSecret::generate (b)
//!   TmpAes::seal ── g_b ────────────────────────────────────▶    TmpAes::open
//!   DhSecret::shared ═══════════════ auth key ═══════════════    DhSecret::shared
//!   NewNonceHash::matches ◀─────────────────────────────────     NewNonceHash::of_dh_gen
//!   first_salt                                                   first_salt
//! ```
//!
//! ```
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! use mtp_crypto::CtrEntropy;
//! use mtp_crypto::exchange::{DhGroup, DhSecret, Pq, PrimeCache, factor};
//!
//! # let entropy = &mut CtrEntropy::from_number(1);
//! // The server asks for some work, and the client does it.
//! let asked = Pq::generate(entropy);
//! assert_eq!(factor(asked.pq())?, asked);
//!
//! // Both draw a secret; the client checks what the server proposes.
//! let a = DhSecret::generate(&DhGroup::KNOWN, entropy)?;
//! let proposed = DhGroup::KNOWN.prime();
//! let group = DhGroup::check(3, &proposed, &mut PrimeCache::new(), entropy)?;
//! let b = DhSecret::generate(&group, entropy)?;
//! let (client, server) = (b.shared(a.public())?, a.shared(b.public())?);
//! assert_eq!(client.into_auth_key()?.id(), server.into_auth_key()?.id());
//! # Ok(())
//! # }
//! ```
//!
//! **Secrets.** Exponents, private keys, `new_nonce`, temporary keys and what is decrypted are wiped
//! when dropped and never printed or compared. Powers with a secret exponent take the same time
//! whatever it is; failures of decryption are one value, and the time of all of them is the same.
//! [`factor`], [`DhGroup::check`] and the readers of public keys see nothing secret, and their time
//! depends on what they see.

mod dh;
mod hashes;
mod known_keys;
mod nonce;
mod number;
mod pq;
mod residue;
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
