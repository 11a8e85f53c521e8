//! What a proxy accepts, whom it serves and what it puts up with.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::faketls::{FlightShape, ServerName, TimeWindow};
use crate::framing::{Framing, Tag};
use crate::obfuscation::DcId;
use crate::secret::{Domain, ProxySecret, SecretKey, SecretKind};

/// Configures all relays of one proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RelayConfig {
    /// The secrets, tried in this order. A key may occur once for each kind.
    pub secrets: Vec<NamedSecret>,
    /// How far a client's clock may be from ours; FakeTLS only.
    pub window: TimeWindow,
    /// Which site a client may pretend to visit.
    pub server_name: ServerName,
    /// What the answer to a hello looks like.
    pub shape: FlightShape,
    /// What happens to whoever knows no secret. Fronted by default.
    pub on_refusal: OnRefusal,
    /// The numbers of the data centres served; 1 to 5 and 203 by default.
    // spec: transport 7.3
    pub served_dcs: Vec<u16>,
    /// What happens to a client that wants another one. Falls back by default.
    pub on_unknown_dc: OnUnknownDc,
    /// Lets the data centre encrypt for the client directly, so that the proxy only copies what
    /// comes down. On by default.
    // spec: transport 7.2
    pub shortcut: bool,
    /// A load balancer speaks first and says who the client is. Off by default.
    pub proxy_protocol: bool,
    /// From how many bytes waiting for one side the other is not read; 256 KiB by default.
    pub buffer_len_max: usize,
    /// How long detection, handshake and header may take together; 10 s by default.
    // spec: transport 15
    pub handshake_timeout: Duration,
    /// How long connecting to the upstream may take; 10 s by default.
    pub dial_timeout: Duration,
    /// How long both sides may be silent; 5 min by default, because mobile clients sleep.
    pub idle_timeout: Duration,
    /// The same for visitors of the site; 1 min by default.
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
            proxy_protocol: false,
            buffer_len_max: 256 * 1024,
            handshake_timeout: Duration::from_secs(10),
            dial_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            site_idle_timeout: Duration::from_secs(60),
        }
    }
}

/// A secret and what the operator calls it.
#[derive(Clone, Debug)]
pub struct NamedSecret {
    /// The operator's name for it, for counters and logs.
    pub name: String,
    /// The secret. Its kind says how clients that know it must speak.
    pub secret: ProxySecret,
}

/// What happens to whoever knows no secret.
///
/// Once a good FakeTLS hello was answered, no site can take over: it would answer the same hello
/// again, with keys of its own. Whoever then sends a header that does not fit is read and never
/// answered, whatever is chosen here; to come so far it must know the secret.
// spec: transport 8.6
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnRefusal {
    /// It is connected to a real site and gets that site's answers.
    Site,
    /// It is read and never answered.
    Swallow,
    /// It is closed, which tells a probe that something else than a web site is here.
    Close,
}

/// What happens to a client that wants a data centre which is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnknownDc {
    /// It is connected to data centre 2.
    FallBack,
    /// It is closed.
    Close,
}

impl RelayConfig {
    /// Returns the data centre to dial, `None` if the client's is not served.
    // spec: transport 7.3
    pub(super) fn upstream_for(&self, wanted: DcId) -> Option<DcId> {
        let number = wanted.number();
        if number != 0 && self.served_dcs.contains(&number) {
            return Some(wanted);
        }
        if number != 0 && self.on_unknown_dc == OnUnknownDc::Close {
            return None;
        }
        let usual = DcId::new(USUAL_DC);
        let usual = if wanted.is_test() { usual.test() } else { usual };
        Some(if wanted.is_media() { usual.media() } else { usual })
    }

    /// Returns the keys and domains of FakeTLS secrets with their numbers.
    pub(super) fn fake_tls_secrets(&self) -> impl Iterator<Item = (usize, &SecretKey, &Domain)> {
        self.numbered().filter_map(|(number, secret)| match secret.kind() {
            SecretKind::FakeTls(domain) => Some((number, secret.key(), domain)),
            SecretKind::Plain | SecretKind::Padded => None,
        })
    }

    /// Returns the keys that may be used without FakeTLS and whether they allow a framing.
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

/// Which framings a secret allows.
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

/// The data centre for clients that name none.
const USUAL_DC: u8 = 2;
