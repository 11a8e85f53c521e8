//! A server behind a listener: one task for each socket, one for time, one for the key store.
//!
//! ```text
//!   accept ───────────────▶ task of a socket ──▶ Mutex<Endpoint> ──▶ events ──▶ handler, journal
//!                               ▲   │                ▲    ▲                       │
//!                       bell ───┘   ▼                │    └── time, arithmetic     ▼
//!                                 socket        ServerHandle                    store
//! ```
//!
//! Nothing holds the lock for long: arithmetic of key exchanges that the configuration defers runs on
//! tokio's blocking threads, and the store on its own. A link writes nothing while one of its keys is on its
//! way into the store, so a client never relies on a key that a crash forgets; other links are not held up,
//! and what they change meanwhile goes into the store together. If the store fails, new keys are refused and
//! their links closed; clients with a key are served, and the store is tried again.
//!
//! Sockets are bounded by the endpoint's [`AdmissionConfig`](mtp_server::AdmissionConfig) and by
//! [`ServerOptions`]: how many there are, how long they go without proof of a key, without input, and without
//! reading.

mod connection;
mod handle;
mod journal;
mod listener;
mod notice;
mod shared;

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use mtp_env::Now;
use mtp_server::{Endpoint, EndpointEvent};
use mtp_store::{Damage, ServerStore, StoreError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::connection::Link;
pub use self::handle::ServerHandle;
use self::journal::keep_journal;
pub use self::listener::Listener;
pub use self::notice::{ServerNotice, ServerObserver};
pub(crate) use self::shared::Shared;
use self::shared::keep_time;
#[cfg(feature = "datagram")]
use crate::datagram::Datagrams;
use crate::listen::{ACCEPT_PAUSE, is_passing, listen};
use crate::trace::{note, within};

/// Limits of a server's sockets.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct ServerOptions {
    /// Sockets served at once; further ones wait in the system's queue. Default 16,384.
    pub connections_max: usize,
    /// How long what is put between sockets and links may take to open. Default 10 s.
    pub wrap_timeout: Duration,
    /// How long a socket may send nothing. Default 15 minutes; clients ping each minute.
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

/// The application: handles events, above all answers calls.
///
/// It runs while the endpoint is locked and must not wait for anything. A call that takes time is answered
/// later through a [`ServerHandle`].
pub type EventHandler = Box<dyn FnMut(&mut Endpoint, Now, EndpointEvent) + Send>;

/// A server behind a listener.
pub struct Server<L = TcpListener> {
    listener: L,
    pub(crate) shared: Arc<Shared>,
    store: Option<Arc<dyn ServerStore>>,
    damage: Vec<Damage>,
    #[cfg(feature = "datagram")]
    datagrams: Option<Datagrams>,
}

impl Server {
    /// Binds a listener for an endpoint.
    ///
    /// # Errors
    /// The address cannot be bound.
    #[expect(clippy::unused_async, reason = "a socket belongs to a runtime, which a future has")]
    pub async fn bind(
        address: SocketAddr,
        endpoint: Endpoint,
        handler: EventHandler,
        options: ServerOptions,
    ) -> io::Result<Self> {
        Ok(Self::on(listen(address)?, endpoint, handler, options))
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
    /// Puts an endpoint behind any listener.
    pub fn on(
        listener: L,
        endpoint: Endpoint,
        handler: EventHandler,
        options: ServerOptions,
    ) -> Self {
        Self {
            listener,
            shared: Arc::new(Shared::new(endpoint, handler, options)),
            store: None,
            damage: Vec::new(),
            #[cfg(feature = "datagram")]
            datagrams: None,
        }
    }

    /// Sets an observer for logs. The first one stays.
    #[must_use]
    pub fn with_observer(self, observer: ServerObserver) -> Self {
        self.shared.set_observer(observer);
        self
    }

    /// Returns a handle that answers and pushes from anywhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(self.shared.clone())
    }

    /// Loads keys from a store, and stores their changes from now on.
    ///
    /// The salts of the endpoint should come from [`ServerStore::salt_secret`]. Damage is reported to the
    /// observer when the server runs.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn with_store(mut self, store: Arc<dyn ServerStore>) -> Result<Self, StoreError> {
        let loaded = store.load().await?;
        self.shared.restore(loaded.records);
        self.damage = loaded.damage;
        self.store = Some(store);
        Ok(self)
    }

    /// **Experimental**: serves [datagrams](crate::datagram) too, on an address of their own.
    ///
    /// The endpoint's sessions should be made to [fit](crate::datagram::fit_server).
    ///
    /// # Errors
    /// The address cannot be bound.
    #[cfg(feature = "datagram")]
    pub async fn listen_datagram(mut self, address: SocketAddr) -> io::Result<Self> {
        self.datagrams = Some(Datagrams::bind(address).await?);
        Ok(self)
    }

    /// Returns the address that datagrams come to, if there is one.
    #[cfg(feature = "datagram")]
    #[must_use]
    pub fn datagram_addr(&self) -> Option<SocketAddr> {
        self.datagrams.as_ref().and_then(|datagrams| datagrams.local_addr().ok())
    }

    /// Serves until `shutdown` completes. Then sockets get what is on its way to them and are closed, within
    /// [`ServerOptions::linger`], and changes of keys that wait are stored, within the same time again.
    ///
    /// # Errors
    /// [`ServeError`]: the listener failed in a way that does not pass.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        self.run_through(|stream| core::future::ready(Ok(stream)), shutdown).await
    }

    /// As [`run`](Self::run), with something between sockets and links: TLS, a log.
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
        #[cfg(feature = "datagram")]
        let datagrams = self.datagrams;
        #[cfg(not(feature = "datagram"))]
        let datagrams: Option<Datagrams> = None;
        let Self { mut listener, shared, store, damage, .. } = self;
        for damage in damage {
            shared.notice(&ServerNotice::StoreDamaged(&damage));
        }
        let linger = shared.options.linger;
        let mut sockets = Sockets::new(shared.clone());
        let journal = keep_journal(shared.clone(), store);
        tokio::pin!(journal, shutdown);
        let time = keep_time(&shared);
        tokio::pin!(time);
        let outcome = loop {
            tokio::select! {
                () = &mut shutdown => break Ok(()),
                never = &mut journal => match never {},
                () = &mut time => {}
                () = sockets.ended(), if !sockets.tasks.is_empty() => {}
                accepted = listener.accept(), if sockets.has_room() => match accepted {
                    Ok((stream, address)) => sockets.take_on(wrap(stream), address),
                    Err(error) if is_passing(&error) => tokio::time::sleep(ACCEPT_PAUSE).await,
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
        let drain = async {
            // Sockets that are still open after that are dropped.
            let ended = async { while sockets.tasks.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(linger, ended).await;
            let _ = tokio::time::timeout(linger, shared.flushed()).await;
        };
        tokio::select! {
            () = drain => {}
            never = &mut journal => match never {},
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
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(_) => f.write_str("the listener failed"),
        }
    }
}

impl core::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Listener(error) => Some(error),
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
        // Refused, it is closed without an answer: the client's transport is not known yet.
        let Ok(link) = Link::accept(&self.shared, address.ip(), bell.clone()) else { return };
        let allowed = self.shared.options.wrap_timeout;
        let serving = async move {
            note!("accepted");
            if let Ok(Ok(stream)) = tokio::time::timeout(allowed, opened).await {
                connection::serve(stream, &link, &bell).await;
            }
            note!("closed");
        };
        self.tasks.spawn(within!(serving, "connection", peer = %address));
    }

    /// Waits for the end of a socket.
    async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

/// Accepts the next peer behind datagrams; waits for ever without a socket for them.
async fn next_guest(
    datagrams: Option<&Datagrams>,
) -> io::Result<(impl AsyncRead + AsyncWrite + Unpin + Send + 'static, SocketAddr)> {
    match datagrams {
        Some(datagrams) => datagrams.accept().await,
        None => core::future::pending().await,
    }
}

/// There are no datagrams without the feature.
#[cfg(not(feature = "datagram"))]
enum Datagrams {}

#[cfg(not(feature = "datagram"))]
impl Datagrams {
    #[expect(clippy::unused_async, reason = "as with the feature")]
    async fn accept(&self) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
        match *self {}
    }
}
