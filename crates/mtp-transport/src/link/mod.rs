//! Whole stacks, one type for each side.
//!
//! ```text
//!            spare, filled          ┌──────────────── link ───────────────┐   next_frame
//!  socket ─────────────────────────▶│ layer ▶ obfuscation ▶ framing       │──────────────▶ packets
//!         ◀─────────────────────────│ layer ◀ obfuscation ◀ framing       │◀──────────────
//!            poll_transmit, finish  └─────────────────────────────────────┘   begin, finish
//! ```
//!
//! A layer is FakeTLS or a WebSocket or nothing; HTTP takes the place of all three. A
//! [`ClientLink`] is told which stack to speak, a [`ServerLink`] finds out from the first bytes.
//!
//! Both work on two buffers. Received bytes stay where the socket put them and are unmasked,
//! decrypted and lent in place; sent packets are written once by their maker into the driver's
//! buffer and are framed and encrypted around there.

mod client;
mod error;
mod outer;
mod pipe;
mod server;
mod shared;
mod stack;
#[cfg(test)]
mod tests;

pub use client::{ClientConfig, ClientLink};
pub use error::{LinkError, SendError};
pub use pipe::Mark;
pub use server::{Peer, ServerConfig, ServerLink};
pub use stack::Stack;

use core::time::Duration;

/// How long detection, handshake and header may take together.
// spec: transport 15
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
