//! Encoding: packets to bytes; the packet is written once behind reserved space.

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{QuickAckToken, Side};
use mtp_env::Entropy;

use super::parse::{ACK_FOLLOWS, FLAG, FULL_HEAD, LONG_FORM};
use super::tail::Tails;
use super::{FrameFlags, Framing, PACKET_LEN_MAX};
use crate::code::TransportCode;

/// The sending half of a framing.
///
/// Begin a frame, append its packet to the same buffer, then finish the frame around it. Only
/// packets below 508 bytes in abridged framing are moved, by three bytes.
///
/// The encoder does not send [`Framing::init`]: a client sends it once, or a tag instead.
///
/// ```
/// use mtp_crypto::Side;
/// use mtp_transport::framing::{FrameEncodeError, FrameEncoder, FrameFlags, Framing};
/// # struct Zeros;
/// # impl mtp_env::Entropy for Zeros { fn fill(&mut self, out: &mut [u8]) { out.fill(0) } }
/// # let entropy = &mut Zeros;
///
/// let mut encoder = FrameEncoder::new(Framing::Intermediate, Side::Client);
/// let mut out = Vec::new();
/// let mark = encoder.begin(&mut out);
/// out.extend([1, 2, 3, 4]);
/// encoder.finish(&mut out, mark, FrameFlags { quick_ack: true }, entropy)?;
/// assert_eq!(out, [4, 0, 0, 0x80, 1, 2, 3, 4]);
/// # Ok::<(), FrameEncodeError>(())
/// ```
#[derive(Debug)]
pub struct FrameEncoder {
    framing: Framing,
    sender: Side,
    /// Number of frames sent, which is the sequence number of full framing.
    frames: u32,
    /// Random tails of padded intermediate framing.
    tails: Tails,
}

/// Position of an unfinished frame in the output buffer.
#[derive(Debug)]
#[must_use = "finish or cancel the frame"]
pub struct FrameMark {
    pub(crate) start: usize,
}

impl FrameEncoder {
    /// Returns an encoder for the frames of `sender`.
    #[must_use]
    pub const fn new(framing: Framing, sender: Side) -> Self {
        Self { framing, sender, frames: 0, tails: Tails::new() }
    }

    /// Reserves space for the largest header. Append the packet afterwards.
    pub fn begin(&mut self, out: &mut Vec<u8>) -> FrameMark {
        let start = out.len();
        out.extend_from_slice(self.room());
        FrameMark { start }
    }

