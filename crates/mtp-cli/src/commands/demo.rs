//! `mtp demo`: a data centre and a client on this machine, step by step.

use core::future::Future;
use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::Args;
use mtp_crypto::OsEntropy;
use mtp_crypto::exchange::RsaPrivateKey;
use mtp_dc::{ApiConfig, DcOption};
use mtp_session::client::ClientConfig;
use mtp_session::handshake::DcId;
use mtp_session::session::RequestOptions;
use mtp_tokio::{Client, ClientOptions, Notice, Notices, Server, ServerOptions};
use mtp_transport::Framing;
use mtp_transport::link::Stack;

use crate::failure::{Code, Failure, OrCode};
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
}

pub(crate) fn run(arguments: &Demo) -> Result<(), Failure> {
    let timeout = Duration::try_from_secs_f64(arguments.timeout)
        .context("--timeout is not a number of seconds")?;
    runtime()?.block_on(demo(arguments.port, timeout))
}

/// The number of the demo's data centre.
const DC: i32 = 2;

async fn demo(port: u16, timeout: Duration) -> Result<(), Failure> {
    let started = Instant::now();
    terminal::title("A data centre and a client on this machine, over intermediate framing");
    let steps = Steps { timeout };

    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let key = steps.run("RSA key pair for the data centre", Code::Failed, async {
        Ok(RsaPrivateKey::generate(&mut OsEntropy)?)
    });
    let key = key.await?;
    let public = key.public().clone();
    let server = steps.run("data centre listens on loopback", Code::NoConnection, async {
        let mut api = ApiConfig::new(DC);
        api.dc_options = vec![DcOption::new(DC, "127.0.0.1", port)];
        let center = center::new(DcId::new(DC), key, api, center::salt_secret());
        let events = Box::new(|_: &mut _, _, _| ());
        Server::bind(address, center, events, ServerOptions::default())
            .await
            .with_context(|| format!("cannot listen on {address}"))
    });
    let server = server.await?;
    let address = server.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        // A sender that is dropped means the same as one that sends: stop.
        let _ = stopped.await;
    }));

    let config = ClientConfig::new(DcId::new(DC), [public].into());
    let stack = Stack::Plain(Framing::Intermediate);
    let (client, mut notices) = Client::start(ClientOptions::new(address, stack, config));
    let outcome = talk(&steps, &client, &mut notices, address).await;
    client.close().await;
    // The server's task may have ended already; how shows below.
    let _ = stop.send(());
    serving.await.context("the data centre's task")??;
    outcome?;
    terminal::summary(&format!("all done in {}", terminal::duration(started.elapsed())));
    Ok(())
}

/// What the client does once it runs.
async fn talk(
    steps: &Steps,
    client: &Client,
    notices: &mut Notices,
    address: SocketAddr,
) -> Result<(), Failure> {
    let connected = format!("client connects to {address}");
    steps.run(&connected, Code::NoConnection, until(notices, Until::Connected)).await?;
    let permanent = "key exchange: permanent authorization key";
    steps.run(permanent, Code::NoKey, until(notices, Until::Key)).await?;
    let temporary = "key exchange: temporary key for forward secrecy";
    steps.run(temporary, Code::NoKey, until(notices, Until::Key)).await?;
    let bound = "auth.bindTempAuthKey: temporary key bound to the permanent one";
    steps.run(bound, Code::NoKey, until(notices, Until::Ready)).await?;
    for (name, body) in CALLS {
        let body = body.to_vec();
        let call = async { Ok(client.invoke_raw(body, RequestOptions::new()).await?) };
        let answer = steps.run(name, Code::CallRefused, call).await?;
        terminal::detail(&format!("{} bytes, {}", answer.len(), constructor(&answer)));
    }
    steps.run("ping", Code::NoConnection, async { Ok(client.ping().await?) }).await?;
    Ok(())
}

/// The calls of the demo, which have no arguments.
const CALLS: [(&str, [u8; 4]); 2] = [
    ("help.getConfig", 0xc4f9_186b_u32.to_le_bytes()),
    ("help.getNearestDc", 0x1fb3_3026_u32.to_le_bytes()),
];

fn constructor(answer: &[u8]) -> String {
    match answer.first_chunk().map(|id| u32::from_le_bytes(*id)) {
        Some(0xcc1a_241e) => "config".into(),
        Some(0x8e1a_1775) => "nearestDc".into(),
        Some(id) => format!("#{id:08x}"),
        None => "nothing".into(),
    }
}

/// Runs steps one by one, each within the time allowed, and says what happened.
struct Steps {
    timeout: Duration,
}

impl Steps {
    async fn run<T>(
        &self,
        what: &str,
        code: Code,
        step: impl Future<Output = anyhow::Result<T>>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(self.timeout, step).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow!("not done within {} s", self.timeout.as_secs_f64())),
        };
        match &outcome {
            Ok(_) => terminal::step(what, started.elapsed()),
            Err(_) => terminal::failed_step(what),
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
