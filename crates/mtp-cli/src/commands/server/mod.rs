//! `mtp server`: a data center on one port.
//!
//! `door` is the listener, `journal` the log.

mod door;
mod journal;

use core::net::SocketAddr;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use mtp_crypto::DcId;
use mtp_crypto::exchange::{RsaPrivateKey, RsaSchemes};
use mtp_dc::{ApiConfig, DcOption, UnknownCalls};
use mtp_server::AdmissionConfig;
use mtp_session::version::Versions;
use mtp_tokio::store::{DatabaseStore, ServerStore};
use mtp_tokio::{Server, ServerOptions};

use self::door::{Door, HEADERS_PENDING_MAX};
use self::journal::Journal;
use crate::balancers::BalancerOptions;
use crate::center::{self, Center};
use crate::failure::{Code, Failure, OrCode};
use crate::settings::{Log, Settings, SettingsOption};
use crate::system::signals::{End, STOP_TIMEOUT_S, Signals};
use crate::system::{block_on, limits};
use crate::{metrics, terminal};

/// Arguments of `mtp server`.
#[derive(Args)]
pub(crate) struct ServerArguments {
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4443")]
    listen: SocketAddr,
    /// The server's private key, PKCS#1 or PKCS#8 in PEM; `mtp keygen` makes one
    #[arg(long, value_name = "FILE")]
    rsa_key: PathBuf,
    /// Number of this data center
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    dc_id: i32,
    /// Folder for the keys of clients, so that they survive a restart
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Admit clients that encrypt their key exchange as before 2021
    #[arg(long)]
    allow_legacy_rsa: bool,
    /// Admit clients that encrypt their messages as before 2018, with MTProto 1.0
    #[arg(long)]
    allow_v1: bool,
    /// Connections served at once; fewer if the limit of descriptors is lower
    #[arg(long, value_name = "NUMBER", default_value_t = AdmissionConfig::new().links_max)]
    max_connections: usize,
    /// No limits for each address, only in all: for tests, and for servers whose clients share one address
    #[arg(long)]
    no_address_limits: bool,
    #[command(flatten)]
    balancers: BalancerOptions,
    /// How long connections may take to end after SIGTERM or SIGINT, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = STOP_TIMEOUT_S)]
    stop_timeout: f64,
    /// Address and port for a page of counters, as Prometheus collects them: /metrics over HTTP
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// What to print while running
    #[arg(long, value_enum, default_value_t = Log::Refusals, value_name = "WHAT")]
    log: Log,
    #[command(flatten)]
    settings: SettingsOption,
}

pub(crate) fn run(arguments: &ServerArguments) -> Result<(), Failure> {
    let stop_timeout = Duration::try_from_secs_f64(arguments.stop_timeout)
        .context("--stop-timeout is not a number of seconds")?;
    let pem = std::fs::read(&arguments.rsa_key)
        .with_context(|| format!("cannot read {}", arguments.rsa_key.display()))?;
    let key = RsaPrivateKey::from_pem(&pem)
        .with_context(|| format!("{} is not an RSA private key", arguments.rsa_key.display()))?;
    let settings =
        Settings::new(&arguments.settings, arguments.log, &arguments.balancers.trusted_networks)?;
    let journal = Journal::new(settings).context("cannot start the log")?;
    block_on(serve(arguments, key, Arc::new(journal), stop_timeout))
}

