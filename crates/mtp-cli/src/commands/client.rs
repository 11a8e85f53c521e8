//! `mtp client`: calls from the command line, answers as JSON.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use clap::{ArgGroup, Args};
use mtp_crypto::exchange::{KNOWN_KEYS, KnownKey, KnownKeyKind, RsaPublicKey};
use mtp_crypto::key_file::Cost;
use mtp_session::client::RequestOptions;
use mtp_store::{ClientStore, FileStore, private_file, wait};
use mtp_tokio::{
    Client, ClientLog, ClientOptions, Destination, InvokeError, Notice, Notices, Setback,
};
use mtp_transport::address;
use mtp_transport::link::Stack;
use tokio::sync::mpsc;

use crate::api::{Api, Call};
use crate::failure::{Code, Failure, OrCode};
use crate::recording::Recording;
use crate::schema::SchemaOption;
use crate::transport::{DataCenter, Hello, Proxy, Transport};
use crate::{runtime, terminal};

/// Arguments of `mtp client`.
#[derive(Args)]
#[command(group = ArgGroup::new("target").args(["connect", "dc", "proxy", "proxy_link"])
    .required(true).multiple(true))]
pub(crate) struct ClientArguments {
    /// Address and port of the data centre; a proxy knows it by number and does not need it
    #[arg(long, value_name = "ADDRESS")]
    connect: Option<String>,
    /// Number of the data centre, 2 if not given; without --connect its published address is used
    #[arg(long, value_name = "NUMBER")]
    dc: Option<u8>,
    /// The data centre belongs to the test environment
    #[arg(long)]
    test: bool,
    /// The server's public key, PKCS#1 or SPKI in PEM; the published keys if not given
    #[arg(long, value_name = "FILE")]
    rsa_pub: Option<PathBuf>,
    /// File that keeps the key, and with it the login, between runs; made if it is not there
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
    /// Password of that file, better given in the environment; without one the file is as safe as
    /// its permissions
    #[arg(long, requires = "session", env = "MTP_SESSION_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// What to speak [default: intermediate, padded through a proxy]
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Address and port of an MTProxy
    #[arg(long, value_name = "ADDRESS", requires = "secret")]
    proxy: Option<String>,
    /// The proxy's secret, hexadecimal or base64
    #[arg(long, value_name = "SECRET", requires = "proxy")]
    secret: Option<String>,
    /// Whose TLS hello an ee secret is disguised by; proxies from before 2025 know `legacy` alone
    #[arg(long, value_enum, value_name = "PROFILE", default_value_t = Hello::Chrome)]
    hello: Hello,
    /// A link to an MTProxy, instead of --proxy and --secret
    #[arg(long, value_name = "URL", conflicts_with = "proxy")]
    proxy_link: Option<String>,
    /// A call: the method's name, with its arguments as a JSON object behind `=`; may be repeated
    #[arg(long = "call", value_name = "METHOD[=JSON]", required = true)]
    calls: Vec<String>,
    #[command(flatten)]
    schema: SchemaOption,
    /// Your application's number; calls then introduce themselves with initConnection
    #[arg(long, value_name = "NUMBER")]
    api_id: Option<i32>,
    /// How long connecting and each call may take, in seconds
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    timeout: f64,
    /// File for a log of everything that the client does, for `mtp replay`. It holds the keys: as
    /// secret as the session
    #[arg(long, value_name = "FILE")]
    log_session: Option<PathBuf>,
    /// Print each key that is made
    #[arg(long, short)]
    verbose: bool,
}

impl ClientArguments {
    fn timeout(&self) -> anyhow::Result<Duration> {
        Duration::try_from_secs_f64(self.timeout).context("--timeout is not a number of seconds")
    }

    fn dc_number(&self) -> u8 {
        self.dc.unwrap_or(2)
    }

    fn data_center(&self) -> DataCenter {
        DataCenter::new(self.dc_number(), self.test)
    }

    fn proxy(&self) -> anyhow::Result<Option<Proxy>> {
        match (&self.proxy, &self.secret, &self.proxy_link) {
            (_, _, Some(link)) => Proxy::from_link(link).map(Some),
            (Some(address), Some(secret), None) => {
                let secret = secret.parse().context("--secret")?;
                Ok(Some(Proxy { address: address.clone(), secret }))
            }
            _ => Ok(None),
        }
    }

