//! Tests of the generated types.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod samples;
mod sizes;
mod vectors;
