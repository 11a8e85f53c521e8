//! Tests of the public API, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

extern crate alloc;

mod buffers;
mod errors;
mod generated;
mod limits;
mod properties;
mod registry;
mod values;
mod vectors;
