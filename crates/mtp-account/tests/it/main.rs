//! Tests of the public interface.

mod foreign;
mod simulation;
mod tables;
mod updates_vectors;
