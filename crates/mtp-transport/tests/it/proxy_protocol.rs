//! The PROXY protocol: all vectors, limits at ±1, every split, encode and decode.

use std::net::{IpAddr, SocketAddr};

use mtp_transport::proxy_protocol::{
    HEADER_LEN_MAX, LINE_LEN_MAX, ProxyHeader, ProxyHeaderDecoder, ProxyHeaderError, ProxyVersion,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::vectors::{hex, proxy_section};

type Decoded = Result<Option<(ProxyHeader, usize)>, ProxyHeaderError>;

/// Decodes in pieces. Returns the header with the number of consumed bytes.
fn decode(bytes: &[u8], pieces: &[usize]) -> Decoded {
    let mut decoder = ProxyHeaderDecoder::new();
    let (mut rest, mut consumed) = (bytes, 0);
    for piece in pieces.iter().cycle() {
        let (read, later) = rest.split_at((*piece).max(1).min(rest.len()));
        rest = later;
        let result = decoder.handle_bytes(read);
        if let Err(error) = result {
            assert_eq!(decoder.handle_bytes(b"more"), Err(error), "a failure is final");
            assert_eq!(decoder.handle_eof(), Err(error));
            return Err(error);
        }
        let (taken, header) = result?;
        consumed += taken;
        if let Some(header) = header {
            assert_eq!(
                decoder.handle_bytes(b"more"),
                Ok((0, Some(header))),
                "nothing is over-read"
            );
            assert_eq!(decoder.handle_eof(), Ok(()));
            return Ok(Some((header, consumed)));
        }
        assert_eq!(taken, read.len(), "an incomplete header consumes everything");
        if rest.is_empty() {
            assert_eq!(decoder.handle_eof(), Err(ProxyHeaderError::Truncated));
            return Ok(None);
        }
    }
    unreachable!("the pieces are repeated")
}

/// Decodes as a whole, byte by byte, and at every single split.
#[track_caller]
fn decode_split(bytes: &[u8]) -> Decoded {
    let whole = ProxyHeader::parse(bytes);
    assert_eq!(decode(bytes, &[usize::MAX]), whole);
    assert_eq!(decode(bytes, &[1]), whole);
    for at in 1..bytes.len() {
        assert_eq!(decode(bytes, &[at, usize::MAX]), whole, "split at {at}");
    }
    whole
}

fn address(value: &Value) -> SocketAddr {
    let (ip, port) = value.as_str().unwrap().split_once('|').unwrap();
    SocketAddr::new(ip.parse().unwrap(), port.parse().unwrap())
}

// spec: proxy 10.1
// spec: proxy 10.2
// spec: proxy 10.3
#[test]
fn decoding_matches_the_vectors() {
    let all = proxy_section("proxy_protocol");
    let entries = all.as_array().unwrap();
    for entry in entries {
        let decoded = decode_split(&hex(&entry["bytes"]));
        match entry["result"].as_str().unwrap() {
            "ok" => {
                let (header, consumed) = decoded.unwrap().unwrap();
                assert_eq!(consumed as u64, entry["consumed"].as_u64().unwrap(), "{entry}");
                let is_from_peer = entry["source"] == "peer";
                let expected = (!is_from_peer).then(|| address(&entry["source"]));
                assert_eq!(header.source(), expected, "{entry}");
                let expected = (!is_from_peer).then(|| address(&entry["destination"]));
                assert_eq!(header.destination(), expected, "{entry}");
            }
            "need more" => assert_eq!(decoded, Ok(None), "{entry}"),
            "error" => assert!(decoded.is_err(), "{entry}: {decoded:?}"),
            other => panic!("unknown result {other}"),
        }
    }
    assert_eq!(entries.len(), 55);
}

// spec: proxy 10.3
#[test]
fn encoding_matches_the_vectors() {
    let all = proxy_section("proxy_protocol_build");
    let entries = all.as_array().unwrap();
    for entry in entries {
        let version = match entry["version"].as_u64().unwrap() {
            1 => ProxyVersion::V1,
            2 => ProxyVersion::V2,
            other => panic!("unknown version {other}"),
        };
        let mut out = b"before".to_vec();
        header_of(entry).encode(version, &mut out);
        assert_eq!(out.split_off(6), hex(&entry["bytes"]), "{entry}");
        assert_eq!(out, b"before");
    }
    assert_eq!(entries.len(), 6);
}

fn header_of(entry: &Value) -> ProxyHeader {
    if entry["source"].is_null() {
        return ProxyHeader::Local;
    }
    ProxyHeader::proxied(address(&entry["source"]), address(&entry["destination"]))
}

fn line(len: usize) -> Vec<u8> {
    let start = "PROXY UNKNOWN ";
    format!("{start}{}\r\n", "x".repeat(len - start.len() - 2)).into_bytes()
}

#[test]
fn line_is_accepted_at_the_limit_and_rejected_above() {
    let longest = line(LINE_LEN_MAX);
    assert_eq!(decode_split(&longest), Ok(Some((ProxyHeader::Unknown, LINE_LEN_MAX))));
    for longer in [line(LINE_LEN_MAX + 1), line(LINE_LEN_MAX + 2), line(LINE_LEN_MAX + 50)] {
        assert_eq!(decode_split(&longer), Err(ProxyHeaderError::TooLong));
    }
}

fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &len, body].concat()
}