    /// Returns where to connect, and the transport to use there.
    fn route(&self) -> anyhow::Result<(Destination, Stack)> {
        let dc = self.data_center();
        if let Some(proxy) = self.proxy()? {
            if self.connect.is_some() {
                let number = self.dc.unwrap_or(2);
                terminal::note(&format!(
                    "the proxy connects to data centre {number} as it knows it, not to --connect"
                ));
            }
            let transport = self.transport.unwrap_or(Transport::Padded);
            let stack = transport.proxied(&proxy.secret, dc, self.hello).context("--transport")?;
            return Ok((destination(&proxy.address)?, stack));
        }
        let transport = self.transport.unwrap_or(Transport::Intermediate);
        let (address, host) = match &self.connect {
            Some(connect) => (destination(connect)?, connect.clone()),
            None => published(dc, transport)?,
        };
        Ok((address, transport.stack(&host, dc)))
    }

    fn server_keys(&self) -> anyhow::Result<Vec<RsaPublicKey>> {
        let Some(path) = &self.rsa_pub else {
            let kind = if self.test { KnownKeyKind::Test } else { KnownKeyKind::Production };
            let keys = KNOWN_KEYS.iter().filter(|key| key.kind == kind);
            return Ok(keys.map(KnownKey::public_key).collect());
        };
        read_key(path).map(|key| vec![key])
    }
}

