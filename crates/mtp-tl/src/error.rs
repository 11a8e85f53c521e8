//! What goes wrong, where, and what was expected.

use core::fmt;

use crate::ConstructorId;

/// Why bytes are not the value asked for, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub(crate) kind: DecodeErrorKind,
    pub(crate) offset: usize,
    pub(crate) within: &'static str,
}

impl DecodeError {
    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns where the offending item begins, in bytes from the start of the input.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the name of the innermost constructor whose fields were being read, empty at the root.
    ///
    /// [`Decoder::path`](crate::Decoder::path) has the outer ones.
    #[must_use]
    pub const fn within(&self) -> &'static str {
        self.within
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)?;
        if self.within.is_empty() { Ok(()) } else { write!(f, " in {}", self.within) }
    }
}

impl core::error::Error for DecodeError {}

/// The ways in which bytes are not the value asked for.
// spec: tl 7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside the item.
    UnexpectedEof {
        /// The bytes that the item needs at least, from its offset.
        needed: usize,
        /// The bytes that are there.
        have: usize,
    },
    /// No constructor of the schema has this id.
    UnknownConstructor {
        /// The id that was read.
        id: ConstructorId,
    },
    /// The id stands for nothing that may stand here.
    UnexpectedConstructor {
        /// The id that was read.
        id: ConstructorId,
        /// The type, or the only constructor, that may stand here.
        expected: &'static str,
    },
    /// A count is negative, or larger than any input could justify.
    InvalidLength {
        /// The count as it was read.
        count: i32,
    },
    /// Constructors are nested deeper than [`Budget::depth_max`](crate::Budget::depth_max).
    RecursionLimit {
        /// The limit.
        max: u32,
    },
    /// The vectors hold more items than [`Budget::elements_max`](crate::Budget::elements_max).
    ElementsLimit {
        /// The limit.
        max: usize,
    },
    /// The value takes more heap than [`Budget::bytes_max`](crate::Budget::bytes_max).
    BytesLimit {
        /// The limit.
        max: usize,
    },
    /// The value ends before the input does.
    TrailingBytes {
        /// The bytes left.
        remaining: usize,
    },
    /// A string is not in the one form that an encoder writes; only in canonical mode.
    NotCanonical,
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEof { needed, have } => {
                write!(f, "unexpected end of input: {needed} bytes needed, {have} there")
            }
            Self::UnknownConstructor { id } => write!(f, "unknown constructor {id}"),
            Self::UnexpectedConstructor { id, expected } => {
                write!(f, "unexpected constructor {id}, expected {expected}")
            }
            Self::InvalidLength { count } => write!(f, "invalid vector count {count}"),
            Self::RecursionLimit { max } => write!(f, "nested deeper than {max} constructors"),
            Self::ElementsLimit { max } => write!(f, "more than {max} vector items"),
            Self::BytesLimit { max } => write!(f, "the value takes more than {max} bytes of heap"),
            Self::TrailingBytes { remaining } => {
                write!(f, "{remaining} bytes left after the value")
            }
            Self::NotCanonical => f.write_str("string not in canonical form"),
        }
    }
}

/// Why a value cannot be written, or not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small; what was written to it is no value.
    BufferTooSmall {
        /// The bytes that the value takes.
        needed: usize,
        /// The bytes that the buffer has.
        have: usize,
    },
    /// A string is longer than [`string::LEN_MAX`](crate::string::LEN_MAX).
    StringTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A vector has more items than its count can say.
    VectorTooLong {
        /// Its items.
        len: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { needed, have } => {
                write!(f, "buffer too small: {needed} bytes needed, {have} there")
            }
            Self::StringTooLong { len } => write!(f, "string of {len} bytes is too long"),
            Self::VectorTooLong { len } => write!(f, "vector of {len} items is too long"),
        }
    }
}

impl core::error::Error for EncodeError {}
