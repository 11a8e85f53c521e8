//! Messages of a chat: the `data` of `messages.sendEncrypted` and similar methods.
//!
//! ```text
//!   key_fingerprint 8 | msg_key 16 | encrypted: length 4 | body | padding
//! ```
//!
//! Message key and key derivation are those of the [`envelope`]; the header is shorter.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::auth_key::AuthKey;
use crate::envelope::{self, EXTERNAL_HEADER_LEN, OpenError, Padding, SealError, append_random};
use crate::side::Side;
use crate::v1;
use mtp_env::Entropy;

/// The MTProto version of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these two")]
pub enum ChatVersion {
    /// MTProto 1.0, for peers below layer 73.
    One,
    /// MTProto 2.0.
    Two,
}

/// The MTProto versions that a receiver accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "as for `ChatVersion`")]
pub enum ChatVersions {
    /// MTProto 2.0 only.
    Two,
    /// MTProto 2.0, and if that fails 1.0.
    TwoThenOne,
}

/// A decrypted message that passed the checks.
#[non_exhaustive]
pub struct ChatMessage<'p> {
    /// The version of the encryption, for [`PeerLayer::received`](super::PeerLayer::received).
    pub version: ChatVersion,
    /// The serialized `decryptedMessageLayer`, or the bare message of an old peer.
    pub body: &'p [u8],
}

/// Prints the version and the length of the body, never the body itself.
impl fmt::Debug for ChatMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatMessage")
            .field("version", &self.version)
            .field("body_len", &self.body.len())
            .finish()
    }
}

/// Encrypts a body.
///
/// # Errors
/// [`SealError::Body`] if the length of the body is not a multiple of 4 or exceeds 2^31 − 1.
// spec: crypto 14.3
pub fn seal(
    key: &AuthKey,
    sender: Side,
    body: &[u8],
    padding: Padding,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let mut packet = begin(body)?;
    let padding_len = padding.draw_len(LENGTH_LEN.saturating_add(body.len()), entropy);
    append_random(&mut packet, padding_len, entropy);
    envelope::seal_padded(key, sender, &mut packet).map(|_| packet)
}

/// Encrypts a body for a peer below layer 73, which supports MTProto 1.0 only.
///
/// # Errors
/// As [`seal`].
// spec: crypto 14.3
pub fn seal_v1(
    key: &AuthKey,
    body: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let mut packet = begin(body)?;
    let plain_len = LENGTH_LEN.saturating_add(body.len());
    append_random(&mut packet, plain_len.wrapping_neg() % 16, entropy);
    v1::seal_padded(key, V1_SIDE, &mut packet, plain_len).map(|_| packet)
}

/// Decrypts and authenticates a message in place. `key` is the result of
/// [`ChatKeys::key`](super::ChatKeys::key) for the fingerprint at the start of the data.
///
/// # Errors
/// [`OpenError`] for every defect alike; drop the message.
// spec: crypto 14.3, 17#31
pub fn open<'p>(
    key: &AuthKey,
    sender: Side,
    data: &'p mut [u8],
    versions: ChatVersions,
) -> Result<ChatMessage<'p>, OpenError> {
    match versions {
        ChatVersions::TwoThenOne if !is_v2(key, sender, data) => open_v1(key, data),
        _ => open_v2(key, sender, data),
    }
}

/// Tries to open a copy, because opening decrypts in place and wipes on failure.
fn is_v2(key: &AuthKey, sender: Side, data: &[u8]) -> bool {
    let mut copy = Zeroizing::new(data.to_vec());
    open_v2(key, sender, &mut copy).is_ok()
}

fn open_v2<'p>(
    key: &AuthKey,
    sender: Side,
    data: &'p mut [u8],
) -> Result<ChatMessage<'p>, OpenError> {
    let plain = envelope::decrypt(key, sender, data, LENGTH_LEN)?;
    Ok(ChatMessage { version: ChatVersion::Two, body: plain.body })
}

fn open_v1<'p>(key: &AuthKey, data: &'p mut [u8]) -> Result<ChatMessage<'p>, OpenError> {
    let plain = v1::decrypt(key, V1_SIDE, data, LENGTH_LEN)?;
    Ok(ChatMessage { version: ChatVersion::One, body: plain.body })
}

fn begin(body: &[u8]) -> Result<Vec<u8>, SealError> {
    let length = i32::try_from(body.len()).ok().filter(|length| length % 4 == 0);
    let length = length.ok_or(SealError::Body { len: body.len() })?;
    let mut packet = alloc::vec![0; EXTERNAL_HEADER_LEN];
    packet.extend_from_slice(&length.to_le_bytes());
    packet.extend_from_slice(body);
    Ok(packet)
}

/// MTProto 1.0 uses x = 0 in both directions of a chat.
const V1_SIDE: Side = Side::Client;
/// The header consists of the length of the body.
const LENGTH_LEN: usize = 4;
