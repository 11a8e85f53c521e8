//! Where a server's streams come from.

use core::future::{Future, pending};
use core::net::SocketAddr;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Where a server's streams come from: a socket that listens, or anything else that has streams to give.
///
/// A receiver of a channel is one too: for streams that somebody else accepts.
pub trait Listener: Send {
    /// A stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next stream, and says which address is to answer for it.
    ///
    /// A future that is dropped has taken no stream.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, address) = Self::accept(self).await?;
        // Without it small answers wait for acknowledgements of earlier ones; a socket that refuses the
        // option works all the same.
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
            // Nobody has any more.
            None => pending().await,
        }
    }
}
