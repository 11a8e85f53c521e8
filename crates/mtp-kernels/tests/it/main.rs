//! Tests of the public API, in one binary.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod powers;
mod textbook;
