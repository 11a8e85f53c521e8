//! A middle proxy's side of one link: requests opened into the packets of each client.
//!
//! ```text
//!  proxy ══ link ══▶ door ── Open, packets, Close ──▶ connections to the data center
//!                         ◀── answers, quick acks, ends ──
//! ```

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use mtp_env::{Deadline, Entropy, Now};

use super::hello::ProcessId;
use super::link::{
    LinkAddresses, MiddleLinkConfig, MiddleLinkError, MiddleSendError, MiddleServerLink,
};
use super::rpc::{ANSWER_ERROR, ConnectionId, MiddleMessage, Request, RequestFlags, without_tail};
use super::secret::MiddleSecret;
use crate::code::TransportCode;

/// Configuration of the doors of a middle proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MiddleDoorConfig {
    /// Configuration of each link.
    pub link: Arc<MiddleLinkConfig>,
    /// Clients of one link; 65,536 by default. Further ones are closed.
    // spec: proxy 4.6
    pub connections_max: usize,
    /// Bytes of one client that wait for the data center, above which the client is closed; 4 MiB by
    /// default.
    // spec: proxy 4.6
    pub connection_up_max: usize,
    /// Bytes of all clients of a link that wait for the data center, at which the link is not read;
    /// 64 MiB by default.
    pub up_total_max: usize,
    /// Ended clients whose late packets are recognized; 1024 by default.
    pub ended_max: usize,
}

impl Default for MiddleDoorConfig {
    fn default() -> Self {
        Self {
            link: Arc::default(),
            connections_max: 65_536,
            connection_up_max: 4 * 1024 * 1024,
            up_total_max: 64 * 1024 * 1024,
            ended_max: 1024,
        }
    }
}

/// What a proxy told about a client.
///
/// Nothing of it is proved beyond the secret that the proxy knows.
// spec: proxy 4.6
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DoorClient {
    /// The client on the link.
    pub connection: ConnectionId,
    /// The client's address.
    pub client: SocketAddr,
    /// The proxy's address that the client connected to.
    pub our: SocketAddr,
    /// The client's transport.
    pub flags: RequestFlags,
    /// The tag of the promoted channel.
    pub ad_tag: Option<[u8; 16]>,
}

/// Something that happened on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DoorEvent {
    /// A client came: connect it to the data center.
    Open(DoorClient),
    /// A client has packets: call [`next_packet`](MiddleDoor::next_packet) until it returns `None`.
    Ready(ConnectionId),
    /// A client is gone: close its connection to the data center.
    Close(ConnectionId),
    /// The link is over, and with it all its clients: close it when its output is written.
    End(MiddleLinkError),
}

/// One link of a middle proxy with its clients.
pub struct MiddleDoor {
    config: Arc<MiddleDoorConfig>,
    link: MiddleServerLink,
    connections: BTreeMap<ConnectionId, Connection>,
    events: VecDeque<DoorEvent>,
    up_total: usize,
    /// Clients that ended here. The proxy may not know it yet.
    ended: VecDeque<ConnectionId>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Connection {
    up: VecDeque<(Vec<u8>, bool)>,
    up_len: usize,
    is_announced: bool,
}

impl MiddleDoor {
    /// Returns the side of a link accepted at `now`.
    #[must_use]
    pub fn new(
        now: Now,
        config: Arc<MiddleDoorConfig>,
        secrets: Arc<[Arc<MiddleSecret>]>,
        addresses: LinkAddresses,
        process: ProcessId,
        entropy: Box<dyn Entropy + Send>,
    ) -> Self {
        let link = config.link.clone();
        let link = MiddleServerLink::new(now, link, secrets, addresses, process, entropy);
        Self {
            config,
            link,
            connections: BTreeMap::new(),
            events: VecDeque::new(),
            up_total: 0,
            ended: VecDeque::new(),
            is_over: false,
        }
    }

    /// Handles bytes from the proxy.
    pub fn handle_bytes(&mut self, now: Now, bytes: &[u8]) {
        self.link.handle_bytes(now, bytes);
        loop {
            let mut refused = None;
            match self.link.next_message(now) {
                Ok(None) => return,
                Ok(Some(MiddleMessage::Request(request))) => {
                    let connections = &mut self.connections;
                    let ended = self.ended.contains(&request.connection);
                    if ended && !connections.contains_key(&request.connection) {
                        continue;
                    }
                    let mut desk = Desk {
                        config: &self.config,
                        connections,
                        events: &mut self.events,
                        up_total: &mut self.up_total,
                    };
                    if !desk.receive(&request) {
                        refused = Some(request.connection);
                    }
                }
                Ok(Some(MiddleMessage::CloseConn(connection))) => {
                    if let Some(gone) = self.connections.remove(&connection) {
                        self.up_total = self.up_total.saturating_sub(gone.up_len);
                        self.events.push_back(DoorEvent::Close(connection));
                    }
                }
                Ok(Some(_)) => {}
                Err(error) => return self.finish(error),
            }
            if let Some(connection) = refused {
                if self.connections.contains_key(&connection) {
                    self.events.push_back(DoorEvent::Close(connection));
                }
                self.close(connection);
            }
        }
    }

    /// Handles the end of the proxy's stream.
    pub fn handle_eof(&mut self) {
        let error = self.link.handle_eof();
        self.finish(error);
    }

    /// Returns the next packet of a client, and whether the client requests a quick ack.
    #[must_use]
    pub fn next_packet(&mut self, connection: ConnectionId) -> Option<(Vec<u8>, bool)> {
        let entry = self.connections.get_mut(&connection)?;
        let Some((packet, quick_ack)) = entry.up.pop_front() else {
            entry.is_announced = false;
            return None;
        };
        let cost = packet.len().saturating_add(PACKET_COST);
        entry.up_len = entry.up_len.saturating_sub(cost);
        self.up_total = self.up_total.saturating_sub(cost);
        Some((packet, quick_ack))
    }

