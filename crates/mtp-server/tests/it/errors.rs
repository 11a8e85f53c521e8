//! Errors as text.
//!
//! Goal: an error says what was wrong, with its numbers. Method: each value is printed.

use core::error::Error;

use mtp_crypto::AuthKeyId;
use mtp_server::{NetworkError, Refused, UnknownKey};

#[track_caller]
fn check(error: &dyn Error, text: &str) {
    assert_eq!(error.to_string(), text);
    assert!(error.source().is_none());
}

#[test]
fn errors_print_what_was_wrong() {
    check(&Refused::Full, "the limit of links is reached");
    check(&Refused::TooMany, "the address has too many links");
    check(&Refused::TooOften, "the address connects too often");
    check(&Refused::NoMemory, "little memory is left");
    check(&UnknownKey(AuthKeyId::from_raw(0x117)), "unknown key 0000000000000117");
    check(&NetworkError::Address, "a network begins with an IP address");
    check(
        &NetworkError::PrefixLen,
        "the prefix of a network is a number of bits, at most 32 or 128",
    );
}
