//! WebSocket as a carrier: binary messages whose payloads are one byte stream.
//!
//! ```text
//!   client                                        server
//!   GET /apiws, Upgrade, binary ───────────────▶  judged: path, version, key, subprotocol
//!   accept checked  ◀────────── 101 Switching Protocols, or 400
//!   masked messages ──────────────────────────▶  obfuscated stream
//!   obfuscated stream ◀────────────────────────── messages
//!   ping, pong, close: answered here, never seen above
//! ```
//!
//! Message borders carry no meaning: a frame may span messages and a message may hold several
//! frames. Obfuscation inside is required.
//!
//! | module | idea |
//! |---|---|
//! | [`client`] | the upgrade asked for |
//! | [`server`] | the upgrade judged |
//! | `header` | one message header and its mask |
//! | `messages` | what both sides do after the upgrade |

pub mod client;
mod header;
mod messages;
pub mod server;

use core::fmt;

use base64ct::{Base64, Encoding};

use crate::http::HttpError;
use crate::link::LinkError;

pub(crate) use client::WebSocketClient;
pub use client::WebSocketClientConfig;
pub(crate) use server::WebSocketServer;

/// Says which end point of a data centre is asked.
// spec: transport 9.1
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebSocketPath {
    /// The test environment.
    pub test: bool,
    /// For premium accounts.
    pub premium: bool,
}

impl WebSocketPath {
    /// Returns the path as it is written.
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

/// Says what is wrong with what a WebSocket peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The head of the upgrade, or of its answer, is not HTTP as it should be.
    Head(HttpError),
    /// An HTTP request that does not ask for the upgrade.
    NotUpgrade,
    /// The upgrade lacks the version, the key, the subprotocol `binary` or a known path.
    BadUpgrade,
    /// The server answered the upgrade with another status.
    Refused {
        /// The status.
        status: u16,
    },
    /// The answer to the upgrade does not fit the request.
    BadAnswer,
    /// A header with reserved bits or an unknown kind of message.
    Reserved {
        /// The header's first byte.
        first: u8,
    },
    /// A length that is not written in its shortest form, or over 2^63.
    Length,
    /// A client's message without a mask, or a server's with one.
    Mask,
    /// A control message that is long or in pieces.
    Control,
    /// A piece without a beginning, or a beginning within pieces.
    Fragment,
    /// A text message.
    Text,
    /// The connection ended without a close.
    Truncated,
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(_) => f.write_str("malformed websocket upgrade"),
            Self::NotUpgrade => f.write_str("http request without an upgrade to websocket"),
            Self::BadUpgrade => {
                f.write_str("websocket upgrade lacks something or has a strange path")
            }
            Self::Refused { status } => {
                write!(f, "websocket upgrade answered with status {status}")
            }
            Self::BadAnswer => f.write_str("answer does not fit the websocket upgrade"),
            Self::Reserved { first } => {
                write!(f, "websocket header starting {first:02x} is reserved")
            }
            Self::Length => f.write_str("malformed websocket length"),
            Self::Mask => f.write_str("websocket mask missing or not allowed"),
            Self::Control => f.write_str("websocket control message is long or in pieces"),
            Self::Fragment => f.write_str("websocket message pieces out of order"),
            Self::Text => f.write_str("websocket text message"),
            Self::Truncated => f.write_str("connection ended without a websocket close"),
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

impl From<WebSocketError> for LinkError {
    fn from(error: WebSocketError) -> Self {
        Self::WebSocket(error)
    }
}

/// The subprotocol both sides name.
// spec: transport 9.2
const SUBPROTOCOL: &str = "binary";

/// The length of a key: 16 bytes in base64.
const KEY_TEXT_LEN: usize = 24;

/// The length of an accept value: a SHA-1 in base64.
const ACCEPT_TEXT_LEN: usize = 28;

/// Returns the value that proves that a server read the client's key.
fn accept_for<'b>(key: &[u8], buffer: &'b mut [u8; ACCEPT_TEXT_LEN]) -> &'b str {
    let digest = mtp_crypto::hash::sha1(&[key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"]);
    // 20 bytes are 28 characters, so the buffer is never too short.
    Base64::encode(&digest, buffer).unwrap_or_default()
}

#[cfg(test)]
mod tests;
