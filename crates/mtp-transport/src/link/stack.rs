//! What a client speaks.

use crate::faketls::{FakeTlsClientConfig, Profile};
use crate::framing::{Framing, Tag};
use crate::http::HttpClientConfig;
use crate::obfuscation::DcId;
use crate::secret::{ProxySecret, SecretKey, SecretKind};
use crate::websocket::WebSocketClientConfig;

/// A stack for a client to speak.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stack {
    /// A framing and nothing else.
    Plain(Framing),
    /// A framing inside obfuscation: to a data centre without a secret, to a proxy with one.
    Obfuscated {
        /// The framing.
        tag: Tag,
        /// The data centre; a proxy chooses its upstream by it.
        dc: DcId,
        /// The proxy's secret or that of the data centre's option.
        secret: Option<SecretKey>,
    },
    /// Padded intermediate inside obfuscation inside records that look like TLS.
    FakeTls {
        /// The data centre; the proxy chooses its upstream by it.
        dc: DcId,
        /// The secret's key and domain, and what the hello looks like.
        config: FakeTlsClientConfig,
    },
    /// A framing inside obfuscation inside the binary messages of a WebSocket.
    WebSocket {
        /// The framing.
        tag: Tag,
        /// The data centre, which the host's name selects already.
        dc: DcId,
        /// Whom to ask for the upgrade.
        config: WebSocketClientConfig,
    },
    /// One packet for each request.
    Http(HttpClientConfig),
}

impl Stack {
    /// Returns how to speak to the proxy that a secret names.
    ///
    /// The framing is padded intermediate for every kind of secret: some proxies accept nothing
    /// else, and all accept that.
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
