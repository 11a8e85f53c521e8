//! Combinators: constructors and functions, their ids, and the bare and boxed forms of their values.
//!
//! A constructor is a struct. Its fields alone are its *bare* form ([`EncodeBare`], [`DecodeBare`]).
//! The id followed by the fields is its *boxed* form, the form of [`Encode`] and [`Decode`]. Where a
//! schema uses the bare form, the field's type is [`Bare`] around the struct.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, DerefMut};

use crate::{Decode, DecodeError, Decoder, Encode, Output};

/// The 32-bit number of a constructor or function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConstructorId(u32);

impl ConstructorId {
    /// Returns the id with this number, which a schema writes after `#`.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ConstructorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:08x}", self.0)
    }
}

impl fmt::Debug for ConstructorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A struct that represents one constructor or function of a schema.
pub trait Constructor {
    /// Its id.
    const ID: ConstructorId;
    /// Its name in the schema, with namespaces: `messages.sendMessage`.
    const NAME: &'static str;
}

/// A constructor or function whose fields can be encoded.
pub trait EncodeBare: Constructor {
    /// Appends the fields, without the id.
    fn encode_bare<O: Output + ?Sized>(&self, out: &mut O);

    /// Appends the id and the fields.
    #[inline]
    fn encode_boxed<O: Output + ?Sized>(&self, out: &mut O) {
        Self::ID.encode(out);
        self.encode_bare(out);
    }
}

/// A constructor or function whose fields can be decoded.
pub trait DecodeBare<'a>: Constructor + Sized {
    /// A lower bound on the encoded length of the fields, in bytes; 0 is always correct.
    const BARE_LEN_MIN: usize = 0;

    /// Decodes the fields, without the id.
    ///
    /// Callers use [`Decoder::bare`], which counts the depth.
    ///
    /// # Errors
    /// The error of the first field that cannot be decoded.
    fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError>;

    /// Decodes the fields into a new box.
    ///
    /// Callers use [`Decoder::bare_box`], which counts the depth.
    ///
    /// # Errors
    /// As [`DecodeBare::decode_bare`].
    #[inline]
    fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
        Self::decode_bare(d).map(Box::new)
    }
}

/// A large value that is decoded in place.
///
/// Returning half a kilobyte through three functions copies it three times, which takes longer than
/// decoding the few fields that are present. A value of such a type starts as [`BLANK`](Fill::BLANK)
/// in its vector or box and is filled there. Generated types of more than 128 bytes implement this
/// trait; other types do not need it.
pub trait Fill<'a>: Sized {
    /// A value with no field decoded.
    const BLANK: Self;

    /// Decodes into a blank value: the fields of a constructor, or the id and the fields of a type
    /// with several constructors.
    ///
    /// For constructors, callers use [`Decoder::fill`], which counts the depth.
    ///
    /// # Errors
    /// The error of the first field that cannot be decoded; the value must then be discarded.
    fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError>;
}

/// A function: a call whose answer has a known type.
///
/// A client encodes the call and decodes the answer, a server decodes the call and encodes the answer. A function that
/// wraps another call has that call's answer. Generated functions implement the trait.
///
/// ```
/// use mtp_tl::{DecodeError, Function};
///
/// /// What a client does with any function of any schema.
/// fn call<F: Function>(
///     function: &F,
///     exchange: impl Fn(Vec<u8>) -> Vec<u8>,
/// ) -> Result<F::Answer, DecodeError> {
///     F::decode_answer(&exchange(function.to_bytes()))
/// }
/// ```
pub trait Function: Encode + Constructor {
    /// The answer, which owns its bytes: [`AnswerRef`](Self::AnswerRef) with the lifetime `'static`.
    // spec: tl 8
    type Answer: Encode + Send + 'static;

    /// The answer, which borrows from the bytes that arrived.
    type AnswerRef<'a>: Decode<'a> + Encode;

    /// Decodes an answer that is the whole of `bytes`, within [`Budget::for_len`](crate::Budget::for_len).
    ///
    /// # Errors
    /// As [`Decode::from_bytes`].
    fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError>;

    /// Encodes an answer to this call. An owned answer is accepted as well as a borrowed one.
    #[inline]
    fn encode_answer(&self, answer: &Self::AnswerRef<'_>) -> Vec<u8> {
        answer.to_bytes()
    }
}

/// A constructor in its bare form: `%Message`, or a lower-case name in type position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a transparent wrapper, built and matched by users")]
pub struct Bare<T>(pub T);

impl<T> Deref for Bare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Bare<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: EncodeBare> Encode for Bare<T> {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.0.encode_bare(out);
    }
}

impl<'a, T: DecodeBare<'a>> Decode<'a> for Bare<T> {
    const LEN_MIN: usize = T::BARE_LEN_MIN;

    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.bare().map(Self)
    }
}

// A box is encoded as its contents.

impl<T: Constructor + ?Sized> Constructor for Box<T> {
    const ID: ConstructorId = T::ID;
    const NAME: &'static str = T::NAME;
}

impl<T: EncodeBare + ?Sized> EncodeBare for Box<T> {
    #[inline]
    fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
        (**self).encode_bare(out);
    }
}

impl<'a, T: DecodeBare<'a>> DecodeBare<'a> for Box<T> {
    const BARE_LEN_MIN: usize = T::BARE_LEN_MIN;

    #[inline]
    fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.charge_bytes(size_of::<T>())?;
        T::decode_bare_box(d)
    }
}

impl Encode for ConstructorId {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.0.encode(out);
    }
}

impl<'a> Decode<'a> for ConstructorId {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.read().map(Self)
    }
}
