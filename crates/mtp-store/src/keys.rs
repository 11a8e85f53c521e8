//! What stores keep, and the changes to it.

use core::fmt;
use std::path::PathBuf;

use mtp_crypto::AuthKeyId;
use mtp_crypto::DcId;
use mtp_session::established::Established;

use crate::record::RecordError;

/// A client's permanent key for one data center.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientKeyRecord {
    /// The data center.
    pub dc: DcId,
    /// The key, its salt and the clock offset.
    pub established: Established,
}

impl ClientKeyRecord {
    /// Joins the parts.
    #[must_use]
    pub const fn new(dc: DcId, established: Established) -> Self {
        Self { dc, established }
    }
}

/// A change to a client's keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientKeyChange {
    /// Stores a key, in place of the data center's previous one.
    Stored(ClientKeyRecord),
    /// Removes the key of a data center.
    Removed(DcId),
}

/// A key of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerKeyRecord {
    /// The key, its first salt and its kind.
    pub established: Established,
    /// The permanent key that a temporary key is bound to.
    pub bound_to: Option<AuthKeyId>,
}

impl ServerKeyRecord {
    /// Joins the parts.
    #[must_use]
    pub const fn new(established: Established, bound_to: Option<AuthKeyId>) -> Self {
        Self { established, bound_to }
    }
}

/// A change to a server's keys.
///
/// A change to a key that is not stored has no effect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServerKeyChange {
    /// A key was created.
    Created(Established),
    /// A temporary key was bound to a permanent key.
    Bound {
        /// The temporary key.
        temporary: AuthKeyId,
        /// The permanent key.
        permanent: AuthKeyId,
    },
    /// A key ended.
    Destroyed(AuthKeyId),
}

/// The contents of a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded<T> {
    /// The intact records.
    pub records: Vec<T>,
    /// What could not be read since the store was opened. Report it to the operator.
    pub damage: Vec<Damage>,
}

impl<T> Loaded<T> {
    /// Returns contents without damage.
    #[must_use]
    pub const fn whole(records: Vec<T>) -> Self {
        Self { records, damage: Vec::new() }
    }
}

/// A record or a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// What is damaged.
    pub part: DamagedPart,
    /// The copy of the damaged file, for repair by hand.
    pub kept_at: Option<PathBuf>,
}

/// The extent of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamagedPart {
    /// One client key.
    ClientKey {
        /// The data center.
        dc: DcId,
        /// What is wrong with the record.
        error: RecordError,
    },
    /// One server key.
    ServerKey {
        /// The key.
        key: AuthKeyId,
        /// What is wrong with the record.
        error: RecordError,
    },
    /// The secret that salts are derived from; another one takes its place.
    SaltSecret {
        /// What is wrong with the record.
        error: RecordError,
    },
    /// A number of records whose names are lost.
    Records {
        /// The number, if the file still says it.
        lost: Option<u64>,
    },
    /// The file's structure, though no record is known to be lost.
    File {
        /// What was found.
        reason: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            DamagedPart::ClientKey { dc, error } => {
                write!(f, "the key of data center {} is lost: {error}", dc.as_i32())
            }
            DamagedPart::ServerKey { key, error } => {
                write!(f, "key {:016x} is lost: {error}", key.as_raw())
            }
            DamagedPart::SaltSecret { error } => write!(f, "the salt secret is lost: {error}"),
            DamagedPart::Records { lost: Some(lost) } => write!(f, "{lost} records are lost"),
            DamagedPart::Records { lost: None } => f.write_str("records may be lost"),
            DamagedPart::File { reason } => write!(f, "the file is damaged: {reason}"),
        }?;
        match &self.kept_at {
            Some(path) => write!(f, "; the damaged file is kept at {}", path.display()),
            None => Ok(()),
        }
    }
}
