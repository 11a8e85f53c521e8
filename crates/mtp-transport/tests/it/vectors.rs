//! Test vectors: `vectors/transport.json` and `vectors/proxy.json`.

use serde_json::Value;

/// Returns one section of `transport.json`.
pub(crate) fn section(name: &str) -> Value {
    take(include_str!("../../../../vectors/transport.json"), name)
}

/// Returns one section of `proxy.json`.
pub(crate) fn proxy_section(name: &str) -> Value {
    take(include_str!("../../../../vectors/proxy.json"), name)
}

fn take(file: &str, name: &str) -> Value {
    let mut all: Value = serde_json::from_str(file).unwrap();
    all.get_mut(name).unwrap_or_else(|| panic!("no section {name}")).take()
}

/// Decodes a hex string of the vectors.
#[track_caller]
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("no string: {value}"));
    assert!(text.len().is_multiple_of(2), "odd hex: {text}");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
