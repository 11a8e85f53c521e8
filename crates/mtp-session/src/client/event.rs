//! Client events.

use core::fmt;

use super::session::ClientSessionEvent;
use crate::established::Established;
use crate::exchange::HandshakeError;

/// Client event.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// A key was created. Store a permanent key at once: it carries the login.
    KeyCreated {
        /// Key, first salt and kind.
        established: Established,
    },
    /// Calls are sent: there is a key and, if it is temporary, it is bound.
    Ready,
    /// The temporary key was dropped. Calls wait for the next one.
    TemporaryKeyLost {
        /// Cause.
        cause: TemporaryKeyEnd,
    },
    /// The server seems to have lost the permanent key. Nothing was deleted, and the client stops until the application
    /// decides: [`ClientMachine::new_permanent_key`](super::ClientMachine::new_permanent_key) and a
    /// new login, or [`ClientMachine::try_again`](super::ClientMachine::try_again).
    // spec: session 10, 15
    PermanentKeyLost {
        /// Strength of the evidence.
        evidence: Evidence,
    },
    /// A key exchange failed and will be retried after a pause.
    ExchangeFailed {
        /// Cause.
        error: ExchangeError,
    },
    /// Event of the session.
    Session(ClientSessionEvent<'a>),
}

/// Cause of the end of a temporary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemporaryKeyEnd {
    /// Transport error −404. An attacker on the path can forge it, so only the temporary key is dropped.
    // spec: crypto 18.13
    NotFound,
    /// The server refused to bind the key.
    NotBound,
    /// The key expired before the next one was ready.
    Expired,
}

/// Evidence that the server has lost a permanent key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// Reported by the server under an authenticated key.
    Authenticated,
    /// Transport errors on several links; an attacker on the path can forge them.
    Forgeable,
}

/// Errors that end a key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The handshake failed.
    Handshake(HandshakeError),
    /// The server ended it with a transport error; −444 if it is another data center.
    Transport {
        /// Code, negative.
        code: i32,
    },
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::Transport { code } => {
                write!(f, "the server ended the exchange with transport error {code}")
            }
        }
    }
}

impl core::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            // Transparent: the handshake's error says all.
            Self::Handshake(error) => error.source(),
            Self::Transport { .. } => None,
        }
    }
}
