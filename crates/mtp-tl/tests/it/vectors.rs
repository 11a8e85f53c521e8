//! Primitive values against `vectors/tl.json`, which independent programs wrote.
//!
//! Objects, results and the remaining malformed inputs need a schema and are tested in `mtp-schema`
//! and `mtp-api`. Each test counts its entries, so that none is skipped silently.

use std::borrow::Cow;

use mtp_tl::{BareVec, Decode, DecodeErrorKind, Decoder, Encode, TlStr};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn section(name: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/tl.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file[name].as_array().unwrap().clone()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Checks that the value encodes to the bytes and the bytes decode to the value.
#[track_caller]
fn check<'a, T: Decode<'a> + Encode + PartialEq + core::fmt::Debug>(value: &T, bytes: &'a [u8]) {
    assert_eq!(value.encoded_len(), bytes.len());
    assert_eq!(value.to_bytes(), bytes);
    assert_eq!(&T::from_bytes(bytes).unwrap(), value);
}

fn int(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}

fn long(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}

fn double(value: &Value) -> f64 {
    match value.as_str() {
        Some("inf" | "Infinity") => f64::INFINITY,
        Some("-inf" | "-Infinity") => f64::NEG_INFINITY,
        Some("nan" | "NaN") => f64::NAN,
        Some("-0.0") => -0.0,
        Some(other) => other.parse().unwrap(),
        None => value.as_f64().unwrap(),
    }
}

fn list<T>(value: &Value, item: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(item).collect()
}

fn text(value: &Value) -> TlStr<'static> {
    TlStr::from(value.as_str().unwrap()).into_owned()
}

fn blob(value: &Value) -> Cow<'static, [u8]> {
    Cow::Owned(unhex(value))
}

// spec: tl 6
#[test]
fn primitive_vectors() {
    let entries = section("primitives");
    for entry in &entries {
        let (value, bytes) = (&entry["value"], unhex(&entry["hex"]));
        match entry["type"].as_str().unwrap() {
            "int" => check(&int(value), &bytes),
            "long" => check(&long(value), &bytes),
            "double" => check_double(double(value), &bytes),
            "int128" => check::<[u8; 16]>(&unhex(value).try_into().unwrap(), &bytes),
            "int256" => check::<[u8; 32]>(&unhex(value).try_into().unwrap(), &bytes),
            "string" => check(&text(value), &bytes),
            "bytes" => check(&blob(value), &bytes),
            "Bool" => check(&value.as_bool().unwrap(), &bytes),
            "Vector<int>" => check(&list(value, int), &bytes),
            "vector<int>" => check(&BareVec(list(value, int)), &bytes),
            "Vector<long>" => check(&list(value, long), &bytes),
            "Vector<double>" => check(&list(value, double), &bytes),
            "Vector<Bool>" => check(&list(value, |item| item.as_bool().unwrap()), &bytes),
            "Vector<string>" => check(&list(value, text), &bytes),
            "Vector<bytes>" => check(&list(value, blob), &bytes),
            "Vector<Vector<int>>" => check(&list(value, |inner| list(inner, int)), &bytes),
            "vector<Vector<int>>" => check(&BareVec(list(value, |inner| list(inner, int))), &bytes),
            other => panic!("no test for {other}"),
        }
    }
    assert_eq!(entries.len(), 64);
}

/// Compares doubles by their bits, because NaN differs from itself and -0 equals 0.
#[track_caller]
fn check_double(value: f64, bytes: &[u8]) {
    let read = f64::from_bytes(bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    assert!(read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan()));
}

// spec: tl 6.1
#[test]
fn long_string_vectors() {
    let entries = section("filled_strings");
    for entry in &entries {
        let fill = unhex(&entry["fill"])[0];
        let len = usize::try_from(entry["length"].as_u64().unwrap()).unwrap();
        let value: Cow<'_, [u8]> = Cow::Owned(vec![fill; len]);
        let bytes = value.to_bytes();
        let header = unhex(&entry["header_hex"]);
        assert_eq!(bytes[..header.len()], header);
        assert_eq!(bytes.len() as u64, entry["total"].as_u64().unwrap());
        assert_eq!((bytes.len() - header.len() - len) as u64, entry["padding"].as_u64().unwrap());
        assert_eq!(Sha256::digest(&bytes).to_vec(), unhex(&entry["sha256"]));
        check(&value, &bytes);
    }
    assert_eq!(entries.len(), 19);
}

// spec: tl 7
#[test]
fn malformed_vectors_are_rejected() {
    let mut seen = 0;
    for entry in section("malformed") {
        let name = entry["name"].as_str().unwrap();
        let Some(hex) = entry.get("hex") else { continue };
        let bytes = unhex(hex);
        let error = match entry["root"].as_str().unwrap() {
            "Bool" => bool::from_bytes(&bytes).unwrap_err(),
            "string" => <TlStr<'_> as Decode>::from_bytes(&bytes).unwrap_err(),
            "Vector<int>" => Vec::<i32>::from_bytes(&bytes).unwrap_err(),
            "vector<int>" => BareVec::<i32>::from_bytes(&bytes).unwrap_err(),
            _ => continue,
        };
        seen += 1;
        let class = match error.kind() {
            DecodeErrorKind::UnexpectedEof { .. } => "unexpected_eof",
            DecodeErrorKind::UnexpectedConstructor { .. } => "unexpected_constructor",
            DecodeErrorKind::InvalidLength { .. } => "invalid_length",
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(class, entry["expect"].as_str().unwrap(), "{name}");
    }
    assert_eq!(seen, 12);
}

// spec: tl 6.1
#[test]
fn lenient_vectors_are_accepted() {
    let mut seen = 0;
    for entry in section("lenient") {
        if !matches!(entry["root"].as_str().unwrap(), "string" | "bytes") {
            continue;
        }
        seen += 1;
        let bytes = unhex(&entry["hex"]);
        let read = <TlStr<'_> as Decode>::from_bytes(&bytes).unwrap();
        match (entry.get("value_bytes"), entry["root"].as_str()) {
            (Some(raw), _) => {
                assert_eq!(read.as_bytes(), unhex(raw));
                assert!(read.as_str().is_err());
            }
            (None, Some("bytes")) => assert_eq!(read.as_bytes(), unhex(&entry["value"])),
            (None, _) => assert_eq!(read.as_str().unwrap(), entry["value"].as_str().unwrap()),
        }
        if let Some(canonical) = entry.get("canonical_hex") {
            assert_eq!(read.to_bytes(), unhex(canonical));
            assert!(Decoder::new(&bytes).canonical().read::<TlStr<'_>>().is_err());
        }
    }
    assert_eq!(seen, 6);
}
