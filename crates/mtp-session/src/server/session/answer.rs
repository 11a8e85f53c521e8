//! Ids of calls and pushes, and errors of answering.

use core::fmt;

use mtp_crypto::MsgId;

/// Identifies a received call by its message id, unique within the session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncomingId(MsgId);

impl IncomingId {
    pub(crate) const fn new(msg_id: MsgId) -> Self {
        Self(msg_id)
    }

    /// Returns the message id, which `auth.bindTempAuthKey` must prove.
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

/// Identifies a push.
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

/// Why an answer or a push was not queued. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// The session is gone.
    Closed,
    /// The body is empty or its length is not a multiple of four.
    NotAnObject {
        /// Its length.
        len: usize,
    },
    /// No such call is running: it was answered, or it timed out.
    UnknownCall,
    /// The session holds as many bytes as it may; the call still runs.
    Full {
        /// The limit.
        max: usize,
    },
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the session is gone"),
            Self::NotAnObject { len } => write!(f, "a body of {len} bytes is not a TL object"),
            Self::UnknownCall => f.write_str("no such call is running"),
            Self::Full { max } => write!(f, "the session would hold more than {max} bytes"),
        }
    }
}

impl core::error::Error for AnswerError {}
