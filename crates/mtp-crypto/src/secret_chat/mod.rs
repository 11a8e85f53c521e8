//! Secret chats: the building blocks of their end-to-end encryption.
//!
//! ```text
//!   agree        DhSecret ── g_a, g_b, fingerprint ──▶ AuthKey of the chat      accept, confirm
//!   messages     body ── seal ──▶ data ── open ──▶ body                         message
//!   numbers      in_seq_no, out_seq_no: order, gaps, duplicates                 sequence
//!   layers       the peer's layer, the end of MTProto 1.0                       layer
//!   re-keying    a new key every 100 messages or every week                     keys
//!   fingerprint  the image that two people compare                              visualization
//!   files        key, vector, fingerprint                                       file
//! ```
//!
//! The key of a chat is an [`AuthKey`], and its fingerprint is the id of the key. The originator of
//! the chat is [`Side::Client`](crate::Side::Client), and the other party is the server, although
//! both are clients: the names only distinguish the directions. The objects inside the messages
//! belong to the API and are not parsed here.

mod file;
mod keys;
mod layer;
mod message;
mod sequence;
mod visualization;

use core::fmt;

pub use file::{FileCipher, FileFingerprint, FileKey};
pub use keys::{ChatKeys, KEY_AGE_MAX, KEY_USES_MAX, KeyAction, RekeyError};
pub use layer::{FewRandomBytes, LayerError, PeerLayer, RANDOM_BYTES_MIN, check_random_bytes};
pub use message::{ChatMessage, ChatVersion, ChatVersions, open, seal, seal_v1};
pub use sequence::{MESSAGES_WAITING_MAX, Received, ResendRange, Sequence, SequenceError, WireSeq};
pub use visualization::{KeyHash, PALETTE};

use crate::auth_key::AuthKey;
use crate::exchange::{DhSecret, DhValueError};
use crate::ids::AuthKeyId;

/// Computes the key of a chat as the invited party. Send its id with `g_b`.
///
/// # Errors
/// [`AgreementError::Value`] if `g_a` is out of range; reject the chat.
// spec: crypto 14.1
pub fn accept(secret: &DhSecret, g_a: &[u8]) -> Result<AuthKey, AgreementError> {
    let shared = secret.shared(g_a).map_err(AgreementError::Value)?;
    // A key with id zero occurs once in 2^64 times and is treated like a wrong fingerprint.
    shared.into_auth_key().map_err(|_| AgreementError::Fingerprint)
}

/// Computes the key of a chat as its originator and checks the peer's fingerprint.
///
/// # Errors
/// [`AgreementError`]; discard the chat and inform the user.
// spec: crypto 14.1, 17#34
pub fn confirm(
    secret: &DhSecret,
    g_b: &[u8],
    fingerprint: AuthKeyId,
) -> Result<AuthKey, AgreementError> {
    let key = accept(secret, g_b)?;
    if key.id() == fingerprint { Ok(key) } else { Err(AgreementError::Fingerprint) }
}

/// Errors of the key agreement of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgreementError {
    /// The peer's public value is out of range.
    Value(DhValueError),
    /// The fingerprint does not match: the two parties have different keys.
    Fingerprint,
}

impl fmt::Display for AgreementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "the peer's public value is not valid",
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
