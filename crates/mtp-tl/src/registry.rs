//! Tables of the constructors and functions of a schema, for tools that handle any id.

use alloc::vec::Vec;

use crate::{ConstructorId, Decode, DecodeError, DecodeErrorKind, Decoder, Encode, Function};

/// One constructor or function of a schema.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The id.
    pub id: ConstructorId,
    /// The name in the schema.
    pub name: &'static str,
    /// Constructor or function.
    pub kind: Kind,
    transcode: fn(&mut Decoder<'_>, &mut Vec<u8>) -> Result<(), DecodeError>,
    answer: Option<TranscodeAnswer>,
}

/// The type of [`transcode_answer`] for one function.
type TranscodeAnswer = fn(&[u8], &mut Vec<u8>) -> Result<(), DecodeError>;

impl Entry {
    /// Creates an entry of a generated table.
    #[must_use]
    pub const fn new(
        id: u32,
        name: &'static str,
        kind: Kind,
        transcode: fn(&mut Decoder<'_>, &mut Vec<u8>) -> Result<(), DecodeError>,
    ) -> Self {
        Self { id: ConstructorId::new(id), name, kind, transcode, answer: None }
    }

    /// Adds the codec of a function's answers, in generated tables.
    #[must_use]
    pub const fn with_answer(
        mut self,
        transcode: fn(&[u8], &mut Vec<u8>) -> Result<(), DecodeError>,
    ) -> Self {
        self.answer = Some(transcode);
        self
    }

    /// Decodes a boxed value of the entry's type and appends its encoding.
    ///
    /// # Errors
    /// As [`Decode::decode`] of the type.
    pub fn transcode(&self, d: &mut Decoder<'_>, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        (self.transcode)(d, out)
    }

    /// Decodes an answer to the function and appends its encoding. Returns `None` for constructors and
    /// for functions that wrap another call.
    pub fn transcode_answer(
        &self,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Result<(), DecodeError>> {
        self.answer.map(|transcode| transcode(bytes, out))
    }
}

/// The kind of a combinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "TL has types and functions, nothing else")]
pub enum Kind {
    /// A constructor of a type.
    Constructor,
    /// A function.
    Function,
}

/// All entries of a schema, in ascending order of their ids.
#[derive(Clone, Copy, Debug)]
pub struct Registry(&'static [Entry]);

impl Registry {
    /// Creates a registry from a table in ascending order of ids.
    #[must_use]
    pub const fn new(entries: &'static [Entry]) -> Self {
        Self(entries)
    }

    /// Returns the table.
    #[must_use]
    pub const fn entries(self) -> &'static [Entry] {
        self.0
    }

    /// Returns the entry with an id.
    #[must_use]
    pub fn find(self, id: ConstructorId) -> Option<&'static Entry> {
        self.0.binary_search_by_key(&id, |entry| entry.id).ok().and_then(|at| self.0.get(at))
    }

    /// Decodes a boxed object of any type and appends its encoding.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnknownConstructor`] for an id that the schema does not contain,
    /// [`DecodeErrorKind::UnexpectedConstructor`] for the id of a function, and as
    /// [`Decode::decode`].
    // spec: tl 7
    pub fn transcode(self, d: &mut Decoder<'_>, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let Some(id) = d.peek_id() else { return d.id().map(|_| ()) };
        match self.find(id) {
            Some(Entry { kind: Kind::Function, .. }) => {
                let expected = "Object";
                Err(d.error(DecodeErrorKind::UnexpectedConstructor { id, expected }))
            }
            Some(entry) => entry.transcode(d, out),
            None => Err(d.error(DecodeErrorKind::UnknownConstructor { id })),
        }
    }
}

/// Decodes a value of type `T` and appends its encoding. Generated tables point to this function.
///
/// # Errors
/// As [`Decode::decode`] of the type.
pub fn transcode<'a, T: Decode<'a> + Encode>(
    d: &mut Decoder<'a>,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    T::decode(d).map(|value| value.encode(out))
}

/// Decodes an answer to `F` and appends its encoding. Generated tables point to this function.
///
/// # Errors
/// As [`Function::decode_answer`].
pub fn transcode_answer<F: Function>(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    F::decode_answer(bytes).map(|answer| answer.encode(out))
}
