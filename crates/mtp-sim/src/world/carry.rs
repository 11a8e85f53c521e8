//! Links: opened, written to, read from, closed.

use core::time::Duration;
use std::rc::Rc;

use mtp_crypto::{AuthKeyId, Side};
use mtp_env::Instant;
use mtp_session::link::QuickAck;
use mtp_session::server::ServerPacketError;
use mtp_session::{AfterSend, LinkId, Outgoing};
use mtp_transport::{Frame, FrameFlags, TransportCode};

use super::{Happening, World, stamp};
use crate::book::{Fact, Outcome};
use crate::faults::{Faults, RECONNECT_MAX};
use crate::invariants::Violation;
use crate::letter::Letter;
use crate::wire::{Payload, Pipe, Wire};

/// What came out of a link.
enum Arrived {
    Packet {
        bytes: Vec<u8>,
        quick_ack: bool,
    },
    QuickAck(mtp_crypto::QuickAckToken),
    Error(i32),
    /// The link is over.
    End,
}

impl World {
    /// Opens a client's link, and the server's end with it.
    pub(super) fn connect(&mut self, client: usize, slot: usize) -> Result<(), Violation> {
        let host = &mut self.clients[client];
        if host.slots[slot].link.is_some() {
            return Ok(());
        }
        if host.asleep_until.is_some() {
            host.put_off.push(Happening::Connect { client, slot });
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

    /// Closes one side's end of a link; the other end learns it later, if at all.
    pub(super) fn close(&mut self, side: Side, link: LinkId, tells: bool) -> Result<(), Violation> {
        let at = self.at;
        let Some(wire) = self.wires.get_mut(&link) else { return Ok(()) };
        if side == Side::Client && self.clients[wire.client].asleep_until.is_some() {
            // It will notice when it wakes.
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
        if tells {
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
        let slow = self.is_chaotic && host.dice.happens(self.faults.slow_reconnects);
        if slow {
            self.tally.fault("slow reconnects");
        }
        let max = if slow { RECONNECT_MAX } else { Duration::from_secs(1) };
        let delay = host.dice.span(Duration::from_millis(50), max);
        self.after(delay, Happening::Connect { client, slot });
    }

    /// Returns when something arrives on a link; what arrives at a sleeping client waits.
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

    /// Delivers everything that has arrived.
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

    /// Takes the next thing that has arrived at one side of a link.
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

    fn arrive(&mut self, side: Side, link: LinkId, payload: Payload) -> Result<(), Violation> {
        let arrived = match payload {
            Payload::Packet { bytes, quick_ack } => Arrived::Packet { bytes, quick_ack },
            Payload::QuickAck(token) => Arrived::QuickAck(token),
            Payload::Error(code) => Arrived::Error(code),
            Payload::End => {
                if let Some(ends) = self.wires.get_mut(&link).and_then(|wire| wire.ends.as_mut()) {
                    // Whether the end was expected does not matter: the link is over.
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

    /// Lets a transport make packets of the bytes it has.
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
                // Its machine says when it is over, once all has been written.
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
                    self.tally.count("links that broke their framing");
                    return self.close(side, link, true);
                }
            };
            self.receive(side, link, arrived)?;
        }
    }

    /// Gives one side what came out of a link.
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
        let letter = self.find(side, &bytes);
        let is_plain = bytes.first_chunk::<8>() == Some(&[0; 8]);
        let now = self.side_now(side, client);
        let (outcome, before) = match side {
            Side::Client => {
                let before = self.clients[client].view(self.at);
                let result = self.clients[client].machine.handle_packet(now, link, &mut bytes);
                if result.is_err() {
                    self.tally.count("packets refused by clients");
                }
                (if result.is_ok() { Outcome::Taken } else { Outcome::Refused }, Some(before))
            }
            Side::Server => {
                let quick_ack = if quick_ack { QuickAck::Wanted } else { QuickAck::NotWanted };
                let result = self.server.machine.handle_packet(now, link, &mut bytes, quick_ack);
                if let Err(error) = &result {
                    self.tally.count(match error {
                        ServerPacketError::Screened(_) => "packets screened by the server",
                        _ => "packets refused by the server",
                    });
                }
                let outcome = match result {
                    Ok(()) => Outcome::Taken,
                    Err(ServerPacketError::Screened(refusal)) => Outcome::Screened(refusal.code()),
                    Err(_) => Outcome::Refused,
                };
                (outcome, None)
            }
        };
        if is_plain {
            if side == Side::Server && outcome != Outcome::Taken {
                self.see(&Fact::Misbehaved { link })?;
            }
            // Key exchanges have rules of their own, which mtp-session's tests check.
            return self.settle();
        }
        // A link that ends reads nothing, and says that all is well.
        let unread = outcome == Outcome::Taken && letter.is_none() && side == Side::Server;
        if unread && self.is_closing(link) {
            return self.settle();
        }
        let letter = letter.as_ref();
        self.see(&Fact::Took { side, client, link, letter, outcome, before })?;
        match side {
            Side::Client => self.hear_client(client)?,
            Side::Server => self.hear_server()?,
        }
        let after = (side == Side::Client).then(|| self.clients[client].view(self.at));
        self.see(&Fact::Done { after })?;
        self.settle()
    }

    /// Reports whether the server will close a link as soon as it is asked for output.
    fn is_closing(&self, link: LinkId) -> bool {
        self.wires.get(&link).is_none_or(|wire| !wire.server_open)
            || self.book.server.faulty.contains(&link)
    }

    /// Finds the letter that a packet is, unless it was changed on its way or never written.
    fn find(&self, receiver: Side, bytes: &[u8]) -> Option<Rc<Letter>> {
        let msg_key: &[u8; 16] = bytes.get(8..24)?.first_chunk()?;
        let letter = self.archive.get(msg_key)?;
        let whole = bytes.get(..letter.bytes.len()) == Some(&letter.bytes[..]);
        (whole && bytes.len() - letter.bytes.len() < 16 && letter.sender == receiver.peer())
            .then(|| Rc::clone(letter))
    }

    // ── writing ────────────────────────────────────────────────────────────────────────────────

    /// Lets a client write what it has; reports whether it had something.
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
                self.hear_client(client)?;
                self.write(Side::Client, link, transmit, packet)?;
            }
        }
        Ok(moved)
    }

