//! Framing errors.

use core::fmt;

/// Violations of the framing by the peer. A stream cannot be resynchronized: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame declares a length of zero.
    Empty,
    /// An abridged length is in the long form although the short form suffices.
    Overlong {
        /// The declared length in words, below 127.
        words: usize,
    },
    /// A frame declares more bytes than the limit.
    TooLong {
        /// The declared length of the body.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A frame declares fewer bytes than its fields have.
    TooShort {
        /// The declared length.
        len: usize,
        /// The minimum length.
        min: usize,
    },
    /// A length is not a multiple of four.
    Misaligned {
        /// The declared length.
        len: usize,
    },
    /// A full frame has an unexpected sequence number.
    SeqNo {
        /// The number of frames received before.
        expected: u32,
        /// The sequence number of the frame.
        found: u32,
    },
    /// A full frame has the wrong checksum.
    Checksum {
        /// The checksum of the received bytes.
        expected: u32,
        /// The checksum in the frame.
        found: u32,
    },
    /// A body is too short for a packet and is not a control packet of this framing.
    ShortPacket {
        /// The body's length.
        len: usize,
    },
    /// A control packet is not an error, a quick ack or a no-op.
    UnknownControl {
        /// Its first word.
        word: i32,
    },
    /// An unencrypted message in a padded frame declares more bytes than the frame has.
    InnerLength {
        /// The declared length of the message body.
        declared: usize,
        /// The bytes behind the message header.
        available: usize,
    },
    /// The stream ended within a frame.
    Truncated {
        /// The bytes received of the frame.
        have: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("empty frame"),
            Self::Overlong { words } => write!(f, "length of {words} words in the long form"),
            Self::TooLong { len, max } => write!(f, "frame of {len} bytes, expected at most {max}"),
            Self::TooShort { len, min } => {
                write!(f, "frame of {len} bytes, expected at least {min}")
            }
            Self::Misaligned { len } => {
                write!(f, "length of {len} bytes is not a multiple of four")
            }
            Self::SeqNo { expected, found } => {
                write!(f, "frame number {found}, expected {expected}")
            }
            Self::Checksum { expected, found } => {
                write!(f, "checksum {found:08x}, expected {expected:08x}")
            }
            Self::ShortPacket { len } => write!(f, "packet of {len} bytes is too short"),
            Self::UnknownControl { word } => write!(f, "unknown control packet {word}"),
            Self::InnerLength { declared, available } => {
                write!(f, "message of {declared} bytes in a frame with {available} bytes for it")
            }
            Self::Truncated { have } => write!(f, "stream ended {have} bytes into a frame"),
        }
    }
}

impl core::error::Error for FrameError {}
