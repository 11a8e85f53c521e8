//! A pool and the middle proxies at the other ends of its links, in memory.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::Now;
use mtp_transport::middle_proxy::ProcessId;
use mtp_transport::middle_proxy::clusters::Clusters;
use mtp_transport::middle_proxy::door::{DoorClient, DoorEvent, MiddleDoor, MiddleDoorConfig};
use mtp_transport::middle_proxy::link::LinkAddresses;
use mtp_transport::middle_proxy::pool::{
    LinkLoss, MiddleClient, MiddlePool, MiddlePoolConfig, MiddleSetup, PoolAnswer, PoolClientId,
    PoolEvent, PoolLinkId,
};
use mtp_transport::middle_proxy::rpc::{ConnectionId, RequestFlags};
use mtp_transport::middle_proxy::secret::MiddleSecret;

use crate::pair::now;

pub(crate) const OUR: &str = "198.51.100.9:443";
pub(crate) const VISITOR: &str = "203.0.113.7:51000";

pub(crate) fn secret() -> Arc<MiddleSecret> {
    Arc::new(MiddleSecret::from_bytes(&[0x5a; 64]).unwrap())
}

pub(crate) fn setup(text: &str) -> MiddleSetup {
    MiddleSetup::new(Clusters::parse(text, 4096).unwrap(), secret())
}

pub(crate) const ONE: &str = "default 2; proxy_for 2 192.0.2.1:8888;";
pub(crate) const TWO: &str = "default 2; proxy_for 2 192.0.2.1:8888; proxy_for 2 192.0.2.2:8888;";

/// A pool and the middle proxies at the other ends of its links, without sockets.
pub(crate) struct Net {
    pub(crate) now: Now,
    pub(crate) pool: MiddlePool,
    pub(crate) doors: BTreeMap<PoolLinkId, (SocketAddr, MiddleDoor)>,
    pub(crate) door_config: Arc<MiddleDoorConfig>,
    /// Middle proxies that refuse connections.
    pub(crate) down: Vec<SocketAddr>,
    /// Middle proxies that accept connections and never answer.
    pub(crate) mute: Vec<SocketAddr>,
    pub(crate) opened: Vec<(PoolLinkId, DoorClient)>,
    pub(crate) packets: Vec<(ConnectionId, Vec<u8>, bool)>,
    pub(crate) closed: Vec<ConnectionId>,
    pub(crate) lost: Vec<(LinkLoss, usize)>,
    pub(crate) writable: Vec<PoolClientId>,
    pub(crate) connects: usize,
    pub(crate) piece: usize,
}

impl Net {
    pub(crate) fn new(config: MiddlePoolConfig, setup: MiddleSetup) -> Self {
        let process = ProcessId { number: 77, started: 1_700_000_000 };
        let entropy = Box::new(CtrEntropy::from_number(3));
        Self {
            now: now(),
            pool: MiddlePool::new(config, setup, process, entropy),
            doors: BTreeMap::new(),
            door_config: Arc::default(),
            down: Vec::new(),
            mute: Vec::new(),
            opened: Vec::new(),
            packets: Vec::new(),
            closed: Vec::new(),
            lost: Vec::new(),
            writable: Vec::new(),
            connects: 0,
            piece: usize::MAX,
        }
    }

