//! Calls as the application requests them.

use alloc::sync::Arc;
use core::fmt;

use mtp_crypto::AuthKey;
use mtp_tl::{ConstructorId, Decoder};

use crate::service::Message;

/// Identifies a call to the application.
///
/// It does not change when the call is resent. Younger calls have larger ids.
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

    /// Restores a number from [`as_u64`](Self::as_u64), for applications that store it.
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

/// Options of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestOptions {
    /// Which calls are written first when not all can be.
    pub priority: Priority,
    /// What to do when it is unknown whether the call was run.
    pub repetition: Repetition,
    /// The call that must succeed before this one runs.
    // spec: session 9
    pub after: Option<RequestId>,
    /// Whether to request a quick acknowledgment of the packet.
    pub quick_ack: bool,
    /// Whether to pack the body if that makes it shorter. Not worthwhile for file parts.
    pub pack: bool,
    /// Which wrappers the call gets.
    pub wrap: Wrap,
}

impl RequestOptions {
    /// Returns the defaults: normal priority, at least once, packed if that makes it shorter, wrapped if needed.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            priority: Priority::Normal,
            repetition: Repetition::AtLeastOnce,
            after: None,
            quick_ack: false,
            pack: true,
            wrap: Wrap::AsNeeded,
        }
    }

    /// Sets the priority.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Ends the call with an error rather than risk running it twice.
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

    /// Requests a quick acknowledgment.
    #[must_use]
    pub const fn quick_ack(mut self) -> Self {
        self.quick_ack = true;
        self
    }

    /// Does not pack the body.
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

impl Default for RequestOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Which calls are written first when not all can be. Calls of one priority keep their order.
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

/// What to do when it is unknown whether a call was run.
// spec: session 11.6
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two guarantees that can be given")]
pub enum Repetition {
    /// Resend it: it may run twice.
    #[default]
    AtLeastOnce,
    /// End it with [`CallError::MaybeExecuted`](super::CallError::MaybeExecuted).
    Once,
}

/// Which wrappers a call gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a yes and a no with names")]
pub enum Wrap {
    /// `invokeWithLayer(initConnection(…))` as long as the server needs it.
    #[default]
    AsNeeded,
    /// Nothing.
    Never,
}

/// Inputs of the call that binds a temporary key.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's inputs are fixed")]
pub struct BindInputs {
    /// The permanent key.
    pub perm_key: Arc<AuthKey>,
    /// When the temporary key expires, in seconds of server time.
    pub expires_at: i32,
}

impl BindInputs {
    /// Bytes of `auth.bindTempAuthKey`: four fields and a string of 104 bytes.
    pub(super) const CALL_LEN: usize = 4 + 8 + 8 + 4 + 108;
}

/// Why a call was not queued, or not cancelled. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The session is closed.
    Closed,
    /// The body is empty or its length is not a multiple of four.
    NotAnObject {
        /// Its length.
        len: usize,
    },
    /// The body is a message of the protocol, which the session makes itself: a ping, an acknowledgment, a request for
    /// salts. Its answer would belong to no call.
    ServiceMessage {
        /// Its constructor.
        id: ConstructorId,
    },
    /// The body is longer than servers accept.
    TooLong {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Too many calls are open.
    TooManyCalls {
        /// The limit.
        max: usize,
    },
    /// The open calls hold too many bytes.
    TooManyBytes {
        /// The limit.
        max: usize,
    },
    /// No such call is open.
    UnknownCall,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the session is closed"),
            Self::NotAnObject { len } => write!(f, "a body of {len} bytes is not a TL object"),
            Self::ServiceMessage { id } => {
                write!(f, "{:08x} is a message of the protocol, not a call", id.get())
            }
            Self::TooLong { len, max } => write!(f, "the body has {len} bytes, the limit is {max}"),
            Self::TooManyCalls { max } => write!(f, "{max} calls are already open"),
            Self::TooManyBytes { max } => write!(f, "open calls would exceed {max} bytes"),
            Self::UnknownCall => f.write_str("no such call is open"),
        }
    }
}

impl core::error::Error for RequestError {}

/// Returns the constructor of a body that is a message of the protocol rather than a call.
pub(super) fn service_message(body: &[u8]) -> Option<ConstructorId> {
    match Message::parse(body) {
        Ok(Message::Object(_) | Message::GzipPacked(_)) => None,
        Ok(_) | Err(_) => Decoder::new(body).peek_id(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_options_equal_new_ones() {
        assert_eq!(RequestOptions::default(), RequestOptions::new());
        assert!(RequestOptions::default().pack);
    }
}
