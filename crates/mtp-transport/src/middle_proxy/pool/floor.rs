//! The clients of a pool: what waits for each of them.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use mtp_crypto::DcId;
use mtp_env::Instant;

use super::config::{MiddleClient, MiddlePoolConfig};
use super::event::{PoolAnswer, PoolClientEnd, PoolClientId, PoolEvent, PoolLinkId};
use crate::middle_proxy::rpc::ConnectionId;

/// All clients.
#[derive(Debug, Default)]
pub(super) struct Floor {
    clients: BTreeMap<PoolClientId, Guest>,
    pub(super) events: VecDeque<PoolEvent>,
    /// Bytes that wait for all clients.
    down_total: usize,
    /// Clients whose packets wait, by their deadline.
    holds: BTreeSet<(Instant, PoolClientId)>,
    last: u64,
}

/// One client.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct Guest {
    pub(super) dc: DcId,
    pub(super) cluster: i16,
    pub(super) facts: MiddleClient,
    pub(super) seat: Seat,
    /// A packet was sent and nothing has come back.
    pub(super) unanswered: bool,
    /// The client was refused a packet.
    pub(super) is_blocked: bool,
    down: VecDeque<PoolAnswer>,
    down_len: usize,
    is_announced: bool,
    has_ended: bool,
}

/// Where a client's packets go.
#[derive(Debug)]
pub(super) enum Seat {
    /// They wait for a link, until the deadline of the first one.
    Waiting {
        packets: VecDeque<(Vec<u8>, bool)>,
        len: usize,
        until: Option<Instant>,
    },
    Bound {
        link: PoolLinkId,
        connection: ConnectionId,
    },
}

impl Seat {
    pub(super) const fn waiting() -> Self {
        Self::Waiting { packets: VecDeque::new(), len: 0, until: None }
    }
}

impl Floor {
    pub(super) fn open(&mut self, dc: DcId, cluster: i16, facts: MiddleClient) -> PoolClientId {
        self.last = self.last.saturating_add(1);
        let id = PoolClientId(self.last);
        let guest = Guest {
            dc,
            cluster,
            facts,
            seat: Seat::waiting(),
            unanswered: false,
            is_blocked: false,
            down: VecDeque::new(),
            down_len: 0,
            is_announced: false,
            has_ended: false,
        };
        self.clients.insert(id, guest);
        id
    }

    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    pub(super) const fn down_total(&self) -> usize {
        self.down_total
    }

    /// Returns a client that has not ended.
    pub(super) fn get(&self, id: PoolClientId) -> Option<&Guest> {
        self.clients.get(&id).filter(|guest| !guest.has_ended)
    }

    /// Returns a client that has not ended.
    pub(super) fn get_mut(&mut self, id: PoolClientId) -> Option<&mut Guest> {
        self.clients.get_mut(&id).filter(|guest| !guest.has_ended)
    }

