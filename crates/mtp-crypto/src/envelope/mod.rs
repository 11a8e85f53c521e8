//! Encrypted messages, MTProto 2.0: pad, seal, open.
//!
//! ```text
//!   packet    auth_key_id 8 | msg_key 16 | encrypted part
//!   plaintext salt 8 | session_id 8 | msg_id 8 | seq_no 4 | length 4 | body | padding 12..1024
//!
//!             begin ──▶ append the body ──▶ pad ──▶ seal            open ──▶ header, body
//! ```
//!
//! All steps share one buffer: [`begin`] reserves room for the external header, [`seal`] fills it in
//! and encrypts in place, [`open`] decrypts in place and borrows the body from the packet.
//!
//! [`open`] rejects every bad packet alike: the same error after the same work, with the buffer
//! wiped. No decrypted byte is interpreted before the message key has matched over all of them.

mod batch;
mod kdf;
mod padding;

use alloc::vec::Vec;
use core::fmt;

pub use batch::{OpenJob, SealJob, open_batch, seal_batch};
pub(crate) use kdf::{MsgKey, derive_v1};
use mtp_kernels::{Block, Digest, msg_key};
pub use padding::Padding;
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroize;

use self::kdf::secret;
use crate::auth_key::AuthKey;
use crate::engine::Engine;
use crate::ids::{AuthKeyId, MsgId, QuickAckToken, Salt, SeqNo, SessionId};
use crate::parts::part;
use crate::side::Side;
use mtp_env::Entropy;

/// The length of the external header: key id and message key.
pub const EXTERNAL_HEADER_LEN: usize = 8 + 16;

/// The number of bytes before the body: external header, then salt to length.
pub const PREFIX_LEN: usize = EXTERNAL_HEADER_LEN + InnerHeader::LEN;

/// The maximum padding of a message, in bytes.
pub const PADDING_MAX: usize = PADDING.max as usize;

/// The minimum padding of a message, in bytes.
pub const PADDING_MIN: usize = PADDING.min as usize;

/// The length of the shortest packet: an empty body, padded to 48 bytes.
pub const PACKET_MIN: usize = packet_min(InnerHeader::LEN, PADDING);

/// The encrypted header before the body of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the packet's layout, to which nothing can be added")]
pub struct InnerHeader {
    /// The server salt that the sender considers valid.
    pub salt: Salt,
    /// The session the message belongs to.
    pub session_id: SessionId,
    /// The message id.
    pub msg_id: MsgId,
    /// The sequence number of the message.
    pub seq_no: SeqNo,
}

impl InnerHeader {
    /// The length of the header, including the length field of the body.
    pub const LEN: usize = 8 + 8 + 8 + 4 + 4;

    fn parse(plain: &[u8; Self::LEN]) -> Self {
        Self {
            salt: Salt::from_le_bytes(*part(plain, 0)),
            session_id: SessionId::from_le_bytes(*part(plain, 8)),
            msg_id: MsgId::from_le_bytes(*part(plain, 16)),
            seq_no: SeqNo::from_le_bytes(*part(plain, 24)),
        }
    }
}

/// Begins a packet at the end of `out` and returns its start. The caller then appends the body.
///
/// Key id, message key and body length are zeros, to be filled in by [`pad`] and [`seal`].
#[must_use]
pub fn begin(out: &mut Vec<u8>, header: InnerHeader) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; EXTERNAL_HEADER_LEN]);
    out.extend_from_slice(&header.salt.to_le_bytes());
    out.extend_from_slice(&header.session_id.to_le_bytes());
    out.extend_from_slice(&header.msg_id.to_le_bytes());
    out.extend_from_slice(&header.seq_no.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    start
}

/// Completes the body of the packet that begins at `start`: writes its length and appends padding.
///
/// Every encryption needs fresh padding, even of the same message.
///
/// # Errors
/// [`SealError::Body`] if there is no complete header at `start`, or if the length of the body is
/// not a multiple of 4 or exceeds 2^31 − 1; `out` is unchanged.
// spec: crypto 4.1
// spec: crypto 4.3
pub fn pad(
    out: &mut Vec<u8>,
    start: usize,
    padding: Padding,
    entropy: &mut dyn Entropy,
) -> Result<(), SealError> {
    let body_len = write_length(out, start)?;
    let padding_len = padding.draw_len(InnerHeader::LEN.saturating_add(body_len), entropy);
    append_random(out, padding_len, entropy);
    Ok(())
}

/// Encrypts a padded packet in place and returns the token of its quick acknowledgment.
///
/// # Errors
/// [`SealError::NotPadded`] unless the packet was completed by [`pad`]; nothing is changed.
// spec: crypto 4.2
pub fn seal(key: &AuthKey, sender: Side, packet: &mut [u8]) -> Result<QuickAckToken, SealError> {
    padded_blocks(packet)?;
    seal_padded(key, sender, packet)
}

