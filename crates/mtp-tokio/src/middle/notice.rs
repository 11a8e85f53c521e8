//! Notices of links for their operator.

use core::fmt;
use core::net::SocketAddr;
use std::io;

use mtp_transport::middle_proxy::door::DoorClient;
use mtp_transport::middle_proxy::link::MiddleLinkError;
use mtp_transport::middle_proxy::pool::LinkLoss;

/// Something that happened to a link of a proxy.
#[derive(Debug)]
#[non_exhaustive]
pub enum MiddleNotice<'a> {
    /// A link is ready.
    Up,
    /// A link could not be opened.
    Unreachable(&'a io::Error),
    /// A link is over.
    Down {
        /// The reason.
        loss: LinkLoss,
        /// The clients that ended with it.
        clients: usize,
    },
}

impl fmt::Display for MiddleNotice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("link is ready"),
            Self::Unreachable(error) => write!(f, "cannot connect: {error}"),
            Self::Down { loss, clients } => write!(f, "link is over: {loss}; {clients} clients"),
        }
    }
}

/// Receives every notice with the middle proxy's address. It must not wait for anything.
pub type MiddleObserver = Box<dyn Fn(SocketAddr, MiddleNotice<'_>) + Send + Sync>;

/// Something that happened to a link of a middle proxy.
#[derive(Debug)]
#[non_exhaustive]
pub enum MiddleServerNotice<'a> {
    /// A proxy has connected.
    Accepted,
    /// A client came.
    Client(&'a DoorClient),
    /// The data center could not be reached for a client.
    Unreachable(&'a io::Error),
    /// The link is over.
    Down(MiddleLinkError),
}

impl fmt::Display for MiddleServerNotice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("connected"),
            Self::Client(client) => {
                write!(f, "client {} through {}", client.client, client.our)?;
                if let Some(tag) = client.ad_tag {
                    f.write_str(" with tag ")?;
                    tag.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                }
                Ok(())
            }
            Self::Unreachable(error) => write!(f, "cannot connect to the data center: {error}"),
            Self::Down(error) => write!(f, "link is over: {error}"),
        }
    }
}

/// Receives every notice with the proxy's address. It must not wait for anything.
pub type MiddleServerObserver = Box<dyn Fn(SocketAddr, MiddleServerNotice<'_>) + Send + Sync>;
