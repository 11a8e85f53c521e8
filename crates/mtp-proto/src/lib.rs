//! MTProto connections to drive by hand: the crate that embedders import.
//!
//! It joins one link (`mtp-transport`: bytes to packets) with one machine (`mtp-session`: packets to
//! calls). It owns no socket, clock or thread; drivers do. `mtp-tokio` is a driver; the examples
//! `manual`, `blocking` and `smol` are others, of about a hundred lines each.
//!
//! ```text
//!   received bytes ──▶ ┌──────┐ ─ packets ─▶ ┌───────────────────────────────┐ ──▶ events
//!                      │ link │              │ ClientMachine, ServerMachine  │
//!   bytes to write ◀── └──────┘ ◀─ packets ─ └───────────────────────────────┘ ◀── calls, answers
//!                          └── poll_timeout, handle_timeout ──┘
//! ```
//!
//! The run loop of every driver:
//!
//! 1. Pass received bytes to `handle_bytes`, or read straight into `spare` and call `filled`.
//! 2. Take every event: `client_mut().poll_event()` or `server_mut().poll_event()`.
//! 3. Write what `poll_transmit` appends, until it appends nothing.
//! 4. Wait for bytes, for the deadline of `poll_timeout` (then call `handle_timeout`), or for the
//!    application. When the socket is gone, `reconnect` with a fresh link. Go to 1.
//!
//! Step 3 comes after step 2: a server's new key leaves only after its event was taken, so that it
//! can be stored first.
//!
//! | item | idea |
//! |---|---|
//! | [`ClientConnection`] | one client; outlives its links |
//! | [`ServerConnection`] | one server for one client, for tests and tools |
//! | [`ClientHub`] | one client on several links |
//! | [`Links`] | many links on one machine: what [`ClientHub`] and `mtp-server` share |
//! | [`ConnectionError`] | a violation of the protocol by the peer |
//! | [`session`], [`transport`], [`crypto`], [`mod@env`], [`tl`] | the crates below, whole: one import is enough |
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | SIMD kernels where the processor has them |
//! | `getrandom` | `crypto::OsEntropy`, randomness of the operating system |
//! | `key-file` | `crypto::key_file`, keys in files under a password |
//! | `std` (default) | faster gzip and checksums in the crates below |
//!
//! No dependencies but the crates below. Received bytes never panic. A link that ends leaves the
//! machine intact.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

mod connection;
mod error;
mod links;
mod machines;
mod pipe;
mod wire;

pub use connection::{ClientConnection, Connection, ServerConnection};
pub use error::ConnectionError;
pub use links::{ClientHub, Links};
pub use pipe::TRANSMIT_LEN;

pub use mtp_crypto as crypto;
pub use mtp_env as env;
pub use mtp_session as session;
pub use mtp_tl as tl;
pub use mtp_transport as transport;

/// The README's client, run as a documentation test. `mtp-tokio` compiles the README whole.
#[cfg(doctest)]
#[doc = concat!("```\n", include_str!("../examples/readme.rs"), "```")]
mod readme_example {}
