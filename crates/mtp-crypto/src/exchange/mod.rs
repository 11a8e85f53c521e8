//! The arithmetic of the authorization key exchange, client and server.
//!
//! These are pure functions, which may run on another thread. `mtp-session` builds and parses the TL
//! objects and drives the exchange.
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
//! // The server sets a proof of work, and the client solves it.
//! let pq = Pq::generate(entropy);
//! assert_eq!(factor(pq.pq())?, pq);
//!
//! // Both sides draw a secret; the client checks the group that the server proposes.
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
//! **Secrets.** Exponents, private keys, `new_nonce`, temporary keys and plaintexts are wiped on drop
//! and never printed or compared. Powers with a secret exponent take constant time, and decryption
//! fails with one error value after constant time. [`factor`], [`DhGroup::check`] and the parsers of
//! public keys handle no secrets and take variable time.

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
