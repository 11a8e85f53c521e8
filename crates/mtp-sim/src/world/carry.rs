//! Links: opening, sending, receiving, closing.

use core::time::Duration;
use std::rc::Rc;

use mtp_crypto::{AuthKeyId, Side};
use mtp_env::Instant;
use mtp_session::link::{AfterSend, LinkId, Outgoing, QuickAck};
use mtp_session::server::ServerPacketError;
use mtp_transport::code::TransportCode;
use mtp_transport::framing::{Frame, FrameFlags};

use super::kills::OWN_LINK;
use super::{Action, World, stamp};
use crate::faults::{Faults, RECONNECT_MAX};
use crate::observer::{Fact, Outcome};
use crate::opened_packet::OpenedPacket;
use crate::scenario::HostRule;
use crate::violation::Violation;
use crate::wire::{Payload, Pipe, Wire};

/// The output of a link.
enum Arrived {
    Packet {
        bytes: Vec<u8>,
        quick_ack: bool,
    },
    QuickAck(mtp_crypto::QuickAckToken),
    Error(i32),
    /// The link has ended.
    End,
}

impl World {
    /// Opens both ends of a link of a client.
    pub(super) fn connect(&mut self, client: usize, slot: usize) -> Result<(), Violation> {
        let host = &self.clients[client];
        if self.server.is_down && host.slots[slot].link.is_none() && host.asleep_until.is_none() {
            // Nobody listens.
            self.reconnect(client, slot);
            return Ok(());
        }
        let host = &mut self.clients[client];
        if host.slots[slot].link.is_some() {
            return Ok(());
        }
        if host.asleep_until.is_some() {
            host.deferred.push(Action::Connect { client, slot });
            return Ok(());
        }
        self.links += 1;
        let link = LinkId::new(self.links);
        host.slots[slot].link = Some(link);
        let (carriage, kind) = (host.slots[slot].carriage.clone(), host.slots[slot].kind);
        let (now, server_now) = (host.now(self.at), self.server.now(self.at));
        let delay = host.dice.span(Duration::from_millis(2), Duration::from_millis(120));
        let wire = Wire {
            id: link,
            client,
            slot,
            kind,
            up: Pipe::new(delay, host.dice.fork()),
            down: Pipe::new(delay, host.dice.fork()),
            ends: Wire::ends(&carriage, (now, server_now), &mut host.dice),
            client_open: true,
            server_open: true,
        };
        host.machine.link_up(now, link, kind);
        self.server.machine.link_up(server_now, link, kind);
        self.wires.insert(link, wire);
        self.tally.count("links opened");
        self.see(&Fact::LinkUp { side: Side::Client, client, link, kind })?;
        self.see(&Fact::LinkUp { side: Side::Server, client, link, kind })
    }

    /// Closes one end of a link. With `notify`, the other end receives the end later.
    pub(super) fn close(
        &mut self,
        side: Side,
        link: LinkId,
        notify: bool,
    ) -> Result<(), Violation> {
        let at = self.at;
        let Some(wire) = self.wires.get_mut(&link) else { return Ok(()) };
        if side == Side::Client && self.clients[wire.client].asleep_until.is_some() {
            // The client receives the end when it wakes up.
            wire.down.inject(at, Payload::End);
            return Ok(());
        }
        let (open, pipe) = match side {
            Side::Client => (&mut wire.client_open, &mut wire.up),
            Side::Server => (&mut wire.server_open, &mut wire.down),
        };
        if !core::mem::replace(open, false) {
            return Ok(());
        }
        if notify {
            pipe.send(at, Payload::End, &Faults::none(), &mut self.tally);
        }
        let (client, slot) = (wire.client, wire.slot);
        if !wire.client_open && !wire.server_open {
            self.wires.remove(&link);
        }
        let now = self.side_now(side, client);
        match side {
            Side::Client => {
                self.clients[client].machine.link_down(now, link);
                self.clients[client].slots[slot].link = None;
                self.reconnect(client, slot);
            }
            Side::Server => self.server.machine.link_down(now, link),
        }
        self.see(&Fact::LinkDown { side, client, link })
    }

