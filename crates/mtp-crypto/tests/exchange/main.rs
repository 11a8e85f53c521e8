//! The key exchange arithmetic: against every entry of its sections of `vectors/crypto.json`,
//! and for properties that no list of entries can show.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "a test may fail by panicking, and uses the protocol's names"
)]

mod dh;
mod factoring;
mod keys;
mod negative;
mod nonces;
mod objects;
mod prepared;
mod rsa;
mod transcripts;

#[path = "../../src/vectors.rs"]
mod vectors;
