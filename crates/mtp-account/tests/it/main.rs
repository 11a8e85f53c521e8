//! Tests of the public interface.

mod simulation;
mod tables;
mod updates_vectors;
