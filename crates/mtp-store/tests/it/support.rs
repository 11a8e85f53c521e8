//! Folders and keys for tests.

use std::path::PathBuf;
use std::sync::Arc;

use mtp_crypto::key_file::Cost;
use mtp_crypto::{AuthKey, Salt};
use mtp_env::UnixTime;
use mtp_session::established::{Established, KeyKind};

/// A folder of a test's own, removed at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mtp-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of the files in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the system's folder for temporary files is the system's.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The cheapest cost there is.
pub(crate) fn cost() -> Cost {
    Cost::new(8, 1, 1).unwrap()
}

pub(crate) fn permanent(seed: u8) -> Established {
    key(seed, KeyKind::Permanent)
}

pub(crate) fn temporary(seed: u8, media: bool) -> Established {
    let expires_at = UnixTime::from_nanos(1_800_000_000_123_456_789);
    key(seed, KeyKind::Temporary { expires_at, media })
}

fn key(seed: u8, kind: KeyKind) -> Established {
    Established {
        key: Arc::new(AuthKey::new([seed; 256]).unwrap()),
        salt: Salt::from_raw(u64::from(seed) + 1000),
        // A sealed file has one clock offset for all its keys.
        time_offset_ns: -500,
        kind,
    }
}

/// All that tells one key from another.
pub(crate) fn describe(key: &Established) -> (u64, [u8; 256], u64, i64, KeyKind) {
    (key.key.id().as_raw(), *key.key.as_bytes(), key.salt.as_raw(), key.time_offset_ns, key.kind)
}
