//! What every store promises, tested over all of them.
//!
//! Method: each test is a function of a way to open a store, called once for each store. Opening again
//! is a restart; memory, which promises nothing over a restart, keeps its handle.

use std::sync::Arc;

use mtp_crypto::AuthKeyId;
use mtp_crypto::DcId;
#[cfg(feature = "redb")]
use mtp_store::DatabaseStore;
use mtp_store::{
    ClientKeyChange, ClientKeyRecord, ClientStore, FileStore, MemoryStore, ServerKeyChange,
    ServerStore, wait,
};

use crate::support::{Folder, cost, describe, permanent, temporary};

type OpenClient<'a> = &'a mut dyn FnMut(Option<Arc<dyn ClientStore>>) -> Arc<dyn ClientStore>;
type OpenServer<'a> = &'a mut dyn FnMut(Option<Arc<dyn ServerStore>>) -> Arc<dyn ServerStore>;

type ClientTest = fn(OpenClient<'_>);
type ServerTest = fn(OpenServer<'_>);

const CLIENT_TESTS: &[(&str, ClientTest)] = &[
    ("stored keys survive", stored_client_keys_survive),
    ("removed keys are gone", removed_client_keys_are_gone),
    ("batches keep their order", client_batches_keep_their_order),
    ("unawaited operations happen in order", unawaited_client_operations_happen),
    ("a batch may be empty", an_empty_client_batch_changes_nothing),
];

const SERVER_TESTS: &[(&str, ServerTest)] = &[
    ("created keys survive, permanent ones first", created_server_keys_survive),
    ("bindings survive", bindings_survive),
    ("changes to missing keys do nothing", changes_to_missing_keys_do_nothing),
    ("the first salt secret stays", the_first_salt_secret_stays),
    ("batches made together keep their order", batches_made_together_keep_their_order),
    ("a batch may be empty", an_empty_server_batch_changes_nothing),
];

#[test]
fn memory_conforms() {
    for (name, test) in CLIENT_TESTS {
        println!("memory, client: {name}");
        test(&mut |store| store.unwrap_or_else(|| Arc::new(MemoryStore::new())));
    }
    for (name, test) in SERVER_TESTS {
        println!("memory, server: {name}");
        test(&mut |store| store.unwrap_or_else(|| Arc::new(MemoryStore::new())));
    }
}

#[test]
fn a_sealed_file_conforms() {
    for (name, test) in CLIENT_TESTS {
        println!("file, client: {name}");
        let folder = Folder::new("file-conforms");
        let path = folder.file("keys");
        test(&mut |store| {
            drop(store);
            Arc::new(wait(FileStore::open(&path, b"secret", cost())).unwrap())
        });
    }
}

#[cfg(feature = "redb")]
#[test]
fn a_database_conforms() {
    let open = |path: &std::path::Path| Arc::new(wait(DatabaseStore::open(path)).unwrap());
    for (name, test) in CLIENT_TESTS {
        println!("database, client: {name}");
        let folder = Folder::new("database-client-conforms");
        let path = folder.file("keys.redb");
        test(&mut |store| {
            drop(store);
            open(&path)
        });
    }
    for (name, test) in SERVER_TESTS {
        println!("database, server: {name}");
        let folder = Folder::new("database-server-conforms");
        let path = folder.file("keys.redb");
        test(&mut |store| {
            drop(store);
            open(&path)
        });
        assert_eq!(folder.names(), ["keys.redb"], "nothing is left beside it");
    }
}

fn stored(dc: i32, seed: u8) -> ClientKeyChange {
    ClientKeyChange::Stored(ClientKeyRecord::new(DcId::new(dc), permanent(seed)))
}

/// Returns the seeds of a client's keys by data center, after comparing the keys as a whole.
fn client_seeds(store: &dyn ClientStore) -> Vec<(i32, u8)> {
    let loaded = wait(store.load()).unwrap();
    assert_eq!(loaded.damage, []);
    let seeds = loaded.records.iter().map(|record| {
        let [seed, ..] = *record.established.key.as_bytes();
        assert_eq!(describe(&record.established), describe(&permanent(seed)));
        (record.dc.as_i32(), seed)
    });
    let mut seeds: Vec<_> = seeds.collect();
    seeds.sort_unstable();
    seeds
}

fn stored_client_keys_survive(open: OpenClient<'_>) {
    let store = open(None);
    assert_eq!(client_seeds(&*store), []);
    wait(store.apply(vec![stored(2, 1), stored(-4, 3)])).unwrap();
    wait(store.apply(vec![stored(2, 2)])).unwrap();
    assert_eq!(client_seeds(&*store), [(-4, 3), (2, 2)]);
    let store = open(Some(store));
    assert_eq!(client_seeds(&*store), [(-4, 3), (2, 2)]);
}

fn removed_client_keys_are_gone(open: OpenClient<'_>) {
    let store = open(None);
    wait(store.apply(vec![ClientKeyChange::Removed(DcId::new(2))])).unwrap();
    wait(store.apply(vec![stored(2, 1), stored(4, 3)])).unwrap();
    let store = open(Some(store));
    wait(store.apply(vec![ClientKeyChange::Removed(DcId::new(2))])).unwrap();
    let store = open(Some(store));
    assert_eq!(client_seeds(&*store), [(4, 3)]);
}

fn client_batches_keep_their_order(open: OpenClient<'_>) {
    let store = open(None);
    let removed = ClientKeyChange::Removed(DcId::new(2));
    wait(store.apply(vec![stored(2, 1), removed.clone(), stored(2, 5), stored(4, 6)])).unwrap();
    wait(store.apply(vec![stored(4, 7), removed])).unwrap();
    let store = open(Some(store));
    assert_eq!(client_seeds(&*store), [(4, 7)]);
}

fn unawaited_client_operations_happen(open: OpenClient<'_>) {
    let store = open(None);
    for seed in 1..20 {
        drop(store.apply(vec![stored(2, seed)]));
    }
    assert_eq!(client_seeds(&*store), [(2, 19)]);
}

fn an_empty_client_batch_changes_nothing(open: OpenClient<'_>) {
    let store = open(None);
    wait(store.apply(vec![stored(2, 1)])).unwrap();
    wait(store.apply(Vec::new())).unwrap();
    let store = open(Some(store));
    assert_eq!(client_seeds(&*store), [(2, 1)]);
}

fn bound(temporary: u8, permanent: AuthKeyId) -> ServerKeyChange {
    ServerKeyChange::Bound { temporary: id(temporary), permanent }
}

fn id(seed: u8) -> AuthKeyId {
    permanent(seed).key.id()
}

/// Returns the seeds of a server's keys and what they are bound to.
fn server_seeds(store: &dyn ServerStore) -> Vec<(u8, Option<AuthKeyId>)> {
    let loaded = wait(store.load()).unwrap();
    assert_eq!(loaded.damage, []);
    let temporary = |record: &&mtp_store::ServerKeyRecord| record.established.kind.is_temporary();
    let later = loaded.records.iter().skip_while(|record| !temporary(record));
    assert!(later.clone().all(|record| temporary(&record)), "permanent keys come first");
    let seeds = loaded.records.iter().map(|record| {
        let [seed, ..] = *record.established.key.as_bytes();
        (seed, record.bound_to)
    });
    let mut seeds: Vec<_> = seeds.collect();
    seeds.sort_unstable_by_key(|(seed, _)| *seed);
    seeds
}

fn created_server_keys_survive(open: OpenServer<'_>) {
    let store = open(None);
    assert_eq!(server_seeds(&*store), []);
    let keys = [temporary(3, false), permanent(6), temporary(4, true), permanent(1)];
    let created = keys.iter().cloned().map(ServerKeyChange::Created).collect();
    wait(store.apply(created)).unwrap();
    let store = open(Some(store));
    assert_eq!(server_seeds(&*store), [(1, None), (3, None), (4, None), (6, None)]);
    for record in wait(store.load()).unwrap().records {
        let same = keys.iter().any(|key| describe(key) == describe(&record.established));
        assert!(same, "{record:?}");
    }
}

fn bindings_survive(open: OpenServer<'_>) {
    let store = open(None);
    let created = [temporary(3, false), permanent(6)].map(ServerKeyChange::Created);
    let [temporary, permanent] = created;
    wait(store.apply(vec![temporary, permanent, bound(3, id(6))])).unwrap();
    let store = open(Some(store));
    assert_eq!(server_seeds(&*store), [(3, Some(id(6))), (6, None)]);
}

fn changes_to_missing_keys_do_nothing(open: OpenServer<'_>) {
    let store = open(None);
    let gone = ServerKeyChange::Created(temporary(5, false));
    wait(store.apply(vec![gone])).unwrap();
    let destroyed = ServerKeyChange::Destroyed(id(5));
    wait(store.apply(vec![destroyed.clone(), bound(5, id(6)), destroyed])).unwrap();
    let store = open(Some(store));
    assert_eq!(server_seeds(&*store), []);
}

fn the_first_salt_secret_stays(open: OpenServer<'_>) {
    let store = open(None);
    assert_eq!(wait(store.salt_secret([1; 32])).unwrap(), [1; 32]);
    assert_eq!(wait(store.salt_secret([2; 32])).unwrap(), [1; 32]);
    let store = open(Some(store));
    assert_eq!(wait(store.salt_secret([3; 32])).unwrap(), [1; 32]);
}

fn batches_made_together_keep_their_order(open: OpenServer<'_>) {
    let store = open(None);
    let mut outcomes = Vec::new();
    for seed in 1..=50 {
        outcomes.push(store.apply(vec![ServerKeyChange::Created(temporary(seed, false))]));
        outcomes.push(store.apply(vec![bound(seed, id(60)), bound(seed, id(61))]));
        if seed > 5 {
            outcomes.push(store.apply(vec![ServerKeyChange::Destroyed(id(seed))]));
        }
    }
    for outcome in outcomes {
        wait(outcome).unwrap();
    }
    let store = open(Some(store));
    let left: Vec<_> = (1..=5).map(|seed| (seed, Some(id(61)))).collect();
    assert_eq!(server_seeds(&*store), left);
}

fn an_empty_server_batch_changes_nothing(open: OpenServer<'_>) {
    let store = open(None);
    wait(store.apply(vec![ServerKeyChange::Created(permanent(1))])).unwrap();
    wait(store.apply(Vec::new())).unwrap();
    let store = open(Some(store));
    assert_eq!(server_seeds(&*store), [(1, None)]);
}
