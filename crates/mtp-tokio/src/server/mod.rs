//! A data centre behind a listener: one task for each socket, one for time, one for the key store.
//!
//! ```text
//!   accept ───────────────▶ task of a socket ──▶ Mutex<DataCenter> ──▶ events ──▶ handler, journal
//!                               ▲   │                    ▲                           │
//!                       bell ───┘   │ bytes wait for ────┼──────── number ◀── store ◀┘
//!                                   ▼ what they tell of  └── time, arithmetic
//! ```
//!
//! Nothing holds the lock for long: arithmetic of key exchanges that the configuration defers runs on
//! tokio's blocking threads, and so does the key store. Bytes that were made after a key leave once the
//! store has the key, so a client never relies on a key that a crash forgets; other verbs go on meanwhile,
//! and what they change goes into the store together.
//!
//! What one client does costs the others nothing: the data centre's `AdmissionConfig` says how many
//! sockets an address may have and how long they may go without showing a key, a socket that says
//! nothing or does not read is closed at its deadline, and what is kept for each is bounded by
//! `ServerConfig` and the buffers here.

mod connection;
mod journal;
mod listener;
mod shared;

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use mtp_dc::{DataCenter, DcEvent};
use mtp_env::Now;
use mtp_proto::ConnectionError;
use mtp_session::LinkId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::connection::Link;
use self::journal::keep_journal;
pub use self::listener::Listener;
pub(crate) use self::shared::Shared;
use self::shared::keep_time;
use crate::datagram::{DatagramStream, Datagrams};
use crate::listen::listen;
use crate::store::{ServerStore, StoreError};
use crate::trace::{note, within};

/// Limits of a listener.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct ServerOptions {
    /// Sockets served at once; further ones wait in the system's queue. Default 16,384.
    pub connections_max: usize,
    /// How long whatever stands between sockets and links may take to begin. Default 10 s.
    pub wrap_timeout: Duration,
    /// How long a socket may say nothing. Default 15 minutes; clients ping each minute.
    pub idle_timeout: Duration,
    /// How long a socket may take to accept one buffer of output: 64 KiB and a packet. Default 60 s.
    pub write_timeout: Duration,
    /// How long a socket may take to accept what was written last before it is closed. Default 5 s.
    pub linger: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            wrap_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(900),
            write_timeout: Duration::from_secs(60),
            linger: Duration::from_secs(5),
        }
    }
}

/// What an embedder does with events, above all: answer calls.
///
/// It runs while the data centre is locked and must not wait for anything.
pub type EventHandler = Box<dyn FnMut(&mut DataCenter, Now, DcEvent) + Send>;

/// Hears why packets and links are refused, for logs. It runs while the data centre is locked.
pub type RefusalHandler = Box<dyn Fn(LinkId, &ConnectionError) + Send + Sync>;

/// A data centre behind a listener.
pub struct Server<L = TcpListener> {
    listener: L,
    shared: Arc<Shared>,
    store: Option<Box<dyn ServerStore>>,
    datagrams: Option<Datagrams>,
}

impl Server {
    /// Binds a listener for a data centre.
    ///
    /// # Errors
    /// The address cannot be bound.
    #[expect(clippy::unused_async, reason = "a socket belongs to a runtime, which a future has")]
    pub async fn bind(
        address: SocketAddr,
        center: DataCenter,
        handler: EventHandler,
        options: ServerOptions,
    ) -> io::Result<Self> {
        Ok(Self::on(listen(address)?, center, handler, options))
    }

    /// Returns the address that was bound, with the port the system chose.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl<L: Listener> Server<L> {
    /// Puts a data centre behind any listener.
    pub fn on(
        listener: L,
        center: DataCenter,
        handler: EventHandler,
        options: ServerOptions,
    ) -> Self {
        let shared = Arc::new(Shared::new(center, handler, options));
        Self { listener, shared, store: None, datagrams: None }
    }

    /// Tells a handler why packets and links are refused. Clients learn no more than the protocol says.
    #[must_use]
    pub fn with_refusals(self, handler: RefusalHandler) -> Self {
        self.shared.lock().tell_refusals(handler);
        self
    }

