//! What a client tells its application.

use core::fmt;

use super::session::ClientSessionEvent;
use crate::established::Established;
use crate::exchange::HandshakeError;

/// What happened at a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// A key exchange made a key. A permanent one is worth storing at once: it carries the login.
    KeyCreated {
        /// The key, its first salt and its kind.
        established: Established,
    },
    /// Calls flow: there is a key, and if it is temporary the server has bound it.
    Ready,
    /// The temporary key is gone and another is on its way; calls wait for it.
    TemporaryKeyLost {
        /// Why.
        cause: TemporaryKeyEnd,
    },
    /// The permanent key seems to be gone. Nothing was deleted and nothing goes on until the
    /// application decides: [`ClientMachine::new_permanent_key`](super::ClientMachine::new_permanent_key) and a
    /// new login, or [`ClientMachine::try_again`](super::ClientMachine::try_again).
    // spec: session 10, 15
    PermanentKeyLost {
        /// How sure that is.
        evidence: Evidence,
    },
    /// A key exchange failed and will be repeated after a pause.
    ExchangeFailed {
        /// Why.
        error: ExchangeError,
    },
    /// Something happened in the session.
    Session(ClientSessionEvent<'a>),
}

/// Why a temporary key is not used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemporaryKeyEnd {
    /// Transport error −404, which anybody on the path can forge: only the temporary key goes.
    // spec: crypto 18.13
    NotFound,
    /// The server refuses to bind it.
    NotBound,
    /// Its time was over before another was ready.
    Expired,
}

/// How sure it is that the server has lost a permanent key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The server said so under a key that it proved to have.
    Authenticated,
    /// Transport errors on several links said so; anybody on the path can forge them.
    Forgeable,
}

/// Why a key exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The exchange itself.
    Handshake(HandshakeError),
    /// The server ended it with a transport error, −444 if it is another centre.
    Transport {
        /// The (negative) code.
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
