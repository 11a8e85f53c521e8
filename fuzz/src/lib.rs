//! Fuzz targets as ordinary functions of bytes. A failed assertion is a finding.
//!
//! This library does not depend on libFuzzer. For each function `fuzz_targets/` has a binary of three lines
//! and `corpus/` a folder of inputs; `tests/replay.rs` runs all inputs on stable. `docs/fuzzing.md` explains
//! how to fuzz.
//!
//! ```text
//!   corpus, mutations ─▶ data: &[u8] ─▶ Input: choices, cuts, operations ─▶ the code under test
//!                                       known: keys, clock, entropy           │
//!                                       textbook: a second implementation ─▶ assert_eq!
//! ```
//!
//! ```
//! for (name, target) in mtp_fuzz::TARGETS {
//!     target(&[]); // must not panic for any bytes
//!     assert!(!name.is_empty());
//! }
//! ```
//!
//! | module | targets |
//! |---|---|
//! | [`tl`] | values of every kind |
//! | [`schema`] | schema text, its JSON form, the dynamic codec |
//! | [`crypto`] | keys, messages sealed by the fuzzer, the arithmetic of the key exchange |
//! | [`transport`] | framings, links, FakeTLS, proxies |
//! | [`session`] | key exchanges and sessions of clients and servers |
//! | [`proto`] | whole connections, from bytes to calls |
//! | [`cost`] | what bytes of a peer cost: work, memory, output |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a panic is how a target reports a finding"
)]

pub mod cost;
pub mod crypto;
mod input;
mod known;
pub mod proto;
pub mod schema;
pub mod session;
mod textbook;
pub mod tl;
pub mod transport;

/// A target: it panics if the bytes reveal a defect.
pub type Target = fn(&[u8]);

/// All targets with their names, which are also the names of their functions, binaries and corpora.
pub const TARGETS: &[(&str, Target)] = &[
    ("tl_values", tl::tl_values),
    ("api_values", tl::api_values),
    ("schema_text", schema::schema_text),
    ("schema_json", schema::schema_json),
    ("schema_pair", schema::schema_pair),
    ("schema_generate", schema::schema_generate),
    ("dynamic_bytes", schema::dynamic_bytes),
    ("dynamic_json", schema::dynamic_json),
    ("key_text", crypto::key_text),
    ("key_file", crypto::key_file),
    ("message_open", crypto::message_open),
    ("message_seal", crypto::message_seal),
    ("bind_open", crypto::bind_open),
    ("ciphers", crypto::ciphers),
    ("engines", crypto::engines),
    ("chat_open", crypto::chat_open),
    ("chat_sequence", crypto::chat_sequence),
    ("chat_keys", crypto::chat_keys),
    ("pq_factor", crypto::pq_factor),
    ("rsa_inner", crypto::rsa_inner),
    ("tmp_aes", crypto::tmp_aes),
    ("dh_values", crypto::dh_values),
    ("srp", crypto::srp),
    ("frame_decoder", transport::frame_decoder),
    ("frame_pair", transport::frame_pair),
    ("detection", transport::detection),
    ("server_link", transport::server_link),
    ("client_link", transport::client_link),
    ("link_pair", transport::link_pair),
    ("faketls_hello", transport::faketls_hello),
    ("faketls_profile", transport::faketls_profile),
    ("proxy_text", transport::proxy_text),
    ("proxy_protocol", transport::proxy_protocol),
    ("relay", transport::relay),
    ("relay_cuts", transport::relay_cuts),
    ("middle_link", transport::middle_link),
    ("middle_rpc", transport::middle_rpc),
    ("service_messages", session::service_messages),
    ("salts", session::salts),
    ("client_resume", session::client_resume),
    ("client_handshake", session::client_handshake),
    ("server_handshake", session::server_handshake),
    ("session_client", session::session_client),
    ("session_server", session::session_server),
    ("session_pair", session::session_pair),
    ("connection_pair", proto::connection_pair),
    ("cost_session", cost::cost_session),
    ("cost_server", cost::cost_server),
    ("cost_client", cost::cost_client),
    ("cost_center", cost::cost_center),
    ("cost_relay", cost::cost_relay),
];
