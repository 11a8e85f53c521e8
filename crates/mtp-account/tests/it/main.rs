//! Tests of the public interface.

mod simulation;
mod updates_vectors;
