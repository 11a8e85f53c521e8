//! Why a client has no session.

use core::error::Error;
use core::fmt;
use std::io;
use std::sync::Arc;

use mtp_proto::ConnectionError;
use mtp_session::client::{Evidence, ExchangeError, ResetCause};
use mtp_session::exchange::HandshakeError;

/// Why a client lost its connection, or has no session. The client goes on trying, as long as that makes
/// sense: see [`is_final`](Self::is_final).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Setback {
    /// No connection could be opened.
    NotConnected(Arc<io::Error>),
    /// No connection could be opened within
    /// [`connect_timeout`](super::ClientOptions::connect_timeout).
    ConnectTimeout,
    /// The socket failed.
    Broken(Arc<io::Error>),
    /// The server closed the connection.
    Closed,
    /// The server broke the protocol.
    Protocol(Arc<ConnectionError>),
    /// The server ended the connection with a transport error.
    TransportError {
        /// The (negative) code.
        code: i32,
    },
    /// A key exchange failed.
    Exchange(ExchangeError),
    /// The server does not know the permanent key.
    KeyUnknown(Evidence),
    /// The server keeps refusing the session's messages.
    Refused {
        /// What it refused last.
        cause: RefusalCause,
        /// Refusals in a row.
        count: u32,
    },
}

/// Why a server refuses messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCause {
    /// The salt: `bad_server_salt`.
    Salt,
    /// The time in message ids: `bad_msg_notification` with code 16 or 17.
    Time,
    /// Anything else, so that the session was replaced.
    Session(ResetCause),
}

impl Setback {
    /// Returns `true` if trying again is in vain: the server has none of the public keys, or does not know
    /// the permanent key.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::KeyUnknown(_)
                | Self::Exchange(ExchangeError::Handshake(
                    HandshakeError::UnknownFingerprint | HandshakeError::WrongDc(_)
                ))
        )
    }
}

impl fmt::Display for Setback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(_) => f.write_str("no connection"),
            Self::ConnectTimeout => f.write_str("no connection in time"),
            Self::Broken(_) => f.write_str("the connection failed"),
            Self::Closed => f.write_str("the server closed the connection"),
            Self::Protocol(_) => f.write_str("the server broke the protocol"),
            Self::TransportError { code } => {
                write!(f, "the server ended the connection with transport error {code}")
            }
            Self::Exchange(_) => f.write_str("the key exchange failed"),
            Self::KeyUnknown(_) => f.write_str("the server does not know the key"),
            Self::Refused { cause, count } => {
                write!(f, "the server refuses messages, {count} times in a row: {cause}")
            }
        }
    }
}

impl fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Salt => f.write_str("their salt"),
            Self::Time => f.write_str("their time"),
            Self::Session(ResetCause::BadMsg { code }) => write!(f, "code {code}"),
            Self::Session(_) => f.write_str("their session"),
        }
    }
}

impl Error for Setback {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotConnected(error) | Self::Broken(error) => Some(error),
            Self::Protocol(error) => Some(error),
            Self::Exchange(error) => Some(error),
            _ => None,
        }
    }
}

/// What a client's task says of its session.
#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    /// Calls flow.
    pub(super) ready: bool,
    /// The latest setback since calls last flowed.
    pub(super) setback: Option<Setback>,
}
