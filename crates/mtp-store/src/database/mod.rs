//! Keys in an embedded database.
//!
//! ```text
//!   client_keys   number of the data center ──▶ record
//!   server_keys   key id                    ──▶ record
//!   meta          "format"                  ──▶ 2, as 8 bytes, and the checksum of records
//!                 "salts"                   ──▶ record of the salt secret
//! ```
//!
//! Records have the form of [`record`](crate::record). Format 1 had no `meta`; its salt secret lay in a table
//! `secrets`, as 32 bytes. It is read, and becomes format 2 with the first change.
//!
//! `redb` trusts its files: it panics on some truncated ones and takes an empty one for new. So a file is
//! inspected through an overlay that keeps all writes in memory, and is opened for writing only if it is
//! whole and of a known format. What is left of a damaged file is read without `redb` and moves to a new
//! one; the damaged file is kept.

mod header;
mod inspection;
mod key_database;
mod overlay;
mod quota;
mod salvage;

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::path::PathBuf;
use std::sync::Arc;

use self::key_database::KeyDatabase;
use crate::thread::StoreThread;
use crate::{
    ClientKeyChange, ClientKeyRecord, ClientStore, Loaded, ServerKeyChange, ServerKeyRecord,
    ServerStore, StoreFuture,
};

/// Options of a [`DatabaseStore`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DatabaseOptions {
    /// The length that the file may reach, in bytes. Changes that need more fail as on a full disk.
    /// Default: no limit; an empty database takes half a MiB.
    pub bytes_max: u64,
}

impl DatabaseOptions {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes_max: u64::MAX }
    }
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Keys in a `redb` database: one private file, one process at a time, durable at each change.
///
/// Keys are in the clear; the file is readable for its owner only.
pub struct DatabaseStore {
    path: PathBuf,
    bytes_max: Arc<AtomicU64>,
    thread: StoreThread<KeyDatabase>,
}

impl DatabaseStore {
    /// Opens a database, or creates it if there is no such file.
    ///
    /// A damaged file is no error: its intact records are served, `load` names the others, and the file is
    /// kept under its name with `.damaged` behind it.
    ///
    /// # Errors
    /// [`StoreError::Io`](crate::StoreError::Io) and [`NotAFile`](crate::StoreError::NotAFile) if the file
    /// cannot be opened or created, [`Locked`](crate::StoreError::Locked) if it is open elsewhere,
    /// [`Newer`](crate::StoreError::Newer) if a newer version wrote it.
    pub fn open(path: impl Into<PathBuf>) -> StoreFuture<'static, Self> {
        Self::open_with(path, &DatabaseOptions::new())
    }

    /// Opens a database with options: see [`open`](Self::open).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        path: impl Into<PathBuf>,
        options: &DatabaseOptions,
    ) -> StoreFuture<'static, Self> {
        let path = path.into();
        let bytes_max = Arc::new(AtomicU64::new(options.bytes_max));
        let (place, limit) = (path.clone(), bytes_max.clone());
        let opening = StoreThread::open(move || KeyDatabase::open(place, limit));
        Box::pin(async move { Ok(Self { path, bytes_max, thread: opening.await? }) })
    }

    /// Changes [`DatabaseOptions::bytes_max`].
    pub fn set_bytes_max(&self, bytes_max: u64) {
        // The store's thread reads it at its next write, whenever that is.
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }
}

impl ClientStore for DatabaseStore {
    fn load(&self) -> StoreFuture<'_, Loaded<ClientKeyRecord>> {
        ClientStore::load(&self.thread)
    }

    fn apply(&self, changes: Vec<ClientKeyChange>) -> StoreFuture<'_, ()> {
        ClientStore::apply(&self.thread, changes)
    }
}

impl ServerStore for DatabaseStore {
    fn salt_secret(&self, fresh: [u8; 32]) -> StoreFuture<'_, [u8; 32]> {
        self.thread.salt_secret(fresh)
    }

    fn load(&self) -> StoreFuture<'_, Loaded<ServerKeyRecord>> {
        ServerStore::load(&self.thread)
    }

    fn apply(&self, changes: Vec<ServerKeyChange>) -> StoreFuture<'_, ()> {
        ServerStore::apply(&self.thread, changes)
    }
}

impl fmt::Debug for DatabaseStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseStore").field("path", &self.path).finish_non_exhaustive()
    }
}
