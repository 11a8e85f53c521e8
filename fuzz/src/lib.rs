//! Fuzz target bodies.
//!
//! Each is an ordinary function of bytes that panics if something is wrong, so that a stable test
//! replays the committed corpora (`tests/corpora.rs`) and a fuzzer explores from there:
//!
//! ```sh
//! cargo fuzz run --features libfuzzer transport_decoder -- -max_total_time=60
//! ```
#![expect(clippy::missing_panics_doc, reason = "a panic is how a target reports a finding")]

pub mod proxy;
pub mod transport;

/// The body of a target.
pub type Target = fn(&[u8]);

/// All targets by name; a corpus and a file in `fuzz_targets` have the same name.
pub const TARGETS: &[(&str, Target)] = &[
    ("transport_decoder", transport::decoder),
    ("transport_server_link", transport::server_link),
    ("transport_obfuscated", transport::obfuscated),
    ("transport_client_link", transport::client_link),
    ("transport_relay", proxy::relay),
    ("transport_proxy_texts", proxy::proxy_texts),
];
