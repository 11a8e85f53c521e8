//! Many clients over few links: choice, back-off, failover, back-pressure.
//!
//! ```text
//!  client ─ packets ─▶ [Waiting] ── a link is ready ──▶ [Bound] ── answers ─▶ client
//!                        ▲    │                           │
//!                        │    └─ none in time ─▶ ended    │
//!                        └────── link lost, idle ─────────┴─ link lost, in flight ─▶ ended
//! ```
//!
//! A client stays on one link. A cluster has links only while it has clients. The driver owns the
//! sockets and acts on each [`PoolEvent`].
//!
//! | module | contents |
//! |---|---|
//! | `config` | limits, the set-up from the published files |
//! | `event` | requests to the driver, ends of clients and links |
//! | `floor` | the clients and what waits for them |
//! | `line` | one link with its clients |
//! | `targets` | the choice of a middle proxy, back-off |

mod config;
mod event;
mod floor;
mod line;
mod targets;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::{Deadline, Entropy, Instant, Now};

pub use config::{Families, MiddleClient, MiddlePoolConfig, MiddleSetup, OnLinkLost};
pub use event::{
    LinkLoss, PoolAnswer, PoolClientEnd, PoolClientId, PoolEvent, PoolLinkId, PoolOpenError,
    PoolPacketError,
};

use self::floor::{Floor, Seat};
use self::line::{Line, Stage};
use self::targets::{Choice, Targets};
use super::hello::ProcessId;
use super::link::{LinkAddresses, MiddleClientLink, MiddleLinkError};
use super::rpc::{MiddleMessage, Request, RequestFlags, check_forwardable, is_unencrypted};

/// The links of a proxy to middle proxies, and the clients on them.
pub struct MiddlePool {
    config: MiddlePoolConfig,
    setup: MiddleSetup,
    process: ProcessId,
    entropy: Box<dyn Entropy + Send>,
    links: BTreeMap<PoolLinkId, Line>,
    floor: Floor,
    clusters: BTreeMap<i16, Cluster>,
    last: u64,
}

/// A cluster that has, or had, clients.
#[derive(Debug, Default)]
struct Cluster {
    clients: usize,
    targets: Targets,
    retry_at: Option<Instant>,
}

impl MiddlePool {
    /// Returns a pool without links. They are opened when there are clients.
    #[must_use]
    pub fn new(
        config: MiddlePoolConfig,
        setup: MiddleSetup,
        process: ProcessId,
        entropy: Box<dyn Entropy + Send>,
    ) -> Self {
        Self {
            config,
            setup,
            process,
            entropy,
            links: BTreeMap::new(),
            floor: Floor::default(),
            clusters: BTreeMap::new(),
            last: 0,
        }
    }

    /// Accepts a client of a data center.
    ///
    /// # Errors
    ///
    /// No middle proxy serves the data center, or the pool is full.
    // spec: proxy 1.3
    pub fn open(
        &mut self,
        now: Now,
        dc: DcId,
        client: MiddleClient,
    ) -> Result<PoolClientId, PoolOpenError> {
        let cluster = self.setup.clusters.choose(dc).ok_or(PoolOpenError::NoCluster(dc))?;
        if self.floor.len() >= self.config.clients_max {
            return Err(PoolOpenError::Full);
        }
        let id = self.floor.open(dc, cluster, client);
        let entry = self.clusters.entry(cluster).or_default();
        entry.clients = entry.clients.saturating_add(1);
        self.keep_links(now, cluster);
        Ok(id)
    }

    /// Handles a client's packet, as the client framed it.
    ///
    /// # Errors
    ///
    /// The packet is not accepted. With [`PoolPacketError::Full`] nothing changes.
    // spec: proxy 3.1
    pub fn handle_client_packet(
        &mut self,
        now: Now,
        id: PoolClientId,
        packet: &[u8],
        quick_ack: bool,
    ) -> Result<(), PoolPacketError> {
        let packet = packet.get(..packet.len() & !3).unwrap_or(packet);
        if self.floor.get(id).is_none() {
            return Err(PoolPacketError::Ended);
        }
        if let Err(error) = check_forwardable(packet, self.config.packet_len_max) {
            self.leave(now, id);
            self.end(id, PoolClientEnd::NotForwardable(error));
            return Err(PoolPacketError::NotForwardable(error));
        }
        if !self.wants_packet(id) {
            self.block(id);
            return Err(PoolPacketError::Full);
        }
        if self.is_waiting(id) && !self.bind(now, id) {
            self.hold(now, id, packet, quick_ack);
        } else {
            self.send(id, packet, quick_ack);
        }
        Ok(())
    }

