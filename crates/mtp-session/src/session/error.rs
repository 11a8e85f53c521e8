//! Errors for packets that a session rejects.

use core::fmt;

use mtp_crypto::{MsgId, OpenError};

use crate::service::ContainerError;

/// Why a packet was rejected. It changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketError {
    /// There is no key yet.
    NoKey,
    /// The session is closed.
    Closed,
    /// The packet could not be decrypted.
    Envelope(OpenError),
    /// The packet belongs to another session.
    WrongSession,
    /// A message id that the other side cannot create.
    WrongParity {
        /// The id.
        msg_id: MsgId,
    },
    /// A container is malformed.
    Container(ContainerError),
    /// An `rpc_result` refers to message 0.
    NamesNothing,
    /// The application must take events, or answer calls, before more packets are accepted.
    Backlog,
}

impl PacketError {
    /// Returns `true` if the link must be closed: the other side misbehaved.
    #[must_use]
    pub const fn closes_link(self) -> bool {
        !matches!(self, Self::Backlog | Self::Closed | Self::NoKey)
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("there is no key yet"),
            Self::Closed => f.write_str("the session is closed"),
            Self::Envelope(error) => error.fmt(f),
            Self::WrongSession => f.write_str("the packet belongs to another session"),
            Self::WrongParity { msg_id } => write!(f, "{msg_id:?} cannot come from the other side"),
            Self::Container(error) => error.fmt(f),
            Self::NamesNothing => f.write_str("a result names message 0"),
            Self::Backlog => f.write_str("events or calls must be taken first"),
        }
    }
}

impl core::error::Error for PacketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Envelope(error) => error.source(),
            Self::Container(error) => error.source(),
            _ => None,
        }
    }
}

impl From<OpenError> for PacketError {
    fn from(error: OpenError) -> Self {
        Self::Envelope(error)
    }
}

impl From<ContainerError> for PacketError {
    fn from(error: ContainerError) -> Self {
        Self::Container(error)
    }
}
