//! One link of a pool, with the clients on it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use mtp_env::{Deadline, Instant, Now};

use super::event::PoolClientId;
use crate::middle_proxy::link::MiddleClientLink;
use crate::middle_proxy::rpc::{ConnectionId, MiddleMessage};

/// A link and what the pool knows about it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) cluster: i16,
    pub(super) address: SocketAddr,
    pub(super) stage: Stage,
    pub(super) clients: BTreeMap<ConnectionId, PoolClientId>,
    /// The links of an earlier set-up take no new clients and close at this time.
    pub(super) drain_until: Option<Instant>,
    /// Bytes of each client queued since the link was drained last.
    pub(super) pressed: BTreeMap<PoolClientId, usize>,
    /// Clients that were refused a packet because the link's queue was full.
    pub(super) blocked: Vec<PoolClientId>,
    pub(super) is_announced: bool,
    pub(super) ready_since: Option<Instant>,
    next: u64,
    /// Unknown clients that were reported to the middle proxy.
    told: VecDeque<(ConnectionId, Instant)>,
}

#[derive(Debug)]
pub(super) enum Stage {
    Connecting { until: Instant },
    Open(Box<MiddleClientLink>),
}

impl Line {
    pub(super) const fn new(cluster: i16, address: SocketAddr, until: Instant, first: u64) -> Self {
        Self {
            cluster,
            address,
            stage: Stage::Connecting { until },
            clients: BTreeMap::new(),
            drain_until: None,
            pressed: BTreeMap::new(),
            blocked: Vec::new(),
            is_announced: false,
            ready_since: None,
            next: first,
            told: VecDeque::new(),
        }
    }

    pub(super) fn machine(&mut self) -> Option<&mut MiddleClientLink> {
        match &mut self.stage {
            Stage::Open(machine) => Some(machine),
            Stage::Connecting { .. } => None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        match &self.stage {
            Stage::Open(machine) => machine.is_ready(),
            Stage::Connecting { .. } => false,
        }
    }

    pub(super) fn wants_packets(&self) -> bool {
        match &self.stage {
            Stage::Open(machine) => machine.wants_packets(),
            Stage::Connecting { .. } => false,
        }
    }

    pub(super) fn pressure(&self, client: PoolClientId) -> usize {
        self.pressed.get(&client).copied().unwrap_or(0)
    }

    /// Gives a client a number that no other client of the link has or had.
    // spec: proxy 3.1
    pub(super) fn seat(&mut self, client: PoolClientId) -> ConnectionId {
        self.next = self.next.wrapping_add(1).max(1);
        let connection = ConnectionId::from_raw(self.next);
        self.clients.insert(connection, client);
        connection
    }

    /// Reports a client that is gone or unknown to the middle proxy.
    // spec: proxy 3.5
    pub(super) fn tell_gone(&mut self, connection: ConnectionId) {
        if let Some(machine) = self.machine() {
            let _ = machine.send(&MiddleMessage::CloseConn(connection));
        }
    }

    /// Answers a message for an unknown client, once a second for each.
    // spec: proxy 3.5
    pub(super) fn tell_unknown(&mut self, now: Now, connection: ConnectionId) {
        while self.told.front().is_some_and(|(_, at)| {
            now.mono.saturating_since(*at) >= TELL_INTERVAL || self.told.len() >= TOLD_MAX
        }) {
            self.told.pop_front();
        }
        if self.told.iter().all(|(told, _)| *told != connection) {
            self.told.push_back((connection, now.mono));
            self.tell_gone(connection);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        let own = match &self.stage {
            Stage::Connecting { until } => Some(Deadline::new(*until, "middle link connect")),
            Stage::Open(machine) => machine.poll_timeout(),
        };
        let drain = self.drain_until.map(|at| Deadline::new(at, "middle link drain"));
        Deadline::earliest(own, drain)
    }
}

/// Time between two answers about the same unknown client.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

/// Unknown clients that are remembered.
const TOLD_MAX: usize = 64;
