//! Tests of the schema compiler.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod check;
mod convert;
mod dialects;
mod dynamic;
mod errors;
mod generated;
mod ids;
mod layers;
mod parse;
mod promises;
mod rules;
