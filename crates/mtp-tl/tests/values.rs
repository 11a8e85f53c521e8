//! What values are to Rust: a `TlStr` is text if it can be and bytes always. Found missing by mutation.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::borrow::Cow;

use mtp_tl::{Bare, BareVec, Decoder, Encode, IntoOwned, Rest, TlStr};

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
