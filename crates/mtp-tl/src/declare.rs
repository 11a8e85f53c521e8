//! Macros that declare hand-written types.

/// Declares a struct for one constructor the way schemas do: name, id, fields in order.
///
/// The struct implements [`Constructor`](crate::Constructor), the bare and boxed forms
/// ([`EncodeBare`](crate::EncodeBare), [`DecodeBare`](crate::DecodeBare), [`Encode`](crate::Encode),
/// [`Decode`](crate::Decode)), `Clone`, `Debug` and `PartialEq`. A field may have any type with
/// `Encode` and `Decode`; a struct that borrows has exactly one lifetime. The macro does not support
/// conditional fields: implement the two bare traits by hand.
///
/// ```
/// use mtp_tl::{tl_struct, Bare, BareVec, Constructor, Encode};
///
/// tl_struct! {
///     /// A salt and its validity.
///     pub struct FutureSalt = "future_salt" # 0x0949_d9dc {
///         /// Seconds since 1970.
///         pub valid_since: i32,
///         /// Seconds since 1970.
///         pub valid_until: i32,
///         /// The salt.
///         pub salt: i64,
///     }
/// }
/// tl_struct! {
///     /// Salts for the coming hours.
///     pub struct FutureSalts = "future_salts" # 0xae50_0895 {
///         /// The message id of the request.
///         pub req_msg_id: i64,
///         /// Seconds since 1970.
///         pub now: i32,
///         /// In order of time.
///         pub salts: BareVec<Bare<FutureSalt>>,
///     }
/// }
///
/// assert_eq!(FutureSalts::NAME, "future_salts");
/// let none = FutureSalts { req_msg_id: 1, now: 2, salts: BareVec::default() };
/// assert_eq!(none.encoded_len(), 4 + 8 + 4 + 4);
/// ```
#[macro_export]
macro_rules! tl_struct {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? = $tl:literal # $id:literal {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $ty:ty),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::exhaustive_structs, reason = "the schema gives the fields")]
        $vis struct $name $(<$life>)? {
            $($(#[$field_meta])* $field_vis $field: $ty,)*
        }

        impl $(<$life>)? $crate::Constructor for $name $(<$life>)? {
            const ID: $crate::ConstructorId = $crate::ConstructorId::new($id);
            const NAME: &'static str = $tl;
        }

        impl $(<$life>)? $crate::EncodeBare for $name $(<$life>)? {
            #[allow(unused_variables, reason = "a constructor may have no fields")]
            fn encode_bare<O: $crate::Output + ?Sized>(&self, out: &mut O) {
                $($crate::Encode::encode(&self.$field, out);)*
            }
        }

        impl $(<$life>)? $crate::Encode for $name $(<$life>)? {
            fn encode<O: $crate::Output + ?Sized>(&self, out: &mut O) {
                $crate::EncodeBare::encode_boxed(self, out);
            }
        }

        $crate::tl_struct!(@decode [$($life)?] $name { $($field: $ty,)* });
    };

    (@decode [] $name:ident { $($fields:tt)* }) => {
        $crate::tl_struct!(@decode 'input, $name, { $($fields)* });
    };
    (@decode [$life:lifetime] $name:ident { $($fields:tt)* }) => {
        $crate::tl_struct!(@decode $life, $name<$life>, { $($fields)* });
    };
    (@decode $life:lifetime, $name:ty, { $($field:ident: $ty:ty,)* }) => {
        impl<$life> $crate::DecodeBare<$life> for $name {
            const BARE_LEN_MIN: usize = const {
                let lens: &[usize] = &[$(<$ty as $crate::Decode<$life>>::LEN_MIN),*];
                $crate::__private::sum(lens)
            };

            #[allow(unused_variables, reason = "a constructor may have no fields")]
            fn decode_bare(
                d: &mut $crate::Decoder<$life>,
            ) -> $crate::__private::Result<Self, $crate::DecodeError> {
                $crate::__private::Result::Ok(Self { $($field: d.read()?,)* })
            }
        }

        impl<$life> $crate::Decode<$life> for $name {
            const LEN_MIN: usize = <Self as $crate::DecodeBare<$life>>::BARE_LEN_MIN.saturating_add(4);

            fn decode(
                d: &mut $crate::Decoder<$life>,
            ) -> $crate::__private::Result<Self, $crate::DecodeError> {
                d.boxed()
            }
        }
    };
}

/// Declares an enum for a type with several constructors, each declared by [`tl_struct!`].
///
/// ```
/// use mtp_tl::{tl_enum, tl_struct, Decode, Encode};
///
/// tl_struct! {
///     /// The session was destroyed.
///     pub struct DestroySessionOk = "destroy_session_ok" # 0xe220_45fc {
///         /// The id of the session.
///         pub session_id: i64,
///     }
/// }
/// tl_struct! {
///     /// The session did not exist.
///     pub struct DestroySessionNone = "destroy_session_none" # 0x62d3_50c9 {
///         /// The id of the session.
///         pub session_id: i64,
///     }
/// }
/// tl_enum! {
///     /// The result of `destroy_session`.
///     #[non_exhaustive]
///     pub enum DestroySessionRes = "DestroySessionRes" {
///         /// The session was destroyed.
///         Ok(DestroySessionOk),
///         /// The session did not exist.
///         None(DestroySessionNone),
///     }
/// }
///
/// let bytes = DestroySessionOk { session_id: 7 }.to_bytes();
/// assert!(matches!(DestroySessionRes::from_bytes(&bytes), Ok(DestroySessionRes::Ok(ok)) if ok.session_id == 7));
/// ```
#[macro_export]
macro_rules! tl_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident $(<$life:lifetime>)? = $tl:literal {
            $($(#[$variant_meta:meta])* $variant:ident($ty:ty)),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis enum $name $(<$life>)? {
            $($(#[$variant_meta])* $variant($ty),)*
        }

        impl $(<$life>)? $crate::Encode for $name $(<$life>)? {
            fn encode<O: $crate::Output + ?Sized>(&self, out: &mut O) {
                match self {
                    $(Self::$variant(value) => $crate::EncodeBare::encode_boxed(value, out),)*
                }
            }
        }

        $crate::tl_enum!(@decode [$($life)?] $name $tl { $($variant: $ty,)* });
    };

    (@decode [] $name:ident $tl:literal { $($variants:tt)* }) => {
        $crate::tl_enum!(@decode 'input, $name, $tl, { $($variants)* });
    };
    (@decode [$life:lifetime] $name:ident $tl:literal { $($variants:tt)* }) => {
        $crate::tl_enum!(@decode $life, $name<$life>, $tl, { $($variants)* });
    };
    (@decode $life:lifetime, $name:ty, $tl:literal, { $($variant:ident: $ty:ty,)* }) => {
        impl<$life> $crate::Decode<$life> for $name {
            fn decode(
                d: &mut $crate::Decoder<$life>,
            ) -> $crate::__private::Result<Self, $crate::DecodeError> {
                match d.id()? {
                    $(<$ty as $crate::Constructor>::ID => d.bare().map(Self::$variant),)*
                    id => $crate::__private::Result::Err(d.unexpected(id, $tl)),
                }
            }
        }
    };
}

/// Returns the sum of the fields' least lengths. Used by [`tl_struct!`].
#[doc(hidden)]
#[must_use]
pub const fn sum(mut lens: &[usize]) -> usize {
    let mut total: usize = 0;
    while let Some((len, rest)) = lens.split_first() {
        total = total.saturating_add(*len);
        lens = rest;
    }
    total
}
