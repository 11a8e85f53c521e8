//! Errors of stores.

use core::error::Error;
use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use mtp_crypto::key_file::{OpenFileError, SealFileError};

/// Why a store cannot be opened, read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The path names something other than a regular file: a link, a device, a FIFO, a folder.
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is larger than any file of its kind.
    TooLarge {
        /// The path.
        path: PathBuf,
        /// The limit in bytes.
        len_max: u64,
    },
    /// Another process has the file open.
    Locked {
        /// The path.
        path: PathBuf,
    },
    /// A newer version of this library wrote the file or record. It was left untouched.
    Newer {
        /// The version found.
        found: u64,
        /// The newest version that this library reads.
        known: u64,
    },
    /// The key file does not open.
    Open(OpenFileError),
    /// The key file cannot be sealed.
    Seal(SealFileError),
    /// The database failed.
    Database(Box<dyn Error + Send + Sync>),
    /// The store panicked. What was asked of it did not happen.
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// [`JOBS_MAX`](crate::JOBS_MAX) operations are waiting for the store already.
    Busy,
    /// The store's thread ended.
    Ended,
}

impl StoreError {
    /// Returns true if the medium is full. Writing succeeds again once there is room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Self::Io { error, .. }
            if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }

    /// Wraps an error of the file system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |error| Self::Io { path: path.to_owned(), error }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, .. } => write!(f, "cannot use the store {}", path.display()),
            Self::NotAFile { path } => write!(f, "{} is not a regular file", path.display()),
            Self::TooLarge { path, len_max } => {
                write!(f, "{} is longer than {len_max} bytes", path.display())
            }
            Self::Locked { path } => write!(f, "{} is open in another process", path.display()),
            Self::Newer { found, known } => {
                write!(f, "written by a newer version: format {found}, at most {known} is known")
            }
            Self::Open(_) => f.write_str("the key file does not open"),
            Self::Seal(_) => f.write_str("the key file cannot be sealed"),
            Self::Database(_) => f.write_str("the key database failed"),
            Self::Panicked { message } => write!(f, "the store panicked: {message}"),
            Self::Busy => f.write_str("too many operations wait for the store"),
            Self::Ended => f.write_str("the store has ended"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Open(error) => Some(error),
            Self::Seal(error) => Some(error),
            Self::Database(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
