//! A server for many clients, driven by hand: no socket, no clock, no system randomness.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod crowd;
mod endpoint;
mod errors;
mod exchange_networks;
mod hub;
mod overload;
#[path = "../../../mtp-proto/tests/it/peers.rs"]
mod peers;
mod replays;
mod work;
