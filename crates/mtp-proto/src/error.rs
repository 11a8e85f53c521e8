//! Errors of connections.

use core::error::Error;
use core::fmt;

use mtp_session::client::ClientPacketError;
use mtp_session::server::ServerPacketError;
use mtp_transport::link::LinkError;

/// A violation of the protocol by the peer, as the layer that found it reports it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The transport rejected the bytes.
    Link(LinkError),
    /// The session or the key exchange rejected a server's packet.
    FromServer(ClientPacketError),
    /// The session or the key exchange rejected a client's packet.
    FromClient(ServerPacketError),
}

impl ConnectionError {
    fn inner(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Link(why) => why,
            Self::FromServer(why) => why,
            Self::FromClient(why) => why,
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.inner(), f)
    }
}

impl Error for ConnectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.inner().source()
    }
}
