//! Listening with room for those who wait to be accepted.

use core::net::SocketAddr;
use std::io;

use tokio::net::{TcpListener, TcpSocket};

/// Listens on an address.
///
/// The queue is as long as the system lets it be. Where it is full, Linux answers with SYN cookies and may
/// drop the last step of a connection: a client that says nothing first then waits for a server that
/// has never heard of it.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As everywhere on Unix: a restarted server finds its port free. Elsewhere it would mean another thing.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}

/// Connections that wait to be accepted; the system lowers it to its own limit.
const WAITING_MAX: u32 = 1 << 16;
