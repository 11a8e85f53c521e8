//! `mtp client`: calls from the command line, answers as JSON.

use core::net::SocketAddr;
use core::time::Duration;
use std::net::ToSocketAddrs;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use mtp_crypto::exchange::RsaPublicKey;
use mtp_session::client::ClientConfig;
use mtp_session::handshake::DcId;
use mtp_session::session::RequestOptions;
use mtp_tokio::{Client, ClientOptions, InvokeError, Notice, Notices};
use mtp_transport::http::ApiPath;
use mtp_transport::link::Stack;
use mtp_transport::obfuscation::DcId as LinkDcId;
use mtp_transport::websocket::{WebSocketClientConfig, WebSocketPath};
use mtp_transport::{Framing, framing::Tag, http::HttpClientConfig};

use crate::api::Api;
use crate::failure::{Code, Failure, OrCode};
use crate::{runtime, terminal};

/// Arguments of `mtp client`.
#[derive(Args)]
pub(crate) struct ClientArguments {
    /// Address and port of the data centre
    #[arg(long, value_name = "ADDRESS")]
    connect: String,
    /// The server's public key, PKCS#1 or SPKI in PEM
    #[arg(long, value_name = "FILE")]
    rsa_pub: PathBuf,
    /// The data centre's number
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    dc_id: i32,
    /// What to speak
    #[arg(long, value_enum, default_value_t = Transport::Intermediate)]
    transport: Transport,
    /// A call: the method's name, with its arguments as a JSON object behind `=`; may be repeated
    #[arg(long = "call", value_name = "METHOD[=JSON]", required = true)]
    calls: Vec<String>,
    /// How long connecting and each call may take, in seconds
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    timeout: f64,
}

/// The transports by the names that people use for them.
#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    Abridged,
    Intermediate,
    Padded,
    Full,
    ObfAbridged,
    ObfIntermediate,
    ObfPadded,
    Http,
    Ws,
}

impl Transport {
    fn stack(self, host: &str, dc: i32) -> anyhow::Result<Stack> {
        let dc =
            i16::try_from(dc).map(LinkDcId::from_raw).context("--dc-id has more than 16 bits")?;
        let obfuscated = |tag| Stack::Obfuscated { tag, dc, secret: None };
        Ok(match self {
            Self::Abridged => Stack::Plain(Framing::Abridged),
            Self::Intermediate => Stack::Plain(Framing::Intermediate),
            Self::Padded => Stack::Plain(Framing::PaddedIntermediate),
            Self::Full => Stack::Plain(Framing::Full),
            Self::ObfAbridged => obfuscated(Tag::ABRIDGED),
            Self::ObfIntermediate => obfuscated(Tag::INTERMEDIATE),
            Self::ObfPadded => obfuscated(Tag::PADDED_INTERMEDIATE),
            Self::Http => Stack::Http(HttpClientConfig::new(host.to_owned(), ApiPath::default())),
            Self::Ws => Stack::WebSocket {
                tag: Tag::INTERMEDIATE,
                dc,
                config: WebSocketClientConfig::new(host.to_owned(), WebSocketPath::default()),
            },
        })
    }
}

pub(crate) fn run(arguments: &ClientArguments) -> Result<(), Failure> {
    let timeout = Duration::try_from_secs_f64(arguments.timeout)
        .context("--timeout is not a number of seconds")?;
    let pem = std::fs::read(&arguments.rsa_pub)
        .with_context(|| format!("cannot read {}", arguments.rsa_pub.display()))?;
    let key = RsaPublicKey::from_pem(&pem)
        .with_context(|| format!("{} is no RSA public key", arguments.rsa_pub.display()))?;
    let api = Api::load(&[])?;
    let calls = arguments
        .calls
        .iter()
        .map(|call| api.parse_call(call).with_context(|| format!("--call {call}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let address = resolve(&arguments.connect)?;
    let stack = arguments.transport.stack(&arguments.connect, arguments.dc_id)?;
    let config = ClientConfig::new(DcId::new(arguments.dc_id), [key].into());
    let options = ClientOptions::new(address, stack, config);
    runtime()?.block_on(async {
        let (client, mut notices) = Client::start(options);
        let outcome = answer(&client, &mut notices, &api, &calls, timeout).await;
        client.close().await;
        outcome
    })
}

async fn answer(
    client: &Client,
    notices: &mut Notices,
    api: &Api,
    calls: &[crate::api::Call],
    timeout: Duration,
) -> Result<(), Failure> {
    tokio::time::timeout(timeout, ready(notices))
        .await
        .map_err(|_| anyhow!("no session within {} s", timeout.as_secs_f64()))
        .or_code(Code::NoConnection)??;
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

/// Waits until calls flow; what went wrong on the way is told once it is hopeless.
async fn ready(notices: &mut Notices) -> Result<(), Failure> {
    while let Some(notice) = notices.recv().await {
        match notice {
            Notice::Ready => return Ok(()),
            Notice::Disconnected { reason, .. } => {
                return Err(anyhow!("no connection: {reason}")).or_code(Code::NoConnection);
            }
            Notice::ExchangeFailed(why) => {
                return Err(anyhow!("no key: {why}")).or_code(Code::NoKey);
            }
            Notice::KeyCreated(established) => {
                terminal::note(&format!("key {:?} made", established.key.id()));
            }
            _ => {}
        }
    }
    Err(anyhow!("the client ended")).or_code(Code::NoConnection)
}

fn resolve(text: &str) -> anyhow::Result<SocketAddr> {
    let mut found = text
        .to_socket_addrs()
        .with_context(|| format!("{text} is no address with a port, like 127.0.0.1:4443"))?;
    match found.next() {
        Some(address) => Ok(address),
        None => bail!("{text} has no address"),
    }
}