    /// Returns the clients that have not ended.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PoolClientId, &Guest)> {
        self.clients.iter().map(|(id, guest)| (*id, guest)).filter(|(_, guest)| !guest.has_ended)
    }

    /// Keeps a packet of a client without a link.
    pub(super) fn hold(
        &mut self,
        id: PoolClientId,
        packet: &[u8],
        quick_ack: bool,
        limit: Instant,
    ) {
        let Some(guest) = self.clients.get_mut(&id) else { return };
        if let Seat::Waiting { packets, len, until } = &mut guest.seat {
            packets.push_back((packet.to_vec(), quick_ack));
            *len = len.saturating_add(packet.len());
            let until = *until.get_or_insert(limit);
            self.holds.insert((until, id));
        }
    }

    /// Returns the client whose packets wait longest.
    pub(super) fn next_hold(&self) -> Option<(Instant, PoolClientId)> {
        self.holds.first().copied()
    }

    /// Moves a client, and returns where it was.
    pub(super) fn set_seat(&mut self, id: PoolClientId, seat: Seat) -> Option<Seat> {
        let guest = self.clients.get_mut(&id)?;
        let former = core::mem::replace(&mut guest.seat, seat);
        if let Seat::Waiting { until: Some(until), .. } = former {
            self.holds.remove(&(until, id));
        }
        Some(former)
    }

    /// Queues a packet for a client. `false` if too much waits for it.
    pub(super) fn answer(
        &mut self,
        id: PoolClientId,
        packet: &[u8],
        config: &MiddlePoolConfig,
    ) -> bool {
        let Some(guest) = self.get_mut(id) else { return true };
        guest.unanswered = false;
        if packet.is_empty() {
            return true;
        }
        let fits = guest.down_len.saturating_add(packet.len()) <= config.client_down_max;
        fits && self.push(id, PoolAnswer::Packet(packet.to_vec()), config)
    }

    pub(super) fn quick_ack(
        &mut self,
        id: PoolClientId,
        token: u32,
        config: &MiddlePoolConfig,
    ) -> bool {
        self.push(id, PoolAnswer::QuickAck(token), config)
    }

    fn push(&mut self, id: PoolClientId, answer: PoolAnswer, config: &MiddlePoolConfig) -> bool {
        let Some(guest) = self.get_mut(id) else { return true };
        let cost = cost(&answer);
        // Short answers take memory as well.
        if guest.down.len() >= config.client_down_max / ANSWER_COST {
            return false;
        }
        guest.down_len = guest.down_len.saturating_add(cost);
        guest.down.push_back(answer);
        self.down_total = self.down_total.saturating_add(cost);
        self.announce(id);
        true
    }

    /// Ends a client behind what waits for it.
    pub(super) fn end(&mut self, id: PoolClientId, end: PoolClientEnd) {
        let Some(guest) = self.get_mut(id) else { return };
        guest.has_ended = true;
        guest.down.push_back(PoolAnswer::End(end));
        if end == PoolClientEnd::Overrun {
            // It gets nothing more: what waits for it is freed.
            let dropped = core::mem::take(&mut guest.down_len);
            guest.down.retain(|answer| matches!(answer, PoolAnswer::End(_)));
            self.down_total = self.down_total.saturating_sub(dropped);
        }
        self.set_seat(id, Seat::waiting());
        self.announce(id);
    }

    pub(super) fn remove(&mut self, id: PoolClientId) {
        self.set_seat(id, Seat::waiting());
        if let Some(guest) = self.clients.remove(&id) {
            self.down_total = self.down_total.saturating_sub(guest.down_len);
        }
    }

    /// Returns the next answer. The end of a client removes it.
    pub(super) fn next_answer(&mut self, id: PoolClientId) -> Option<PoolAnswer> {
        let guest = self.clients.get_mut(&id)?;
        let Some(answer) = guest.down.pop_front() else {
            guest.is_announced = false;
            guest.down.shrink_to(DOWN_KEPT);
            return None;
        };
        let cost = cost(&answer);
        guest.down_len = guest.down_len.saturating_sub(cost);
        self.down_total = self.down_total.saturating_sub(cost);
        if let PoolAnswer::End(_) = answer {
            self.clients.remove(&id);
        }
        Some(answer)
    }

    pub(super) fn let_write(&mut self, id: PoolClientId) {
        if let Some(guest) = self.get_mut(id)
            && core::mem::take(&mut guest.is_blocked)
        {
            self.events.push_back(PoolEvent::ClientWritable(id));
        }
    }

    fn announce(&mut self, id: PoolClientId) {
        if let Some(guest) = self.clients.get_mut(&id)
            && !core::mem::replace(&mut guest.is_announced, true)
        {
            self.events.push_back(PoolEvent::ClientReady(id));
        }
    }
}

fn cost(answer: &PoolAnswer) -> usize {
    match answer {
        PoolAnswer::Packet(packet) => packet.len(),
        PoolAnswer::QuickAck(_) | PoolAnswer::End(_) => 0,
    }
}

/// Memory of an answer without its packet, for the limit of their number.
const ANSWER_COST: usize = 64;

/// Room for answers that a client keeps.
const DOWN_KEPT: usize = 8;
