//! `mtp link`: links to proxies, taken apart and made.

use core::num::NonZeroU16;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use mtp_crypto::OsEntropy;
use mtp_env::Entropy;
use mtp_transport::proxy_link::{Access, ProxyLink};
use mtp_transport::secret::{Domain, KEY_LEN, ProxySecret, SecretKey, SecretKind};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::{notation, terminal};

/// Arguments of `mtp link`.
#[derive(Args)]
pub(crate) struct LinkArguments {
    #[command(subcommand)]
    command: LinkCommand,
}

#[derive(Subcommand)]
enum LinkCommand {
    /// Shows what a link to a proxy says
    Parse(Parse),
    /// Makes a link to a proxy, with a new secret unless one is given
    Make(Make),
}

#[derive(Args)]
struct Parse {
    /// A link to an MTProxy or a SOCKS5 proxy, beginning tg:// or t.me/
    #[arg(value_name = "URL")]
    link: String,
}

#[derive(Args)]
struct Make {
    /// Host name or address of the proxy
    #[arg(long, value_name = "HOST")]
    server: String,
    /// Port of the proxy
    #[arg(long)]
    port: NonZeroU16,
    /// The proxy's secret, hexadecimal or base64; a new one if not given
    #[arg(long, value_name = "SECRET", conflicts_with_all = ["kind", "domain"])]
    secret: Option<String>,
    /// Kind of the new secret [default: fake-tls with --domain, padded without]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Site that connections pretend to visit
    #[arg(long, value_name = "NAME", required_if_eq("kind", "fake-tls"))]
    domain: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// 16 bytes: any framing inside obfuscation
    Plain,
    /// dd and 16 bytes: padded framing
    Padded,
    /// ee, 16 bytes and a domain: looks like TLS
    FakeTls,
}

pub(crate) fn run(arguments: &LinkArguments) -> Result<(), Failure> {
    match &arguments.command {
        LinkCommand::Parse(arguments) => parse(arguments),
        LinkCommand::Make(arguments) => make(arguments),
    }
}

fn parse(arguments: &Parse) -> Result<(), Failure> {
    let link: ProxyLink = arguments.link.parse()?;
    let mut shown = json!({
        "proxy": match link.access() {
            Access::MtProxy(_) => "mtproxy",
            Access::Socks5(_) => "socks5",
            _ => "unknown",
        },
        "server": link.server(),
        "port": link.port(),
    });
    let access = match link.access() {
        Access::MtProxy(secret) => ("secret", show_secret(secret)),
        Access::Socks5(credentials) => {
            ("login", json!({ "user": credentials.user(), "password": credentials.password() }))
        }
        _ => return Err(anyhow!("a kind of proxy that this program does not know").into()),
    };
    if let Value::Object(fields) = &mut shown {
        fields.insert(access.0.to_owned(), access.1);
        fields.insert("tg".to_owned(), link.to_tg().into());
        fields.insert("https".to_owned(), link.to_https().into());
    }
    terminal::json(&shown);
    Ok(())
}

fn show_secret(secret: &ProxySecret) -> Value {
    let key = notation::hex(secret.key().as_bytes());
    match secret.kind() {
        SecretKind::Plain => json!({ "kind": "plain", "key": key }),
        SecretKind::Padded => json!({ "kind": "padded", "key": key }),
        SecretKind::FakeTls(domain) => {
            let name = String::from_utf8_lossy(domain.as_bytes());
            json!({ "kind": "fake-tls", "key": key, "domain": name })
        }
        _ => json!({ "kind": "unknown", "key": key }),
    }
}

fn make(arguments: &Make) -> Result<(), Failure> {
    let secret = match &arguments.secret {
        Some(text) => text.parse().context("--secret")?,
        None => new_secret(arguments.kind, arguments.domain.as_deref())?,
    };
    let access = Access::MtProxy(secret);
    let link = ProxyLink::new(arguments.server.clone(), arguments.port, access)?;
    terminal::result(link.to_tg());
    terminal::result(link.to_https());
    Ok(())
}

fn new_secret(kind: Option<Kind>, domain: Option<&str>) -> anyhow::Result<ProxySecret> {
    let mut key = [0; KEY_LEN];
    OsEntropy.fill(&mut key);
    let key = SecretKey::new(key);
    Ok(match (kind, domain) {
        (Some(Kind::FakeTls) | None, Some(domain)) => {
            let domain = Domain::new(domain.as_bytes()).context("--domain")?;
            ProxySecret::fake_tls(key, domain).context("--domain")?
        }
        (Some(Kind::FakeTls), None) => bail!("a fake-tls secret needs --domain"),
        (Some(Kind::Plain), None) => ProxySecret::plain(key),
        (Some(Kind::Padded) | None, None) => ProxySecret::padded(key),
        (Some(Kind::Plain | Kind::Padded), Some(_)) => bail!("only a fake-tls secret has a domain"),
    })
}
