//! What a server withstands, on loopback.
//!
//! Goal: whatever some sockets do or leave undone, honest clients are served meanwhile, sockets that are
//! good for nothing end, and no key is acknowledged that the store does not have. Method: real sockets,
//! limits of milliseconds, and waiting for what must happen instead of sleeping.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use core::net::SocketAddr;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use mtp_crypto::{CtrEntropy, Entropy as _};
use mtp_dc::{Answer, DcEvent};
use mtp_session::session::RequestOptions;
use mtp_tokio::server::{EventHandler, ServeError};
use mtp_tokio::store::{KeyChange, MemoryStore, ServerStore, StoreError, StoredKey};
use mtp_tokio::{Client, Notice, ServerOptions};
use mtp_transport::Framing;
use mtp_transport::link::Stack;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use support::{NEAREST_DC, Plan, client_options, run};

async fn ask(client: &Client) {
    let answer = client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new()).await.unwrap();
    assert!(answer.starts_with(&NEAREST_DC.1));
}

/// Short enough to be seen, long enough for a slow machine's honest clients.
fn hasty() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.write_timeout = Duration::from_millis(200);
    options
}

/// Connects, sends, and waits until the server ends it; returns how many bytes it sent before.
async fn visit(address: SocketAddr, bytes: Vec<u8>) -> usize {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The server may end it while it is being written.
    let _ = socket.write_all(&bytes).await;
    let mut received = Vec::new();
    let _ = socket.read_to_end(&mut received).await;
    received.len()
}

#[test]
fn useless_sockets_end_and_honest_clients_are_served_meanwhile() {
    run(async {
        let mut plan = Plan { options: hasty(), ..Plan::default() };
        plan.admission.proof_time = Duration::from_secs(2);
        plan.link.handshake_timeout = Duration::from_millis(500);
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        let mut visits = JoinSet::new();
        let mut entropy = CtrEntropy::from_number(1);
        for number in 0..1_200_usize {
            let mut random = vec![0; 300];
            entropy.fill(&mut random);
            let bytes = match number % 6 {
                // Says nothing.
                0 => Vec::new(),
                // Begins an obfuscated header and stops.
                1 => random[..20].to_vec(),
                // Random bytes, which make a good header.
                2 => random,
                // Announces the largest frame there is, and a little of it.
                3 => [&[0xee; 4][..], &[0xff, 0xff, 0xff, 0x7f], &random].concat(),
                // An encrypted packet under a key that nobody has.
                4 => [&[0xee; 4][..], &80_u32.to_le_bytes(), &random[..80]].concat(),
                // A framing and then nothing.
                _ => vec![0xee; 4],
            };
            visits.spawn(visit(world.address, bytes));
            if number % 100 == 0 {
                ask(&client).await;
            }
        }
        let (newcomer, _) = Client::start(world.options());
        ask(&newcomer).await;
        while let Some(visited) = visits.join_next().await {
            // At most a transport error.
            assert!(visited.unwrap() <= 16);
        }
        ask(&client).await;
        client.close().await.unwrap();
        newcomer.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

#[test]
fn an_address_has_so_many_sockets() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.unproven_per_address_max = 2;
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        let first = TcpStream::connect(world.address).await.unwrap();
        let second = TcpStream::connect(world.address).await.unwrap();
        // The third besides the client's is closed at once.
        assert_eq!(visit(world.address, Vec::new()).await, 0);
        ask(&client).await;
        drop((first, second));
        // Somebody else can come as soon as the server has noticed.
        let (newcomer, _) = Client::start(world.options());
        ask(&newcomer).await;
        world.stop().await.unwrap();
    });
}

