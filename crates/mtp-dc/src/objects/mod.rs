//! Objects of answers that several namespaces encode.

use alloc::vec::Vec;

pub(crate) mod config;
pub(crate) mod message;
pub(crate) mod user;

/// An empty vector of any type.
pub(crate) const NONE: Vec<i32> = Vec::new();
