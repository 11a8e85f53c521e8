//! `mtp demo`: a data centre, a proxy and a client on this machine, over every transport.

use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_crypto::{Entropy, OsEntropy};
use mtp_dc::{ApiConfig, DcOption};
use mtp_session::client::ClientConfig;
use mtp_session::session::RequestOptions;
use mtp_tokio::{
    Client, ClientOptions, Notice, Notices, Proxy, ProxyOptions, Server, ServerOptions,
};
use mtp_transport::link::Stack;
use mtp_transport::relay::{NamedSecret, RelayConfig};
use mtp_transport::secret::{Domain, KEY_LEN, ProxySecret, SecretKey};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::failure::{Code, Failure, OrCode};
use crate::terminal::Table;
use crate::transport::{DataCenter, Transport};
use crate::{center, runtime, terminal};

/// Arguments of `mtp demo`.
#[derive(Args)]
pub(crate) struct Demo {
    /// Port on 127.0.0.1 for the data centre; 0 lets the system choose
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How long each step may take, in seconds
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    timeout: f64,
    /// Only this transport; may be repeated [default: all]
    #[arg(long = "transport", value_enum, value_name = "TRANSPORT")]
    ways: Vec<Way>,
}

/// A way from the client to the data centre.
#[derive(Clone, Copy)]
enum Way {
    Direct(Transport),
    /// Through the proxy, with a secret of this kind.
    Proxied(Secret),
}

#[derive(Clone, Copy)]
enum Secret {
    Plain,
    Padded,
    FakeTls,
}

impl ValueEnum for Way {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Direct(Transport::Abridged),
            Self::Direct(Transport::Intermediate),
            Self::Direct(Transport::Padded),
            Self::Direct(Transport::Full),
            Self::Direct(Transport::ObfAbridged),
            Self::Direct(Transport::ObfIntermediate),
            Self::Direct(Transport::ObfPadded),
            Self::Direct(Transport::Http),
            Self::Direct(Transport::Ws),
            Self::Proxied(Secret::Plain),
            Self::Proxied(Secret::Padded),
            Self::Proxied(Secret::FakeTls),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Direct(transport) => transport.to_possible_value(),
            Self::Proxied(secret) => Some(PossibleValue::new(match secret {
                Secret::Plain => "proxy-plain",
                Secret::Padded => "proxy-dd",
                Secret::FakeTls => "proxy-ee",
            })),
        }
    }
}

