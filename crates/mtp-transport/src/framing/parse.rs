//! Parsing of one frame at the front of a byte slice.

use mtp_crypto::{QuickAckToken, Side};

use super::tail;
use super::{BODY_LEN_CEILING, FrameError, Framing, PACKET_LEN_MIN};
use crate::code::TransportCode;

/// Result of parsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The frame is incomplete.
    Incomplete,
    /// A frame without content: a no-op or filler.
    Nothing { total: usize },
    /// A packet.
    Packet(Envelope),
    /// A quick ack.
    QuickAck { token: QuickAckToken, total: usize },
    /// A transport error.
    Error { code: TransportCode },
}

/// Position of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Bytes in front of the body.
    pub(crate) head: usize,
    /// Length of the body; without its tail once that is known.
    pub(crate) len: usize,
    /// Length of the frame.
    pub(crate) total: usize,
    /// A quick ack is requested.
    pub(crate) quick_ack: bool,
}

/// The parser of one direction of one connection.
///
/// The declared length is checked first, so that a rejected body is never buffered. Parsing an
/// incomplete body costs O(1).
#[derive(Debug)]
pub(crate) struct Parser {
    framing: Framing,
    sender: Side,
    body_len_max: usize,
    /// Number of frames received, which is the expected sequence number of full framing.
    frames: u32,
}

impl Parser {
    pub(crate) fn new(framing: Framing, sender: Side, body_len_max: usize) -> Self {
        Self { framing, sender, body_len_max: body_len_max.min(BODY_LEN_CEILING), frames: 0 }
    }

    /// Parses the frame at the front of `bytes`.
    #[inline]
    pub(crate) fn parse(&mut self, bytes: &[u8]) -> Result<Parsed, FrameError> {
        match self.framing {
            Framing::Abridged => self.abridged(bytes),
            Framing::Intermediate | Framing::PaddedIntermediate => self.intermediate(bytes),
            Framing::Full => self.full(bytes),
        }
    }

    // spec: transport 2.1
    #[inline]
    fn abridged(&self, bytes: &[u8]) -> Result<Parsed, FrameError> {
        let Some(&first) = bytes.first() else { return Ok(Parsed::Incomplete) };
        let flagged = first & 0x80 != 0;
        if flagged && self.sender == Side::Server {
            let Some(token) = bytes.first_chunk() else { return Ok(Parsed::Incomplete) };
            let token = QuickAckToken::from_raw(u32::from_be_bytes(*token));
            return Ok(Parsed::QuickAck { token, total: token_len() });
        }
        let (head, words): (usize, usize) = match first & 0x7f {
            LONG_FORM => {
                let Some([_, low, middle, high]) = bytes.first_chunk() else {
                    return Ok(Parsed::Incomplete);
                };
                let words = u32::from_le_bytes([*low, *middle, *high, 0]);
                (4, usize::try_from(words).unwrap_or(usize::MAX))
            }
            words => (1, usize::from(words)),
        };
        if words == 0 {
            return Err(FrameError::Empty);
        }
        if head == 4 && words < usize::from(LONG_FORM) {
            return Err(FrameError::Overlong { words });
        }
        let len = words.saturating_mul(4);
        self.check_limit(len)?;
        let total = head.saturating_add(len);
        self.body(bytes, Envelope { head, len, total, quick_ack: flagged })
    }

    // spec: transport 2.2
    // spec: transport 2.3
    #[inline]
    fn intermediate(&self, bytes: &[u8]) -> Result<Parsed, FrameError> {
        let Some(word) = bytes.first_chunk() else { return Ok(Parsed::Incomplete) };
        let word = u32::from_le_bytes(*word);
        let flagged = word & FLAG != 0;
        if flagged && self.sender == Side::Server {
            let token = QuickAckToken::from_raw(word);
            return Ok(Parsed::QuickAck { token, total: token_len() });
        }
        let len = usize::try_from(word & !FLAG).unwrap_or(usize::MAX);
        self.check_limit(len)?;
        if len == 0 {
            return Err(FrameError::Empty);
        }
        if self.framing == Framing::PaddedIntermediate {
            if len < 4 {
                return Err(FrameError::TooShort { len, min: 4 });
            }
        } else if self.sender == Side::Client && !len.is_multiple_of(4) {
            return Err(FrameError::Misaligned { len });
        }
        let total = len.saturating_add(4);
        self.body(bytes, Envelope { head: 4, len, total, quick_ack: flagged })
    }

