//! Files are private, and nothing but a regular file is used as one.

use std::fs;

use mtp_crypto::DcId;
use mtp_store::{
    ClientKeyChange, ClientKeyRecord, ClientStore, FileStore, StoreError, private_file, wait,
};

use crate::support::{Folder, cost, permanent};

fn stored(seed: u8) -> ClientKeyChange {
    ClientKeyChange::Stored(ClientKeyRecord::new(DcId::new(2), permanent(seed)))
}

#[test]
fn the_wrong_password_opens_nothing_and_changes_nothing() {
    let folder = Folder::new("password");
    let path = folder.file("keys");
    let store = wait(FileStore::open(&path, b"secret", cost())).unwrap();
    wait(store.apply(vec![stored(2)])).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(!before.windows(8).any(|part| part == [2; 8]), "the key is sealed");
    let wrong = wait(FileStore::open(&path, b"Secret", cost())).unwrap_err();
    assert!(matches!(wrong, StoreError::Open(_)), "{wrong}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(folder.names(), ["keys"]);
}

#[test]
fn a_newer_key_file_is_refused_and_left_untouched() {
    let folder = Folder::new("newer");
    let path = folder.file("keys");
    let store = wait(FileStore::open(&path, b"", cost())).unwrap();
    wait(store.apply(vec![stored(2)])).unwrap();
    drop(store);
    let mut newer = fs::read(&path).unwrap();
    newer[4] = 9;
    fs::write(&path, &newer).unwrap();
    let refused = wait(FileStore::open(&path, b"", cost())).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 9, known: 1 }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), newer);
}

#[test]
fn every_truncated_key_file_is_refused_and_left_untouched() {
    let folder = Folder::new("truncated");
    let path = folder.file("keys");
    let store = wait(FileStore::open(&path, b"", cost())).unwrap();
    wait(store.apply(vec![stored(2)])).unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let refused = wait(FileStore::open(&path, b"", cost())).unwrap_err();
        assert!(matches!(refused, StoreError::Open(_)), "{len} bytes: {refused}");
        assert_eq!(fs::read(&path).unwrap(), whole[..len]);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_noticed_at_the_opening() {
    let folder = Folder::new("missing");
    let path = folder.file("missing").join("keys");
    let refused = wait(FileStore::open(&path, b"", cost())).unwrap_err();
    assert!(matches!(refused, StoreError::Io { .. }), "{refused}");
}

#[test]
fn a_file_that_cannot_be_replaced_keeps_its_keys() {
    let folder = Folder::new("replace");
    fs::create_dir(folder.file("inner")).unwrap();
    let path = folder.file("inner").join("keys");
    let store = wait(FileStore::open(&path, b"", cost())).unwrap();
    wait(store.apply(vec![stored(1)])).unwrap();
    fs::remove_dir_all(folder.file("inner")).unwrap();
    let refused = wait(store.apply(vec![stored(2)])).unwrap_err();
    assert!(matches!(refused, StoreError::Io { .. }), "{refused}");
    let loaded = wait(store.load()).unwrap();
    assert_eq!(loaded.records[0].established.key.as_bytes(), &[1; 256]);
    // And goes on once it can.
    fs::create_dir(folder.file("inner")).unwrap();
    wait(store.apply(vec![stored(2)])).unwrap();
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let folder = Folder::new("large");
    let path = folder.file("keys");
    fs::write(&path, vec![0; (1 << 20) + 1]).unwrap();
    let refused = wait(FileStore::open(&path, b"", cost())).unwrap_err();
    assert!(matches!(refused, StoreError::TooLarge { len_max: 1_048_576, .. }), "{refused}");
    fs::write(&path, vec![0; 1 << 20]).unwrap();
    let refused = wait(FileStore::open(&path, b"", cost())).unwrap_err();
    assert!(matches!(refused, StoreError::Open(_)), "{refused}");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;
    use std::process::Command;

    #[cfg(feature = "redb")]
    use mtp_store::DatabaseStore;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_files_are_private_and_others_become_so() {
        let folder = Folder::new("modes");
        let path = folder.file("keys");
        for loose in [None, Some(0o666), Some(0o644)] {
            if let Some(loose) = loose {
                fs::set_permissions(&path, fs::Permissions::from_mode(loose)).unwrap();
            }
            let store = wait(FileStore::open(&path, b"", cost())).unwrap();
            if loose.is_some() {
                assert_eq!(mode(&path), 0o600, "as soon as it is opened");
            }
            wait(store.apply(vec![stored(1)])).unwrap();
            assert_eq!(mode(&path), 0o600);
        }
        let log = folder.file("log");
        fs::write(&log, b"old").unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o644)).unwrap();
        drop(private_file::create(&log).unwrap());
        assert_eq!((mode(&log), fs::read(&log).unwrap()), (0o600, vec![]));
        assert_eq!(folder.names(), ["keys", "log"]);
    }

    #[cfg(feature = "redb")]
    #[test]
    fn databases_are_private() {
        let folder = Folder::new("database-modes");
        let path = folder.file("keys.redb");
        drop(wait(DatabaseStore::open(&path)).unwrap());
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        drop(wait(DatabaseStore::open(&path)).unwrap());
        assert_eq!(mode(&path), 0o600);
    }

    /// Links, devices, FIFOs and folders are neither followed, read, waited for nor replaced.
    #[test]
    fn only_regular_files_are_used() {
        let folder = Folder::new("regular");
        let target = folder.file("target");
        fs::write(&target, b"somebody else's").unwrap();
        symlink(&target, folder.file("link")).unwrap();
        symlink(folder.file("nowhere"), folder.file("dangling")).unwrap();
        fs::create_dir(folder.file("folder")).unwrap();
        let fifo = folder.file("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let named = ["link", "dangling", "folder", "fifo"].map(|name| folder.file(name));
        for path in named.into_iter().chain(["/dev/zero".into(), "/dev/null".into()]) {
            let check = |refused: StoreError| {
                let right = matches!(refused, StoreError::NotAFile { .. });
                assert!(right, "{}: {refused}", path.display());
            };
            check(wait(FileStore::open(&path, b"", cost())).unwrap_err());
            check(private_file::replace(&path, b"").unwrap_err());
            check(private_file::create(&path).unwrap_err());
            #[cfg(feature = "redb")]
            check(wait(DatabaseStore::open(&path)).unwrap_err());
        }
        assert_eq!(fs::read(&target).unwrap(), b"somebody else's");
        assert!(!folder.file("nowhere").exists());
    }

    /// A link planted under the name that a new file has on its way is not followed.
    #[test]
    fn a_link_in_the_way_of_a_new_file_is_not_followed() {
        let folder = Folder::new("planted");
        let target = folder.file("target");
        fs::write(&target, b"somebody else's").unwrap();
        symlink(&target, folder.file("keys.new")).unwrap();
        private_file::replace(&folder.file("keys"), b"ours").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"somebody else's");
        assert_eq!(fs::read(folder.file("keys")).unwrap(), b"ours");
        assert_eq!(folder.names(), ["keys", "target"]);
    }
}
