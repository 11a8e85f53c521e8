//! The transports by the names that people use for them.

use anyhow::{Context, bail};
use clap::ValueEnum;
use mtp_crypto::DcId as LinkDcId;
use mtp_transport::faketls::{FakeTlsClientConfig, Profile};
use mtp_transport::framing::{Framing, Tag};
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::Stack;
use mtp_transport::proxy_link::{Access, ProxyLink};
use mtp_transport::secret::{ProxySecret, SecretKind};
use mtp_transport::websocket::{WebSocketClientConfig, WebSocketPath};

/// What a client can speak to a data centre directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
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
    /// Returns what to speak to a data centre that is reached under this host name.
    pub(crate) fn stack(self, host: &str, dc: DataCenter) -> Stack {
        let obfuscated = |tag| Stack::Obfuscated { tag, dc: dc.link, secret: None };
        match self {
            Self::Abridged => Stack::Plain(Framing::Abridged),
            Self::Intermediate => Stack::Plain(Framing::Intermediate),
            Self::Padded => Stack::Plain(Framing::PaddedIntermediate),
            Self::Full => Stack::Plain(Framing::Full),
            Self::ObfAbridged => obfuscated(Tag::ABRIDGED),
            Self::ObfIntermediate => obfuscated(Tag::INTERMEDIATE),
            Self::ObfPadded => obfuscated(Tag::PADDED_INTERMEDIATE),
            Self::Http => {
                let path = ApiPath { test: dc.link.is_test(), ..ApiPath::default() };
                Stack::Http(HttpClientConfig::new(host.to_owned(), path))
            }
            Self::Ws => {
                let path = WebSocketPath { test: dc.link.is_test(), ..WebSocketPath::default() };
                let config = WebSocketClientConfig::new(host.to_owned(), path);
                Stack::WebSocket { tag: Tag::INTERMEDIATE, dc: dc.link, config }
            }
        }
    }

    /// Returns what to speak to a proxy, which is always obfuscated.
    ///
    /// A secret that begins with dd or ee asks for the padded framing whatever else was asked for.
    ///
    /// # Errors
    /// Proxies carry no transport of this name.
    // spec: transport 6.1
    pub(crate) fn proxied(
        self,
        secret: &ProxySecret,
        dc: DataCenter,
        hello: Hello,
    ) -> anyhow::Result<Stack> {
        let tag = match self {
            Self::Abridged | Self::ObfAbridged => Tag::ABRIDGED,
            Self::Intermediate | Self::ObfIntermediate => Tag::INTERMEDIATE,
            Self::Padded | Self::ObfPadded => Tag::PADDED_INTERMEDIATE,
            Self::Full | Self::Http | Self::Ws => {
                bail!("an MTProxy carries abridged, intermediate or padded")
            }
        };
        let key = secret.key().clone();
        Ok(match secret.kind() {
            SecretKind::Plain => Stack::Obfuscated { tag, dc: dc.link, secret: Some(key) },
            SecretKind::FakeTls(domain) => {
                let config = FakeTlsClientConfig::new(key, domain.clone(), hello.profile());
                Stack::FakeTls { dc: dc.link, config }
            }
            _ => Stack::proxied(secret, dc.link),
        })
    }
}

/// The TLS hellos there are profiles of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hello {
    /// What official clients imitate today, with a key share of ML-KEM
    Chrome,
    /// Safari's
    Safari,
    /// 517 bytes, as official clients sent until 2025
    Legacy,
}

impl Hello {
    fn profile(self) -> Profile {
        match self {
            Self::Chrome => Profile::chrome(),
            Self::Safari => Profile::safari(),
            Self::Legacy => Profile::legacy(),
        }
    }
}

/// A data centre's number as links and as key exchanges write it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataCenter {
    pub(crate) link: LinkDcId,
    pub(crate) key: mtp_crypto::DcId,
}

impl DataCenter {
    /// Names a data centre of the production or the test environment.
    pub(crate) fn new(number: u8, test: bool) -> Self {
        let link = LinkDcId::new(number.into());
        let link = if test { link.test() } else { link };
        Self { link, key: mtp_crypto::DcId::new(link.as_i32()) }
    }
}

/// A proxy and how to be let in.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    /// Host and port.
    pub(crate) address: String,
    pub(crate) secret: ProxySecret,
}

impl Proxy {
    /// Reads a `tg://proxy?…` link.
    pub(crate) fn from_link(link: &str) -> anyhow::Result<Self> {
        let link: ProxyLink = link.parse().context("--proxy-link")?;
        let Access::MtProxy(secret) = link.access() else {
            bail!("--proxy-link: only MTProxy is supported");
        };
        let host = link.server();
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Ok(Self { address: format!("{host}:{}", link.port()), secret: secret.clone() })
    }
}
