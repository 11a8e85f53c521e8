//! The published configuration: which middle proxies serve which data centers.
//!
//! ```text
//!  # comment
//!  default 2;
//!  proxy_for 2 149.154.161.144:8888;
//!  proxy_for -2 [2001:67c:4e8:f002::d]:80;
//! ```

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv6Addr, SocketAddr};

use mtp_crypto::DcId;

/// Middle proxies, by cluster. A cluster serves one data center, or the media of one.
///
/// ```
/// use mtp_crypto::DcId;
/// use mtp_transport::middle_proxy::clusters::{Clusters, ClustersError};
///
/// let clusters = Clusters::parse("default 2; proxy_for 2 192.0.2.1:8888;", 1 << 20)?;
/// assert_eq!(clusters.choose(DcId::new(-4)), Some(2));
/// assert_eq!(clusters.targets(2).len(), 1);
/// # Ok::<(), ClustersError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clusters {
    default: Option<i16>,
    targets: BTreeMap<i16, Vec<SocketAddr>>,
    skipped: usize,
}

impl Clusters {
    /// Parses a published file of at most `len_max` bytes.
    ///
    /// Unknown statements, and middle proxies that are named instead of given by address, are skipped
    /// and counted. The order of the lines does not matter.
    ///
    /// # Errors
    ///
    /// The file names no middle proxy, or is not such a file.
    // spec: proxy 1.2
    pub fn parse(text: &str, len_max: usize) -> Result<Self, ClustersError> {
        if text.len() > len_max {
            return Err(ClustersError::TooLong { len: text.len() });
        }
        let mut clusters = Self::default();
        let mut count = 0_usize;
        let mut scanner = Scanner { rest: text };
        while let Some(statement) = scanner.statement()? {
            match parse_statement(statement) {
                Parsed::Default(id) => clusters.default = Some(id),
                Parsed::Target(id, address) => {
                    let targets = clusters.targets.entry(id).or_default();
                    if !targets.contains(&address) {
                        targets.push(address);
                        count = count.saturating_add(1);
                    }
                }
                Parsed::Known => {}
                Parsed::Unknown => clusters.skipped = clusters.skipped.saturating_add(1),
            }
            if clusters.targets.len() > CLUSTERS_MAX || count > TARGETS_MAX {
                return Err(ClustersError::TooMany);
            }
        }
        if clusters.targets.is_empty() { Err(ClustersError::NoTarget) } else { Ok(clusters) }
    }

    /// Returns the middle proxies of both files, of the other address family behind these.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        self.default = self.default.or(other.default);
        self.skipped = self.skipped.saturating_add(other.skipped);
        for (id, addresses) in &other.targets {
            let targets = self.targets.entry(*id).or_default();
            for address in addresses {
                if !targets.contains(address) {
                    targets.push(*address);
                }
            }
        }
        self
    }

    /// Returns the cluster for a data center: its own, or the default.
    // spec: proxy 1.3
    #[must_use]
    pub fn choose(&self, dc: DcId) -> Option<i16> {
        let own = dc.to_i16().filter(|id| self.targets.contains_key(id));
        own.or_else(|| self.default.filter(|id| self.targets.contains_key(id)))
    }

    /// Returns the middle proxies of a cluster.
    #[must_use]
    pub fn targets(&self, cluster: i16) -> &[SocketAddr] {
        self.targets.get(&cluster).map_or(&[], Vec::as_slice)
    }

    /// Returns the clusters.
    pub fn ids(&self) -> impl Iterator<Item = i16> {
        self.targets.keys().copied()
    }

    /// Returns the cluster for data centers that are not listed.
    #[must_use]
    pub const fn default_cluster(&self) -> Option<i16> {
        self.default
    }

    /// Returns the number of skipped statements.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// Returns `true` if both have the same middle proxies, in any order.
    // spec: proxy 1.1
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let sorted = |clusters: &Self| {
            let mut targets = clusters.targets.clone();
            for addresses in targets.values_mut() {
                addresses.sort_unstable();
            }
            targets
        };
        self.default == other.default && sorted(self) == sorted(other)
    }
}

/// Cuts a file into statements.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Returns the next statement without its semicolon.
    fn statement(&mut self) -> Result<Option<&'a str>, ClustersError> {
        loop {
            self.rest = self.rest.trim_start_matches(BLANKS);
            match self.rest.strip_prefix('#') {
                Some(comment) => {
                    self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
                }
                None if self.rest.is_empty() => return Ok(None),
                None => break,
            }
        }
        let (statement, rest) = self.rest.split_once(';').ok_or(ClustersError::Unfinished)?;
        self.rest = rest;
        Ok(Some(statement.trim_end_matches(BLANKS)))
    }
}

enum Parsed {
    Default(i16),
    Target(i16, SocketAddr),
    /// A statement without effect here.
    Known,
    Unknown,
}

fn parse_statement(statement: &str) -> Parsed {
    // The longer keyword first: it begins with the shorter one.
    if let Some(rest) = statement.strip_prefix("proxy_for") {
        let rest = rest.trim_start_matches(BLANKS);
        let parsed = rest.split_once(BLANKS).and_then(|(id, address)| {
            Some(Parsed::Target(id.parse().ok()?, parse_address(address)?))
        });
        return parsed.unwrap_or(Parsed::Unknown);
    }
    if let Some(address) = statement.strip_prefix("proxy").and_then(parse_address) {
        return Parsed::Target(0, address);
    }
    if let Some(id) = statement.strip_prefix("default") {
        let id = id.trim_start_matches(BLANKS).parse();
        return id.map_or(Parsed::Unknown, Parsed::Default);
    }
    let options = ["timeout", "min_connections", "max_connections"];
    if options.into_iter().any(|option| statement.starts_with(option)) {
        return Parsed::Known;
    }
    Parsed::Unknown
}

/// Parses an address with a port other than 0. IPv6 may stand without brackets.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let text = text.trim_matches(BLANKS);
    let parsed = text.parse::<SocketAddr>().ok().or_else(|| {
        let (ip, port) = text.rsplit_once(':')?;
        Some(SocketAddr::from((ip.parse::<Ipv6Addr>().ok()?, port.parse().ok()?)))
    });
    parsed.filter(|address| address.port() != 0)
}

/// Why a text is not a published configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClustersError {
    /// The file is longer than the limit.
    TooLong {
        /// Its length.
        len: usize,
    },
    /// The file has more clusters or middle proxies than the limits allow.
    TooMany,
    /// The last statement has no semicolon.
    Unfinished,
    /// The file names no middle proxy.
    NoTarget,
}

impl fmt::Display for ClustersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "configuration of {len} bytes"),
            Self::TooMany => f.write_str("too many middle proxies"),
            Self::Unfinished => f.write_str("last statement has no semicolon"),
            Self::NoTarget => f.write_str("no usable line `proxy_for NUMBER ADDRESS:PORT;`"),
        }
    }
}

impl core::error::Error for ClustersError {}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Limit of the text of a configuration.
// spec: proxy 20
pub const CLUSTERS_LEN_MAX: usize = 1 << 20;

/// The most clusters of a configuration.
// spec: proxy 1.2
pub const CLUSTERS_MAX: usize = 1024;

/// The most middle proxies of a configuration.
// spec: proxy 1.2
pub const TARGETS_MAX: usize = 4096;