/// Seals the whole blocks without checking their contents.
pub(crate) fn seal_padded(
    key: &AuthKey,
    sender: Side,
    packet: &mut [u8],
) -> Result<QuickAckToken, SealError> {
    let (key_id, msg_key_room, blocks) = split_whole(packet)?;
    let digest = Engine::best().seal(&secret(key, sender), blocks);
    *key_id = key.id().to_le_bytes();
    *msg_key_room = msg_key(&digest);
    Ok(quick_ack(&digest))
}

/// Returns the blocks of a packet completed by [`pad`].
fn padded_blocks(packet: &mut [u8]) -> Result<&mut [Block], SealError> {
    let len = packet.len();
    let (_, _, blocks) = split_whole(packet)?;
    let (fits, _) = read_length(blocks.as_flattened(), InnerHeader::LEN, PADDING);
    if bool::from(fits) { Ok(blocks) } else { Err(SealError::NotPadded { len }) }
}

// spec: crypto 4.4
fn quick_ack(digest: &Digest) -> QuickAckToken {
    QuickAckToken::from_first_bytes(*part(digest, 0))
}

/// Decrypts and authenticates a packet in place and returns its header and body.
///
/// A tail of 1 to 15 bytes after the last whole block, which some transports append, is ignored.
/// `sender` is the side that the packet claims to come from: the receiver's peer.
///
/// # Errors
/// [`OpenError`] for every defect alike; decrypted bytes are wiped.
// spec: crypto 5
pub fn open<'p>(
    key: &AuthKey,
    sender: Side,
    packet: &'p mut [u8],
) -> Result<Opened<'p>, OpenError> {
    Opened::new(&decrypt(key, sender, packet, InnerHeader::LEN)?)
}

/// A plaintext that passed every check. Its header ends with the length of the body.
pub(crate) struct Plain<'p> {
    pub(crate) header: &'p [u8],
    pub(crate) body: &'p [u8],
    pub(crate) quick_ack: QuickAckToken,
}

/// Performs a receiver's steps 1 to 6 for messages with a header of this length.
// spec: crypto 5#1, 5#2, 5#3, 5#4, 5#5, 17#17, 17#18, 17#19
pub(crate) fn decrypt<'p>(
    key: &AuthKey,
    sender: Side,
    packet: &'p mut [u8],
    header_len: usize,
) -> Result<Plain<'p>, OpenError> {
    let (msg_key, blocks) = encrypted(key, packet, header_len)?;
    // 4: decrypt everything, hashing on the way.
    let digest = Engine::best().open(&secret(key, sender), msg_key, blocks);
    authenticate(msg_key, blocks, &digest, header_len)
}

/// Performs steps 1 to 3: size, key id, whole blocks. These are public, so an early return reveals
/// nothing.
fn encrypted<'p>(
    key: &AuthKey,
    packet: &'p mut [u8],
    header_len: usize,
) -> Result<(&'p MsgKey, &'p mut [Block]), OpenError> {
    if packet.len() < packet_min(header_len, PADDING) || !is_under(key, packet) {
        return Err(OpenError);
    }
    let (_, msg_key, blocks) = split(packet).ok_or(OpenError)?;
    Ok((msg_key, blocks))
}

/// Performs steps 5 and 6 on the plaintext and its hash.
fn authenticate<'p>(
    msg_key: &MsgKey,
    blocks: &'p mut [Block],
    digest: &Digest,
    header_len: usize,
) -> Result<Plain<'p>, OpenError> {
    // 5: the message key over the entire plaintext, before any of it is interpreted.
    let right = mtp_kernels::msg_key(digest).ct_eq(msg_key);
    // 6: the length.
    accept(blocks, right, header_len, PADDING, quick_ack(digest))
}

/// Returns the plaintext if the message key is right and the length leaves acceptable padding, and
/// wipes it otherwise.
///
/// The one branch is on both conditions together, so the time does not depend on which one failed.
// spec: crypto 5#6, 17#20
pub(crate) fn accept(
    blocks: &mut [Block],
    right: Choice,
    header_len: usize,
    padding: PaddingRange,
    quick_ack: QuickAckToken,
) -> Result<Plain<'_>, OpenError> {
    let (fits, body_len) = read_length(blocks.as_flattened(), header_len, padding);
    if !bool::from(right & fits) {
        blocks.as_flattened_mut().zeroize();
        return Err(OpenError);
    }
    let (header, rest) = blocks.as_flattened().split_at_checked(header_len).ok_or(OpenError)?;
    let body = rest.get(..body_len).ok_or(OpenError)?;
    Ok(Plain { header, body, quick_ack })
}

