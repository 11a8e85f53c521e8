//! The listener of a server, optionally behind load balancers that speak the PROXY protocol.
//!
//! A balancer's header can claim any address, so it is accepted from trusted networks only and mandatory
//! there. What follows it belongs to the client.

use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::Arc;

use mtp_tokio::Listener;
use mtp_transport::proxy_protocol::{HEADER_TIMEOUT, ProxyHeader, ProxyHeaderDecoder};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Journal;

/// Accepts streams, and reads the headers of balancers if there are any.
pub(super) struct Door {
    listener: TcpListener,
    journal: Arc<Journal>,
    /// Connections are a balancer's.
    behind_balancer: bool,
    /// Connections whose header is being read; `None` for those that are refused.
    pending: JoinSet<Option<(Stream, SocketAddr)>>,
}

impl Door {
    /// Listens on an address.
    pub(super) fn bind(
        address: SocketAddr,
        behind_balancer: bool,
        journal: Arc<Journal>,
    ) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restarted server must find its port free. On Windows the option means something else.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        Ok(Self { listener, journal, behind_balancer, pending: JoinSet::new() })
    }

    /// Returns the address that was bound.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Reads the header of a connection, if its peer is trusted.
    fn read_header(&mut self, stream: TcpStream, peer: SocketAddr) {
        let journal = self.journal.clone();
        if !journal.settings.trusts(peer.ip()) {
            journal.refusal(|| format!("connection from {peer} refused: not a trusted network"));
            return;
        }
        self.pending.spawn(async move {
            match timeout(HEADER_TIMEOUT, header(stream, peer)).await {
                Ok(Ok(accepted)) => accepted,
                Ok(Err(error)) => {
                    journal.refusal(|| format!("connection from {peer} refused: {error:#}"));
                    None
                }
                Err(_) => {
                    journal.refusal(|| {
                        format!("connection from {peer} refused: no PROXY protocol header in time")
                    });
                    None
                }
            }
        });
    }
}

impl Listener for Door {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        loop {
            tokio::select! {
                Some(read) = self.pending.join_next() => {
                    if let Ok(Some(accepted)) = read {
                        return Ok(accepted);
                    }
                }
                accepted = self.listener.accept(), if self.pending.len() < HEADERS_PENDING_MAX => {
                    let (stream, peer) = accepted?;
                    // Without it small answers wait for acknowledgments of earlier ones. A socket that refuses
                    // the option works all the same.
                    let _ = stream.set_nodelay(true);
                    if !self.behind_balancer {
                        return Ok((Stream { stream, first: Vec::new() }, peer));
                    }
                    self.read_header(stream, peer);
                }
            }
        }
    }
}

/// Reads a header; none for a balancer's own connection, such as a health check.
async fn header(
    mut stream: TcpStream,
    peer: SocketAddr,
) -> anyhow::Result<Option<(Stream, SocketAddr)>> {
    let mut decoder = ProxyHeaderDecoder::new();
    let mut is_first = true;
    loop {
        let mut room = [0; READ_LEN];
        let len = stream.read(&mut room).await?;
        if len == 0 && is_first {
            // A health check may connect and close without sending anything.
            return Ok(None);
        }
        if len == 0 {
            decoder.handle_eof()?;
        }
        is_first = false;
        let read = room.get(..len).unwrap_or_default();
        let (header_len, Some(header)) = decoder.handle_bytes(read)? else { continue };
        if header == ProxyHeader::Local {
            return Ok(None);
        }
        let first = read.get(header_len..).unwrap_or_default().to_vec();
        return Ok(Some((Stream { stream, first }, header.source().unwrap_or(peer))));
    }
}

/// A socket, and the bytes that were read behind a header.
pub(super) struct Stream {
    stream: TcpStream,
    first: Vec<u8>,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, room);
        }
        let len = self.first.len().min(room.remaining());
        room.put_slice(self.first.get(..len).unwrap_or_default());
        self.first.drain(..len);
        if self.first.is_empty() {
            self.first = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Bytes read at once: a usual header with the client's first packet.
const READ_LEN: usize = 1024;

/// Connections whose headers are read at once.
pub(super) const HEADERS_PENDING_MAX: usize = 256;

/// Connections that wait to be accepted; the system lowers it to its own limit.
const BACKLOG: u32 = 1 << 16;
