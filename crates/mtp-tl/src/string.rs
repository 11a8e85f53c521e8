//! `string` and `bytes`: a length, the bytes, padding to a multiple of four.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::Utf8Error;

use crate::{Decode, DecodeError, Decoder, Encode, Output};

/// The longest string that Telegram's clients and servers decode, in bytes.
// spec: tl 6.1
pub const STRING_LEN_MAX: usize = (1 << 24) - 1;

/// A `string`: UTF-8 by convention, arbitrary bytes in practice.
///
/// A decoded string borrows from the input; [`TlStr::into_owned`] copies its bytes.
// spec: tl 6.1
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlStr<'a>(Cow<'a, [u8]>);

impl<'a> TlStr<'a> {
    /// Returns a string of these bytes, which need not be UTF-8.
    #[must_use]
    #[inline]
    pub const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }

    /// Returns the text.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub fn as_str(&self) -> Result<&str, Utf8Error> {
        core::str::from_utf8(&self.0)
    }

    /// Returns the text, with U+FFFD in place of invalid UTF-8.
    #[must_use]
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Returns the bytes as on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if the string is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the string with its own copy of the bytes.
    #[must_use]
    pub fn into_owned(self) -> TlStr<'static> {
        TlStr(Cow::Owned(self.0.into_owned()))
    }

    /// Returns the bytes, borrowed if the string borrows them.
    #[must_use]
    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        self.0
    }
}

impl fmt::Debug for TlStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str_lossy(), f)
    }
}

impl<'a> From<&'a str> for TlStr<'a> {
    fn from(text: &'a str) -> Self {
        Self::from_bytes(text.as_bytes())
    }
}

impl From<String> for TlStr<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text.into_bytes()))
    }
}

impl<'a> From<Cow<'a, [u8]>> for TlStr<'a> {
    fn from(bytes: Cow<'a, [u8]>) -> Self {
        Self(bytes)
    }
}

impl PartialEq<str> for TlStr<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for TlStr<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl<'a> Decode<'a> for TlStr<'a> {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.string().map(Self::from_bytes)
    }
}

impl<'a> Decode<'a> for &'a [u8] {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.string()
    }
}

impl<'a> Decode<'a> for Cow<'a, [u8]> {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.string().map(Cow::Borrowed)
    }
}

macro_rules! string {
    ($($string:ty),*) => {$(
        impl Encode for $string {
            #[inline]
            fn encode<O: Output + ?Sized>(&self, out: &mut O) {
                out.put_string(self.as_ref());
            }
        }
    )*};
}

string!(str, String, [u8], Vec<u8>, Cow<'_, [u8]>, TlStr<'_>);

impl AsRef<[u8]> for TlStr<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Splits a string in the short form off the input. Returns its body and the rest, or `None` if the
/// string has another form or is truncated.
// spec: tl 6.1
#[inline]
pub(crate) fn split_short(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, after) = input.split_first()?;
    if len > SHORT_LEN_MAX {
        return None;
    }
    let len = usize::from(len);
    let rest = input.get(short_padded(len)..)?;
    Some((after.get(..len)?, rest))
}

/// Returns the encoded length of a string of up to [`SHORT_LEN_MAX`] bytes.
#[inline]
const fn short_padded(len: usize) -> usize {
    // 1 + len, rounded up to a multiple of 4.
    (len | 3).wrapping_add(1)
}

/// Writes a string in the short form to the front of `buffer`. Returns the unwritten rest, or `None`
/// if the string is too long for the form or the buffer is too small.
// spec: tl 6.1
#[inline]
pub(crate) fn put_short<'b>(buffer: &'b mut [u8], bytes: &[u8]) -> Option<&'b mut [u8]> {
    let len = u8::try_from(bytes.len()).ok().filter(|&len| len <= SHORT_LEN_MAX)?;
    let (here, after) = buffer.split_at_mut_checked(short_padded(bytes.len()))?;
    // The padding lies within the last four bytes; the body overwrites the others.
    *here.last_chunk_mut()? = [0; ALIGN];
    let (first, body) = here.split_first_mut()?;
    *first = len;
    body.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(after)
}

