//! Secret chats, end to end: pieces without I/O that a client puts together.
//!
//! ```text
//!   agree        DhSecret ── g_a, g_b, fingerprint ──▶ AuthKey of the chat      accept, confirm
//!   messages     body ── seal ──▶ data ── open ──▶ body                         message
//!   numbers      in_seq_no, out_seq_no: order, gaps, duplicates                 sequence
//!   layers       what the peer understands; the end of MTProto 1.0              layer
//!   re-keying    a new key every 100 messages or week                           keys
//!   pictures     what two people compare                                        visualisation
//!   files        key, vector, fingerprint                                       file
//! ```
//!
//! The chat's key is an [`AuthKey`] and its fingerprint the key's id. The party that asked for the
//! chat is [`Side::Client`](crate::Side::Client), the other is the server, although both are
//! clients: the names only tell the directions apart. The objects inside belong to the API and
//! are not looked at here.

mod file;
mod keys;
mod layer;
mod message;
mod sequence;
mod visualisation;

use core::fmt;

pub use file::{FileCipher, FileFingerprint, FileKey};
pub use keys::{ChatKeys, KEY_AGE_MAX, KEY_USES_MAX, KeyAction, RekeyError};
pub use layer::{FewRandomBytes, LayerError, PeerLayer, RANDOM_BYTES_MIN, check_random_bytes};
pub use message::{Message, Version, Versions, open, seal, seal_v1};
pub use sequence::{MESSAGES_WAITING_MAX, Received, ResendRange, Sequence, SequenceError, WireSeq};
pub use visualisation::{KeyHash, PALETTE};

use crate::auth_key::AuthKey;
use crate::exchange::{DhSecret, DhValueError};
use crate::ids::AuthKeyId;

/// Computes the chat's key as the party that was asked: send its id with `g_b`.
///
/// # Errors
/// [`AgreementError::Value`] if `g_a` is out of range: refuse the chat.
// spec: crypto 14.1
pub fn accept(secret: &DhSecret, g_a: &[u8]) -> Result<AuthKey, AgreementError> {
    let shared = secret.shared(g_a).map_err(AgreementError::Value)?;
    // A key whose id is zero is one in 2^64 and as good as a wrong fingerprint.
    shared.into_auth_key().map_err(|_| AgreementError::Fingerprint)
}

/// Computes the chat's key as the party that asked, and compares it with the other's.
///
/// # Errors
/// [`AgreementError`]: discard the chat and tell the user.
// spec: crypto 14.1, 17#34
pub fn confirm(
    secret: &DhSecret,
    g_b: &[u8],
    fingerprint: AuthKeyId,
) -> Result<AuthKey, AgreementError> {
    let key = accept(secret, g_b)?;
    if key.id() == fingerprint { Ok(key) } else { Err(AgreementError::Fingerprint) }
}

/// Why two parties have no common key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgreementError {
    /// The peer's public value is out of range.
    Value(DhValueError),
    /// The peer's fingerprint is that of another key.
    Fingerprint,
}

impl fmt::Display for AgreementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "the peer's public value cannot be used",
            Self::Fingerprint => "the keys of the two parties differ",
        })
    }
}

impl core::error::Error for AgreementError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Value(error) => Some(error),
            Self::Fingerprint => None,
        }
    }
}
