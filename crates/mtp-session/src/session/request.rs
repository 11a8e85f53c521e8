//! What an application asks a session to do.

use alloc::sync::Arc;
use core::fmt;

use mtp_crypto::{AuthKey, MsgId};

/// A call, for the application.
///
/// It stays the same however often the call is sent again. Younger calls have larger ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    pub(crate) const fn new(key: u64) -> Self {
        Self(key)
    }

    /// Returns the number, for tables and logs.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Takes back a number that [`as_u64`](Self::as_u64) gave, for applications that store it.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({:x})", self.0)
    }
}

/// A call that a server received: the id of its message, unique within the session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncomingId(MsgId);

impl IncomingId {
    pub(crate) const fn new(msg_id: MsgId) -> Self {
        Self(msg_id)
    }

    /// Returns the message's id, which `auth.bindTempAuthKey` must prove.
    #[must_use]
    pub const fn msg_id(self) -> MsgId {
        self.0
    }
}

impl fmt::Debug for IncomingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IncomingId({:016x})", self.0.as_raw())
    }
}

/// A message that a server pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PushId(u64);

impl PushId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number; pushes of one session are numbered from 1.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// How a call is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestOptions {
    /// Which calls go first when not all can.
    pub priority: Priority,
    /// What to do when it cannot be known whether the call was run.
    pub repetition: Repetition,
    /// Run only after this call has succeeded.
    // spec: session 9
    pub after: Option<RequestId>,
    /// Ask the link for a quick acknowledgement of the packet.
    pub quick_ack: bool,
    /// Pack the body if that is worth it. Not for file parts.
    pub pack: bool,
    /// What is put around the call.
    pub wrap: Wrap,
}

impl RequestOptions {
    /// Returns the defaults: normal priority, at least once, packed if worth it, wrapped if needed.
    #[must_use]
    pub fn new() -> Self {
        Self { pack: true, ..Self::default() }
    }

    /// Sets the priority.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Ends the call with an error rather than run it twice.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.repetition = Repetition::Once;
        self
    }

    /// Runs the call only after another has succeeded.
    #[must_use]
    pub const fn after(mut self, request: RequestId) -> Self {
        self.after = Some(request);
        self
    }

    /// Asks for a quick acknowledgement.
    #[must_use]
    pub const fn quick_ack(mut self) -> Self {
        self.quick_ack = true;
        self
    }

    /// Leaves the body as it is.
    #[must_use]
    pub const fn unpacked(mut self) -> Self {
        self.pack = false;
        self
    }

    /// Writes the call without `initConnection`.
    #[must_use]
    pub const fn bare(mut self) -> Self {
        self.wrap = Wrap::Never;
        self
    }
}

/// Which calls go first when not all can. Calls of one priority keep their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "three classes are enough for everybody")]
pub enum Priority {
    /// Before all others.
    High,
    /// In between.
    #[default]
    Normal,
    /// After all others.
    Low,
}

/// What to do when it cannot be known whether a call was run.
// spec: session 11.6
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two guarantees that can be given")]
pub enum Repetition {
    /// Send it again: it may run twice.
    #[default]
    AtLeastOnce,
    /// End it with [`CallError::MaybeExecuted`](super::CallError::MaybeExecuted).
    Once,
}

/// What is put around a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a yes and a no with names")]
pub enum Wrap {
    /// `invokeWithLayer(initConnection(…))` as long as the server needs it.
    #[default]
    AsNeeded,
    /// Nothing.
    Never,
}

/// The call that binds a temporary key, built anew at every write because it proves its own id.
// spec: session 15
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's inputs are fixed")]
pub struct BindInputs {
    /// The permanent key.
    pub perm_key: Arc<AuthKey>,
    /// When the temporary key dies, in seconds of server time.
    pub expires_at: i32,
}

/// Reports whether a body can be a boxed object.
pub(crate) const fn is_object(body: &[u8]) -> bool {
    !body.is_empty() && body.len().is_multiple_of(4)
}

/// Why a call, an answer or a push was not taken. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The session is closed.
    Closed,
    /// This side of the session does not do that.
    WrongSide,
    /// The body is empty or no multiple of four bytes.
    NotAnObject {
        /// Its length.
        len: usize,
    },
    /// The body is longer than servers accept.
    TooLong {
        /// Its length.
        len: usize,
        /// The longest possible.
        max: usize,
    },
    /// Too many calls are held.
    TooManyCalls {
        /// The limit.
        max: usize,
    },
    /// The held calls have too many bytes.
    TooManyBytes {
        /// The limit.
        max: usize,
    },
    /// No such call is open.
    UnknownCall,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the session is closed"),
            Self::WrongSide => f.write_str("this side of the session does not do that"),
            Self::NotAnObject { len } => write!(f, "a body of {len} bytes is no object"),
            Self::TooLong { len, max } => write!(f, "a body of {len} bytes is above {max}"),
            Self::TooManyCalls { max } => write!(f, "{max} calls are held already"),
            Self::TooManyBytes { max } => write!(f, "the calls held would be above {max} bytes"),
            Self::UnknownCall => f.write_str("no such call is open"),
        }
    }
}

impl core::error::Error for SendError {}
