//! A page of counters behind HTTP.

use core::future::Future;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Answers `GET /metrics` with a page that is rendered for each request.
#[derive(Debug)]
pub struct Exporter {
    listener: TcpListener,
}

impl Exporter {
    /// Binds a listener.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// Returns the address that was bound, with the port the system chose.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `shutdown` completes.
    ///
    /// `render` is the `render` of `ServerMetrics` or `ProxyMetrics`, or both, concatenated.
    pub async fn run(
        self,
        render: impl Fn() -> String + Send + Sync + 'static,
        shutdown: impl Future<Output = ()>,
    ) {
        let render = Arc::new(render);
        let mut visits = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                Some(_) = visits.join_next() => {}
                accepted = self.listener.accept(), if visits.len() < VISITS_MAX => match accepted {
                    Ok((stream, _)) => {
                        let render = render.clone();
                        visits.spawn(async move {
                            // A malformed or slow request gets no answer.
                            let _ = timeout(VISIT_TIME, answer(stream, &*render)).await;
                        });
                    }
                    // Out of descriptors, or hung up early: counters can wait.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
            }
        }
    }
}

async fn answer(mut stream: TcpStream, render: &(impl Fn() -> String + Sync)) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let len = stream.read(&mut bytes).await?;
        request.extend_from_slice(bytes.get(..len).unwrap_or_default());
        if len == 0 || request.len() > REQUEST_LEN_MAX {
            return Ok(());
        }
    }
    let mut words = request.split(u8::is_ascii_whitespace);
    let (status, body) = match (words.next(), words.next()) {
        (Some(b"GET"), Some(b"/metrics")) => ("200 OK", render()),
        (Some(b"GET"), _) => ("404 Not Found", "see /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// The pause before accepting again when the process was out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Visitors answered at once.
const VISITS_MAX: usize = 16;

/// How long a visit may take.
const VISIT_TIME: Duration = Duration::from_secs(5);

/// Bytes that a request may have.
const REQUEST_LEN_MAX: usize = 8 * 1024;