    /// Moves bytes until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(event) = self.pool.poll_event() {
                moved = true;
                self.on_event(event);
            }
            for link in self.doors.keys().copied().collect::<Vec<_>>() {
                let mut down = Vec::new();
                if let Some((_, door)) = self.doors.get_mut(&link)
                    && door.poll_transmit(&mut down)
                {
                    moved = true;
                    for piece in down.chunks(self.piece) {
                        self.pool.handle_link_bytes(self.now, link, piece);
                    }
                }
                self.poll_door(link);
            }
            if !moved {
                return;
            }
        }
    }

    pub(crate) fn on_event(&mut self, event: PoolEvent) {
        match event {
            PoolEvent::Connect { link, address, .. } => {
                self.connects += 1;
                if self.down.contains(&address) {
                    return self.pool.handle_link_failed(self.now, link);
                }
                let proxy = SocketAddr::from(([198, 51, 100, 9], 40_000));
                let addresses = LinkAddresses { proxy, middle: address };
                if !self.mute.contains(&address) {
                    let process = ProcessId { number: 5, started: 9 };
                    let door = MiddleDoor::new(
                        self.now,
                        self.door_config.clone(),
                        Arc::from([secret()]),
                        addresses,
                        process,
                        Box::new(CtrEntropy::from_number(link.as_raw())),
                    );
                    self.doors.insert(link, (address, door));
                }
                self.pool.handle_link_connected(self.now, link, addresses);
            }
            PoolEvent::LinkReady(link) => {
                let mut up = Vec::new();
                let _ = self.pool.poll_link_transmit(link, &mut up);
                if let Some((_, door)) = self.doors.get_mut(&link) {
                    for piece in up.chunks(self.piece) {
                        door.handle_bytes(self.now, piece);
                    }
                }
                self.poll_door(link);
            }
            PoolEvent::LinkDown { link, loss, clients, .. } => {
                self.doors.remove(&link);
                self.lost.push((loss, clients));
            }
            PoolEvent::ClientWritable(client) => self.writable.push(client),
            PoolEvent::ClientReady(_) | PoolEvent::LinkUp { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn poll_door(&mut self, link: PoolLinkId) {
        let Some((_, door)) = self.doors.get_mut(&link) else { return };
        while let Some(event) = door.poll_event() {
            match event {
                DoorEvent::Open(client) => self.opened.push((link, client)),
                DoorEvent::Ready(connection) => {
                    while let Some((packet, quick_ack)) = door.next_packet(connection) {
                        self.packets.push((connection, packet, quick_ack));
                    }
                }
                DoorEvent::Close(connection) => self.closed.push(connection),
                DoorEvent::End(error) => panic!("{error}"),
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn open(&mut self) -> PoolClientId {
        self.pool.open(self.now, DcId::new(2), visitor()).unwrap()
    }

    /// Sends a packet, and checks that it arrives. Returns the connection.
    #[track_caller]
    pub(crate) fn deliver(
        &mut self,
        client: PoolClientId,
        packet: &[u8],
    ) -> (PoolLinkId, ConnectionId) {
        self.pool.handle_client_packet(self.now, client, packet, false).unwrap();
        self.settle();
        let (connection, found, _) = self.packets.pop().unwrap();
        assert_eq!(found, packet);
        let owner = self.opened.iter().rev().find(|(_, it)| it.connection == connection);
        (owner.unwrap().0, connection)
    }

    pub(crate) fn door(&mut self, link: PoolLinkId) -> &mut MiddleDoor {
        &mut self.doors.get_mut(&link).unwrap().1
    }

    pub(crate) fn answers(&mut self, client: PoolClientId) -> Vec<PoolAnswer> {
        std::iter::from_fn(|| self.pool.next_answer(client)).collect()
    }

    /// Advances the clock to the next deadline.
    pub(crate) fn pass(&mut self) {
        let deadline = self.pool.poll_timeout().unwrap();
        self.now = self.now.after(deadline.at.saturating_since(self.now.mono));
        self.pool.handle_timeout(self.now);
        self.settle();
    }

    pub(crate) fn cut(&mut self, link: PoolLinkId) {
        self.doors.remove(&link);
        self.pool.handle_link_eof(self.now, link);
        self.settle();
    }
}

pub(crate) fn visitor() -> MiddleClient {
    let mut visitor = MiddleClient::new(
        VISITOR.parse().unwrap(),
        OUR.parse().unwrap(),
        RequestFlags::INTERMEDIATE | RequestFlags::PADDED,
    );
    visitor.ad_tag = Some([7; 16]);
    visitor
}

/// An encrypted packet of 24 + 16 n bytes.
pub(crate) fn packet(n: usize) -> Vec<u8> {
    (0..24 + 16 * n).map(|at| u8::try_from(at % 251).unwrap() | 1).collect()
}
