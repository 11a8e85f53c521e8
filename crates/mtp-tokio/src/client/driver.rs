//! The task that owns a client's socket.

use core::time::Duration;
use std::collections::HashMap;
use std::io;

use mtp_crypto::OsEntropy;
use mtp_proto::ClientConnection;
use mtp_session::client::{self, ClientEvent, Evidence};
use mtp_session::session::{Event, RequestId};
use mtp_transport::ClientLink;
use mtp_transport::link::ClientConfig as LinkConfig;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::{Answer, ClientOptions, Command, InvokeError, Notice};
use crate::clock::Clock;

/// Everything the task owns.
pub(super) struct Driver {
    options: ClientOptions,
    clock: Clock,
    connection: ClientConnection,
    commands: mpsc::UnboundedReceiver<Command>,
    notices: mpsc::UnboundedSender<Notice>,
    waiting: HashMap<RequestId, oneshot::Sender<Answer>>,
    pings: Vec<oneshot::Sender<Duration>>,
    /// Bytes to write; the first `written` are.
    out: Vec<u8>,
    written: usize,
}

/// Why a socket was left.
enum Left {
    /// The handle closed the client, or is gone.
    Closed,
    /// The socket failed or ended.
    Lost(String),
}

impl Driver {
    pub(super) fn new(
        options: ClientOptions,
        commands: mpsc::UnboundedReceiver<Command>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Self {
        let clock = Clock::start();
        let now = clock.now();
        let permanent = options.permanent.clone();
        let entropy = Box::new(OsEntropy::seeded());
        let machine = client::Client::new(options.client.clone(), now, permanent, entropy);
        let connection = ClientConnection::new(now, link(&options, now), machine);
        Self {
            options,
            clock,
            connection,
            commands,
            notices,
            waiting: HashMap::new(),
            pings: Vec::new(),
            out: Vec::new(),
            written: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let mut pause = self.options.retry_pause;
        loop {
            let reason = match self.connect().await {
                Some(Ok(stream)) => {
                    self.tell(Notice::Connected);
                    pause = self.options.retry_pause;
                    match self.serve(&stream).await {
                        Left::Closed => return,
                        Left::Lost(reason) => reason,
                    }
                }
                Some(Err(error)) => error.to_string(),
                None => return,
            };
            self.tell(Notice::Disconnected { reason, retry_in: pause });
            if !self.idle(pause).await {
                return;
            }
            pause = pause.saturating_mul(2).min(self.options.retry_pause_max);
            let now = self.clock.now();
            self.out.clear();
            self.written = 0;
            let fresh = link(&self.options, now);
            self.connection.reconnect(now, fresh);
        }
    }

    /// Opens a socket, taking commands meanwhile; `None` when the client is closed.
    async fn connect(&mut self) -> Option<io::Result<TcpStream>> {
        let address = self.options.address;
        let attempt =
            tokio::time::timeout(self.options.connect_timeout, TcpStream::connect(address));
        tokio::pin!(attempt);
        loop {
            tokio::select! {
                outcome = &mut attempt => {
                    let stream = match outcome {
                        Ok(stream) => stream,
                        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")),
                    };
                    return Some(stream.and_then(|stream| {
                        stream.set_nodelay(true)?;
                        Ok(stream)
                    }));
                }
                command = self.commands.recv() => {
                    if !self.obey(command) {
                        return None;
                    }
                }
            }
        }
    }

    /// Waits, taking commands meanwhile; `false` when the client is closed.
    async fn idle(&mut self, pause: Duration) -> bool {
        let end = tokio::time::sleep(pause);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return true,
                command = self.commands.recv() => {
                    if !self.obey(command) {
                        return false;
                    }
                }
            }
        }
    }

    /// Moves bytes until the socket is gone or the client closed.
    async fn serve(&mut self, stream: &TcpStream) -> Left {
        loop {
            self.drain_events();
            let now = self.clock.now();
            if self.out.len() == self.written {
                self.out.clear();
                self.written = 0;
                // Whether anything was appended shows in the buffer.
                let _ = self.connection.poll_transmit(now, &mut self.out);
            }
            if self.out.is_empty() && self.connection.is_closed() {
                return Left::Lost("the connection was closed".into());
            }
            let deadline = self.connection.poll_timeout();
            tokio::select! {
                ready = stream.readable() => {
                    if let Err(left) = ready.map_err(lost).and_then(|()| self.read(stream)) {
                        return left;
                    }
                }
                ready = stream.writable(), if self.out.len() > self.written => {
                    if let Err(left) = ready.map_err(lost).and_then(|()| self.write(stream)) {
                        return left;
                    }
                }
                command = self.commands.recv() => {
                    if !self.obey(command) {
                        return Left::Closed;
                    }
                }
                () = self.clock.wait(deadline) => {
                    let now = self.clock.now();
                    if let Err(why) = self.connection.handle_timeout(now) {
                        self.drain_events();
                        return Left::Lost(why.to_string());
                    }
                }
            }
        }
    }

