//! Every store keeps what it was given, over a restart if it says so.

use std::path::PathBuf;
use std::sync::Arc;

use mtp_crypto::key_file::Cost;
use mtp_crypto::{AuthKey, Salt};
use mtp_env::UnixTime;
use mtp_session::established::KeyKind;

use super::*;

fn key(seed: u8, kind: KeyKind) -> Established {
    Established {
        key: Arc::new(AuthKey::new([seed; 256]).unwrap()),
        salt: Salt::from_raw(u64::from(seed) + 1000),
        time_offset_ns: i64::from(seed) - 500,
        kind,
    }
}

fn temporary(seed: u8, media: bool) -> Established {
    let expires_at = UnixTime::from_nanos(1_800_000_000_123_456_789);
    key(seed, KeyKind::Temporary { expires_at, media })
}

fn describe(key: &Established) -> (u64, [u8; 256], u64, i64, KeyKind) {
    (key.key.id().as_raw(), *key.key.as_bytes(), key.salt.as_raw(), key.time_offset_ns, key.kind)
}

/// A directory of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mtp-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the system's folder for temporary files is the system's.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a story of a client; `reopen` returns the store as a restart finds it.
fn check_client<S: ClientStore>(mut reopen: impl FnMut(Option<S>) -> S) {
    let (two, four) = (DcId::new(2), DcId::new(-4));
    let (first, second, other) =
        (key(1, KeyKind::Permanent), key(2, KeyKind::Permanent), key(2, KeyKind::Permanent));
    let mut store = reopen(None);
    assert!(store.load(two).unwrap().is_none());
    store.forget(two).unwrap();
    store.save(two, &first).unwrap();
    store.save(four, &other).unwrap();
    store.save(two, &second).unwrap();
    let mut store = reopen(Some(store));
    assert_eq!(store.load(two).unwrap().as_ref().map(describe), Some(describe(&second)));
    assert_eq!(store.load(four).unwrap().as_ref().map(describe), Some(describe(&other)));
    store.forget(two).unwrap();
    let mut store = reopen(Some(store));
    assert!(store.load(two).unwrap().is_none());
    assert!(store.load(four).unwrap().is_some());
}

/// Runs a story of a server.
fn check_server<S: ServerStore>(mut reopen: impl FnMut(Option<S>) -> S) {
    let mut store = reopen(None);
    assert!(store.load().unwrap().is_empty());
    assert_eq!(store.salt_secret([1; 32]).unwrap(), [1; 32]);
    let (temp, media, gone) = (temporary(3, false), temporary(4, true), temporary(5, false));
    let permanent = key(6, KeyKind::Permanent);
    let bound = |temporary: &Established| KeyChange::Bound {
        temporary: temporary.key.id(),
        permanent: permanent.key.id(),
    };
    store
        .apply(&[
            KeyChange::Created(temp.clone()),
            KeyChange::Created(gone.clone()),
            KeyChange::Created(permanent.clone()),
            bound(&temp),
        ])
        .unwrap();
    let mut store = reopen(Some(store));
    store
        .apply(&[
            bound(&gone),
            KeyChange::Destroyed(gone.key.id()),
            bound(&gone),
            KeyChange::Created(media.clone()),
        ])
        .unwrap();
    store.apply(&[]).unwrap();
    let mut store = reopen(Some(store));
    assert_eq!(store.salt_secret([2; 32]).unwrap(), [1; 32]);
    let kept = store.load().unwrap();
    assert_eq!(describe(&kept[0].established), describe(&permanent), "permanent keys come first");
    let mut found: Vec<_> =
        kept.iter().map(|key| (describe(&key.established), key.bound_to)).collect();
    found.sort_by_key(|((_, key, ..), _)| key[0]);
    assert_eq!(
        found,
        [
            (describe(&temp), Some(permanent.key.id())),
            (describe(&media), None),
            (describe(&permanent), None),
        ]
    );
}

#[test]
fn memory_keeps_keys() {
    check_client(|store: Option<MemoryStore>| store.unwrap_or_default());
    check_server(|store: Option<MemoryStore>| store.unwrap_or_default());
}

#[test]
fn a_file_keeps_keys_under_a_password() {
    let folder = Folder::new("file");
    let path = folder.file("keys");
    let cost = Cost::new(8, 1, 1).unwrap();
    // A file has one clock offset for all its keys.
    check_client(|_: Option<FileStore>| FileStore::open(&path, b"secret", cost).unwrap());
    let wrong = FileStore::open(&path, b"Secret", cost).unwrap_err();
    assert!(matches!(wrong, StoreError::Open(_)), "{wrong}");
    assert!(!folder.file("keys.new").exists());
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(8).any(|part| part == [2; 8]), "the key lies in the clear");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_that_cannot_be_written_changes_nothing() {
    let folder = Folder::new("broken");
    let path = folder.file("missing").join("keys");
    let mut store = FileStore::open(&path, b"", Cost::new(8, 1, 1).unwrap()).unwrap();
    let why = store.save(DcId::new(2), &key(1, KeyKind::Permanent)).unwrap_err();
    assert!(matches!(why, StoreError::Io(_)), "{why}");
    assert!(store.load(DcId::new(2)).unwrap().is_none());
}

#[cfg(feature = "redb")]
#[test]
fn a_database_keeps_keys() {
    let folder = Folder::new("database");
    let path = folder.file("keys.redb");
    check_client(|store: Option<DatabaseStore>| {
        drop(store);
        DatabaseStore::open(&path).unwrap()
    });
    check_server(|store: Option<DatabaseStore>| {
        drop(store);
        DatabaseStore::open(&path).unwrap()
    });
    let open = DatabaseStore::open(&path).unwrap();
    let twice = DatabaseStore::open(&path).unwrap_err();
    assert!(matches!(twice, StoreError::Database(_)), "{twice}");
    drop(open);
}

#[test]
fn a_record_is_whole_or_none() {
    let bound_to = Some(AuthKeyId::from_raw(9));
    let bytes = record::encode(&temporary(7, true), bound_to);
    assert_eq!(bytes.len(), record::LEN);
    let read = record::decode(&bytes).unwrap();
    assert_eq!(
        (describe(&read.established), read.bound_to),
        (describe(&temporary(7, true)), bound_to)
    );
    for len in 0..bytes.len() {
        assert!(record::decode(&bytes[..len]).is_err(), "{len} bytes");
    }
    let changed = |at: usize, to: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = to;
        record::decode(&bytes).is_err()
    };
    assert!(changed(0, 2), "another version");
    assert!(changed(1, 3), "an unknown kind");
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(record::decode(&longer).is_err());
}
