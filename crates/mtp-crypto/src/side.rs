//! The two sides of a session.

/// A side of a session. The sending side selects the keys of a message.
///
/// `Client` is x = 0 in the specification, `Server` is x = 8. In secret chats and calls, the
/// originator takes the client's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has two sides and will not get a third")]
pub enum Side {
    /// The side that opened the session: even message ids, x = 0.
    Client,
    /// The data center: odd message ids, x = 8.
    Server,
}

impl Side {
    /// Returns the other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
