//! Events of an endpoint.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use mtp_crypto::AuthKeyId;
use mtp_session::established::Established;
use mtp_session::link::LinkId;
use mtp_session::server::{IncomingId, KeyEnd, PushId, SessionEnd, SessionName};
use mtp_session::service::{InitConnection, Wrappers};
use mtp_tl::ConstructorId;

use super::refusals::Refusals;

/// A user, as the application numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(i64);

impl UserId {
    /// Names a user.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Returns the application's number.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

/// Names a call of a client until it is answered.
///
/// It is plain data: it may be stored, sent to another thread, and used later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallToken {
    pub(super) session: SessionName,
    pub(super) id: IncomingId,
}

impl CallToken {
    /// Returns the session of the call.
    #[must_use]
    pub const fn session(self) -> SessionName {
        self.session
    }
}

/// An event of an endpoint. It owns its data, so it may leave for another thread.
#[derive(Debug)]
#[non_exhaustive]
pub enum EndpointEvent {
    /// A key exchange made a key. The client learns of it after this event is taken: store it first.
    KeyCreated {
        /// The key, its first salt and its kind.
        established: Established,
    },
    /// A temporary key was bound to a permanent one: store that too.
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
    /// A client opened a session.
    SessionOpened {
        /// The session.
        session: SessionName,
        /// The link that its first packet came by.
        link: LinkId,
    },
    /// A session is closed. Its calls need no answer.
    SessionClosed {
        /// The session.
        session: SessionName,
        /// The permanent key behind the session's key.
        identity: AuthKeyId,
        /// What ended it.
        cause: SessionEnd,
    },
    /// A call, to be answered once with [`Endpoint::answer`](super::Endpoint::answer).
    Call(IncomingCall),
    /// The client does not want the answer of a call. An answer has no effect.
    CallDropped {
        /// The call.
        token: CallToken,
    },
    /// A call was not answered in time; its session answered `-503 Timeout`.
    CallTimedOut {
        /// The call.
        token: CallToken,
    },
    /// The client acknowledged a push.
    PushAcked {
        /// The session.
        session: SessionName,
        /// The push, as [`Endpoint::push`](super::Endpoint::push) returned it.
        push: PushId,
    },
    /// A session did not take its pushes fast enough: some were replaced by one `updatesTooLong`.
    PushesDropped {
        /// The session.
        session: SessionName,
        /// How many were dropped.
        count: usize,
    },
    /// Something was refused: connections, key exchanges, links, unknown calls. For logs; it comes at
    /// most once in each [`refusals_every`](super::EndpointConfig::refusals_every).
    Refused(Refusals),
}

/// A call of a client.
#[derive(Clone)]
#[non_exhaustive]
pub struct IncomingCall {
    /// Names the call for its answer.
    pub token: CallToken,
    /// The session.
    pub session: SessionName,
    /// The permanent key behind the session's key, to which logins are bound.
    // spec: crypto 11.1
    pub identity: AuthKeyId,
    /// The user of that key, as [`Endpoint::set_user`](super::Endpoint::set_user) said.
    pub user: Option<UserId>,
    /// The link it came by.
    pub link: LinkId,
    /// The address of the client, if its link is still open.
    pub address: Option<IpAddr>,
    /// The API layer of the client: from this call or an earlier one of the key.
    // spec: session 2
    pub layer: Option<i32>,
    /// The call was wrapped in `invokeWithoutUpdates`.
    // spec: session 9
    pub without_updates: bool,
    /// The wrappers as they came, for [`Self::wrappers`]. Usually empty.
    pub wrapped: Vec<u8>,
    /// The call without its wrappers.
    pub query: Vec<u8>,
}

impl IncomingCall {
    /// Returns the id of the method, unless the query is shorter than an id.
    #[must_use]
    pub fn method(&self) -> Option<ConstructorId> {
        self.query.first_chunk().map(|id| ConstructorId::new(u32::from_le_bytes(*id)))
    }

    /// Parses the wrappers around the call.
    #[must_use]
    pub fn wrappers(&self) -> Wrappers<'_> {
        Wrappers::peel(&self.wrapped).map(|(wrappers, _)| wrappers).unwrap_or_default()
    }

    /// Returns what the client says of itself in `initConnection`, if this call was wrapped in it.
    #[must_use]
    pub fn init_connection(&self) -> Option<InitConnection<'_>> {
        self.wrappers().init
    }
}

/// Prints the query's length and not its bytes, which may be secret.
impl fmt::Debug for IncomingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingCall")
            .field("token", &self.token)
            .field("user", &self.user)
            .field("layer", &self.layer)
            .field("method", &self.method())
            .field("query_len", &self.query.len())
            .finish_non_exhaustive()
    }
}
