//! Sources of a server's streams.

use core::future::{Future, pending};
use core::net::SocketAddr;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A source of streams for a server: a listening socket, or anything else.
///
/// The receiver of a channel is one, for streams that are accepted elsewhere.
pub trait Listener: Send {
    /// A stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next stream, and returns it with the address that its limits are counted for.
    ///
    /// A dropped future has taken no stream.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = Self::accept(self).await?;
        // As `dial::connect` does for the other side.
        let _ = stream.set_nodelay(true);
        Ok((stream, address))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Listener
    for mpsc::Receiver<(S, SocketAddr)>
{
    type Stream = S;

    async fn accept(&mut self) -> io::Result<(S, SocketAddr)> {
        match self.recv().await {
            Some(accepted) => Ok(accepted),
            // Every sender is gone.
            None => pending().await,
        }
    }
}