/// Reads the length of the body from the end of the header and checks it without a branch: not
/// negative, a multiple of 4, and with the remaining padding in range.
// spec: crypto 5#6
pub(crate) fn read_length(
    plain: &[u8],
    header_len: usize,
    padding: PaddingRange,
) -> (Choice, usize) {
    let (header, rest) = plain.split_at(header_len.min(plain.len()));
    let length = header.last_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes));
    let padding_len = (rest.len() as u64).wrapping_sub(length.into());
    // Values below the range, and lengths beyond the end, wrap to far above it.
    let above_min = padding_len.wrapping_sub(padding.min.into());
    let in_range = !above_min.ct_gt(&padding.max.wrapping_sub(padding.min).into());
    let fits = (length >> 31).ct_eq(&0) & (length & 3).ct_eq(&0) & in_range;
    (fits, length as usize)
}

/// The padding that a receiver accepts, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct PaddingRange {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

// spec: crypto 4.1
const PADDING: PaddingRange = PaddingRange { min: 12, max: 1024 };

/// Returns the length of the shortest packet with a header of this length: an empty body.
pub(crate) const fn packet_min(header_len: usize, padding: PaddingRange) -> usize {
    let plain_len = header_len.saturating_add(padding.min as usize).next_multiple_of(16);
    EXTERNAL_HEADER_LEN.saturating_add(plain_len)
}

/// Returns `true` if the packet carries the id of the key.
pub(crate) fn is_under(key: &AuthKey, packet: &[u8]) -> bool {
    AuthKeyId::of_packet(packet) == Some(key.id())
}

/// A decrypted message that passed the checks of the envelope.
///
/// The session checks whether session id, message id and salt are acceptable.
#[derive(PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened<'p> {
    /// The salt, session id, message id and sequence number.
    pub header: InnerHeader,
    /// The body without padding. Its length is a multiple of 4 bytes.
    pub body: &'p [u8],
    /// The answer if the packet requests a quick acknowledgment.
    pub quick_ack: QuickAckToken,
}

impl<'p> Opened<'p> {
    pub(crate) fn new(plain: &Plain<'p>) -> Result<Self, OpenError> {
        let header = plain.header.first_chunk().ok_or(OpenError)?;
        let header = InnerHeader::parse(header);
        Ok(Self { header, body: plain.body, quick_ack: plain.quick_ack })
    }
}

/// Prints the header and the length of the body, never the body itself.
impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("header", &self.header)
            .field("body_len", &self.body.len())
            .field("quick_ack", &self.quick_ack)
            .finish()
    }
}

/// Errors of [`pad`] and [`seal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// The length of the body is not allowed.
    Body {
        /// The number of bytes after the header.
        len: usize,
    },
    /// The packet was not completed by [`pad`].
    NotPadded {
        /// The length of the packet.
        len: usize,
    },
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body { len } => {
                write!(f, "a body of {len} bytes is not a multiple of 4 within the limits")
            }
            Self::NotPadded { len } => write!(f, "the packet of {len} bytes is not padded"),
        }
    }
}

impl core::error::Error for SealError {}

/// A packet that failed authentication or another check of the envelope.
///
/// The error has no details, so that a peer learns nothing about the defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "every defect looks the same, so it has no details")]
pub struct OpenError;

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the packet is not valid under this key")
    }
}

impl core::error::Error for OpenError {}

/// Writes the length of the body at the end of `out` into its header and returns it.
pub(crate) fn write_length(out: &mut [u8], start: usize) -> Result<usize, SealError> {
    let packet = out.get_mut(start..).unwrap_or_default();
    let len = packet.len();
    let Some((prefix, body)) = packet.split_first_chunk_mut::<PREFIX_LEN>() else {
        return Err(SealError::Body { len });
    };
    match i32::try_from(body.len()) {
        Ok(length) if length % 4 == 0 => {
            let [.., a, b, c, d] = prefix;
            [*a, *b, *c, *d] = length.to_le_bytes();
            Ok(body.len())
        }
        _ => Err(SealError::Body { len: body.len() }),
    }
}

pub(crate) fn append_random(out: &mut Vec<u8>, len: usize, entropy: &mut dyn Entropy) {
    let end = out.len();
    out.resize(end.saturating_add(len), 0);
    entropy.fill(out.get_mut(end..).unwrap_or_default());
}

/// Key id, message key and encrypted part.
type Split<'p> = (&'p mut [u8; 8], &'p mut MsgKey, &'p mut [Block]);

/// Splits a packet that has no tail after the last whole block.
pub(crate) fn split_whole(packet: &mut [u8]) -> Result<Split<'_>, SealError> {
    let len = packet.len();
    let whole = len.wrapping_sub(EXTERNAL_HEADER_LEN).is_multiple_of(size_of::<Block>());
    split(packet).filter(|_| whole).ok_or(SealError::NotPadded { len })
}

/// Splits a packet and ignores a tail after the last whole block.
pub(crate) fn split(packet: &mut [u8]) -> Option<Split<'_>> {
    let (key_id, rest) = packet.split_first_chunk_mut()?;
    let (msg_key, encrypted) = rest.split_first_chunk_mut()?;
    let (blocks, _tail) = encrypted.as_chunks_mut();
    Some((key_id, msg_key, blocks))
}
