//! The four TCP framings: envelopes around one packet, nothing more.
//!
//! ```text
//!  abridged             [words 1 | 7f words 3] packet
//!  intermediate         [bytes 4] packet
//!  padded intermediate  [bytes 4] packet tail 0..15
//!  full                 [bytes 4] [seqno 4] packet [crc 4]
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`encoder`] | packets to bytes, the payload written once behind reserved room |
//! | [`decoder`] | bytes to packets, lent from the receive buffer |
//! | `parse` | one envelope at the front of some bytes |
//! | `tail` | where a packet ends that random bytes follow |

pub mod decoder;
pub mod encoder;
mod error;
pub(crate) mod parse;
pub(crate) mod tail;
#[cfg(test)]
mod tests;

use mtp_crypto::QuickAckToken;

pub use decoder::Decoder;
pub use encoder::{EncodeError, Encoder, Mark};
pub use error::FrameError;

use crate::code::TransportCode;

/// How packets are told apart on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has had these four since 2018")]
pub enum Framing {
    /// A length in words, one byte for most packets.
    Abridged,
    /// A length in bytes, four bytes.
    Intermediate,
    /// Intermediate, with up to 15 random bytes behind each packet.
    PaddedIntermediate,
    /// Length, sequence number and checksum; neither obfuscation nor quick acks.
    Full,
}

impl Framing {
    /// All framings, in the specification's order.
    pub const ALL: [Self; 4] =
        [Self::Abridged, Self::Intermediate, Self::PaddedIntermediate, Self::Full];

    /// Returns what a client sends once, before its first frame, if nothing obfuscates.
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

    /// Returns the tag that names the framing inside an obfuscated header; full has none.
    // spec: transport 2
    #[must_use]
    pub const fn tag(self) -> Option<Tag> {
        match self {
            Self::Full => None,
            framing => Some(Tag(framing)),
        }
    }

    /// Reports whether a client can ask for quick acks.
    // spec: transport 3
    #[must_use]
    pub const fn has_quick_ack(self) -> bool {
        !matches!(self, Self::Full)
    }
}

/// A framing that can run inside obfuscation, where its tag takes the place of its init bytes.
///
/// Full framing has no tag, so it cannot run there, nor in a WebSocket or through a proxy.
// spec: transport 2.4
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Framing);

impl Tag {
    /// Abridged framing.
    pub const ABRIDGED: Self = Self(Framing::Abridged);
    /// Intermediate framing.
    pub const INTERMEDIATE: Self = Self(Framing::Intermediate);
    /// Padded intermediate framing, the only one that every proxy accepts.
    pub const PADDED_INTERMEDIATE: Self = Self(Framing::PaddedIntermediate);

    /// All tags, in the specification's order.
    pub const ALL: [Self; 3] = [Self::ABRIDGED, Self::INTERMEDIATE, Self::PADDED_INTERMEDIATE];

    /// Reads a tag.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 4]) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.to_bytes() == bytes)
    }

    /// Returns the tag's bytes: the framing's first init byte four times.
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

/// What one envelope carried.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a fourth kind would be a change of the protocol")]
pub enum Frame<'a> {
    /// A packet for the layer above.
    Packet {
        /// The packet, lent from the receive buffer to be decrypted in place.
        bytes: &'a mut [u8],
        /// The client asks for a quick ack of it; always `false` from a server.
        quick_ack: bool,
    },
    /// The server has accepted the packet that bears this token.
    QuickAck(QuickAckToken),
    /// The server refuses; the connection is over.
    Error(TransportCode),
}

/// What a frame asks of its receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameFlags {
    /// Ask the server for a quick ack. Ignored where there is none: by servers and by full framing.
    pub quick_ack: bool,
}

/// The longest packet that can be sent: in every framing it fits, tail included, below the ceiling.
// spec: transport 2.5
pub const PACKET_LEN_MAX: usize = BODY_LEN_CEILING - 15;

/// The longest frame body that any receiver can be configured for.
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
