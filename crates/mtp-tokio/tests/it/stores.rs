//! A server and its key store, on loopback.
//!
//! Goal: no key is acknowledged that is not stored, a slow store holds up only the links whose keys it stores,
//! and a store that fails refuses new keys and nothing else. Method: stores that wait, fail or copy their
//! file when the test wants it, and clients that report the keys they heard of.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::io;
use std::sync::{Arc, Mutex};

use mtp_session::client::RequestOptions;
use mtp_tokio::server::ServerNotice;
#[cfg(feature = "redb")]
use mtp_tokio::store::DatabaseStore;
use mtp_tokio::store::{
    Loaded, MemoryStore, ServerKeyChange, ServerKeyRecord, ServerStore, StoreError, StoreFuture,
};
use mtp_tokio::{Client, Notice};
use tokio::sync::Semaphore;
#[cfg(feature = "redb")]
use tokio::task::JoinSet;

use crate::support::{NEAREST_DC, Plan, run, until};

async fn ask(client: &Client) {
    let answer = client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new()).await.unwrap();
    assert!(answer.starts_with(&NEAREST_DC.1));
}

/// A memory whose changes wait or fail.
#[derive(Default)]
struct Faulty {
    inner: MemoryStore,
    /// Changes need a permit, if there is one.
    permits: Option<Semaphore>,
    fails: AtomicBool,
    /// Flushes that succeed before it fails for good.
    left: Option<Mutex<usize>>,
    stored: AtomicUsize,
}

impl ServerStore for Faulty {
    fn salt_secret(&self, fresh: [u8; 32]) -> StoreFuture<'_, [u8; 32]> {
        self.inner.salt_secret(fresh)
    }

    fn load(&self) -> StoreFuture<'_, Loaded<ServerKeyRecord>> {
        ServerStore::load(&self.inner)
    }

    fn apply(&self, changes: Vec<ServerKeyChange>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            if let Some(permits) = &self.permits {
                permits.acquire().await.unwrap().forget();
            }
            let spent = self.left.as_ref().is_some_and(|left| {
                let mut left = left.lock().unwrap();
                left.checked_sub(1).map(|less| *left = less).is_none()
            });
            if spent || self.fails.load(Ordering::Relaxed) {
                let error = io::ErrorKind::StorageFull.into();
                return Err(StoreError::Io { path: "keys".into(), error });
            }
            self.stored.fetch_add(changes.len(), Ordering::Relaxed);
            ServerStore::apply(&self.inner, changes).await
        })
    }
}

#[test]
fn no_key_is_acknowledged_before_it_is_stored() {
    run(async {
        for left in 0..3 {
            let store = Arc::new(Faulty { left: Some(Mutex::new(left)), ..Faulty::default() });
            let world = Plan { store: Some(store.clone()), ..Plan::default() }.start().await;
            let (client, mut notices) = Client::start(world.options());
            let mut heard = 0;
            loop {
                match notices.recv().await.unwrap() {
                    // Two keys, and that one is bound to the other.
                    Notice::KeyCreated(_) | Notice::Ready => heard += 1,
                    Notice::Disconnected { .. } => break,
                    _ => {}
                }
            }
            assert_eq!((heard, store.stored.load(Ordering::Relaxed)), (left, left));
            client.close().await.unwrap();
            world.stop().await.unwrap();
        }
    });
}

#[test]
fn a_store_that_fails_refuses_new_keys_until_it_recovers() {
    run(async {
        let store = Arc::new(Faulty::default());
        let states = Arc::new(Mutex::new(Vec::new()));
        let noted = states.clone();
        let mut plan = Plan { store: Some(store.clone()), ..Plan::default() };
        plan.observer = Some(Box::new(move |notice| match notice {
            ServerNotice::StoreFailed(error) => noted.lock().unwrap().push(error.is_full()),
            ServerNotice::StoreRecovered => noted.lock().unwrap().push(false),
            _ => {}
        }));
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        store.fails.store(true, Ordering::Relaxed);
        let (newcomer, mut notices) = Client::start(world.options());
        // Refused again and again; the server goes on, and those with a key notice nothing.
        for _ in 0..3 {
            match notices.recv().await.unwrap() {
                Notice::KeyCreated(_) | Notice::Ready => panic!("a key that is not stored"),
                _ => {}
            }
            until(&mut notices, |notice| matches!(notice, Notice::Disconnected { .. })).await;
            ask(&client).await;
        }
        assert_eq!(*states.lock().unwrap(), [true], "said once");
        store.fails.store(false, Ordering::Relaxed);
        newcomer.ready().await.unwrap();
        ask(&newcomer).await;
        assert_eq!(*states.lock().unwrap(), [true, false]);
        // Only keys that a client heard of are stored.
        newcomer.close().await.unwrap();
        let mut heard = 0;
        while let Some(notice) = notices.recv().await {
            heard += usize::from(matches!(notice, Notice::KeyCreated(_)));
        }
        client.close().await.unwrap();
        world.stop().await.unwrap();
        let stored = ServerStore::load(&*store).await.unwrap().records.len();
        assert_eq!((heard, stored), (2, 4));
    });
}

