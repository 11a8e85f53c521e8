//! The decoding cursor and the trait of values it decodes.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::{
    Budget, Constructor, ConstructorId, DecodeBare, DecodeError, DecodeErrorKind, Encode, Fill,
    Flags, Output,
};

/// A value that can be decoded from TL and may borrow from the input.
pub trait Decode<'a>: Sized {
    /// A lower bound on the encoded length of a value, in bytes.
    ///
    /// A vector's count is rejected if the input is too short for that many values. Every boxed
    /// value takes at least 4 bytes.
    const LEN_MIN: usize = 4;

    /// Decodes one value in the form that a field of this type has.
    ///
    /// # Errors
    /// The error of the first item that cannot be decoded. The position is left at that item.
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError>;

    /// Decodes one value into a new box. The caller has charged the budget for it.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    #[inline]
    fn decode_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
        Self::decode(d).map(Box::new)
    }

    /// Decodes `count` values; [`Decoder::count`] has checked the count.
    ///
    /// # Errors
    /// As [`Decode::decode`], and [`DecodeErrorKind::BytesLimit`].
    fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
        crate::vector::decode_items(d, count)
    }

    /// Decodes the value that makes up all of `bytes`, within [`Budget::for_len`].
    ///
    /// # Errors
    /// As [`Decode::decode`], and [`DecodeErrorKind::TrailingBytes`].
    fn from_bytes(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes);
        let value = Self::decode(&mut d)?;
        d.finish()?;
        Ok(value)
    }
}

/// A cursor over bytes received from a peer, with a [`Budget`].
///
/// A read either succeeds and advances the position past the item, or fails and leaves the position
/// at the start of the item.
pub struct Decoder<'a> {
    rest: &'a [u8],
    input: &'a [u8],
    limits: Budget,
    elements_left: usize,
    bytes_left: usize,
    depth_left: u32,
    canonical: bool,
    /// The constructors around the last error, innermost first. Written only while an error
    /// propagates, so that successful decoding does not pay for it.
    path: [&'static str; PATH_LEN],
}