    fn reconnect(&mut self, client: usize, slot: usize) {
        let host = &mut self.clients[client];
        let is_late = self.is_chaotic && host.dice.happens(self.faults.slow_reconnects);
        if is_late {
            self.tally.fault("slow reconnects");
        }
        let max = if is_late { RECONNECT_MAX } else { Duration::from_secs(1) };
        let delay = host.dice.span(Duration::from_millis(50), max);
        self.after(delay, Action::Connect { client, slot });
    }

    /// Returns the time of the next arrival or timer of a link. Arrivals at a sleeping client wait.
    pub(super) fn wire_at(&self, wire: &Wire) -> Option<Instant> {
        let asleep = self.clients[wire.client].asleep_until;
        let down = wire.down.next_at().map(|at| asleep.map_or(at, |until| at.max(until)));
        let ends = wire.ends.as_ref().map(|ends| {
            let client = ends.0.poll_timeout().filter(|_| wire.client_open && asleep.is_none());
            let server = ends.1.poll_timeout().filter(|_| wire.server_open);
            let client = client.map(|it| self.clients[wire.client].clock.true_time(it.at));
            let server = server.map(|it| self.server.clock.true_time(it.at));
            client.into_iter().chain(server).min()
        });
        [wire.up.next_at(), down, ends.flatten()].into_iter().flatten().min()
    }

    /// Delivers all payloads that have arrived.
    pub(super) fn deliver(&mut self) -> Result<(), Violation> {
        let links: Vec<LinkId> = self.wires.keys().copied().collect();
        for link in links {
            for side in [Side::Server, Side::Client] {
                self.fire_transport_timer(side, link);
                while let Some(payload) = self.take(side, link) {
                    self.arrive(side, link, payload)?;
                }
                self.read_frames(side, link)?;
            }
        }
        Ok(())
    }

