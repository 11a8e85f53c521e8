//! All error types: each variant has a text of its own, and no text repeats that of its source.

use core::error::Error;
use std::collections::BTreeSet;

use mtp_account::errors::ApiError;
use mtp_account::foreign::ForeignError;
use mtp_account::login::{InvalidLoginLink, LoginToken};
use mtp_account::peers::{InvalidPeerId, PeerId};

const FOREIGN: [ForeignError; 6] = [
    ForeignError::Empty,
    ForeignError::TooLong,
    ForeignError::Form,
    ForeignError::NoKey,
    ForeignError::Center,
    ForeignError::Missing,
];

/// Checks the texts of a type's variants, and the chain of each.
fn check<E: Error>(errors: &[E]) {
    let texts: BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len(), "two variants have the same text: {texts:?}");
    for error in errors {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.ends_with('.'), "{text:?}");
        assert!(error.source().is_none());
    }
}

#[test]
fn no_error_prints_its_source() {
    check(&FOREIGN);
    let link: InvalidLoginLink = LoginToken::from_link("tg://other").unwrap_err();
    check(&[link]);
    let peer: InvalidPeerId = PeerId::from_marked(0).unwrap_err();
    check(&[peer]);
    check(&[ApiError::parse(420, "FLOOD_WAIT_7"), ApiError::parse(401, "SESSION_REVOKED")]);
}
