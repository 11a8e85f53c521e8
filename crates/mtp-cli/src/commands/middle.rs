//! `mtp middle`: a middle proxy in front of one data center.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use mtp_crypto::OsEntropy;
use mtp_env::Entropy as _;
use mtp_tokio::{MiddleServer, MiddleServerNotice, MiddleServerObserver, MiddleServerOptions};
use mtp_transport::proxy_protocol::ProxyVersion;

use super::middle_mode::read_secret;
use crate::failure::{Code, Failure, OrCode};
use crate::system::block_on;
use crate::system::signals::{End, STOP_TIMEOUT_S, Signals};
use crate::terminal;

/// Arguments of `mtp middle`.
#[derive(Args)]
pub(crate) struct MiddleArguments {
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8888")]
    listen: SocketAddr,
    /// File of the secret that proxies have as well, 32 to 256 bytes. May be repeated; each proxy selects
    /// one by its first four bytes
    #[arg(long = "middle-secret", value_name = "FILE", required = true)]
    secrets: Vec<PathBuf>,
    /// Write a new secret to the file of --middle-secret if it does not exist
    #[arg(long)]
    create_secret: bool,
    /// Address and port of the data center, such as those of `mtp server`
    #[arg(long, value_name = "HOST:PORT")]
    dc: String,
    /// Address under which proxies reach this middle proxy, if it is behind a NAT; one of each family
    #[arg(long = "public-address", value_name = "ADDRESS")]
    public: Vec<IpAddr>,
    /// Tell the data center the addresses of clients, with the PROXY protocol, version 2
    #[arg(long)]
    send_proxy_protocol: bool,
    /// Proxies' links served at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1024)]
    max_links: usize,
    /// How long connections may take to end after SIGTERM or SIGINT, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = STOP_TIMEOUT_S)]
    stop_timeout: f64,
    /// Print each client that comes
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(arguments: &MiddleArguments) -> Result<(), Failure> {
    let stop_timeout = Duration::try_from_secs_f64(arguments.stop_timeout)
        .context("--stop-timeout is not a number of seconds")?;
    if arguments.dc.rsplit_once(':').is_none() {
        return Err(anyhow!("--dc: expected HOST:PORT")).or_code(Code::Arguments);
    }
    let mut secrets = Vec::new();
    for path in &arguments.secrets {
        if arguments.create_secret && !path.exists() {
            create_secret(path)?;
        }
        secrets.push(read_secret(path).context("--middle-secret")?);
    }
    let mut options = MiddleServerOptions::new(secrets, arguments.dc.as_str().into());
    options.public.clone_from(&arguments.public);
    options.proxy_protocol = arguments.send_proxy_protocol.then_some(ProxyVersion::V2);
    options.links_max = arguments.max_links;
    options.linger = options.linger.min(stop_timeout);
    block_on(serve(arguments, options, stop_timeout))
}

async fn serve(
    arguments: &MiddleArguments,
    options: MiddleServerOptions,
    stop_timeout: Duration,
) -> Result<(), Failure> {
    let signals = Signals::catch().context("cannot catch signals")?;
    let address = arguments.listen;
    let server = MiddleServer::bind(address, options, observer(arguments.verbose))
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .or_code(Code::NoConnection)?;
    terminal::note(&format!("middle proxy listens on {}; Ctrl-C stops it", server.local_addr()?));
    let reload = || terminal::note("SIGHUP: nothing to read again");
    match signals.operate(stop_timeout, reload, |stop| server.run(stop)).await {
        End::Ended(outcome) => outcome.context("the listener failed")?,
        End::Cut => terminal::note("links were cut off"),
    }
    terminal::note("stopped");
    Ok(())
}

fn observer(verbose: bool) -> MiddleServerObserver {
    Box::new(move |peer, notice| {
        if verbose || !matches!(notice, MiddleServerNotice::Client(_)) {
            terminal::note(&format!("{peer}: {notice}"));
        }
    })
}

/// Writes a new secret that only its owner can read.
fn create_secret(path: &Path) -> anyhow::Result<()> {
    let mut entropy = OsEntropy::seeded();
    let mut secret = zeroize::Zeroizing::new([0; SECRET_LEN]);
    // The selector must not be zero, nor the whole look like a page.
    while matches!(secret.as_slice(), [0 | b'<' | b'{', ..]) {
        entropy.fill(&mut secret[..]);
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, &secret[..]))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Length of a new secret, as of the published one.
const SECRET_LEN: usize = 128;
