//! Keys in an embedded database.

use core::fmt;
use std::fs::OpenOptions;
use std::path::Path;

use mtp_crypto::AuthKeyId;
use mtp_session::Established;
use mtp_session::handshake::DcId;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::{ClientStore, KeyChange, ServerStore, StoreError, StoredKey, record, sorted};

/// Keeps keys in a `redb` database: one file, one process at a time, durable at each change.
///
/// Keys lie in it in the clear; the file is made readable for its owner only.
pub struct DatabaseStore {
    database: Database,
}

impl DatabaseStore {
    /// Opens a database, or makes one if there is no such file.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the file cannot be opened, [`StoreError::Database`] if it is no
    /// database, damaged, or open in another process.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_LEN);
        let database = builder.create_file(file).map_err(failed)?;
        // Readers find every table.
        let begun = database.begin_write().map_err(failed)?;
        begun.open_table(CLIENT_KEYS).map_err(failed)?;
        begun.open_table(SERVER_KEYS).map_err(failed)?;
        begun.open_table(SECRETS).map_err(failed)?;
        begun.commit().map_err(failed)?;
        Ok(Self { database })
    }
}

impl ClientStore for DatabaseStore {
    fn load(&mut self, dc: DcId) -> Result<Option<Established>, StoreError> {
        let reader = self.database.begin_read().map_err(failed)?;
        let table = reader.open_table(CLIENT_KEYS).map_err(failed)?;
        let found = table.get(dc.as_i32()).map_err(failed)?;
        found.map(|found| Ok(record::decode(found.value())?.established)).transpose()
    }

    fn save(&mut self, dc: DcId, permanent: &Established) -> Result<(), StoreError> {
        let begun = self.database.begin_write().map_err(failed)?;
        {
            let mut table = begun.open_table(CLIENT_KEYS).map_err(failed)?;
            let record = record::encode(permanent, None);
            table.insert(dc.as_i32(), record.as_slice()).map_err(failed)?;
        }
        begun.commit().map_err(failed)
    }

    fn forget(&mut self, dc: DcId) -> Result<(), StoreError> {
        let begun = self.database.begin_write().map_err(failed)?;
        begun.open_table(CLIENT_KEYS).map_err(failed)?.remove(dc.as_i32()).map_err(failed)?;
        begun.commit().map_err(failed)
    }
}

impl ServerStore for DatabaseStore {
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        let begun = self.database.begin_write().map_err(failed)?;
        let secret = {
            let mut table = begun.open_table(SECRETS).map_err(failed)?;
            let kept = table.get(SALTS).map_err(failed)?.map(|kept| *kept.value());
            if kept.is_none() {
                table.insert(SALTS, &fresh).map_err(failed)?;
            }
            kept.unwrap_or(fresh)
        };
        begun.commit().map_err(failed)?;
        Ok(secret)
    }

    fn load(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let reader = self.database.begin_read().map_err(failed)?;
        let table = reader.open_table(SERVER_KEYS).map_err(failed)?;
        let mut keys = Vec::new();
        for entry in table.iter().map_err(failed)? {
            keys.push(record::decode(entry.map_err(failed)?.1.value())?);
        }
        Ok(sorted(keys))
    }

    fn apply(&mut self, changes: &[KeyChange]) -> Result<(), StoreError> {
        let begun = self.database.begin_write().map_err(failed)?;
        {
            let mut table = begun.open_table(SERVER_KEYS).map_err(failed)?;
            for change in changes {
                match change {
                    KeyChange::Created(established) => {
                        let record = record::encode(established, None);
                        let id = established.key.id().as_raw();
                        table.insert(id, record.as_slice()).map_err(failed)?;
                    }
                    KeyChange::Bound { temporary, permanent } => {
                        let id = temporary.as_raw();
                        let kept = table.get(id).map_err(failed)?;
                        let kept = kept.map(|kept| record::decode(kept.value())).transpose()?;
                        if let Some(StoredKey { established, .. }) = kept {
                            let record = record::encode(&established, Some(*permanent));
                            table.insert(id, record.as_slice()).map_err(failed)?;
                        }
                    }
                    KeyChange::Destroyed(key) => {
                        table.remove(AuthKeyId::as_raw(*key)).map_err(failed)?;
                    }
                }
            }
        }
        begun.commit().map_err(failed)
    }
}

impl fmt::Debug for DatabaseStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseStore").finish_non_exhaustive()
    }
}

fn failed(why: impl core::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Database(Box::new(why))
}

/// By data centre.
const CLIENT_KEYS: TableDefinition<'_, i32, &[u8]> = TableDefinition::new("client_keys");
/// By key id.
const SERVER_KEYS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("server_keys");
/// By name.
const SECRETS: TableDefinition<'_, &str, &[u8; 32]> = TableDefinition::new("secrets");
/// The name of the secret of salts.
const SALTS: &str = "salts";
/// Bytes of the file kept in memory: keys are read once, at the start.
const CACHE_LEN: usize = 16 << 20;
