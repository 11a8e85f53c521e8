//! Tests of the public API, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "a test may fail by panicking, and uses the protocol's names"
)]

mod bind;
mod calls;
mod envelope_borders;
mod errors;
mod exchange;
mod key_file;
mod prepared;
mod record_properties;
mod record_vectors;
mod redaction;
mod secret_chat;
mod secret_chat_order;
mod srp;

#[path = "../../src/vectors.rs"]
mod vectors;
