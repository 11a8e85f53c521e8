//! Named violations of the framings.

use core::fmt;

/// How the peer broke the framing. There is no resynchronisation: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame announces no bytes.
    Empty,
    /// An abridged length uses the long form although the short one would do.
    Overlong {
        /// The announced length in words, below 127.
        words: usize,
    },
    /// A frame announces more bytes than are accepted.
    TooLong {
        /// The announced length of the body.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A frame announces fewer bytes than its fields need.
    TooShort {
        /// The announced length.
        len: usize,
        /// The least length.
        min: usize,
    },
    /// A length is not a multiple of four.
    Misaligned {
        /// The announced length.
        len: usize,
    },
    /// A full frame is out of sequence.
    SeqNo {
        /// The number of frames received before.
        expected: u32,
        /// The number in the frame.
        found: u32,
    },
    /// A full frame's checksum is wrong.
    Checksum {
        /// The checksum of the received bytes.
        expected: u32,
        /// The checksum in the frame.
        found: u32,
    },
    /// A body is too short for a packet and is no control packet of this framing either.
    ShortPacket {
        /// The body's length.
        len: usize,
    },
    /// A control packet is neither an error nor a quick ack nor a no-op.
    UnknownControl {
        /// Its first word.
        word: i32,
    },
    /// An unencrypted message inside a padded frame announces more bytes than the frame has.
    InnerLength {
        /// What the message announces.
        declared: usize,
        /// What the frame has behind the message's header.
        available: usize,
    },
    /// The stream ended inside a frame.
    Truncated {
        /// The bytes of the frame that came.
        have: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => write!(f, "frame of no bytes"),
            Self::Overlong { words } => write!(f, "length of {words} words in the long form"),
            Self::TooLong { len, max } => write!(f, "frame of {len} bytes, at most {max} accepted"),
            Self::TooShort { len, min } => write!(f, "frame of {len} bytes, at least {min} needed"),
            Self::Misaligned { len } => write!(f, "length of {len} bytes is no multiple of four"),
            Self::SeqNo { expected, found } => {
                write!(f, "frame number {found} instead of {expected}")
            }
            Self::Checksum { expected, found } => {
                write!(f, "checksum {found:08x} instead of {expected:08x}")
            }
            Self::ShortPacket { len } => write!(f, "packet of {len} bytes"),
            Self::UnknownControl { word } => write!(f, "control packet {word}"),
            Self::InnerLength { declared, available } => {
                write!(f, "message of {declared} bytes in a frame that has {available} for it")
            }
            Self::Truncated { have } => write!(f, "stream ended {have} bytes into a frame"),
        }
    }
}

impl core::error::Error for FrameError {}
