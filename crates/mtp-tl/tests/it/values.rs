//! The Rust interface of values: conversions, comparisons, ownership.

use std::borrow::Cow;

use mtp_tl::{
    Bare, BareVec, Budget, Constructor, ConstructorId, DecodeError, DecodeErrorKind, Decoder,
    Encode, Fill, IntoOwned, Rest, TlStr,
};

const NOT_TEXT: &[u8] = b"a\xffb";

#[test]
fn invalid_utf8_is_preserved_and_displayed_lossily() {
    let kept = TlStr::from_bytes(NOT_TEXT);
    assert!(kept.as_str().is_err());
    assert_eq!(kept.to_str_lossy(), "a\u{fffd}b");
    assert_eq!(format!("{kept:?}"), "\"a\u{fffd}b\"");
    assert_eq!(kept.as_bytes(), NOT_TEXT);
    assert_eq!(kept.into_bytes(), Cow::Borrowed(NOT_TEXT));
}

#[test]
fn string_lengths_are_in_bytes() {
    let text = TlStr::from("ä");
    assert_eq!((text.len(), text.is_empty()), (2, false));
    let nothing = TlStr::from("");
    assert_eq!((nothing.len(), nothing.is_empty()), (0, true));
}

#[test]
fn strings_convert_from_and_compare_with_text() {
    let strings = [
        TlStr::from("seven"),
        TlStr::from(String::from("seven")),
        TlStr::from(Cow::Borrowed(&b"seven"[..])),
    ];
    for string in &strings {
        assert!(*string == "seven" && *string == *"seven");
        assert!(*string != "eight" && *string != *"eight");
    }
    assert_eq!(strings[0], strings[2]);
}

#[test]
fn rest_encodes_to_the_bytes_it_holds() {
    let rest = Rest(Cow::Borrowed(&[1, 2, 3, 4]));
    assert_eq!(rest.to_bytes(), [1, 2, 3, 4]);
}

#[test]
fn bare_vectors_convert_from_vectors() {
    assert_eq!(*BareVec::from(vec![1, 2]), [1, 2]);
}

#[test]
fn decoder_debug_shows_its_position() {
    let mut decoder = Decoder::new(&[0; 12]);
    decoder.take(8).unwrap();
    assert_eq!(format!("{decoder:?}"), "Decoder(byte 8 of 12, depth 0)");
}

#[test]
fn owned_values_outlive_their_input() {
    fn owned<T: IntoOwned>(value: T) -> T::Owned {
        value.into_owned()
    }
    let kept = {
        let input = NOT_TEXT.to_vec();
        let text = || TlStr::from_bytes(&input);
        (
            owned(Some(Box::new(text()))),
            owned(vec![Bare(text())]),
            owned(BareVec(vec![Cow::Borrowed(&*input)])),
            owned(Rest::from(&*input)),
        )
    };
    assert_eq!(kept.0.unwrap().as_bytes(), NOT_TEXT);
    assert_eq!(kept.1.first().unwrap().as_bytes(), NOT_TEXT);
    assert_eq!(*kept.2, [Cow::Borrowed(NOT_TEXT)]);
    assert_eq!(kept.3.as_bytes(), NOT_TEXT);
}

/// A constructor that is decoded in place, like large generated ones.
#[derive(Debug, PartialEq)]
struct Place(i32, i32);

impl Constructor for Place {
    const ID: ConstructorId = ConstructorId::new(0x0403_0201);
    const NAME: &'static str = "place";
}

impl Fill<'_> for Place {
    const BLANK: Self = Self(0, 0);

    fn fill(&mut self, d: &mut Decoder<'_>) -> Result<(), DecodeError> {
        (self.0, self.1) = (d.read()?, d.read()?);
        Ok(())
    }
}

#[test]
fn fill_decodes_in_place_and_counts_the_depth() {
    let bytes = [1, 2, 3, 4, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0];
    let mut place = Place::BLANK;
    let mut d = Decoder::new(&bytes);
    d.fill_boxed(&mut place).unwrap();
    assert_eq!((place, d.offset()), (Place(5, 6), 12));

    let mut place = Place::BLANK;
    let mut d = Decoder::new(&bytes[4..]);
    d.fill(&mut place).unwrap();
    assert_eq!((place, d.offset()), (Place(5, 6), 8));

    let boxed = |bytes: &[u8], depth_max| {
        let mut place = Place::BLANK;
        let budget = Budget::DEFAULT.with_depth_max(depth_max);
        Decoder::with_budget(bytes, budget).fill_boxed(&mut place).map_err(|error| error.kind())
    };
    assert_eq!(boxed(&bytes, 1), Ok(()));
    assert_eq!(boxed(&bytes, 0), Err(DecodeErrorKind::RecursionLimit { max: 0 }));
    assert!(matches!(boxed(&bytes[..8], 1), Err(DecodeErrorKind::UnexpectedEof { .. })));
    assert!(matches!(boxed(&bytes[4..], 1), Err(DecodeErrorKind::UnexpectedConstructor { .. })));
}

#[test]
fn peek_id_and_is_next_do_not_advance() {
    let d = Decoder::new(&[1, 2, 3, 4, 5]);
    assert!(d.is_next(Place::ID) && !d.is_next(ConstructorId::new(5)));
    assert_eq!((d.peek_id(), d.offset()), (Some(Place::ID), 0));
    assert!(!Decoder::new(&[1, 2, 3]).is_next(Place::ID));
}