impl<'a> Decoder<'a> {
    /// Creates a decoder for `input` with [`Budget::for_len`].
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self::with_budget(input, Budget::for_len(input.len()))
    }

    /// Creates a decoder for `input` with the caller's budget.
    #[must_use]
    pub const fn with_budget(input: &'a [u8], budget: Budget) -> Self {
        Self {
            rest: input,
            input,
            limits: budget,
            elements_left: budget.elements_max,
            bytes_left: budget.bytes_max,
            depth_left: budget.depth_max,
            canonical: false,
            path: [""; PATH_LEN],
        }
    }

    /// Rejects strings that are not in the form an encoder writes: a long header on a short string,
    /// or padding other than zeros.
    ///
    /// For tests, and for hashes over re-encoded values. Peers do send non-canonical strings.
    // spec: tl 6.1
    #[must_use]
    pub const fn canonical(mut self) -> Self {
        self.canonical = true;
        self
    }

    /// Decodes a value.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    #[inline]
    pub fn read<T: Decode<'a>>(&mut self) -> Result<T, DecodeError> {
        T::decode(self)
    }

    /// Decodes a value that is present if `bit` of `flags` is set.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    #[inline]
    pub fn optional<T: Decode<'a>>(
        &mut self,
        flags: Flags,
        bit: u32,
    ) -> Result<Option<T>, DecodeError> {
        if flags.has(bit) { T::decode(self).map(Some) } else { Ok(None) }
    }

    /// Decodes a constructor's fields, one level deeper.
    ///
    /// # Errors
    /// As [`DecodeBare::decode_bare`], and [`DecodeErrorKind::RecursionLimit`].
    // spec: tl 7
    #[inline]
    pub fn bare<T: DecodeBare<'a>>(&mut self) -> Result<T, DecodeError> {
        let outside = self.enter()?;
        let read = T::decode_bare(self);
        self.depth_left = outside;
        match read {
            Ok(value) => Ok(value),
            Err(error) => Err(self.within(error, T::NAME)),
        }
    }

    /// Decodes a constructor's fields into a new box, one level deeper. The caller has charged the
    /// budget for the box.
    ///
    /// # Errors
    /// As [`Decoder::bare`].
    #[inline]
    pub fn bare_box<T: DecodeBare<'a>>(&mut self) -> Result<Box<T>, DecodeError> {
        let outside = self.enter()?;
        let read = T::decode_bare_box(self);
        self.depth_left = outside;
        read.map_err(|error| self.within(error, T::NAME))
    }

    /// Decodes a constructor's fields in place, one level deeper.
    ///
    /// # Errors
    /// As [`Decoder::bare`].
    #[inline]
    pub fn fill<T: Constructor + Fill<'a>>(&mut self, value: &mut T) -> Result<(), DecodeError> {
        let outside = self.enter()?;
        let read = value.fill(self);
        self.depth_left = outside;
        read.map_err(|error| self.within(error, T::NAME))
    }

    /// Decodes a constructor's id, which must be that of `T`, and its fields.
    ///
    /// # Errors
    /// As [`Decoder::bare`], and [`DecodeErrorKind::UnexpectedConstructor`].
    #[inline]
    pub fn boxed<T: DecodeBare<'a>>(&mut self) -> Result<T, DecodeError> {
        self.expect_id(T::ID, T::NAME)?;
        self.bare()
    }

    /// Decodes a constructor's id, which must be that of `T`, and its fields into a new box.
    ///
    /// # Errors
    /// As [`Decoder::boxed`].
    #[inline]
    pub fn boxed_box<T: DecodeBare<'a>>(&mut self) -> Result<Box<T>, DecodeError> {
        self.expect_id(T::ID, T::NAME)?;
        self.bare_box()
    }

    /// Decodes a constructor's id, which must be that of `T`, and its fields in place.
    ///
    /// # Errors
    /// As [`Decoder::boxed`].
    #[inline]
    pub fn fill_boxed<T: Constructor + Fill<'a>>(
        &mut self,
        value: &mut T,
    ) -> Result<(), DecodeError> {
        self.expect_id(T::ID, T::NAME)?;
        self.fill(value)
    }

    /// Decodes `count` values in place, each by `read`; [`Decoder::count`] has checked the count.
    ///
    /// Implements [`Decode::decode_items`] of large types.
    ///
    /// # Errors
    /// As `read`, and [`DecodeErrorKind::BytesLimit`].
    #[inline]
    pub fn fill_items<T: Fill<'a>>(
        &mut self,
        count: usize,
        read: impl Fn(&mut Self, &mut T) -> Result<(), DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        crate::vector::fill_items(self, count, read)
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedEof`].
    #[inline]
    pub fn id(&mut self) -> Result<ConstructorId, DecodeError> {
        self.read()
    }

    /// Reads an id that must be `id`; the error says that `name` was expected.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedConstructor`], [`DecodeErrorKind::UnexpectedEof`].
    #[inline]
    pub fn expect_id(&mut self, id: ConstructorId, name: &'static str) -> Result<(), DecodeError> {
        let got = self.id()?;
        if got == id { Ok(()) } else { Err(self.unexpected(got, name)) }
    }

    /// Reads a vector's count and checks that the input can hold that many items of `item_len_min`
    /// bytes.
    ///
    /// # Errors
    /// [`DecodeErrorKind::InvalidLength`] for a negative count, or a count of zero-length items above
    /// the length of the input; [`DecodeErrorKind::UnexpectedEof`];
    /// [`DecodeErrorKind::ElementsLimit`].
    // spec: tl 7
    pub fn count(&mut self, item_len_min: usize) -> Result<usize, DecodeError> {
        let start = self.rest;
        let count: i32 = self.read()?;
        let checked =
            usize::try_from(count).ok().filter(|&n| item_len_min > 0 || n <= self.input.len());
        let Some(items) = checked else {
            self.rest = start;
            return Err(self.error(DecodeErrorKind::InvalidLength { count }));
        };
        let needed = items.saturating_mul(item_len_min);
        if needed > self.rest.len() {
            return Err(self.eof(needed));
        }
        let Some(left) = self.elements_left.checked_sub(items) else {
            let max = self.limits.elements_max;
            return Err(self.error(DecodeErrorKind::ElementsLimit { max }));
        };
        self.elements_left = left;
        Ok(items)
    }

    /// Reads the bytes of a `string` or `bytes`.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedEof`]; in canonical mode [`DecodeErrorKind::NotCanonical`].
    #[inline]
    pub fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        // Nearly all strings have the short form, and nearly no decoder is canonical.
        if let Some((body, rest)) = crate::string::split_short(self.rest)
            && !self.canonical
        {
            self.rest = rest;
            return Ok(body);
        }
        self.any_string()
    }

    /// Reads `N` raw bytes.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedEof`].
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(chunk)
            }
            None => Err(self.eof(N)),
        }
    }

    /// Reads `len` raw bytes.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedEof`].
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.eof(len)),
        }
    }

    /// Reads the remaining bytes, possibly none.
    #[inline]
    pub fn take_rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Charges `len` bytes of heap to the budget. Call it before each allocation while decoding.
    ///
    /// # Errors
    /// [`DecodeErrorKind::BytesLimit`].
    #[inline]
    pub fn charge_bytes(&mut self, len: usize) -> Result<(), DecodeError> {
        match self.bytes_left.checked_sub(len) {
            Some(left) => {
                self.bytes_left = left;
                Ok(())
            }
            None => Err(self.error(DecodeErrorKind::BytesLimit { max: self.limits.bytes_max })),
        }
    }

    /// Moves the position back before the id just read and returns the error that rejects it.
    #[cold]
    #[must_use]
    pub fn unexpected(&mut self, id: ConstructorId, expected: &'static str) -> DecodeError {
        let before = self.offset().saturating_sub(ID_LEN);
        self.rest = self.input.get(before..).unwrap_or_default();
        self.error(DecodeErrorKind::UnexpectedConstructor { id, expected })
    }

    /// Returns an error of `kind` at the current position.
    #[cold]
    #[must_use]
    pub fn error(&mut self, kind: DecodeErrorKind) -> DecodeError {
        self.path = [""; PATH_LEN];
        DecodeError { kind, offset: self.offset(), within: "" }
    }

    /// Checks that no bytes are left.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TrailingBytes`].
    pub fn finish(mut self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            remaining => Err(self.error(DecodeErrorKind::TrailingBytes { remaining })),
        }
    }

    /// Returns the next id without reading it, or `None` if fewer than 4 bytes are left.
    #[inline]
    #[must_use]
    pub fn peek_id(&self) -> Option<ConstructorId> {
        self.rest.first_chunk().map(|id| ConstructorId::new(u32::from_le_bytes(*id)))
    }

    /// Returns `true` if the next id is `id`, without reading it.
    #[inline]
    #[must_use]
    pub fn is_next(&self, id: ConstructorId) -> bool {
        self.peek_id() == Some(id)
    }

    /// Returns the position in bytes from the start of the input.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.input.len().saturating_sub(self.rest.len())
    }

    /// Returns the number of bytes left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Returns the limits that the decoder was created with.
    #[must_use]
    pub const fn budget(&self) -> Budget {
        self.limits
    }

    /// Returns the names of the constructors around the last error, outermost first: at most the
    /// innermost 8, and none before the first error.
    pub fn path(&self) -> impl Iterator<Item = &'static str> {
        self.path.iter().rev().copied().filter(|name| !name.is_empty())
    }

    /// Enters a constructor and returns the depth that is left outside of it.
    #[inline]
    fn enter(&mut self) -> Result<u32, DecodeError> {
        let outside = self.depth_left;
        let Some(inside) = outside.checked_sub(1) else {
            let max = self.limits.depth_max;
            return Err(self.error(DecodeErrorKind::RecursionLimit { max }));
        };
        self.depth_left = inside;
        Ok(outside)
    }

    /// Records the constructor through which an error propagates.
    #[cold]
    fn within(&mut self, mut error: DecodeError, name: &'static str) -> DecodeError {
        if error.within.is_empty() {
            error.within = name;
        }
        if let Some(slot) = self.path.iter_mut().find(|slot| slot.is_empty()) {
            *slot = name;
        }
        error
    }

    /// Reads a string with a header of any form.
    fn any_string(&mut self) -> Result<&'a [u8], DecodeError> {
        match crate::string::split(self.rest) {
            Ok(parts) if self.canonical && !parts.is_canonical() => {
                Err(self.error(DecodeErrorKind::NotCanonical))
            }
            Ok(parts) => {
                self.rest = parts.rest;
                Ok(parts.body)
            }
            Err(needed) => Err(self.eof(needed)),
        }
    }

    #[cold]
    fn eof(&mut self, needed: usize) -> DecodeError {
        let have = self.rest.len();
        self.error(DecodeErrorKind::UnexpectedEof { needed, have })
    }
}

impl fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = self.limits.depth_max.saturating_sub(self.depth_left);
        write!(f, "Decoder(byte {} of {}, depth {depth})", self.offset(), self.input.len())
    }
}

/// The rest of the input, undecoded: an `Object` or a `!X` at the end of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a transparent wrapper, built and matched by users")]
pub struct Rest<'a>(pub Cow<'a, [u8]>);

impl Rest<'_> {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<'a> From<&'a [u8]> for Rest<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }
}

impl Encode for Rest<'_> {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        out.put(&self.0);
    }
}

impl<'a> Decode<'a> for Rest<'a> {
    const LEN_MIN: usize = 0;

    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Ok(Self::from(d.take_rest()))
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Box<T> {
    const LEN_MIN: usize = T::LEN_MIN;

    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.charge_bytes(size_of::<T>())?;
        T::decode_box(d)
    }
}

const ID_LEN: usize = 4;
/// How many constructors around an error a decoder can name.
const PATH_LEN: usize = 8;
