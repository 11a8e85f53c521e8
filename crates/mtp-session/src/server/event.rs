//! What a server tells its embedder.

use core::fmt;

use mtp_crypto::{AuthKeyId, SessionId};

use super::session::ServerSessionEvent;
use crate::established::Established;
use crate::link::LinkId;

/// Names a session at a server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionName {
    /// The key that encrypts it.
    pub key: AuthKeyId,
    /// The number that its client chose.
    pub id: SessionId,
}

/// Prints `SessionName(key/id)`, both as 16 hexadecimal digits.
impl fmt::Debug for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionName({:016x}/{:016x})", self.key.as_raw(), self.id.as_raw())
    }
}

/// What happened at a server.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerEvent<'a> {
    /// A key exchange made a key. Store it before you poll on: the client hears of it when this
    /// event has been taken, never before.
    // spec: crypto 8.9
    KeyCreated {
        /// The key, its first salt and its kind.
        established: Established,
    },
    /// A temporary key stands for a permanent one now.
    // spec: crypto 11.2
    KeyBound {
        /// The temporary key.
        temporary: AuthKeyId,
        /// The permanent key.
        permanent: AuthKeyId,
    },
    /// A key is gone, and its sessions with it: delete it from the store.
    KeyDestroyed {
        /// The key.
        key: AuthKeyId,
        /// What ended it.
        cause: KeyEnd,
    },
    /// A client began a session.
    SessionNew {
        /// The session.
        session: SessionName,
        /// The link that it came by.
        link: LinkId,
    },
    /// A session is forgotten; its calls need no answer any more.
    SessionGone {
        /// The session.
        session: SessionName,
        /// What ended it.
        cause: SessionEnd,
    },
    /// Something happened in a session. A [`Call`](ServerSessionEvent::Call) wants exactly one
    /// [`answer`](super::ServerMachine::answer).
    Session {
        /// The session.
        session: SessionName,
        /// What happened.
        event: ServerSessionEvent<'a>,
    },
}

/// What ended a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyEnd {
    /// Its client asked for it.
    Destroyed,
    /// Its time was over.
    Expired,
    /// Its client bound another one in its place.
    Replaced,
    /// The embedder removed it.
    Removed,
}

/// What ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEnd {
    /// Its client asked for it.
    Destroyed,
    /// Its key is gone.
    KeyGone,
    /// Nobody came back to it in time.
    Idle,
    /// It made room for another.
    Evicted,
    /// Its client does not read what it is sent.
    Stuck,
}
