//! Notices of a proxy for its operator.

use core::fmt;
use core::net::SocketAddr;
use std::io;

use mtp_transport::relay::RelayEvent;

use crate::dial::Destination;

/// Something that happened to a client's connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ProxyNotice<'a> {
    /// An event of the relay.
    Relay(&'a RelayEvent),
    /// No connection to the data center or the site could be opened.
    DialFailed {
        /// The data center or the site.
        destination: &'a Destination,
        /// Why.
        error: &'a io::Error,
    },
    /// The client's socket failed.
    ClientFailed(&'a io::Error),
    /// The socket of the data center or the site failed.
    UpstreamFailed(&'a io::Error),
}

impl fmt::Display for ProxyNotice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relay(event) => write!(f, "{event:?}"),
            Self::DialFailed { destination, error } => {
                write!(f, "cannot connect to {destination}: {error}")
            }
            Self::ClientFailed(error) => write!(f, "the connection of the client failed: {error}"),
            Self::UpstreamFailed(error) => {
                write!(f, "the connection to the upstream failed: {error}")
            }
        }
    }
}

/// Receives every notice with the client's address, for logs and counters. It must not wait for anything.
pub type ProxyObserver = Box<dyn Fn(SocketAddr, ProxyNotice<'_>) + Send + Sync>;
