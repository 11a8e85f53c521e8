//! An MTProxy behind a listener: one task and one relay for each client.

mod books;
mod notice;
mod places;

use core::fmt;
use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mtp_crypto::DcId;
use mtp_crypto::OsEntropy;
use mtp_transport::middle_proxy::pool::MiddleClient;
use mtp_transport::middle_proxy::rpc::RequestFlags;
use mtp_transport::relay::{OnRefusal, Relay, RelayConfig, RelayCounters, RelayEvent, Target};
use mtp_transport::replay::ReplayStore;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::books::Books;
pub use self::notice::{ProxyNotice, ProxyObserver};
use self::places::{Place, Places};
use crate::clock::{Alarm, Clock};
use crate::dial::{Destination, connect};
use crate::listen::{ACCEPT_PAUSE, is_passing, listen};
use crate::middle::{MiddleMode, Seat, public};
use crate::trace::{note, within};

/// Options of a proxy.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct ProxyOptions {
    /// The data centers served. A client that wants a media-only one is connected to the usual one if there
    /// is no entry for it.
    pub data_centers: BTreeMap<DcId, Destination>,
    /// The site that visitors are connected to. Without it they are read and never answered, whatever
    /// [`RelayConfig::on_refusal`] says.
    pub front: Option<Destination>,
    /// Links to middle proxies, for a configuration with
    /// [`Carry::Middle`](mtp_transport::relay::Carry::Middle).
    pub middle: Option<MiddleMode>,
    /// Clients served at once. One more takes the place of an idle one, of the network with the most clients first, or
    /// is closed if there is none. Default 16,384.
    pub connections_max: usize,
    /// Openings remembered to recognize their replays, 64 bytes each. Default 2^17.
    pub openings_max: usize,
    /// How long a socket may take to accept what was written last before it is closed. Default 5 s.
    pub linger: Duration,
}

impl ProxyOptions {
    /// Returns the default limits.
    pub const fn new(data_centers: BTreeMap<DcId, Destination>) -> Self {
        Self {
            data_centers,
            front: None,
            middle: None,
            connections_max: 16_384,
            openings_max: 1 << 17,
            linger: Duration::from_secs(5),
        }
    }
}

/// Returns `true` if connections from an address are served. It must not wait for anything.
pub type ProxyGate = Box<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// A proxy behind a listener.
pub struct Proxy {
    listener: TcpListener,
    gate: Option<ProxyGate>,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    config: Arc<RelayConfig>,
    options: ProxyOptions,
    observer: ProxyObserver,
    clock: Clock,
    seen: Mutex<ReplayStore>,
    books: Mutex<Books>,
    places: Arc<Places>,
    /// True once clients are to end.
    stopping: watch::Sender<bool>,
}

impl Proxy {
    /// Binds a listener.
    ///
    /// The data centers served are those of the options, whatever the configuration lists.
    ///
    /// # Errors
    /// The address cannot be bound.
    #[expect(clippy::unused_async, reason = "a socket belongs to a runtime, which a future has")]
    pub async fn bind(
        address: SocketAddr,
        mut config: RelayConfig,
        options: ProxyOptions,
        observer: ProxyObserver,
    ) -> io::Result<Self> {
        let listener = listen(address)?;
        config.served_dcs = options.data_centers.keys().map(|dc| dc.number()).collect();
        if options.front.is_none() && config.on_refusal == OnRefusal::Site {
            config.on_refusal = OnRefusal::Discard;
        }
        let clock = Clock::start();
        let shared = Shared {
            places: Arc::new(Places::new(options.connections_max, clock)),
            seen: Mutex::new(ReplayStore::new(options.openings_max, config.window.span())),
            books: Mutex::new(Books::new(&config)),
            stopping: watch::Sender::new(false),
            config: Arc::new(config),
            options,
            observer,
            clock,
        };
        Ok(Self { listener, gate: None, shared: Arc::new(shared) })
    }

