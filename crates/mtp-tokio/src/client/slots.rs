//! The sockets of a client: each is being opened, open, or about to be opened again.
//!
//! ```text
//!                 opened                       gone
//!  [Opening] ─────────────────▶ [Open] ─────────────────▶ [Pausing]
//!      │  ▲          refused, too slow                     ▲  │
//!      └──┼────────────────────────────────────────────────┘  │
//!         └──────────────────── pause over ───────────────────┘
//! ```

use core::future::Future;
use core::mem::MaybeUninit;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use mtp_crypto::OsEntropy;
use mtp_env::{Entropy as _, Now};
use mtp_proto::{ConnectionError, Links};
use mtp_session::link::LinkId;
use mtp_session::record::RecordedClient;
use mtp_transport::link::{ClientLink, ClientLinkConfig as LinkConfig, Stack};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, Timeout, sleep, timeout};

use super::{ClientOptions, Notice, Setback};

/// A socket that is being opened.
pub(super) type Opening<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// Opens sockets.
pub(super) type Opener<S> = Box<dyn FnMut() -> Opening<S> + Send>;

/// A client's links on its machine, recorded if that is wanted.
pub(super) type Hub = Links<ClientLink, RecordedClient>;

/// All sockets of a client.
pub(super) struct Slots<S> {
    each: Vec<Slot<S>>,
    opener: Opener<S>,
    stack: Stack,
    connect_timeout: Duration,
    retry_pause: Duration,
    retry_pause_max: Duration,
    open: usize,
    /// Nothing is sent until then.
    hold: Option<Pin<Box<Sleep>>>,
    /// What happened to them.
    pub(super) notices: Vec<Notice>,
}

struct Slot<S> {
    /// It only waits for updates, while the others carry calls.
    for_news: bool,
    state: State<S>,
    /// The next pause.
    pause: Duration,
}

enum State<S> {
    Opening(Pin<Box<Timeout<Opening<S>>>>),
    Open(Socket<S>),
    Pausing(Pin<Box<Sleep>>),
}

