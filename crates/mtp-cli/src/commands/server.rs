//! `mtp server`: a data centre on one port.

use core::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use mtp_crypto::AuthKeyId;
use mtp_crypto::DcId;
use mtp_crypto::exchange::{RsaPrivateKey, RsaSchemes};
use mtp_dc::{ApiConfig, DcEvent, DcOption};
use mtp_server::{ConnectionError, EndpointConfig, EndpointEvent};
use mtp_session::established::KeyKind;
use mtp_session::exchange::HandshakeError;
use mtp_session::server::{KeyEnd, ServerPacketError};
use mtp_session::version::Versions;
use mtp_store::{DatabaseStore, ServerStore as _};
use mtp_tokio::server::ServerNotice;
use mtp_tokio::{Server, ServerOptions};

use crate::center::Reported;
use crate::failure::{Code, Failure, OrCode};
use crate::{center, interrupted, metrics, runtime, terminal};

/// Arguments of `mtp server`.
#[derive(Args)]
pub(crate) struct ServerArguments {
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4443")]
    listen: SocketAddr,
    /// The server's private key, PKCS#1 or PKCS#8 in PEM; `mtp keygen` makes one
    #[arg(long, value_name = "FILE")]
    rsa_key: PathBuf,
    /// This data centre's number
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    dc_id: i32,
    /// Folder for the keys of clients, so that they survive a restart; without it they do not
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Admit clients that encrypt their key exchange as before 2021
    #[arg(long)]
    allow_legacy_rsa: bool,
    /// Admit clients that encrypt their messages as before 2018, by MTProto 1.0
    #[arg(long)]
    allow_v1: bool,
    /// Address and port for a page of counters, as Prometheus collects them: /metrics by HTTP
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// What to print while running
    #[arg(long, value_enum, default_value_t = Log::Refusals, value_name = "WHAT")]
    log: Log,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Log {
    /// The start, the end and codes of logins
    Little,
    /// And clients that are refused
    Refusals,
    /// And keys and sessions
    All,
}

pub(crate) fn run(arguments: &ServerArguments) -> Result<(), Failure> {
    let pem = std::fs::read(&arguments.rsa_key)
        .with_context(|| format!("cannot read {}", arguments.rsa_key.display()))?;
    let key = RsaPrivateKey::from_pem(&pem)
        .with_context(|| format!("{} is no RSA private key", arguments.rsa_key.display()))?;
    runtime()?.block_on(serve(arguments, key))
}

async fn serve(arguments: &ServerArguments, key: RsaPrivateKey) -> Result<(), Failure> {
    let fingerprint = key.public().fingerprint().as_raw();
    let (number, address, log) = (arguments.dc_id, arguments.listen, arguments.log);
    let store = match &arguments.data {
        Some(folder) => Some(Arc::new(open_store(folder).await?)),
        None => None,
    };
    let mut salt_secret = center::salt_secret();
    if let Some(store) = &store {
        salt_secret =
            store.salt_secret(salt_secret).await.context("cannot read the salt secret")?;
    }
    let endpoint = center::endpoint(endpoint_config(arguments, key, salt_secret));
    let answerer = center::answerer(api_config(arguments), move |event| report(&event, log));
    let mut server = Server::bind(address, endpoint, answerer, ServerOptions::default())
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .or_code(Code::NoConnection)?
        .with_observer(Box::new(move |notice| observe(notice, log)));
    if let Some(store) = store {
        server = server.with_store(store).await.context("cannot read the stored keys")?;
    }
    let metrics = server.metrics();
    metrics::publish(arguments.metrics, move || metrics.render()).await?;
    terminal::note(&format!(
        "data center {number} listens on {}; key {fingerprint:016x}; Ctrl-C stops it",
        server.local_addr()?
    ));
    server.run(interrupted()).await.context("the server ended")?;
    terminal::note("stopped");
    Ok(())
}

fn endpoint_config(
    arguments: &ServerArguments,
    key: RsaPrivateKey,
    salt_secret: [u8; 32],
) -> EndpointConfig {
    let mut handshake = center::handshake(DcId::new(arguments.dc_id), key);
    if arguments.allow_legacy_rsa {
        handshake.rsa_schemes = RsaSchemes::CurrentAndLegacy;
    }
    let mut config = center::config(handshake, salt_secret);
    if arguments.allow_v1 {
        config.server.versions = Versions::CurrentAndOld;
    }
    config
}

fn api_config(arguments: &ServerArguments) -> ApiConfig {
    let mut api = ApiConfig::new(arguments.dc_id);
    let (host, port) = (arguments.listen.ip().to_string(), arguments.listen.port());
    api.dc_options = vec![DcOption::new(arguments.dc_id, &host, port)];
    api
}

/// Prints what the operator should know.
fn observe(notice: &ServerNotice<'_>, log: Log) {
    match notice {
        ServerNotice::Refused { error, .. } => {
            if log == Log::All || log >= Log::Refusals && !is_usual(error) {
                terminal::note(&format!("{notice}{}", hint(error)));
            }
        }
        ServerNotice::NotAccepted { .. } if log < Log::Refusals => {}
        notice => terminal::note(&notice.to_string()),
    }
}

/// Returns `true` if clients are refused like this in normal operation: the server corrects their salt or
/// time, and they ask again.
fn is_usual(why: &ConnectionError) -> bool {
    matches!(why, ConnectionError::FromClient(ServerPacketError::Rejected(_)))
}

/// Names the option that would admit a client, if it is an old one.
fn hint(why: &ConnectionError) -> &'static str {
    match why {
        ConnectionError::FromClient(ServerPacketError::Handshake(HandshakeError::LegacyScheme)) => {
            "; --allow-legacy-rsa admits it"
        }
        ConnectionError::FromClient(ServerPacketError::OldVersion) => "; --allow-v1 admits it",
        _ => "",
    }
}