    /// Returns the server's counters, to be rendered while it runs.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(&self) -> crate::metrics::ServerMetrics {
        crate::metrics::ServerMetrics::new(self.shared.clone())
    }

    /// Takes keys from a store and keeps them there from now on.
    ///
    /// The data centre's salts should come from [`ServerStore::salt_secret`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn with_store(mut self, mut store: Box<dyn ServerStore>) -> Result<Self, StoreError> {
        self.shared.restore(store.load()?);
        self.store = Some(store);
        Ok(self)
    }

    /// **Experimental**: serves [datagrams](crate::datagram) too, on an address of their own.
    ///
    /// The data centre's sessions should be made to [fit](crate::datagram::fit).
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn listen_datagram(mut self, address: SocketAddr) -> io::Result<Self> {
        self.datagrams = Some(Datagrams::bind(address).await?);
        Ok(self)
    }

    /// Returns the address that datagrams come to, if there is one.
    #[must_use]
    pub fn datagram_addr(&self) -> Option<SocketAddr> {
        self.datagrams.as_ref().and_then(|datagrams| datagrams.local_addr().ok())
    }

    /// Serves until `shutdown` completes; then sockets get what is on its way to them and are closed.
    ///
    /// # Errors
    /// [`ServeError`]: the listener or the store failed in a way that does not pass.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        self.run_through(|stream| core::future::ready(Ok(stream)), shutdown).await
    }

    /// As [`run`](Self::run), with something of the embedder's between sockets and links: TLS, a log.
    ///
    /// `wrap` runs in the task of each socket, within [`ServerOptions::wrap_timeout`].
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_through<W, F, S>(
        self,
        wrap: W,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError>
    where
        W: Fn(L::Stream) -> F,
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { mut listener, shared, store, datagrams } = self;
        let linger = shared.options.linger;
        let mut sockets = Sockets::new(shared.clone());
        let journal = keep_journal(shared.clone(), store);
        tokio::pin!(journal, shutdown);
        let time = keep_time(&shared);
        tokio::pin!(time);
        let outcome = loop {
            tokio::select! {
                () = &mut shutdown => break Ok(()),
                why = &mut journal => break Err(ServeError::Store(why)),
                () = &mut time => {}
                () = sockets.ended(), if !sockets.tasks.is_empty() => {}
                accepted = listener.accept(), if sockets.has_room() => match accepted {
                    Ok((stream, address)) => sockets.take_on(wrap(stream), address),
                    Err(error) if passes(&error) => tokio::time::sleep(ACCEPT_PAUSE).await,
                    Err(error) => break Err(ServeError::Listener(error)),
                },
                // Errors are those of single datagrams.
                Ok((stream, address)) = next_guest(datagrams.as_ref()), if sockets.has_room() => {
                    sockets.take_on(core::future::ready(Ok(stream)), address);
                }
            }
        };
        drop(listener);
        shared.stop();
        let draining = async { while sockets.tasks.join_next().await.is_some() {} };
        // What is left of the sockets after that is dropped with them.
        tokio::select! {
            _ = tokio::time::timeout(linger, draining) => {}
            _ = &mut journal, if outcome.is_ok() => {}
        }
        outcome
    }
}

impl<L: fmt::Debug> fmt::Debug for Server<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Why a server ended before it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// No sockets can be accepted any more.
    Listener(io::Error),
    /// Keys cannot be kept any more; none was acknowledged that is not kept.
    Store(StoreError),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(why) => write!(f, "the listener failed: {why}"),
            Self::Store(why) => write!(f, "keys cannot be kept: {why}"),
        }
    }
}

impl core::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Listener(why) => Some(why),
            Self::Store(why) => Some(why),
        }
    }
}

/// The tasks of all sockets.
struct Sockets {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Sockets {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, tasks: JoinSet::new() }
    }

    fn has_room(&self) -> bool {
        self.tasks.len() < self.shared.options.connections_max
    }

    fn take_on<F, S>(&mut self, opened: F, address: SocketAddr)
    where
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let bell = Arc::new(Notify::new());
        // Closed without a word: nobody knows yet what the client speaks.
        let link = match Link::accept(&self.shared, address.ip(), bell.clone()) {
            Ok(link) => link,
            Err(why) => {
                note!(peer = %address, why = %why, "refused at the door");
                return;
            }
        };
        let allowed = self.shared.options.wrap_timeout;
        let serving = async move {
            note!("taken on");
            if let Ok(Ok(stream)) = tokio::time::timeout(allowed, opened).await {
                connection::serve(stream, &link, &bell).await;
            }
            note!("gone");
        };
        self.tasks.spawn(within!(serving, "connection", peer = %address));
    }

    /// Waits for the end of a socket.
    async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

/// Waits for ever without a socket for datagrams.
async fn next_guest(datagrams: Option<&Datagrams>) -> io::Result<(DatagramStream, SocketAddr)> {
    match datagrams {
        Some(datagrams) => datagrams.accept().await,
        None => core::future::pending().await,
    }
}

/// Reports whether the next `accept` may succeed: the process is out of descriptors, or one client
/// hung up early.
pub(crate) fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | OutOfMemory)
        || matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

/// The pause before accepting again when the process was out of descriptors.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
