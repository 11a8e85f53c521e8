//! A chore that this machine cannot do: neither done nor failed.

use core::fmt;

use anyhow::Result;

/// What `.ci/run` counts as ignored.
pub(crate) const EXIT_CODE: u8 = 77;

/// Why a chore was not tried.
#[derive(Debug)]
pub(crate) struct Skipped(String);

/// Ends a chore that cannot be tried here.
pub(crate) fn skip(why: &str) -> Result<()> {
    Err(Skipped(why.to_owned()).into())
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ignored: {}", self.0)
    }
}

impl core::error::Error for Skipped {}
