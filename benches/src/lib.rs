//! What the benches share: how long to measure, and inputs that are the same in every run.

extern crate alloc;

#[cfg(feature = "peers")]
pub mod gzip;
pub mod history;
pub mod session;

#[cfg(feature = "peers")]
use std::time::Duration;

#[cfg(feature = "peers")]
use criterion::Criterion;
use mtp_crypto::{CtrEntropy, Entropy};

/// Returns a harness with short measurements: ratios within a run are what we read.
#[cfg(feature = "peers")]
#[must_use]
pub fn harness() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1000))
        .sample_size(30)
        .configure_from_args()
}

/// Returns `len` bytes that look random and are the same in every run.
#[must_use]
pub fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    CtrEntropy::from_number(1).fill(&mut bytes);
    bytes
}

/// Prints a figure that criterion does not measure in the form that `cargo xtask bench` reads.
pub fn report(name: &str, figure: u64) {
    println!("figure {name} = {figure}");
}
