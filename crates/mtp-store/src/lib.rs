//! Keys at rest, for MTProto clients and servers.
//!
//! Stores are asynchronous and independent of a runtime: a blocking backend runs on a thread of its
//! own, so awaiting a store never blocks an executor, and [`wait`] awaits one on a plain thread.
//! Stores hold no protocol: what to store and when is decided by the drivers (`mtp-tokio`).
//!
//! ```text
//!   driver ── apply(changes) ──▶ queue ──▶ the store's thread ── one flush for all that wait ──▶ disk
//!          ◀── Ok: durable ───────────────────────┘
//! ```
//!
//! | store | clients | servers | durable | at rest |
//! |---|---|---|---|---|
//! | [`MemoryStore`] | yes | yes | no | |
//! | [`FileStore`] | yes | | yes | sealed under a password |
//! | `DatabaseStore` (feature `redb`) | yes | yes | yes | in the clear, in a private file |
//!
//! ```
//! use mtp_store::{ClientKeyChange, ClientKeyRecord, ClientStore, MemoryStore, StoreError, wait};
//! # fn key() -> mtp_session::established::Established {
//! #     mtp_session::established::Established {
//! #         key: std::sync::Arc::new(mtp_crypto::AuthKey::new([7; 256]).expect("a key")),
//! #         salt: mtp_crypto::Salt::from_raw(1),
//! #         time_offset_ns: 0,
//! #         kind: mtp_session::established::KeyKind::Permanent,
//! #     }
//! # }
//!
//! fn main() -> Result<(), StoreError> {
//!     let store = MemoryStore::new();
//!     let dc = mtp_crypto::DcId::new(2);
//!     let record = ClientKeyRecord::new(dc, key());
//!     wait(ClientStore::apply(&store, vec![ClientKeyChange::Stored(record)]))?;
//!     let loaded = wait(ClientStore::load(&store))?;
//!     assert_eq!(loaded.records.len(), 1);
//!     Ok(())
//! }
//! ```
//!
//! # Conventions
//!
//! They hold for every trait of this crate, and for stores of your own:
//!
//! - Methods take `&self`: a store is shared as `Arc<dyn ClientStore>`.
//! - An operation begins when its method is called, in the order of calls. Dropping its future does
//!   not undo it.
//! - `load` returns every intact record, and names what is damaged. Damage is an error only if nothing
//!   can be served.
//! - `apply` takes a batch of changes: in their order, all or none, durable once the future is ready.
//!   Stores may flush batches of several callers together.
//! - After an error a store serves on, and later operations may succeed: see [`StoreError::is_full`].
//!
//! | module | idea |
//! |---|---|
//! | [`record`] | the stored form of a key |
//! | [`private_file`] | files that only their owner can read |
//!
//! | feature | adds |
//! |---|---|
//! | `kernels` (default) | the processor's instructions for encryption |
//! | `redb` | `DatabaseStore` |
//!
//! No byte of a file leads to a panic of the caller; whatever else fails is a [`StoreError`].

#[cfg(feature = "redb")]
mod database;
mod error;
mod file;
mod keys;
mod memory;
pub mod private_file;
pub mod record;
mod thread;

use core::future::Future;
use core::pin::Pin;

#[cfg(feature = "redb")]
pub use self::database::{DatabaseOptions, DatabaseStore};
pub use self::error::StoreError;
pub use self::file::FileStore;
pub use self::keys::{
    ClientKeyChange, ClientKeyRecord, Damage, DamagedPart, Loaded, ServerKeyChange, ServerKeyRecord,
};
pub use self::memory::MemoryStore;
pub use self::thread::{BlockingClientStore, BlockingServerStore, JOBS_MAX, StoreThread, wait};

/// The outcome of a store's operation, in the future.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The permanent keys of a client, one for each data center.
///
/// They carry the login. Temporary keys are not stored: a new one costs an exchange and no login.
pub trait ClientStore: Send + Sync {
    /// Returns every key.
    ///
    /// # Errors
    /// [`StoreError`] if nothing can be read.
    fn load(&self) -> StoreFuture<'_, Loaded<ClientKeyRecord>>;

    /// Applies changes in their order, all or none; they are durable when the future is ready.
    ///
    /// # Errors
    /// [`StoreError`]: nothing changed.
    fn apply(&self, changes: Vec<ClientKeyChange>) -> StoreFuture<'_, ()>;
}

/// The keys of a server.
pub trait ServerStore: Send + Sync {
    /// Returns the secret that the server's salts are derived from; the first call stores `fresh`.
    ///
    /// A server mixes it with entropy of its own at each start: salts of an earlier run are not accepted.
    ///
    /// # Errors
    /// [`StoreError`] if no secret can be read or stored.
    fn salt_secret(&self, fresh: [u8; 32]) -> StoreFuture<'_, [u8; 32]>;

    /// Returns every key, permanent ones first, so that bindings find what they name.
    ///
    /// # Errors
    /// [`StoreError`] if nothing can be read.
    fn load(&self) -> StoreFuture<'_, Loaded<ServerKeyRecord>>;

    /// Applies changes in their order, all or none; they are durable when the future is ready.
    ///
    /// # Errors
    /// [`StoreError`]: nothing changed.
    fn apply(&self, changes: Vec<ServerKeyChange>) -> StoreFuture<'_, ()>;
}

/// Puts permanent keys first.
fn sorted(mut keys: Vec<ServerKeyRecord>) -> Vec<ServerKeyRecord> {
    keys.sort_by_key(|key| key.established.kind.is_temporary());
    keys
}
