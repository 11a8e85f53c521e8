//! Vectors: boxed (`Vector<T>`, with an id) and bare (`vector<T>`, without).

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use crate::{ConstructorId, Decode, DecodeError, Decoder, Encode, Fill, Output};

/// The id of `vector {t:Type} # [ t ] = Vector t`.
pub const VECTOR: ConstructorId = ConstructorId::new(0x1cb5_c415);

/// A vector without its id: `vector<T>` or `%(Vector T)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a transparent wrapper, built and matched by users")]
pub struct BareVec<T>(pub Vec<T>);

impl<T> Default for BareVec<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> From<Vec<T>> for BareVec<T> {
    fn from(items: Vec<T>) -> Self {
        Self(items)
    }
}

impl<T> Deref for BareVec<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for BareVec<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

// spec: tl 6
impl<T: Encode> Encode for [T] {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        VECTOR.encode(out);
        out.put_count(self.len());
        T::encode_items(self, out);
    }
}

impl<T: Encode> Encode for Vec<T> {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.as_slice().encode(out);
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Vec<T> {
    const LEN_MIN: usize = 8;

    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.expect_id(VECTOR, "Vector")?;
        let count = d.count(T::LEN_MIN)?;
        T::decode_items(d, count)
    }
}

impl<T: Encode> Encode for BareVec<T> {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        out.put_count(self.len());
        T::encode_items(self, out);
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for BareVec<T> {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let count = d.count(T::LEN_MIN)?;
        T::decode_items(d, count).map(Self)
    }
}

/// Decodes items one by one into a vector that grows with the items decoded.
///
/// The count is only a claim. The first reservation is at most [`RESERVE_FACTOR`] times the bytes
/// left, which is enough for most honest vectors; after that the capacity doubles.
// spec: tl 7
pub(crate) fn decode_items<'a, T: Decode<'a>>(
    d: &mut Decoder<'a>,
    count: usize,
) -> Result<Vec<T>, DecodeError> {
    gather(d, count, |d, items| {
        items.push(T::decode(d)?);
        Ok(())
    })
}

/// Decodes `count` items in place, each by `read`.
#[inline]
pub(crate) fn fill_items<'a, T: Fill<'a>>(
    d: &mut Decoder<'a>,
    count: usize,
    read: impl Fn(&mut Decoder<'a>, &mut T) -> Result<(), DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    gather(d, count, |d, items| {
        items.push(T::BLANK);
        items.last_mut().map_or(Ok(()), |item| read(d, item))
    })
}

#[inline]
fn gather<'a, T>(
    d: &mut Decoder<'a>,
    count: usize,
    read: impl Fn(&mut Decoder<'a>, &mut Vec<T>) -> Result<(), DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let item_len = size_of::<T>().max(1);
    let justified = d.remaining().saturating_mul(RESERVE_FACTOR).checked_div(item_len).unwrap_or(0);
    let mut items = Vec::new();
    grow(d, &mut items, count.min(justified.max(1)))?;
    for _ in 0..count {
        if items.len() == items.capacity() {
            let more = count.saturating_sub(items.len()).min(items.len());
            grow(d, &mut items, more)?;
        }
        read(d, &mut items)?;
    }
    Ok(items)
}

fn grow<T>(d: &mut Decoder<'_>, items: &mut Vec<T>, more: usize) -> Result<(), DecodeError> {
    d.charge_bytes(more.saturating_mul(size_of::<T>()))?;
    items.reserve_exact(more);
    Ok(())
}

/// Memory reserved for items that have not been decoded, as a multiple of the input that is left.
const RESERVE_FACTOR: usize = 4;
