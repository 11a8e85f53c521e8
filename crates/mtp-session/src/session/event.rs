//! What a session tells the application, and the arena that holds it until it is taken.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use mtp_crypto::{MsgId, SessionId};

use super::request::{IncomingId, PushId, RequestId};
use crate::link::LinkId;
use crate::service::RpcError;

/// Something the application should know. Bodies are borrowed from the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Client: a call has been answered. It is over.
    Result {
        /// The call.
        request: RequestId,
        /// The answer, unpacked: any boxed value.
        body: &'a [u8],
    },
    /// Client: a call has been answered with an error. It is over.
    RpcError {
        /// The call.
        request: RequestId,
        /// The error.
        error: RpcError<'a>,
    },
    /// Client: a call has ended without an answer.
    Failed {
        /// The call.
        request: RequestId,
        /// Why.
        error: CallError,
    },
    /// Client: the server has a call, whose answer will follow.
    Delivered {
        /// The call.
        request: RequestId,
    },
    /// Client: the link's other end has the packet with a call.
    QuickAcked {
        /// The call.
        request: RequestId,
    },
    /// Client: the server sent an object on its own: an update.
    Update {
        /// The object, unpacked.
        body: &'a [u8],
    },
    /// Client: the server began to keep the session; updates may have been lost.
    // spec: session 8.10
    SessionCreated {
        /// Names the server's incarnation of the session.
        unique_id: u64,
    },
    /// Client: the session was replaced by a new one of the same key.
    SessionReplaced {
        /// The old session.
        old: SessionId,
        /// The new session.
        new: SessionId,
        /// Why.
        cause: ResetCause,
    },
    /// Client: the estimate of the server's time moved.
    TimeChanged {
        /// Server time minus wall clock, in nanoseconds.
        offset_ns: i64,
    },
    /// Client: the temporary key is not bound any more: bind it again, or give another.
    // spec: session 10
    BindingLost,
    /// Client: another salt is in use.
    SaltsChanged,
    /// Client: the server answered a ping.
    Pong {
        /// The link.
        link: LinkId,
        /// How long the ping and its answer took.
        round_trip: Duration,
    },
    /// Client: another session of the key is gone.
    SessionDestroyed {
        /// The session.
        session_id: SessionId,
        /// Whether the server knew it.
        existed: bool,
    },
    /// Client: the server answered the wish to destroy the key.
    KeyDestroyed(KeyOutcome),
    /// Client: a link's other end reported an error.
    TransportError {
        /// The link.
        link: LinkId,
        /// The (negative) code.
        code: i32,
    },

    /// Server: a call.
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
    /// Server: the client does not want the answer to a call that runs.
    CallDropped {
        /// The call.
        id: IncomingId,
    },
    /// Server: a call took too long and was answered with `-503 Timeout`.
    CallTimedOut {
        /// The call.
        id: IncomingId,
    },
    /// Server: the client has an answer.
    AnswerAcked {
        /// The call that was answered.
        id: IncomingId,
    },
    /// Server: the client has a push.
    PushAcked {
        /// The push.
        id: PushId,
    },
    /// Server: pushes were dropped for an `updatesTooLong` in their place.
    PushesDropped {
        /// How many.
        count: usize,
    },
    /// Server: the client does not need another session; to be answered by
    /// [`Session::session_destroyed`](super::Session::session_destroyed).
    DestroySession {
        /// The other session.
        session_id: SessionId,
    },
    /// Server: the client does not need the key; to be answered by
    /// [`Session::key_destroyed`](super::Session::key_destroyed).
    DestroyKey,
    /// Server: the session is over and to be dropped.
    SessionGone,

    /// Something received was not used.
    Discarded {
        /// The message, zero if it has no id that can be trusted.
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
    /// The call may have been run, and was to be run once.
    // spec: session 11.6
    MaybeExecuted,
    /// The server refused it again and again.
    Refused {
        /// The last `bad_msg_notification`'s code.
        code: i32,
    },
    /// The answer could not be unpacked or read.
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
    /// A `bad_msg_notification` that cannot be repaired within the session.
    BadMsg {
        /// Its code.
        code: i32,
    },
    /// A message below everything remembered arrived.
    BelowFloor,
    /// The sequence numbers ran out.
    NumbersExhausted,
    /// The clock was set back so far that new ids would lie before the old ones.
    ClockSetBack,
    /// The application asked for it.
    Asked,
}

/// How the wish to destroy a key ended.
// spec: session 8.9
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol's three answers")]
pub enum KeyOutcome {
    /// It is gone.
    Destroyed,
    /// There was none.
    Unknown,
    /// Not now.
    Failed,
}

