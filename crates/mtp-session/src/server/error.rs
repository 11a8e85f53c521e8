//! Why a server does not handle a packet.

use core::fmt;

use mtp_crypto::AuthKeyId;

use super::session::gate::Refusal;
use crate::exchange::HandshakeError;
use crate::session::PacketError;

/// Why a server did not handle a packet. What the client gets is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerPacketError {
    /// The driver names a link that is not up.
    UnknownLink,
    /// The key exchange refuses it; the link is closed behind a transport error.
    Handshake(HandshakeError),
    /// It names a key that the server does not have, or a session that cannot be; transport error
    /// −404, and the link is closed.
    UnknownKey(AuthKeyId),
    /// It does not pass the envelope's checks; the link is closed.
    Envelope,
    /// It is encrypted as in MTProto 1.0, which [`ServerConfig::versions`](super::ServerConfig) does
    /// not allow; the link is closed.
    OldVersion,
    /// Its id, time or salt is not acceptable; the client is told.
    Screened(Refusal),
    /// Its session has ended and may have received it before. Nothing is answered; over HTTP, where each packet is,
    /// the link is closed.
    Ended,
    /// Its session refuses it.
    Session(PacketError),
    /// There is no room for another session; transport error −429, and the link is closed.
    Full,
}

impl fmt::Display for ServerPacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLink => f.write_str("the link is not up"),
            Self::Handshake(error) => write!(f, "key exchange: {error}"),
            Self::UnknownKey(key) => write!(f, "no key {:016x}", key.as_raw()),
            Self::Envelope => f.write_str("packet does not open"),
            Self::OldVersion => f.write_str("packet of MTProto 1.0"),
            Self::Screened(refusal) => write!(f, "packet refused with code {}", refusal.code()),
            Self::Ended => f.write_str("packet of a session that has ended"),
            Self::Session(error) => error.fmt(f),
            Self::Full => f.write_str("no room for another session"),
        }
    }
}

impl core::error::Error for ServerPacketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Handshake(error) => Some(error),
            Self::Session(error) => Some(error),
            _ => None,
        }
    }
}

impl From<HandshakeError> for ServerPacketError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}
