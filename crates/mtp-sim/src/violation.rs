//! Broken invariants.

use core::fmt;

use mtp_env::Instant;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The invariant's number in the specification.
    pub invariant: u8,
    /// The name of the invariant.
    pub name: &'static str,
    /// The observation that broke it.
    pub what: String,
    /// The true time of the observation.
    pub at: Instant,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_micros() / 1_000_000;
        let micros = self.at.as_micros() % 1_000_000;
        let Self { invariant, name, what, .. } = self;
        write!(f, "invariant {invariant} ({name}) broken at {seconds}.{micros:06} s: {what}")
    }
}

impl core::error::Error for Violation {}