    /// Returns `true` if a client's next packet will be accepted: otherwise do not read the client.
    #[must_use]
    pub fn wants_packet(&self, id: PoolClientId) -> bool {
        let Some(guest) = self.floor.get(id) else { return false };
        match &guest.seat {
            Seat::Waiting { len, .. } => *len < self.config.client_up_max,
            Seat::Bound { link, .. } => self.links.get(link).is_some_and(|line| {
                line.wants_packets() && line.pressure(id) < self.config.client_up_max
            }),
        }
    }

    /// Requests [`PoolEvent::ClientWritable`] for a client whose packets are not wanted now.
    pub fn await_room(&mut self, id: PoolClientId) {
        if !self.wants_packet(id) {
            self.block(id);
        }
    }

    /// Handles the end of a client.
    // spec: proxy 3.5
    pub fn handle_client_gone(&mut self, now: Now, id: PoolClientId) {
        self.leave(now, id);
        if self.floor.get(id).is_some() {
            self.forget(id);
        }
        self.floor.remove(id);
    }

    /// Returns the next answer for a client. [`PoolAnswer::End`] is the last one.
    #[must_use]
    pub fn next_answer(&mut self, id: PoolClientId) -> Option<PoolAnswer> {
        self.floor.next_answer(id)
    }

    /// Handles the connection of a link. The addresses are those that the middle proxy sees.
    pub fn handle_link_connected(&mut self, now: Now, id: PoolLinkId, addresses: LinkAddresses) {
        let Some(line) = self.links.get_mut(&id) else { return };
        if let Stage::Connecting { .. } = line.stage {
            let mut seed = [0; 32];
            self.entropy.fill(&mut seed);
            let machine = MiddleClientLink::new(
                now,
                self.config.link.clone(),
                self.setup.secret.clone(),
                addresses,
                self.process,
                Box::new(CtrEntropy::new(seed)),
            );
            line.stage = Stage::Open(Box::new(machine));
            self.announce(id);
        }
    }

    /// Handles the failure to connect a link.
    pub fn handle_link_failed(&mut self, now: Now, id: PoolLinkId) {
        self.lose(now, id, LinkLoss::Unreachable);
    }

    /// Handles bytes from a middle proxy.
    pub fn handle_link_bytes(&mut self, now: Now, id: PoolLinkId, bytes: &[u8]) {
        let Some(line) = self.links.get_mut(&id) else { return };
        let was_ready = line.is_ready();
        if let Some(machine) = line.machine() {
            machine.handle_bytes(now, bytes);
        }
        match self.receive(now, id) {
            Err(error) => return self.lose(now, id, LinkLoss::Ended(error)),
            Ok(()) if !was_ready => self.on_ready(now, id),
            Ok(()) => {}
        }
        self.announce(id);
    }

    /// Handles the end of a link's stream.
    pub fn handle_link_eof(&mut self, now: Now, id: PoolLinkId) {
        let Some(line) = self.links.get_mut(&id) else { return };
        let loss = match line.machine() {
            Some(machine) => LinkLoss::Ended(machine.handle_eof()),
            None => LinkLoss::Unreachable,
        };
        self.lose(now, id, loss);
    }

    /// Returns `true` if a link should be read: not too much waits for all clients together.
    // spec: proxy 4.1
    #[must_use]
    pub fn wants_link_bytes(&self) -> bool {
        self.floor.down_total() < self.config.down_total_max
    }

    /// Appends output for a middle proxy. Returns `true` if there was any.
    #[must_use]
    pub fn poll_link_transmit(&mut self, id: PoolLinkId, out: &mut Vec<u8>) -> bool {
        let Some(line) = self.links.get_mut(&id) else { return false };
        line.is_announced = false;
        let any = line.machine().is_some_and(|machine| machine.poll_transmit(out));
        if any {
            line.pressed.clear();
            for client in core::mem::take(&mut line.blocked) {
                self.floor.let_write(client);
            }
        }
        any
    }

