//! Configuration: secrets, policies, limits.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::faketls::{FlightShape, ServerName, TimeWindow};
use crate::framing::{Framing, Tag};
use crate::secret::{Domain, ProxySecret, SecretKey, SecretKind};
use mtp_crypto::DcId;

/// Configuration of all relays of one proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RelayConfig {
    /// Secrets, tried in this order. A key may occur once for each kind.
    pub secrets: Vec<NamedSecret>,
    /// Accepted difference between the clocks of client and proxy; FakeTLS only.
    pub window: TimeWindow,
    /// Accepted server names; FakeTLS only.
    pub server_name: ServerName,
    /// Shape of the answer to a hello; FakeTLS only.
    pub shape: FlightShape,
    /// Policy for connections without a known secret. They are forwarded to the site by default.
    pub on_refusal: OnRefusal,
    /// Numbers of the served data centers; 1 to 5 and 203 by default.
    // spec: transport 7.3
    pub served_dcs: Vec<u32>,
    /// Policy for clients that request another data center. They get data center 2 by default.
    pub on_unknown_dc: OnUnknownDc,
    /// Makes the data center encrypt for the client directly, so that the proxy forwards the downlink
    /// without re-encryption. On by default.
    // spec: transport 7.2
    pub shortcut: bool,
    /// How clients reach their data centers; directly by default.
    pub carry: Carry,
    /// Longest packet of a client in the middle mode; 1,044,480 bytes by default.
    // spec: proxy 3.2
    pub packet_len_max: usize,
    /// Requires a PROXY protocol header from a load balancer. Off by default.
    pub proxy_protocol: bool,
    /// Buffered bytes for one side at which the other side is not read; 256 KiB by default.
    pub buffer_len_max: usize,
    /// Limit for detection, handshake and header together; 10 s by default.
    // spec: transport 15
    pub handshake_timeout: Duration,
    /// Limit for connecting to the upstream; 10 s by default.
    pub dial_timeout: Duration,
    /// Idle time after which a relay is closed; 5 min by default, because mobile clients sleep.
    pub idle_timeout: Duration,
    /// Idle time for connections forwarded to the site; 1 min by default.
    // spec: transport 8.6
    pub site_idle_timeout: Duration,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            window: TimeWindow::default(),
            server_name: ServerName::default(),
            shape: FlightShape::default(),
            on_refusal: OnRefusal::Site,
            served_dcs: Vec::from([1, 2, 3, 4, 5, 203]),
            on_unknown_dc: OnUnknownDc::FallBack,
            shortcut: true,
            carry: Carry::Direct,
            packet_len_max: 1_044_480,
            proxy_protocol: false,
            buffer_len_max: 256 * 1024,
            handshake_timeout: Duration::from_secs(10),
            dial_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            site_idle_timeout: Duration::from_secs(60),
        }
    }
}

/// How clients reach their data centers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carry {
    /// The bytes of each client, to a data center.
    Direct,
    /// The packets of all clients, to middle proxies, which know the clients' addresses and the promoted
    /// channel.
    Middle,
}

/// A secret with its name.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a name and a secret")]
pub struct NamedSecret {
    /// The operator's name, for counters and logs.
    pub name: String,
    /// The secret. Its kind determines the stack of its clients.
    pub secret: ProxySecret,
}

/// Policy for connections without a known secret.
///
/// Once a FakeTLS hello is answered, the connection cannot be forwarded to the site, which would
/// answer the same hello again. If the obfuscated header is invalid then, the input is discarded,
/// whatever the policy. Such a client must know the secret.
// spec: transport 8.6
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnRefusal {
    /// Forward the connection to a real site.
    Site,
    /// Read and discard the input, without an answer.
    Discard,
    /// Close the connection, which reveals to a probe that this is not a web site.
    Close,
}

/// Policy for clients that request a data center which is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnknownDc {
    /// Connect to data center 2.
    FallBack,
    /// Close the connection.
    Close,
}

impl RelayConfig {
    /// Returns the data center to connect to, or `None` if the requested one is not served.
    // spec: transport 7.3
    pub(super) fn upstream_for(&self, wanted: DcId) -> Option<DcId> {
        let number = wanted.number();
        if number != 0 && self.served_dcs.contains(&number) {
            return Some(wanted);
        }
        if number != 0 && self.on_unknown_dc == OnUnknownDc::Close {
            return None;
        }
        let dc = if wanted.is_test() { DEFAULT_DC.test() } else { DEFAULT_DC };
        Some(if wanted.is_media() { dc.media() } else { dc })
    }

    /// Returns the indexes, keys and domains of the FakeTLS secrets.
    pub(super) fn fake_tls_secrets(&self) -> impl Iterator<Item = (usize, &SecretKey, &Domain)> {
        self.numbered().filter_map(|(number, secret)| match secret.kind() {
            SecretKind::FakeTls(domain) => Some((number, secret.key(), domain)),
            SecretKind::Plain | SecretKind::Padded => None,
        })
    }

    /// Returns the indexes and keys of the other secrets, with the framings they allow.
    pub(super) fn bare_secrets(&self) -> impl Iterator<Item = (usize, &SecretKey, AllowedTags)> {
        self.numbered().filter_map(|(number, secret)| match secret.kind() {
            SecretKind::Plain => Some((number, secret.key(), AllowedTags::All)),
            SecretKind::Padded => Some((number, secret.key(), AllowedTags::Padded)),
            SecretKind::FakeTls(_) => None,
        })
    }

    pub(super) fn secret(&self, number: usize) -> Option<&ProxySecret> {
        self.secrets.get(number).map(|named| &named.secret)
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &ProxySecret)> {
        self.secrets.iter().map(|named| &named.secret).enumerate()
    }
}

/// Framings that a secret allows.
#[derive(Clone, Copy)]
pub(super) enum AllowedTags {
    All,
    /// Padded intermediate only.
    // spec: transport 6.1
    Padded,
}

impl AllowedTags {
    pub(super) fn contains(self, tag: Tag) -> bool {
        match self {
            Self::All => true,
            Self::Padded => tag.framing() == Framing::PaddedIntermediate,
        }
    }
}

/// The data center for clients that request none.
const DEFAULT_DC: DcId = DcId::new(2);
