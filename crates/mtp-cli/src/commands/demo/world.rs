//! The demo's machines: a data centre and a proxy in front of it, both on loopback.

use core::net::{Ipv4Addr, SocketAddr};
use std::collections::BTreeMap;

use anyhow::Context;
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_crypto::{Entropy, OsEntropy};
use mtp_dc::api::LoginCode;
use mtp_dc::{ApiConfig, DcOption};
use mtp_tokio::{Proxy, ProxyOptions, Server, ServerOptions};
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
    pub(super) key: RsaPublicKey,
    pub(super) address: SocketAddr,
    pub(super) proxy: SocketAddr,
    secrets: [ProxySecret; 3],
    stop: [oneshot::Sender<()>; 2],
    serving: JoinHandle<anyhow::Result<()>>,
    relaying: JoinHandle<anyhow::Result<()>>,
}

impl World {
    pub(super) async fn start(port: u16) -> Result<Self, Failure> {
        let key = RsaPrivateKey::generate(&mut OsEntropy)?;
        let public = key.public().clone();
        let server = bind_server(port, key).await.or_code(Code::NoConnection)?;
        let address = server.local_addr()?;
        let secrets = secrets()?;
        let proxy = bind_proxy(address, &secrets).await.or_code(Code::NoConnection)?;
        let proxy_address = proxy.local_addr()?;
        let (stop_server, server_stopped) = oneshot::channel();
        let (stop_proxy, proxy_stopped) = oneshot::channel();
        Ok(Self {
            key: public,
            address,
            proxy: proxy_address,
            secrets,
            stop: [stop_proxy, stop_server],
            serving: tokio::spawn(async {
                server.run(told(server_stopped)).await.context("the data centre's listener")
            }),
            relaying: tokio::spawn(async {
                proxy.run(told(proxy_stopped)).await.context("the proxy's listener").map(|_| ())
            }),
        })
    }

    /// Returns where to connect and what to speak there.
    pub(super) fn route(&self, way: Way) -> (SocketAddr, Stack) {
        let dc = DataCenter::new(DC, false);
        let [plain, padded, fake_tls] = &self.secrets;
        let secret = match way {
            Way::Direct(transport) => {
                return (self.address, transport.stack(&self.address.to_string(), dc));
            }
            Way::Proxied(Secret::Plain) => plain,
            Way::Proxied(Secret::Padded) => padded,
            Way::Proxied(Secret::FakeTls) => fake_tls,
        };
        (self.proxy, Stack::proxied(secret, dc.link))
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        for stop in self.stop {
            // A task that has ended already is looked at below.
            let _ = stop.send(());
        }
        self.relaying.await.context("the proxy's task")??;
        self.serving.await.context("the data centre's task")??;
        Ok(())
    }
}

async fn bind_server(port: u16, key: RsaPrivateKey) -> anyhow::Result<Server> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut api = ApiConfig::new(DC.into());
    api.dc_options = vec![DcOption::new(DC.into(), "127.0.0.1", port)];
    api.login_code = LoginCode::Fixed(LOGIN_CODE.to_owned());
    let handshake = center::handshake(DataCenter::new(DC, false).key, key);
    let center = center::new(center::config(handshake, api, center::salt_secret()));
    let events = Box::new(|_: &mut _, _, _| ());
    Server::bind(address, center, events, ServerOptions::default())
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
    let options = ProxyOptions::new(BTreeMap::from([(dc, server.to_string())]));
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

/// A sender that is dropped means the same as one that sends: stop.
async fn told(stopped: oneshot::Receiver<()>) {
    let _ = stopped.await;
}
