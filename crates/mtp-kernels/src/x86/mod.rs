//! Kernels of processors with AES-NI and SHA-NI.
//!
//! Every function is safe and demands the instructions by `target_feature`, so that only the door,
//! `Kernels`, has to promise that they are there.

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
