//! TL: every kind of value, compared with an independent second decoder.

mod api;
mod naive;
mod sample;

use core::fmt::Debug;
use std::borrow::Cow;

use mtp_tl::{
    Bare, BareVec, Decode, DecodeErrorKind, Decoder, Encode, Flags, IntoOwned, Rest, TlStr,
};

pub use self::api::api_values;
use self::naive::{Shape, Verdict};
use self::sample::{Every, Options, Pair, Tree};
use crate::input::Input;

/// Decodes a value of any kind: bytes → value → bytes → value agree, and the second decoder agrees.
///
/// Input: the kind, then the bytes.
pub fn tl_values(data: &[u8]) {
    use Shape::{BareVector, Bool, Fixed, Tail, Text, True, Vector};
    let mut input = Input::new(data);
    let form = input.byte() % 20;
    let bytes = input.rest();
    match form {
        0 => check::<i32>(bytes, &Fixed(4)),
        1 => check::<u32>(bytes, &Fixed(4)),
        2 => check::<i64>(bytes, &Fixed(8)),
        3 => check::<[u8; 16]>(bytes, &Fixed(16)),
        4 => check::<[u8; 32]>(bytes, &Fixed(32)),
        5 => check::<Flags>(bytes, &Fixed(4)),
        6 => check::<bool>(bytes, &Bool),
        7 => check::<mtp_tl::True>(bytes, &True),
        8 => check_owned::<TlStr<'_>>(bytes, &Text),
        9 => check_owned::<Cow<'_, [u8]>>(bytes, &Text),
        10 => check::<Vec<i32>>(bytes, &Vector(&Fixed(4))),
        11 => check::<BareVec<i64>>(bytes, &BareVector(&Fixed(8))),
        12 => check_owned::<Vec<TlStr<'_>>>(bytes, &Vector(&Text)),
        13 => check::<Vec<Vec<bool>>>(bytes, &Vector(&Vector(&Bool))),
        14 => check::<Vec<Bare<Pair>>>(bytes, &Vector(&Fixed(12))),
        15 => check::<Options<'_>>(bytes, &sample::OPTIONS),
        16 => check::<Every<'_>>(bytes, &sample::EVERY),
        17 => check::<Tree<'_>>(bytes, &sample::TREE),
        18 => check_owned::<Rest<'_>>(bytes, &Tail),
        _ => check_double(bytes),
    }
}

/// Checks that an owned copy of a value equals it.
fn check_owned<'a, T>(bytes: &'a [u8], shape: &Shape)
where
    T: Decode<'a> + Encode + IntoOwned + PartialEq + Debug,
    T::Owned: Encode,
{
    check::<T>(bytes, shape);
    if let Ok(value) = T::from_bytes(bytes) {
        let encoded = value.to_bytes();
        assert_eq!(value.into_owned().to_bytes(), encoded);
    }
}

fn check<'a, T: Decode<'a> + Encode + PartialEq + Debug>(bytes: &'a [u8], shape: &Shape) {
    let mut d = Decoder::new(bytes);
    let typed = T::decode(&mut d);
    let (is_strict, rest) = match (typed, naive::read(shape, bytes)) {
        (Ok(value), Verdict::Value { canonical, strings_are_canonical, rest }) => {
            assert_eq!(d.remaining(), rest.len(), "both stop at the same byte");
            check_encoding(&value, &canonical);
            (strings_are_canonical, rest)
        }
        (Err(error), verdict) => {
            assert!(error.offset() <= bytes.len());
            assert!(!error.to_string().is_empty());
            let limit = matches!(
                error.kind(),
                DecodeErrorKind::RecursionLimit { .. }
                    | DecodeErrorKind::ElementsLimit { .. }
                    | DecodeErrorKind::BytesLimit { .. }
            );
            // The decoder checks counts before depth. So if the second decoder stops at its depth, any error is
            // allowed.
            let is_value = matches!(verdict, Verdict::Value { .. });
            assert!(limit || !is_value, "{error}, but {verdict:?}");
            return;
        }
        (Ok(value), verdict) => panic!("{value:?}, but {verdict:?}"),
    };
    let read = bytes.len() - rest.len();
    let mut strict = Decoder::new(&bytes[..read]).canonical();
    let strict = strict.read::<T>();
    assert_eq!(strict.is_ok(), is_strict, "canonical mode: {strict:?}");
    assert_eq!(T::from_bytes(bytes).is_ok(), rest.is_empty());
}

fn check_encoding<T: Encode>(value: &T, canonical: &[u8]) {
    assert_eq!(value.to_bytes(), canonical);
    assert_eq!(value.encoded_len(), canonical.len());
    assert_eq!(value.checked_len(), Ok(canonical.len()));
    let mut room = vec![0xaa; canonical.len() + 1];
    assert_eq!(value.encode_into(&mut room), Ok(canonical.len()));
    assert_eq!(&room[..canonical.len()], canonical);
    if let Some(short) = canonical.len().checked_sub(1) {
        assert!(value.encode_into(&mut room[..short]).is_err());
    }
}

/// Compares floats by their bits, because NaN does not equal itself.
fn check_double(bytes: &[u8]) {
    match (f64::from_bytes(bytes), <[u8; 8]>::try_from(bytes)) {
        (Ok(value), Ok(raw)) => {
            assert_eq!(value.to_bits(), u64::from_le_bytes(raw));
            assert_eq!(value.to_bytes(), raw);
        }
        (Err(_), Err(_)) => {}
        (value, _) => panic!("{value:?}"),
    }
}
