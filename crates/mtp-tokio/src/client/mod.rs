//! A client of one data centre: a handle to a task that owns the sockets.
//!
//! Calls made together leave together. A call whose future is dropped is cancelled, and the server is
//! told to forget its answer. What waits is bounded: calls in a queue, after which callers wait for room;
//! notices, after which updates are dropped for a mark; bytes by the session's own limits, after which
//! the sockets are not read.

mod driver;
mod error;
mod notice;
pub mod pool;
mod saved;
mod slots;

use core::future::Future;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io;

use mtp_session::Established;
use mtp_session::client::ClientConfig;
use mtp_session::session::RequestOptions;
use mtp_tl::Function;
use mtp_transport::Framing;
use mtp_transport::link::Stack;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::driver::Driver;
pub use self::error::InvokeError;
use self::notice::Outbox;
pub use self::notice::{Notice, Notices};
pub use self::saved::Saved;
use self::slots::Opener;
use crate::datagram::DatagramStream;
use crate::store::SharedStore;
use crate::trace::within;

/// Where and how a client connects.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct ClientOptions {
    /// The data centre's or the proxy's address.
    pub address: SocketAddr,
    /// What is spoken on the way.
    pub stack: Stack,
    /// The client machine: data centre, server keys, secrecy, limits. Arithmetic runs on blocking
    /// threads, whatever it says.
    pub client: ClientConfig,
    /// The permanent key of an earlier run.
    pub permanent: Option<Established>,
    /// Keeps the permanent key, and has it if `permanent` is none.
    pub store: Option<SharedStore>,
    /// What an earlier run returned at its end: keys and session; goes before all others.
    pub saved: Option<Saved>,
    /// Gets what is written down of the machine, in parts to be joined, if `client.record` asks for a
    /// [log](mtp_session::log). The log is as secret as the keys in it.
    pub log: Option<mpsc::UnboundedSender<Vec<u8>>>,
    /// Sockets at once; over HTTP one more waits for news. Default 1; transfers gain by up to 4.
    pub connections: usize,
    /// How long opening a socket may take. Default 10 s.
    pub connect_timeout: Duration,
    /// The pause before the first reconnection, doubled by each failure in a row, and up to a half of
    /// it cut off at random. Default 200 ms.
    pub retry_pause: Duration,
    /// The longest such pause. Default 30 s.
    pub retry_pause_max: Duration,
    /// The longest wait that a server may impose with `FLOOD_WAIT` before a call is repeated without
    /// asking. Default zero: the caller gets the error.
    pub flood_wait_max: Duration,
    /// Calls that wait to be taken by the task before callers wait. Default 64.
    pub calls_waiting_max: usize,
    /// Updates that wait to be taken before further ones are dropped. Default 1,024.
    pub updates_waiting_max: usize,
}

impl ClientOptions {
    /// Joins the parts with the default times and limits.
    pub const fn new(address: SocketAddr, stack: Stack, client: ClientConfig) -> Self {
        Self {
            address,
            stack,
            client,
            permanent: None,
            store: None,
            saved: None,
            log: None,
            connections: 1,
            connect_timeout: Duration::from_secs(10),
            retry_pause: Duration::from_millis(200),
            retry_pause_max: Duration::from_secs(30),
            flood_wait_max: Duration::ZERO,
            calls_waiting_max: 64,
            updates_waiting_max: 1_024,
        }
    }
}

/// A call on its way to the task.
struct Call {
    /// Names it for cancelling.
    number: u64,
    body: Vec<u8>,
    options: RequestOptions,
    answer: oneshot::Sender<Answer>,
}

/// What the handle asks of the task besides calls; it does not wait behind them.
enum Control {
    Cancel { number: u64 },
    Ping { answer: oneshot::Sender<Duration> },
    NewPermanentKey,
    TryAgain,
    SetOnline(bool),
    Finish,
    Close,
}

type Answer = Result<Vec<u8>, InvokeError>;

/// A handle to a running client. Calls may be made from any task.
///
/// Dropping it closes the client.
#[derive(Debug)]
pub struct Client {
    /// Boxed: the channel has room for some tens, of which most are empty most of the time.
    calls: mpsc::Sender<Box<Call>>,
    controls: mpsc::UnboundedSender<Control>,
    next_call: AtomicU64,
    flood_wait_max: Duration,
    task: JoinHandle<Saved>,
}

