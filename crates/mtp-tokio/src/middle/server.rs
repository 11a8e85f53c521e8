//! A middle proxy behind a listener, in front of one data center.

use core::fmt;
use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use mtp_crypto::OsEntropy;
use mtp_transport::middle_proxy::ProcessId;
use mtp_transport::middle_proxy::door::{DoorEvent, MiddleDoor, MiddleDoorConfig};
use mtp_transport::middle_proxy::link::LinkAddresses;
use mtp_transport::middle_proxy::rpc::ConnectionId;
use mtp_transport::middle_proxy::secret::MiddleSecret;
use mtp_transport::proxy_protocol::ProxyVersion;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::backend::serve_client;
use super::links::process;
use super::notice::{MiddleServerNotice, MiddleServerObserver};
use super::{OUTPUT_KEPT, READ_LEN, lock, public};
use crate::clock::{Alarm, Clock};
use crate::dial::Destination;
use crate::listen::{ACCEPT_PAUSE, is_passing, listen};

/// Options of a middle proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MiddleServerOptions {
    /// Configuration of the links.
    pub door: Arc<MiddleDoorConfig>,
    /// Secrets of proxies, selected by their first four bytes.
    pub secrets: Arc<[Arc<MiddleSecret>]>,
    /// The data center.
    pub data_center: Destination,
    /// Addresses under which proxies reach the middle proxy, at most one of each family. Those of the
    /// sockets are used for a family without one.
    pub public: Vec<IpAddr>,
    /// Sends the clients' addresses to the data center in a PROXY protocol header. Off by default.
    pub proxy_protocol: Option<ProxyVersion>,
    /// Most links; 1024 by default. Further proxies wait in the system's queue.
    pub links_max: usize,
    /// Limit for connecting to the data center; 10 s by default.
    pub dial_timeout: Duration,
    /// How long a link may take to accept what was written last before it is closed; 5 s by default.
    pub linger: Duration,
}

impl MiddleServerOptions {
    /// Returns the default limits.
    #[must_use]
    pub fn new(secrets: Vec<Arc<MiddleSecret>>, data_center: Destination) -> Self {
        Self {
            door: Arc::default(),
            secrets: secrets.into(),
            data_center,
            public: Vec::new(),
            proxy_protocol: None,
            links_max: 1024,
            dial_timeout: Duration::from_secs(10),
            linger: Duration::from_secs(5),
        }
    }
}

/// A middle proxy behind a listener.
pub struct MiddleServer {
    listener: TcpListener,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) options: MiddleServerOptions,
    pub(super) observer: MiddleServerObserver,
    pub(super) clock: Clock,
    process: ProcessId,
}

/// One link with its clients.
pub(super) struct Link {
    pub(super) door: Mutex<MiddleDoor>,
    /// The link has output.
    pub(super) wake: Notify,
    clients: Mutex<BTreeMap<ConnectionId, Arc<Notify>>>,
    pub(super) peer: SocketAddr,
    pub(super) shared: Arc<Shared>,
}

impl MiddleServer {
    /// Binds a listener.
    ///
    /// # Errors
    /// The address cannot be bound.
    #[expect(clippy::unused_async, reason = "a socket belongs to a runtime, which a future has")]
    pub async fn bind(
        address: SocketAddr,
        options: MiddleServerOptions,
        observer: MiddleServerObserver,
    ) -> io::Result<Self> {
        let listener = listen(address)?;
        let clock = Clock::start();
        let process = process(clock.now());
        Ok(Self { listener, shared: Arc::new(Shared { options, observer, clock, process }) })
    }

    /// Returns the address that was bound, with the port the system chose.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` completes; then all links are closed.
    ///
    /// # Errors
    /// The listener failed in a way that does not pass.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let Self { listener, shared } = self;
        let mut tasks = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let room = tasks.len() < shared.options.links_max;
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = tasks.join_next() => {}
                accepted = listener.accept(), if room => match accepted {
                    Ok((stream, peer)) => drop(tasks.spawn(serve_link(stream, peer, shared.clone()))),
                    Err(error) if is_passing(&error) => tokio::time::sleep(ACCEPT_PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
        }
        tasks.shutdown().await;
        Ok(())
    }
}

