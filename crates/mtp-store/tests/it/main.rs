//! Tests of the stores as their users see them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod conformance;
#[cfg(feature = "redb")]
mod damage;
mod files;
mod samples;
mod support;
mod threads;
