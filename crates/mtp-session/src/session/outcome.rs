//! What both wings report.

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
