//! Behavior tests of the crate's public interface; one module for each part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::too_many_lines,
    reason = "tests"
)]

mod errors;
mod foreign;
mod login_link;
mod simulation;
mod tables;
mod update_bounds;
mod updates_vectors;
