//! Why a connection ended.

use core::fmt;

use mtp_session::client::ClientPacketError;
use mtp_session::server::ServerPacketError;
use mtp_transport::link::LinkError;

/// Why a connection cannot go on. It is closed: further input is ignored, output can be drained.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The bytes were not what the transport allows.
    Link(LinkError),
    /// A server's packet was not what the session or the key exchange allows.
    FromServer(ClientPacketError),
    /// A client's packet was not what the session or the key exchange allows.
    FromClient(ServerPacketError),
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(why) => write!(f, "transport: {why}"),
            Self::FromServer(why) => write!(f, "packet: {why}"),
            Self::FromClient(why) => write!(f, "packet: {why}"),
        }
    }
}

impl core::error::Error for ConnectionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(match self {
            Self::Link(why) => why,
            Self::FromServer(why) => why,
            Self::FromClient(why) => why,
        })
    }
}
