//! Access to `vectors/crypto.json` for unit tests and, by inclusion, integration tests.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    unreachable_pub,
    dead_code,
    reason = "a test may fail by panicking, and uses the part it needs"
)]

extern crate alloc;

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::Value;

/// Returns a section of the vectors.
pub(crate) fn section(name: &str) -> Value {
    let all: Value =
        serde_json::from_str(include_str!("../../../vectors/crypto.json")).expect("valid JSON");
    all.get(name).unwrap_or_else(|| panic!("no section {name}")).clone()
}

/// Returns the entries of a section and checks their number, so that none is skipped silently.
#[track_caller]
pub(crate) fn entries(name: &str, expected: usize) -> Vec<Value> {
    let entries = section(name).as_array().expect("a list").clone();
    assert_eq!(entries.len(), expected, "entries of {name}");
    entries
}

/// Returns a field of hex digits as bytes.
#[track_caller]
pub(crate) fn bytes(entry: &Value, field: &str) -> Vec<u8> {
    hex(text(entry, field))
}

/// Returns a field of hex digits as an array.
#[track_caller]
pub(crate) fn array<const N: usize>(entry: &Value, field: &str) -> [u8; N] {
    bytes(entry, field).try_into().unwrap_or_else(|_| panic!("{field} is not {N} bytes"))
}

/// Returns a text field.
#[track_caller]
pub(crate) fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_else(|| panic!("{field} is not text"))
}

/// Returns an integer field. The vectors write large integers as text; negative ones are returned
/// as the unsigned number with the same bytes.
#[track_caller]
pub(crate) fn number(entry: &Value, field: &str) -> u64 {
    let digits = match &entry[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let signed = || digits.parse().map(i64::cast_unsigned);
    digits.parse().or_else(|_| signed()).unwrap_or_else(|_| panic!("{field}: {digits}"))
}

/// Decodes hex digits.
#[track_caller]
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).expect("a hex digit") as u8;
    text.as_bytes().chunks(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}
