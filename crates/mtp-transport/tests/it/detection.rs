//! Protocol detection: all vectors, and the byte with which each protocol is detected.

use mtp_transport::detect::{Protocol, detect};
use mtp_transport::framing::Framing;
use mtp_transport::obfuscation::HEADER_LEN;

use crate::vectors::{hex, section};

fn name(protocol: Option<Protocol>) -> &'static str {
    match protocol {
        None => "need_more",
        Some(Protocol::Plain(Framing::Abridged)) => "abridged",
        Some(Protocol::Plain(Framing::Intermediate)) => "intermediate",
        Some(Protocol::Plain(Framing::PaddedIntermediate)) => "padded_intermediate",
        Some(Protocol::Plain(Framing::Full)) => "full",
        Some(Protocol::Obfuscated) => "obfuscated",
        Some(Protocol::Tls) => "tls",
        Some(Protocol::Http | Protocol::HttpGet) => "http",
    }
}

// spec: transport 1.1
#[test]
fn detection_matches_the_vectors() {
    let all = section("detection");
    let entries = all.as_array().unwrap();
    for entry in entries {
        let bytes = hex(&entry["bytes"]);
        let protocol = detect(&bytes);
        assert_eq!(name(protocol), entry["result"], "{entry}");
        if let Some(consumed) = entry["consumed"].as_u64() {
            let header = if protocol == Some(Protocol::Obfuscated) { HEADER_LEN } else { 0 };
            assert_eq!((protocol.unwrap().consumed() + header) as u64, consumed, "{entry}");
        }
    }
    assert_eq!(entries.len(), 19);
}

/// Checks that the protocol is detected with byte number `at`, and not before.
#[track_caller]
fn decided_at(at: usize, expected: Protocol, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    bytes.resize(200, 0x55);
    for len in 0..bytes.len() {
        let answer = if len < at { None } else { Some(expected) };
        assert_eq!(detect(&bytes[..len]), answer, "after {len} bytes");
    }
}

// spec: transport 1.1
#[test]
fn protocol_is_detected_with_the_first_byte_that_determines_it() {
    decided_at(1, Protocol::Plain(Framing::Abridged), &[0xef]);
    decided_at(4, Protocol::Plain(Framing::Intermediate), &[0xee; 4]);
    decided_at(4, Protocol::Plain(Framing::PaddedIntermediate), &[0xdd; 4]);
    for method in [b"HEAD", b"POST", b"OPTI"] {
        decided_at(4, Protocol::Http, method);
    }
    decided_at(4, Protocol::HttpGet, b"GET ");
    decided_at(6, Protocol::Tls, &[0x16, 3, 1, 2, 0, 1]);
    decided_at(8, Protocol::Plain(Framing::Full), &[0x34, 0, 0, 0, 0, 0, 0, 0]);
    decided_at(64, Protocol::Obfuscated, &[1, 2, 3, 4, 0, 0, 0, 1]);
    decided_at(64, Protocol::Obfuscated, &[0xee, 0xee, 0xee, 0xed]);
}

// spec: transport 1.1
#[test]
fn client_hello_is_detected_by_version_length_and_type() {
    let hello = |len: u16, kind: u8| {
        let [high, low] = len.to_be_bytes();
        let mut bytes = vec![0x16, 3, 1, high, low, kind, 9, 9];
        bytes.resize(64, 9);
        detect(&bytes)
    };
    for (len, kind, protocol) in [
        (99, 1, Protocol::Obfuscated),
        (100, 1, Protocol::Tls),
        (16384, 1, Protocol::Tls),
        (16385, 1, Protocol::Obfuscated),
        (512, 2, Protocol::Obfuscated),
    ] {
        assert_eq!(hello(len, kind), Some(protocol), "length {len}, type {kind}");
    }
}
