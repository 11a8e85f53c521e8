//! The stacks a client can use.

use crate::faketls::{FakeTlsClientConfig, Profile};
use crate::framing::{Framing, Tag};
use crate::http::HttpClientConfig;
use crate::secret::{ProxySecret, SecretKey, SecretKind};
use crate::websocket::WebSocketClientConfig;
use mtp_crypto::DcId;

/// The transport stack of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stack {
    /// A framing without obfuscation.
    Plain(Framing),
    /// A framing inside obfuscation, with a secret for proxies.
    Obfuscated {
        /// The framing.
        tag: Tag,
        /// The data center; a proxy selects its upstream by it.
        dc: DcId,
        /// The secret of the proxy, or of the data center's `dcOption`.
        secret: Option<SecretKey>,
    },
    /// Padded intermediate inside obfuscation inside records that look like TLS.
    FakeTls {
        /// The data center; the proxy selects its upstream by it.
        dc: DcId,
        /// The secret's key and domain, and the profile of the hello.
        config: FakeTlsClientConfig,
    },
    /// A framing inside obfuscation inside the binary messages of a WebSocket.
    WebSocket {
        /// The framing.
        tag: Tag,
        /// The data center. The host name selects the same one.
        dc: DcId,
        /// Host and path of the upgrade request.
        config: WebSocketClientConfig,
    },
    /// HTTP: one packet in each request and response.
    Http(HttpClientConfig),
}

impl Stack {
    /// Returns the stack for a proxy with this secret.
    ///
    /// The framing is padded intermediate for all kinds of secrets: every proxy accepts it, and
    /// some accept nothing else.
    // spec: transport 6.1
    // spec: transport 7.6
    #[must_use]
    pub fn proxied(secret: &ProxySecret, dc: DcId) -> Self {
        let key = secret.key().clone();
        match secret.kind() {
            SecretKind::Plain | SecretKind::Padded => {
                Self::Obfuscated { tag: Tag::PADDED_INTERMEDIATE, dc, secret: Some(key) }
            }
            SecretKind::FakeTls(domain) => {
                let config = FakeTlsClientConfig::new(key, domain.clone(), Profile::chrome());
                Self::FakeTls { dc, config }
            }
        }
    }
}
