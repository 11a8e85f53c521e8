//! Shared parts of the benches: the criterion configuration and deterministic inputs.

extern crate alloc;

#[cfg(feature = "peers")]
pub mod gzip;
pub mod history;
pub mod session;

#[cfg(feature = "peers")]
use std::time::Duration;

#[cfg(feature = "peers")]
use criterion::Criterion;
use mtp_crypto::CtrEntropy;
use mtp_env::Entropy;

/// Returns a criterion configuration with short measurements, because only ratios within a run are compared.
#[cfg(feature = "peers")]
#[must_use]
pub fn harness() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1000))
        .sample_size(30)
        .configure_from_args()
}

/// Returns `len` pseudorandom bytes, the same in every run.
#[must_use]
pub fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    CtrEntropy::from_number(1).fill(&mut bytes);
    bytes
}

/// Prints a figure that criterion does not measure, in the format of `cargo xtask bench`.
pub fn report(name: &str, figure: u64) {
    println!("figure {name} = {figure}");
}
