//! Middle proxies: a proxy's links to them, and one of our own.
//!
//! ```text
//!  Proxy ─ seats ─▶ MiddleProxies ═ links ═▶ MiddleServer ─ one connection for each client ─▶ data center
//! ```

mod backend;
mod links;
mod notice;
mod seat;
mod server;

use core::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use links::MiddleProxies;
pub use notice::{MiddleNotice, MiddleObserver, MiddleServerNotice, MiddleServerObserver};
pub(crate) use seat::Seat;
pub use server::{MiddleServer, MiddleServerOptions};

/// The middle mode of a proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MiddleMode {
    /// The links.
    pub proxies: MiddleProxies,
    /// Addresses under which clients reach the proxy, at most one of each family. Those of the sockets are
    /// used for a family without one.
    pub public: Vec<IpAddr>,
    /// The tag of the promoted channel.
    pub ad_tag: Option<[u8; 16]>,
    /// Tags of secrets, by their index in the configuration; they replace the other one.
    pub ad_tags: Vec<Option<[u8; 16]>>,
}

impl MiddleMode {
    /// Returns a mode without a promoted channel.
    #[must_use]
    pub const fn new(proxies: MiddleProxies) -> Self {
        Self { proxies, public: Vec::new(), ad_tag: None, ad_tags: Vec::new() }
    }

    /// Returns the tag of a secret.
    pub(crate) fn tag(&self, secret: usize) -> Option<[u8; 16]> {
        self.ad_tags.get(secret).copied().flatten().or(self.ad_tag)
    }
}

/// Replaces the address of a socket by the public one of the same family.
pub(crate) fn public(public: &[IpAddr], local: SocketAddr) -> SocketAddr {
    let ip = local.ip().to_canonical();
    let known = public.iter().find(|known| known.is_ipv4() == ip.is_ipv4());
    SocketAddr::new(known.copied().unwrap_or(ip), local.port())
}

/// A task that panicked while it held a lock has not left half a state behind: the machines check first and
/// change afterwards.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes read at once.
const READ_LEN: usize = 16 * 1024;

/// An output buffer that is longer is freed when it is written.
const OUTPUT_KEPT: usize = 64 * 1024;
