//! The cursor over an input, and what can be read from it.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::{
    Budget, Constructor, ConstructorId, DecodeBare, DecodeError, DecodeErrorKind, Encode, Fill,
    Flags, Output,
};

/// A value that can be read from TL, borrowing from the input where it can.
pub trait Decode<'a>: Sized {
    /// The least number of bytes that a value takes.
    ///
    /// A vector's count is refused if that many of these cannot be in the input. Everything boxed
    /// takes 4.
    const LEN_MIN: usize = 4;

    /// Reads one value in the form that a field of this type has.
    ///
    /// # Errors
    /// The first item that cannot be read. The position is then where that item begins.
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError>;

    /// Reads one value to a new box; [`Box`] does, after it charged the budget.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    #[inline]
    fn decode_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
        Self::decode(d).map(Box::new)
    }

    /// Reads `count` values, which [`Decoder::count`] has already checked.
    ///
    /// # Errors
    /// As [`Decode::decode`], and [`DecodeErrorKind::BytesLimit`].
    fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
        crate::vector::decode_items(d, count)
    }

    /// Reads one value that is the whole of `bytes`, within [`Budget::for_len`].
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

/// A cursor over bytes that a peer sent, with a [`Budget`].
///
/// Every read either succeeds and moves the position behind the item, or fails and leaves it where
/// the item begins.
pub struct Decoder<'a> {
    rest: &'a [u8],
    input: &'a [u8],
    limits: Budget,
    elements_left: usize,
    bytes_left: usize,
    depth_left: u32,
    canonical: bool,
    /// Around the last error: names of constructors, innermost first. It is written only when an error
    /// passes through them, so that a value without one pays nothing for it.
    path: [&'static str; PATH_LEN],
}

impl<'a> Decoder<'a> {
    /// Starts at the first byte with [`Budget::for_len`].
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self::with_budget(input, Budget::for_len(input.len()))
    }

    /// Starts at the first byte with a budget of the caller's.
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

    /// Refuses strings in another form than an encoder writes: a long header on a short string,
    /// padding that is not zero.
    ///
    /// For tests and for hashes over re-encoded values. Peers do send such strings.
    // spec: tl 6.1
    #[must_use]
    pub const fn canonical(mut self) -> Self {
        self.canonical = true;
        self
    }

    /// Reads a value of any type.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    #[inline]
    pub fn read<T: Decode<'a>>(&mut self) -> Result<T, DecodeError> {
        T::decode(self)
    }

    /// Reads a value that is present if `bit` of `flags` is set.
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

    /// Reads a constructor's fields, one level deeper.
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

    /// Reads a constructor's fields to a new box, one level deeper; [`Box`] does, after it charged the budget.
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

    /// Reads a constructor's fields to where its value stays, one level deeper.
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

    /// Reads a constructor's id, which must be that of `T`, and its fields.
    ///
    /// # Errors
    /// As [`Decoder::bare`], and [`DecodeErrorKind::UnexpectedConstructor`].
    #[inline]
    pub fn boxed<T: DecodeBare<'a>>(&mut self) -> Result<T, DecodeError> {
        self.expect_id(T::ID, T::NAME)?;
        self.bare()
    }

    /// Reads a constructor's id, which must be that of `T`, and its fields to a new box.
    ///
    /// # Errors
    /// As [`Decoder::boxed`].
    #[inline]
    pub fn boxed_box<T: DecodeBare<'a>>(&mut self) -> Result<Box<T>, DecodeError> {
        self.expect_id(T::ID, T::NAME)?;
        self.bare_box()
    }

    /// Reads a constructor's id, which must be that of `T`, and its fields to where its value stays.
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

    /// Reads `count` values, which [`Decoder::count`] has already checked, each by `read` to its place in the
    /// vector; [`Decode::decode_items`] of large types does.
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

    /// Reads an id that must be `id`; `name` says in the error what was expected.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnexpectedConstructor`], [`DecodeErrorKind::UnexpectedEof`].
    #[inline]
    pub fn expect_id(&mut self, id: ConstructorId, name: &'static str) -> Result<(), DecodeError> {
        let got = self.id()?;
        if got == id { Ok(()) } else { Err(self.unexpected(got, name)) }
    }

    /// Reads a vector's count and checks that as many items of `item_len_min` bytes can follow.
    ///
    /// # Errors
    /// [`DecodeErrorKind::InvalidLength`] for a negative count, and for one of items without bytes that
    /// is larger than the whole input; [`DecodeErrorKind::UnexpectedEof`]; [`DecodeErrorKind::ElementsLimit`].
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

    /// Reads everything that is left, possibly nothing.
    #[inline]
    pub fn take_rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Takes `len` bytes of heap from the budget; whoever allocates while decoding calls it before.
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

    /// Steps back before the id just read and returns the error that says it may not stand here.
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

    /// Ends the reading: nothing may be left.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TrailingBytes`].
    pub fn finish(mut self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            remaining => Err(self.error(DecodeErrorKind::TrailingBytes { remaining })),
        }
    }

    /// Returns the next id without reading it, `None` if fewer than 4 bytes are left.
    #[inline]
    #[must_use]
    pub fn peek_id(&self) -> Option<ConstructorId> {
        self.rest.first_chunk().map(|id| ConstructorId::new(u32::from_le_bytes(*id)))
    }

    /// Reports whether the next id is `id`, without reading it.
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

    /// Returns the limits that the decoder began with.
    #[must_use]
    pub const fn budget(&self) -> Budget {
        self.limits
    }

    /// Returns the names of the constructors around the offending item of the last error, outermost first, at
    /// most the innermost 8; nothing before an error.
    pub fn path(&self) -> impl Iterator<Item = &'static str> {
        self.path.iter().rev().copied().filter(|name| !name.is_empty())
    }

    /// Opens a constructor and returns the depth that is left outside of it.
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

    /// Notes that an error passes through a constructor.
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

    /// A string in any form.
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

/// Everything up to the end of the input: an `Object` or a `!X` that ends a message and that somebody else reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
