//! Chores that cannot run on this machine: neither passed nor failed.

use core::fmt;

use anyhow::Result;

/// The exit code that `.ci/run` counts as ignored.
pub(crate) const EXIT_CODE: u8 = 77;

/// The reason why a chore did not run.
#[derive(Debug)]
pub(crate) struct Skipped(String);

/// Ends a chore that cannot run here.
pub(crate) fn skip(why: &str) -> Result<()> {
    Err(Skipped(why.to_owned()).into())
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ignored: {}", self.0)
    }
}

impl core::error::Error for Skipped {}
