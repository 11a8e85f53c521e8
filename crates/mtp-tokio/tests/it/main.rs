//! Drivers on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod client;
mod datagram;
mod handle;
mod links;
#[cfg(feature = "metrics")]
mod metrics;
mod pool;
mod robustness;
mod sent_ahead;
mod stores;
mod support;
