//! A database's contents, read without changing the file, and what is wrong with them.

use core::mem::ManuallyDrop;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use mtp_crypto::AuthKeyId;
use mtp_crypto::DcId;
use redb::{
    Database, Key, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    TableDefinition, TableError, TableHandle as _, Value,
};
use zeroize::Zeroizing;

use super::header::{self, Header};
use super::key_database::{
    CLIENT_KEYS, FORMAT, FORMAT_NAME, META, OLD_SECRETS, SALTS_NAME, SERVER_KEYS, failed,
};
use super::overlay::Overlay;
use super::salvage::Wreck;
use crate::keys::DamagedPart;
use crate::record::{self, RecordError};
use crate::thread::guarded;
use crate::{ClientKeyRecord, ServerKeyRecord, StoreError};

/// What is in a database.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) client_keys: BTreeMap<DcId, ClientKeyRecord>,
    pub(super) server_keys: BTreeMap<AuthKeyId, ServerKeyRecord>,
    pub(super) salt_secret: Option<Zeroizing<[u8; 32]>>,
    pub(super) damage: Vec<DamagedPart>,
    /// The newest format that was found, of the file or of a record.
    format: Option<u64>,
}

/// Reads a database without changing its file.
///
/// Errors are those for which the file is left alone; damage is part of the contents.
pub(super) fn inspect(path: &Path, file: &File) -> Result<Contents, StoreError> {
    let header = match Header::read(path, file)? {
        Ok(header) => header,
        Err(reason) => return Ok(lost(reason)),
    };
    if let Some(found) = header.newer() {
        return Err(StoreError::Newer { found: found.into(), known: header::FORMAT.into() });
    }
    let whole = match header.check() {
        Err(reason) => return Ok(lost(reason)),
        Ok(len) if len > header.file_len => {
            Err(format!("only {} of its {len} bytes are there", header.file_len))
        }
        Ok(_) => read_whole(path, file).map_err(|error| reason(&error)),
    };
    let contents = whole.unwrap_or_else(|reason| salvage(file, &header, reason));
    match contents.format {
        Some(found) if found > FORMAT => Err(StoreError::Newer { found, known: FORMAT }),
        _ => Ok(contents),
    }
}

/// The contents of a file that holds nothing readable.
fn lost(reason: String) -> Contents {
    let damage = vec![DamagedPart::File { reason }, DamagedPart::Records { lost: None }];
    Contents { damage, ..Contents::default() }
}

/// Reads a database through an overlay, once `redb` has found nothing wrong with it.
fn read_whole(path: &Path, file: &File) -> Result<Contents, StoreError> {
    let overlay = file.try_clone().and_then(Overlay::new).map_err(StoreError::io(path))?;
    let outcome = guarded(|| {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_LEN);
        let opened = builder.create_with_backend(overlay.clone()).map_err(failed(path))?;
        // A damaged database may panic when it is dropped; what it holds is released by the overlay.
        let mut database = ManuallyDrop::new(opened);
        if !database.check_integrity().map_err(failed(path))? {
            return Err(StoreError::Database("a change to it was undone".into()));
        }
        let mut contents = Contents::default();
        let reader = database.begin_read().map_err(failed(path))?;
        contents.take_table(path, &reader, META, |key| key.as_bytes().to_vec())?;
        contents.take_table(path, &reader, CLIENT_KEYS, |key| key.to_le_bytes().to_vec())?;
        contents.take_table(path, &reader, SERVER_KEYS, |key| key.to_le_bytes().to_vec())?;
        if let Some(table) = open(path, &reader, OLD_SECRETS)?
            && let Some(secret) = table.get(SALTS_NAME).map_err(failed(path))?
        {
            contents.take_entry(OLD_SECRETS.name(), SALTS_NAME.as_bytes(), secret.value());
        }
        drop(reader);
        drop(ManuallyDrop::into_inner(database));
        Ok(contents)
    });
    overlay.shut();
    outcome
}

