//! Values of fixed size: numbers, raw strings of 128 to 512 bits, `Bool` and `True`.

use alloc::vec::Vec;

use crate::{ConstructorId, Decode, DecodeError, Decoder, Encode, Output};

/// The id of `boolTrue = Bool`.
pub const BOOL_TRUE: ConstructorId = ConstructorId::new(0x9972_75b5);
/// The id of `boolFalse = Bool`.
pub const BOOL_FALSE: ConstructorId = ConstructorId::new(0xbc79_9737);
/// The id of `true = True`.
pub const TRUE: ConstructorId = ConstructorId::new(0x3fed_d339);

// spec: tl 6
macro_rules! number {
    ($($number:ty),*) => {$(
        impl Encode for $number {
            #[inline]
            fn encode<O: Output + ?Sized>(&self, out: &mut O) {
                out.put(&self.to_le_bytes());
            }

            /// Calls the output once for each 512 bytes, a length known at compile time.
            fn encode_items<O: Output + ?Sized>(items: &[Self], out: &mut O) {
                const LEN: usize = size_of::<$number>();
                out.reserve(size_of_val(items));
                let (chunks, rest) = items.as_chunks::<{ CHUNK_LEN / LEN }>();
                for chunk in chunks {
                    out.put(chunk.map(Self::to_le_bytes).as_flattened());
                }
                for item in rest {
                    item.encode(out);
                }
            }
        }

        impl<'a> Decode<'a> for $number {
            const LEN_MIN: usize = size_of::<$number>();

            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.array().map(|bytes| Self::from_le_bytes(*bytes))
            }

            /// Decodes all items at once: the count has been checked against the input, which also
            /// bounds the allocation.
            fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
                let len = count.saturating_mul(Self::LEN_MIN);
                d.charge_bytes(len)?;
                let (items, _) = d.take(len)?.as_chunks();
                Ok(items.iter().map(|item| Self::from_le_bytes(*item)).collect())
            }
        }
    )*};
}

number!(i32, u32, i64, f64);

macro_rules! raw {
    ($($len:literal),*) => {$(
        impl Encode for [u8; $len] {
            #[inline]
            fn encode<O: Output + ?Sized>(&self, out: &mut O) {
                out.put(self);
            }
        }

        impl<'a> Decode<'a> for [u8; $len] {
            const LEN_MIN: usize = $len;

            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.array().copied()
            }
        }
    )*};
}

raw!(16, 32, 64);

impl Encode for bool {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        if *self { BOOL_TRUE.encode(out) } else { BOOL_FALSE.encode(out) }
    }
}

impl<'a> Decode<'a> for bool {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        match d.id()? {
            BOOL_TRUE => Ok(true),
            BOOL_FALSE => Ok(false),
            id => Err(d.unexpected(id, "Bool")),
        }
    }
}

/// The boxed type `True` outside a flag, encoded as its id.
///
/// Under a flag, `true` is a `bool` that takes no bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the schema's constructor has no fields")]
pub struct True;

impl Encode for True {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        TRUE.encode(out);
    }
}

impl<'a> Decode<'a> for True {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.expect_id(TRUE, "True").map(|()| Self)
    }
}

/// Length of the chunks in which numbers are written, in bytes.
const CHUNK_LEN: usize = 512;
