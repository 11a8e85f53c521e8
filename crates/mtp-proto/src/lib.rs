//! MTProto connections to drive by hand: the crate that embedders import.
//!
//! It joins one link (`mtp-transport`: bytes to packets) with one machine (`mtp-session`: packets to
//! calls) and owns neither a socket nor a clock nor a thread: those are the driver's. `mtp-tokio` is
//! one; the examples `manual`, `blocking` and `smol` are others, in about a hundred lines each.
//!
//! ```text
//!   received bytes ──▶ ┌──────┐ ─ packets ─▶ ┌────────────────┐ ──▶ events
//!                      │ link │              │ Client, Server │
//!   bytes to write ◀── └──────┘ ◀─ packets ─ └────────────────┘ ◀── calls, answers
//!                          └── poll_timeout, handle_timeout ──┘
//! ```
//!
//! The run loop, for every driver:
//!
//! 1. give what was received to `handle_bytes` (or read straight into `spare` and call `filled`);
//! 2. take every event out of the machine: `peer_mut().poll_event()`;
//! 3. write what `poll_transmit` appends, until it appends nothing;
//! 4. wait for bytes, for `poll_timeout`'s instant (then call `handle_timeout`), or for the
//!    application; when the socket is gone, `reconnect` with a fresh link. Go to 1.
//!
//! Step 3 comes after step 2: a server's new key leaves only when its event has been taken, so that
//! it can be stored first.
//!
//! | item | idea |
//! |---|---|
//! | [`ClientConnection`] | one client; outlives its links |
//! | [`ServerConnection`] | one server for one client, for tests and tools |
//! | [`Hub`] | one server for many links |
//! | [`ClientHub`] | one client on several links |
//! | [`ConnectionError`] | why a link ended |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | `mtp-crypto` uses what the processor offers |
//! | `std` (default) | passed on to the crates below, which pack and checksum faster |
//!
//! No dependencies but the crates below. Nothing panics on received bytes; a link that ends leaves the machine whole.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

pub mod connection;
pub mod error;
pub mod hub;
mod pipe;
mod roles;
mod wire;

pub use connection::{ClientConnection, Connection, ServerConnection};
pub use error::ConnectionError;
pub use hub::{ClientHub, Hub};
pub use pipe::TRANSMIT_LEN;

/// The pages whose code is compiled with this crate's documentation tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/driving.md")]
    struct Driving;
}
