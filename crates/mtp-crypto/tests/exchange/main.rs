//! The key exchange arithmetic: against every entry of its sections of `vectors/crypto.json`,
//! and for properties that no list of entries can show.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod dh;
mod factoring;
mod keys;
mod nonces;
mod prepared;
mod rsa;

#[path = "../../src/vectors.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses the part it needs")]
mod vectors;
