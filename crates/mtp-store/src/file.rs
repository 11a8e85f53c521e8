//! A client's keys in one sealed file.

use core::fmt;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use mtp_crypto::DcId;
use mtp_crypto::key_file::{
    Cost, KeyFile, KeyFileEntry as FileKey, KeyFileSalt, OpenFileError, open_file, seal_file,
};
use mtp_crypto::{AuthKey, OsEntropy, Salt};
use mtp_session::established::{Established, KeyKind};
use zeroize::Zeroizing;

use crate::thread::{BlockingClientStore, StoreThread};
use crate::{
    ClientKeyChange, ClientKeyRecord, ClientStore, Loaded, StoreError, StoreFuture, private_file,
};

/// A client's keys in a file under a password: see [`mtp_crypto::key_file`].
///
/// The file is [private](private_file). Each change writes a new file beside the old one and renames it
/// into place, so that a crash leaves one of the two. Deriving the key from the password takes the time
/// that the cost states, when the store is opened and at each flush. One process at a time.
pub struct FileStore {
    path: PathBuf,
    thread: StoreThread<SealedFile>,
}

impl FileStore {
    /// Opens a file, or starts empty if there is none.
    ///
    /// A folder that cannot be written is an error here, before there is a key to lose. A damaged file
    /// cannot be told from one under another password: it is refused and left untouched.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the file cannot be read or replaced, [`StoreError::NotAFile`] and
    /// [`StoreError::TooLarge`] if it is no key file by its looks, [`StoreError::Newer`] and
    /// [`StoreError::Open`] if it does not open.
    pub fn open(
        path: impl Into<PathBuf>,
        password: &[u8],
        cost: Cost,
    ) -> StoreFuture<'static, Self> {
        let path = path.into();
        let sealed = SealedFile {
            path: path.clone(),
            password: Zeroizing::new(password.to_vec()),
            cost,
            keys: BTreeMap::new(),
        };
        let opening = StoreThread::open(move || sealed.open());
        Box::pin(async move { Ok(Self { path, thread: opening.await? }) })
    }
}

impl ClientStore for FileStore {
    fn load(&self) -> StoreFuture<'_, Loaded<ClientKeyRecord>> {
        self.thread.load()
    }

    fn apply(&self, changes: Vec<ClientKeyChange>) -> StoreFuture<'_, ()> {
        ClientStore::apply(&self.thread, changes)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The file with the keys in it.
struct SealedFile {
    path: PathBuf,
    password: Zeroizing<Vec<u8>>,
    cost: Cost,
    keys: BTreeMap<DcId, Established>,
}

impl SealedFile {
    fn open(mut self) -> Result<Self, StoreError> {
        if let Some(bytes) = private_file::read(&self.path, FILE_LEN_MAX)? {
            self.keys = unpack(open_file(&bytes, &self.password).map_err(refused)?);
        }
        private_file::check_writable(&self.path)?;
        Ok(self)
    }
}

impl BlockingClientStore for SealedFile {
    fn load(&mut self) -> Result<Loaded<ClientKeyRecord>, StoreError> {
        let keys = self.keys.clone().into_iter();
        let records = keys.map(|(dc, established)| ClientKeyRecord { dc, established });
        Ok(Loaded::whole(records.collect()))
    }

    fn apply(&mut self, changes: &[ClientKeyChange]) -> Result<(), StoreError> {
        let mut keys = self.keys.clone();
        for change in changes {
            match change {
                ClientKeyChange::Stored(ClientKeyRecord { dc, established }) => {
                    keys.insert(*dc, established.clone());
                }
                ClientKeyChange::Removed(dc) => {
                    keys.remove(dc);
                }
            }
        }
        let sealed = seal_file(&pack(&keys), &self.password, self.cost, &mut OsEntropy)
            .map_err(StoreError::Seal)?;
        private_file::replace(&self.path, &sealed)?;
        self.keys = keys;
        Ok(())
    }
}

fn refused(why: OpenFileError) -> StoreError {
    match why {
        OpenFileError::Version { found } if found > KNOWN_VERSION => {
            StoreError::Newer { found: found.into(), known: KNOWN_VERSION.into() }
        }
        why => StoreError::Open(why),
    }
}

/// A client's data centers share one clock, so the file has one offset for all: the last key's.
fn pack(keys: &BTreeMap<DcId, Established>) -> KeyFile {
    let clock_offset = keys.values().next_back().map_or(0, |key| key.time_offset_ns);
    let keys = keys.iter().filter_map(|(dc, established)| {
        let salt = KeyFileSalt { salt: established.salt, valid_since: 0, valid_until: i32::MAX };
        // The copy has the id of the original, which is not zero.
        let key = AuthKey::new(*established.key.as_bytes()).ok()?;
        Some(FileKey { dc: *dc, expires_at: None, key, salts: vec![salt] })
    });
    KeyFile { clock_offset, keys: keys.collect() }
}

fn unpack(file: KeyFile) -> BTreeMap<DcId, Established> {
    let clock_offset = file.clock_offset;
    let permanent = file.keys.into_iter().filter(|key| key.expires_at.is_none());
    let keys = permanent.map(|key| {
        let established = Established {
            key: Arc::new(key.key),
            // A salt that is wrong is corrected with the first answer.
            salt: key.salts.first().map_or(Salt::from_raw(0), |salt| salt.salt),
            time_offset_ns: clock_offset,
            kind: KeyKind::Permanent,
        };
        (key.dc, established)
    });
    keys.collect()
}

/// The version of key files that `mtp_crypto::key_file` reads and writes.
const KNOWN_VERSION: u8 = 1;

/// Above the length of a file with as many keys and salts as there may be: 64 keys of 2.3 KiB.
const FILE_LEN_MAX: u64 = 1 << 20;
