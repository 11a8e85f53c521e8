//! **Experimental**: packets in UDP datagrams, in the format of [`mtp_transport::datagram`].
//!
//! ```text
//!   machine ─ intermediate frames ─▶ DatagramStream ─ one packet each ─▶ UdpSocket
//!           ◀─ intermediate frames ─                ◀─ one packet each ─
//! ```
//!
//! To the drivers a peer behind datagrams is a stream like any other, whose frames are sent one by one; so
//! the limits of streams hold here too. A lost datagram is lost: the session requests and repeats its messages
//! after seconds. Only queries of a key exchange, which no layer above repeats, are repeated here until they
//! are answered.
//!
//! A packet that does not fit one datagram is dropped. [`fit_server`] and [`fit_client`] make sessions send one
//! message in each packet; bodies above about [`BODY_LEN_MAX`] bytes do not fit even so: request small parts
//! of files.
//!
//! Source addresses can be forged: a server sends no more bytes to an address than came from there until it
//! has received a packet under a key. Clients pad their first packets for that.

mod frames;
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "only servers listen"))]
mod listener;
mod stream;

use mtp_session::client::ClientSessionConfig;
use mtp_session::server::ServerSessionConfig;

#[cfg(feature = "server")]
pub(crate) use self::listener::Datagrams;
pub use self::stream::DatagramStream;

/// Makes a client's session send at most one message of content in each packet.
///
/// The server's sessions need [`fit_server`]. [`Client::start_datagram`](crate::Client::start_datagram) does
/// this itself.
pub const fn fit_client(session: &mut ClientSessionConfig) {
    session.container_bytes = 1;
}

/// Makes a server's sessions, including those over streams, send at most one message of content in each
/// packet.
pub const fn fit_server(session: &mut ServerSessionConfig) {
    session.container_bytes = 1;
}

/// Bytes of a body that fit a datagram together with the session's own messages.
pub const BODY_LEN_MAX: usize = 1_080;