/// Appends a string in its shortest form to a vector.
// spec: tl 6.1
#[inline]
pub(crate) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    match u8::try_from(bytes.len()) {
        Ok(len) if len <= SHORT_LEN_MAX => {
            // Append the maximum padding and truncate: cheaper than a copy of variable length.
            let end = out.len().saturating_add(short_padded(bytes.len()));
            out.push(len);
            out.extend_from_slice(bytes);
            out.extend_from_slice(&[0; ALIGN - 1]);
            out.truncate(end);
        }
        _ => {
            out.reserve(encoded_len(bytes.len()));
            put(out, bytes);
        }
    }
}

/// The parts of a string at the front of an input.
pub(crate) struct Parts<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) rest: &'a [u8],
    header_len: usize,
    padding: &'a [u8],
}

impl Parts<'_> {
    pub(crate) fn is_canonical(&self) -> bool {
        self.header_len == header_len(self.body.len()) && self.padding.iter().all(|&byte| byte == 0)
    }
}

/// Splits a string off the input, or returns the number of bytes that it needs.
// spec: tl 6.1
#[inline]
pub(crate) fn split(input: &[u8]) -> Result<Parts<'_>, usize> {
    let (header_len, len) = match input.first() {
        Some(&len) if len <= SHORT_LEN_MAX => (SHORT_HEADER_LEN, u64::from(len)),
        Some(&HUGE) => {
            let header = input.first_chunk().ok_or(HUGE_HEADER_LEN)?;
            (HUGE_HEADER_LEN, u64::from_le_bytes(*header) >> 8)
        }
        _ => {
            let header = input.first_chunk().ok_or(LONG_HEADER_LEN)?;
            (LONG_HEADER_LEN, u64::from(u32::from_le_bytes(*header) >> 8))
        }
    };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let end = header_len.saturating_add(len);
    // A length near `usize::MAX` saturates, which exceeds every input.
    let padded = end.checked_next_multiple_of(ALIGN).unwrap_or(usize::MAX);
    let Some((string, rest)) = input.split_at_checked(padded) else { return Err(padded) };
    let (string, padding) = string.split_at_checked(end).ok_or(padded)?;
    let (_, body) = string.split_at_checked(header_len).ok_or(padded)?;
    Ok(Parts { body, rest, header_len, padding })
}

/// Returns the length of the shortest form of a string of `len` bytes.
#[inline]
pub(crate) const fn encoded_len(len: usize) -> usize {
    let end = header_len(len).saturating_add(len);
    match end.checked_next_multiple_of(ALIGN) {
        Some(padded) => padded,
        None => usize::MAX,
    }
}

/// Appends a string in its shortest form.
// spec: tl 6.1
#[inline]
pub(crate) fn put<O: Output + ?Sized>(out: &mut O, bytes: &[u8]) {
    let len = bytes.len();
    let word = u64::try_from(len).unwrap_or(u64::MAX);
    let [a, b, c, ..] = word.to_le_bytes();
    match header_len(len) {
        SHORT_HEADER_LEN => out.put(&[a]),
        LONG_HEADER_LEN => out.put(&[LONG, a, b, c]),
        _ => out.put(&(word << 8 | u64::from(HUGE)).to_le_bytes()),
    }
    out.put(bytes);
    let padding = encoded_len(len).saturating_sub(header_len(len).saturating_add(len));
    out.put([0; ALIGN].get(..padding).unwrap_or_default());
}

#[inline]
const fn header_len(len: usize) -> usize {
    if len <= SHORT_LEN_MAX as usize {
        SHORT_HEADER_LEN
    } else if len <= STRING_LEN_MAX {
        LONG_HEADER_LEN
    } else {
        HUGE_HEADER_LEN
    }
}

const ALIGN: usize = 4;
/// The longest string in the short form, whose first byte is its length.
pub(crate) const SHORT_LEN_MAX: u8 = 253;
const SHORT_HEADER_LEN: usize = 1;
/// First byte of a header with a 3-byte length.
const LONG: u8 = 254;
const LONG_HEADER_LEN: usize = 4;
/// First byte of a header with a 7-byte length.
const HUGE: u8 = 255;
const HUGE_HEADER_LEN: usize = 8;
