//! Outcomes that both wings report.

/// Outcome of a request to destroy a key.
// spec: session 8.9
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol's three answers")]
pub enum KeyOutcome {
    /// The key is destroyed.
    Destroyed,
    /// The server does not know the key.
    Unknown,
    /// The key cannot be destroyed now.
    Failed,
}

/// Why a received message was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discard {
    /// It is a duplicate.
    Duplicate,
    /// Its id is below all remembered ids.
    BelowFloor,
    /// Its time is too far from the server's time.
    OutOfTime,
    /// It belongs to the previous session.
    OldSession,
    /// It refers to a message that this session has not sent recently.
    NotOurs,
    /// It refuses a message that was received: a third party has replayed our packet.
    Replayed,
    /// It is malformed.
    Malformed,
    /// It cannot be unpacked within the limits.
    Unpackable,
    /// It is a service message that this side does not accept.
    Unexpected,
    /// It answers a call that is not open.
    NoSuchCall,
    /// It is a container, and the work that its packet may cause was spent before its end. The rest may come again.
    TooMuchWork,
}