struct Socket<S> {
    stream: S,
    link: LinkId,
    /// Bytes to write; the first `written` are.
    out: Vec<u8>,
    written: usize,
    /// The stream keeps nothing back.
    flushed: bool,
    /// The server has sent something.
    heard: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Slots<S> {
    pub(super) fn new(options: &ClientOptions, opener: Opener<S>) -> Self {
        let mut slots = Self {
            each: Vec::new(),
            opener,
            stack: options.stack.clone(),
            connect_timeout: options.connect_timeout,
            retry_pause: options.retry_pause,
            retry_pause_max: options.retry_pause_max,
            open: 0,
            hold: None,
            notices: Vec::new(),
        };
        // Over HTTP a server only answers requests, so one request has to be open all the time.
        let for_news = usize::from(matches!(options.stack, Stack::Http(_)));
        for number in 0..options.connections.max(1).saturating_add(for_news) {
            let slot = Slot {
                for_news: number >= options.connections.max(1),
                state: State::Opening(slots.begin()),
                pause: options.retry_pause,
            };
            slots.each.push(slot);
        }
        slots
    }

    /// Sends nothing for a while. What is received is handled all the same.
    pub(super) fn hold(&mut self, pause: Duration) {
        self.hold = Some(Box::pin(sleep(pause)));
    }

    /// Moves every socket on as far as it goes; ready if that changed anything.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Now, hub: &mut Hub) -> Poll<()> {
        let mut moved = false;
        if let Some(hold) = &mut self.hold
            && hold.as_mut().poll(cx).is_ready()
        {
            self.hold = None;
            moved = true;
        }
        for at in 0..self.each.len() {
            moved |= self.poll_slot(at, cx, now, hub).is_ready();
        }
        if moved { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns `true` if everything is written.
    pub(super) fn is_written(&self) -> bool {
        self.each.iter().all(|slot| match &slot.state {
            State::Open(socket) => socket.is_written() && socket.flushed,
            State::Opening(_) | State::Pausing(_) => true,
        })
    }

    fn poll_slot(&mut self, at: usize, cx: &mut Context<'_>, now: Now, hub: &mut Hub) -> Poll<()> {
        let sends = self.hold.is_none();
        let Some(slot) = self.each.get_mut(at) else { return Poll::Pending };
        let setback = match &mut slot.state {
            State::Pausing(pause) => {
                ready!(pause.as_mut().poll(cx));
                let opening = self.begin();
                if let Some(slot) = self.each.get_mut(at) {
                    slot.state = State::Opening(opening);
                }
                return Poll::Ready(());
            }
            State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                Ok(Ok(stream)) => {
                    self.open(at, stream, now, hub);
                    return Poll::Ready(());
                }
                Ok(Err(error)) => Setback::NotConnected(Arc::new(error)),
                Err(_) => Setback::ConnectTimeout,
            },
            State::Open(socket) => match ready!(socket.poll(cx, now, hub, sends)) {
                Ok(()) => return Poll::Ready(()),
                Err(setback) => {
                    hub.remove(now, socket.link);
                    self.open = self.open.saturating_sub(1);
                    if socket.heard {
                        slot.pause = self.retry_pause;
                    }
                    setback
                }
            },
        };
        self.pause(at, setback);
        Poll::Ready(())
    }

    fn begin(&mut self) -> Pin<Box<Timeout<Opening<S>>>> {
        Box::pin(timeout(self.connect_timeout, (self.opener)()))
    }

    fn open(&mut self, at: usize, stream: S, now: Now, hub: &mut Hub) {
        let Some(slot) = self.each.get_mut(at) else { return };
        let config = LinkConfig::new(self.stack.clone());
        let wire = ClientLink::new(now, config, Box::new(OsEntropy::seeded()));
        let link =
            if slot.for_news { hub.accept_for_news(now, wire) } else { hub.accept(now, wire) };
        let socket =
            Socket { stream, link, out: Vec::new(), written: 0, flushed: true, heard: false };
        slot.state = State::Open(socket);
        self.open = self.open.saturating_add(1);
        if self.open == 1 {
            self.notices.push(Notice::Connected);
        }
    }

    /// Tries again after a pause that grows, and is never the same for many clients at once.
    fn pause(&mut self, at: usize, setback: Setback) {
        let Some(slot) = self.each.get_mut(at) else { return };
        let retry_in = slot.pause.mul_f64(1.0 - random_part() / 2.0);
        slot.pause = slot.pause.saturating_mul(2).min(self.retry_pause_max);
        slot.state = State::Pausing(Box::pin(sleep(retry_in)));
        if self.open == 0 {
            self.notices.push(Notice::Disconnected { reason: setback, retry_in });
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Writes and reads what is possible at once; ready if anything was, or with the end's reason.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Now,
        hub: &mut Hub,
        sends: bool,
    ) -> Poll<Result<(), Setback>> {
        if self.is_written() {
            self.written = 0;
            self.out.clear();
            self.out.shrink_to(BUFFER_KEPT);
            if sends {
                // Whether anything was appended shows in the buffer.
                let _ = hub.poll_transmit(now, self.link, &mut self.out);
            }
        }
        if self.out.is_empty() && hub.is_closed(self.link) {
            return Poll::Ready(Err(Setback::Closed));
        }
        let wrote = self.poll_write(cx).map_err(broken)?.is_ready();
        let read = if hub.client().wants_packets() {
            self.poll_read(cx, now, hub)?.is_ready()
        } else {
            false
        };
        if wrote || read { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn is_written(&self) -> bool {
        self.written >= self.out.len()
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wrote = false;
        while !self.is_written() {
            let rest = self.out.get(self.written..).unwrap_or_default();
            match Pin::new(&mut self.stream).poll_write(cx, rest)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(len) => self.written = self.written.saturating_add(len),
                Poll::Pending if wrote => break,
                Poll::Pending => return Poll::Pending,
            }
            (wrote, self.flushed) = (true, false);
        }
        if !self.flushed && Pin::new(&mut self.stream).poll_flush(cx)?.is_ready() {
            self.flushed = true;
        }
        if wrote { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        now: Now,
        hub: &mut Hub,
    ) -> Poll<Result<(), Setback>> {
        let is_long = hub.held(self.link) > READ_LEN;
        let read =
            if is_long { self.read_long(cx, now, hub) } else { self.read_short(cx, now, hub) };
        let Poll::Ready(read) = read else {
            // Ten thousand idle clients must not hold ten thousand buffers.
            if hub.held(self.link) > BUFFER_KEPT {
                hub.release(self.link);
            }
            return Poll::Pending;
        };
        let taken = match read {
            Err(error) => return Poll::Ready(Err(broken(error))),
            Ok(Some(taken)) => taken,
            Ok(None) => {
                let ended = hub.handle_eof(now, self.link);
                return Poll::Ready(Err(match ended {
                    Ok(()) => Setback::Closed,
                    Err(error) => Setback::Protocol(Arc::new(error)),
                }));
            }
        };
        self.heard = true;
        // A refused packet does not end every link.
        match taken {
            Err(error) if hub.is_ending(self.link) => {
                Poll::Ready(Err(Setback::Protocol(Arc::new(error))))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Reads into a buffer on the stack, which costs idle clients nothing and busy ones a short copy.
    fn read_short(
        &mut self,
        cx: &mut Context<'_>,
        now: Now,
        hub: &mut Hub,
    ) -> Poll<io::Result<Taken>> {
        let mut room = [MaybeUninit::uninit(); READ_LEN];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        let read = room.filled();
        let taken = (!read.is_empty()).then(|| hub.handle_bytes(now, self.link, read));
        Poll::Ready(Ok(taken))
    }

    /// Reads the rest of a long packet into its place.
    fn read_long(
        &mut self,
        cx: &mut Context<'_>,
        now: Now,
        hub: &mut Hub,
    ) -> Poll<io::Result<Taken>> {
        let Some(room) = hub.spare(self.link, LONG_READ_LEN) else { return Poll::Pending };
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        let len = room.filled().len();
        let taken = (len > 0).then(|| hub.filled(now, self.link, len));
        Poll::Ready(Ok(taken))
    }
}

fn broken(error: io::Error) -> Setback {
    Setback::Broken(Arc::new(error))
}

/// The machine's verdict on received bytes; none at their end.
type Taken = Option<Result<(), ConnectionError>>;

/// Draws a number from 0 to 1.
fn random_part() -> f64 {
    let mut bytes = [0; 4];
    OsEntropy.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// Bytes read at once, as long as no packet is longer.
const READ_LEN: usize = 16 * 1024;

/// Bytes of a long packet read at once.
const LONG_READ_LEN: usize = 64 * 1024;

/// Bytes of a buffer that an idle link keeps for what comes next, each way.
const BUFFER_KEPT: usize = 4 * 1024;
