//! Tests of the public interface.
#![allow(clippy::panic, missing_docs, reason = "a failing test panics")]

mod mutations;
mod siege;
mod thousand_calls;
