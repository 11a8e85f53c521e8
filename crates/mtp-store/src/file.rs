//! A client's keys in one sealed file.

use core::fmt;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mtp_crypto::key_file::{Cost, KeyFile, StoredKey as FileKey, StoredSalt, open_file, seal_file};
use mtp_crypto::{AuthKey, OsEntropy};
use mtp_session::Established;
use mtp_session::established::KeyKind;
use mtp_session::handshake::DcId;
use zeroize::Zeroizing;

use super::{ClientStore, StoreError};

/// Keeps a client's keys in a file under a password: see [`mtp_crypto::key_file`].
///
/// Each change writes a new file beside the old one and puts it in its place, so that a crash leaves
/// one of the two. Deriving the key from the password takes the time that the cost names, at the
/// opening and at each change. One process at a time.
pub struct FileStore {
    path: PathBuf,
    password: Zeroizing<Vec<u8>>,
    cost: Cost,
    keys: BTreeMap<DcId, Established>,
}

impl FileStore {
    /// Opens a file, or starts empty if there is none.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the file cannot be read, [`StoreError::Open`] if the password is wrong
    /// or the file is none of ours.
    pub fn open(path: impl Into<PathBuf>, password: &[u8], cost: Cost) -> Result<Self, StoreError> {
        let path = path.into();
        let keys = match fs::read(&path) {
            Ok(bytes) => unpack(open_file(&bytes, password).map_err(StoreError::Open)?),
            Err(why) if why.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(why) => return Err(why.into()),
        };
        Ok(Self { path, password: Zeroizing::new(password.to_vec()), cost, keys })
    }

    /// Changes the keys in memory and in the file; a failure changes neither.
    fn change(
        &mut self,
        change: impl FnOnce(&mut BTreeMap<DcId, Established>),
    ) -> Result<(), StoreError> {
        let mut keys = self.keys.clone();
        change(&mut keys);
        let sealed = seal_file(&pack(&keys), &self.password, self.cost, &mut OsEntropy)
            .map_err(StoreError::Seal)?;
        replace(&self.path, &sealed)?;
        self.keys = keys;
        Ok(())
    }
}

impl ClientStore for FileStore {
    fn load(&mut self, dc: DcId) -> Result<Option<Established>, StoreError> {
        Ok(self.keys.get(&dc).cloned())
    }

    fn save(&mut self, dc: DcId, permanent: &Established) -> Result<(), StoreError> {
        self.change(|keys| {
            keys.insert(dc, permanent.clone());
        })
    }

    fn forget(&mut self, dc: DcId) -> Result<(), StoreError> {
        if !self.keys.contains_key(&dc) {
            return Ok(());
        }
        self.change(|keys| {
            keys.remove(&dc);
        })
    }
}

/// Names the file, not what is in it.
impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.path)
            .field("cost", &self.cost)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// A client's data centres keep one time, so the file has one offset for all: the latest key's.
fn pack(keys: &BTreeMap<DcId, Established>) -> KeyFile {
    let clock_offset = keys.values().next_back().map_or(0, |key| key.time_offset_ns);
    let keys = keys.iter().filter_map(|(dc, established)| {
        let salt = StoredSalt { salt: established.salt, valid_since: 0, valid_until: i32::MAX };
        // The copy has the id of the original, which is not zero.
        let key = AuthKey::new(*established.key.as_bytes()).ok()?;
        Some(FileKey { dc: dc.as_i32(), expires_at: None, key, salts: vec![salt] })
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
            salt: key.salts.first().map_or(mtp_crypto::Salt::from_raw(0), |salt| salt.salt),
            time_offset_ns: clock_offset,
            kind: KeyKind::Permanent,
        };
        (DcId::new(key.dc), established)
    });
    keys.collect()
}

/// Puts new contents in a file's place, durably, readable for its owner only.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // Elsewhere a directory cannot be opened, and renaming is as durable as it gets.
    #[cfg(unix)]
    {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
