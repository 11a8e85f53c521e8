//! Events of a client session.

use core::fmt;
use core::time::Duration;

use mtp_crypto::{MsgId, SessionId};

use super::request::RequestId;
use crate::link::LinkId;
use crate::service::RpcError;
use crate::session::arena::{Span, bytes_of};
use crate::session::{Discard, KeyOutcome};

/// Event of a client session; bodies are borrowed from the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientSessionEvent<'a> {
    /// A call was answered. It has ended.
    Result {
        /// The call.
        request: RequestId,
        /// The answer, unpacked: any boxed value.
        body: &'a [u8],
    },
    /// A call was answered with an error. It has ended.
    RpcError {
        /// The call.
        request: RequestId,
        /// The error.
        error: RpcError<'a>,
    },
    /// A call ended without an answer.
    Failed {
        /// The call.
        request: RequestId,
        /// Why.
        error: CallError,
    },
    /// The server has received a call; the answer will follow.
    Delivered {
        /// The call.
        request: RequestId,
    },
    /// The server's transport has received the packet with a call.
    QuickAcked {
        /// The call.
        request: RequestId,
    },
    /// The server sent an object on its own initiative: an update.
    Update {
        /// The object, unpacked.
        body: &'a [u8],
    },
    /// The server created its state of the session; updates may have been lost.
    // spec: session 8.10
    SessionCreated {
        /// Identifies the server's incarnation of the session.
        unique_id: u64,
    },
    /// The session was replaced by a new one of the same key.
    SessionReplaced {
        /// The old session.
        old: SessionId,
        /// The new session.
        new: SessionId,
        /// Why.
        cause: ResetCause,
    },
    /// The server refused one packet after another. All calls have ended with [`CallError::Refused`]; the session goes on
    /// with long pauses.
    RefusedRepeatedly {
        /// The code of the last refusal.
        code: i32,
        /// How many there were in a row.
        count: u32,
    },
    /// The estimate of the server's time changed.
    TimeChanged {
        /// Server time minus wall clock, in nanoseconds.
        offset_ns: i64,
    },
    /// The temporary key is no longer bound: bind it again, or set another.
    // spec: session 10
    BindingLost,
    /// The salt in use changed.
    SaltsChanged,
    /// The server answered a ping.
    Pong {
        /// The link.
        link: LinkId,
        /// The round trip of the ping.
        round_trip: Duration,
    },
    /// Another session of the key was destroyed.
    SessionDestroyed {
        /// The session.
        session_id: SessionId,
        /// Whether the server knew it.
        existed: bool,
    },
    /// The server answered the request to destroy the key.
    KeyDestroyed(KeyOutcome),
    /// A transport error arrived on a link.
    TransportError {
        /// The link.
        link: LinkId,
        /// The (negative) code.
        code: i32,
    },
    /// A received message was not used.
    Discarded {
        /// The message, zero if its id cannot be trusted.
        msg_id: MsgId,
        /// Why.
        reason: Discard,
    },
}

/// Why a call ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The session was closed, or its key is gone.
    Closed,
    /// The call may have been run, and must not be run twice.
    // spec: session 11.6
    MaybeExecuted,
    /// The server refused it repeatedly.
    Refused {
        /// The code of the last `bad_msg_notification`.
        code: i32,
    },
    /// The answer could not be unpacked or decoded.
    Undecodable,
    /// The server dropped the answer.
    Dropped,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the session is closed"),
            Self::MaybeExecuted => f.write_str("the call may have been run"),
            Self::Refused { code } => write!(f, "the server refused the call with code {code}"),
            Self::Undecodable => f.write_str("the answer cannot be read"),
            Self::Dropped => f.write_str("the server dropped the answer"),
        }
    }
}

impl core::error::Error for CallError {}

/// Why a session was replaced.
// spec: session 2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetCause {
    /// The key changed.
    NewKey,
    /// A `bad_msg_notification` that the session cannot recover from.
    BadMsg {
        /// Its code.
        code: i32,
    },
    /// A message arrived whose id is below all remembered ids.
    BelowFloor,
    /// The sequence numbers are exhausted.
    NumbersExhausted,
    /// The clock was set back so far that new ids would be below earlier ones.
    ClockSetBack,
    /// The application requested it.
    Asked,
}

/// A pending event; a body is a span of the arena.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// An event without a body.
    Plain(ClientSessionEvent<'static>),
    /// [`ClientSessionEvent::Result`].
    Result(RequestId, Span),
    /// [`ClientSessionEvent::RpcError`] with its code.
    RpcError(RequestId, i32, Span),
    /// [`ClientSessionEvent::Update`].
    Update(Span),
}

impl Pending {
    /// Returns the event with its body.
    pub(super) fn event(self, arena: &[u8]) -> ClientSessionEvent<'_> {
        match self {
            Self::Plain(event) => event,
            Self::Result(request, span) => {
                ClientSessionEvent::Result { request, body: bytes_of(arena, span) }
            }
            Self::RpcError(request, code, span) => {
                let error = RpcError::from_wire(code, bytes_of(arena, span));
                ClientSessionEvent::RpcError { request, error }
            }
            Self::Update(span) => ClientSessionEvent::Update { body: bytes_of(arena, span) },
        }
    }
}
