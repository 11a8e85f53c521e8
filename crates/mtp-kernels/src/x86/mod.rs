//! Kernels for processors with AES-NI and SHA-NI.
//!
//! Every function is safe and requires the instructions through `target_feature`. Only `Kernels` has
//! to ensure that the processor supports them.

mod aes;
mod block;
mod ige;
mod lanes;
mod message;
mod sha256;

pub(crate) use aes::{DECRYPT, ENCRYPT};
pub(crate) use ige::crypt;
pub(crate) use lanes::{open_each, seal_each};
pub(crate) use message::{open, seal};

cpufeatures::new!(detected, "aes", "sha", "ssse3", "sse4.1");
pub(crate) use detected::get as detect;
