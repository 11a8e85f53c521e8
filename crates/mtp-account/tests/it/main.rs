//! Tests of the public interface.

mod foreign;
mod simulation;
mod tables;
mod update_bounds;
mod updates_vectors;
