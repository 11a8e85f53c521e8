//! Key exchange: messages, values and errors shared by both sides.
//!
//! ```text
//!   client                                                            server
//!   ──────  req_pq_multi(nonce) ─────────────────────────────────────▶ ──────
//!           ◀─────────────── resPQ(nonce, server_nonce, pq, fingerprints)
//!   factor
//!           req_DH_params(p, q, fingerprint, RSA(new_nonce, …)) ─────▶
//!                                                                      open, g^a
//!           ◀──────────────── server_DH_params_ok(AES(g, p, g^a, time))
//!   check, g^b, key
//!           set_client_DH_params(AES(g^b)) ──────────────────────────▶
//!                                                                      key, unique?
//!           ◀───────────────────────── dh_gen_ok | dh_gen_retry | dh_gen_fail
//! ```
//!
//! [`ClientHandshake`] and [`ServerHandshake`] own the order, the nonces and the deadlines. The arithmetic is in
//! `mtp_crypto::exchange`. Both exchange *packets* and know no transport.
//!
//! [`ClientHandshake`]: crate::client::ClientHandshake
//! [`ServerHandshake`]: crate::server::ServerHandshake

use mtp_crypto::CtrEntropy;
use mtp_env::Entropy;

pub(crate) mod config;
mod error;
pub(crate) mod messages;
pub(crate) mod plain;

pub use config::{Arithmetic, KeyRequest};
pub use error::HandshakeError;

/// Returns an independent generator for a job that leaves the machine, so that the same seed gives the same bytes
/// whenever the job returns.
pub(crate) fn fork(entropy: &mut dyn Entropy) -> CtrEntropy {
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    CtrEntropy::new(seed)
}
