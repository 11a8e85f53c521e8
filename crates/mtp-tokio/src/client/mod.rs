//! A client of one data centre: a handle to a task that owns the socket.

mod driver;

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use mtp_session::Established;
use mtp_session::client::ClientConfig;
use mtp_session::session::{CallError, RequestOptions, SendError};
use mtp_tl::{Decode, DecodeError, Function};
use mtp_transport::link::Stack;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::driver::Driver;

/// Where and how a client connects.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientOptions {
    /// The data centre's or the proxy's address.
    pub address: SocketAddr,
    /// What is spoken on the way.
    pub stack: Stack,
    /// The client machine: data centre, server keys, secrecy, limits.
    pub client: ClientConfig,
    /// The permanent key of an earlier run.
    pub permanent: Option<Established>,
    /// How long opening a socket may take. Default 10 s.
    pub connect_timeout: Duration,
    /// The pause before the first reconnection, doubled by each failure in a row. Default 200 ms.
    pub retry_pause: Duration,
    /// The longest such pause. Default 30 s.
    pub retry_pause_max: Duration,
}

impl ClientOptions {
    /// Joins the parts with the default times.
    pub const fn new(address: SocketAddr, stack: Stack, client: ClientConfig) -> Self {
        Self {
            address,
            stack,
            client,
            permanent: None,
            connect_timeout: Duration::from_secs(10),
            retry_pause: Duration::from_millis(200),
            retry_pause_max: Duration::from_secs(30),
        }
    }
}

/// What a client's task tells besides answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A socket is open.
    Connected,
    /// The socket is gone, or could not be opened; another will be tried after a pause.
    Disconnected {
        /// What happened.
        reason: String,
        /// How long until the next try.
        retry_in: Duration,
    },
    /// A key was made. A permanent one carries the login: store it.
    KeyCreated(Established),
    /// There is a key, bound if it is temporary: calls flow.
    Ready,
    /// The server does not know the permanent key any more, or somebody wants us to think so.
    PermanentKeyLost {
        /// The server said so under a key that it proved to have.
        authenticated: bool,
    },
    /// A key exchange failed and will be tried again.
    ExchangeFailed(String),
    /// An update: a boxed API object.
    Update(Vec<u8>),
    /// Updates may have been lost: fetch the difference.
    UpdatesLost,
}

/// Notices in their order.
pub type Notices = mpsc::UnboundedReceiver<Notice>;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvokeError {
    /// The server answered with an error.
    Rpc {
        /// Like a status of HTTP.
        code: i32,
        /// Capitals, digits and underscores.
        message: String,
    },
    /// The session gave the call up.
    Failed(CallError),
    /// The call was not taken.
    Refused(SendError),
    /// The answer is not what the method returns.
    Undecodable(DecodeError),
    /// The client was closed.
    Closed,
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rpc { code, message } => write!(f, "the server answered {code} {message}"),
            Self::Failed(why) => write!(f, "no answer: {why}"),
            Self::Refused(why) => write!(f, "not sent: {why}"),
            Self::Undecodable(why) => write!(f, "the answer cannot be read: {why}"),
            Self::Closed => f.write_str("the client is closed"),
        }
    }
}

impl core::error::Error for InvokeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Refused(why) => Some(why),
            Self::Undecodable(why) => Some(why),
            Self::Rpc { .. } | Self::Closed => None,
        }
    }
}

/// What the handle asks of the task.
enum Command {
    Call { body: Vec<u8>, options: RequestOptions, answer: oneshot::Sender<Answer> },
    Ping { answer: oneshot::Sender<Duration> },
    Close,
}

type Answer = Result<Vec<u8>, InvokeError>;

/// A handle to a running client. Calls may be made from any task.
#[derive(Debug)]
pub struct Client {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

impl Client {
    /// Starts a client; it connects in the background and keeps itself connected.
    ///
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn start(options: ClientOptions) -> (Self, Notices) {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (notices, outbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(Driver::new(options, inbox, notices).run());
        (Self { commands, task }, outbox)
    }

    /// Makes a call and decodes its result.
    ///
    /// # Errors
    /// [`InvokeError`].
    pub async fn invoke<F, T>(&self, function: &F) -> Result<T, InvokeError>
    where
        F: for<'a> Function<Response<'a> = T>,
        T: for<'a> Decode<'a>,
    {
        let answer = self.invoke_raw(function.to_bytes(), RequestOptions::new()).await?;
        T::from_bytes(&answer).map_err(InvokeError::Undecodable)
    }

    /// Makes a call of these bytes and returns the result's.
    ///
    /// Dropping the future does not cancel the call.
    ///
    /// # Errors
    /// [`InvokeError`], all but [`InvokeError::Undecodable`].
    pub async fn invoke_raw(
        &self,
        body: Vec<u8>,
        options: RequestOptions,
    ) -> Result<Vec<u8>, InvokeError> {
        let (answer, wait) = oneshot::channel();
        let command = Command::Call { body, options, answer };
        self.commands.send(command).map_err(|_| InvokeError::Closed)?;
        wait.await.map_err(|_| InvokeError::Closed)?
    }

    /// Pings the server and returns how long its answer took.
    ///
    /// # Errors
    /// [`InvokeError::Closed`] if the client was closed before an answer came.
    pub async fn ping(&self) -> Result<Duration, InvokeError> {
        let (answer, wait) = oneshot::channel();
        self.commands.send(Command::Ping { answer }).map_err(|_| InvokeError::Closed)?;
        wait.await.map_err(|_| InvokeError::Closed)
    }

    /// Ends every call with [`InvokeError::Closed`], closes the socket and waits for the task.
    pub async fn close(self) {
        // A task that is gone already needs no command, and one that panicked has ended too.
        let _ = self.commands.send(Command::Close);
        let _ = self.task.await;
    }
}
