//! Tests of the generated types.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "a test fails by panicking"
)]

mod limits;
mod samples;
mod sizes;
mod vectors;
