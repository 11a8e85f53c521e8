//! Errors for packets the server rejects.

use core::fmt;

use mtp_crypto::AuthKeyId;

use super::session::Refusal;
use crate::exchange::HandshakeError;
use crate::session::PacketError;

/// Errors for packets the server rejects. The reply to the client, if any, is already queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerPacketError {
    /// The link is not up.
    UnknownLink,
    /// The packet fails the key exchange; a transport error is sent and the link closed.
    Handshake(HandshakeError),
    /// The key is unknown or the session id is zero; transport error −404 is sent and the link closed.
    UnknownKey(AuthKeyId),
    /// The packet cannot be decrypted; the link is closed.
    Envelope,
    /// The packet uses MTProto 1.0, which [`ServerConfig::versions`](super::ServerConfig) does not allow; the link is
    /// closed.
    OldVersion,
    /// The message id or salt is not acceptable; a notification is sent.
    Rejected(Refusal),
    /// The session has ended and may have received the packet before. There is no reply; over HTTP, where every packet
    /// needs one, the link is closed.
    Ended,
    /// The session rejects the packet.
    Session(PacketError),
    /// The limit of sessions is reached; transport error −429 is sent and the link closed.
    Full,
}

impl fmt::Display for ServerPacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLink => f.write_str("the link is not up"),
            Self::Handshake(_) => f.write_str("the key exchange failed"),
            Self::UnknownKey(key) => write!(f, "unknown key {:016x}", key.as_raw()),
            Self::Envelope => f.write_str("packet cannot be decrypted"),
            Self::OldVersion => f.write_str("packet of MTProto 1.0"),
            Self::Rejected(refusal) => write!(f, "packet rejected with code {}", refusal.code()),
            Self::Ended => f.write_str("packet of a session that has ended"),
            Self::Session(error) => error.fmt(f),
            Self::Full => f.write_str("too many sessions"),
        }
    }
}

impl core::error::Error for ServerPacketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Handshake(error) => Some(error),
            // Transparent: the session's error says all.
            Self::Session(error) => error.source(),
            _ => None,
        }
    }
}

impl From<HandshakeError> for ServerPacketError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}