impl Way {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

pub(crate) fn run(arguments: &Demo) -> Result<(), Failure> {
    let timeout = Duration::try_from_secs_f64(arguments.timeout)
        .context("--timeout is not a number of seconds")?;
    let all = Way::value_variants();
    let ways = if arguments.ways.is_empty() { all } else { &arguments.ways };
    runtime()?.block_on(demo(arguments.port, timeout, ways))
}

/// The demo's data centre.
const DC: u8 = 2;

async fn demo(port: u16, timeout: Duration, ways: &[Way]) -> Result<(), Failure> {
    let started = Instant::now();
    let world = World::start(port).await?;
    terminal::title(&format!(
        "Data centre {DC} on {}, a proxy on {}, and a client over {}",
        world.address,
        world.proxy,
        match ways {
            [one] => one.name(),
            ways => format!("{} transports", ways.len()),
        }
    ));
    let mut table = Table::new(&COLUMNS);
    let mut failed = Vec::new();
    for way in ways {
        let mut run = Run { timeout, times: Vec::new() };
        let outcome = run.visit(&world, *way).await;
        table.row(&way.name(), &run.times, outcome.is_ok());
        if let Err(failure) = outcome {
            failed.push((way.name(), failure));
        }
    }
    world.stop().await?;
    let (total, bad) = (ways.len(), failed.len());
    let took = terminal::duration(started.elapsed());
    match failed.into_iter().next() {
        None => {
            terminal::summary(&format!("all good, in {took}"));
            Ok(())
        }
        Some((name, Failure { error, code })) => {
            let error = error.context(format!("{bad} of {total} failed, the first {name}"));
            Err(Failure { error, code })
        }
    }
}

/// The columns of the table: the way, then the times in the order in which a run notes them.
const COLUMNS: [&str; 7] = ["transport", "connect", "key", "temp. key", "binding", "call", "ping"];

/// A data centre and a proxy in front of it, both on loopback.
struct World {
    key: RsaPublicKey,
    address: SocketAddr,
    proxy: SocketAddr,
    secrets: [ProxySecret; 3],
    stop: [oneshot::Sender<()>; 2],
    serving: JoinHandle<anyhow::Result<()>>,
    relaying: JoinHandle<anyhow::Result<()>>,
}

impl World {
    async fn start(port: u16) -> Result<Self, Failure> {
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
    fn route(&self, way: Way) -> (SocketAddr, Stack) {
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

    async fn stop(self) -> Result<(), Failure> {
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
    let center = center::new(DataCenter::new(DC, false).key, key, api, center::salt_secret());
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

/// One client's visit: steps one by one, each within the time allowed.
struct Run {
    timeout: Duration,
    times: Vec<Duration>,
}

impl Run {
    async fn visit(&mut self, world: &World, way: Way) -> Result<(), Failure> {
        let (address, stack) = world.route(way);
        let config = ClientConfig::new(DataCenter::new(DC, false).key, [world.key.clone()].into());
        let (client, mut notices) = Client::start(ClientOptions::new(address, stack, config));
        let outcome = self.talk(&client, &mut notices, way).await;
        client.close().await;
        outcome
    }

    async fn talk(
        &mut self,
        client: &Client,
        notices: &mut Notices,
        way: Way,
    ) -> Result<(), Failure> {
        let [_, connect, permanent, temporary, binding, call, ping] = COLUMNS;
        self.step(connect, Code::NoConnection, until(notices, Until::Connected)).await?;
        self.step(permanent, Code::NoKey, until(notices, Until::Key)).await?;
        self.step(temporary, Code::NoKey, until(notices, Until::Key)).await?;
        self.step(binding, Code::NoKey, until(notices, Until::Ready)).await?;
        self.step(call, Code::CallRefused, get_config(client)).await?;
        // A link that sleeps between requests is not pinged.
        if matches!(way, Way::Direct(Transport::Http)) {
            return Ok(());
        }
        self.step(ping, Code::NoConnection, async { Ok(client.ping().await.map(|_| ())?) }).await
    }

    async fn step(
        &mut self,
        what: &str,
        code: Code,
        step: impl Future<Output = anyhow::Result<()>>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(self.timeout, step).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow!("not done within {} s", self.timeout.as_secs_f64())),
        };
        if outcome.is_ok() {
            self.times.push(started.elapsed());
        }
        outcome.with_context(|| what.to_owned()).or_code(code)
    }
}

/// What a step waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Connected,
    Key,
    Ready,
}

/// Waits for a notice; whatever means that it will not come is an error.
async fn until(notices: &mut Notices, wanted: Until) -> anyhow::Result<()> {
    while let Some(notice) = notices.recv().await {
        let found = match notice {
            Notice::Connected => Until::Connected,
            Notice::KeyCreated(_) => Until::Key,
            Notice::Ready => Until::Ready,
            Notice::Disconnected { reason, .. } => return Err(anyhow!("disconnected: {reason}")),
            Notice::ExchangeFailed(why) => return Err(anyhow!("{why}")),
            _ => continue,
        };
        if found == wanted {
            return Ok(());
        }
    }
    Err(anyhow!("the client ended"))
}

async fn get_config(client: &Client) -> anyhow::Result<()> {
    let call = HELP_GET_CONFIG.to_le_bytes().to_vec();
    let answer = client.invoke_raw(call, RequestOptions::new()).await?;
    match answer.first_chunk().map(|id| u32::from_le_bytes(*id)) {
        Some(CONFIG) => Ok(()),
        _ => Err(anyhow!("the answer is no config")),
    }
}

const HELP_GET_CONFIG: u32 = 0xc4f9_186b;
const CONFIG: u32 = 0xcc1a_241e;
