//! Damaged databases: what is whole is served, the rest is named, nothing is thrown away.
//!
//! Method: a database of known keys is damaged in every way that a disk, a crash or a text editor can;
//! whatever opens must serve right keys only, and account for all that are missing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mtp_crypto::AuthKey;
use mtp_crypto::DcId;
use mtp_crypto::hash::sha256;
use mtp_session::established::Established;
use mtp_store::{
    ClientKeyChange, ClientKeyRecord, ClientStore, Damage, DamagedPart, DatabaseOptions,
    DatabaseStore, ServerKeyChange, ServerStore, StoreError, wait,
};

use crate::support::{Folder, describe, permanent};

const KEYS: u8 = 120;

/// Writes a database and returns its bytes.
fn whole(folder: &Folder) -> Vec<u8> {
    let path = folder.file("whole.redb");
    let store = wait(DatabaseStore::open(&path)).unwrap();
    let created = (1..=KEYS).map(|seed| ServerKeyChange::Created(permanent(seed))).collect();
    wait(ServerStore::apply(&store, created)).unwrap();
    let stored = ClientKeyChange::Stored(ClientKeyRecord::new(DcId::new(2), permanent(1)));
    wait(ClientStore::apply(&store, vec![stored])).unwrap();
    wait(store.salt_secret([7; 32])).unwrap();
    drop(store);
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    bytes
}

/// What a store serves, checked to be right.
struct Served {
    keys: BTreeSet<u8>,
    damage: Vec<Damage>,
}

fn serve(store: &DatabaseStore) -> Served {
    let loaded = wait(ServerStore::load(store)).unwrap();
    let keys = loaded.records.iter().map(|record| {
        let [seed, ..] = *record.established.key.as_bytes();
        assert_eq!(describe(&record.established), describe(&permanent(seed)));
        seed
    });
    Served { keys: keys.collect(), damage: loaded.damage }
}

/// Opens a file of these bytes, checks what is promised of any damage, and that the store goes on.
fn check(folder: &Folder, case: &str, bytes: &[u8], is_whole: bool) -> Served {
    let path = folder.file("keys.redb");
    for name in folder.names() {
        fs::remove_file(folder.file(&name)).unwrap();
    }
    fs::write(&path, bytes).unwrap();
    let store = match wait(DatabaseStore::open(&path)) {
        Ok(store) => store,
        Err(error) => panic!("{case}: {error}: {:?}", core::error::Error::source(&error)),
    };
    let served = serve(&store);
    if served.damage.is_empty() {
        assert_eq!(served.keys.len(), KEYS.into(), "{case}: a silent loss");
        assert!(is_whole || folder.names() == ["keys.redb"], "{case}");
    } else {
        assert!(!is_whole, "{case}: {:?}", served.damage);
        let missing = u64::from(KEYS) - served.keys.len() as u64;
        assert!(accounted(&served.damage).is_none_or(|lost| lost >= missing), "{case}");
        let kept = folder.file("keys.redb.damaged");
        assert!(served.damage.iter().all(|damage| damage.kept_at.as_ref() == Some(&kept)));
        assert!(fs::read(&kept).unwrap() == bytes, "{case}: the damaged file is kept as it was");
    }
    // It goes on, and opens without damage from now on.
    let created = ServerKeyChange::Created(permanent(200));
    wait(ServerStore::apply(&store, vec![created])).unwrap();
    let secret = wait(store.salt_secret([9; 32])).unwrap();
    drop(store);
    let store = wait(DatabaseStore::open(&path)).unwrap();
    let mut later = serve(&store);
    assert_eq!(later.damage, [], "{case}");
    assert!(later.keys.remove(&200), "{case}");
    assert_eq!(later.keys, served.keys, "{case}");
    assert_eq!(wait(store.salt_secret([8; 32])).unwrap(), secret, "{case}");
    served
}

/// Returns how many records are named as lost; `None` if that is not known.
fn accounted(damage: &[Damage]) -> Option<u64> {
    damage.iter().try_fold(0, |sum, damage| match damage.part {
        DamagedPart::Records { lost } => Some(sum + lost?),
        DamagedPart::File { .. } => Some(sum),
        _ => Some(sum + 1),
    })
}

