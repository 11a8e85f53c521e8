//! One socket from its start to its end.

use core::future::poll_fn;
use core::mem::MaybeUninit;
use core::net::IpAddr;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use std::io;
use std::sync::Arc;

use mtp_dc::Refused;
use mtp_session::LinkId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::shared::{Input, Shared, Turn};

/// Serves one socket until it ends; nothing one client does concerns another.
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
    // How it ended concerns nobody but the client, who knows.
    let _ = connection.run(bell).await;
}

/// A link of the data centre's for as long as its socket is served, even if its task is dropped.
pub(super) struct Link {
    id: LinkId,
    shared: Arc<Shared>,
}

impl Link {
    /// Asks the data centre to take a socket on.
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

/// What became of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// Some came, and what is to be said to them has been fetched.
    In,
    /// The output stands otherwise than before.
    Out,
    /// The client sends nothing any more.
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn run(&mut self, bell: &Notify) -> io::Result<()> {
        let shared = &self.link.shared;
        let mut gate = Gate { kept: shared.progress.subscribe(), known: 0 };
        let mut alarm = pin!(sleep_until(self.deadlines.earliest()));
        loop {
            if self.turn.closed || shared.is_stopping() {
                return self.finish(&mut gate.kept).await;
            }
            // Most deadlines never come: the alarm goes off for the earliest of old and asks again.
            let earliest = self.deadlines.earliest();
            if earliest < alarm.deadline() {
                alarm.as_mut().reset(earliest);
            }
            let may_leave = gate.is_open(self.turn.gate);
            tokio::select! {
                moved = poll_fn(|cx| self.poll_move(cx, may_leave)) => {
                    if moved? == Moved::End {
                        // Half-closed is closed: clients that end have got their answers.
                        return self.finish(&mut gate.kept).await;
                    }
                }
                () = bell.notified() => self.take_turn(Input::Nothing),
                _ = gate.kept.changed(), if !may_leave => {}
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

    /// Gives the link what came, and takes what is to go if nothing is left of the last.
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

    /// Writes and reads what is possible at once; what a packet brought and what answers it come and go in one
    /// call after the other, with one turn between them.
    fn poll_move(&mut self, cx: &mut Context<'_>, may_leave: bool) -> Poll<io::Result<Moved>> {
        while may_leave && self.poll_write(cx)?.is_ready() {}
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

    /// Writes what is left within the time allowed, once it may leave.
    async fn finish(&mut self, kept: &mut watch::Receiver<u64>) -> io::Result<()> {
        let linger = self.link.shared.options.linger;
        let write = async {
            loop {
                self.take_turn(Input::Nothing);
                if self.is_written() {
                    return poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await;
                }
                let gate = self.turn.gate;
                if kept.wait_for(|kept| *kept >= gate).await.is_err() {
                    return Ok(());
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

/// How far the store is, as far as this link has to know.
#[derive(Debug)]
struct Gate {
    kept: watch::Receiver<u64>,
    /// The latest that was seen: asking again costs a lock that all links share.
    known: u64,
}

impl Gate {
    /// Reports whether bytes may leave that wait for the change of keys with this number.
    fn is_open(&mut self, number: u64) -> bool {
        if number > self.known {
            self.known = *self.kept.borrow_and_update();
        }
        number <= self.known
    }
}

/// Bytes read at once.
const READ_LEN: usize = 16 * 1024;

/// Bytes of a written buffer that are kept for the next.
const OUT_KEPT: usize = 4 * 1024;
