//! One client of a middle proxy: its connection to the data center.

use core::net::SocketAddr;
use std::io;
use std::sync::Arc;

use mtp_crypto::OsEntropy;
use mtp_env::Now;
use mtp_transport::framing::{Frame, FrameFlags, Framing};
use mtp_transport::link::{ClientLink, ClientLinkConfig, Stack};
use mtp_transport::middle_proxy::door::DoorClient;
use mtp_transport::proxy_protocol::ProxyHeader;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::lock;
use super::notice::MiddleServerNotice;
use super::server::{Link, write_all};
use crate::dial::connect;

/// Carries a client's packets to the data center and the answers back.
pub(super) async fn serve_client(link: Arc<Link>, client: DoorClient, wake: Arc<Notify>) {
    let options = &link.shared.options;
    let dialing = tokio::time::timeout(options.dial_timeout, connect(&options.data_center));
    let opened = dialing.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    match opened {
        Ok(stream) => {
            let mut backend = Backend::new(&link, client, stream);
            if let Err(error) = backend.carry(&wake).await {
                link.notice(MiddleServerNotice::Unreachable(&error));
            }
        }
        Err(error) => link.notice(MiddleServerNotice::Unreachable(&error)),
    }
    if link.has(client.connection) {
        link.forget(client.connection);
        lock(&link.door).close(client.connection);
        link.wake.notify_one();
    }
}

struct Backend<'a> {
    link: &'a Link,
    client: DoorClient,
    stream: TcpStream,
    center: ClientLink,
    output: Vec<u8>,
    written: usize,
}

impl<'a> Backend<'a> {
    fn new(link: &'a Link, client: DoorClient, stream: TcpStream) -> Self {
        let now = link.shared.clock.now();
        let config = ClientLinkConfig::new(Stack::Plain(Framing::Intermediate));
        let center = ClientLink::new(now, config, Box::new(OsEntropy::seeded()));
        Self { link, client, stream, center, output: Vec::new(), written: 0 }
    }

    async fn carry(&mut self, wake: &Notify) -> io::Result<()> {
        if let Some(version) = self.link.shared.options.proxy_protocol {
            let mut header = Vec::new();
            let (source, destination) = same_family(self.client.client, self.client.our);
            ProxyHeader::proxied(source, destination).encode(version, &mut header);
            write_all(&self.stream, &header).await?;
        }
        let connection = self.client.connection;
        loop {
            let now = self.link.shared.clock.now();
            self.take_packets(now);
            if !self.link.has(connection) && self.written == self.output.len() {
                return Ok(());
            }
            let (wants_input, has_output) =
                (lock(&self.link.door).wants_answers(), self.written < self.output.len());
            tokio::select! {
                ready = self.stream.readable(), if wants_input => {
                    ready?;
                    if !self.receive(now)? {
                        return Ok(());
                    }
                }
                ready = self.stream.writable(), if has_output => {
                    ready?;
                    let rest = self.output.get(self.written..).unwrap_or_default();
                    match self.stream.try_write(rest) {
                        Ok(len) => self.written = self.written.saturating_add(len),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error),
                    }
                }
                () = wake.notified() => {}
            }
        }
    }

    /// Frames the client's packets, as soon as the former ones are written.
    fn take_packets(&mut self, now: Now) {
        if self.written < self.output.len() {
            return;
        }
        self.output.clear();
        self.written = 0;
        while self.output.len() < OUTPUT_MAX {
            let packet = lock(&self.link.door).next_packet(self.client.connection);
            let Some((packet, quick_ack)) = packet else { break };
            // The door may have waited for room.
            self.link.wake.notify_one();
            let mark = self.center.begin(&mut self.output);
            self.output.extend_from_slice(&packet);
            // A packet that no framing carries would be no message either.
            let _ = self.center.finish(now, &mut self.output, mark, FrameFlags { quick_ack });
        }
    }

    /// Reads from the data center. Returns `false` if the connection is over.
    fn receive(&mut self, now: Now) -> io::Result<bool> {
        match self.stream.try_read(self.center.spare(READ_MIN)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
            Ok(0) => return Ok(false),
            Ok(len) => self.center.filled(len),
        }
        let connection = self.client.connection;
        loop {
            let frame = match self.center.next_frame(now) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => return Err(io::Error::other(error)),
            };
            let mut door = lock(&self.link.door);
            let sent = match frame {
                Frame::Packet { bytes, .. } => door.answer(connection, bytes),
                Frame::QuickAck(token) => door.quick_ack(connection, token.as_raw()),
                Frame::Error(code) => {
                    self.link.forget(connection);
                    door.error(connection, code)
                }
            };
            // Frames of one read may pass the limit of the queue; only the end of the link matters.
            if sent.is_err() {
                return Ok(false);
            }
        }
        self.link.wake.notify_one();
        Ok(true)
    }
}

/// Maps the IPv4 address of a mixed pair, because a header has one family.
fn same_family(source: SocketAddr, destination: SocketAddr) -> (SocketAddr, SocketAddr) {
    let mapped = |address: SocketAddr| match address {
        SocketAddr::V4(v4) => SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())),
        v6 @ SocketAddr::V6(_) => v6,
    };
    if source.is_ipv4() == destination.is_ipv4() {
        (source, destination)
    } else {
        (mapped(source), mapped(destination))
    }
}

/// Bytes for the data center that are framed at once.
const OUTPUT_MAX: usize = 256 * 1024;

/// Room for one read.
const READ_MIN: usize = 8 * 1024;
