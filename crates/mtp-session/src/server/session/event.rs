//! Events of a server session.

use mtp_crypto::{MsgId, SessionId};

use super::answer::{IncomingId, PushId};
use crate::link::LinkId;
use crate::session::Discard;
use crate::session::arena::{Span, bytes_of};

/// Event of a server session; bodies are borrowed from the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerSessionEvent<'a> {
    /// A call.
    Call {
        /// Names the call for the answer.
        id: IncomingId,
        /// The link it came by.
        link: LinkId,
        /// The wrappers, as [`Wrappers::peel`](crate::service::Wrappers::peel) reads them.
        wrappers: &'a [u8],
        /// The call itself, unpacked.
        query: &'a [u8],
    },
    /// The client does not want the answer to a call that runs.
    CallDropped {
        /// The call.
        id: IncomingId,
    },
    /// A call took too long and was answered with `-503 Timeout`.
    CallTimedOut {
        /// The call.
        id: IncomingId,
    },
    /// The client has an answer.
    AnswerAcked {
        /// The call that was answered.
        id: IncomingId,
    },
    /// The client has a push.
    PushAcked {
        /// The push.
        id: PushId,
    },
    /// Pushes were dropped for an `updatesTooLong` in their place.
    PushesDropped {
        /// How many.
        count: usize,
    },
    /// The client does not need another session; to be answered by
    /// [`ServerSession::session_destroyed`](super::ServerSession::session_destroyed).
    DestroySession {
        /// The other session.
        session_id: SessionId,
    },
    /// The client does not need the key; to be answered by
    /// [`ServerSession::key_destroyed`](super::ServerSession::key_destroyed).
    DestroyKey,
    /// The session is over and to be dropped.
    SessionGone,

    /// Something received was not used.
    Discarded {
        /// The message, zero if it has no id that can be trusted.
        msg_id: MsgId,
        /// Why.
        reason: Discard,
    },
}

/// A pending event; a body is a span of the arena.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// An event without a body.
    Plain(ServerSessionEvent<'static>),
    /// [`ServerSessionEvent::Call`] with the length of its wrappers.
    Call(IncomingId, LinkId, Span, usize),
}

impl Pending {
    /// Returns the event with its body.
    pub(super) fn event(self, arena: &[u8]) -> ServerSessionEvent<'_> {
        match self {
            Self::Plain(event) => event,
            Self::Call(id, link, span, wrappers_len) => {
                let body = bytes_of(arena, span);
                let (wrappers, query) = body.split_at_checked(wrappers_len).unwrap_or_default();
                ServerSessionEvent::Call { id, link, wrappers, query }
            }
        }
    }
}
