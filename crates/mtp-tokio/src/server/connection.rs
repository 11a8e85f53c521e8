//! One socket from its start to its end.

use core::future::poll_fn;
use core::mem::MaybeUninit;
use core::net::IpAddr;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use std::io;
use std::sync::Arc;

use mtp_server::Refused;
use mtp_session::link::LinkId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::shared::{Input, Shared, Turn};

/// Serves one socket until it ends. Nothing that one client does affects another.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    link: &Link,
    bell: &Notify,
) {
    let mut connection = Connection {
        stream,
        link,
        out: Vec::new(),
        written: 0,
        flushed: true,
        turn: link.shared.turn(link.id, Input::Nothing, &mut Vec::new()),
        deadlines: Deadlines {
            idle: Instant::now() + link.shared.options.idle_timeout,
            write: None,
        },
    };
    // The client knows how it ended.
    let _ = connection.run(bell).await;
}

/// A link of the endpoint for as long as its socket is served, even if its task is dropped.
pub(super) struct Link {
    id: LinkId,
    shared: Arc<Shared>,
}

impl Link {
    /// Adds a socket to the endpoint.
    pub(super) fn accept(
        shared: &Arc<Shared>,
        address: IpAddr,
        bell: Arc<Notify>,
    ) -> Result<Self, Refused> {
        Ok(Self { id: shared.accept(address, bell)?, shared: shared.clone() })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.remove(self.id);
    }
}

struct Connection<'a, S> {
    stream: S,
    link: &'a Link,
    /// Bytes to write; the first `written` are.
    out: Vec<u8>,
    written: usize,
    /// The stream keeps nothing back.
    flushed: bool,
    turn: Turn,
    deadlines: Deadlines,
}

/// What happened to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// Some were received, and what answers them was fetched.
    In,
    /// The output changed.
    Out,
    /// The client will send no more.
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn run(&mut self, bell: &Notify) -> io::Result<()> {
        let shared = &self.link.shared;
        let mut alarm = pin!(sleep_until(self.deadlines.earliest()));
        loop {
            if self.turn.closed || shared.is_stopping() {
                return self.finish(bell).await;
            }
            // Most deadlines never come: the alarm rings for an earlier one and is set again.
            let earliest = self.deadlines.earliest();
            if earliest < alarm.deadline() {
                alarm.as_mut().reset(earliest);
            }
            tokio::select! {
                moved = poll_fn(|cx| self.poll_move(cx)) => {
                    if moved? == Moved::End {
                        // Half-closed is closed: a client that ends has its answers.
                        return self.finish(bell).await;
                    }
                }
                () = bell.notified() => self.take_turn(Input::Nothing),
                () = alarm.as_mut() => {
                    let earliest = self.deadlines.earliest();
                    if earliest <= Instant::now() {
                        return Ok(());
                    }
                    alarm.as_mut().reset(earliest);
                }
            }
        }
    }

    /// Gives the link what was received, and takes its output if the last is written.
    fn take_turn(&mut self, input: Input<'_>) {
        if self.is_written() {
            self.written = 0;
            self.out.clear();
            // Ten thousand idle clients must not hold ten thousand buffers.
            self.out.shrink_to(OUT_KEPT);
        }
        self.turn = self.link.shared.turn(self.link.id, input, &mut self.out);
    }

    fn is_written(&self) -> bool {
        self.written >= self.out.len()
    }

    /// Writes and reads what is possible at once: a packet is read and its answer written by one call after
    /// the other, with one turn between them.
    fn poll_move(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Moved>> {
        while self.poll_write(cx)?.is_ready() {}
        let waits = !self.is_written();
        if !waits && self.turn.again {
            self.take_turn(Input::Nothing);
            return Poll::Ready(Ok(Moved::Out));
        }
        if self.deadlines.write.is_some() != waits {
            let allowed = self.link.shared.options.write_timeout;
            self.deadlines.write = waits.then(|| Instant::now() + allowed);
            return Poll::Ready(Ok(Moved::Out));
        }
        if self.turn.wants_bytes { self.poll_read(cx) } else { Poll::Pending }
    }

    /// Pending also if there is nothing to write.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let rest = self.out.get(self.written..).unwrap_or_default();
        if !rest.is_empty() {
            let len = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if len == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written = self.written.saturating_add(len);
            self.flushed = false;
            return Poll::Ready(Ok(()));
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Pending
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Moved>> {
        // On the stack and not beside the socket, of which there are many.
        let mut room = [MaybeUninit::uninit(); READ_LEN];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        if room.filled().is_empty() {
            self.take_turn(Input::End);
            return Poll::Ready(Ok(Moved::End));
        }
        self.take_turn(Input::Bytes(room.filled()));
        self.deadlines.idle = Instant::now() + self.link.shared.options.idle_timeout;
        Poll::Ready(Ok(Moved::In))
    }

    /// Writes what is left within the time allowed, once the store lets it leave.
    async fn finish(&mut self, bell: &Notify) -> io::Result<()> {
        let linger = self.link.shared.options.linger;
        let write = async {
            loop {
                self.take_turn(Input::Nothing);
                if self.turn.held && self.is_written() {
                    bell.notified().await;
                    continue;
                }
                if self.is_written() {
                    return poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await;
                }
                while !self.is_written() {
                    poll_fn(|cx| self.poll_write(cx)).await?;
                }
            }
        };
        timeout(linger, write).await.unwrap_or(Ok(()))
    }
}

/// When a socket is closed.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    /// Something must have been received.
    idle: Instant,
    /// The output that waits must be written.
    write: Option<Instant>,
}

impl Deadlines {
    fn earliest(&self) -> Instant {
        self.write.map_or(self.idle, |write| write.min(self.idle))
    }
}

/// Bytes read at once.
const READ_LEN: usize = 16 * 1024;

/// Bytes of a written buffer that are kept for the next.
const OUT_KEPT: usize = 4 * 1024;
