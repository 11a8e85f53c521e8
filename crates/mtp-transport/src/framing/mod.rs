//! The four TCP framings: headers and trailers around one packet.
//!
//! ```text
//!  abridged             [words 1 | 7f words 3] packet
//!  intermediate         [bytes 4] packet
//!  padded intermediate  [bytes 4] packet tail 0..15
//!  full                 [bytes 4] [seqno 4] packet [crc 4]
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `encoder` | packets to frames; the packet is written once behind reserved space |
//! | `decoder` | bytes to packets, lent from the receive buffer |
//! | `parse` | one frame at the front of a byte slice |
//! | `tail` | random bytes behind a packet, and where the packet ends |

mod decoder;
mod encoder;
mod error;
mod parse;
mod tail;
#[cfg(test)]
mod tests;

use mtp_crypto::QuickAckToken;

pub use decoder::FrameDecoder;
pub(crate) use decoder::{FrameAt, Frames};
pub(crate) use encoder::check_len;
pub use encoder::{FrameEncodeError, FrameEncoder, FrameMark};
pub use error::FrameError;
pub(crate) use parse::Parser;

use crate::code::TransportCode;

/// How packets are delimited on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has had these four since 2018")]
pub enum Framing {
    /// The length in words; one byte for most packets.
    Abridged,
    /// The length in bytes; always four bytes.
    Intermediate,
    /// Intermediate with up to 15 random bytes behind each packet.
    PaddedIntermediate,
    /// Length, sequence number and checksum; no obfuscation and no quick acks.
    Full,
}

impl Framing {
    /// All framings, in the specification's order.
    pub const ALL: [Self; 4] =
        [Self::Abridged, Self::Intermediate, Self::PaddedIntermediate, Self::Full];

    /// Returns the bytes that a client sends before its first frame if there is no obfuscation.
    // spec: transport 2
    #[must_use]
    pub const fn init(self) -> &'static [u8] {
        match self {
            Self::Abridged => &[0xef],
            Self::Intermediate => &[0xee; 4],
            Self::PaddedIntermediate => &[0xdd; 4],
            Self::Full => &[],
        }
    }

    /// Returns the tag of the framing in an obfuscated header; full framing has none.
    // spec: transport 2
    #[must_use]
    pub const fn tag(self) -> Option<Tag> {
        match self {
            Self::Full => None,
            framing => Some(Tag(framing)),
        }
    }

    /// Returns `true` if a client can request quick acks.
    // spec: transport 3
    #[must_use]
    pub const fn has_quick_ack(self) -> bool {
        !matches!(self, Self::Full)
    }
}

/// A framing that can run inside obfuscation, where its tag replaces its initial bytes.
///
/// Full framing has no tag: it can run neither inside obfuscation nor inside a WebSocket nor through
/// a proxy.
// spec: transport 2.4
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Framing);

impl Tag {
    /// Abridged framing.
    pub const ABRIDGED: Self = Self(Framing::Abridged);
    /// Intermediate framing.
    pub const INTERMEDIATE: Self = Self(Framing::Intermediate);
    /// Padded intermediate framing, the only one accepted by every proxy.
    pub const PADDED_INTERMEDIATE: Self = Self(Framing::PaddedIntermediate);

    /// All tags, in the specification's order.
    pub const ALL: [Self; 3] = [Self::ABRIDGED, Self::INTERMEDIATE, Self::PADDED_INTERMEDIATE];

    /// Parses a tag.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.to_bytes() == bytes)
    }

    /// Returns the tag: the first initial byte of the framing, four times.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        match self.0.init() {
            [first, ..] => [*first; 4],
            [] => [0; 4],
        }
    }

    /// Returns the framing.
    #[must_use]
    pub const fn framing(self) -> Framing {
        self.0
    }
}

/// Content of one frame.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a fourth kind would change the protocol")]
pub enum Frame<'a> {
    /// A packet.
    Packet {
        /// The packet, borrowed from the receive buffer for decryption in place.
        bytes: &'a mut [u8],
        /// The client requests a quick ack; always `false` from a server.
        quick_ack: bool,
    },
    /// The server has accepted the packet with this token.
    QuickAck(QuickAckToken),
    /// The server reports a transport error and closes the connection.
    Error(TransportCode),
}

/// Flags of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the header has room for one flag")]
pub struct FrameFlags {
    /// Requests a quick ack. Ignored by servers and by full framing, which have none.
    pub quick_ack: bool,
}

/// The longest packet that can be sent. With its tail it stays below the ceiling in every framing.
// spec: transport 2.5
pub const PACKET_LEN_MAX: usize = BODY_LEN_CEILING - 15;

/// The upper limit of every configured frame body limit.
// spec: transport 2.5
pub const BODY_LEN_CEILING: usize = (1 << 24) - 1;

/// The longest frame body that a client accepts by default.
// spec: transport 2.5
pub const CLIENT_BODY_LEN_MAX: usize = 4_195_328;

/// The longest frame body that a server accepts by default.
// spec: transport 2.5
pub const SERVER_BODY_LEN_MAX: usize = 1_044_480;

/// The shortest packet: an unencrypted message without a body. Shorter bodies are control packets.
pub(crate) const PACKET_LEN_MIN: usize = 20;

const _: () = assert!(PACKET_LEN_MAX.is_multiple_of(4));
