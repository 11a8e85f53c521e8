//! Configuration and set-up of a pool.

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::time::Duration;

use crate::middle_proxy::clusters::Clusters;
use crate::middle_proxy::link::MiddleLinkConfig;
use crate::middle_proxy::rpc::RequestFlags;
use crate::middle_proxy::secret::MiddleSecret;

/// Configuration of a pool.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MiddlePoolConfig {
    /// Configuration of each link.
    pub link: Arc<MiddleLinkConfig>,
    /// Links of a cluster that has clients; 2 by default.
    // spec: proxy 4.1
    pub links_min: usize,
    /// Most links of a cluster; 8 by default.
    pub links_max: usize,
    /// Clients of a link at which its cluster gets another one; 300 by default.
    pub clients_per_link: usize,
    /// Most clients of one link, when the cluster has all its links; 65,536 by default.
    pub link_clients_max: usize,
    /// Most clients of the pool; 65,536 by default.
    pub clients_max: usize,
    /// Limit for opening a connection; 5 s by default.
    // spec: proxy 4.4
    pub connect_timeout: Duration,
    /// Wait after the first failure of a middle proxy, which doubles with each further one; 0.5 s by
    /// default.
    pub backoff_min: Duration,
    /// Longest such wait; 30 s by default.
    pub backoff_max: Duration,
    /// How long the packets of a client wait for a link; 3 s by default.
    // spec: proxy 4.3
    pub hold_timeout: Duration,
    /// How long the links of an earlier set-up keep their clients; 90 s by default.
    pub drain_timeout: Duration,
    /// Longest packet of a client; 1,044,480 bytes by default.
    // spec: proxy 3.2
    pub packet_len_max: usize,
    /// Bytes of one client that wait to be sent, at which the client is not read; 256 KiB by default.
    // spec: proxy 4.1
    pub client_up_max: usize,
    /// Bytes that wait for one client, above which it is closed; 2 MiB by default.
    // spec: proxy 4.1
    pub client_down_max: usize,
    /// Bytes that wait for all clients, at which no link is read; 256 MiB by default.
    // spec: proxy 4.1
    pub down_total_max: usize,
    /// What becomes of the idle clients of a lost link.
    pub on_link_lost: OnLinkLost,
}

impl Default for MiddlePoolConfig {
    fn default() -> Self {
        Self {
            link: Arc::default(),
            links_min: 2,
            links_max: 8,
            clients_per_link: 300,
            link_clients_max: 65_536,
            clients_max: 65_536,
            connect_timeout: Duration::from_secs(5),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            hold_timeout: Duration::from_secs(3),
            drain_timeout: Duration::from_secs(90),
            packet_len_max: 1_044_480,
            client_up_max: 256 * 1024,
            client_down_max: 2 * 1024 * 1024,
            down_total_max: 256 * 1024 * 1024,
            on_link_lost: OnLinkLost::Migrate,
        }
    }
}

/// What becomes of the clients of a lost link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnLinkLost {
    /// Those without a packet in flight continue on another link; the others end.
    // spec: proxy 4.2
    Migrate,
    /// All of them end.
    Close,
}

/// Middle proxies and their secret, which belong together.
// spec: proxy 1.1
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MiddleSetup {
    /// The middle proxies.
    pub clusters: Clusters,
    /// The secret.
    pub secret: Arc<MiddleSecret>,
    /// Which addresses are used.
    pub families: Families,
}

impl MiddleSetup {
    /// Returns a set-up that prefers IPv4.
    #[must_use]
    pub const fn new(clusters: Clusters, secret: Arc<MiddleSecret>) -> Self {
        Self { clusters, secret, families: Families::PreferV4 }
    }

    /// Returns `true` if both have the same middle proxies and secret.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.clusters.is_same(&other.clusters)
            && self.secret.ct_eq(&other.secret)
            && self.families == other.families
    }
}

/// Address families, in order of preference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Families {
    /// IPv4; IPv6 while no IPv4 address works.
    #[default]
    PreferV4,
    /// IPv6; IPv4 while no IPv6 address works.
    PreferV6,
    /// IPv4 only.
    OnlyV4,
    /// IPv6 only.
    OnlyV6,
}

impl Families {
    /// Returns the rank of an address, lower first; `None` if it is not used.
    pub(super) const fn rank(self, address: SocketAddr) -> Option<u8> {
        match (self, address.is_ipv4()) {
            (Self::PreferV4 | Self::OnlyV4, true) | (Self::PreferV6 | Self::OnlyV6, false) => {
                Some(0)
            }
            (Self::PreferV4, false) | (Self::PreferV6, true) => Some(1),
            (Self::OnlyV4, false) | (Self::OnlyV6, true) => None,
        }
    }
}

/// What requests tell about a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MiddleClient {
    /// The client's address.
    pub client: SocketAddr,
    /// The public address of the proxy that the client connected to.
    pub our: SocketAddr,
    /// The client's transport.
    pub flags: RequestFlags,
    /// The tag of the promoted channel.
    pub ad_tag: Option<[u8; 16]>,
}

impl MiddleClient {
    /// Returns a client of an MTProxy without a promoted channel.
    #[must_use]
    pub fn new(client: SocketAddr, our: SocketAddr, flags: RequestFlags) -> Self {
        let flags = flags.of_connection() | RequestFlags::TCP | RequestFlags::OBFUSCATED;
        Self { client, our, flags, ad_tag: None }
    }
}
