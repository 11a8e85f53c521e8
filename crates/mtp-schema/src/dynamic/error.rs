//! Errors of the dynamic codec.

use core::fmt;

/// Error for bytes that are not a value of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamicDecodeError {
    /// The kind of error.
    pub kind: DynamicDecodeErrorKind,
    /// The offset of the offending item, from the start of the input or of the decompressed data that contains it.
    pub offset: usize,
    /// The constructors and fields around it, outermost first.
    pub path: Vec<String>,
}

impl DynamicDecodeError {
    pub(super) fn within(mut self, step: String) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl fmt::Display for DynamicDecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " in {}", self.path.join(" > ")) }
    }
}

impl core::error::Error for DynamicDecodeError {}

/// Kinds of [`DynamicDecodeError`].
// spec: tl 7
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DynamicDecodeErrorKind {
    /// The input ends inside an item.
    UnexpectedEof {
        /// Minimum number of bytes of the item.
        needed: usize,
        /// Bytes available.
        have: usize,
    },
    /// The schema does not have the id.
    UnknownConstructor {
        /// The id.
        id: u32,
    },
    /// The schema has the id, but it is not allowed here.
    UnexpectedConstructor {
        /// The id.
        id: u32,
        /// The expected type.
        expected: String,
    },
    /// A count or length is negative, or larger than the input allows.
    InvalidLength {
        /// The count or length.
        length: i32,
    },
    /// Values are nested deeper than the limit.
    RecursionLimit {
        /// The limit.
        max: u32,
    },
    /// There are more vector items than the limit.
    ElementsLimit {
        /// The limit.
        max: usize,
    },
    /// The value takes more heap than the limit.
    BytesLimit {
        /// The limit.
        max: usize,
    },
    /// Compressed data is larger than the limit when decompressed.
    DecompressionLimit {
        /// The limit.
        max: usize,
    },
    /// Compressed data is not a gzip stream, is truncated, or fails its checksum.
    InvalidCompression,
    /// Bytes follow the value.
    TrailingBytes {
        /// The number of bytes.
        remaining: usize,
    },
}

impl DynamicDecodeErrorKind {
    /// Returns the name of the error class.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::UnexpectedEof { .. } => "unexpected_eof",
            Self::UnknownConstructor { .. } => "unknown_constructor",
            Self::UnexpectedConstructor { .. } => "unexpected_constructor",
            Self::InvalidLength { .. } => "invalid_length",
            Self::RecursionLimit { .. } => "recursion_limit",
            Self::ElementsLimit { .. } => "elements_limit",
            Self::BytesLimit { .. } => "bytes_limit",
            Self::DecompressionLimit { .. } => "decompression_limit",
            Self::InvalidCompression => "invalid_compression",
            Self::TrailingBytes { .. } => "trailing_bytes",
        }
    }
}

impl fmt::Display for DynamicDecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEof { needed, have } => {
                write!(f, "unexpected end of input: {needed} bytes needed, {have} available")
            }
            Self::UnknownConstructor { id } => write!(f, "unknown constructor #{id:08x}"),
            Self::UnexpectedConstructor { id, expected } => {
                write!(f, "unexpected constructor #{id:08x}, expected {expected}")
            }
            Self::InvalidLength { length } => write!(f, "invalid length {length}"),
            Self::RecursionLimit { max } => write!(f, "nested deeper than {max} levels"),
            Self::ElementsLimit { max } => write!(f, "more than {max} vector items"),
            Self::BytesLimit { max } => write!(f, "the value takes more than {max} bytes of heap"),
            Self::DecompressionLimit { max } => write!(f, "decompresses to more than {max} bytes"),
            Self::InvalidCompression => f.write_str("invalid gzip data"),
            Self::TrailingBytes { remaining } => write!(f, "{remaining} bytes after the value"),
        }
    }
}

/// Error for JSON that is not a value of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamicEncodeError {
    /// The kind of error.
    pub kind: DynamicEncodeErrorKind,
    /// The constructors and fields around it, outermost first.
    pub path: Vec<String>,
}

impl DynamicEncodeError {
    pub(super) fn within(mut self, step: String) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl From<DynamicEncodeErrorKind> for DynamicEncodeError {
    fn from(kind: DynamicEncodeErrorKind) -> Self {
        Self { kind, path: Vec::new() }
    }
}

impl fmt::Display for DynamicEncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " in {}", self.path.join(" > ")) }
    }
}

impl core::error::Error for DynamicEncodeError {}

/// Kinds of [`DynamicEncodeError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DynamicEncodeErrorKind {
    /// The JSON value does not have the form of the TL type.
    WrongForm {
        /// The TL type.
        expected: String,
        /// The JSON, truncated if long.
        found: String,
    },
    /// The schema does not have the constructor or function.
    UnknownName {
        /// The name.
        name: String,
    },
    /// The constructor belongs to another type.
    WrongType {
        /// The name.
        name: String,
        /// The expected type.
        expected: String,
    },
    /// A required field is missing.
    MissingField {
        /// The name.
        field: String,
    },
    /// The constructor does not have the field.
    UnknownField {
        /// The name.
        field: String,
    },
    /// A string of 2^24 bytes or more, for which the API has no form.
    StringTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Values are nested deeper than the limit.
    RecursionLimit {
        /// The limit.
        max: u32,
    },
}

impl fmt::Display for DynamicEncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongForm { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::UnknownName { name } => write!(f, "the schema has no `{name}`"),
            Self::WrongType { name, expected } => {
                write!(f, "`{name}` is not a constructor of {expected}")
            }
            Self::MissingField { field } => write!(f, "the field `{field}` is missing"),
            Self::UnknownField { field } => write!(f, "there is no field `{field}`"),
            Self::StringTooLong { len } => write!(f, "a string of {len} bytes is too long"),
            Self::RecursionLimit { max } => write!(f, "nested deeper than {max} levels"),
        }
    }
}