    fn read(&mut self, stream: &TcpStream) -> Result<(), Left> {
        let room = self.connection.spare(READ_LEN);
        match stream.try_read(room) {
            Ok(0) => {
                let now = self.clock.now();
                let ended = self.connection.handle_eof(now);
                self.drain_events();
                Err(Left::Lost(match ended {
                    Ok(()) => "the other side closed the connection".into(),
                    Err(why) => why.to_string(),
                }))
            }
            Ok(len) => {
                let now = self.clock.now();
                // A refused packet ends the link only if the machine says so; a broken transport
                // always does, and shows as a closed connection.
                let outcome = self.connection.filled(now, len);
                match outcome {
                    Err(why) if self.connection.is_ending() => {
                        self.drain_events();
                        Err(Left::Lost(why.to_string()))
                    }
                    _ => Ok(()),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(lost(error)),
        }
    }

    fn write(&mut self, stream: &TcpStream) -> Result<(), Left> {
        match stream.try_write(self.out.get(self.written..).unwrap_or_default()) {
            Ok(len) => {
                self.written = self.written.saturating_add(len);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(lost(error)),
        }
    }

    /// Does what the handle asks; `false` when the client is to end.
    fn obey(&mut self, command: Option<Command>) -> bool {
        match command {
            Some(Command::Call { body, options, answer }) => {
                let now = self.clock.now();
                match self.connection.peer_mut().request(now, &body, options) {
                    Ok(request) => {
                        self.waiting.insert(request, answer);
                    }
                    Err(why) => {
                        // The caller may have gone; then nobody wants to know.
                        let _ = answer.send(Err(InvokeError::Refused(why)));
                    }
                }
                true
            }
            Some(Command::Ping { answer }) => {
                self.connection.peer_mut().ping();
                self.pings.push(answer);
                true
            }
            Some(Command::Close) | None => false,
        }
    }

    fn drain_events(&mut self) {
        while let Some(event) = self.connection.peer_mut().poll_event() {
            let notice = match event {
                ClientEvent::KeyCreated { established } => Notice::KeyCreated(established),
                ClientEvent::Ready => Notice::Ready,
                ClientEvent::PermanentKeyLost { evidence } => {
                    Notice::PermanentKeyLost { authenticated: evidence == Evidence::Authenticated }
                }
                ClientEvent::ExchangeFailed { error } => Notice::ExchangeFailed(error.to_string()),
                ClientEvent::Session(event) => {
                    let answered = match event {
                        Event::Result { request, body } => Some((request, Ok(body.to_vec()))),
                        Event::RpcError { request, error } => Some((
                            request,
                            Err(InvokeError::Rpc {
                                code: error.code(),
                                message: error.message().to_owned(),
                            }),
                        )),
                        Event::Failed { request, error } => {
                            Some((request, Err(InvokeError::Failed(error))))
                        }
                        _ => None,
                    };
                    if let Some((request, answer)) = answered {
                        if let Some(waiting) = self.waiting.remove(&request) {
                            // The caller may have gone; then nobody wants to know.
                            let _ = waiting.send(answer);
                        }
                        continue;
                    }
                    match event {
                        Event::Pong { round_trip, .. } => {
                            for waiting in self.pings.drain(..) {
                                // The caller may have gone; then nobody wants to know.
                                let _ = waiting.send(round_trip);
                            }
                            continue;
                        }
                        Event::Update { body } => Notice::Update(body.to_vec()),
                        Event::SessionCreated { .. } => Notice::UpdatesLost,
                        _ => continue,
                    }
                }
                _ => continue,
            };
            // Who does not listen to notices is not interested.
            let _ = self.notices.send(notice);
        }
    }

    fn tell(&self, notice: Notice) {
        let _ = self.notices.send(notice);
    }
}

fn link(options: &ClientOptions, now: mtp_env::Now) -> ClientLink {
    let config = LinkConfig::new(options.stack.clone());
    ClientLink::new(now, config, Box::new(OsEntropy::seeded()))
}

#[expect(clippy::needless_pass_by_value, reason = "it is used to map errors")]
fn lost(error: io::Error) -> Left {
    Left::Lost(error.to_string())
}

/// Bytes asked of the receive buffer at once.
const READ_LEN: usize = 16 * 1024;
