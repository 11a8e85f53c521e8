//! Encoding of the protocol's own types.
//!
//! `mtp-tl` and `mtp-crypto` are independent, so the TL encoding of the types of `mtp-crypto` is here.

use mtp_crypto::{AuthKeyId, MsgId, Salt, SeqNo, SessionId};
use mtp_tl::{DecodeError, Decoder, Encode, Output, Rest};

/// A value that can be a field of a message.
pub(crate) trait Field<'a>: Sized {
    fn read(d: &mut Decoder<'a>) -> Result<Self, DecodeError>;
    fn write<O: Output + ?Sized>(&self, out: &mut O);
}

macro_rules! identifier {
    ($($name:ident),*) => {$(
        impl Field<'_> for $name {
            #[inline]
            fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
                d.array().map(|bytes| Self::from_le_bytes(*bytes))
            }

            #[inline]
            fn write<O: Output + ?Sized>(&self, out: &mut O) {
                out.put(&self.to_le_bytes());
            }
        }
    )*};
}

identifier!(AuthKeyId, MsgId, Salt, SeqNo, SessionId, u64);

macro_rules! plain {
    ($($name:ty),*) => {$(
        impl<'a> Field<'a> for $name {
            #[inline]
            fn read(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.read()
            }

            #[inline]
            fn write<O: Output + ?Sized>(&self, out: &mut O) {
                self.encode(out);
            }
        }
    )*};
}

plain!(i32, u32, &'a [u8], Rest<'a>);

/// Declares one struct per constructor, as `mtp_tl::tl_struct` does, with fields of the protocol's own types.
macro_rules! messages {
    ($(
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? = $tl:literal # $id:literal {
            $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[doc = ""]
        #[doc = concat!("`", $tl, "`")]
        #[expect(clippy::exhaustive_structs, reason = "the protocol's layout is fixed")]
        pub struct $name $(<$life>)? {
            $($(#[$field_meta])* pub $field: $ty,)*
        }

        impl $(<$life>)? ::mtp_tl::Constructor for $name $(<$life>)? {
            const ID: ::mtp_tl::ConstructorId = ::mtp_tl::ConstructorId::new($id);
            const NAME: &'static str = $tl;
        }

        impl $(<$life>)? ::mtp_tl::EncodeBare for $name $(<$life>)? {
            #[allow(unused_variables, reason = "a constructor may have no fields")]
            fn encode_bare<O: ::mtp_tl::Output + ?Sized>(&self, out: &mut O) {
                $($crate::service::field::Field::write(&self.$field, out);)*
            }
        }

        impl $(<$life>)? ::mtp_tl::Encode for $name $(<$life>)? {
            #[inline]
            fn encode<O: ::mtp_tl::Output + ?Sized>(&self, out: &mut O) {
                ::mtp_tl::EncodeBare::encode_boxed(self, out);
            }
        }

        messages!(@decode [$($life)?] $name { $($field,)* });
    )*};

    (@decode [] $name:ident { $($fields:tt)* }) => {
        messages!(@decode 'input, $name, { $($fields)* });
    };
    (@decode [$life:lifetime] $name:ident { $($fields:tt)* }) => {
        messages!(@decode $life, $name<$life>, { $($fields)* });
    };
    (@decode $life:lifetime, $name:ty, { $($field:ident,)* }) => {
        impl<$life> ::mtp_tl::DecodeBare<$life> for $name {
            #[allow(unused_variables, reason = "a constructor may have no fields")]
            fn decode_bare(
                d: &mut ::mtp_tl::Decoder<$life>,
            ) -> Result<Self, ::mtp_tl::DecodeError> {
                Ok(Self { $($field: $crate::service::field::Field::read(d)?,)* })
            }
        }

        impl<$life> ::mtp_tl::Decode<$life> for $name {
            fn decode(d: &mut ::mtp_tl::Decoder<$life>) -> Result<Self, ::mtp_tl::DecodeError> {
                d.boxed()
            }
        }
    };
}

pub(crate) use messages;
