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
        /// Identifies the call for the answer.
        id: IncomingId,
        /// The link on which it arrived.
        link: LinkId,
        /// The wrappers, as [`Wrappers::peel`](crate::service::Wrappers::peel) reads them.
        wrappers: &'a [u8],
        /// The call itself, unpacked.
        query: &'a [u8],
    },
    /// The client dropped the answer to a running call.
    CallDropped {
        /// The call.
        id: IncomingId,
    },
    /// A call took too long and was answered with `-503 Timeout`.
    CallTimedOut {
        /// The call.
        id: IncomingId,
    },
    /// The client acknowledged an answer.
    AnswerAcked {
        /// The call that was answered.
        id: IncomingId,
    },
    /// The client acknowledged a push.
    PushAcked {
        /// The push.
        id: PushId,
    },
    /// Pushes were replaced by one `updatesTooLong`.
    PushesDropped {
        /// How many.
        count: usize,
    },
    /// The client asks to destroy another session; answer with
    /// [`ServerSession::session_destroyed`](super::ServerSession::session_destroyed).
    DestroySession {
        /// The other session.
        session_id: SessionId,
    },
    /// The client asks to destroy the key; answer with
    /// [`ServerSession::key_destroyed`](super::ServerSession::key_destroyed).
    DestroyKey,
    /// The rest of a packet was refused. It was not received: the client sends it again.
    PacketCut {
        /// The message id of the packet.
        msg_id: MsgId,
        /// Messages that were not handled.
        refused: usize,
        /// Why.
        cause: Cut,
    },
    /// The session has ended; drop it.
    SessionGone,

    /// A received message was not used.
    Discarded {
        /// The message, zero if its id cannot be trusted.
        msg_id: MsgId,
        /// Why.
        reason: Discard,
    },
}

/// Why the rest of a packet was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The packet's allowance of work is spent.
    Work,
    /// The session holds as many bytes as it may.
    Memory,
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
