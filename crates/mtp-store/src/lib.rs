//! Where keys survive a restart.
//!
//! ```text
//!   ClientStore   data centre ──▶ permanent key, salt, clock offset
//!   ServerStore   key id      ──▶ key, kind, salt, the permanent key it is bound to
//!                 the secret that the server's salts are derived from
//! ```
//!
//! | store | of clients | of servers | durable | at rest |
//! |---|---|---|---|---|
//! | [`MemoryStore`] | yes | yes | no | |
//! | [`FileStore`] | yes | | yes | sealed under a password |
//! | `DatabaseStore` (feature `redb`) | yes | yes | yes | in the clear: guard the file |
//!
//! Stores may wait for a disk; drivers call them where that does not hold up anything.

#[cfg(feature = "redb")]
mod database;
mod error;
mod file;
mod memory;
#[cfg(any(test, feature = "redb"))]
mod record;
mod shared;

use mtp_crypto::AuthKeyId;
use mtp_session::Established;
use mtp_session::handshake::DcId;

#[cfg(feature = "redb")]
pub use self::database::DatabaseStore;
pub use self::error::StoreError;
pub use self::file::FileStore;
pub use self::memory::MemoryStore;
pub use self::shared::SharedStore;

/// Keeps the permanent keys of a client, one for each data centre.
///
/// They carry the login. Temporary keys are made anew: that costs an exchange and no login.
pub trait ClientStore: Send {
    /// Returns what is kept for a data centre.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(&mut self, dc: DcId) -> Result<Option<Established>, StoreError>;

    /// Keeps a key in place of the one before; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]: what was kept before still is.
    fn save(&mut self, dc: DcId, permanent: &Established) -> Result<(), StoreError>;

    /// Forgets the key of a data centre.
    ///
    /// # Errors
    /// [`StoreError`]: what was kept before still is.
    fn forget(&mut self, dc: DcId) -> Result<(), StoreError>;
}

/// Keeps the keys of a server.
pub trait ServerStore: Send {
    /// Returns the secret of the server's salts; the first call keeps and returns `fresh`.
    ///
    /// With the same secret clients find their salts valid after a restart.
    ///
    /// # Errors
    /// [`StoreError`].
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    /// Returns every key, permanent ones first, so that bindings find what they name.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(&mut self) -> Result<Vec<StoredKey>, StoreError>;

    /// Makes changes in their order, all or none; they are durable when this returns.
    ///
    /// A change to a key that is not kept changes nothing: a key may end before its binding arrives.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    fn apply(&mut self, changes: &[KeyChange]) -> Result<(), StoreError>;
}

/// A server's key as it is kept.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "all there is to a key")]
pub struct StoredKey {
    /// The key, its first salt and its kind.
    pub established: Established,
    /// The permanent key that a temporary one stands for.
    pub bound_to: Option<AuthKeyId>,
}

/// What changed among a server's keys.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "all that happens to keys")]
pub enum KeyChange {
    /// A key was made.
    Created(Established),
    /// A temporary key stands for a permanent one.
    Bound {
        /// The temporary key.
        temporary: AuthKeyId,
        /// The permanent key.
        permanent: AuthKeyId,
    },
    /// A key is gone.
    Destroyed(AuthKeyId),
}

/// Puts permanent keys first.
fn sorted(mut keys: Vec<StoredKey>) -> Vec<StoredKey> {
    keys.sort_by_key(|key| key.established.kind.is_temporary());
    keys
}

#[cfg(test)]
mod tests;
