//! The trait of encodable values and the outputs they are written to.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::{EncodeError, string};

/// A value that can be encoded as TL.
///
/// Encoding never fails midway: [`Encode::encoded_len`] returns the length in advance, and
/// [`Encode::checked_len`] rejects values that the peer could not decode.
pub trait Encode {
    /// Appends the value in the form that a field of this type has; a constructor is preceded by its
    /// id.
    fn encode<O: Output + ?Sized>(&self, out: &mut O);

    /// Returns the exact number of bytes that [`Encode::encode`] appends.
    fn encoded_len(&self) -> usize {
        let mut len = Length(0);
        self.encode(&mut len);
        len.0
    }

    /// Returns [`Encode::encoded_len`] if Telegram's clients and servers can decode the value.
    ///
    /// # Errors
    /// [`EncodeError::StringTooLong`] for a string of 2^24 bytes or more, which [`Encode::encode`]
    /// writes in a form that few peers decode; [`EncodeError::VectorTooLong`] for 2^31 items or more.
    // spec: tl 6.1
    fn checked_len(&self) -> Result<usize, EncodeError> {
        let mut counter = Counter::default();
        self.encode(&mut counter);
        if counter.string_max > string::STRING_LEN_MAX {
            return Err(EncodeError::StringTooLong { len: counter.string_max });
        }
        if i32::try_from(counter.count_max).is_err() {
            return Err(EncodeError::VectorTooLong { len: counter.count_max });
        }
        Ok(counter.len)
    }

    /// Writes the value to the front of `buffer` without allocating and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; the contents of the buffer are then unspecified.
    fn encode_into(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let have = buffer.len();
        let mut window = Window { spare: buffer, overflow: 0 };
        self.encode(&mut window);
        match window.overflow {
            0 => Ok(have.saturating_sub(window.spare.len())),
            more => Err(EncodeError::BufferTooSmall { needed: have.saturating_add(more), have }),
        }
    }

    /// Returns the encoded value.
    fn to_bytes(&self) -> Vec<u8> {
        // Growing the vector is cheaper than computing the length of every field first.
        let mut out = Vec::with_capacity(CAPACITY);
        self.encode(&mut out);
        out
    }

    /// Appends many values. Numbers are written in chunks.
    fn encode_items<O: Output + ?Sized>(items: &[Self], out: &mut O)
    where
        Self: Sized,
    {
        out.reserve(size_of_val(items) / RESERVE_DIVISOR);
        for item in items {
            item.encode(out);
        }
    }
}

/// A destination of encoded bytes: a growing `Vec<u8>`, a caller's buffer, or a counter.
pub trait Output {
    /// Appends raw bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Appends a `string` or `bytes` with its header and padding, in the shortest form.
    // spec: tl 6.1
    #[inline]
    fn put_string(&mut self, bytes: &[u8]) {
        string::put(self, bytes);
    }

    /// Appends a vector's count.
    #[inline]
    fn put_count(&mut self, count: usize) {
        // A count of 2^31 or more reads as negative, which every decoder rejects; `checked_len`
        // detects it in advance.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.put(&count.to_le_bytes());
    }

    /// Reserves room for about `len` more bytes. A hint; does nothing by default.
    #[inline]
    fn reserve(&mut self, _len: usize) {}
}

impl Output for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn put_string(&mut self, bytes: &[u8]) {
        string::append(self, bytes);
    }

    #[inline]
    fn reserve(&mut self, len: usize) {
        Self::reserve(self, len);
    }
}

impl<O: Output + ?Sized> Output for &mut O {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        (**self).put(bytes);
    }

    #[inline]
    fn put_string(&mut self, bytes: &[u8]) {
        (**self).put_string(bytes);
    }

    #[inline]
    fn put_count(&mut self, count: usize) {
        (**self).put_count(count);
    }

    #[inline]
    fn reserve(&mut self, len: usize) {
        (**self).reserve(len);
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        (**self).encode(out);
    }
}

impl<T: Encode + ?Sized> Encode for Box<T> {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        (**self).encode(out);
    }
}

/// A conditional field: a flag carries its presence, so an absent field takes no bytes.
impl<T: Encode> Encode for Option<T> {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        if let Some(value) = self {
            value.encode(out);
        }
    }
}

/// Counts the bytes of a value.
struct Length(usize);

impl Output for Length {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    #[inline]
    fn put_string(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(string::encoded_len(bytes.len()));
    }
}

/// Counts the bytes of a value and finds its longest string and vector.
#[derive(Default)]
struct Counter {
    len: usize,
    string_max: usize,
    count_max: usize,
}

impl Output for Counter {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len());
    }

    #[inline]
    fn put_string(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(string::encoded_len(bytes.len()));
        self.string_max = self.string_max.max(bytes.len());
    }

    #[inline]
    fn put_count(&mut self, count: usize) {
        self.len = self.len.saturating_add(size_of::<u32>());
        self.count_max = self.count_max.max(count);
    }
}

/// The unwritten end of a buffer. The first piece that does not fit, and everything after it, is
/// counted and discarded.
struct Window<'b> {
    spare: &'b mut [u8],
    overflow: usize,
}

impl<'b> Window<'b> {
    /// Continues after `len` written bytes, or counts those that exceeded the `have` bytes of room.
    #[inline]
    fn advance(&mut self, after: Option<&'b mut [u8]>, len: usize, have: usize) {
        match after {
            Some(after) => self.spare = after,
            None => self.overflow(len.saturating_sub(have)),
        }
    }

    #[cold]
    fn overflow(&mut self, len: usize) {
        self.overflow = self.overflow.saturating_add(len);
    }
}

impl Output for Window<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let spare = core::mem::take(&mut self.spare);
        let have = spare.len();
        let after = spare.split_at_mut_checked(bytes.len()).map(|(here, after)| {
            here.copy_from_slice(bytes);
            after
        });
        self.advance(after, bytes.len(), have);
    }

    #[inline]
    fn put_string(&mut self, bytes: &[u8]) {
        let padded = string::encoded_len(bytes.len());
        if bytes.len() <= usize::from(string::SHORT_LEN_MAX) {
            let spare = core::mem::take(&mut self.spare);
            let have = spare.len();
            self.advance(string::put_short(spare, bytes), padded, have);
        } else {
            string::put(self, bytes);
        }
    }
}

/// Initial capacity of an output vector, in bytes.
const CAPACITY: usize = 256;
/// Estimated ratio of the size of items in memory to their encoded length. If the estimate is too
/// high, the vector grows.
const RESERVE_DIVISOR: usize = 2;