    fn fire_transport_timer(&mut self, side: Side, link: LinkId) {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return };
        if side == Side::Client && self.clients[client].asleep_until.is_some() {
            return;
        }
        let now = self.side_now(side, client);
        let Some(ends) = self.wires.get_mut(&link).and_then(|wire| wire.ends.as_mut()) else {
            return;
        };
        match side {
            Side::Client if ends.0.poll_timeout().is_some_and(|it| it.is_due(now)) => {
                ends.0.handle_timeout(now);
            }
            Side::Server if ends.1.poll_timeout().is_some_and(|it| it.is_due(now)) => {
                ends.1.handle_timeout(now);
            }
            _ => {}
        }
    }

    /// Returns the next payload that has arrived at one side of a link.
    fn take(&mut self, side: Side, link: LinkId) -> Option<Payload> {
        let at = self.at;
        let wire = self.wires.get_mut(&link)?;
        if side == Side::Client && self.clients[wire.client].asleep_until.is_some() {
            return None;
        }
        match side {
            Side::Client => wire.down.take(at),
            Side::Server => wire.up.take(at),
        }
    }

    pub(super) fn arrive(
        &mut self,
        side: Side,
        link: LinkId,
        payload: Payload,
    ) -> Result<(), Violation> {
        let arrived = match payload {
            Payload::Packet { bytes, quick_ack } => Arrived::Packet { bytes, quick_ack },
            Payload::QuickAck(token) => Arrived::QuickAck(token),
            Payload::Error(code) => Arrived::Error(code),
            Payload::End => {
                if let Some(ends) = self.wires.get_mut(&link).and_then(|wire| wire.ends.as_mut()) {
                    // The link has ended, expected or not.
                    let _ = match side {
                        Side::Client => ends.0.handle_eof(),
                        Side::Server => ends.1.handle_eof(),
                    };
                    self.read_frames(side, link)?;
                }
                Arrived::End
            }
            Payload::Bytes(bytes) => {
                if let Some(ends) = self.wires.get_mut(&link).and_then(|wire| wire.ends.as_mut()) {
                    match side {
                        Side::Client => ends.0.handle_bytes(&bytes),
                        Side::Server => ends.1.handle_bytes(&bytes),
                    }
                }
                return self.read_frames(side, link);
            }
        };
        self.receive(side, link, arrived)
    }

    /// Reads all frames from a transport.
    fn read_frames(&mut self, side: Side, link: LinkId) -> Result<(), Violation> {
        loop {
            let Some(wire) = self.wires.get(&link) else { return Ok(()) };
            let open = if side == Side::Client { wire.client_open } else { wire.server_open };
            if !open {
                return Ok(());
            }
            let now = self.side_now(side, wire.client);
            let Some(ends) = self.wires.get_mut(&link).and_then(|wire| wire.ends.as_mut()) else {
                return Ok(());
            };
            let is_closed = match side {
                Side::Client => ends.0.is_closed(),
                // The server's machine closes the link when its output is sent.
                Side::Server => false,
            };
            let frame = match side {
                Side::Client => ends.0.next_frame(now),
                Side::Server => ends.1.next_frame(now),
            };
            let arrived = match frame {
                Ok(None) if is_closed => return self.close(side, link, true),
                Ok(None) => return Ok(()),
                Ok(Some(Frame::Packet { bytes, quick_ack })) => {
                    Arrived::Packet { bytes: bytes.to_vec(), quick_ack }
                }
                Ok(Some(Frame::QuickAck(token))) => Arrived::QuickAck(token),
                Ok(Some(Frame::Error(code))) => Arrived::Error(code.get()),
                Err(_) => {
                    self.tally.count("links with broken framing");
                    return self.close(side, link, true);
                }
            };
            self.receive(side, link, arrived)?;
        }
    }

    /// Passes the output of a link to one side.
    fn receive(&mut self, side: Side, link: LinkId, arrived: Arrived) -> Result<(), Violation> {
        let Some(wire) = self.wires.get(&link) else { return Ok(()) };
        let (client, is_open) = match side {
            Side::Client => (wire.client, wire.client_open),
            Side::Server => (wire.client, wire.server_open),
        };
        if !is_open {
            return Ok(());
        }
        let now = self.side_now(side, client);
        match (arrived, side) {
            (Arrived::Packet { bytes, quick_ack }, _) => {
                return self.receive_packet(side, link, bytes, quick_ack);
            }
            (Arrived::End, _) => return self.close(side, link, true),
            (Arrived::QuickAck(token), Side::Client) => {
                self.clients[client].machine.handle_quick_ack(now, token);
            }
            (Arrived::Error(code), Side::Client) => {
                self.tally.count("transport errors");
                self.clients[client].machine.handle_transport_error(now, link, code);
            }
            // A client's transport sends neither.
            (Arrived::QuickAck(_) | Arrived::Error(_), Side::Server) => {}
        }
        self.settle()
    }

    fn receive_packet(
        &mut self,
        side: Side,
        link: LinkId,
        mut bytes: Vec<u8>,
        quick_ack: bool,
    ) -> Result<(), Violation> {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return Ok(()) };
        let opened = self.find(side, &bytes);
        let is_plain = bytes.first_chunk::<8>() == Some(&[0; 8]);
        let now = self.side_now(side, client);
        let (outcome, before) = match side {
            Side::Client => {
                let before = self.clients[client].view(self.at);
                let result = self.clients[client].machine.handle_packet(now, link, &mut bytes);
                if result.is_err() {
                    self.tally.count("packets rejected by clients");
                }
                (if result.is_ok() { Outcome::Accepted } else { Outcome::Rejected }, Some(before))
            }
            Side::Server => {
                let quick_ack = if quick_ack { QuickAck::Wanted } else { QuickAck::NotWanted };
                let result = self.server.machine.handle_packet(now, link, &mut bytes, quick_ack);
                if let Err(error) = &result {
                    self.tally.count(match error {
                        ServerPacketError::Rejected(_) => "packets refused by the server",
                        _ => "packets rejected by the server",
                    });
                }
                self.tally
                    .most("work of a packet", self.server.machine.work_of_last_packet().as_u64());
                let outcome = match result {
                    Ok(()) => Outcome::Accepted,
                    Err(ServerPacketError::Rejected(refusal)) => Outcome::Refused(refusal.code()),
                    Err(_) => Outcome::Rejected,
                };
                (outcome, None)
            }
        };
        if is_plain {
            self.serving = Some(link).filter(|_| side == Side::Server);
            if side == Side::Server && outcome != Outcome::Accepted {
                self.see(&Fact::LinkFault { link })?;
            }
            // The tests of mtp-session check key exchanges.
            self.settle()?;
            self.serving = None;
            return Ok(());
        }
        // A closing link ignores packets without an error.
        let unread = outcome == Outcome::Accepted && opened.is_none() && side == Side::Server;
        if unread && self.is_closing(link) {
            return self.settle();
        }
        self.serving = Some(link).filter(|_| side == Side::Server);
        let opened = opened.as_ref();
        self.see(&Fact::Received { side, client, link, opened, outcome, before })?;
        match side {
            Side::Client => self.drain_client_events(client)?,
            Side::Server => self.drain_server_events()?,
        }
        let after = (side == Side::Client).then(|| self.clients[client].view(self.at));
        self.see(&Fact::Handled { after })?;
        self.settle()?;
        self.serving = None;
        Ok(())
    }

    /// Returns `true` if the server closes the link with its next output.
    fn is_closing(&self, link: LinkId) -> bool {
        self.wires.get(&link).is_none_or(|wire| !wire.server_open)
            || self.observer.server.faulty.contains(&link)
    }

    /// Finds the decrypted form of a packet. Returns `None` if the packet was modified or forged.
    fn find(&self, receiver: Side, bytes: &[u8]) -> Option<Rc<OpenedPacket>> {
        let msg_key: &[u8; 16] = bytes.get(8..24)?.first_chunk()?;
        let opened = self.archive.get(msg_key)?;
        let whole = bytes.get(..opened.bytes.len()) == Some(&opened.bytes[..]);
        (whole && bytes.len() - opened.bytes.len() < 16 && opened.sender == receiver.peer())
            .then(|| Rc::clone(opened))
    }

    // ── writing ────────────────────────────────────────────────────────────────────────────────

    /// Sends the output of a client. Returns `true` if there was any.
    pub(super) fn transmit_client(&mut self, client: usize) -> Result<bool, Violation> {
        let mut moved = false;
        if self.clients[client].asleep_until.is_some() {
            return Ok(false);
        }
        for slot in 0..self.clients[client].slots.len() {
            while let Some(link) = self.clients[client].slots[slot].link {
                self.transport_output(Side::Client, link);
                let ready = self.wires.get(&link).is_some_and(|wire| {
                    wire.client_open && wire.ends.as_ref().is_none_or(|ends| ends.0.can_send())
                });
                if !ready {
                    break;
                }
                let host = &mut self.clients[client];
                let (now, mut packet) = (host.now(self.at), Vec::new());
                let Some(transmit) = host.machine.poll_transmit(now, link, &mut packet) else {
                    break;
                };
                moved = true;
                self.drain_client_events(client)?;
                self.write(Side::Client, link, transmit, packet)?;
            }
        }
        Ok(moved)
    }

    /// Sends the output of the server. Returns `true` if there was any.
    pub(super) fn transmit_server(&mut self) -> Result<bool, Violation> {
        let mut moved = false;
        let gated = self.broken != Some(HostRule::KeysWaitForStore);
        while let Some(link) = self.server.next_link(gated) {
            moved = true;
            loop {
                self.transport_output(Side::Server, link);
                let (now, mut packet) = (self.server.now(self.at), Vec::new());
                let transmit = self.server.machine.poll_transmit(now, link, &mut packet);
                let Some(transmit) = transmit else { break };
                self.drain_server_events()?;
                self.write(Side::Server, link, transmit, packet)?;
                if self.pass_point()? {
                    return Ok(true);
                }
            }
        }
        Ok(moved)
    }

    /// Sends the output of a transport.
    fn transport_output(&mut self, side: Side, link: LinkId) {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return };
        let now = self.side_now(side, client);
        let Some(wire) = self.wires.get_mut(&link) else { return };
        let Some(ends) = wire.ends.as_mut() else { return };
        let mut bytes = Vec::new();
        match side {
            Side::Client => while ends.0.poll_transmit(now, &mut bytes) {},
            Side::Server => while ends.1.poll_transmit(now, &mut bytes) {},
        }
        if !bytes.is_empty() {
            self.send(side, link, Payload::Bytes(bytes));
        }
    }

    fn write(
        &mut self,
        side: Side,
        link: LinkId,
        transmit: mtp_session::link::Transmit,
        packet: Vec<u8>,
    ) -> Result<(), Violation> {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return Ok(()) };
        match transmit.what {
            Outgoing::Packet { quick_ack } => {
                self.record_packet(side, client, link, &packet)?;
                self.send_packet(side, link, packet, quick_ack.is_some());
            }
            Outgoing::Error(code) => self.send_error(link, code),
            Outgoing::QuickAck(token) => self.send_quick_ack(link, token),
            _ => {}
        }
        if transmit.then == AfterSend::Close {
            if side == Side::Server {
                let is_http = self.wires.get(&link).is_some_and(|wire| wire.kind.is_http());
                if is_http && self.faults.captures.is_possible() {
                    // The relay that captured the request may have sent it before, so this one is a duplicate.
                    self.see(&Fact::LinkFault { link })?;
                }
                self.see(&Fact::ServerClosed { link })?;
            }
            let notify = self.is_noticed();
            self.close(side, link, notify)?;
        }
        Ok(())
    }

    /// Returns `true` if the other end learns that a link has ended.
    pub(super) fn is_noticed(&mut self) -> bool {
        let half_open = self.is_chaotic && self.chaos.happens(self.faults.half_open);
        if half_open {
            self.tally.fault("half open");
        }
        !half_open
    }

    /// Decrypts a sent packet for the observer.
    fn record_packet(
        &mut self,
        side: Side,
        client: usize,
        link: LinkId,
        packet: &[u8],
    ) -> Result<(), Violation> {
        let Some(key) = AuthKeyId::of_packet(packet).and_then(|id| self.keys.get(&id)) else {
            self.tally.count("plain packets");
            return Ok(());
        };
        let opened = match OpenedPacket::read(side, key, packet, self.facts) {
            Ok(opened) => opened,
            Err(_) if !self.observer.is_checked_by(2) => return Ok(()),
            Err(error) => {
                return Err(Violation {
                    invariant: 2,
                    name: "containers are well formed",
                    what: format!("a sent packet cannot be decrypted or parsed: {error}"),
                    at: self.at,
                });
            }
        };
        let own_link = self.wires.get(&link).is_some_and(|wire| wire.slot == OWN_LINK);
        if own_link && side == Side::Server && opened.is_refusal() {
            // It was made when the packet arrived. Others may have been sent since, and nobody reads it.
            return Ok(());
        }
        self.tally.opened(&opened);
        let opened = Rc::new(opened);
        if side == Side::Client && self.faults.captures.is_possible() {
            self.captured.push(Rc::clone(&opened));
        }
        if let Some(msg_key) = packet.get(8..24).and_then(|bytes| bytes.first_chunk()) {
            self.archive.insert(*msg_key, Rc::clone(&opened));
        }
        let view = (side == Side::Client).then(|| self.clients[client].view(self.at));
        self.see(&Fact::Sent { side, client, link, opened: &opened, view })
    }

    fn send_packet(&mut self, side: Side, link: LinkId, packet: Vec<u8>, quick_ack: bool) {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return };
        let now = self.side_now(side, client);
        let Some(wire) = self.wires.get_mut(&link) else { return };
        let payload = match wire.ends.as_mut() {
            None => Payload::Packet { bytes: packet, quick_ack },
            Some(ends) => {
                let mut bytes = Vec::new();
                let flags = FrameFlags { quick_ack: quick_ack && side == Side::Client };
                let result = match side {
                    Side::Client => {
                        let mark = ends.0.begin(&mut bytes);
                        bytes.extend_from_slice(&packet);
                        ends.0.finish(now, &mut bytes, mark, flags)
                    }
                    Side::Server => {
                        let mark = ends.1.begin(&mut bytes);
                        bytes.extend_from_slice(&packet);
                        ends.1.finish(now, &mut bytes, mark, flags)
                    }
                };
                if result.is_err() {
                    // The transport has closed; the packet is lost.
                    return;
                }
                Payload::Bytes(bytes)
            }
        };
        self.send(side, link, payload);
    }

    fn send_error(&mut self, link: LinkId, code: i32) {
        let now = self.server.now(self.at);
        let Some(wire) = self.wires.get_mut(&link) else { return };
        let payload = match (wire.ends.as_mut(), TransportCode::new(code)) {
            (Some(ends), Some(code)) => {
                let mut bytes = Vec::new();
                if ends.1.error(now, code, &mut bytes).is_err() {
                    return;
                }
                Payload::Bytes(bytes)
            }
            _ => Payload::Error(code),
        };
        self.send(Side::Server, link, payload);
    }

    fn send_quick_ack(&mut self, link: LinkId, token: mtp_crypto::QuickAckToken) {
        let now = self.server.now(self.at);
        let Some(wire) = self.wires.get_mut(&link) else { return };
        let payload = match wire.ends.as_mut() {
            Some(ends) => {
                let mut bytes = Vec::new();
                if ends.1.quick_ack(now, token, &mut bytes).is_err() {
                    return;
                }
                Payload::Bytes(bytes)
            }
            None => Payload::QuickAck(token),
        };
        self.send(Side::Server, link, payload);
    }

    fn send(&mut self, side: Side, link: LinkId, payload: Payload) {
        let calm = Faults::none();
        let Some(wire) = self.wires.get_mut(&link) else { return };
        let faults = match (self.is_chaotic, wire.kind.is_http()) {
            (false, _) => calm,
            // HTTP runs over streams: payloads arrive once and in order, or the link ends.
            (true, true) => {
                Faults { jitter: self.faults.jitter, stalls: self.faults.stalls, ..calm }
            }
            (true, false) => self.faults.clone(),
        };
        let (pipe, reaches) = match side {
            Side::Client => (&mut wire.up, wire.server_open),
            Side::Server => (&mut wire.down, wire.client_open),
        };
        if reaches {
            pipe.send(self.at, payload, &faults, &mut self.tally);
        }
    }
}

