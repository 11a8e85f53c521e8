//! A data centre behind a listener: one task for each socket, one for time.

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mtp_dc::{DataCenter, DcEvent};
use mtp_env::Now;
use mtp_session::LinkId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::clock::Clock;

/// Limits of a listener.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerOptions {
    /// Sockets served at once; further ones wait in the system's queue. Default 16,384.
    pub connections_max: usize,
    /// How long a socket may take to accept what was written last before it is closed. Default 5 s.
    pub linger: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { connections_max: 16_384, linger: Duration::from_secs(5) }
    }
}

/// What an embedder does with events: store keys, answer calls.
///
/// It runs while the data centre is locked, so that a key is stored before its client hears of it;
/// it must not wait for anything but the store.
pub type EventHandler = Box<dyn FnMut(&mut DataCenter, Now, DcEvent) + Send>;

/// A data centre behind a listener.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    clock: Clock,
    options: ServerOptions,
    /// Rung when a deadline may have come nearer.
    time_changed: Notify,
}

struct State {
    center: DataCenter,
    handler: EventHandler,
    /// One bell for each link, rung when it may have something to write.
    bells: HashMap<LinkId, Arc<Notify>>,
}

impl Server {
    /// Binds a listener for a data centre.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(
        address: SocketAddr,
        center: DataCenter,
        handler: EventHandler,
        options: ServerOptions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let state = State { center, handler, bells: HashMap::new() };
        let shared = Shared {
            state: Mutex::new(state),
            clock: Clock::start(),
            options,
            time_changed: Notify::new(),
        };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Returns the address that was bound, with the port the system chose.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` completes; then every socket is closed.
    ///
    /// # Errors
    /// The listener failed in a way that does not pass.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let Self { listener, shared } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_time(shared.clone()));
        tokio::pin!(shutdown);
        loop {
            // One of the tasks keeps time.
            let room = tasks.len() <= shared.options.connections_max;
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                Some(_) = tasks.join_next() => {}
                accepted = listener.accept(), if room => match accepted {
                    Ok((stream, _)) => {
                        tasks.spawn(serve(stream, shared.clone()));
                    }
                    Err(error) if passes(&error) => tokio::time::sleep(ACCEPT_PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Shared {
    /// Runs one verb on the data centre, then tells everybody whom it concerns.
    fn with<T>(&self, verb: impl FnOnce(&mut DataCenter, Now) -> T) -> T {
        let now = self.clock.now();
        let mut state = self.lock();
        let before = state.center.hub().poll_timeout();
        let outcome = verb(&mut state.center, now);
        let State { center, handler, bells } = &mut *state;
        while let Some(event) = center.poll_event(now) {
            handler(center, now, event);
        }
        while let Some(link) = center.hub_mut().poll_link() {
            if let Some(bell) = bells.get(&link) {
                bell.notify_one();
            }
        }
        if center.hub().poll_timeout() != before {
            self.time_changed.notify_one();
        }
        outcome
    }

    /// A task that panicked while it held the lock has left the machine between two verbs: the
    /// machines commit at their end, so the others can go on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep_time(shared: Arc<Shared>) {
    loop {
        let deadline = shared.lock().center.hub().poll_timeout();
        tokio::select! {
            () = shared.clock.wait(deadline) => {
                shared.with(|center, now| center.hub_mut().handle_timeout(now));
            }
            () = shared.time_changed.notified() => {}
        }
    }
}

/// Serves one socket until it ends; nothing one client does concerns another.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it small answers wait for acknowledgements of earlier ones; a socket that refuses the
    // option works all the same.
    let _ = stream.set_nodelay(true);
    let bell = Arc::new(Notify::new());
    let link = shared.with(DataCenter::accept);
    shared.lock().bells.insert(link, bell.clone());
    let _ = move_bytes(&stream, link, &bell, &shared).await;
    shared.with(|center, now| center.hub_mut().remove(now, link));
    shared.lock().bells.remove(&link);
}

async fn move_bytes(
    stream: &TcpStream,
    link: LinkId,
    bell: &Notify,
    shared: &Shared,
) -> io::Result<()> {
    let mut out = Vec::new();
    let mut written = 0;
    let mut input = vec![0; READ_LEN];
    loop {
        if written == out.len() {
            out.clear();
            written = 0;
            let closed = shared.with(|center, now| {
                let wrote = center.hub_mut().poll_transmit(now, link, &mut out);
                !wrote && center.hub().is_closed(link)
            });
            if closed {
                return Ok(());
            }
        }
        tokio::select! {
            ready = stream.readable() => {
                ready?;
                match stream.try_read(&mut input) {
                    Ok(0) => {
                        // Half-closed is closed: clients that end have got their answers.
                        shared.with(|center, now| center.hub_mut().handle_eof(now, link)).ok();
                        return flush(stream, out.get(written..).unwrap_or_default(), shared).await;
                    }
                    Ok(len) => {
                        let bytes = input.get(..len).unwrap_or_default();
                        // A link that broke the rules is closed once its output is drained.
                        shared.with(|center, now| center.hub_mut().handle_bytes(now, link, bytes)).ok();
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            ready = stream.writable(), if written < out.len() => {
                ready?;
                match stream.try_write(out.get(written..).unwrap_or_default()) {
                    Ok(len) => written = written.saturating_add(len),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            () = bell.notified() => {}
        }
    }
}

/// Writes what is left within the time allowed.
async fn flush(stream: &TcpStream, mut rest: &[u8], shared: &Shared) -> io::Result<()> {
    let write = async {
        while !rest.is_empty() {
            stream.writable().await?;
            match stream.try_write(rest) {
                Ok(len) => rest = rest.get(len..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    tokio::time::timeout(shared.options.linger, write).await.unwrap_or(Ok(()))
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

/// Bytes read at once.
const READ_LEN: usize = 16 * 1024;