#[test]
fn an_empty_file_is_not_taken_for_a_new_store() {
    let folder = Folder::new("damage-empty");
    let served = check(&folder, "empty", &[], false);
    let [file, records] = &*served.damage else { panic!("{:?}", served.damage) };
    let kept = folder.file("keys.redb.damaged");
    let text =
        format!("the file is damaged: it is empty; the damaged file is kept at {}", kept.display());
    assert_eq!(file.to_string(), text);
    assert_eq!(records.part, DamagedPart::Records { lost: None });
}

#[test]
fn damaged_files_are_kept_beside_earlier_ones() {
    let folder = Folder::new("damage-twice");
    let path = folder.file("keys.redb");
    for text in ["one", "two", "three"] {
        fs::write(&path, text).unwrap();
        let store = wait(DatabaseStore::open(&path)).unwrap();
        assert!(!serve(&store).damage.is_empty());
    }
    let kept = |name: &str| fs::read_to_string(folder.file(name)).unwrap();
    assert_eq!(kept("keys.redb.damaged"), "one");
    assert_eq!(kept("keys.redb.damaged-2"), "two");
    assert_eq!(kept("keys.redb.damaged-3"), "three");
}

#[test]
fn truncated_databases_open_with_what_is_left() {
    let folder = Folder::new("damage-truncated");
    let bytes = whole(&folder);
    check(&folder, "whole", &bytes, true);
    let mut best = 0;
    let pages = (0..bytes.len()).step_by(4096);
    for len in [1, 8, 9, 63, 64, 319, 320, 321, 4095].into_iter().chain(pages.skip(1)) {
        let served = check(&folder, &format!("{len} bytes"), &bytes[..len], false);
        assert!(!served.damage.is_empty(), "{len} bytes");
        best = best.max(served.keys.len());
    }
    assert!(best > usize::from(KEYS) * 9 / 10, "the last page holds few of the keys: {best}");
}

#[test]
fn zeroed_pages_lose_no_key_silently() {
    let folder = Folder::new("damage-zeros");
    let bytes = whole(&folder);
    for at in (0..bytes.len()).step_by(4096) {
        if bytes[at..at + 4096].iter().any(|byte| *byte != 0) {
            let mut bytes = bytes.clone();
            bytes[at..at + 4096].fill(0);
            check(&folder, &format!("page at {at} zeroed"), &bytes, false);
        }
    }
}

#[test]
fn flipped_bits_lose_no_key_silently() {
    let folder = Folder::new("damage-bits");
    let bytes = whole(&folder);
    let used: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let mut served = 0;
    for round in 0..400_u32 {
        let [a, b, c, d, bit, ..] = sha256(&[&round.to_le_bytes()]);
        // Headers decide most, so every fourth flip is there.
        let choice = u32::from_le_bytes([a, b, c, d]) as usize;
        let at = if round % 4 == 0 { choice % 320 } else { used[choice % used.len()] };
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (bit % 8);
        // Another format of the library's is a refusal, not damage.
        if at == 64 || at == 192 {
            continue;
        }
        served +=
            check(&folder, &format!("bit {} of byte {at}", bit % 8), &bytes, false).keys.len();
    }
    assert!(served > 400 * usize::from(KEYS) / 2, "{served} keys served");
}

