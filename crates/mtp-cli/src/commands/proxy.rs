//! `mtp proxy`: an MTProxy on one port.

use core::net::SocketAddr;
use core::str::FromStr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use mtp_crypto::DcId;
use mtp_tokio::{Proxy, ProxyGate, ProxyNotice, ProxyObserver, ProxyOptions};
use mtp_transport::relay::{Carry, NamedSecret, RelayConfig, RelayCounters, RelayEvent, Target};
use mtp_transport::secret::{ProxySecret, SecretKind};

use super::middle_mode::MiddleOptions;
use crate::balancers::BalancerOptions;
use crate::failure::{Code, Failure, OrCode};
use crate::settings::{Log, Settings, SettingsOption};
use crate::system::signals::{End, STOP_TIMEOUT_S, Signals};
use crate::system::{block_on, limits};
use crate::terminal::Throttle;
use crate::{metrics, secrets, terminal};

/// Arguments of `mtp proxy`.
#[derive(Args)]
pub(crate) struct ProxyArguments {
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4430")]
    listen: SocketAddr,
    /// A secret that admits clients, hexadecimal or base64, with an optional name before `=`; may be
    /// repeated. `-` reads lines from the standard input. Arguments are visible to every user of the
    /// machine; --secret-file and `MTP_SECRET` are not
    #[arg(long = "secret", value_name = "[NAME=]SECRET")]
    secrets: Vec<SecretArgument>,
    /// File of secrets, one a line; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Address and port of a data center; may be repeated. The number is negative for one that
    /// serves files only, and 10,000 more in the test environment
    #[arg(
        long = "dc",
        value_name = "NUMBER=ADDRESS",
        required_unless_present = "middle_config",
        allow_hyphen_values = true
    )]
    data_centers: Vec<Upstream>,
    /// Web site for connections that know no secret; without it they get no answer
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    front: Option<String>,
    /// Address and port for a page of counters, as Prometheus collects them: /metrics over HTTP
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Clients served at once, with two descriptors each; fewer if the limit of descriptors is lower
    #[arg(long, value_name = "NUMBER", default_value_t = 16_384)]
    max_connections: usize,
    #[command(flatten)]
    balancers: BalancerOptions,
    /// How long connections may take to end after SIGTERM or SIGINT, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = STOP_TIMEOUT_S)]
    stop_timeout: f64,
    /// Print each client that comes, goes or is refused, and why
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    middle: MiddleOptions,
    #[command(flatten)]
    settings: SettingsOption,
}

#[derive(Clone)]
enum SecretArgument {
    /// Secrets are on the standard input.
    Stdin,
    Given(Secret),
}

#[derive(Clone)]
struct Secret {
    name: Option<String>,
    secret: ProxySecret,
}

impl FromStr for SecretArgument {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == secrets::STDIN { Ok(Self::Stdin) } else { text.parse().map(Self::Given) }
    }
}

impl FromStr for Secret {
    type Err = anyhow::Error;

    /// Base64 may end in `=`, so a name is only what stands before a secret.
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
        let number: i16 = number.parse().context("the number of the data center")?;
        if number == 0 {
            return Err(anyhow!("expected something like 2=127.0.0.1:443"));
        }
        Ok(Self { dc: DcId::new(number.into()), address: host_and_port(address)? })
    }
}

/// Checks that a text names a host and a port. The host is resolved for each connection.
fn host_and_port(text: &str) -> anyhow::Result<String> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port != 0);
    let is_host = !host.is_empty() && !host.contains(['/', '@', ' ']);
    if is_port && is_host { Ok(text.to_owned()) } else { bail!("expected HOST:PORT") }
}

pub(crate) fn run(arguments: &ProxyArguments) -> Result<(), Failure> {
    let stop_timeout = Duration::try_from_secs_f64(arguments.stop_timeout)
        .context("--stop-timeout is not a number of seconds")?;
    let mut config = RelayConfig::default();
    config.proxy_protocol = arguments.balancers.proxy_protocol;
    for (number, Secret { name, secret }) in (1_usize..).zip(read_secrets(arguments)?) {
        let name = name.unwrap_or_else(|| format!("secret {number}"));
        config.secrets.push(NamedSecret { name, secret });
    }
    check_secrets(&config.secrets).or_code(Code::Arguments)?;
    if config.secrets.is_empty() {
        return Err(anyhow!("no secret: give --secret-file, MTP_SECRET or --secret"))
            .or_code(Code::Arguments);
    }
    let upstreams = arguments.data_centers.iter();
    let data_centers: BTreeMap<_, _> =
        upstreams.map(|one| (one.dc, one.address.as_str().into())).collect();
    let mut options = ProxyOptions::new(data_centers);
    options.front = arguments.front.as_deref().map(Into::into);
    options.connections_max = limits::connections(arguments.max_connections, 2);
    options.linger = options.linger.min(stop_timeout);
    if options.front.is_none() && config.secrets.iter().any(is_tls) {
        terminal::note("without --front a probe finds no web site here");
    }
    let log = if arguments.verbose { Log::All } else { Log::Little };
    let settings =
        Arc::new(Settings::new(&arguments.settings, log, &arguments.balancers.trusted_networks)?);
    block_on(serve(arguments, config, options, settings, stop_timeout))
}

