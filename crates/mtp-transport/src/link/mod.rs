//! Links: the whole transport stack of one connection, one type for each side.
//!
//! ```text
//!            spare, filled          ┌──────────────── link ───────────────┐   next_frame
//!  socket ─────────────────────────▶│ layer ▶ obfuscation ▶ framing       │──────────────▶ packets
//!         ◀─────────────────────────│ layer ◀ obfuscation ◀ framing       │◀──────────────
//!            poll_transmit, finish  └─────────────────────────────────────┘   begin, finish
//! ```
//!
//! The layer is FakeTLS, a WebSocket or absent; HTTP replaces all three parts. A [`ClientLink`] is
//! configured with a [`Stack`]. A [`ServerLink`] detects the client's stack from its first bytes.
//!
//! Both links work in place on two buffers. Received bytes are unmasked, decrypted and lent where
//! the socket wrote them. A packet to send is written once by its producer into the caller's
//! buffer, then framed and encrypted around that place.
//!
//! After an error, or a transport error in either direction, a link is closed: input is ignored and
//! no further frame is returned, no matter how the stream was split into reads.

mod client;
mod error;
mod outer;
mod pipe;
mod server;
mod shared;
mod stack;
#[cfg(test)]
mod tests;

pub use client::{ClientLink, ClientLinkConfig};
pub use error::{LinkError, LinkSendError};
pub use pipe::PacketMark;
pub use server::{Peer, ServerLink, ServerLinkConfig};
pub use stack::Stack;

use core::time::Duration;

/// Default limit for detection, handshake and obfuscated header together.
// spec: transport 15
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
