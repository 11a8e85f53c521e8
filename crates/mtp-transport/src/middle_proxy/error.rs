//! Why a link ended, and why a message cannot be sent.

use core::fmt;

/// Reason for the end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MiddleLinkError {
    /// The length of a frame is out of range or no multiple of four.
    Length {
        /// The length.
        len: usize,
    },
    /// A frame has another number than the next one.
    SeqNo {
        /// The next number.
        expected: i32,
        /// The received number.
        found: i32,
    },
    /// The checksum of a frame does not match: it was damaged, or the keys differ.
    Checksum,
    /// The first message is no nonce.
    NotNonce,
    /// The peer requests another key exchange.
    Schema {
        /// The number of the exchange.
        schema: u32,
    },
    /// The peer uses another secret.
    Selector {
        /// The first bytes of that secret.
        selector: [u8; 4],
    },
    /// The clocks of both ends differ by too much.
    Clock {
        /// The peer's clock relative to ours, in seconds.
        offset_s: i64,
    },
    /// The second message is no handshake.
    NotHandshake,
    /// The handshake has another length.
    HandshakeLength {
        /// The length.
        len: usize,
    },
    /// The handshake has flags that must not be set.
    Flags {
        /// The flags.
        flags: u32,
    },
    /// The handshake is for another process.
    WrongProcess,
    /// The peer accepted a checksum that was not offered.
    ChecksumNotOffered,
    /// The middle proxy refused the handshake.
    Refused {
        /// The code of the refusal.
        code: i32,
    },
    /// The peer closed before the handshake was complete.
    ClosedEarly,
    /// The peer closed the link, as middle proxies do with idle ones.
    Closed,
    /// The stream ended within a frame.
    Truncated,
    /// The handshake was not complete before its deadline.
    HandshakeTimeout,
    /// Nothing was received for two ping intervals.
    Silent,
}

impl fmt::Display for MiddleLinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len } => write!(f, "frame of {len} bytes"),
            Self::SeqNo { expected, found } => {
                write!(f, "frame number {found}, expected {expected}")
            }
            Self::Checksum => f.write_str("wrong checksum of a frame"),
            Self::NotNonce => f.write_str("first message is no nonce"),
            Self::Schema { schema } => write!(f, "key exchange {schema} is not supported"),
            Self::Selector { selector } => {
                let number = u32::from_be_bytes(*selector);
                write!(f, "peer uses the secret {number:08x}")
            }
            Self::Clock { offset_s } => write!(f, "peer's clock differs by {offset_s} s"),
            Self::NotHandshake => f.write_str("second message is no handshake"),
            Self::HandshakeLength { len } => write!(f, "handshake of {len} bytes"),
            Self::Flags { flags } => write!(f, "handshake with the flags {flags:#x}"),
            Self::WrongProcess => f.write_str("handshake is for another process"),
            Self::ChecksumNotOffered => f.write_str("peer accepted a checksum not offered"),
            Self::Refused { code } => write!(f, "handshake was refused with code {code}"),
            Self::ClosedEarly => f.write_str(
                "closed during the handshake: the secret is outdated, the clock is wrong, or the \
                 address differs from the one that the middle proxy sees",
            ),
            Self::Closed => f.write_str("closed by the peer"),
            Self::Truncated => f.write_str("stream ended within a frame"),
            Self::HandshakeTimeout => f.write_str("handshake timed out"),
            Self::Silent => f.write_str("peer is silent"),
        }
    }
}

impl core::error::Error for MiddleLinkError {}

/// Why a message cannot be sent. Nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MiddleSendError {
    /// The handshake is not complete, or the link has ended.
    NotReady,
    /// The queue is full: send when it is drained.
    Full,
    /// The packet is empty, no multiple of four bytes, or longer than a frame.
    Length {
        /// The length of the packet.
        len: usize,
    },
}

impl fmt::Display for MiddleSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => f.write_str("link is not ready"),
            Self::Full => f.write_str("queue of the link is full"),
            Self::Length { len } => write!(f, "packet of {len} bytes does not fit a frame"),
        }
    }
}

impl core::error::Error for MiddleSendError {}