/// Reads what is left of a damaged database.
fn salvage(file: &File, header: &Header, reason: String) -> Contents {
    let slots = [header.primary(), 1 - header.primary()];
    let [last, before] = slots.map(|slot| {
        let mut wreck = Wreck::new(file, header);
        let mut contents = Contents::default();
        let mut lost = Some(0_u64);
        let tables = wreck.tables(slot);
        for (name, tree) in &tables {
            let found = wreck.each(*tree, &mut |key, value| contents.take_entry(name, key, value));
            lost = lost.map(|lost| lost.saturating_add(tree.len.saturating_sub(found)));
        }
        // Without the list of tables nobody knows what is missing.
        let complete = header.user_root(slot).is_some_and(|(_, len)| len == tables.len() as u64);
        let lost = lost.filter(|_| complete);
        if lost != Some(0) {
            contents.damage.push(DamagedPart::Records { lost });
        }
        contents
    });
    // The commit before the last may have lost less; then it is the better one to go on with.
    let mut contents = if before.len() > last.len() { before } else { last };
    contents.damage.insert(0, DamagedPart::File { reason });
    contents
}

/// An error as text: an error of the library, or its panic.
fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Io { error, .. } => error.to_string(),
        StoreError::Database(error) => error.to_string(),
        error => error.to_string(),
    }
}

impl Contents {
    fn len(&self) -> usize {
        self.client_keys.len().saturating_add(self.server_keys.len())
    }

    fn take_table<K: Key + 'static>(
        &mut self,
        path: &Path,
        reader: &ReadTransaction,
        name: TableDefinition<'_, K, &'static [u8]>,
        key_bytes: impl Fn(K::SelfType<'_>) -> Vec<u8>,
    ) -> Result<(), StoreError> {
        let Some(table) = open(path, reader, name)? else { return Ok(()) };
        for entry in table.iter().map_err(failed(path))? {
            let (key, value) = entry.map_err(failed(path))?;
            self.take_entry(name.name(), &key_bytes(key.value()), value.value());
        }
        Ok(())
    }

    /// Takes an entry of a table, as it lies in the file.
    fn take_entry(&mut self, table: &str, key: &[u8], value: &[u8]) {
        match table {
            "client_keys" => {
                let Ok(key) = key.try_into() else { return };
                let dc = DcId::new(i32::from_le_bytes(key));
                match record::decode_client_key(dc, value) {
                    Ok(record) => drop(self.client_keys.insert(dc, record)),
                    Err(error) => self.refuse(error, DamagedPart::ClientKey { dc, error }),
                }
            }
            "server_keys" => {
                let Ok(key) = key.try_into() else { return };
                let key = AuthKeyId::from_raw(u64::from_le_bytes(key));
                match record::decode_server_key(key, value) {
                    Ok(record) => drop(self.server_keys.insert(key, record)),
                    Err(error) => self.refuse(error, DamagedPart::ServerKey { key, error }),
                }
            }
            "meta" if key == FORMAT_NAME.as_bytes() => {
                let format = stated_format(value);
                self.format = self.format.max(format);
                if format.is_none() {
                    let reason = "it states no format".into();
                    self.damage.push(DamagedPart::File { reason });
                }
            }
            "meta" if key == SALTS_NAME.as_bytes() => match record::decode_salt_secret(value) {
                Ok(secret) => self.salt_secret = Some(Zeroizing::new(secret)),
                Err(error) => self.refuse(error, DamagedPart::SaltSecret { error }),
            },
            "secrets" if key == SALTS_NAME.as_bytes() && self.salt_secret.is_none() => {
                self.salt_secret = value.try_into().ok().map(Zeroizing::new);
            }
            _ => {}
        }
    }

    fn refuse(&mut self, error: RecordError, part: DamagedPart) {
        match error {
            // Records of a later version are no damage: the file is of a later format.
            RecordError::Newer { version } => {
                self.format = self.format.max(Some(version.into()));
            }
            _ => self.damage.push(part),
        }
    }
}

/// Reads a format; `None` if the checksum does not match.
fn stated_format(bytes: &[u8]) -> Option<u64> {
    let (number, checksum) = bytes.split_first_chunk()?;
    (*checksum == record::checksum(number)).then(|| u64::from_le_bytes(*number))
}

/// Opens a table, if there is one.
fn open<K: Key + 'static, V: Value + 'static>(
    path: &Path,
    reader: &ReadTransaction,
    name: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, StoreError> {
    match reader.open_table(name) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Bytes of the file kept in memory while it is inspected.
const CACHE_LEN: usize = 16 << 20;

/// Versions of records and of files are counted together.
const _: () = assert!(record::VERSION as u64 == FORMAT);