#[test]
fn a_newer_format_is_refused_and_left_untouched() {
    let folder = Folder::new("damage-newer");
    let path = folder.file("keys.redb");
    let refuse = |bytes: &[u8], wanted: (u64, u64)| {
        let refused = wait(DatabaseStore::open(&path)).unwrap_err();
        let StoreError::Newer { found, known } = refused else { panic!("{refused}") };
        assert_eq!((found, known), wanted);
        assert!(fs::read(&path).unwrap() == bytes);
        assert_eq!(folder.names(), ["keys.redb"]);
    };
    // A later format of ours.
    let newer = |path: &Path, table: &'static str, record: &[u8]| {
        let database = redb::Database::create(path).unwrap();
        let begun = database.begin_write().unwrap();
        if table == "meta" {
            let name = redb::TableDefinition::<&str, &[u8]>::new(table);
            begun.open_table(name).unwrap().insert("format", record).unwrap();
        } else {
            let name = redb::TableDefinition::<u64, &[u8]>::new(table);
            begun.open_table(name).unwrap().insert(7, record).unwrap();
        }
        begun.commit().unwrap();
        drop(database);
        fs::read(path).unwrap()
    };
    let summed = |bytes: &[u8]| [bytes, &sha256(&[bytes])[..8]].concat();
    let bytes = newer(&path, "meta", &summed(&3_u64.to_le_bytes()));
    refuse(&bytes, (3, 2));
    fs::remove_file(&path).unwrap();
    // A later record in a file of this format.
    let bytes = newer(&path, "server_keys", &summed(&[3; 400]));
    refuse(&bytes, (3, 2));
    // A later format of the library's.
    let mut bytes = whole(&folder);
    (bytes[64], bytes[192]) = (4, 4);
    fs::write(&path, &bytes).unwrap();
    refuse(&bytes, (4, 3));
}

#[test]
fn a_database_is_open_once() {
    let folder = Folder::new("damage-locked");
    let path = folder.file("keys.redb");
    let open = wait(DatabaseStore::open(&path)).unwrap();
    let twice = wait(DatabaseStore::open(&path)).unwrap_err();
    assert!(matches!(twice, StoreError::Locked { .. }), "{twice}");
    drop(open);
    drop(wait(DatabaseStore::open(&path)).unwrap());
}

/// A full disk refuses changes, as a whole; what is stored is served, and there is a way back.
#[test]
fn a_full_disk_refuses_changes_until_there_is_room() {
    let folder = Folder::new("damage-full");
    let path = folder.file("keys.redb");
    // Closed, it has little room left for more.
    drop(wait(DatabaseStore::open(&path)).unwrap());
    let mut options = DatabaseOptions::new();
    options.bytes_max = 0;
    let store = wait(DatabaseStore::open_with(&path, &options)).unwrap();
    let mut kept = BTreeSet::new();
    let mut refused = 0;
    let mut batches = (0_u32..).map(|batch| (0..100).map(move |key| numbered(100 * batch + key)));
    let ids = |batch: &[Established]| -> Vec<_> { batch.iter().map(|key| key.key.id()).collect() };
    while refused < 5 {
        let batch: Vec<_> = batches.next().unwrap().collect();
        let created = batch.iter().cloned().map(ServerKeyChange::Created).collect();
        match wait(ServerStore::apply(&store, created)) {
            Ok(()) => kept.extend(ids(&batch)),
            Err(error) => {
                assert!(error.is_full(), "{error}: {:?}", core::error::Error::source(&error));
                refused += 1;
            }
        }
        let loaded = wait(ServerStore::load(&store)).unwrap();
        let served: Vec<_> = loaded.records.into_iter().map(|key| key.established).collect();
        assert_eq!(ids(&served).into_iter().collect::<BTreeSet<_>>(), kept);
    }
    // A restart on the full disk serves too.
    drop(store);
    let store = wait(DatabaseStore::open_with(&path, &options)).unwrap();
    let loaded = wait(ServerStore::load(&store)).unwrap();
    assert_eq!((loaded.records.len(), loaded.damage), (kept.len(), vec![]));
    store.set_bytes_max(u64::MAX);
    let created = batches.next().unwrap().map(ServerKeyChange::Created).collect();
    wait(ServerStore::apply(&store, created)).unwrap();
    assert_eq!(wait(ServerStore::load(&store)).unwrap().records.len(), kept.len() + 100);
}

/// One of more keys than there are seeds.
fn numbered(number: u32) -> Established {
    let mut key = permanent(1);
    let bytes = sha256(&[&number.to_le_bytes()]).repeat(8);
    key.key = Arc::new(AuthKey::new(bytes.try_into().unwrap()).unwrap());
    key
}
