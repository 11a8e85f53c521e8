//! Why a client does not use a packet.

use core::fmt;

use crate::exchange::HandshakeError;
use crate::session::PacketError;

/// Why a client did not use a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientPacketError {
    /// It is not encrypted, and no key exchange is under way on its link.
    Plain,
    /// The key exchange refuses it, and failed.
    Handshake(HandshakeError),
    /// The session refuses it.
    Session(PacketError),
}

impl fmt::Display for ClientPacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("plain packet outside of a key exchange"),
            Self::Handshake(error) => write!(f, "key exchange: {error}"),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ClientPacketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Plain => None,
            Self::Handshake(error) => Some(error),
            Self::Session(error) => Some(error),
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