/// Why something received was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discard {
    /// It was received before.
    Duplicate,
    /// It is below everything remembered.
    BelowFloor,
    /// Its time is too far from the server's.
    OutOfTime,
    /// It belongs to the session before this one.
    OldSession,
    /// It names a message that this session did not send, or not lately.
    NotOurs,
    /// It refuses what has arrived: somebody repeated our packet on its way.
    Replayed,
    /// It is not whole, or lists too much.
    Malformed,
    /// It does not unpack, or to too much.
    Unpackable,
    /// It is a service message that this side does not take.
    Unexpected,
    /// It answers a call that is not open.
    NoSuchCall,
}

/// Events that wait, and the bytes they speak of.
#[derive(Debug, Default)]
pub(crate) struct Events {
    waiting: VecDeque<Waiting>,
    arena: Vec<u8>,
    /// Capacity kept when the arena is empty.
    keep: usize,
}

/// A piece of the arena.
pub(crate) type Span = Range<usize>;

/// An event without its lifetime.
#[derive(Clone, Debug)]
pub(crate) enum Waiting {
    /// One that speaks of no bytes.
    Plain(Event<'static>),
    /// [`Event::Result`].
    Result(RequestId, Span),
    /// [`Event::RpcError`] with its code.
    RpcError(RequestId, i32, Span),
    /// [`Event::Update`].
    Update(Span),
    /// [`Event::Call`] with the end of its wrappers.
    Call(IncomingId, LinkId, Span, usize),
}

impl Events {
    pub(crate) fn new(keep: usize) -> Self {
        Self { keep, ..Self::default() }
    }

    pub(crate) fn push(&mut self, event: Event<'static>) {
        self.waiting.push_back(Waiting::Plain(event));
    }

    pub(crate) fn push_with(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Copies bytes into the arena.
    pub(crate) fn store(&mut self, bytes: &[u8]) -> Span {
        self.store_parts(&[bytes])
    }

    /// Copies bytes into the arena, one part behind the other.
    pub(crate) fn store_parts(&mut self, parts: &[&[u8]]) -> Span {
        let arena = self.arena();
        let start = arena.len();
        for part in parts {
            arena.extend_from_slice(part);
        }
        start..arena.len()
    }

    /// Returns the arena for appending, emptied if nothing waits in it.
    pub(crate) fn arena(&mut self) -> &mut Vec<u8> {
        if self.waiting.is_empty() {
            self.arena.clear();
            if self.arena.capacity() > self.keep {
                self.arena.shrink_to(self.keep);
            }
        }
        &mut self.arena
    }

    /// Frees room that nothing fills.
    pub(crate) fn trim(&mut self) {
        if self.waiting.is_empty() {
            self.arena = Vec::new();
        }
        self.waiting.shrink_to_fit();
    }

    pub(crate) fn arena_len(&self) -> usize {
        self.arena.len()
    }

    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        self.arena.get(span).unwrap_or_default()
    }

    /// Returns what the waiting events take, zero if none waits.
    pub(crate) fn len_bytes(&self) -> usize {
        let entries = self.waiting.len().saturating_mul(size_of::<Waiting>());
        if entries == 0 { 0 } else { entries.saturating_add(self.arena.len()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn pop(&mut self) -> Option<Event<'_>> {
        let waiting = self.waiting.pop_front()?;
        Some(self.speak(waiting))
    }

    /// Returns the next event and leaves it.
    pub(crate) fn peek(&self) -> Option<Event<'_>> {
        self.waiting.front().map(|waiting| self.speak(waiting.clone()))
    }

    fn speak(&self, waiting: Waiting) -> Event<'_> {
        let bytes = |span: Span| self.arena.get(span).unwrap_or_default();
        match waiting {
            Waiting::Plain(event) => event,
            Waiting::Result(request, span) => Event::Result { request, body: bytes(span) },
            Waiting::RpcError(request, code, span) => {
                let error = RpcError::from_wire(code, bytes(span));
                Event::RpcError { request, error }
            }
            Waiting::Update(span) => Event::Update { body: bytes(span) },
            Waiting::Call(id, link, span, end) => {
                let (wrappers, query) = bytes(span).split_at_checked(end).unwrap_or_default();
                Event::Call { id, link, wrappers, query }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arena_is_emptied_once_all_is_taken() {
        let mut events = Events::new(16);
        let span = events.store(b"one");
        events.push_with(Waiting::Update(span));
        let span = events.store(b"two");
        events.push_with(Waiting::Update(span));
        assert_eq!(events.pop(), Some(Event::Update { body: b"one" }));
        assert_eq!(events.len_bytes(), 6 + size_of::<Waiting>());
        assert_eq!(events.pop(), Some(Event::Update { body: b"two" }));
        assert_eq!(events.pop(), None);
        assert_eq!(events.len_bytes(), 0);
        let span = events.store(&[7; 100]);
        assert_eq!(span, 0..100);
        events.push_with(Waiting::Update(span));
        events.pop();
        assert!(events.arena().capacity() <= 16);
    }
}
