//! Connections by hand: no socket, no clock, no system randomness.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bad_packets;
mod by_hand;
mod connection;
mod errors;
mod links;
mod peers;
mod readme;
mod sent_ahead;
mod transmitting;
