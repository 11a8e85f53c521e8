//! `mtp server`: a data centre on one port.

use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use mtp_crypto::exchange::RsaPrivateKey;
use mtp_dc::{ApiConfig, DcEvent, DcOption};
use mtp_session::handshake::DcId;
use mtp_tokio::store::{DatabaseStore, ServerStore as _};
use mtp_tokio::{Server, ServerOptions};

use crate::failure::{Code, Failure, OrCode};
use crate::{center, runtime, terminal};

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
    /// Print each key, session and call that is refused
    #[arg(long, short)]
    verbose: bool,
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
    let mut api = ApiConfig::new(arguments.dc_id);
    let address = arguments.listen;
    api.dc_options =
        vec![DcOption::new(arguments.dc_id, &address.ip().to_string(), address.port())];
    let mut store = arguments.data.as_deref().map(open_store).transpose()?;
    let fresh = center::salt_secret();
    let salt_secret = store.as_mut().map_or(Ok(fresh), |store| store.salt_secret(fresh))?;
    let center = center::new(DcId::new(arguments.dc_id), key, api, salt_secret);
    let verbose = arguments.verbose;
    let events = Box::new(move |_: &mut _, _, event: DcEvent| {
        if verbose {
            report(&event);
        }
    });
    let mut server = Server::bind(address, center, events, ServerOptions::default())
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .or_code(Code::NoConnection)?;
    if let Some(store) = store {
        server = server.with_store(Box::new(store)).context("cannot read the stored keys")?;
    }
    terminal::note(&format!(
        "data centre {} listens on {}; key {fingerprint:016x}; Ctrl-C stops it",
        arguments.dc_id,
        server.local_addr()?
    ));
    let interrupted = async {
        // Without signals the server runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending::<()>().await;
        }
    };
    server.run(interrupted).await.context("the server ended")?;
    terminal::note("stopped");
    Ok(())
}

fn open_store(folder: &Path) -> anyhow::Result<DatabaseStore> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join("keys.redb");
    DatabaseStore::open(&path).with_context(|| format!("cannot open {}", path.display()))
}

fn report(event: &DcEvent) {
    match event {
        DcEvent::KeyCreated { established } => {
            terminal::note(&format!("key {:?} made: {:?}", established.key.id(), established.kind));
        }
        DcEvent::KeyBound { temporary, permanent } => {
            terminal::note(&format!("key {temporary:?} bound to {permanent:?}"));
        }
        DcEvent::KeyDestroyed { key, cause } => {
            terminal::note(&format!("key {key:?} gone: {cause:?}"));
        }
        DcEvent::SessionNew { session, .. } => terminal::note(&format!("{session:?} begins")),
        DcEvent::SessionGone { session } => terminal::note(&format!("{session:?} ends")),
        _ => {}
    }
}
