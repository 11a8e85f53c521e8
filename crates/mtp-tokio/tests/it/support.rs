//! A data center on loopback and clients for it.
#![allow(dead_code, reason = "each test uses what it needs")]

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::{Arc, OnceLock};

use mtp_crypto::DcId;
use mtp_crypto::OsEntropy;
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_dc::{ApiConfig, DataCenter, DataCenterConfig, DcEvent, UnknownCalls};
use mtp_env::Now;
use mtp_server::{AdmissionConfig, Endpoint, EndpointConfig, EndpointEvent, IncomingCall};
use mtp_session::client::ClientConfig;
use mtp_session::exchange::Arithmetic;
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};
use mtp_tokio::server::{Listener, ServeError, ServerObserver};
use mtp_tokio::store::ServerStore;
use mtp_tokio::{ClientOptions, Notice, Notices, Server, ServerHandle, ServerOptions};
use mtp_transport::framing::Framing;
use mtp_transport::link::{ServerLinkConfig as LinkConfig, Stack};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const DC: DcId = DcId::new(2);
/// `help.getNearestDc`, and the constructor of its answer.
pub(crate) const NEAREST_DC: ([u8; 4], [u8; 4]) =
    (0x1fb3_3026_u32.to_le_bytes(), 0x8e1a_1775_u32.to_le_bytes());

/// Runs a test, for two minutes at most on however slow a machine.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(120), test).await.expect("in time");
    });
}

/// Handles the calls that the data center does not know.
pub(crate) type CallHandler = Box<dyn FnMut(&mut Endpoint, Now, IncomingCall) + Send>;

/// The parts of a test's data center.
pub(crate) struct Plan {
    pub(crate) dc: DcId,
    pub(crate) handler: CallHandler,
    pub(crate) observer: Option<ServerObserver>,
    pub(crate) options: ServerOptions,
    pub(crate) store: Option<Arc<dyn ServerStore>>,
    pub(crate) link: LinkConfig,
    pub(crate) admission: AdmissionConfig,
    pub(crate) address: SocketAddr,
    /// Its sessions fit datagrams.
    pub(crate) fit: bool,
    /// It has no API: every call goes to the handler.
    pub(crate) bare: bool,
    /// Bytes that a session keeps until they are acknowledged, if not the default.
    pub(crate) unacked_bytes_max: Option<usize>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            dc: DC,
            handler: Box::new(|_, _, _| ()),
            observer: None,
            options: ServerOptions::default(),
            store: None,
            link: LinkConfig::default(),
            admission: AdmissionConfig::trusting(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            fit: false,
            bare: false,
            unacked_bytes_max: None,
        }
    }
}

/// A running data center.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Plan {
    pub(crate) async fn start(self) -> World {
        let server = self.bind().await;
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        World { address, handle, stop: Some(stop), serving }
    }

    pub(crate) async fn bind(self) -> Server {
        // As `Server::bind`: where the queue of a listener is full, Linux forgets silent clients.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(4096).unwrap();
        self.on(listener).await
    }

    pub(crate) async fn on<L: Listener>(self, listener: L) -> Server<L> {
        let mut handshake = ServerHandshakeConfig::new(self.dc, [private_key()].into());
        handshake.arithmetic = Arithmetic::Deferred;
        let mut server = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
        if self.fit {
            mtp_tokio::datagram::fit_server(&mut server.session);
        }
        if let Some(bytes) = self.unacked_bytes_max {
            server.session.unacked_bytes_max = bytes;
        }
        let mut config = EndpointConfig::new(server);
        config.link = self.link;
        config.admission = self.admission;
        let endpoint = Endpoint::new(config, Box::new(OsEntropy::seeded()));
        let mut api = DataCenterConfig::new(ApiConfig::new(self.dc.as_i32()));
        api.unknown_calls = UnknownCalls::Report;
        let mut center = DataCenter::new(api, Box::new(OsEntropy::seeded()));
        let (mut handler, bare) = (self.handler, self.bare);
        let events = Box::new(move |endpoint: &mut Endpoint, now, event| {
            if bare {
                if let EndpointEvent::Call(call) = event {
                    handler(endpoint, now, call);
                }
                return;
            }
            center.handle_event(now, endpoint, event);
            while let Some(event) = center.poll_event() {
                if let DcEvent::Call(call) = event {
                    handler(endpoint, now, call);
                }
            }
        });
        let mut server = Server::on(listener, endpoint, events, self.options);
        if let Some(observer) = self.observer {
            server = server.with_observer(observer);
        }
        match self.store {
            Some(store) => server.with_store(store).await.unwrap(),
            None => server,
        }
    }
}

impl World {
    /// Asks it to end, and waits.
    pub(crate) async fn stop(mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        self.serving.await.unwrap()
    }

    /// Ends it without asking.
    pub(crate) async fn kill(self) {
        self.serving.abort();
        assert!(self.serving.await.unwrap_err().is_cancelled());
    }

    pub(crate) fn options(&self) -> ClientOptions {
        client_options(self.address, Stack::Plain(Framing::Intermediate))
    }
}

pub(crate) fn client_options(address: SocketAddr, stack: Stack) -> ClientOptions {
    let config = ClientConfig::new(DC, [public_key()].into());
    let mut options = ClientOptions::new(address, stack, config);
    options.retry_pause = Duration::from_millis(10);
    options.retry_pause_max = Duration::from_millis(50);
    options
}

/// Waits for a notice.
pub(crate) async fn until(notices: &mut Notices, wanted: impl Fn(&Notice) -> bool) -> Notice {
    loop {
        let notice = notices.recv().await.expect("the client runs");
        if wanted(&notice) {
            return notice;
        }
    }
}

fn private_key() -> RsaPrivateKey {
    static PEM: OnceLock<String> = OnceLock::new();
    let pem = PEM.get_or_init(|| {
        RsaPrivateKey::generate(&mut OsEntropy).unwrap().to_pkcs1_pem().to_string()
    });
    RsaPrivateKey::from_pem(pem).unwrap()
}

pub(crate) fn public_key() -> RsaPublicKey {
    private_key().public().clone()
}
