//! Why a link ended or refused.

use core::fmt;

use crate::detect::Spoken;
use crate::faketls::FakeTlsError;
use crate::framing::{EncodeError, FrameError};
use crate::http::HttpError;
use crate::websocket::WebSocketError;

/// Why a link ended; the peer's doing, or time's. Close the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The peer broke the framing.
    Frame(FrameError),
    /// The peer did not get through detection, handshake and header in time.
    HandshakeTimeout,
    /// The peer closed before detection, handshake and header were over.
    HandshakeTruncated,
    /// The peer speaks something that the configuration does not accept.
    NotAccepted(Spoken),
    /// The peer's obfuscated header fits none of our secrets, or names a framing not accepted.
    Header,
    /// The peer's obfuscated header was seen before.
    Replayed,
    /// The peer broke HTTP's rules, or ours for it.
    Http(HttpError),
    /// The peer broke WebSocket's rules, or ours for it.
    WebSocket(WebSocketError),
    /// The peer broke FakeTLS's rules.
    FakeTls(FakeTlsError),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::HandshakeTimeout => write!(f, "the handshake took too long"),
            Self::HandshakeTruncated => write!(f, "the connection ended during the handshake"),
            Self::NotAccepted(spoken) => write!(f, "{spoken} is not accepted"),
            Self::Header => write!(f, "the obfuscated header fits no secret"),
            Self::Replayed => write!(f, "the obfuscated header was seen before"),
            Self::Http(error) => error.fmt(f),
            Self::WebSocket(error) => error.fmt(f),
            Self::FakeTls(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Frame(error) => Some(error),
            Self::Http(error) => Some(error),
            Self::WebSocket(error) => Some(error),
            Self::FakeTls(error) => Some(error),
            _ => None,
        }
    }
}

impl From<FrameError> for LinkError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

/// Why a packet was not sent; the caller's doing. Nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The link cannot send now: see `can_send`.
    NotReady,
    /// Something was sent since the packet was begun.
    StaleMark,
    /// The packet cannot be framed.
    Encode(EncodeError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady => write!(f, "the link cannot send now"),
            Self::StaleMark => write!(f, "something was sent since the packet was begun"),
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SendError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
