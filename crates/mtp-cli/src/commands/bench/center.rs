//! The data centre that is measured: a process of its own, as in life.
//!
//! The seed on its standard input says which key it has and which clients it knows, so that both
//! sides have them without an exchange. It answers with its address and serves until the input ends.

use core::net::{Ipv4Addr, SocketAddr};
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use anyhow::Context;
use mtp_crypto::DcId;
use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{AuthKey, CtrEntropy, OsEntropy, Salt};
use mtp_dc::ApiConfig;
use mtp_env::Entropy;
use mtp_server::AdmissionConfig;
use mtp_session::established::{Established, KeyKind};
use mtp_tokio::{Clock, Server, ServerOptions};

use super::process;
use crate::failure::{Code, Failure, OrCode};
use crate::{center, runtime};

pub(super) const DC: DcId = DcId::new(2);

/// What both sides make the same keys of.
#[derive(Clone, Copy)]
pub(super) struct Seed([u8; 32]);

impl Seed {
    pub(super) const LEN: usize = 32;

    pub(super) fn new() -> Self {
        let mut seed = [0; Self::LEN];
        OsEntropy.fill(&mut seed);
        Self(seed)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Returns the data centre's key.
    pub(super) fn server_key(self) -> anyhow::Result<RsaPrivateKey> {
        Ok(RsaPrivateKey::generate(&mut CtrEntropy::new(self.0))?)
    }

    /// Returns the key of the client with this number.
    pub(super) fn client_key(self, number: usize) -> anyhow::Result<Established> {
        let mut seed = self.0;
        for (byte, of_number) in seed.iter_mut().zip(number.to_le_bytes()) {
            *byte ^= of_number;
        }
        let mut entropy = CtrEntropy::new(seed);
        // The first bytes may be those of the server's key.
        let mut key = [0; AuthKey::LEN];
        entropy.fill(&mut key);
        entropy.fill(&mut key);
        Ok(Established {
            key: Arc::new(AuthKey::new(key)?),
            salt: Salt::from_raw(0),
            time_offset_ns: 0,
            kind: KeyKind::Permanent,
        })
    }
}

/// Is the data centre, for so many clients.
pub(super) fn run(clients: usize) -> Result<(), Failure> {
    process::raise_open_files();
    let mut seed = [0; Seed::LEN];
    std::io::stdin().read_exact(&mut seed).context("no seed on the standard input")?;
    runtime()?.block_on(serve(Seed(seed), clients))
}

async fn serve(seed: Seed, clients: usize) -> Result<(), Failure> {
    let mut api = ApiConfig::new(DC.as_i32());
    api.files.without_login = true;
    let handshake = center::handshake(DC, seed.server_key()?);
    let mut config = center::config(handshake, center::salt_secret());
    // All clients come from one address, and hurry.
    config.admission = AdmissionConfig::trusting();
    let mut endpoint = center::endpoint(config);
    let now = Clock::start().now();
    for number in 0..clients {
        endpoint.insert_key(now, &seed.client_key(number)?, None);
    }
    let mut options = ServerOptions::default();
    options.connections_max = usize::MAX;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(address, endpoint, center::answerer(api, |_| ()), options)
        .await
        .with_context(|| format!("cannot listen on {address}"))
        .or_code(Code::NoConnection)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.local_addr()?)?;
    out.flush()?;
    let over = tokio::task::spawn_blocking(|| {
        // Whatever ends the input ends the data centre.
        let _ = std::io::stdin().read(&mut [0]);
    });
    server.run(async { _ = over.await }).await.context("the data centre's listener")?;
    Ok(())
}