async fn serve(
    arguments: &ServerArguments,
    key: RsaPrivateKey,
    journal: Arc<Journal>,
    stop_timeout: Duration,
) -> Result<(), Failure> {
    let signals = Signals::catch().context("cannot catch signals")?;
    let fingerprint = key.public().fingerprint().as_raw();
    let store = match &arguments.data {
        Some(folder) => Some(open_store(folder).await?),
        None => None,
    };
    let center = configure(arguments, key, store.as_deref()).await?;
    let address = arguments.listen;
    let door = Door::bind(address, arguments.balancers.proxy_protocol, journal.clone())
        .with_context(|| format!("cannot listen on {address}"))
        .or_code(Code::NoConnection)?;
    let bound = door.local_addr()?;
    let mut server = start(center, door, &journal, stop_timeout);
    if let Some(store) = store {
        server = server.with_store(store).await.context("cannot read the stored keys")?;
    }
    let metrics = server.metrics();
    metrics::publish(arguments.metrics, move || metrics.render()).await?;
    terminal::note(&format!(
        "data center {} listens on {bound}; key {fingerprint:016x}; Ctrl-C stops it",
        arguments.dc_id
    ));
    let ended =
        signals.operate(stop_timeout, || journal.settings.reload(), |stop| server.run(stop)).await;
    journal.flush();
    match ended {
        End::Ended(outcome) => outcome.context("the server ended")?,
        End::Cut => terminal::note("connections were cut off"),
    }
    terminal::note("stopped");
    Ok(())
}

/// Joins the data center, its listener and its log.
fn start(
    center: Center,
    door: Door,
    journal: &Arc<Journal>,
    stop_timeout: Duration,
) -> Server<Door> {
    let Center { endpoint, mut answerer } = center;
    let events = journal.clone();
    let handler = Box::new(move |endpoint: &mut _, now, event| {
        events.event(&event);
        answerer.handle_event(now, endpoint, event);
        while let Some(event) = answerer.poll_event() {
            if let Some((call, answer)) = events.center_event(event) {
                // A session that is closed needs no answer.
                let _ = endpoint.answer(now, call.token, &answer);
            }
        }
    });
    let mut options = ServerOptions::default();
    // The admission bounds connections: accepting continues, and it decides which ones to refuse.
    options.connections_max = usize::MAX;
    // Connections may take it, and changes of keys on their way into the store once more.
    options.linger = options.linger.min(stop_timeout / 2);
    let notices = journal.clone();
    Server::on(door, endpoint, handler, options)
        .with_observer(Box::new(move |notice| notices.notice(notice)))
}

async fn configure(
    arguments: &ServerArguments,
    key: RsaPrivateKey,
    store: Option<&dyn ServerStore>,
) -> Result<Center, Failure> {
    if arguments.max_connections == 0 {
        return Err(anyhow!("--max-connections must be at least 1")).or_code(Code::Arguments);
    }
    let mut handshake = center::handshake(DcId::new(arguments.dc_id), key);
    if arguments.allow_legacy_rsa {
        handshake.rsa_schemes = RsaSchemes::CurrentAndLegacy;
    }
    let mut salt_secret = center::salt_secret();
    if let Some(store) = store {
        salt_secret =
            store.salt_secret(salt_secret).await.context("cannot read the salt secret")?;
    }
    let mut config = center::config(handshake, salt_secret);
    if arguments.allow_v1 {
        config.server.versions = Versions::CurrentAndOld;
    }
    if arguments.no_address_limits {
        config.admission = AdmissionConfig::trusting();
    }
    // Connections whose header is being read are not admitted yet.
    let kept = if arguments.balancers.proxy_protocol { HEADERS_PENDING_MAX } else { 0 };
    let wanted = arguments.max_connections.saturating_add(kept);
    config.admission.links_max = limits::connections(wanted, 1).saturating_sub(kept).max(1);
    let (host, port) = (arguments.listen.ip().to_string(), arguments.listen.port());
    let mut api = ApiConfig::new(arguments.dc_id);
    api.dc_options = vec![DcOption::new(arguments.dc_id, &host, port)];
    Ok(Center::new(config, api, UnknownCalls::Report))
}

async fn open_store(folder: &Path) -> anyhow::Result<Arc<dyn ServerStore>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join("keys.redb");
    let opened = DatabaseStore::open(&path).await;
    Ok(Arc::new(opened.with_context(|| format!("cannot open {}", path.display()))?))
}
