//! What both sides of a key exchange are told.

use core::fmt;
use core::time::Duration;

/// A data centre as the key exchange names it: 10,000 added for the test environment, negated for
/// a media-only one.
// spec: crypto 8.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DcId(i32);

impl DcId {
    /// Names a data centre by the number that goes onto the wire.
    #[must_use]
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Returns the number that goes onto the wire.
    #[must_use]
    pub const fn as_i32(self) -> i32 {
        self.0
    }

    /// Returns the same centre's media-only sibling.
    #[must_use]
    pub const fn media(self) -> Self {
        Self(if self.0 > 0 { self.0.wrapping_neg() } else { self.0 })
    }

    /// Reports whether the centre serves media only.
    #[must_use]
    pub const fn is_media(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for DcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key a client asks for.
// spec: crypto 11.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRequest {
    /// A key for good.
    Permanent,
    /// A key for forward secrecy.
    Temporary {
        /// Seconds until it dies, counted by the server from its making. Above zero; 86,400 is usual.
        expires_in_s: i32,
    },
}

/// Where the heavy arithmetic of a key exchange runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arithmetic {
    /// Within `handle_packet`, which then takes milliseconds.
    #[default]
    Inline,
    /// Wherever the driver likes: `poll_work` gives it away as a value, `handle_work` takes the result.
    Deferred,
}

/// Colliding keys replaced before an exchange fails.
pub(crate) const RETRIES_MAX: u8 = 5;

/// How long both sides remember an unfinished exchange.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
