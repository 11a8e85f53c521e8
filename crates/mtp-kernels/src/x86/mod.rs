//! Kernels for processors with AES-NI and SHA-NI.
//!
//! Every function is safe and requires the instructions through `target_feature`. Only `Kernels` has
//! to ensure that the processor supports them.

mod aes;
mod block;
mod ctr;
mod ige;
mod lanes;
mod message;
mod powers;
mod sha256;

pub(crate) use aes::{DECRYPT, ENCRYPT, RoundKeys};
use block::load_halves;
pub(crate) use ctr::{ctr, ctr_wide};
pub(crate) use ige::crypt;
pub(crate) use lanes::{open_each, seal_each};
pub(crate) use message::{open, seal};
pub(crate) use powers::{comb, pow_each};

/// Expands a key for counter mode.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn ctr_keys(key: &[u8; 32]) -> RoundKeys {
    let mut keys = RoundKeys::zeroed();
    keys.expand::<ENCRYPT>(load_halves(key));
    keys
}

cpufeatures::new!(detected, "aes", "sha", "ssse3", "sse4.1");
pub(crate) use detected::get as detect;

/// Detection of the wider registers and of the cipher on them.
mod wide {
    cpufeatures::new!(detected, "aes", "sha", "ssse3", "sse4.1", "avx512f", "avx512bw", "vaes");
    pub(crate) use detected::get as detect;
}
pub(crate) use wide::detect as detect_wide;

/// Detection of the wide multiplier.
mod multiplier {
    cpufeatures::new!(detected, "avx512f", "avx512ifma");
    pub(crate) use detected::get as detect;
}
pub(crate) use multiplier::detect as detect_multiplier;