    /// Frames the packet appended since `begin`.
    ///
    /// Only padded intermediate framing draws from `entropy`: 128 bytes for about 13 frames.
    ///
    /// # Errors
    ///
    /// The packet cannot be framed. Everything since `begin` is removed; nothing else changes.
    pub fn finish(
        &mut self,
        out: &mut Vec<u8>,
        FrameMark { start }: FrameMark,
        flags: FrameFlags,
        entropy: &mut dyn Entropy,
    ) -> Result<(), FrameEncodeError> {
        let result = self.enclose(out, start, flags, entropy);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Removes everything appended since `begin`.
    pub fn cancel(&mut self, out: &mut Vec<u8>, FrameMark { start }: FrameMark) {
        out.truncate(start);
    }

    /// Appends a transport error. Only servers send them.
    ///
    /// # Errors
    ///
    /// [`FrameEncodeError::NotOurs`] on a client's encoder.
    // spec: transport 4
    pub fn error(
        &mut self,
        code: TransportCode,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<(), FrameEncodeError> {
        if self.sender == Side::Client {
            return Err(FrameEncodeError::NotOurs);
        }
        let mark = self.begin(out);
        out.extend_from_slice(&code.get().to_le_bytes());
        self.finish(out, mark, FrameFlags::default(), entropy)
    }

    /// Appends a quick ack. Only servers send them, and full framing has none.
    ///
    /// # Errors
    ///
    /// [`FrameEncodeError::NotOurs`] on a client's encoder and on full framing.
    // spec: transport 3.2
    pub fn quick_ack(
        &mut self,
        token: QuickAckToken,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<(), FrameEncodeError> {
        if self.sender == Side::Client {
            return Err(FrameEncodeError::NotOurs);
        }
        let token = token.as_raw();
        match self.framing {
            Framing::Abridged => out.extend_from_slice(&token.to_be_bytes()),
            Framing::Intermediate => out.extend_from_slice(&token.to_le_bytes()),
            Framing::PaddedIntermediate => {
                let mark = self.begin(out);
                out.extend_from_slice(&ACK_FOLLOWS.to_le_bytes());
                out.extend_from_slice(&token.to_le_bytes());
                self.finish(out, mark, FrameFlags::default(), entropy)?;
            }
            Framing::Full => return Err(FrameEncodeError::NotOurs),
        }
        Ok(())
    }

    /// Returns as many zero bytes as the largest header has.
    pub(crate) const fn room(&self) -> &'static [u8] {
        match self.framing {
            Framing::Full => &[0; FULL_HEAD],
            _ => &[0; 4],
        }
    }

    /// Frames the packet behind the reserved space `out[start..start + room]`.
    pub(crate) fn enclose(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        flags: FrameFlags,
        entropy: &mut dyn Entropy,
    ) -> Result<(), FrameEncodeError> {
        let body = start.saturating_add(self.room().len());
        let len = out.len().saturating_sub(body);
        check_len(len)?;
        let flagged = flags.quick_ack && self.sender == Side::Client;
        match self.framing {
            Framing::Abridged => abridged(out, start, len, flagged),
            Framing::Intermediate => put(out, start, intermediate(len, flagged)),
            Framing::PaddedIntermediate => {
                let tail = self.tails.append(self.sender, out, entropy);
                put(out, start, intermediate(len.saturating_add(tail), flagged));
            }
            Framing::Full => self.full(out, start),
        }
        Ok(())
    }

    fn full(&mut self, out: &mut Vec<u8>, start: usize) {
        // The length is below 2^24, so it fits. The checksum is not appended yet.
        let total = out.len().saturating_sub(start).saturating_add(4);
        put(out, start, intermediate(total, false));
        put(out, start.saturating_add(4), self.frames.to_le_bytes());
        let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&checksum.to_le_bytes());
        self.frames = self.frames.wrapping_add(1);
    }
}

/// Errors of the caller when framing a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameEncodeError {
    /// The packet is empty.
    Empty,
    /// The packet's length is not a multiple of four.
    Misaligned {
        /// The length.
        len: usize,
    },
    /// The packet is longer than [`PACKET_LEN_MAX`].
    TooLong {
        /// The length.
        len: usize,
    },
    /// This side or framing does not send this control packet.
    NotOurs,
}

impl fmt::Display for FrameEncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty packet"),
            Self::Misaligned { len } => {
                write!(f, "packet of {len} bytes, expected a multiple of four")
            }
            Self::TooLong { len } => {
                write!(f, "packet of {len} bytes, expected at most {PACKET_LEN_MAX}")
            }
            Self::NotOurs => f.write_str("control packet not sent by this side or framing"),
        }
    }
}

impl core::error::Error for FrameEncodeError {}

/// Checks the conditions that all framings and HTTP impose on the length of a packet.
pub(crate) fn check_len(len: usize) -> Result<(), FrameEncodeError> {
    if len == 0 {
        return Err(FrameEncodeError::Empty);
    }
    if !len.is_multiple_of(4) {
        return Err(FrameEncodeError::Misaligned { len });
    }
    if len > PACKET_LEN_MAX {
        return Err(FrameEncodeError::TooLong { len });
    }
    Ok(())
}

fn abridged(out: &mut Vec<u8>, start: usize, len: usize, flagged: bool) {
    let flag = if flagged { 0x80 } else { 0 };
    let [low, middle, high, _] = word(len / 4);
    if len < SHORT_FORM_END {
        put(out, start, [low | flag]);
        let shift_from = start.saturating_add(4);
        out.copy_within(shift_from.., start.saturating_add(1));
        out.truncate(out.len().saturating_sub(3));
    } else {
        put(out, start, [LONG_FORM | flag, low, middle, high]);
    }
}

fn intermediate(len: usize, flagged: bool) -> [u8; 4] {
    let flag = if flagged { FLAG } else { 0 };
    (u32::from_le_bytes(word(len)) | flag).to_le_bytes()
}

/// The shortest packet for which abridged framing uses the long form.
const SHORT_FORM_END: usize = LONG_FORM as usize * 4;

/// Encodes a length; `enclose` has checked that it is below 2^24.
fn word(len: usize) -> [u8; 4] {
    debug_assert!(len < 1 << 25, "checked by `enclose`");
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

/// Overwrites space reserved by `begin`.
fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(room) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *room = bytes;
    }
}
