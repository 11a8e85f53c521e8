//! The database on its thread.

use core::sync::atomic::AtomicU64;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mtp_crypto::AuthKeyId;
use mtp_crypto::DcId;
use redb::backends::FileBackend;
use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction,
};
use zeroize::Zeroizing;

use super::inspection::{Contents, inspect};
use super::quota::Quota;
use crate::private_file::{self, Fresh};
use crate::thread::{BlockingClientStore, BlockingServerStore, guarded};
use crate::{
    ClientKeyChange, ClientKeyRecord, Damage, Loaded, ServerKeyChange, ServerKeyRecord, StoreError,
    record, sorted,
};

/// An open database.
pub(super) struct KeyDatabase {
    path: PathBuf,
    file: File,
    bytes_max: Arc<AtomicU64>,
    /// None after a failure, until it is opened again for the next operation.
    database: Option<Database>,
    /// The contents as inspected, until the first change. They are served even if a full disk keeps
    /// the database from being opened.
    inspected: Option<Contents>,
    salt_secret: Option<Zeroizing<[u8; 32]>>,
    damage: Vec<Damage>,
}

impl KeyDatabase {
    pub(super) fn open(path: PathBuf, bytes_max: Arc<AtomicU64>) -> Result<Self, StoreError> {
        let existing = private_file::open(&path)?;
        let (file, mut contents) = match existing {
            None => (build(&path, &Contents::default(), &bytes_max)?, Contents::default()),
            Some(file) => {
                lock(&path, &file)?;
                let contents = inspect(&path, &file)?;
                (file, contents)
            }
        };
        let mut damage = Vec::new();
        let file = if contents.damage.is_empty() {
            file
        } else {
            let kept_at = keep_aside(&path)?;
            let parts = contents.damage.drain(..);
            damage.extend(parts.map(|part| Damage { part, kept_at: Some(kept_at.clone()) }));
            build(&path, &contents, &bytes_max)?
        };
        let mut store = Self {
            path,
            file,
            bytes_max,
            database: None,
            salt_secret: contents.salt_secret.clone(),
            inspected: Some(contents),
            damage,
        };
        match store.database() {
            // What is stored can be served without opening it for writing.
            Err(error) if !error.is_full() => Err(error),
            _ => Ok(store),
        }
    }

    fn database(&mut self) -> Result<&Database, StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => open_for_writing(&self.path, &self.file, &self.bytes_max)?,
        };
        Ok(self.database.insert(database))
    }

    /// Makes one change of the database, all or none.
    fn change(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        let database = self.database()?;
        let outcome = guarded(|| {
            let begun = database.begin_write().map_err(failed(&path))?;
            change(&begun)?;
            begun.commit().map_err(failed(&path))
        });
        if outcome.is_ok() {
            self.inspected = None;
        } else {
            // After a failed write a database refuses every other one until it is opened again.
            let broken = self.database.take();
            let _ = guarded(|| {
                drop(broken);
                Ok(())
            });
        }
        outcome
    }
}

impl BlockingClientStore for KeyDatabase {
    fn load(&mut self) -> Result<Loaded<ClientKeyRecord>, StoreError> {
        let damage = self.damage.clone();
        if let Some(contents) = &self.inspected {
            let records = contents.client_keys.values().cloned().collect();
            return Ok(Loaded { records, damage });
        }
        let path = self.path.clone();
        let database = self.database()?;
        guarded(|| {
            let reader = database.begin_read().map_err(failed(&path))?;
            let table = reader.open_table(CLIENT_KEYS).map_err(failed(&path))?;
            let mut records = Vec::new();
            for entry in table.iter().map_err(failed(&path))? {
                let (dc, bytes) = entry.map_err(failed(&path))?;
                let decoded = record::decode_client_key(DcId::new(dc.value()), bytes.value());
                records.push(decoded.map_err(damaged)?);
            }
            Ok(Loaded { records, damage })
        })
    }

    fn apply(&mut self, changes: &[ClientKeyChange]) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.change(|begun| {
            let mut table = begun.open_table(CLIENT_KEYS).map_err(failed(&path))?;
            for change in changes {
                match change {
                    ClientKeyChange::Stored(record) => {
                        let bytes = record::encode_client_key(record);
                        let dc = record.dc.as_i32();
                        table.insert(dc, bytes.as_slice()).map_err(failed(&path))?;
                    }
                    ClientKeyChange::Removed(dc) => {
                        table.remove(dc.as_i32()).map_err(failed(&path))?;
                    }
                }
            }
            Ok(())
        })
    }
}

