//! Stores that earlier versions of the program wrote open, and lose nothing.

use std::fs;
use std::path::PathBuf;

use mtp_store::{ClientStore, FileStore, wait};

use crate::support::Folder;

/// Copies a sample, so that it stays as it is.
fn copy(folder: &Folder, sample: &str) -> PathBuf {
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples");
    let path = folder.file(sample);
    fs::copy(samples.join(sample), &path).unwrap();
    path
}

#[test]
fn a_session_of_version_1_opens() {
    let folder = Folder::new("sample-session");
    let path = copy(&folder, "v1-session.key");
    // The file states the cost of its key; this one is for the next change.
    let cost = mtp_crypto::key_file::Cost::new(8, 1, 1).unwrap();
    let store = wait(FileStore::open(&path, b"sample", cost)).unwrap();
    let loaded = wait(store.load()).unwrap();
    let [record] = &*loaded.records else { panic!("{loaded:?}") };
    assert_eq!(record.dc.as_i32(), 2);
    assert_eq!(record.established.key.id().as_raw(), 0xbce6_2a38_f072_f373);
}

#[cfg(feature = "redb")]
mod database {
    use mtp_crypto::AuthKeyId;
    use mtp_session::established::KeyKind;
    use mtp_store::{DatabaseStore, ServerKeyChange, ServerStore};

    use super::*;

    /// The ids of all keys in their order, and what they are bound to.
    fn keys(store: &DatabaseStore) -> Vec<(u64, Option<u64>)> {
        let loaded = wait(ServerStore::load(store)).unwrap();
        assert_eq!(loaded.damage, []);
        let keys = loaded.records.iter().map(|record| {
            let kind = record.established.kind;
            assert_eq!(kind == KeyKind::Permanent, record.bound_to.is_none());
            (record.established.key.id().as_raw(), record.bound_to.map(AuthKeyId::as_raw))
        });
        keys.collect()
    }

    #[test]
    fn a_database_of_version_1_opens_and_goes_on() {
        let folder = Folder::new("sample-database");
        let path = copy(&folder, "v1-keys.redb");
        let permanent = [(0x0563_d9ab_178e_596f, None), (0xbce6_2a38_f072_f373, None)];
        let temporary = [
            (0x3f0d_0920_fa84_ccea, Some(0x0563_d9ab_178e_596f)),
            (0x933f_f390_ac6e_3931, Some(0xbce6_2a38_f072_f373)),
        ];
        let store = wait(DatabaseStore::open(&path)).unwrap();
        assert_eq!(keys(&store), [permanent, temporary].concat());
        let secret = wait(store.salt_secret([0; 32])).unwrap();
        assert_ne!(secret, [0; 32], "there was one");
        let gone = ServerKeyChange::Destroyed(AuthKeyId::from_raw(temporary[0].0));
        wait(ServerStore::apply(&store, vec![gone])).unwrap();
        drop(store);
        let store = wait(DatabaseStore::open(&path)).unwrap();
        assert_eq!(keys(&store), [&permanent[..], &temporary[1..]].concat());
        assert_eq!(wait(store.salt_secret([0; 32])).unwrap(), secret);
        assert_eq!(folder.names(), ["v1-keys.redb"]);
    }

    #[test]
    fn a_database_whose_program_was_killed_opens() {
        let folder = Folder::new("sample-killed");
        let path = copy(&folder, "v1-killed.redb");
        for _ in 0..2 {
            let store = wait(DatabaseStore::open(&path)).unwrap();
            assert_eq!(keys(&store).len(), 2);
            assert_ne!(wait(store.salt_secret([0; 32])).unwrap(), [0; 32]);
        }
        assert_eq!(folder.names(), ["v1-killed.redb"]);
    }
}
