//! `mtp proxy`: an MTProxy on one port.

use core::net::SocketAddr;
use core::str::FromStr;
use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use clap::Args;
use mtp_crypto::DcId;
use mtp_tokio::{Destination, Proxy, ProxyObserver, ProxyOptions};
use mtp_transport::relay::{NamedSecret, RelayConfig, RelayCounters, RelayEvent};
use mtp_transport::secret::{ProxySecret, SecretKind};

use crate::failure::{Code, Failure, OrCode};
use crate::{interrupted, metrics, runtime, terminal};

/// Arguments of `mtp proxy`.
#[derive(Args)]
pub(crate) struct ProxyArguments {
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4430")]
    listen: SocketAddr,
    /// A secret that lets clients in, hexadecimal or base64, with a name in front of `=` if you
    /// like; may be repeated. `mtp link make` makes one
    #[arg(long = "secret", value_name = "[NAME=]SECRET", required = true)]
    secrets: Vec<Secret>,
    /// Address and port of a data centre; may be repeated. The number is negative for one that
    /// serves files only, and 10,000 more in the test environment
    #[arg(long = "dc", value_name = "NUMBER=ADDRESS", required = true, allow_hyphen_values = true)]
    data_centers: Vec<Upstream>,
    /// The site that whoever knows no secret is connected to; without it they get no answer
    #[arg(long, value_name = "HOST:PORT")]
    front: Option<String>,
    /// Address and port for a page of counters, as Prometheus collects them: /metrics by HTTP
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Clients served at once
    #[arg(long, value_name = "NUMBER", default_value_t = 16_384)]
    max_connections: usize,
    /// Print each client that comes, goes or is refused
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Clone)]
struct Secret {
    name: Option<String>,
    secret: ProxySecret,
}

impl FromStr for Secret {
    type Err = anyhow::Error;

    /// Base64 may end in `=`, so only what stands before a secret is a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(secret) = text.parse() {
            return Ok(Self { name: None, secret });
        }
        let (name, secret) = text.split_once('=').unwrap_or(("", text));
        Ok(Self { name: Some(name.to_owned()), secret: secret.parse()? })
    }
}

#[derive(Clone)]
struct Upstream {
    dc: DcId,
    address: String,
}

impl FromStr for Upstream {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, address) = text.split_once('=').context("expected NUMBER=ADDRESS")?;
        let number: i16 = number.parse().context("the number of the data centre")?;
        let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if number == 0 || !matches!(port, Some(Ok(1..))) {
            return Err(anyhow!("expected something like 2=127.0.0.1:443"));
        }
        Ok(Self { dc: DcId::from(number), address: address.to_owned() })
    }
}

pub(crate) fn run(arguments: &ProxyArguments) -> Result<(), Failure> {
    let mut config = RelayConfig::default();
    for (number, Secret { name, secret }) in arguments.secrets.iter().cloned().enumerate() {
        let name = name.unwrap_or_else(|| format!("secret {}", number.saturating_add(1)));
        config.secrets.push(NamedSecret { name, secret });
    }
    let upstreams = arguments.data_centers.iter().cloned();
    let data_centers: BTreeMap<_, _> =
        upstreams.map(|one| (one.dc, Destination::name(&one.address))).collect();
    let mut options = ProxyOptions::new(data_centers);
    options.front = arguments.front.as_deref().map(Destination::name);
    options.connections_max = arguments.max_connections;
    let is_tls = |named: &NamedSecret| matches!(named.secret.kind(), SecretKind::FakeTls(_));
    if options.front.is_none() && config.secrets.iter().any(is_tls) {
        terminal::note("without --front a probe sees that no site is here");
    }
    runtime()?.block_on(serve(arguments, config, options))
}

async fn serve(
    arguments: &ProxyArguments,
    config: RelayConfig,
    options: ProxyOptions,
) -> Result<(), Failure> {
    let address = arguments.listen;
    let proxy = Proxy::bind(address, config, options, observer(arguments.verbose))
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .or_code(Code::NoConnection)?;
    let metrics = proxy.metrics();
    metrics::publish(arguments.metrics, move || metrics.render()).await?;
    terminal::note(&format!("proxy listens on {}; Ctrl-C stops it", proxy.local_addr()?));
    let ledger = proxy.run(interrupted()).await.context("the listener failed")?;
    summary(&ledger);
    Ok(())
}

fn observer(verbose: bool) -> ProxyObserver {
    if !verbose {
        return Box::new(|_, _| ());
    }
    Box::new(|peer, event| match event {
        RelayEvent::Refused(why) => terminal::note(&format!("{peer}: {why}")),
        RelayEvent::Dial(target) => terminal::note(&format!("{peer}: to {target:?}")),
        RelayEvent::Close { reason, traffic, .. } => {
            let (up, down) = (traffic.up, traffic.down);
            terminal::note(&format!("{peer}: {reason}; {up} bytes up, {down} down"));
        }
        _ => {}
    })
}

fn summary(ledger: &RelayCounters) {
    for account in ledger.secrets() {
        terminal::note(&format!(
            "{}: {} clients, {} bytes up, {} down",
            account.name, account.accepted, account.traffic.up, account.traffic.down
        ));
    }
    terminal::note(&format!("refused: {}", ledger.refused()));
}
