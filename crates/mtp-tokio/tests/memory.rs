//! What an idle connection takes, at either end.
//!
//! Goal: whoever keeps thousands of clients, or serves them, pays for what they say and not for what they might.
//! Method: allocations are counted by thread, so one side lives on the test's own thread and the other on others;
//! calls have gone over every connection before the bytes are counted that are still there.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "it/support.rs"]
mod support;

use core::time::Duration;
use std::sync::Arc;

use allocation_counter::measure;
use mtp_crypto::{AuthKey, CtrEntropy, Salt};
use mtp_env::Entropy as _;
use mtp_session::client::{RequestOptions, Secrecy};
use mtp_session::established::{Established, KeyKind};
use mtp_tokio::store::{MemoryStore, ServerKeyChange, ServerStore};
use mtp_tokio::{Client, ClientOptions, Notices};
use tokio::runtime::{Builder, Runtime};

use support::{NEAREST_DC, Plan, World};

/// Bytes of heap that an idle client may take, its task, channels, session and link together.
const CLIENT_LEN_MAX: usize = 24 * 1024;

/// Bytes of heap that a data centre may take for an idle connection, its task and session included.
const SERVED_LEN_MAX: usize = 14 * 1024;

/// Enough that what both sides have only once is lost among them.
const CONNECTIONS: usize = 200;

/// Calls on each connection: more than fit one packet, of more than one turn.
const CALLS: usize = 20;

type Clients = Vec<(Client, Notices)>;

/// Returns the key of the client with this number: made without an exchange, whose memory would count.
fn key(number: usize) -> Established {
    let mut key = [0; AuthKey::LEN];
    CtrEntropy::from_number(number.try_into().unwrap()).fill(&mut key);
    Established {
        key: Arc::new(AuthKey::new(key).unwrap()),
        salt: Salt::from_raw(0),
        time_offset_ns: 0,
        kind: KeyKind::Permanent,
    }
}

/// Starts a data centre that knows the clients.
async fn world() -> World {
    let store = MemoryStore::new();
    let keys = (0..CONNECTIONS).map(|number| ServerKeyChange::Created(key(number))).collect();
    ServerStore::apply(&store, keys).await.unwrap();
    Plan { store: Some(Arc::new(store)), ..Plan::default() }.start().await
}

/// Connects a client and makes calls, some of them together.
async fn connect(mut options: ClientOptions, number: usize) -> (Client, Notices) {
    options.client.secrecy = Secrecy::Off;
    options.permanent = Some(key(number));
    let (client, notices) = Client::start(options);
    for _ in 0..CALLS / 4 {
        let call = || client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new());
        let (a, b, c, d) = tokio::join!(call(), call(), call(), call());
        for answer in [a, b, c, d] {
            assert!(answer.unwrap().starts_with(&NEAREST_DC.1));
        }
    }
    (client, notices)
}

async fn connect_all(options: ClientOptions) -> Clients {
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        clients.push(connect(options.clone(), number).await);
    }
    clients
}

fn on_this_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn on_another_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn each(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap() / CONNECTIONS
}

#[test]
fn an_idle_client_is_small() {
    let (here, there) = (on_this_thread(), on_another_thread());
    let world = there.block_on(world());
    let options = world.options();
    let mut clients = Clients::new();
    let counted = measure(|| clients = here.block_on(connect_all(options)));
    let len = each(counted.bytes_current);
    assert!(len <= CLIENT_LEN_MAX, "{len} bytes each");
    assert!(len > 1024, "{len} bytes: something was not counted");
    drop((clients, here));
    there.block_on(world.stop()).unwrap();
}

#[test]
fn an_idle_connection_is_small_at_the_data_centre() {
    let (here, there) = (on_this_thread(), on_another_thread());
    let world = here.block_on(world());
    let options = world.options();
    let mut clients = Clients::new();
    let counted = measure(|| {
        let connecting = there.spawn(connect_all(options));
        clients = here.block_on(connecting).unwrap();
    });
    let len = each(counted.bytes_current);
    assert!(len <= SERVED_LEN_MAX, "{len} bytes each");
    assert!(len > 1024, "{len} bytes: something was not counted");
    there.shutdown_timeout(Duration::from_secs(10));
    drop(clients);
    here.block_on(world.stop()).unwrap();
}