    /// Lets the server write what it has; reports whether it had something.
    pub(super) fn transmit_server(&mut self) -> Result<bool, Violation> {
        let mut moved = false;
        while let Some(link) = self.server.machine.poll_link() {
            moved = true;
            loop {
                self.transport_output(Side::Server, link);
                let (now, mut packet) = (self.server.now(self.at), Vec::new());
                let transmit = self.server.machine.poll_transmit(now, link, &mut packet);
                let Some(transmit) = transmit else { break };
                self.hear_server()?;
                self.write(Side::Server, link, transmit, packet)?;
            }
        }
        Ok(moved)
    }

    /// Sends what a transport itself has to say.
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
        transmit: mtp_session::Transmit,
        packet: Vec<u8>,
    ) -> Result<(), Violation> {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return Ok(()) };
        match transmit.what {
            Outgoing::Packet { quick_ack } => {
                self.note_letter(side, client, link, &packet)?;
                self.send_packet(side, link, packet, quick_ack.is_some());
            }
            Outgoing::Error(code) => self.send_error(link, code),
            Outgoing::QuickAck(token) => self.send_quick_ack(link, token),
            _ => {}
        }
        if transmit.then == AfterSend::Close {
            if side == Side::Server {
                self.see(&Fact::ServerClosed { link })?;
            }
            let tells = self.is_noticed();
            self.close(side, link, tells)?;
        }
        Ok(())
    }

    /// Draws whether the other end learns that a link is over.
    pub(super) fn is_noticed(&mut self) -> bool {
        let half_open = self.is_chaotic && self.chaos.happens(self.faults.half_open);
        if half_open {
            self.tally.fault("half open");
        }
        !half_open
    }

    /// Lets the observer read a packet that a side wrote.
    fn note_letter(
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
        let letter = Letter::read(side, key, packet, self.facts).map_err(|error| Violation {
            invariant: 2,
            name: "containers are well formed",
            what: format!("a side wrote what cannot be read: {error}"),
            at: self.at,
        })?;
        self.tally.letter(&letter);
        let letter = Rc::new(letter);
        if let Some(msg_key) = packet.get(8..24).and_then(|bytes| bytes.first_chunk()) {
            self.archive.insert(*msg_key, Rc::clone(&letter));
        }
        let view = (side == Side::Client).then(|| self.clients[client].view(self.at));
        self.see(&Fact::Wrote { side, client, link, letter: &letter, view })
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
                    // The transport closed meanwhile; the packet is lost with it.
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
            // HTTP runs over streams: what is sent arrives once, in order, or the link ends.
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
        Fact::Wrote { side, client, link, letter, .. } => {
            eprintln!("{at} {side:?} {client} wrote on {} {letter}", link.as_u64());
        }
        Fact::Took { side, client, link, letter, outcome, .. } => match letter {
            Some(letter) => {
                let id = letter.header.msg_id.as_raw();
                eprintln!(
                    "{at} {side:?} {client} took from {} {id:016x}: {outcome:?}",
                    link.as_u64()
                );
            }
            None => eprintln!("{at} {side:?} {client} took garbage: {outcome:?}"),
        },
        Fact::Called { planned, request } => {
            let once = if planned.once { ", once" } else { "" };
            let after = planned.after.map_or(String::new(), |before| format!(", after {before}"));
            let number = planned.order.number;
            eprintln!("{at} Client {} calls {number} as {request:?}{once}{after}", planned.client);
        }
        other => eprintln!("{at} {other:?}"),
    }
}

/// Prints what a machine told.
pub(super) fn print_event(at: Instant, who: &str, event: &dyn core::fmt::Debug, call: Option<u32>) {
    let text = match call {
        Some(number) => format!("runs call {number}"),
        None => format!("told {event:?}"),
    };
    let end = text.char_indices().nth(TOLD_MAX).map_or(text.len(), |(index, _)| index);
    eprintln!("{} {who} {}", stamp(at), &text[..end]);
}

/// Traces do not print bodies.
const TOLD_MAX: usize = 180;