    /// Sends a packet of the data center to a client. A packet for a client that is gone is dropped.
    ///
    /// # Errors
    ///
    /// The link is over, its queue is full, or the packet does not fit a frame.
    // spec: proxy 4.6
    pub fn answer(
        &mut self,
        connection: ConnectionId,
        packet: &[u8],
    ) -> Result<(), MiddleSendError> {
        self.send(connection, &MiddleMessage::Answer { connection, flags: 0, packet })
    }

    /// Sends a quick ack to a client.
    ///
    /// # Errors
    ///
    /// The link is over.
    pub fn quick_ack(
        &mut self,
        connection: ConnectionId,
        token: u32,
    ) -> Result<(), MiddleSendError> {
        self.send(connection, &MiddleMessage::SimpleAck { connection, token })
    }

    /// Sends a transport error to a client, and closes it.
    ///
    /// # Errors
    ///
    /// The link is over, or its queue is full.
    // spec: proxy 4.6
    pub fn error(
        &mut self,
        connection: ConnectionId,
        code: TransportCode,
    ) -> Result<(), MiddleSendError> {
        let packet = &code.get().to_le_bytes();
        self.send(connection, &MiddleMessage::Answer { connection, flags: ANSWER_ERROR, packet })?;
        self.close(connection);
        Ok(())
    }

    /// Closes a client: the data center closed its connection, or could not be reached.
    pub fn close(&mut self, connection: ConnectionId) {
        if let Some(gone) = self.connections.remove(&connection) {
            self.up_total = self.up_total.saturating_sub(gone.up_len);
        }
        let _ = self.link.send(&MiddleMessage::CloseExt(connection));
        if self.ended.len() >= self.config.ended_max {
            self.ended.pop_front();
        }
        self.ended.push_back(connection);
    }

    /// Returns the next event. [`DoorEvent::End`] is the last one.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<DoorEvent> {
        self.events.pop_front()
    }

    /// Appends output for the proxy. Returns `true` if there was any.
    #[must_use]
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.link.poll_transmit(out)
    }

    /// Returns `true` if [`Self::poll_transmit`] has output.
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.link.has_output()
    }

    /// Returns `true` if the proxy's socket should be read.
    #[must_use]
    pub fn wants_bytes(&self) -> bool {
        let has_room = !self.link.is_ready() || self.link.wants_packets();
        self.link.ended().is_none() && has_room && self.up_total < self.config.up_total_max
    }

    /// Returns `true` if the connections to the data center should be read.
    #[must_use]
    pub fn wants_answers(&self) -> bool {
        self.link.wants_packets()
    }

    /// Returns the next deadline of [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.link.poll_timeout()
    }

    /// Handles a deadline.
    pub fn handle_timeout(&mut self, now: Now) {
        self.link.handle_timeout(now);
        if let Some(error) = self.link.ended() {
            self.finish(error);
        }
    }

    /// Returns the number of clients.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.connections.len()
    }

    fn send(
        &mut self,
        connection: ConnectionId,
        message: &MiddleMessage<'_>,
    ) -> Result<(), MiddleSendError> {
        if self.connections.contains_key(&connection) { self.link.send(message) } else { Ok(()) }
    }

    /// Ends all clients of a lost link.
    fn finish(&mut self, error: MiddleLinkError) {
        if !core::mem::replace(&mut self.is_over, true) {
            for connection in core::mem::take(&mut self.connections).into_keys() {
                self.events.push_back(DoorEvent::Close(connection));
            }
            self.up_total = 0;
            self.events.push_back(DoorEvent::End(error));
        }
    }
}

/// What a request changes; the link is borrowed by the request.
struct Desk<'a> {
    config: &'a MiddleDoorConfig,
    connections: &'a mut BTreeMap<ConnectionId, Connection>,
    events: &'a mut VecDeque<DoorEvent>,
    up_total: &'a mut usize,
}

impl Desk<'_> {
    /// Queues the packet of a request. `false` if the client has to be closed.
    // spec: proxy 4.6
    fn receive(&mut self, request: &Request<'_>) -> bool {
        let connection = request.connection;
        if !self.connections.contains_key(&connection) {
            if self.connections.len() >= self.config.connections_max {
                return false;
            }
            self.connections.insert(connection, Connection::default());
            self.events.push_back(DoorEvent::Open(DoorClient {
                connection,
                client: request.client,
                our: request.our,
                flags: request.flags.of_connection(),
                ad_tag: request.ad_tag,
            }));
        }
        let Some(entry) = self.connections.get_mut(&connection) else { return false };
        let packet = without_tail(request.packet);
        let cost = packet.len().saturating_add(PACKET_COST);
        if entry.up_len.saturating_add(cost) > self.config.connection_up_max {
            return false;
        }
        entry.up_len = entry.up_len.saturating_add(cost);
        *self.up_total = self.up_total.saturating_add(cost);
        entry.up.push_back((packet.to_vec(), request.flags.contains(RequestFlags::QUICK_ACK)));
        if !core::mem::replace(&mut entry.is_announced, true) {
            self.events.push_back(DoorEvent::Ready(connection));
        }
        true
    }
}

impl fmt::Debug for MiddleDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiddleDoor")
            .field("link", &self.link)
            .field("clients", &self.connections.len())
            .finish_non_exhaustive()
    }
}

/// Memory of a queued packet beyond its bytes.
const PACKET_COST: usize = 64;