#[test]
fn a_slow_store_holds_up_only_the_links_whose_keys_it_stores() {
    run(async {
        let permits = Some(Semaphore::new(3));
        let store = Arc::new(Faulty { permits, ..Faulty::default() });
        let world = Plan { store: Some(store.clone()), ..Plan::default() }.start().await;
        // Its two keys and their binding take the permits.
        let (client, _notices) = Client::start(world.options());
        client.ready().await.unwrap();
        let (newcomer, mut notices) = Client::start(world.options());
        until(&mut notices, |notice| matches!(notice, Notice::Connected)).await;
        let mut heard = false;
        for _ in 0..200 {
            ask(&client).await;
            client.ping().await.unwrap();
            while let Ok(notice) = notices.try_recv() {
                heard |= matches!(notice, Notice::KeyCreated(_));
            }
        }
        assert!(!heard, "a key that is not stored");
        store.permits.as_ref().unwrap().add_permits(100);
        newcomer.ready().await.unwrap();
        ask(&newcomer).await;
        newcomer.close().await.unwrap();
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// Stored keys are known to the next server, with what they are bound to.
#[test]
fn stored_keys_survive_a_restart() {
    run(async {
        let store = Arc::new(MemoryStore::new());
        let plan = |address: Option<SocketAddr>| {
            let mut plan = Plan { store: Some(store.clone()), ..Plan::default() };
            plan.address = address.unwrap_or(plan.address);
            plan
        };
        let world = plan(None).start().await;
        let (client, mut notices) = Client::start(world.options());
        ask(&client).await;
        let address = world.address;
        world.stop().await.unwrap();
        let world = plan(Some(address)).start().await;
        ask(&client).await;
        client.close().await.unwrap();
        let mut keys = 0;
        while let Some(notice) = notices.recv().await {
            keys += usize::from(matches!(notice, Notice::KeyCreated(_)));
        }
        assert_eq!(keys, 2, "none is created anew");
        world.stop().await.unwrap();
    });
}

/// A server is killed under load and another started on what its disk held: clients go on with every key
/// that they heard of.
#[cfg(feature = "redb")]
#[test]
fn a_killed_server_loses_no_key_that_a_client_heard_of() {
    run(async {
        let folder = std::env::temp_dir().join(format!("mtp-tokio-killed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let latest = Arc::new(Mutex::new(0));
        let path = folder.join("keys");
        let inner = DatabaseStore::open(&path).await.unwrap();
        let store = Photographed { inner, folder: folder.clone(), latest: latest.clone() };
        let plan = Plan { store: Some(Arc::new(store)), ..Plan::default() };
        let world = plan.start().await;
        let address = world.address;
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let (options, folder, latest) = (world.options(), folder.clone(), latest.clone());
            clients.spawn(async move {
                let (client, mut notices) = Client::start(options);
                let mut keys = Vec::new();
                loop {
                    match notices.recv().await.unwrap() {
                        Notice::KeyCreated(established) => keys.push(established.key.id()),
                        Notice::Ready => break,
                        _ => continue,
                    }
                    // What the disk holds when the client hears of a key.
                    let photo = *latest.lock().unwrap();
                    let stored = photographed(&folder, photo).await;
                    let has = |key| stored.iter().any(|one| one.established.key.id() == key);
                    assert!(keys.iter().all(|key| has(*key)), "of {keys:?} one is lost");
                }
                (client, notices)
            });
        }
        let clients = clients.join_all().await;
        world.kill().await;
        let photo = latest.lock().unwrap().to_string();
        let store = DatabaseStore::open(folder.join(photo)).await.unwrap();
        let plan = Plan { store: Some(Arc::new(store)), address, ..Plan::default() };
        let world = plan.start().await;
        for (client, mut notices) in clients {
            ask(&client).await;
            client.close().await.unwrap();
            while let Some(notice) = notices.recv().await {
                assert!(!matches!(notice, Notice::KeyCreated(_)), "none is created anew");
            }
        }
        world.stop().await.unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    });
}

/// A database whose file is copied when a change is durable: what a crash then would leave.
#[cfg(feature = "redb")]
struct Photographed {
    inner: DatabaseStore,
    folder: std::path::PathBuf,
    /// The name of the latest copy.
    latest: Arc<Mutex<usize>>,
}

#[cfg(feature = "redb")]
impl ServerStore for Photographed {
    fn salt_secret(&self, fresh: [u8; 32]) -> StoreFuture<'_, [u8; 32]> {
        self.inner.salt_secret(fresh)
    }

    fn load(&self) -> StoreFuture<'_, Loaded<ServerKeyRecord>> {
        ServerStore::load(&self.inner)
    }

    fn apply(&self, changes: Vec<ServerKeyChange>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            ServerStore::apply(&self.inner, changes).await?;
            let mut latest = self.latest.lock().unwrap();
            let next = *latest + 1;
            let copy = self.folder.join(next.to_string());
            std::fs::copy(self.folder.join("keys"), copy).unwrap();
            *latest = next;
            Ok(())
        })
    }
}

/// Reads a copy, of which a copy is made because opening changes it.
#[cfg(feature = "redb")]
async fn photographed(folder: &std::path::Path, photo: usize) -> Vec<ServerKeyRecord> {
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    let copy = folder.join(format!("copy {}", COPIES.fetch_add(1, Ordering::Relaxed)));
    std::fs::copy(folder.join(photo.to_string()), &copy).unwrap();
    let loaded = ServerStore::load(&DatabaseStore::open(copy).await.unwrap()).await.unwrap();
    assert_eq!(loaded.damage, []);
    loaded.records
}