    /// Serves connections only from addresses that pass the gate; the others are closed.
    ///
    /// Necessary with [`RelayConfig::proxy_protocol`], because a header can claim any address.
    #[must_use]
    pub fn with_gate(mut self, gate: ProxyGate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Returns the address that was bound, with the port the system chose.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` completes; then every connection gets what is on its way to it, within
    /// [`ProxyOptions::linger`], and is closed. Returns what was counted.
    ///
    /// # Errors
    /// The listener failed in a way that does not pass.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<RelayCounters> {
        let Self { listener, gate, shared } = self;
        let mut tasks = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = tasks.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((_, peer)) if gate.as_ref().is_some_and(|gate| !gate(peer.ip())) => {}
                    Ok((stream, peer)) => {
                        if let Some(place) = shared.take_place(peer) {
                            let connection = Connection::new(stream, peer, place, shared.clone());
                            tasks.spawn(within!(connection.serve(), "proxied", peer = %peer));
                        }
                    }
                    Err(error) if is_passing(&error) => tokio::time::sleep(ACCEPT_PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
        }
        drop(listener);
        shared.stopping.send_replace(true);
        let draining = async { while tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(shared.options.linger, draining).await;
        tasks.shutdown().await;
        Ok(shared.books().ledger.clone())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    /// Takes a place for a client; there is none if all are taken by clients that are not idle.
    fn take_place(&self, peer: SocketAddr) -> Option<Place> {
        // Behind a load balancer the client's address comes later.
        let address = (!self.config.proxy_protocol).then(|| peer.ip());
        let Ok((place, displaces)) = self.places.take(address) else {
            self.books().note_full();
            return None;
        };
        if displaces {
            self.books().note_displaced();
        }
        Some(place)
    }

    /// Returns where to connect, if that is known.
    fn destination(&self, target: &Target) -> Option<Destination> {
        match target {
            Target::DataCenter { dc, .. } => {
                let known = &self.options.data_centers;
                let usual = DcId::new(dc.as_i32().saturating_abs());
                known.get(dc).or_else(|| known.get(&usual)).cloned()
            }
            Target::Site { .. } => self.options.front.clone(),
            _ => None,
        }
    }
}

/// A task that panicked while it held a lock has left counters behind, not half a state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client with its relay and both sockets.
struct Connection {
    relay: Relay,
    client: TcpStream,
    /// The client, as the load balancer names it if there is one.
    peer: SocketAddr,
    upstream: Option<TcpStream>,
    /// The client's place on the links to middle proxies.
    seat: Option<Seat>,
    to_client: Outbox,
    to_upstream: Outbox,
    place: Place,
    /// Another client has its place.
    displaced: bool,
    shared: Arc<Shared>,
    stopping: watch::Receiver<bool>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.books().note_end();
    }
}

/// A connection that is being opened; a failure names its destination.
type Dialing = Pin<Box<dyn Future<Output = Result<TcpStream, (Destination, io::Error)>> + Send>>;

impl Connection {
    fn new(client: TcpStream, peer: SocketAddr, place: Place, shared: Arc<Shared>) -> Self {
        let now = shared.clock.now();
        let entropy = Box::new(OsEntropy::seeded());
        shared.books().note_begin();
        Self {
            stopping: shared.stopping.subscribe(),
            relay: Relay::new(now, shared.config.clone(), entropy),
            client,
            peer,
            upstream: None,
            seat: None,
            to_client: Outbox::default(),
            to_upstream: Outbox::default(),
            place,
            displaced: false,
            shared,
        }
    }

    /// Serves one client until it ends.
    async fn serve(mut self) {
        // As `dial::connect` does for the other side.
        let _ = self.client.set_nodelay(true);
        let mut dialing: Option<Dialing> = None;
        let mut alarm = Alarm::new(self.shared.clock);
        loop {
            self.take_output();
            if *self.stopping.borrow() {
                return self.flush().await;
            }
            if self.displaced {
                return;
            }
            match self.relay.poll_event() {
                Some(event) => {
                    if let Some(client) = self.relay.proxy_header().and_then(|it| it.source()) {
                        self.peer = client;
                        self.place.set_address(client.ip());
                    }
                    self.shared.books().note(&event);
                    note_event(&event);
                    self.notice(ProxyNotice::Relay(&event));
                    match event {
                        RelayEvent::CheckReplay(key) => {
                            let now = self.shared.clock.now();
                            let seen = lock(&self.shared.seen).check(now, key);
                            self.relay.handle_seen(now, seen);
                        }
                        RelayEvent::Dial(target) => {
                            if matches!(target, Target::DataCenter { .. }) {
                                self.place.prove();
                            }
                            dialing = self.dial(&target);
                        }
                        RelayEvent::OpenMiddle { dc, secret, flags } => {
                            self.place.prove();
                            self.open_seat(dc, secret, flags);
                        }
                        RelayEvent::Close { .. } => return self.flush().await,
                        _ => {}
                    }
                }
                None if self.seat.as_ref().is_some_and(|seat| seat.pass(&mut self.relay)) => {}
                None => self.step(&mut dialing, &mut alarm).await,
            }
        }
    }

    /// Fetches what is to be written, as soon as what was fetched before is.
    fn take_output(&mut self) {
        if let Some(room) = self.to_client.room() {
            let _ = self.relay.poll_client_transmit(room);
        }
        if self.upstream.is_some()
            && let Some(room) = self.to_upstream.room()
        {
            let _ = self.relay.poll_upstream_transmit(room);
        }
    }

    fn dial(&mut self, target: &Target) -> Option<Dialing> {
        let Some(destination) = self.shared.destination(target) else {
            self.relay.handle_upstream_failed(self.shared.clock.now());
            return None;
        };
        Some(Box::pin(
            async move { connect(&destination).await.map_err(|error| (destination, error)) },
        ))
    }

    /// Opens the client's place on the links to middle proxies.
    fn open_seat(&mut self, dc: DcId, secret: usize, flags: RequestFlags) {
        let opened = self.shared.options.middle.as_ref().and_then(|mode| {
            let our = public(&mode.public, self.client.local_addr().ok()?);
            let mut client = MiddleClient::new(self.peer, our, flags);
            client.ad_tag = mode.tag(secret);
            mode.proxies.open(dc, client).ok()
        });
        if opened.is_none() {
            self.shared.books().note_failed_dial();
            self.relay.handle_upstream_failed(self.shared.clock.now());
        }
        self.seat = opened;
    }

    /// Waits for the next thing that can be done, and does it.
    async fn step(&mut self, dialing: &mut Option<Dialing>, alarm: &mut Alarm) {
        let deadline = self.relay.poll_timeout();
        let (client_reads, upstream_reads) =
            (self.relay.wants_client_bytes(), self.relay.wants_upstream_bytes());
        let (client_writes, upstream_writes) =
            (!self.to_client.is_empty(), !self.to_upstream.is_empty());
        tokio::select! {
            _ = self.client.readable(), if client_reads => self.read_client(),
            _ = self.client.writable(), if client_writes => {
                if let Err(error) = self.to_client.write(&self.client) {
                    self.notice(ProxyNotice::ClientFailed(&error));
                    self.relay.handle_client_eof(self.shared.clock.now());
                }
            }
            () = readable(self.upstream.as_ref()), if upstream_reads => self.read_upstream(),
            () = writable(self.upstream.as_ref()), if upstream_writes => {
                let written = self.upstream.as_ref().map(|stream| self.to_upstream.write(stream));
                if let Some(Err(error)) = written {
                    self.notice(ProxyNotice::UpstreamFailed(&error));
                    self.relay.handle_upstream_eof(self.shared.clock.now());
                }
            }
            () = seated(self.seat.as_ref()) => {}
            dialed = dialed(dialing) => {
                *dialing = None;
                let now = self.shared.clock.now();
                match dialed {
                    Ok(stream) => {
                        self.upstream = Some(stream);
                        self.relay.handle_upstream_connected(now);
                    }
                    Err((destination, error)) => {
                        note!(why = %error, "no connection upstream");
                        self.notice(ProxyNotice::DialFailed {
                            destination: &destination,
                            error: &error,
                        });
                        self.shared.books().note_failed_dial();
                        self.relay.handle_upstream_failed(now);
                    }
                }
            }
            _ = self.stopping.changed() => {}
            () = self.place.bell.notified() => self.displaced = true,
            () = alarm.wait(deadline) => {
                self.relay.handle_timeout(self.shared.clock.now());
            }
        }
    }

    fn read_client(&mut self) {
        let mut buffer = [0; READ_LEN];
        let now = self.shared.clock.now();
        match self.client.try_read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                self.notice(ProxyNotice::ClientFailed(&error));
                self.relay.handle_client_eof(now);
            }
            Ok(0) => self.relay.handle_client_eof(now),
            Ok(len) => {
                self.place.touch();
                let bytes = buffer.get(..len).unwrap_or_default();
                let taken = self.relay.handle_client_bytes(now, bytes);
                debug_assert!(taken.is_ok(), "it is only read while it is wanted");
            }
        }
    }

    fn read_upstream(&mut self) {
        let Some(upstream) = &self.upstream else { return };
        let mut buffer = [0; READ_LEN];
        let now = self.shared.clock.now();
        match upstream.try_read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                self.notice(ProxyNotice::UpstreamFailed(&error));
                self.relay.handle_upstream_eof(now);
            }
            Ok(0) => self.relay.handle_upstream_eof(now),
            Ok(len) => {
                let bytes = buffer.get(..len).unwrap_or_default();
                let taken = self.relay.handle_upstream_bytes(now, bytes);
                debug_assert!(taken.is_ok(), "it is only read while it is wanted");
            }
        }
    }

    fn notice(&self, notice: ProxyNotice<'_>) {
        (self.shared.observer)(self.peer, notice);
    }

    /// Writes what is left within the time allowed.
    async fn flush(mut self) {
        let linger = self.shared.options.linger;
        let write = async {
            // One side may be gone: what is meant for the other is still worth writing.
            let _ = self.to_client.write_all(&self.client).await;
            if let Some(upstream) = &self.upstream {
                let _ = self.to_upstream.write_all(upstream).await;
            }
        };
        let _ = tokio::time::timeout(linger, write).await;
    }
}

fn note_event(event: &RelayEvent) {
    match event {
        RelayEvent::Refused(why) => note!(why = %why, "refused"),
        RelayEvent::Close { reason, .. } => note!(reason = %reason, "closed"),
        _ => {}
    }
}

/// Bytes on their way to a socket.
#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// Returns the buffer to append to, if everything in it was written.
    fn room(&mut self) -> Option<&mut Vec<u8>> {
        if !self.is_empty() {
            return None;
        }
        self.bytes.clear();
        self.written = 0;
        Some(&mut self.bytes)
    }

    fn write(&mut self, stream: &TcpStream) -> io::Result<()> {
        match stream.try_write(self.bytes.get(self.written..).unwrap_or_default()) {
            Ok(len) => {
                self.written = self.written.saturating_add(len);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn write_all(&mut self, stream: &TcpStream) -> io::Result<()> {
        while !self.is_empty() {
            stream.writable().await?;
            self.write(stream)?;
        }
        Ok(())
    }
}

/// Waits for ever without a socket.
async fn readable(stream: Option<&TcpStream>) {
    match stream {
        // An error shows when the socket is read.
        Some(stream) => drop(stream.readable().await),
        None => core::future::pending().await,
    }
}

async fn writable(stream: Option<&TcpStream>) {
    match stream {
        // An error shows when the socket is written.
        Some(stream) => drop(stream.writable().await),
        None => core::future::pending().await,
    }
}

/// Waits for ever without a place.
async fn seated(seat: Option<&Seat>) {
    match seat {
        Some(seat) => seat.ready().await,
        None => core::future::pending().await,
    }
}

async fn dialed(dialing: &mut Option<Dialing>) -> Result<TcpStream, (Destination, io::Error)> {
    match dialing {
        Some(dialing) => dialing.await,
        None => core::future::pending().await,
    }
}

/// Bytes read at once; on the stack, because most clients are idle.
const READ_LEN: usize = 8 * 1024;