pub(crate) fn run(arguments: &ClientArguments) -> Result<(), Failure> {
    let timeout = arguments.timeout()?;
    let keys = arguments.server_keys()?;
    let api = Api::load(&arguments.schema)?;
    let calls = arguments
        .calls
        .iter()
        .map(|call| api.parse_call(call).with_context(|| format!("--call {call}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (address, stack) = arguments.route()?;
    let recording = Recording {
        dc: arguments.dc_number(),
        test: arguments.test,
        keys,
        api_id: arguments.api_id,
    };
    let mut options = ClientOptions::new(address, stack, recording.config(&api));
    options.store = open_session(arguments)?;
    let log = arguments.log_session.as_deref().map(Log::create).transpose()?;
    options.log = log.as_ref().map(|log| ClientLog::new(recording.note(), log.sender.clone()));
    let outcome = runtime()?.block_on(async {
        let (client, mut notices) = Client::start(options);
        let ready = ready(&client, &mut notices, timeout, arguments.verbose).await;
        let outcome = match ready {
            Ok(()) => answer(&client, &api, &calls, timeout).await,
            failed => failed,
        };
        client.close().await;
        outcome
    });
    // A log that cannot be written must not hide what went wrong before.
    let logged = log.map_or(Ok(()), |mut log| log.write());
    outcome.and(logged)
}

/// A log on its way to its file.
struct Log {
    file: File,
    path: PathBuf,
    sender: mpsc::UnboundedSender<Vec<u8>>,
    parts: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Log {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = private_file::create(path);
        let file = file.with_context(|| format!("--log-session {}", path.display()))?;
        let (sender, parts) = mpsc::unbounded_channel();
        Ok(Self { file, path: path.to_owned(), sender, parts })
    }

    /// Writes what came.
    fn write(&mut self) -> Result<(), Failure> {
        while let Ok(part) = self.parts.try_recv() {
            let written = self.file.write_all(&part);
            written.with_context(|| format!("--log-session {}", self.path.display()))?;
        }
        Ok(())
    }
}

async fn answer(
    client: &Client,
    api: &Api,
    calls: &[Call],
    timeout: Duration,
) -> Result<(), Failure> {
    for call in calls {
        let body = call.body.clone();
        let wait = client.invoke_raw(body, RequestOptions::new());
        let answer = tokio::time::timeout(timeout, wait)
            .await
            .map_err(|_| anyhow!("{}: no answer within {} s", call.name, timeout.as_secs_f64()))
            .or_code(Code::NoConnection)?;
        let value = match answer {
            Ok(body) => api.show_result(call, &body)?,
            Err(why @ InvokeError::Rpc { .. }) => {
                return Err(anyhow!("{}: {why}", call.name)).or_code(Code::CallRefused);
            }
            Err(why) => return Err(anyhow!("{}: {why}", call.name)).or_code(Code::NoConnection),
        };
        terminal::json(&value);
    }
    Ok(())
}

/// Waits until calls flow. Setbacks on the way are reported only if time runs out.
async fn ready(
    client: &Client,
    notices: &mut Notices,
    timeout: Duration,
    verbose: bool,
) -> Result<(), Failure> {
    let ready = client.ready();
    let end = tokio::time::sleep(timeout);
    tokio::pin!(ready, end);
    loop {
        tokio::select! {
            biased;
            Some(notice) = notices.recv() => match notice {
                Notice::KeyCreated(established) if verbose => {
                    let id = established.key.id().as_raw();
                    let life =
                        if established.kind.is_temporary() { "temporary" } else { "permanent" };
                    terminal::note(&format!("key {id:016x} made: {life}"));
                }
                Notice::StoreFailed(error) => return Err(error).context("--session")?,
                Notice::StoreDamaged(damage) => terminal::note(&format!("--session: {damage}")),
                _ => {}
            },
            outcome = &mut ready => return outcome.map_err(hopeless),
            () = &mut end => return Err(late(client.setback(), timeout)),
        }
    }
}

/// Reports a setback that ends all hope.
fn hopeless(setback: Setback) -> Failure {
    let (code, advice) = match &setback {
        Setback::Exchange(_) => (Code::NoKey, "no key (--rsa-pub names the key of the server)"),
        Setback::KeyUnknown(_) => {
            (Code::NoKey, "no session (without --session, or with another file, a new key is made)")
        }
        _ => (Code::NoConnection, "no session"),
    };
    Failure { error: anyhow::Error::new(setback).context(advice), code }
}

/// Reports that time ran out, with the latest setback.
fn late(setback: Option<Setback>, timeout: Duration) -> Failure {
    let late = format!("no session within {} s", timeout.as_secs_f64());
    match setback {
        Some(setback) => {
            let code = match &setback {
                Setback::Exchange(_) => Code::NoKey,
                _ => Code::NoConnection,
            };
            Failure { error: anyhow::Error::new(setback).context(late), code }
        }
        None => Failure { error: anyhow!(late), code: Code::NoConnection },
    }
}

/// Opens the file that keeps the key between runs, if one was named.
fn open_session(arguments: &ClientArguments) -> Result<Option<Arc<dyn ClientStore>>, Failure> {
    let Some(path) = &arguments.session else { return Ok(None) };
    let password = arguments.password.as_deref().unwrap_or_default();
    let store = wait(FileStore::open(path, password.as_bytes(), Cost::DEFAULT))
        .with_context(|| format!("--session {}", path.display()))
        .or_code(Code::NoKey)?;
    Ok(Some(Arc::new(store)))
}

fn read_key(path: &Path) -> anyhow::Result<RsaPublicKey> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    RsaPublicKey::from_pem(&pem).with_context(|| format!("{} is no RSA public key", path.display()))
}

/// Reads a host with a port. Names are resolved when they are connected to.
fn destination(text: &str) -> anyhow::Result<Destination> {
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(1..))) {
        bail!("{text} is no address with a port, like 127.0.0.1:4443");
    }
    Ok(Destination::name(text))
}

/// Returns the published address of a data centre and the name to ask for there.
fn published(dc: DataCenter, transport: Transport) -> anyhow::Result<(Destination, String)> {
    // Browsers' clients have hosts of their own; without TLS they are reached on port 80.
    if transport == Transport::Ws {
        let host = address::web_host(dc.link)
            .with_context(|| format!("data centre {} has no web sockets", dc.link))?;
        return Ok((Destination::name(&format!("{host}:80")), host));
    }
    let [usual, http, _] = address::PORTS;
    let port = if transport == Transport::Http { http } else { usual };
    let found = address::of(dc.link).next();
    let found = found.with_context(|| {
        format!("no address of data centre {} is published; --connect names one", dc.link)
    })?;
    Ok((SocketAddr::new(found, port).into(), found.to_string()))
}