/// Who does not read is closed, and gets over the next socket what did not fit into the first.
#[test]
fn slow_readers_end() {
    run(async {
        // Nothing that could be packed.
        let mut much = vec![0; 1 << 20];
        CtrEntropy::from_number(1).fill(&mut much);
        let answer = Answer::Result(much);
        let handler: EventHandler = Box::new(move |center, now, event| {
            if let DcEvent::Call { session, id, .. } = event {
                center.answer(now, session, id, &answer).unwrap();
            }
        });
        let server = Plan { handler, options: hasty(), ..Plan::default() }.bind().await;
        let address = server.local_addr().unwrap();
        // The first socket takes a key exchange and a little more.
        let sockets = AtomicUsize::new(0);
        let (ended, mut ends) = mpsc::unbounded_channel();
        let wrap = move |stream| {
            let left =
                if sockets.fetch_add(1, Ordering::Relaxed) == 0 { 1 << 16 } else { usize::MAX };
            core::future::ready(Ok(Stingy { stream, left, ended: ended.clone() }))
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.run_through(wrap, async {
            let _ = stopped.await;
        }));
        let stack = Stack::Plain(Framing::Intermediate);
        let (client, _notices) = Client::start(client_options(address, stack));
        let answer = client.invoke_raw(b"much".to_vec(), RequestOptions::new()).await.unwrap();
        assert_eq!(answer.len(), 1 << 20);
        assert_eq!(ends.recv().await, Some(0), "it ended when nothing more went into it");
        client.close().await.unwrap();
        drop(stop);
        serving.await.unwrap().unwrap();
    });
}

/// A socket of which the other side reads no more than so many bytes.
struct Stingy {
    stream: TcpStream,
    left: usize,
    /// Told how many were left when the server closed it.
    ended: mpsc::UnboundedSender<usize>,
}

impl Drop for Stingy {
    fn drop(&mut self) {
        let _ = self.ended.send(self.left);
    }
}

impl AsyncRead for Stingy {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, room)
    }
}

impl AsyncWrite for Stingy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(self.left)];
        if bytes.is_empty() {
            return Poll::Pending;
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.left -= *written.as_ref().unwrap_or(&0);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A store that fails at a given change.
struct FailingStore {
    inner: MemoryStore,
    left: usize,
    kept: Arc<Mutex<usize>>,
}

impl ServerStore for FailingStore {
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.inner.salt_secret(fresh)
    }

    fn load(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        ServerStore::load(&mut self.inner)
    }

    fn apply(&mut self, changes: &[KeyChange]) -> Result<(), StoreError> {
        self.left = self.left.checked_sub(1).ok_or(StoreError::Record { len: 0 })?;
        *self.kept.lock().unwrap() += changes.len();
        self.inner.apply(changes)
    }
}

/// A server whose store fails ends, and nobody has heard of the key that was not kept.
#[test]
fn no_key_is_acknowledged_before_it_is_kept() {
    run(async {
        for left in 0..3 {
            let kept = Arc::new(Mutex::new(0));
            let store = FailingStore { inner: MemoryStore::new(), left, kept: kept.clone() };
            let world = Plan { store: Some(Box::new(store)), ..Plan::default() }.start().await;
            let (client, mut notices) = Client::start(world.options());
            let why = world.ended().await.unwrap_err();
            assert!(matches!(why, ServeError::Store(StoreError::Record { .. })), "{why}");
            let mut heard = 0;
            loop {
                match notices.recv().await.unwrap() {
                    // Two keys, and that one is bound to the other.
                    Notice::KeyCreated(_) | Notice::Ready => heard += 1,
                    Notice::Disconnected { .. } => break,
                    _ => {}
                }
            }
            assert_eq!((heard, *kept.lock().unwrap()), (left, left));
            client.close().await.unwrap();
        }
    });
}

/// Keys that are kept are known to the next server, together with what they stand for.
#[test]
fn kept_keys_are_taken_up_again() {
    run(async {
        let shared = Arc::new(Mutex::new(MemoryStore::new()));
        let plan = |address: Option<SocketAddr>| {
            let mut plan =
                Plan { store: Some(Box::new(Common(shared.clone()))), ..Plan::default() };
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
        assert_eq!(keys, 2, "none is made anew");
        world.stop().await.unwrap();
    });
}

/// A memory that outlives its server.
struct Common(Arc<Mutex<MemoryStore>>);

impl ServerStore for Common {
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.0.lock().unwrap().salt_secret(fresh)
    }

    fn load(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        ServerStore::load(&mut *self.0.lock().unwrap())
    }

    fn apply(&mut self, changes: &[KeyChange]) -> Result<(), StoreError> {
        self.0.lock().unwrap().apply(changes)
    }
}
