//! Server events.

use core::fmt;

use mtp_crypto::{AuthKeyId, SessionId};

use super::session::ServerSessionEvent;
use crate::established::Established;
use crate::link::LinkId;

/// Id of a session at a server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a key and a number identify a session")]
pub struct SessionName {
    /// Key that encrypts it.
    pub key: AuthKeyId,
    /// Id chosen by the client.
    pub id: SessionId,
}

/// Prints `SessionName(key/id)`, both as 16 hexadecimal digits.
impl fmt::Debug for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionName({:016x}/{:016x})", self.key.as_raw(), self.id.as_raw())
    }
}

/// Server event.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerEvent<'a> {
    /// A key was created. Store it before the next poll: the client gets its confirmation only after this event was
    /// taken.
    // spec: crypto 8.9
    KeyCreated {
        /// Key, first salt and kind.
        established: Established,
    },
    /// A temporary key was bound to a permanent one.
    // spec: crypto 11.2
    KeyBound {
        /// Temporary key.
        temporary: AuthKeyId,
        /// Permanent key.
        permanent: AuthKeyId,
    },
    /// A key and its sessions ended: delete it from the store.
    KeyDestroyed {
        /// The key.
        key: AuthKeyId,
        /// Cause.
        cause: KeyEnd,
    },
    /// A session was created.
    SessionNew {
        /// The session.
        session: SessionName,
        /// Link of its first packet.
        link: LinkId,
    },
    /// A session ended; its calls need no answer.
    SessionGone {
        /// The session.
        session: SessionName,
        /// Cause.
        cause: SessionEnd,
    },
    /// Event of a session. A [`Call`](ServerSessionEvent::Call) needs exactly one
    /// [`answer`](super::ServerMachine::answer).
    Session {
        /// The session.
        session: SessionName,
        /// The event.
        event: ServerSessionEvent<'a>,
    },
}

/// Cause of the end of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyEnd {
    /// Requested by the client.
    Destroyed,
    /// Expired.
    Expired,
    /// Replaced by another binding.
    Replaced,
    /// Removed by the embedder.
    Removed,
}

/// Cause of the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEnd {
    /// Requested by the client.
    Destroyed,
    /// Its key ended.
    KeyGone,
    /// No link for too long.
    Idle,
    /// Evicted for another session.
    Evicted,
    /// The client does not read.
    Stuck,
}
