//! What a connection speaks: every entry of the section `detection`, and never too early or late.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics to fail"
)]

mod vectors;

use mtp_transport::Framing;
use mtp_transport::detect::{Spoken, detect};
use mtp_transport::obfuscation::HEADER_LEN;
use vectors::{hex, section};

fn name(spoken: Option<Spoken>) -> &'static str {
    match spoken {
        None => "need_more",
        Some(Spoken::Plain(Framing::Abridged)) => "abridged",
        Some(Spoken::Plain(Framing::Intermediate)) => "intermediate",
        Some(Spoken::Plain(Framing::PaddedIntermediate)) => "padded_intermediate",
        Some(Spoken::Plain(Framing::Full)) => "full",
        Some(Spoken::Obfuscated) => "obfuscated",
        Some(Spoken::Tls) => "tls",
        Some(Spoken::Http | Spoken::HttpGet) => "http",
    }
}

// spec: transport 1.1
#[test]
fn vectors() {
    let all = section("detection");
    let entries = all.as_array().unwrap();
    for entry in entries {
        let bytes = hex(&entry["bytes"]);
        let spoken = detect(&bytes);
        assert_eq!(name(spoken), entry["result"], "{entry}");
        if let Some(consumed) = entry["consumed"].as_u64() {
            let header = if spoken == Some(Spoken::Obfuscated) { HEADER_LEN } else { 0 };
            assert_eq!((spoken.unwrap().consumed() + header) as u64, consumed, "{entry}");
        }
    }
    assert_eq!(entries.len(), 19);
}

/// Checks that the answer comes with byte number `at`, not before, and stays.
#[track_caller]
fn decided_at(at: usize, expected: Spoken, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    bytes.resize(200, 0x55);
    for len in 0..bytes.len() {
        let answer = if len < at { None } else { Some(expected) };
        assert_eq!(detect(&bytes[..len]), answer, "after {len} bytes");
    }
}

// spec: transport 1.1
#[test]
fn the_first_byte_that_decides_is_the_last_one_waited_for() {
    decided_at(1, Spoken::Plain(Framing::Abridged), &[0xef]);
    decided_at(4, Spoken::Plain(Framing::Intermediate), &[0xee; 4]);
    decided_at(4, Spoken::Plain(Framing::PaddedIntermediate), &[0xdd; 4]);
    for method in [b"HEAD", b"POST", b"OPTI"] {
        decided_at(4, Spoken::Http, method);
    }
    decided_at(4, Spoken::HttpGet, b"GET ");
    decided_at(6, Spoken::Tls, &[0x16, 3, 1, 2, 0, 1]);
    decided_at(8, Spoken::Plain(Framing::Full), &[0x34, 0, 0, 0, 0, 0, 0, 0]);
    decided_at(64, Spoken::Obfuscated, &[1, 2, 3, 4, 0, 0, 0, 1]);
    decided_at(64, Spoken::Obfuscated, &[0xee, 0xee, 0xee, 0xed]);
}

// spec: transport 1.1
#[test]
fn a_hello_is_known_by_version_length_and_type() {
    let hello = |len: u16, kind: u8| {
        let [high, low] = len.to_be_bytes();
        let mut bytes = vec![0x16, 3, 1, high, low, kind, 9, 9];
        bytes.resize(64, 9);
        detect(&bytes)
    };
    for (len, kind, spoken) in [
        (99, 1, Spoken::Obfuscated),
        (100, 1, Spoken::Tls),
        (16384, 1, Spoken::Tls),
        (16385, 1, Spoken::Obfuscated),
        (512, 2, Spoken::Obfuscated),
    ] {
        assert_eq!(hello(len, kind), Some(spoken), "length {len}, type {kind}");
    }
}