    /// Returns the next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<PoolEvent> {
        self.floor.events.pop_front()
    }

    /// Replaces the set-up. Links of the former one keep their clients for a while and take no new
    /// ones. Returns `false` if it is the same.
    // spec: proxy 4.4
    pub fn handle_setup(&mut self, now: Now, setup: MiddleSetup) -> bool {
        if self.setup.is_same(&setup) {
            return false;
        }
        self.setup = setup;
        let until = now.mono + self.config.drain_timeout;
        for line in self.links.values_mut() {
            line.drain_until.get_or_insert(until);
        }
        // A client without a link may have another cluster now.
        let waiting =
            self.floor.iter().filter(|(_, guest)| matches!(guest.seat, Seat::Waiting { .. }));
        let waiting: Vec<_> = waiting.map(|(id, guest)| (id, guest.dc, guest.cluster)).collect();
        for (id, dc, old) in waiting {
            match self.setup.clusters.choose(dc) {
                None => self.end(id, PoolClientEnd::NoCluster),
                Some(new) if new != old => self.move_cluster(id, old, new),
                Some(_) => {}
            }
        }
        for (cluster, entry) in &mut self.clusters {
            entry.targets.retain(self.setup.clusters.targets(*cluster));
        }
        self.close_drained(now);
        self.keep_all_links(now);
        true
    }

    /// Returns the next deadline of [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let links = self.links.values().filter_map(Line::poll_timeout);
        let retries = self.clusters.values().filter_map(|cluster| cluster.retry_at);
        let retries = retries.map(|at| Deadline::new(at, "middle link retry"));
        let hold = self.floor.next_hold().map(|(at, _)| Deadline::new(at, "client without link"));
        links.chain(retries).chain(hold).min_by_key(|deadline| deadline.at)
    }

    /// Handles a deadline.
    pub fn handle_timeout(&mut self, now: Now) {
        let mut lost = Vec::new();
        let mut ready = Vec::new();
        for (id, line) in &mut self.links {
            match &mut line.stage {
                Stage::Connecting { until } if *until <= now.mono => {
                    lost.push((*id, LinkLoss::ConnectTimeout));
                }
                Stage::Connecting { .. } => {}
                Stage::Open(machine) => {
                    machine.handle_timeout(now);
                    match machine.ended() {
                        Some(error) => lost.push((*id, LinkLoss::Ended(error))),
                        None if machine.has_output() => ready.push(*id),
                        None => {}
                    }
                }
            }
        }
        for (id, loss) in lost {
            self.lose(now, id, loss);
        }
        for id in ready {
            self.announce(id);
        }
        self.close_drained(now);
        while let Some((_, id)) = self.floor.next_hold().filter(|(at, _)| *at <= now.mono) {
            self.end(id, PoolClientEnd::NoLink);
        }
        self.keep_all_links(now);
    }

    /// Returns the set-up in use.
    #[must_use]
    pub const fn setup(&self) -> &MiddleSetup {
        &self.setup
    }

    /// Returns the number of clients, and of links that are ready.
    #[must_use]
    pub fn occupancy(&self) -> (usize, usize) {
        (self.floor.len(), self.links.values().filter(|line| line.is_ready()).count())
    }

    fn is_waiting(&self, id: PoolClientId) -> bool {
        self.floor.get(id).is_some_and(|guest| matches!(guest.seat, Seat::Waiting { .. }))
    }

    /// Gives a client the ready link with the fewest clients. `false` if there is none.
    // spec: proxy 4.1
    fn bind(&mut self, now: Now, id: PoolClientId) -> bool {
        let Some(cluster) = self.floor.get(id).map(|guest| guest.cluster) else { return false };
        let max = self.config.link_clients_max;
        let ready = self.links.iter_mut().filter(|(_, line)| {
            line.cluster == cluster
                && line.drain_until.is_none()
                && line.is_ready()
                && line.clients.len() < max
        });
        let Some((number, line)) = ready.min_by_key(|(_, line)| line.clients.len()) else {
            self.keep_links(now, cluster);
            return false;
        };
        let (number, connection) = (*number, line.seat(id));
        if let Some(Seat::Waiting { packets, .. }) =
            self.floor.set_seat(id, Seat::Bound { link: number, connection })
        {
            for (packet, quick_ack) in packets {
                self.send(id, &packet, quick_ack);
            }
        }
        self.floor.let_write(id);
        true
    }

    /// Keeps a packet until there is a link.
    // spec: proxy 4.3
    fn hold(&mut self, now: Now, id: PoolClientId, packet: &[u8], quick_ack: bool) {
        self.floor.hold(id, packet, quick_ack, now.mono + self.config.hold_timeout);
    }

    fn send(&mut self, id: PoolClientId, packet: &[u8], quick_ack: bool) {
        let Some(guest) = self.floor.get_mut(id) else { return };
        let Seat::Bound { link, connection } = guest.seat else { return };
        let Some(line) = self.links.get_mut(&link) else { return };
        let mut flags = guest.facts.flags;
        if is_unencrypted(packet) {
            flags = flags | RequestFlags::UNENCRYPTED;
        }
        if quick_ack {
            flags = flags | RequestFlags::QUICK_ACK;
        }
        let MiddleClient { client, our, ad_tag, .. } = guest.facts;
        let request = Request { flags, connection, client, our, ad_tag, http: None, packet };
        let message = MiddleMessage::Request(request);
        let sent = line.machine().map(|machine| machine.send(&message));
        // A held packet may find the queue full: it is lost, and with it the order.
        if sent != Some(Ok(())) {
            self.drop_client(id, PoolClientEnd::NoLink);
            return;
        }
        guest.unanswered = true;
        let pressed = line.pressed.entry(id).or_insert(0);
        *pressed = pressed.saturating_add(packet.len());
        self.announce(link);
    }

    /// Remembers to tell a client when it may send again.
    fn block(&mut self, id: PoolClientId) {
        let Some(guest) = self.floor.get_mut(id) else { return };
        if !core::mem::replace(&mut guest.is_blocked, true)
            && let Seat::Bound { link, .. } = guest.seat
            && let Some(line) = self.links.get_mut(&link)
        {
            line.blocked.push(id);
        }
    }

    /// Handles the messages that a link has received.
    fn receive(&mut self, now: Now, id: PoolLinkId) -> Result<(), MiddleLinkError> {
        let Some(line) = self.links.get_mut(&id) else { return Ok(()) };
        let (mut unknown, mut gone) = (Vec::new(), Vec::new());
        let Stage::Open(machine) = &mut line.stage else { return Ok(()) };
        let result = loop {
            let message = match machine.next_message(now) {
                Ok(Some(message)) => message,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let (connection, fits) = match message {
                MiddleMessage::Answer { connection, packet, .. } => {
                    let client = line.clients.get(&connection);
                    let fits = client.map(|id| self.floor.answer(*id, packet, &self.config));
                    (connection, fits)
                }
                MiddleMessage::SimpleAck { connection, token } => {
                    let client = line.clients.get(&connection);
                    let fits = client.map(|id| self.floor.quick_ack(*id, token, &self.config));
                    (connection, fits)
                }
                MiddleMessage::CloseExt(connection) => {
                    if let Some(client) = line.clients.remove(&connection) {
                        gone.push((client, PoolClientEnd::ClosedByCenter));
                    }
                    continue;
                }
                _ => continue,
            };
            match fits {
                Some(true) => {}
                Some(false) => {
                    if let Some(client) = line.clients.remove(&connection) {
                        gone.push((client, PoolClientEnd::Overrun));
                        unknown.push(connection);
                    }
                }
                None => unknown.push(connection),
            }
        };
        for connection in unknown {
            line.tell_unknown(now, connection);
        }
        for (client, end) in gone {
            self.end(client, end);
        }
        result
    }

    /// The handshake of a link may be complete.
    fn on_ready(&mut self, now: Now, id: PoolLinkId) {
        let Some(line) = self.links.get_mut(&id).filter(|line| line.is_ready()) else { return };
        let (cluster, address) = (line.cluster, line.address);
        line.ready_since = Some(now.mono);
        self.floor.events.push_back(PoolEvent::LinkUp { link: id, address });
        let waiting = self.floor.iter().filter(|(_, guest)| {
            guest.cluster == cluster && matches!(guest.seat, Seat::Waiting { until: Some(_), .. })
        });
        for client in waiting.map(|(id, _)| id).collect::<Vec<_>>() {
            self.bind(now, client);
        }
    }

    /// Takes a client from its link.
    fn leave(&mut self, now: Now, id: PoolClientId) {
        let Some(guest) = self.floor.get_mut(id) else { return };
        let Seat::Bound { link, connection } = guest.seat else { return };
        guest.seat = Seat::waiting();
        if let Some(line) = self.links.get_mut(&link) {
            line.clients.remove(&connection);
            line.tell_gone(connection);
            if line.drain_until.is_some() {
                self.close_drained(now);
            }
            self.announce(link);
        }
    }

    /// Ends a client whose link is fine.
    fn drop_client(&mut self, id: PoolClientId, end: PoolClientEnd) {
        if let Some(guest) = self.floor.get(id)
            && let Seat::Bound { link, connection } = guest.seat
            && let Some(line) = self.links.get_mut(&link)
        {
            line.clients.remove(&connection);
            line.tell_gone(connection);
            self.announce(link);
        }
        self.end(id, end);
    }

    fn end(&mut self, id: PoolClientId, end: PoolClientEnd) {
        self.forget(id);
        self.floor.end(id, end);
    }

    /// Counts a client of a cluster no longer.
    fn forget(&mut self, id: PoolClientId) {
        if let Some(guest) = self.floor.get(id)
            && let Some(cluster) = self.clusters.get_mut(&guest.cluster)
        {
            cluster.clients = cluster.clients.saturating_sub(1);
        }
    }

    fn move_cluster(&mut self, id: PoolClientId, old: i16, new: i16) {
        if let Some(cluster) = self.clusters.get_mut(&old) {
            cluster.clients = cluster.clients.saturating_sub(1);
        }
        let entry = self.clusters.entry(new).or_default();
        entry.clients = entry.clients.saturating_add(1);
        if let Some(guest) = self.floor.get_mut(id) {
            guest.cluster = new;
        }
    }

    /// Handles the end of a link: idle clients wait for another one, the others end.
    // spec: proxy 4.2
    fn lose(&mut self, now: Now, id: PoolLinkId, loss: LinkLoss) {
        let Some(line) = self.links.remove(&id) else { return };
        let mut ended = 0_usize;
        for client in line.clients.values() {
            let Some(guest) = self.floor.get_mut(*client) else { continue };
            if self.config.on_link_lost == OnLinkLost::Migrate && !guest.unanswered {
                guest.seat = Seat::waiting();
                self.floor.let_write(*client);
            } else {
                ended = ended.saturating_add(1);
                self.end(*client, PoolClientEnd::LinkLost);
            }
        }
        let address = line.address;
        // Closing an idle link is usual; closing it at once is not.
        let lived = line.ready_since.map(|since| now.mono.saturating_since(since));
        let is_usual = loss == LinkLoss::Drained || lived.is_some_and(|lived| lived >= LIFE_MIN);
        let cluster = self.clusters.entry(line.cluster).or_default();
        if is_usual {
            cluster.targets.worked(address);
        } else {
            cluster.targets.failed(now.mono, address, &self.config, &mut self.entropy);
        }
        let down = PoolEvent::LinkDown { link: id, address, loss, clients: ended };
        self.floor.events.push_back(down);
        self.keep_links(now, line.cluster);
    }

    /// Closes the links of earlier set-ups that have no clients, or had the time to lose them.
    fn close_drained(&mut self, now: Now) {
        let drained = self.links.iter().filter(|(_, line)| {
            line.drain_until.is_some_and(|until| until <= now.mono || line.clients.is_empty())
        });
        for id in drained.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.lose(now, id, LinkLoss::Drained);
        }
    }

    fn keep_all_links(&mut self, now: Now) {
        for cluster in self.clusters.keys().copied().collect::<Vec<_>>() {
            self.keep_links(now, cluster);
        }
    }

    /// Opens the links that a cluster lacks.
    // spec: proxy 4.1
    fn keep_links(&mut self, now: Now, id: i16) {
        let Some(cluster) = self.clusters.get_mut(&id) else { return };
        cluster.retry_at = None;
        if cluster.clients == 0 {
            return;
        }
        let needed = cluster.clients.div_ceil(self.config.clients_per_link.max(1));
        let wanted = needed.max(self.config.links_min).min(self.config.links_max.max(1));
        loop {
            let current = || {
                let lines = self.links.values();
                lines.filter(|line| line.cluster == id && line.drain_until.is_none())
            };
            if current().count() >= wanted {
                return;
            }
            let addresses = self.setup.clusters.targets(id);
            let links = |address| current().filter(|line| line.address == address).count();
            let families = self.setup.families;
            let targets = &cluster.targets;
            match targets.choose(now.mono, addresses, families, links, &mut self.entropy) {
                Choice::Now(address) => {
                    self.last = self.last.saturating_add(1);
                    let number = PoolLinkId(self.last);
                    let mut first = [0; 8];
                    self.entropy.fill(&mut first);
                    let until = now.mono + self.config.connect_timeout;
                    let line = Line::new(id, address, until, u64::from_le_bytes(first));
                    self.links.insert(number, line);
                    let connect = PoolEvent::Connect { link: number, cluster: id, address };
                    self.floor.events.push_back(connect);
                }
                Choice::Later(at) => {
                    cluster.retry_at = Some(at);
                    return;
                }
                Choice::Never => return,
            }
        }
    }

    /// Queues an event for a link that has output.
    fn announce(&mut self, id: PoolLinkId) {
        if let Some(line) = self.links.get_mut(&id)
            && line.machine().is_some_and(|machine| machine.has_output())
            && !core::mem::replace(&mut line.is_announced, true)
        {
            self.floor.events.push_back(PoolEvent::LinkReady(id));
        }
    }
}

impl fmt::Debug for MiddlePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiddlePool")
            .field("clients", &self.floor.len())
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

/// A link that closes sooner counts as failed.
const LIFE_MIN: Duration = Duration::from_secs(1);
