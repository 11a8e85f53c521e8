//! Link errors.

use core::fmt;

use crate::detect::Protocol;
use crate::faketls::FakeTlsError;
use crate::framing::{FrameEncodeError, FrameError};
use crate::http::HttpError;
use crate::websocket::WebSocketError;

/// Errors caused by the peer, or by its silence. The link is closed: close the connection.
///
/// The errors of a layer or a framing are transparent: they are displayed as they are, and
/// [`source`](core::error::Error::source) returns their own source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The peer violated the framing.
    Frame(FrameError),
    /// Detection, handshake and obfuscated header did not complete before the deadline.
    HandshakeTimeout,
    /// The peer closed the connection before the handshake was complete.
    HandshakeTruncated,
    /// The detected protocol is not accepted by the configuration.
    NotAccepted(Protocol),
    /// The obfuscated header matches no secret, or names a framing that is not accepted.
    Header,
    /// The obfuscated header was seen before.
    Replayed,
    /// The peer violated HTTP or the limits for it.
    Http(HttpError),
    /// The peer violated WebSocket or the limits for it.
    WebSocket(WebSocketError),
    /// The peer violated FakeTLS.
    FakeTls(FakeTlsError),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::HandshakeTimeout => f.write_str("handshake timed out"),
            Self::HandshakeTruncated => f.write_str("connection closed during the handshake"),
            Self::NotAccepted(protocol) => write!(f, "{protocol} is not accepted"),
            Self::Header => f.write_str("obfuscated header matches no secret"),
            Self::Replayed => f.write_str("replayed obfuscated header"),
            Self::Http(error) => error.fmt(f),
            Self::WebSocket(error) => error.fmt(f),
            Self::FakeTls(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Frame(error) => error.source(),
            Self::Http(error) => error.source(),
            Self::WebSocket(error) => error.source(),
            Self::FakeTls(error) => error.source(),
            Self::HandshakeTimeout
            | Self::HandshakeTruncated
            | Self::NotAccepted(_)
            | Self::Header
            | Self::Replayed => None,
        }
    }
}

impl From<FrameError> for LinkError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl From<HttpError> for LinkError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<WebSocketError> for LinkError {
    fn from(error: WebSocketError) -> Self {
        Self::WebSocket(error)
    }
}

impl From<FakeTlsError> for LinkError {
    fn from(error: FakeTlsError) -> Self {
        Self::FakeTls(error)
    }
}

/// Errors of the caller when sending. Nothing was appended to the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkSendError {
    /// The link cannot send at the moment: see `can_send`.
    NotReady,
    /// Something else was sent after `begin`.
    StaleMark,
    /// The packet cannot be framed.
    Encode(FrameEncodeError),
}

impl fmt::Display for LinkSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => f.write_str("link cannot send at the moment"),
            Self::StaleMark => f.write_str("something was sent after the packet was begun"),
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LinkSendError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encode(error) => error.source(),
            Self::NotReady | Self::StaleMark => None,
        }
    }
}

impl From<FrameEncodeError> for LinkSendError {
    fn from(error: FrameEncodeError) -> Self {
        Self::Encode(error)
    }
}
