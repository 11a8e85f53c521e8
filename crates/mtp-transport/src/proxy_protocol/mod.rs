//! The PROXY protocol, versions 1 and 2: the addresses of a connection, sent by a load balancer.
//!
//! The header is mandatory on a listener that is configured for it, and it must be accepted only from
//! trusted networks: it can claim any client address. What follows it belongs to the client.
//!
//! ```
//! use mtp_transport::proxy_protocol::{ProxyHeaderDecoder, ProxyHeaderError};
//!
//! let mut decoder = ProxyHeaderDecoder::new();
//! let (consumed, header) = decoder.handle_bytes(b"PROXY TCP4 203.0.113.7 198.51.1")?;
//! assert!(consumed == 31 && header.is_none());
//! let (consumed, header) = decoder.handle_bytes(b"00.9 51000 443\r\n\xef...")?;
//! assert_eq!(consumed, 16); // The rest is the client's first bytes.
//! let source = header.and_then(|header| header.source());
//! assert_eq!(source.map(|address| address.port()), Some(51000));
//! # Ok::<(), ProxyHeaderError>(())
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `text` | version 1: a line of text |
//! | `binary` | version 2: a binary header with extensions |
//! | `decoder` | incremental decoding |

mod binary;
mod decoder;
mod error;
mod text;

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

pub use decoder::ProxyHeaderDecoder;
pub use error::ProxyHeaderError;

/// The longest header of version 1, in bytes with its line break.
// spec: proxy 10.1
pub const LINE_LEN_MAX: usize = 107;

/// The longest accepted header of version 2, in bytes.
///
/// The format allows 65,551. The addresses have at most 216 bytes, and balancers that send TLS
/// details or cloud metadata need some hundred more.
// spec: proxy 10.2
pub const HEADER_LEN_MAX: usize = 2048;

/// Recommended limit for the arrival of the header. A lost segment is retransmitted within it.
// spec: proxy 10
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(3);

/// Header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// A client's connection.
    #[non_exhaustive]
    Proxied {
        /// The client's address.
        source: SocketAddr,
        /// The address the client connected to.
        destination: SocketAddr,
    },
    /// A client's connection without TCP addresses. Use the address of the balancer instead.
    Unknown,
    /// A connection of the balancer itself, such as a health check. It usually closes next; do not
    /// count it as a failed client.
    Local,
}

/// Version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// A binary header.
    V2,
}

impl ProxyHeader {
    /// Returns the header of a client's connection. IPv4-mapped IPv6 addresses are converted to IPv4.
    #[must_use]
    pub fn proxied(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::Proxied { source: canonical(source), destination: canonical(destination) }
    }

    /// Parses a header of either version at the front of `bytes`.
    ///
    /// Returns the header and its length, or `None` if bytes are missing. Once it returns a header or
    /// an error, more bytes do not change the result.
    ///
    /// # Errors
    ///
    /// The bytes are not a valid header. Close the connection.
    // spec: proxy 10.3
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProxyHeaderError> {
        if agrees(bytes, binary::SIGNATURE) {
            binary::parse(bytes)
        } else if agrees(bytes, text::PREFIX) {
            text::parse(bytes)
        } else {
            Err(ProxyHeaderError::NoSignature)
        }
    }

    /// Appends the header. Send it in one write with the first bytes of the client.
    ///
    /// Addresses of different families are sent as IPv6 in version 2 and as [`Self::Unknown`] in
    /// version 1, which has no form for [`Self::Local`] either.
    // spec: proxy 10.3
    pub fn encode(&self, version: ProxyVersion, out: &mut Vec<u8>) {
        match version {
            ProxyVersion::V1 => text::encode(*self, out),
            ProxyVersion::V2 => binary::encode(*self, out),
        }
    }

    /// Returns the client's address, if known.
    #[must_use]
    pub const fn source(&self) -> Option<SocketAddr> {
        match *self {
            Self::Proxied { source, .. } => Some(source),
            Self::Unknown | Self::Local => None,
        }
    }

    /// Returns the address the client connected to, if known.
    #[must_use]
    pub const fn destination(&self) -> Option<SocketAddr> {
        match *self {
            Self::Proxied { destination, .. } => Some(destination),
            Self::Unknown | Self::Local => None,
        }
    }
}

/// Result of parsing: the header and its length, or `None` if bytes are missing.
type Parsed = Result<Option<(ProxyHeader, usize)>, ProxyHeaderError>;

/// Returns `true` if the two byte strings agree in their common length.
fn agrees(bytes: &[u8], expected: &[u8]) -> bool {
    bytes.iter().zip(expected).all(|(found, expected)| found == expected)
}

// spec: proxy 10.2
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
