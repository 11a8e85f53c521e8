//! Errors of reading and replaying a log.

use core::fmt;

use mtp_tl::DecodeError;

use super::field::Written;
use crate::client::ResumeError;

/// Errors of reading and replaying a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// The bytes are not a client's log of a known version.
    UnknownFormat,
    /// The log is truncated.
    Malformed(DecodeError),
    /// An entry is not a known input.
    UnknownInput,
    /// The saved state that the client was resumed from is rejected.
    Resume(ResumeError),
    /// The client wrote other bytes than the recorded ones: its code or its configuration differs.
    Differs {
        /// Bytes written by the recorded run.
        recorded: Written,
        /// Bytes written by the replay.
        replayed: Written,
    },
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("not a client log of a known version"),
            Self::Malformed(_) => f.write_str("damaged log"),
            Self::UnknownInput => f.write_str("damaged log: unknown input"),
            Self::Resume(_) => f.write_str("the log starts from saved state that is rejected"),
            Self::Differs { recorded, replayed } => {
                write!(
                    f,
                    "the replay differs: {} bytes written instead of {}",
                    replayed.len, recorded.len
                )
            }
        }
    }
}

impl core::error::Error for LogError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Resume(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for LogError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}
