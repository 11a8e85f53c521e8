//! What goes wrong in bytes and in JSON.

use core::fmt;

/// Why bytes are not a value of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where the offending item begins, from the start of the input or of the unpacked data it is in.
    pub offset: usize,
    /// The constructors and fields around it, outermost first.
    pub path: Vec<String>,
}

impl DecodeError {
    pub(super) fn within(mut self, step: String) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " in {}", self.path.join(" > ")) }
    }
}

impl core::error::Error for DecodeError {}

/// The ways in which bytes are not a value of the schema.
// spec: tl 7
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends inside an item.
    UnexpectedEof {
        /// Bytes the item needs at least.
        needed: usize,
        /// Bytes that are there.
        have: usize,
    },
    /// The schema has no such id.
    UnknownConstructor {
        /// The id.
        id: u32,
    },
    /// The id stands for nothing that may stand here.
    UnexpectedConstructor {
        /// The id.
        id: u32,
        /// The type that is expected.
        expected: String,
    },
    /// A count or length is negative or larger than any input could justify.
    InvalidLength {
        /// What was read.
        length: i32,
    },
    /// Nested deeper than the limit.
    RecursionLimit {
        /// The limit.
        max: u32,
    },
    /// More vector items than the limit.
    ElementsLimit {
        /// The limit.
        max: usize,
    },
    /// More bytes of heap than the limit.
    BytesLimit {
        /// The limit.
        max: usize,
    },
    /// Packed data would unpack to more than the limit.
    DecompressionLimit {
        /// The limit.
        max: usize,
    },
    /// Packed data is no gzip stream, is cut, or fails its check.
    InvalidCompression,
    /// Something stands behind the value.
    TrailingBytes {
        /// How much.
        remaining: usize,
    },
}

impl DecodeErrorKind {
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

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEof { needed, have } => {
                write!(f, "unexpected end of input: {needed} bytes needed, {have} there")
            }
            Self::UnknownConstructor { id } => write!(f, "unknown constructor #{id:08x}"),
            Self::UnexpectedConstructor { id, expected } => {
                write!(f, "unexpected constructor #{id:08x}, expected {expected}")
            }
            Self::InvalidLength { length } => write!(f, "invalid length {length}"),
            Self::RecursionLimit { max } => write!(f, "nested deeper than {max} levels"),
            Self::ElementsLimit { max } => write!(f, "more than {max} vector items"),
            Self::BytesLimit { max } => write!(f, "the value takes more than {max} bytes of heap"),
            Self::DecompressionLimit { max } => write!(f, "unpacks to more than {max} bytes"),
            Self::InvalidCompression => f.write_str("invalid gzip data"),
            Self::TrailingBytes { remaining } => write!(f, "{remaining} bytes after the value"),
        }
    }
}

/// Why JSON is not a value of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodeError {
    /// What is wrong.
    pub kind: EncodeErrorKind,
    /// The constructors and fields around it, outermost first.
    pub path: Vec<String>,
}

impl EncodeError {
    pub(super) fn within(mut self, step: String) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl From<EncodeErrorKind> for EncodeError {
    fn from(kind: EncodeErrorKind) -> Self {
        Self { kind, path: Vec::new() }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " in {}", self.path.join(" > ")) }
    }
}

impl core::error::Error for EncodeError {}

/// The ways in which JSON is not a value of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// Another JSON type, or another form of it, than the TL type has.
    WrongForm {
        /// The TL type.
        expected: String,
        /// The JSON, cut if long.
        found: String,
    },
    /// The schema has no such constructor or function.
    UnknownName {
        /// The name.
        name: String,
    },
    /// The constructor belongs to another type.
    WrongType {
        /// The name.
        name: String,
        /// The type that is expected.
        expected: String,
    },
    /// A field is absent that must be there.
    MissingField {
        /// The name.
        field: String,
    },
    /// The constructor has no such field.
    UnknownField {
        /// The name.
        field: String,
    },
    /// A string of 2^24 bytes or more, which the API has no form for.
    StringTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Nested deeper than the limit.
    RecursionLimit {
        /// The limit.
        max: u32,
    },
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongForm { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::UnknownName { name } => write!(f, "the schema has no `{name}`"),
            Self::WrongType { name, expected } => {
                write!(f, "`{name}` is no constructor of {expected}")
            }
            Self::MissingField { field } => write!(f, "the field `{field}` is missing"),
            Self::UnknownField { field } => write!(f, "there is no field `{field}`"),
            Self::StringTooLong { len } => write!(f, "a string of {len} bytes is too long"),
            Self::RecursionLimit { max } => write!(f, "nested deeper than {max} levels"),
        }
    }
}