    // spec: transport 2.4
    fn full(&mut self, bytes: &[u8]) -> Result<Parsed, FrameError> {
        let Some((word, rest)) = bytes.split_first_chunk() else { return Ok(Parsed::Incomplete) };
        let word = i32::from_le_bytes(*word);
        if word == FILLER {
            return Ok(Parsed::Nothing { total: 4 });
        }
        if self.sender == Side::Server
            && let Some(code) = TransportCode::new(word)
        {
            return Ok(Parsed::Error { code });
        }
        let total = usize::try_from(word.cast_unsigned()).unwrap_or(usize::MAX);
        let len = total.saturating_sub(FULL_OVERHEAD);
        self.check_limit(len)?;
        if total < FULL_LEN_MIN {
            return Err(FrameError::TooShort { len: total, min: FULL_LEN_MIN });
        }
        if !total.is_multiple_of(4) {
            return Err(FrameError::Misaligned { len: total });
        }
        let Some(found) = rest.first_chunk() else { return Ok(Parsed::Incomplete) };
        let found = u32::from_le_bytes(*found);
        if found != self.frames {
            return Err(FrameError::SeqNo { expected: self.frames, found });
        }
        let Some((covered, found)) = bytes.get(..total).and_then(<[u8]>::split_last_chunk::<4>)
        else {
            return Ok(Parsed::Incomplete);
        };
        let (expected, found) = (crc32fast::hash(covered), u32::from_le_bytes(*found));
        if expected != found {
            return Err(FrameError::Checksum { expected, found });
        }
        self.frames = self.frames.wrapping_add(1);
        self.body(bytes, Envelope { head: FULL_HEAD, len, total, quick_ack: false })
    }

    #[inline]
    fn check_limit(&self, len: usize) -> Result<(), FrameError> {
        if len > self.body_len_max {
            return Err(FrameError::TooLong { len, max: self.body_len_max });
        }
        Ok(())
    }

    /// Distinguishes packets and control packets once the body is complete.
    #[inline]
    fn body(&self, bytes: &[u8], envelope: Envelope) -> Result<Parsed, FrameError> {
        let Envelope { head, len, total, .. } = envelope;
        let Some(body) = bytes.get(..total).and_then(|all| all.get(head..)?.get(..len)) else {
            return Ok(Parsed::Incomplete);
        };
        if len < PACKET_LEN_MIN {
            return match self.sender {
                Side::Client => Ok(Parsed::Packet(envelope)),
                Side::Server => self.control(body, total),
            };
        }
        let len = match self.framing {
            Framing::PaddedIntermediate => tail::packet_len(body)?,
            _ => len,
        };
        Ok(Parsed::Packet(Envelope { len, ..envelope }))
    }

    /// Parses a control packet: a body of the server that is too short for a packet.
    ///
    /// It is one word; with a tail it has up to 19 bytes. Longer bodies are never control packets,
    /// whatever their first word: half of all auth key ids have bit 31 set.
    // spec: transport 3.2
    // spec: transport 4
    fn control(&self, body: &[u8], total: usize) -> Result<Parsed, FrameError> {
        let short = FrameError::ShortPacket { len: body.len() };
        let (word, rest) = body.split_first_chunk().ok_or(short)?;
        if !rest.is_empty() && self.framing != Framing::PaddedIntermediate {
            return Err(short);
        }
        let word = i32::from_le_bytes(*word);
        if word == 0 {
            return Ok(Parsed::Nothing { total });
        }
        if let Some(code) = TransportCode::new(word) {
            return Ok(Parsed::Error { code });
        }
        match rest.first_chunk() {
            Some(token) if word == ACK_FOLLOWS => {
                let token = QuickAckToken::from_raw(u32::from_le_bytes(*token));
                Ok(Parsed::QuickAck { token, total })
            }
            _ => Err(FrameError::UnknownControl { word }),
        }
    }
}

const fn token_len() -> usize {
    size_of::<u32>()
}

/// The bit of an intermediate header that requests or marks a quick ack.
pub(crate) const FLAG: u32 = 1 << 31;

/// First byte of an abridged header that is followed by a three-byte length.
pub(crate) const LONG_FORM: u8 = 0x7f;

/// The word in front of a quick ack inside a padded frame.
pub(crate) const ACK_FOLLOWS: i32 = -1;

/// Bytes in front of the packet in a full frame: length and sequence number.
pub(crate) const FULL_HEAD: usize = 8;

/// Bytes around the packet in a full frame: length, sequence number and checksum.
pub(crate) const FULL_OVERHEAD: usize = 12;

/// The shortest full frame: its packet has at least one word.
const FULL_LEN_MIN: usize = 16;

/// A lone length word that the reference proxy sends to pad cipher blocks.
const FILLER: i32 = 4;
