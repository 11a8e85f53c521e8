//! The program as its users run it: arguments in, output and exit code out.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test panics to fail"
)]

mod link;
mod program;
mod schema;
mod tl;