/// Returns the secrets of the arguments and the file, or those of the environment if there are none.
fn read_secrets(arguments: &ProxyArguments) -> anyhow::Result<Vec<Secret>> {
    let mut found = Vec::new();
    for secret in &arguments.secrets {
        match secret {
            SecretArgument::Given(secret) => found.push(secret.clone()),
            SecretArgument::Stdin => {
                found.extend(parse_lines(&secrets::lines(secrets::STDIN.as_ref())?, "--secret -")?);
            }
        }
    }
    if let Some(path) = &arguments.secret_file {
        let lines = secrets::lines(path).context("--secret-file")?;
        found.extend(parse_lines(&lines, "--secret-file")?);
    }
    if found.is_empty()
        && let Some(secret) = secrets::variable("MTP_SECRET")?
    {
        found.push(secret.parse().context("MTP_SECRET")?);
    }
    Ok(found)
}

/// Checks that secrets are distinct: names in counters, domains by their keys.
fn check_secrets(secrets: &[NamedSecret]) -> anyhow::Result<()> {
    let mut rest = secrets;
    while let [first, others @ ..] = rest {
        for other in others {
            if other.name == first.name {
                bail!("two secrets have the name {}", first.name);
            }
            let both_tls = is_tls(first) && is_tls(other);
            if both_tls && first.secret.key().as_bytes() == other.secret.key().as_bytes() {
                bail!(
                    "{} and {} have one key and two domains: each domain needs its own key",
                    first.name,
                    other.name
                );
            }
        }
        rest = others;
    }
    Ok(())
}

fn is_tls(named: &NamedSecret) -> bool {
    matches!(named.secret.kind(), SecretKind::FakeTls(_))
}

/// Parses secrets. Errors name the number, not the secret.
fn parse_lines(lines: &[secrets::SecretText], source: &str) -> anyhow::Result<Vec<Secret>> {
    let parse = |(number, line): (usize, &secrets::SecretText)| {
        line.parse::<Secret>().with_context(|| format!("{source}: secret {number}"))
    };
    (1..).zip(lines).map(parse).collect()
}

async fn serve(
    arguments: &ProxyArguments,
    mut config: RelayConfig,
    mut options: ProxyOptions,
    settings: Arc<Settings>,
    stop_timeout: Duration,
) -> Result<(), Failure> {
    let signals = Signals::catch().context("cannot catch signals")?;
    let address = arguments.listen;
    let names: Vec<_> = config.secrets.iter().map(|secret| secret.name.clone()).collect();
    let mut middle = None;
    if arguments.middle.is_on() {
        let run = arguments.middle.start(&names, arguments.verbose);
        let run = run.or_code(Code::Arguments)?;
        config.carry = Carry::Middle;
        options.middle = Some(run.mode.clone());
        middle = Some(run);
    }
    let mut proxy = Proxy::bind(address, config, options, observer(settings.clone(), names))
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .or_code(Code::NoConnection)?;
    if arguments.balancers.proxy_protocol {
        proxy = proxy.with_gate(gate(settings.clone()));
    }
    let metrics = proxy.metrics();
    let counters = proxy.metrics();
    metrics::publish(arguments.metrics, move || metrics.render()).await?;
    terminal::note(&format!("proxy listens on {}; Ctrl-C stops it", proxy.local_addr()?));
    let reload = || {
        settings.reload();
        if let Some(middle) = &middle {
            middle.reload();
        }
    };
    match signals.operate(stop_timeout, reload, |stop| proxy.run(stop)).await {
        End::Ended(outcome) => summary(&outcome.context("the listener failed")?),
        End::Cut => {
            terminal::note("connections were cut off");
            summary(&counters.ledger());
        }
    }
    Ok(())
}

/// Returns a gate for the networks of load balancers.
fn gate(settings: Arc<Settings>) -> ProxyGate {
    let refusals = Throttle::new();
    Box::new(move |address| {
        let is_trusted = settings.trusts(address);
        if !is_trusted && settings.logs(Log::Refusals) {
            refusals.note(&format!("connection from {address} refused: not a trusted network"));
        }
        is_trusted
    })
}

/// Returns an observer that prints what the settings ask for; `names` are those of the secrets.
fn observer(settings: Arc<Settings>, names: Vec<String>) -> ProxyObserver {
    let refusals = Throttle::new();
    Box::new(move |peer, notice| match notice {
        ProxyNotice::Relay(RelayEvent::Refused(why)) if settings.logs(Log::Refusals) => {
            refusals.note(&format!("{peer}: refused: {why}"));
        }
        ProxyNotice::Relay(event) if settings.logs(Log::All) => {
            if let Some(text) = describe(event, &names) {
                terminal::note(&format!("{peer}: {text}"));
            }
        }
        ProxyNotice::Relay(_) => {}
        // Why a connection ended, before the relay says that it did.
        notice if settings.logs(Log::All) => terminal::note(&format!("{peer}: {notice}")),
        _ => {}
    })
}

fn describe(event: &RelayEvent, names: &[String]) -> Option<String> {
    let name = |secret: usize| names.get(secret).map_or("", String::as_str);
    Some(match event {
        RelayEvent::Dial(Target::DataCenter { dc, secret }) => {
            format!("to data center {dc} with {}", name(*secret))
        }
        RelayEvent::Dial(_) => "to the front".to_owned(),
        RelayEvent::OpenMiddle { dc, secret, .. } => {
            format!("to data center {dc} through middle proxies with {}", name(*secret))
        }
        RelayEvent::Close { reason, secret, traffic } => {
            let with = secret.map(|secret| format!(" with {}", name(secret))).unwrap_or_default();
            format!("{reason}{with}; {} bytes up, {} down", traffic.up, traffic.down)
        }
        _ => return None,
    })
}

fn summary(counters: &RelayCounters) {
    for account in counters.secrets() {
        terminal::note(&format!(
            "{}: {} clients, {} bytes up, {} down",
            account.name, account.accepted, account.traffic.up, account.traffic.down
        ));
    }
    terminal::note(&format!("refused: {}", counters.refused()));
}
