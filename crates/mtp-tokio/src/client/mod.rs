//! A client of one data centre: a handle to a task that owns the sockets.
//!
//! Calls made together leave together. A call whose future is dropped is canceled, and the server drops its
//! answer. Every queue is bounded: at the limit of calls, callers wait; at the limit of notices, updates are
//! dropped and one [`Notice::UpdatesLost`] takes their place; at the session's limits, sockets are not read.

mod driver;
mod error;
mod notice;
pub mod pool;
mod refusals;
mod saved;
mod setback;
mod slots;

use core::fmt;
use core::future::Future;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use mtp_session::client::{ClientConfig, RequestOptions};
use mtp_session::established::Established;
use mtp_store::ClientStore;
use mtp_tl::Function;
#[cfg(feature = "datagram")]
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::driver::Driver;
pub use self::error::InvokeError;
use self::notice::Outbox;
pub use self::notice::{Notice, Notices};
pub use self::saved::Saved;
use self::setback::Status;
pub use self::setback::{RefusalCause, Setback};
use self::slots::Opener;
#[cfg(feature = "datagram")]
use crate::datagram::DatagramStream;
use crate::dial::{Destination, connect};
use crate::trace::within;

/// Options of a client.
#[derive(Clone)]
#[must_use]
#[non_exhaustive]
pub struct ClientOptions {
    /// The data center or the proxy.
    pub destination: Destination,
    /// The transport: framing, obfuscation, disguise.
    pub stack: Stack,
    /// The client machine: data center, server keys, secrecy, limits. Its arithmetic runs on blocking
    /// threads in any case.
    pub client: ClientConfig,
    /// The permanent key of an earlier run.
    pub permanent: Option<Established>,
    /// Keeps the permanent key, and provides it if `permanent` is none.
    pub store: Option<Arc<dyn ClientStore>>,
    /// Keys and session of an earlier run, as it returned them at its end. Takes precedence.
    pub saved: Option<Saved>,
    /// Records the client: see [`ClientLog`].
    pub log: Option<ClientLog>,
    /// Sockets at once; over HTTP one more waits for updates. Default 1; transfers gain by up to 4.
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
    /// Returns options with the default times and limits.
    pub fn new(destination: impl Into<Destination>, stack: Stack, client: ClientConfig) -> Self {
        Self {
            destination: destination.into(),
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

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("destination", &self.destination)
            .field("stack", &self.stack)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Where the [log](mtp_session::record) of a client goes. It is as secret as the keys in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientLog {
    /// Written at the log's beginning, for the program that replays it.
    pub note: Vec<u8>,
    /// Receives the log in parts, to be joined.
    pub parts: mpsc::UnboundedSender<Vec<u8>>,
}

impl ClientLog {
    /// Joins the parts.
    #[must_use]
    pub const fn new(note: Vec<u8>, parts: mpsc::UnboundedSender<Vec<u8>>) -> Self {
        Self { note, parts }
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

/// A request of the handle other than a call. It does not wait behind calls.
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
    status: watch::Receiver<Status>,
    task: JoinHandle<Saved>,
}

impl Client {
    /// Starts a client; it connects in the background and keeps itself connected.
    ///
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn start(options: ClientOptions) -> (Self, Notices) {
        let destination = options.destination.clone();
        Self::start_through(options, move || {
            let destination = destination.clone();
            async move { connect(&destination).await }
        })
    }

    /// **Experimental**: starts a client that sends [datagrams](crate::datagram).
    ///
    /// The options' stack is not used, and their sessions are made to fit. A name's addresses are used in
    /// turn, one for each socket. Must be called within a tokio runtime.
    #[cfg(feature = "datagram")]
    #[must_use]
    pub fn start_datagram(mut options: ClientOptions) -> (Self, Notices) {
        options.stack = Stack::Plain(Framing::Intermediate);
        crate::datagram::fit_client(&mut options.client.session);
        let destination = options.destination.clone();
        let mut sockets = 0_usize;
        Self::start_through(options, move || {
            let (destination, number) = (destination.clone(), sockets);
            sockets = sockets.wrapping_add(1);
            async move {
                // Nothing shows whether anybody receives there, so each address gets its turn.
                let addresses = destination.resolve().await?;
                let mut turns = addresses.iter().cycle().skip(number % addresses.len().max(1));
                let address = turns.next().ok_or(io::ErrorKind::NotFound)?;
                DatagramStream::connect(*address).await
            }
        })
    }

    /// Starts a client on streams of your own: through TLS, a SOCKS proxy, a pipe.
    ///
    /// `open` is called for every connection and reconnection; the options' destination is not used.
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
        // A future has room for what it owns by value in several of its states.
        let options = Box::new(options);
        let (status, watched) = watch::channel(Status::default());
        let running = async move {
            Driver::new(options, opener, waiting, orders, outbox, status).await.run().await
        };
        let task = tokio::spawn(within!(running, "client", dc = %dc));
        let next_call = AtomicU64::new(0);
        (Self { calls, controls, next_call, flood_wait_max, status: watched, task }, notices)
    }

    /// Waits until calls flow: there is a connection and a key, bound if it is temporary.
    ///
    /// The client goes on through setbacks for as long as that makes sense, so put a time limit around it;
    /// [`setback`](Self::setback) then returns the latest. Calls need not wait for this.
    ///
    /// # Errors
    /// A [`Setback`] that [is final](Setback::is_final), or the last one before the task ended.
    pub async fn ready(&self) -> Result<(), Setback> {
        let mut status = self.status.clone();
        let settled = status.wait_for(|status| {
            status.ready || status.setback.as_ref().is_some_and(Setback::is_final)
        });
        let status = settled.await.map(|status| status.clone()).unwrap_or_default();
        if status.ready { Ok(()) } else { Err(self.setback().unwrap_or(Setback::Closed)) }
    }

    /// Returns the latest setback since calls last began to flow.
    #[must_use]
    pub fn setback(&self) -> Option<Setback> {
        self.status.borrow().setback.clone()
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
    /// Dropping the future cancels the call: the server drops its answer, though it may have run the call.
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

    /// Gives up the permanent key, after [`Notice::PermanentKeyLost`] or a logout, and creates another.
    pub fn new_permanent_key(&self) {
        self.control(Control::NewPermanentKey);
    }

    /// Continues with the permanent key after [`Notice::PermanentKeyLost`].
    pub fn try_again(&self) {
        self.control(Control::TryAgain);
    }

    /// Sets whether a user waits: if so, links are watched closely, as while calls are in flight.
    pub fn set_online(&self, online: bool) {
        self.control(Control::SetOnline(online));
    }

    /// Takes no more calls, waits for the answers of open ones, then closes the sockets.
    ///
    /// The server decides how long that takes: put a time limit around it. A dropped future closes the
    /// client as [`close`](Self::close) does.
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

/// A call that is canceled when its future is dropped.
struct Pending<'a> {
    number: u64,
    /// None once it is over.
    wait: Option<oneshot::Receiver<Answer>>,
    controls: &'a mpsc::UnboundedSender<Control>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(wait) = self.wait.take() {
            // First, so that a call which has not been taken yet is seen to be over.
            drop(wait);
            // A task that has ended has no calls.
            let _ = self.controls.send(Control::Cancel { number: self.number });
        }
    }
}