impl BlockingServerStore for KeyDatabase {
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        if let Some(secret) = &self.salt_secret {
            return Ok(**secret);
        }
        let path = self.path.clone();
        // What was inspected has changed in nothing else.
        let inspected = self.inspected.take();
        let outcome = self.change(|begun| put_salt_secret(&path, begun, &fresh));
        self.inspected = inspected;
        outcome?;
        self.salt_secret = Some(Zeroizing::new(fresh));
        Ok(fresh)
    }

    fn load(&mut self) -> Result<Loaded<ServerKeyRecord>, StoreError> {
        let damage = self.damage.clone();
        if let Some(contents) = &self.inspected {
            let records = sorted(contents.server_keys.values().cloned().collect());
            return Ok(Loaded { records, damage });
        }
        let path = self.path.clone();
        let database = self.database()?;
        guarded(|| {
            let reader = database.begin_read().map_err(failed(&path))?;
            let table = reader.open_table(SERVER_KEYS).map_err(failed(&path))?;
            let mut records = Vec::new();
            for entry in table.iter().map_err(failed(&path))? {
                let (key, bytes) = entry.map_err(failed(&path))?;
                let key = AuthKeyId::from_raw(key.value());
                let decoded = record::decode_server_key(key, bytes.value());
                records.push(decoded.map_err(damaged)?);
            }
            Ok(Loaded { records: sorted(records), damage })
        })
    }

    fn apply(&mut self, changes: &[ServerKeyChange]) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.change(|begun| {
            let mut table = begun.open_table(SERVER_KEYS).map_err(failed(&path))?;
            for change in changes {
                match change {
                    ServerKeyChange::Created(established) => {
                        let record = ServerKeyRecord::new(established.clone(), None);
                        let bytes = record::encode_server_key(&record);
                        let key = established.key.id().as_raw();
                        table.insert(key, bytes.as_slice()).map_err(failed(&path))?;
                    }
                    ServerKeyChange::Bound { temporary, permanent } => {
                        let key = temporary.as_raw();
                        let found = table.get(key).map_err(failed(&path))?;
                        let found =
                            found.map(|found| record::decode_server_key(*temporary, found.value()));
                        if let Some(record) = found {
                            let mut record = record.map_err(damaged)?;
                            record.bound_to = Some(*permanent);
                            let bytes = record::encode_server_key(&record);
                            table.insert(key, bytes.as_slice()).map_err(failed(&path))?;
                        }
                    }
                    ServerKeyChange::Destroyed(key) => {
                        table.remove(AuthKeyId::as_raw(*key)).map_err(failed(&path))?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Takes the file for this process.
fn lock(path: &Path, file: &File) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        // Some file systems know no locks; neither does `redb` insist on them.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(StoreError::io(path)(error)),
    }
}

/// Writes a database with these contents and puts it in place, durably.
fn build(path: &Path, contents: &Contents, bytes_max: &Arc<AtomicU64>) -> Result<File, StoreError> {
    let fresh = Fresh::create(path)?;
    let database = open_for_writing(path, &fresh.file, bytes_max)?;
    let begun = database.begin_write().map_err(failed(path))?;
    {
        let mut table = begun.open_table(CLIENT_KEYS).map_err(failed(path))?;
        for (dc, record) in &contents.client_keys {
            let bytes = record::encode_client_key(record);
            table.insert(dc.as_i32(), bytes.as_slice()).map_err(failed(path))?;
        }
        let mut table = begun.open_table(SERVER_KEYS).map_err(failed(path))?;
        for (key, record) in &contents.server_keys {
            let bytes = record::encode_server_key(record);
            table.insert(key.as_raw(), bytes.as_slice()).map_err(failed(path))?;
        }
    }
    if let Some(secret) = &contents.salt_secret {
        put_salt_secret(path, &begun, secret)?;
    }
    begun.commit().map_err(failed(path))?;
    drop(database);
    let file = fresh.put_in_place().map_err(StoreError::io(path))?;
    lock(path, &file)?;
    Ok(file)
}

/// Opens a file that is known to be whole, or empty.
fn open_for_writing(
    path: &Path,
    file: &File,
    bytes_max: &Arc<AtomicU64>,
) -> Result<Database, StoreError> {
    guarded(|| {
        let file = file.try_clone().map_err(StoreError::io(path))?;
        let file = FileBackend::new(file).map_err(failed(path))?;
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_LEN);
        let backend = Quota { file, bytes_max: bytes_max.clone() };
        let database = builder.create_with_backend(backend).map_err(failed(path))?;
        let begun = database.begin_write().map_err(failed(path))?;
        // Readers find every table.
        begun.open_table(CLIENT_KEYS).map_err(failed(path))?;
        begun.open_table(SERVER_KEYS).map_err(failed(path))?;
        upgrade(path, &begun)?;
        begun.commit().map_err(failed(path))?;
        Ok(database)
    })
}

/// States the format, and moves the salt secret of format 1.
fn upgrade(path: &Path, begun: &WriteTransaction) -> Result<(), StoreError> {
    {
        let mut meta = begun.open_table(META).map_err(failed(path))?;
        if meta.get(FORMAT_NAME).map_err(failed(path))?.is_some() {
            return Ok(());
        }
        let number = FORMAT.to_le_bytes();
        let bytes = [number, record::checksum(&number)].concat();
        meta.insert(FORMAT_NAME, bytes.as_slice()).map_err(failed(path))?;
    }
    let old = {
        let table = begun.open_table(OLD_SECRETS).map_err(failed(path))?;
        table.get(SALTS_NAME).map_err(failed(path))?.map(|found| Zeroizing::new(*found.value()))
    };
    if let Some(secret) = old {
        put_salt_secret(path, begun, &secret)?;
    }
    begun.delete_table(OLD_SECRETS).map_err(failed(path))?;
    Ok(())
}

fn put_salt_secret(
    path: &Path,
    begun: &WriteTransaction,
    secret: &[u8; 32],
) -> Result<(), StoreError> {
    let mut meta = begun.open_table(META).map_err(failed(path))?;
    let bytes = record::encode_salt_secret(secret);
    meta.insert(SALTS_NAME, bytes.as_slice()).map_err(failed(path))?;
    Ok(())
}

/// Gives a damaged file a second name. It keeps its own until another takes its place, so that a crash in
/// between leaves no empty store.
fn keep_aside(path: &Path) -> Result<PathBuf, StoreError> {
    for number in 1..=KEPT_MAX {
        let suffix = if number == 1 { ".damaged".into() } else { format!(".damaged-{number}") };
        let aside = private_file::beside(path, &suffix);
        match fs::hard_link(path, &aside) {
            Ok(()) => {
                private_file::sync_folder(path).map_err(StoreError::io(path))?;
                return Ok(aside);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Some file systems know no second names.
            Err(_) => {
                let mut copy = private_file::create(&aside)?;
                let mut file = File::open(path).map_err(StoreError::io(path))?;
                let copied = io::copy(&mut file, &mut copy).and_then(|_| copy.sync_all());
                copied.map_err(StoreError::io(&aside))?;
                return Ok(aside);
            }
        }
    }
    let full = io::Error::other("too many damaged files are kept");
    Err(StoreError::io(path)(full))
}

/// Wraps an error of `redb`.
pub(super) fn failed<E: Into<redb::Error>>(path: &Path) -> impl FnOnce(E) -> StoreError + '_ {
    |error| match error.into() {
        redb::Error::Io(error) => StoreError::io(path)(error),
        redb::Error::DatabaseAlreadyOpen => StoreError::Locked { path: path.to_owned() },
        error => StoreError::Database(Box::new(error)),
    }
}

fn damaged(error: record::RecordError) -> StoreError {
    StoreError::Database(Box::new(error))
}

/// By number of the data center.
pub(super) const CLIENT_KEYS: TableDefinition<'_, i32, &[u8]> = TableDefinition::new("client_keys");
/// By key id.
pub(super) const SERVER_KEYS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("server_keys");
/// By name.
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Secrets of format 1, by name.
pub(super) const OLD_SECRETS: TableDefinition<'_, &str, &[u8; 32]> =
    TableDefinition::new("secrets");
/// The name of the format.
pub(super) const FORMAT_NAME: &str = "format";
/// The name of the salt secret.
pub(super) const SALTS_NAME: &str = "salts";
/// The format that is written.
pub(super) const FORMAT: u64 = 2;
/// Bytes of the file kept in memory: keys are read once, at the start.
const CACHE_LEN: usize = 16 << 20;
/// Damaged files that are kept beside one database.
const KEPT_MAX: u32 = 100;
