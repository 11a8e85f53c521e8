//! Errors for packets the client rejects.

use core::fmt;

use crate::exchange::HandshakeError;
use crate::session::PacketError;

/// Errors for packets the client rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientPacketError {
    /// The packet is plain, but no key exchange is in progress on its link.
    Plain,
    /// The packet fails the key exchange.
    Handshake(HandshakeError),
    /// The session rejects the packet.
    Session(PacketError),
}

impl fmt::Display for ClientPacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("plain packet outside of a key exchange"),
            Self::Handshake(_) => f.write_str("the key exchange failed"),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ClientPacketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Plain => None,
            Self::Handshake(error) => Some(error),
            // Transparent: the session's error says all.
            Self::Session(error) => error.source(),
        }
    }
}

impl From<HandshakeError> for ClientPacketError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<PacketError> for ClientPacketError {
    fn from(error: PacketError) -> Self {
        Self::Session(error)
    }
}