impl Client {
    /// Starts a client; it connects in the background and keeps itself connected.
    ///
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn start(options: ClientOptions) -> (Self, Notices) {
        let address = options.address;
        Self::start_through(options, move || async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }

    /// **Experimental**: starts a client that sends [datagrams](crate::datagram).
    ///
    /// The options' stack is not used, and their sessions are made to fit. Must be called within a tokio
    /// runtime.
    #[must_use]
    pub fn start_datagram(mut options: ClientOptions) -> (Self, Notices) {
        options.stack = Stack::Plain(Framing::Intermediate);
        crate::datagram::fit(&mut options.client.session);
        let address = options.address;
        Self::start_through(options, move || DatagramStream::connect(address))
    }

    /// Starts a client on streams of the embedder's: through TLS, a SOCKS proxy, a pipe.
    ///
    /// `open` is called for every connection and reconnection; the address in the options is not used.
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn start_through<O, F, S>(options: ClientOptions, mut open: O) -> (Self, Notices)
    where
        O: FnMut() -> F + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (calls, waiting) = mpsc::channel(options.calls_waiting_max.max(1));
        let (controls, orders) = mpsc::unbounded_channel();
        let (outbox, notices) = Outbox::new(options.updates_waiting_max);
        let flood_wait_max = options.flood_wait_max;
        let opener: Opener<S> = Box::new(move || Box::pin(open()));
        let dc = options.client.dc.as_i32();
        // What a future owns by value it has room for in several of its states.
        let options = Box::new(options);
        let running =
            async move { Driver::new(options, opener, waiting, orders, outbox).await.run().await };
        let task = tokio::spawn(within!(running, "client", dc = %dc));
        let next_call = AtomicU64::new(0);
        (Self { calls, controls, next_call, flood_wait_max, task }, notices)
    }

    /// Makes a call and decodes its result.
    ///
    /// # Errors
    /// [`InvokeError`].
    pub async fn invoke<F: Function>(&self, function: &F) -> Result<F::Answer, InvokeError> {
        let answer = self.invoke_raw(function.to_bytes(), RequestOptions::new()).await?;
        F::decode_answer(&answer).map_err(InvokeError::Undecodable)
    }

    /// Makes a call of these bytes and returns the result's.
    ///
    /// Dropping the future cancels the call: the server is told to forget the answer, though it may
    /// have run the call.
    ///
    /// # Errors
    /// [`InvokeError`], all but [`InvokeError::Undecodable`].
    pub async fn invoke_raw(
        &self,
        mut body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        loop {
            let again = (!self.flood_wait_max.is_zero()).then(|| body.clone());
            let outcome = self.call(body, options).await;
            let wait = outcome.as_ref().err().and_then(InvokeError::flood_wait);
            match (wait.filter(|wait| *wait <= self.flood_wait_max), again) {
                (Some(wait), Some(again)) => {
                    tokio::time::sleep(wait).await;
                    body = again;
                }
                _ => return outcome,
            }
        }
    }

    /// Pings the server and returns how long its answer took.
    ///
    /// # Errors
    /// [`InvokeError::Closed`] if the client was closed before an answer came.
    pub async fn ping(&self) -> Result<Duration, InvokeError> {
        let (answer, wait) = oneshot::channel();
        self.controls.send(Control::Ping { answer }).map_err(|_| InvokeError::Closed)?;
        wait.await.map_err(|_| InvokeError::Closed)
    }

    /// Gives the permanent key up, after [`Notice::PermanentKeyLost`] or a log-out, and makes another.
    pub fn new_permanent_key(&self) {
        self.control(Control::NewPermanentKey);
    }

    /// Goes on with the permanent key after [`Notice::PermanentKeyLost`].
    pub fn try_again(&self) {
        self.control(Control::TryAgain);
    }

    /// Tells that somebody waits: links are watched closely, as while calls are out.
    pub fn set_online(&self, online: bool) {
        self.control(Control::SetOnline(online));
    }

    /// Takes no more calls, waits until those that are open are answered, then closes the sockets.
    ///
    /// That may take as long as the server likes: put a time limit around it, and what is dropped then
    /// is [closed](Self::close).
    pub async fn finish(self) -> Option<Saved> {
        self.control(Control::Finish);
        self.end().await
    }

    /// Ends every call with [`InvokeError::Closed`], closes the sockets and waits for the task.
    ///
    /// Returns keys and session for [`ClientOptions::saved`] of a later run; none if the task panicked.
    pub async fn close(self) -> Option<Saved> {
        self.control(Control::Close);
        self.end().await
    }

    async fn end(self) -> Option<Saved> {
        let Self { calls, controls, task, .. } = self;
        let saved = task.await.ok();
        drop((calls, controls));
        saved
    }

    async fn call(&self, body: Vec<u8>, options: RequestOptions) -> Answer {
        let (answer, wait) = oneshot::channel();
        // The number only has to be new.
        let number = self.next_call.fetch_add(1, Ordering::Relaxed);
        let call = Box::new(Call { number, body, options, answer });
        self.calls.send(call).await.map_err(|_| InvokeError::Closed)?;
        let mut pending = Pending { number, wait: Some(wait), controls: &self.controls };
        let outcome = match &mut pending.wait {
            Some(wait) => wait.await,
            None => return Err(InvokeError::Closed),
        };
        pending.wait = None;
        outcome.map_err(|_| InvokeError::Closed)?
    }

    fn control(&self, control: Control) {
        // A task that has ended needs no orders.
        let _ = self.controls.send(control);
    }
}

/// A call that is cancelled when nobody waits for it any more.
struct Pending<'a> {
    number: u64,
    /// None once it is over.
    wait: Option<oneshot::Receiver<Answer>>,
    controls: &'a mpsc::UnboundedSender<Control>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(wait) = self.wait.take() {
            // First of all, so that a call which has not been taken yet is seen to be over.
            drop(wait);
            // A task that has ended has no calls.
            let _ = self.controls.send(Control::Cancel { number: self.number });
        }
    }
}