/// Prints a fact for traces.
pub(super) fn print(at: Instant, fact: &Fact<'_>) {
    let at = stamp(at);
    match fact {
        Fact::Sent { side, client, link, opened, .. } => {
            eprintln!("{at} {side:?} {client} sent on {} {opened}", link.as_u64());
        }
        Fact::Received { side, client, link, opened, outcome, .. } => match opened {
            Some(opened) => {
                let id = opened.header.msg_id.as_raw();
                eprintln!(
                    "{at} {side:?} {client} received on {} {id:016x}: {outcome:?}",
                    link.as_u64()
                );
            }
            None => eprintln!("{at} {side:?} {client} received garbage: {outcome:?}"),
        },
        Fact::Called { planned, request } => {
            let once = if planned.once { ", once" } else { "" };
            let after = planned.after.map_or(String::new(), |before| format!(", after {before}"));
            let number = planned.spec.number;
            eprintln!("{at} Client {} calls {number} as {request:?}{once}{after}", planned.client);
        }
        other => eprintln!("{at} {other:?}"),
    }
}

/// Prints an event of a machine.
pub(super) fn print_event(at: Instant, who: &str, event: &dyn core::fmt::Debug, call: Option<u32>) {
    let text = match call {
        Some(number) => format!("runs call {number}"),
        None => format!("event {event:?}"),
    };
    let end = text.char_indices().nth(EVENT_CHARS_MAX).map_or(text.len(), |(index, _)| index);
    eprintln!("{} {who} {}", stamp(at), &text[..end]);
}

/// Maximum length of a printed event: traces do not print bodies.
const EVENT_CHARS_MAX: usize = 180;
