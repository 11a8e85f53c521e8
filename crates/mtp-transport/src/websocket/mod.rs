//! The WebSocket layer: binary messages whose payloads form one byte stream.
//!
//! ```text
//!   client                                        server
//!   GET /apiws, Upgrade, binary ───────────────▶  checks: path, version, key, subprotocol
//!   accept checked  ◀────────── 101 Switching Protocols, or 400
//!   masked messages ──────────────────────────▶  obfuscated stream
//!   obfuscated stream ◀────────────────────────── messages
//!   ping, pong, close: handled by the layer
//! ```
//!
//! Message boundaries carry no meaning: a frame can span messages, and a message can hold several
//! frames. Obfuscation inside the messages is required.
//!
//! | module | contents |
//! |---|---|
//! | `client` | the upgrade request and the check of its response |
//! | `server` | the check of the upgrade request and its response |
//! | `header` | message headers and masks |
//! | `messages` | both sides after the upgrade |

mod client;
mod header;
mod messages;
mod server;
#[cfg(test)]
mod tests;

use core::fmt;

use base64ct::{Base64, Encoding};

use crate::http::HttpError;

pub(crate) use client::WebSocketClient;
pub use client::WebSocketClientConfig;
pub(crate) use server::WebSocketServer;

/// The WebSocket endpoint of a data center.
// spec: transport 9.1
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol has these four paths")]
pub struct WebSocketPath {
    /// Selects the test environment.
    pub test: bool,
    /// Selects the endpoint for premium accounts.
    pub premium: bool,
}

impl WebSocketPath {
    /// Returns the path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.test, self.premium) {
            (false, false) => "/apiws",
            (true, false) => "/apiws_test",
            (false, true) => "/apiws_premium",
            (true, true) => "/apiws_test_premium",
        }
    }

    fn parse(path: &str) -> Option<Self> {
        [false, true]
            .into_iter()
            .flat_map(|test| [false, true].map(|premium| Self { test, premium }))
            .find(|known| known.as_str() == path)
    }
}

/// Violations of WebSocket by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The upgrade request or its response is not valid HTTP.
    Head(HttpError),
    /// An HTTP request without an upgrade to WebSocket.
    NotUpgrade,
    /// The upgrade request lacks the version, the key, the subprotocol `binary` or a known path.
    BadUpgrade,
    /// The server rejected the upgrade.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The response does not match the upgrade request.
    BadAnswer,
    /// A header with reserved bits or an unknown opcode.
    Reserved {
        /// The first byte of the header.
        first: u8,
    },
    /// A length that is not in its shortest form, or not below 2^63.
    Length,
    /// A message of a client without a mask, or of a server with one.
    Mask,
    /// A control message that is too long or fragmented.
    Control,
    /// A continuation without a first fragment, or a new message between fragments.
    Fragment,
    /// A text message.
    Text,
    /// The connection ended within a message or before the upgrade.
    Truncated,
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(_) => f.write_str("malformed WebSocket upgrade"),
            Self::NotUpgrade => f.write_str("HTTP request without an upgrade to WebSocket"),
            Self::BadUpgrade => f.write_str("incomplete WebSocket upgrade or unknown path"),
            Self::Refused { status } => {
                write!(f, "WebSocket upgrade rejected with status {status}")
            }
            Self::BadAnswer => f.write_str("response does not match the WebSocket upgrade"),
            Self::Reserved { first } => {
                write!(f, "reserved WebSocket header {first:02x}")
            }
            Self::Length => f.write_str("malformed WebSocket length"),
            Self::Mask => f.write_str("WebSocket mask missing or not allowed"),
            Self::Control => f.write_str("WebSocket control message too long or fragmented"),
            Self::Fragment => f.write_str("WebSocket fragments out of order"),
            Self::Text => f.write_str("WebSocket text message"),
            Self::Truncated => f.write_str("connection ended within a WebSocket message"),
        }
    }
}

impl core::error::Error for WebSocketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Head(error) => Some(error),
            _ => None,
        }
    }
}

/// The subprotocol of both sides.
// spec: transport 9.2
const SUBPROTOCOL: &str = "binary";

/// Length of a key: 16 bytes in base64.
const KEY_TEXT_LEN: usize = 24;

/// Length of an accept value: a SHA-1 digest in base64.
const ACCEPT_TEXT_LEN: usize = 28;

/// Returns the `Sec-WebSocket-Accept` value for a key.
fn accept_for<'b>(key: &[u8], buffer: &'b mut [u8; ACCEPT_TEXT_LEN]) -> &'b str {
    let digest = mtp_crypto::hash::sha1(&[key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"]);
    // 20 bytes encode to 28 characters, so the buffer is long enough.
    Base64::encode(&digest, buffer).unwrap_or_default()
}
