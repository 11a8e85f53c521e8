//! Requests to the driver, and why clients and links ended.

use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use mtp_crypto::DcId;

use crate::middle_proxy::link::MiddleLinkError;
use crate::middle_proxy::rpc::NotForwardable;

/// Number of a link of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolLinkId(pub(super) u64);

/// Number of a client of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolClientId(pub(super) u64);

impl PoolLinkId {
    /// Returns the number.
    #[must_use]
    pub const fn as_raw(self) -> u64 {
        self.0
    }
}

impl PoolClientId {
    /// Returns the number.
    #[must_use]
    pub const fn as_raw(self) -> u64 {
        self.0
    }
}

/// Request to the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolEvent {
    /// Connect, then call [`handle_link_connected`](super::MiddlePool::handle_link_connected) or
    /// [`handle_link_failed`](super::MiddlePool::handle_link_failed).
    Connect {
        /// The link.
        link: PoolLinkId,
        /// The data center that the middle proxy serves.
        cluster: i16,
        /// The middle proxy.
        address: SocketAddr,
    },
    /// The handshake of a link is complete. For logs.
    LinkUp {
        /// The link.
        link: PoolLinkId,
        /// The middle proxy.
        address: SocketAddr,
    },
    /// A link has output: call [`poll_link_transmit`](super::MiddlePool::poll_link_transmit).
    LinkReady(PoolLinkId),
    /// A link is over: close its connection.
    LinkDown {
        /// The link.
        link: PoolLinkId,
        /// The middle proxy.
        address: SocketAddr,
        /// The reason.
        loss: LinkLoss,
        /// The clients that ended with the link.
        clients: usize,
    },
    /// A client has answers: call [`next_answer`](super::MiddlePool::next_answer) until it returns
    /// `None`.
    ClientReady(PoolClientId),
    /// A client that was refused a packet may send again.
    ClientWritable(PoolClientId),
}

/// Something for a client.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolAnswer {
    /// A packet.
    Packet(Vec<u8>),
    /// A quick ack with this token.
    QuickAck(u32),
    /// The end of the client; it is forgotten.
    End(PoolClientEnd),
}

impl fmt::Debug for PoolAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(packet) => write!(f, "Packet({} bytes)", packet.len()),
            Self::QuickAck(_) => f.write_str("QuickAck(..)"),
            Self::End(end) => write!(f, "End({end:?})"),
        }
    }
}

/// Why a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolClientEnd {
    /// The data center closed the client's connection.
    ClosedByCenter,
    /// The client's link was lost.
    LinkLost,
    /// No link was ready within the limit.
    NoLink,
    /// The client reads too slowly.
    Overrun,
    /// The client sent a packet that cannot be forwarded.
    NotForwardable(NotForwardable),
    /// The new set-up serves the client's data center no longer.
    NoCluster,
}

impl fmt::Display for PoolClientEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClosedByCenter => f.write_str("closed by the data center"),
            Self::LinkLost => f.write_str("link to the middle proxy was lost"),
            Self::NoLink => f.write_str("no link to a middle proxy"),
            Self::Overrun => f.write_str("client reads too slowly"),
            Self::NotForwardable(error) => error.fmt(f),
            Self::NoCluster => f.write_str("data center is served no longer"),
        }
    }
}

/// Why a link is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkLoss {
    /// The middle proxy could not be reached.
    Unreachable,
    /// Connecting timed out.
    ConnectTimeout,
    /// The link ended.
    Ended(MiddleLinkError),
    /// The link belonged to an earlier set-up, and its clients have left or had the time to.
    Drained,
}

impl fmt::Display for LinkLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("middle proxy is unreachable"),
            Self::ConnectTimeout => f.write_str("connecting timed out"),
            Self::Ended(error) => error.fmt(f),
            Self::Drained => f.write_str("replaced by links of the new set-up"),
        }
    }
}

/// Why a client is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolOpenError {
    /// No cluster serves the data center, and there is no default.
    NoCluster(DcId),
    /// The pool has as many clients as it may.
    Full,
}

impl fmt::Display for PoolOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCluster(dc) => write!(f, "no middle proxy serves data center {dc}"),
            Self::Full => f.write_str("too many clients"),
        }
    }
}

impl core::error::Error for PoolOpenError {}

/// Why a client's packet is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolPacketError {
    /// The client is unknown, or has ended.
    Ended,
    /// Too much waits to be sent: pass the packet again after [`PoolEvent::ClientWritable`].
    Full,
    /// The packet cannot be forwarded; the client has ended.
    NotForwardable(NotForwardable),
}

impl fmt::Display for PoolPacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("client has ended"),
            Self::Full => f.write_str("too much waits to be sent"),
            Self::NotForwardable(_) => f.write_str("packet is not forwarded"),
        }
    }
}

impl core::error::Error for PoolPacketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NotForwardable(error) => Some(error),
            _ => None,
        }
    }
}