impl fmt::Debug for MiddleServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiddleServer").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Serves a link and its clients until it is over.
async fn serve_link(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else { return };
    (shared.observer)(peer, MiddleServerNotice::Accepted);
    let options = &shared.options;
    let proxy = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let addresses = LinkAddresses { proxy, middle: public(&options.public, local) };
    let door = MiddleDoor::new(
        shared.clock.now(),
        options.door.clone(),
        options.secrets.clone(),
        addresses,
        shared.process,
        Box::new(OsEntropy::seeded()),
    );
    let link = Arc::new(Link {
        door: Mutex::new(door),
        wake: Notify::new(),
        clients: Mutex::default(),
        peer,
        shared: shared.clone(),
    });
    // Clients end with the link: dropping the set aborts their tasks.
    let mut clients = JoinSet::new();
    link.carry(&stream, &mut clients).await;
}

impl Link {
    /// Moves the bytes of the link.
    async fn carry(self: &Arc<Self>, stream: &TcpStream, clients: &mut JoinSet<()>) {
        let mut input = vec![0; READ_LEN];
        let (mut output, mut written) = (Vec::new(), 0_usize);
        let mut alarm = Alarm::new(self.shared.clock);
        loop {
            if written == output.len() {
                output.clear();
                output.shrink_to(OUTPUT_KEPT);
                written = 0;
            }
            let is_over = self.dispatch(clients);
            let (deadline, wants_input) = {
                let mut door = lock(&self.door);
                if output.is_empty() && door.poll_transmit(&mut output) {
                    // There is room for answers again.
                    lock(&self.clients).values().for_each(|wake| wake.notify_one());
                }
                (door.poll_timeout(), door.wants_bytes())
            };
            if is_over {
                let rest = output.get(written..).unwrap_or_default();
                let linger = self.shared.options.linger;
                let _ = tokio::time::timeout(linger, write_all(stream, rest)).await;
                return;
            }
            let has_output = written < output.len();
            tokio::select! {
                ready = stream.readable(), if wants_input => {
                    self.receive(&input_of(ready.and_then(|()| stream.try_read(&mut input)), &input));
                }
                ready = stream.writable(), if has_output => {
                    let rest = output.get(written..).unwrap_or_default();
                    match ready.and_then(|()| stream.try_write(rest)) {
                        Ok(len) => written = written.saturating_add(len),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(_) => lock(&self.door).handle_eof(),
                    }
                }
                () = alarm.wait(deadline) => {
                    lock(&self.door).handle_timeout(self.shared.clock.now());
                }
                () = self.wake.notified() => {}
                Some(_) = clients.join_next() => {}
            }
        }
    }

    fn receive(&self, input: &Input<'_>) {
        let mut door = lock(&self.door);
        match input {
            Input::Nothing => {}
            Input::Eof => door.handle_eof(),
            Input::Bytes(bytes) => door.handle_bytes(self.shared.clock.now(), bytes),
        }
    }

    /// Starts and wakes the tasks of clients. Returns `true` if the link is over.
    fn dispatch(self: &Arc<Self>, tasks: &mut JoinSet<()>) -> bool {
        let mut is_over = false;
        loop {
            let event = lock(&self.door).poll_event();
            let Some(event) = event else { return is_over };
            match event {
                DoorEvent::Open(client) => {
                    self.notice(MiddleServerNotice::Client(&client));
                    let wake = Arc::new(Notify::new());
                    lock(&self.clients).insert(client.connection, wake.clone());
                    tasks.spawn(serve_client(self.clone(), client, wake));
                }
                DoorEvent::Ready(connection) => {
                    if let Some(wake) = lock(&self.clients).get(&connection) {
                        wake.notify_one();
                    }
                }
                DoorEvent::Close(connection) => {
                    if let Some(wake) = lock(&self.clients).remove(&connection) {
                        wake.notify_one();
                    }
                }
                DoorEvent::End(error) => {
                    self.notice(MiddleServerNotice::Down(error));
                    is_over = true;
                }
                _ => {}
            }
        }
    }

    /// Returns `true` until the proxy has closed a client.
    pub(super) fn has(&self, connection: ConnectionId) -> bool {
        lock(&self.clients).contains_key(&connection)
    }

    /// Forgets a client that ended here.
    pub(super) fn forget(&self, connection: ConnectionId) {
        lock(&self.clients).remove(&connection);
    }

    pub(super) fn notice(&self, notice: MiddleServerNotice<'_>) {
        (self.shared.observer)(self.peer, notice);
    }
}

/// What was read from a socket.
enum Input<'a> {
    Nothing,
    Eof,
    Bytes(&'a [u8]),
}

fn input_of(read: io::Result<usize>, buffer: &[u8]) -> Input<'_> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Input::Nothing,
        Ok(0) | Err(_) => Input::Eof,
        Ok(len) => Input::Bytes(buffer.get(..len).unwrap_or_default()),
    }
}

pub(super) async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(len) => bytes = bytes.get(len..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
