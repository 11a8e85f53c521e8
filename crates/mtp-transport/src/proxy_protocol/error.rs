//! Errors of the PROXY protocol.

use core::fmt;

use super::{HEADER_LEN_MAX, LINE_LEN_MAX};

/// Violations of the PROXY protocol. Close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// The bytes begin with the signature of neither version.
    NoSignature,
    /// The header exceeds [`LINE_LEN_MAX`] bytes in version 1 or [`HEADER_LEN_MAX`] in version 2.
    TooLong,
    /// The line of version 1 is malformed.
    Line,
    /// Unknown version or command in version 2.
    Command {
        /// The byte with version and command.
        found: u8,
    },
    /// Unknown address family or transport in version 2, or a transport other than TCP.
    Family {
        /// The byte with family and transport.
        found: u8,
    },
    /// The header of version 2 is too short for its addresses.
    Addresses,
    /// The extensions of version 2 do not fill the header exactly.
    Extension,
    /// The checksum of version 2 is wrong.
    Checksum,
    /// The connection ended within the header.
    Truncated,
}

impl fmt::Display for ProxyHeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature => f.write_str("no PROXY protocol header"),
            Self::TooLong => write!(
                f,
                "PROXY protocol header exceeds {LINE_LEN_MAX} bytes in version 1 or \
                 {HEADER_LEN_MAX} in version 2"
            ),
            Self::Line => f.write_str("malformed PROXY protocol line"),
            Self::Command { found } => {
                write!(f, "unknown PROXY protocol version or command {found:02x}")
            }
            Self::Family { found } => {
                write!(f, "unsupported PROXY protocol family or transport {found:02x}")
            }
            Self::Addresses => f.write_str("PROXY protocol header too short for its addresses"),
            Self::Extension => f.write_str("malformed PROXY protocol extension"),
            Self::Checksum => f.write_str("wrong PROXY protocol checksum"),
            Self::Truncated => f.write_str("connection ended within the PROXY protocol header"),
        }
    }
}

impl core::error::Error for ProxyHeaderError {}
