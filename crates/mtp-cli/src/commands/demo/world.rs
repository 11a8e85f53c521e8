//! The demo's machines: a data centre, a proxy in front of it, and a data centre for datagrams, all on
//! loopback.

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::pin::Pin;
use std::collections::BTreeMap;

use anyhow::Context;
use mtp_crypto::OsEntropy;
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_dc::LoginCode;
use mtp_dc::{ApiConfig, DcOption};
use mtp_env::Entropy;
use mtp_tokio::{Proxy, ProxyOptions, Server, ServerOptions, datagram};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use mtp_transport::relay::{NamedSecret, RelayConfig};
use mtp_transport::secret::{Domain, KEY_LEN, ProxySecret, SecretKey};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Secret, Way};
use crate::center;
use crate::failure::{Code, Failure, OrCode};
use crate::transport::DataCenter;

/// The number of the data centre.
pub(super) const DC: u8 = 2;

/// The code with which anybody logs in: everybody here is the demo itself.
pub(super) const LOGIN_CODE: &str = "22222";

/// What the client visits.
pub(super) struct World {
    center: Center,
    /// Another that answers datagrams, for which its sessions pack less.
    datagrams: Center,
    pub(super) proxy: SocketAddr,
    secrets: [ProxySecret; 3],
    relaying: Running,
}

/// A data centre that runs.
struct Center {
    key: RsaPublicKey,
    address: SocketAddr,
    serving: Running,
}

/// Where to connect, what to speak there, and whom to expect.
pub(super) struct Route<'w> {
    pub(super) address: SocketAddr,
    pub(super) stack: Stack,
    pub(super) key: &'w RsaPublicKey,
}

impl World {
    pub(super) async fn start(port: u16) -> Result<Self, Failure> {
        let center = Center::start(port, Over::Streams).await.or_code(Code::NoConnection)?;
        let datagrams = Center::start(0, Over::Datagrams).await.or_code(Code::NoConnection)?;
        let secrets = secrets()?;
        let proxy = bind_proxy(center.address, &secrets).await.or_code(Code::NoConnection)?;
        Ok(Self {
            center,
            datagrams,
            proxy: proxy.local_addr()?,
            secrets,
            relaying: Running::start(|stopped| async {
                proxy.run(stopped).await.context("the proxy's listener").map(|_| ())
            }),
        })
    }

    /// Returns where the data centre takes streams.
    pub(super) const fn address(&self) -> SocketAddr {
        self.center.address
    }

    /// Returns where a way begins.
    pub(super) fn route(&self, way: Way) -> Route<'_> {
        let dc = DataCenter::new(DC, false);
        let [plain, padded, fake_tls] = &self.secrets;
        let Center { address, ref key, .. } = self.center;
        let proxied = |secret| (self.proxy, Stack::proxied(secret, dc.link));
        let (address, stack) = match way {
            Way::Direct(transport) => (address, transport.stack(&address.to_string(), dc)),
            Way::Proxied(Secret::Plain) => proxied(plain),
            Way::Proxied(Secret::Padded) => proxied(padded),
            Way::Proxied(Secret::FakeTls) => proxied(fake_tls),
            Way::Datagram => {
                let Center { address, ref key, .. } = self.datagrams;
                return Route { address, stack: Stack::Plain(Framing::Intermediate), key };
            }
        };
        Route { address, stack, key }
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.relaying.stop().await.context("the proxy's task")?;
        self.center.serving.stop().await.context("the data centre's task")?;
        self.datagrams.serving.stop().await.context("the data centre's task")?;
        Ok(())
    }
}

/// What a data centre is reached by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Streams,
    Datagrams,
}

impl Center {
    async fn start(port: u16, over: Over) -> anyhow::Result<Self> {
        let rsa = RsaPrivateKey::generate(&mut OsEntropy)?;
        let key = rsa.public().clone();
        let mut server = bind_server(port, rsa, over).await?;
        let mut address = server.local_addr()?;
        if over == Over::Datagrams {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            server = server.listen_datagram(any).await.context("no socket for datagrams")?;
            address = server.datagram_addr().context("no address for datagrams")?;
        }
        let serving = Running::start(|stopped| async {
            server.run(stopped).await.context("the data centre's listener")
        });
        Ok(Self { key, address, serving })
    }
}

/// A task that runs until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    fn start<F>(serve: impl FnOnce(Stopped) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        // A sender that is dropped means the same as one that sends: stop.
        let stopped: Stopped = Box::pin(async { _ = stopped.await });
        Self { stop, task: tokio::spawn(serve(stopped)) }
    }

    async fn stop(self) -> anyhow::Result<()> {
        // A task that has ended already is looked at below.
        let _ = self.stop.send(());
        self.task.await?
    }
}

type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn bind_server(port: u16, key: RsaPrivateKey, over: Over) -> anyhow::Result<Server> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut api = ApiConfig::new(DC.into());
    api.dc_options = vec![DcOption::new(DC.into(), "127.0.0.1", port)];
    api.login_code = LoginCode::Fixed(LOGIN_CODE.to_owned());
    let handshake = center::handshake(DataCenter::new(DC, false).key, key);
    let mut config = center::config(handshake, center::salt_secret());
    if over == Over::Datagrams {
        datagram::fit_server(&mut config.server.session);
    }
    let answerer = center::answerer(api, |_| ());
    Server::bind(address, center::endpoint(config), answerer, ServerOptions::default())
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

async fn bind_proxy(server: SocketAddr, secrets: &[ProxySecret]) -> anyhow::Result<Proxy> {
    let mut config = RelayConfig::default();
    config.secrets = secrets
        .iter()
        .map(|secret| NamedSecret { name: String::new(), secret: secret.clone() })
        .collect();
    let dc = DataCenter::new(DC, false).link;
    let options = ProxyOptions::new(BTreeMap::from([(dc, server.into())]));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Proxy::bind(address, config, options, Box::new(|_, _| ()))
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

/// One secret of each kind.
fn secrets() -> anyhow::Result<[ProxySecret; 3]> {
    let key = || {
        let mut key = [0; KEY_LEN];
        OsEntropy.fill(&mut key);
        SecretKey::new(key)
    };
    let domain = Domain::new(b"demo.example")?;
    Ok([
        ProxySecret::plain(key()),
        ProxySecret::padded(key()),
        ProxySecret::fake_tls(key(), domain)?,
    ])
}