async fn open_store(folder: &Path) -> anyhow::Result<DatabaseStore> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join("keys.redb");
    DatabaseStore::open(&path).await.with_context(|| format!("cannot open {}", path.display()))
}

fn report(event: &Reported<'_>, log: Log) {
    let text = match event {
        // Nobody else can tell it to the owner of the number.
        Reported::Center(DcEvent::LoginCode { phone, code }) => {
            return terminal::note(&format!("login code for +{phone}: {}", code.as_str()));
        }
        Reported::Endpoint(EndpointEvent::KeyCreated { established }) => {
            let life = match established.kind {
                KeyKind::Permanent => "permanent",
                KeyKind::Temporary { media: false, .. } => "temporary",
                KeyKind::Temporary { media: true, .. } => "temporary, for media",
                _ => "of another kind",
            };
            format!("key {} made: {life}", hex(established.key.id()))
        }
        Reported::Endpoint(EndpointEvent::KeyBound { temporary, permanent }) => {
            format!("key {} bound to {}", hex(*temporary), hex(*permanent))
        }
        Reported::Endpoint(EndpointEvent::KeyDestroyed { key, cause }) => {
            let why = match cause {
                KeyEnd::Destroyed => "its client destroyed it",
                KeyEnd::Expired => "its time is over",
                KeyEnd::Replaced => "another took its place",
                _ => "removed",
            };
            format!("key {} gone: {why}", hex(*key))
        }
        Reported::Endpoint(EndpointEvent::SessionOpened { session, .. }) => {
            format!("session {:016x} of key {} begins", session.id.as_raw(), hex(session.key))
        }
        Reported::Endpoint(EndpointEvent::SessionClosed { session, .. }) => {
            format!("session {:016x} of key {} ends", session.id.as_raw(), hex(session.key))
        }
        _ => return,
    };
    if log == Log::All {
        terminal::note(&text);
    }
}

fn hex(key: AuthKeyId) -> String {
    format!("{:016x}", key.as_raw())
}
