//! Errors of decoding and encoding.

use core::fmt;

use crate::ConstructorId;

/// An error at a position of the decoded input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub(crate) kind: DecodeErrorKind,
    pub(crate) offset: usize,
    pub(crate) within: &'static str,
}

impl DecodeError {
    /// Returns the kind of the error.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns the offset of the offending item, in bytes from the start of the input.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the name of the innermost constructor whose fields were being decoded, or an empty
    /// string at the root.
    ///
    /// [`Decoder::path`](crate::Decoder::path) returns the outer ones too.
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

/// The kinds of decoding errors.
// spec: tl 7
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside the item.
    UnexpectedEof {
        /// The least length of the item, in bytes.
        needed: usize,
        /// The number of bytes left.
        have: usize,
    },
    /// No constructor of the schema has this id.
    UnknownConstructor {
        /// The id that was read.
        id: ConstructorId,
    },
    /// No constructor of the expected type has this id.
    UnexpectedConstructor {
        /// The id that was read.
        id: ConstructorId,
        /// The name of the expected type or constructor.
        expected: &'static str,
    },
    /// A count is negative or too large for the input.
    InvalidLength {
        /// The count that was read.
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
    /// Decoding the value allocates more heap than [`Budget::bytes_max`](crate::Budget::bytes_max).
    BytesLimit {
        /// The limit.
        max: usize,
    },
    /// Bytes follow the value.
    TrailingBytes {
        /// The number of bytes left.
        remaining: usize,
    },
    /// A string is not in the form that an encoder writes. Only reported in canonical mode.
    NotCanonical,
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEof { needed, have } => {
                write!(f, "unexpected end of input: {needed} bytes needed, {have} left")
            }
            Self::UnknownConstructor { id } => write!(f, "unknown constructor {id}"),
            Self::UnexpectedConstructor { id, expected } => {
                write!(f, "unexpected constructor {id}, expected {expected}")
            }
            Self::InvalidLength { count } => write!(f, "invalid vector count {count}"),
            Self::RecursionLimit { max } => write!(f, "nested deeper than {max} constructors"),
            Self::ElementsLimit { max } => write!(f, "more than {max} vector items"),
            Self::BytesLimit { max } => write!(f, "value needs more than {max} bytes of heap"),
            Self::TrailingBytes { remaining } => {
                write!(f, "{remaining} trailing bytes after the value")
            }
            Self::NotCanonical => f.write_str("string is not in canonical form"),
        }
    }
}

/// Errors of decoding a call of any function of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// No function of the schema has this id.
    UnknownFunction {
        /// The id that was read.
        id: ConstructorId,
    },
    /// The arguments cannot be decoded, or trailing bytes follow them.
    Arguments(DecodeError),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFunction { id } => write!(f, "unknown function {id}"),
            Self::Arguments(_) => f.write_str("invalid arguments of a call"),
        }
    }
}

impl core::error::Error for CallError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::UnknownFunction { .. } => None,
            Self::Arguments(error) => Some(error),
        }
    }
}

impl From<DecodeError> for CallError {
    fn from(error: DecodeError) -> Self {
        Self::Arguments(error)
    }
}

/// Errors of [`Encode::encode_into`](crate::Encode::encode_into) and
/// [`Encode::checked_len`](crate::Encode::checked_len).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small.
    BufferTooSmall {
        /// The encoded length of the value, in bytes.
        needed: usize,
        /// The length of the buffer, in bytes.
        have: usize,
    },
    /// A string is longer than [`STRING_LEN_MAX`](crate::STRING_LEN_MAX).
    StringTooLong {
        /// The length in bytes.
        len: usize,
    },
    /// A vector has more items than its count can express.
    VectorTooLong {
        /// The number of items.
        len: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { needed, have } => {
                write!(f, "buffer too small: {needed} bytes needed, {have} available")
            }
            Self::StringTooLong { len } => write!(f, "string of {len} bytes is too long"),
            Self::VectorTooLong { len } => write!(f, "vector of {len} items is too long"),
        }
    }
}

impl core::error::Error for EncodeError {}
