//! Transport error codes.

use core::fmt;

/// Transport error code: a negative number sent instead of a packet.
// spec: transport 4
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportCode(i32);

impl TransportCode {
    /// The server could not parse the request, like HTTP 400.
    pub const BAD_REQUEST: Self = Self(-400);
    /// The server refuses the request, like HTTP 403.
    pub const FORBIDDEN: Self = Self(-403);
    /// The data center does not know the auth key, or a packet of the key exchange was invalid.
    pub const NOT_FOUND: Self = Self(-404);
    /// Too many connections or messages in a short time: back off before reconnecting.
    pub const FLOOD: Self = Self(-429);
    /// The id of the data center is wrong.
    pub const WRONG_DC: Self = Self(-444);

    /// Returns the code with this number.
    ///
    /// Codes are below −1: 0 is a no-op and −1 introduces a quick ack.
    #[must_use]
    pub const fn new(code: i32) -> Option<Self> {
        if code < -1 { Some(Self(code)) } else { None }
    }

    /// Returns the number, below −1.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Debug for TransportCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransportCode({})", self.0)
    }
}

impl fmt::Display for TransportCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match *self {
            Self::BAD_REQUEST => "bad request",
            Self::FORBIDDEN => "forbidden",
            Self::NOT_FOUND => "unknown auth key or invalid packet",
            Self::FLOOD => "flood",
            Self::WRONG_DC => "wrong data center",
            _ => "transport error",
        };
        write!(f, "{meaning} ({})", self.0)
    }
}
