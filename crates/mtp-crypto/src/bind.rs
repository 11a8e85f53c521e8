//! The inner message of `auth.bindTempAuthKey`, which proves knowledge of the permanent key.
//!
//! ```text
//!   auth.bindTempAuthKey  perm_auth_key_id | nonce | expires_at | encrypted_message
//!   encrypted_message     perm_auth_key_id 8 | msg_key 16 | v1 under the permanent key, 80 bytes:
//!                         random 16 | msg_id 8 | seq_no 0 | length 40 | bind_auth_key_inner 40 | padding 8
//! ```
//!
//! [`open_bind`] compares the inner fields with the request that carries them. The session checks
//! that the keys are known and that the temporary one has not expired.

use alloc::vec::Vec;
use core::fmt;

use crate::auth_key::AuthKey;
use crate::envelope::{InnerHeader, OpenError, begin};
use crate::ids::{AuthKeyId, MsgId, Salt, SeqNo, SessionId};
use crate::parts::part;
use crate::side::Side;
use crate::v1;
use mtp_env::Entropy;

/// The length of `encrypted_message`, in bytes.
pub const SEALED_LEN: usize = 104;

/// The fields of `bind_auth_key_inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the schema's constructor")]
pub struct Binding {
    /// A random number, repeated in the request.
    pub nonce: u64,
    /// The key to bind, which encrypts the request.
    pub temp_auth_key_id: AuthKeyId,
    /// The key to bind it to, which encrypts the inner message.
    pub perm_auth_key_id: AuthKeyId,
    /// The session of the message that carries the request.
    pub temp_session_id: SessionId,
    /// When the temporary key expires, in seconds since 1970-01-01 UTC; repeated in the request.
    pub expires_at: i32,
}

impl Binding {
    const CONSTRUCTOR: u32 = 0x75a3_f765;
    const LEN: usize = 4 + 8 + 8 + 8 + 8 + 4;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&Self::CONSTRUCTOR.to_le_bytes());
        out.extend_from_slice(&self.nonce.to_le_bytes());
        out.extend_from_slice(&self.temp_auth_key_id.to_le_bytes());
        out.extend_from_slice(&self.perm_auth_key_id.to_le_bytes());
        out.extend_from_slice(&self.temp_session_id.to_le_bytes());
        out.extend_from_slice(&self.expires_at.to_le_bytes());
    }

    fn decode(body: &[u8; Self::LEN]) -> Option<Self> {
        (u32::from_le_bytes(*part(body, 0)) == Self::CONSTRUCTOR).then(|| Self {
            nonce: u64::from_le_bytes(*part(body, 4)),
            temp_auth_key_id: AuthKeyId::from_le_bytes(*part(body, 12)),
            perm_auth_key_id: AuthKeyId::from_le_bytes(*part(body, 20)),
            temp_session_id: SessionId::from_le_bytes(*part(body, 28)),
            expires_at: i32::from_le_bytes(*part(body, 36)),
        })
    }
}

/// Seals the proof for the request that is sent as message `msg_id`.
///
/// The proof covers the message id: a request resent under a new id needs a new proof.
// spec: crypto 11.2
#[must_use]
pub fn seal_bind(
    perm_key: &AuthKey,
    msg_id: MsgId,
    binding: &Binding,
    entropy: &mut dyn Entropy,
) -> [u8; SEALED_LEN] {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    let header = InnerHeader {
        salt: Salt::from_le_bytes(*part(&random, 0)),
        session_id: SessionId::from_le_bytes(*part(&random, 8)),
        msg_id,
        seq_no: SeqNo::from_raw(0),
    };
    let mut packet = Vec::with_capacity(SEALED_LEN);
    let start = begin(&mut packet, header);
    binding.encode(&mut packet);
    let padded = v1::pad(&mut packet, start, entropy);
    let sealed = padded.and_then(|()| v1::seal(perm_key, Side::Client, &mut packet));
    debug_assert!(sealed.is_ok());
    *part(&packet, 0)
}

/// Opens a proof and compares it with the request that carries it.
///
/// `msg_id` is the id of the request itself, not of a container around it.
///
/// # Errors
/// [`BindError`] for every defect alike. The answer to the client is `ENCRYPTED_MESSAGE_INVALID`.
// spec: crypto 11.2, 17#26
pub fn open_bind(
    perm_key: &AuthKey,
    msg_id: MsgId,
    request: &Binding,
    encrypted_message: &[u8],
) -> Result<(), BindError> {
    let mut packet: [u8; SEALED_LEN] = encrypted_message.try_into().map_err(|_| BindError)?;
    let opened = v1::open(perm_key, Side::Client, &mut packet)?;
    let binding = opened.body.try_into().ok().and_then(Binding::decode).ok_or(BindError)?;
    let consistent = opened.header.msg_id == msg_id
        && opened.header.seq_no == SeqNo::from_raw(0)
        && request.perm_auth_key_id == perm_key.id()
        && binding == *request;
    if consistent { Ok(()) } else { Err(BindError) }
}

/// A proof that does not match the request to bind a temporary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "every defect looks the same, so it has no details")]
pub struct BindError;

impl From<OpenError> for BindError {
    fn from(_: OpenError) -> Self {
        Self
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proof does not match the request to bind a temporary key")
    }
}

impl core::error::Error for BindError {}
