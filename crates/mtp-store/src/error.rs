//! Why a store failed.

use core::fmt;
use std::io;

use mtp_crypto::key_file::{OpenFileError, SealFileError};

/// Why a store could not read or keep something.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    Io(io::Error),
    /// A key file cannot be opened.
    Open(OpenFileError),
    /// A key file cannot be sealed.
    Seal(SealFileError),
    /// The database failed.
    Database(Box<dyn core::error::Error + Send + Sync>),
    /// Something is kept under a key's name that is no key.
    Record {
        /// Its length in bytes.
        len: usize,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(why) => write!(f, "the store's file: {why}"),
            Self::Open(why) => write!(f, "the key file cannot be opened: {why}"),
            Self::Seal(why) => write!(f, "the key file cannot be written: {why}"),
            Self::Database(why) => write!(f, "the key database: {why}"),
            Self::Record { len } => write!(f, "a stored record of {len} bytes is no key"),
        }
    }
}

impl core::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(why) => Some(why),
            Self::Open(why) => Some(why),
            Self::Seal(why) => Some(why),
            Self::Database(why) => Some(why.as_ref()),
            Self::Record { .. } => None,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}
