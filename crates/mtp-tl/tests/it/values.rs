//! What values are to Rust: a `TlStr` is text if it can be and bytes always. Found missing by mutation.

use std::borrow::Cow;

use mtp_tl::{
    Bare, BareVec, Budget, Constructor, ConstructorId, DecodeError, DecodeErrorKind, Decoder,
    Encode, Fill, IntoOwned, Rest, TlStr,
};

const NOT_TEXT: &[u8] = b"a\xffb";

#[test]
fn bytes_that_are_no_text_are_kept_and_shown_with_a_mark() {
    let kept = TlStr::from_bytes(NOT_TEXT);
    assert!(kept.as_str().is_err());
    assert_eq!(kept.to_str_lossy(), "a\u{fffd}b");
    assert_eq!(format!("{kept:?}"), "\"a\u{fffd}b\"");
    assert_eq!(kept.as_bytes(), NOT_TEXT);
    assert_eq!(kept.into_bytes(), Cow::Borrowed(NOT_TEXT));
}

#[test]
fn lengths_are_counted_in_bytes() {
    let text = TlStr::from("ä");
    assert_eq!((text.len(), text.is_empty()), (2, false));
    let nothing = TlStr::from("");
    assert_eq!((nothing.len(), nothing.is_empty()), (0, true));
}

#[test]
fn text_and_bytes_become_strings_and_compare_with_text() {
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
fn what_is_left_is_written_as_it_was_read() {
    let rest = Rest(Cow::Borrowed(&[1, 2, 3, 4]));
    assert_eq!(rest.to_bytes(), [1, 2, 3, 4]);
}

#[test]
fn a_list_becomes_a_bare_one() {
    assert_eq!(*BareVec::from(vec![1, 2]), [1, 2]);
}

#[test]
fn a_decoder_shows_where_it_is() {
    let mut decoder = Decoder::new(&[0; 12]);
    decoder.take(8).unwrap();
    assert_eq!(format!("{decoder:?}"), "Decoder(byte 8 of 12, depth 0)");
}

#[test]
fn values_outlive_what_they_were_read_from() {
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

/// A constructor with two fields that is read where it stays, as large generated ones are.
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
fn values_are_filled_where_they_stay() {
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
fn the_next_id_may_be_asked_for() {
    let d = Decoder::new(&[1, 2, 3, 4, 5]);
    assert!(d.is_next(Place::ID) && !d.is_next(ConstructorId::new(5)));
    assert_eq!((d.peek_id(), d.offset()), (Some(Place::ID), 0));
    assert!(!Decoder::new(&[1, 2, 3]).is_next(Place::ID));
}
