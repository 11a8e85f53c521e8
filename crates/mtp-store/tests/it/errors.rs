//! Errors return their source instead of printing it, so that a report shows each cause once.

use core::error::Error;
use std::io;
use std::path::PathBuf;

use mtp_store::StoreError;
use mtp_store::record::RecordError;

/// Checks that an error has words of its own and that none of its sources appears in the text above it.
#[track_caller]
fn check(error: &dyn Error) {
    let text = error.to_string();
    assert!(!text.is_empty(), "{error:?} prints nothing");
    if let Some(source) = error.source() {
        assert!(!text.contains(&source.to_string()), "{error:?} prints its source: {text}");
        check(source);
    }
}

#[test]
fn store_errors_do_not_print_their_sources() {
    let path = || PathBuf::from("keys.redb");
    let full = StoreError::Io { path: path(), error: io::ErrorKind::StorageFull.into() };
    assert!(full.is_full());
    assert!(full.source().is_some());
    for error in [
        full,
        StoreError::NotAFile { path: path() },
        StoreError::TooLarge { path: path(), len_max: 7 },
        StoreError::Locked { path: path() },
        StoreError::Newer { found: 3, known: 2 },
        StoreError::Database(Box::new(io::Error::other("inner words"))),
        StoreError::Panicked { message: "why".to_owned() },
        StoreError::Busy,
        StoreError::Ended,
    ] {
        check(&error);
    }
}

#[test]
fn record_errors_name_what_was_found() {
    check(&RecordError::Length { found: 9 });
    assert!(RecordError::Length { found: 9 }.to_string().contains('9'));
    check(&RecordError::Newer { version: 9 });
    assert!(RecordError::Newer { version: 9 }.to_string().contains('9'));
    check(&RecordError::Checksum);
    check(&RecordError::Id { found: 9 });
    check(&RecordError::Contents);
}