#[test]
fn binary_header_is_accepted_at_the_limit_and_rejected_above() {
    let body = vec![0; HEADER_LEN_MAX - 15];
    let longest = binary(0x20, 0, &body[1..]);
    assert_eq!(decode(&longest, &[100]), Ok(Some((ProxyHeader::Local, HEADER_LEN_MAX))));
    let longer = binary(0x20, 0, &body);
    assert_eq!(decode(&longer, &[100]), Err(ProxyHeaderError::TooLong));
    assert_eq!(decode(&longer[..16], &[100]), Err(ProxyHeaderError::TooLong), "by its length");
}

#[test]
fn every_violation_of_the_binary_header_has_its_error() {
    let four = [1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 187];
    let refused = |bytes: Vec<u8>, error| assert_eq!(decode_split(&bytes), Err(error));
    refused(binary(0x11, 0x11, &four), ProxyHeaderError::Command { found: 0x11 });
    refused(binary(0x22, 0x11, &four), ProxyHeaderError::Command { found: 0x22 });
    for family in [0x01, 0x10, 0x12, 0x22, 0x32, 0x13, 0x41] {
        refused(binary(0x21, family, &four), ProxyHeaderError::Family { found: family });
    }
    refused(binary(0x21, 0x11, &four[..11]), ProxyHeaderError::Addresses);
    refused(binary(0x21, 0x21, &[0; 35]), ProxyHeaderError::Addresses);
    refused(binary(0x21, 0x31, &[0; 215]), ProxyHeaderError::Addresses);
    for extension in [&[4][..], &[4, 0], &[4, 0, 1], &[3, 0, 3, 0, 0, 0]] {
        let body = [&four[..], extension].concat();
        refused(binary(0x21, 0x11, &body), ProxyHeaderError::Extension);
    }
    let body = [&four[..], &[3, 0, 4, 0, 0, 0, 0]].concat();
    refused(binary(0x21, 0x11, &body), ProxyHeaderError::Checksum);
    // The balancer's own connections and unknown families have no addresses to check.
    let local = binary(0x20, 0x41, &[4, 0]);
    assert_eq!(decode_split(&local), Ok(Some((ProxyHeader::Local, local.len()))));
    let unspecified = binary(0x21, 0, &[4, 0]);
    assert_eq!(decode_split(&unspecified), Ok(Some((ProxyHeader::Unknown, unspecified.len()))));
}

fn addresses() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn headers() -> impl Strategy<Value = ProxyHeader> {
    prop_oneof![
        (addresses(), addresses()).prop_map(|(from, to)| ProxyHeader::proxied(from, to)),
        Just(ProxyHeader::Unknown),
        Just(ProxyHeader::Local),
    ]
}

/// What the other side learns.
fn received(header: ProxyHeader, version: ProxyVersion) -> ProxyHeader {
    match (header, version) {
        (ProxyHeader::Proxied { source, destination, .. }, ProxyVersion::V1)
            if source.is_ipv4() != destination.is_ipv4() =>
        {
            ProxyHeader::Unknown
        }
        (ProxyHeader::Local, ProxyVersion::V1) => ProxyHeader::Unknown,
        (header, _) => header,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn encoded_header_decodes_to_the_same_for_every_split(
        header in headers(), pieces in vec(1..60_usize, 1..6), behind in vec(any::<u8>(), 0..30)
    ) {
        for version in [ProxyVersion::V1, ProxyVersion::V2] {
            let mut bytes = Vec::new();
            header.encode(version, &mut bytes);
            let len = bytes.len();
            bytes.extend_from_slice(&behind);
            let expected = Ok(Some((received(header, version), len)));
            prop_assert_eq!(decode(&bytes, &pieces), expected);
        }
    }

    #[test]
    fn mutated_header_decodes_to_the_same_for_every_split(
        header in headers(), pieces in vec(1..60_usize, 1..6), at in 0..120_usize, byte in any::<u8>()
    ) {
        for version in [ProxyVersion::V1, ProxyVersion::V2] {
            let mut bytes = Vec::new();
            header.encode(version, &mut bytes);
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.extend_from_slice(b"behind");
            prop_assert_eq!(decode(&bytes, &pieces), ProxyHeader::parse(&bytes));
        }
    }

    #[test]
    fn random_bytes_decode_to_the_same_for_every_split(
        start in 0..3_usize, rest in vec(any::<u8>(), 0..300), pieces in vec(1..60_usize, 1..6)
    ) {
        let start = [&b""[..], b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00"][start];
        let bytes = [start, &rest].concat();
        if !bytes.is_empty() {
            prop_assert_eq!(decode(&bytes, &pieces), ProxyHeader::parse(&bytes));
        }
    }
}
