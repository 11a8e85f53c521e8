//! A peer behind datagrams, as a stream.

use core::future::Future as _;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use mtp_transport::datagram::DATAGRAM_LEN_MAX;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};

use super::frames::{Cutter, Side, append, is_encrypted, is_query, preface};
use super::listener::Guests;

/// A peer behind datagrams, as a stream of intermediate frames.
///
/// A client's link uses [plain intermediate framing](mtp_transport::framing::Framing::Intermediate) on it;
/// `Client::start_datagram` sets that up.
#[derive(Debug)]
pub struct DatagramStream {
    carrier: Carrier,
    cutter: Cutter,
    /// Datagrams to send.
    queue: VecDeque<Vec<u8>>,
    /// Frames to read; the first `taken` bytes are.
    frames: Vec<u8>,
    taken: usize,
    repetition: Option<Repetition>,
}

#[derive(Debug)]
enum Carrier {
    /// A socket of our own.
    Client(UdpSocket),
    /// One address of a socket that many share.
    Server(Guest),
}

/// One address among those that send to a server.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) socket: Arc<UdpSocket>,
    pub(super) address: SocketAddr,
    pub(super) inbox: mpsc::Receiver<Vec<u8>>,
    pub(super) guests: Guests,
    pub(super) budget: Budget,
}

/// Bytes that may be sent to an address, which may be forged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Budget {
    /// As many bytes as came from there.
    Bytes(usize),
    /// The server has answered under a key, so the peer there has it.
    Unlimited,
}

/// A query of a key exchange without an answer so far.
#[derive(Debug)]
struct Repetition {
    datagram: Vec<u8>,
    alarm: Pin<Box<Sleep>>,
}

impl DatagramStream {
    /// Opens a socket for a client of a server at this address.
    ///
    /// # Errors
    /// The system has no socket, or no way there.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let unspecified: SocketAddr =
            if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(unspecified).await?;
        socket.connect(address).await?;
        Ok(Self::new(Side::Client, Carrier::Client(socket)))
    }

    pub(super) fn accepted(guest: Guest) -> Self {
        Self::new(Side::Server, Carrier::Server(guest))
    }

    fn new(side: Side, carrier: Carrier) -> Self {
        Self {
            carrier,
            cutter: Cutter::new(side),
            queue: VecDeque::new(),
            frames: preface(side).to_vec(),
            taken: 0,
            repetition: None,
        }
    }

    /// Receives datagrams until one of them has something to read.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.taken >= self.frames.len() {
            self.taken = 0;
            self.frames.clear();
            match &mut self.carrier {
                Carrier::Client(socket) => {
                    let mut room = [0; DATAGRAM_LEN_MAX + 1];
                    let mut room = ReadBuf::new(&mut room);
                    ready!(socket.poll_recv(cx, &mut room))?;
                    // Any datagram shows that the server is there.
                    self.repetition = None;
                    append(Side::Client, room.filled(), &mut self.frames);
                }
                Carrier::Server(guest) => {
                    let Some(datagram) = ready!(guest.inbox.poll_recv(cx)) else {
                        return Poll::Ready(Ok(()));
                    };
                    if let Budget::Bytes(bytes) = &mut guest.budget {
                        *bytes = bytes.saturating_add(datagram.len());
                    }
                    append(Side::Server, &datagram, &mut self.frames);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the queue.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(datagram) = self.queue.front() {
            match &mut self.carrier {
                Carrier::Client(socket) => {
                    ready!(socket.poll_send(cx, datagram))?;
                    if is_query(datagram) {
                        let alarm = Box::pin(sleep(REPEAT_AFTER));
                        self.repetition = Some(Repetition { datagram: datagram.clone(), alarm });
                    }
                }
                Carrier::Server(guest) => guest.send(datagram),
            }
            self.queue.pop_front();
        }
        Poll::Ready(Ok(()))
    }

    /// Repeats a query that has no answer.
    fn poll_repeat(&mut self, cx: &mut Context<'_>) {
        while let Some(Repetition { datagram, alarm }) = &mut self.repetition
            && alarm.as_mut().poll(cx).is_ready()
        {
            alarm.as_mut().reset(Instant::now() + REPEAT_AFTER);
            if let Carrier::Client(socket) = &self.carrier {
                // It is repeated in any case.
                let _ = socket.try_send(datagram);
            }
        }
    }
}

impl Guest {
    /// Sends a datagram within the budget. What the system does not take at once is lost, as on the network.
    fn send(&mut self, datagram: &[u8]) {
        if is_encrypted(datagram) {
            // The server writes under a key only to peers that have it.
            self.budget = Budget::Unlimited;
        }
        if let Budget::Bytes(bytes) = &mut self.budget {
            let Some(left) = bytes.checked_sub(datagram.len()) else { return };
            *bytes = left;
        }
        let _ = self.socket.try_send_to(datagram, self.address);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.forget(self.address);
    }
}

impl AsyncRead for DatagramStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_repeat(cx);
        ready!(self.poll_receive(cx))?;
        let unread = self.frames.get(self.taken..).unwrap_or_default();
        let now = unread.get(..room.remaining().min(unread.len())).unwrap_or_default();
        room.put_slice(now);
        self.taken = self.taken.saturating_add(now.len());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for DatagramStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let this = &mut *self;
        this.cutter.put(bytes);
        this.queue.extend(core::iter::from_fn(|| this.cutter.next()));
        // What cannot be sent now is sent before anything else.
        let _ = this.poll_send(cx)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// After so long without an answer a query of a key exchange is sent again.
const REPEAT_AFTER: Duration = Duration::from_secs(1);
