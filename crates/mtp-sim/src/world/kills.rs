//! A server that is killed at any point, and what others make of its restarts.

use core::time::Duration;
use std::rc::Rc;

use mtp_crypto::{AuthKeyId, InnerHeader, MsgId, Padding, SeqNo, Side, begin, pad, seal};
use mtp_session::established::KeyKind;
use mtp_session::link::LinkId;
use mtp_session::server::{IncomingId, SessionName};
use mtp_session::service::MSG_CONTAINER;
use mtp_session::session::LinkKind;

use super::journal::Change;
use super::{Action, World};
use crate::dice::Dice;
use crate::faults::{DOWN_MAX, STORE_MAX};
use crate::observer::Fact;
use crate::opened_packet::OpenedPacket;
use crate::scenario::HostRule;
use crate::violation::Violation;
use crate::wire::{Payload, Pipe, Wire};

impl World {
    /// Decides about kills, captured packets and repeated messages for a second.
    pub(super) fn break_runs(&mut self) -> Result<(), Violation> {
        if !self.server.is_down && self.server.fuse.is_none() && self.happens(self.faults.kills) {
            self.server.fuse = Some(self.chaos.between(1, FUSE_MAX));
        }
        if self.happens(self.faults.captures)
            && let Some(opened) = self.capture()
        {
            self.tally.fault("captures");
            self.send_over_own_link(&opened.clone(), opened.bytes.clone())?;
        }
        if self.happens(self.faults.repeats)
            && let Some(opened) = self.capture()
            && let Some(packet) = self.repeat(&opened)
        {
            self.tally.fault("repeats");
            self.send_over_own_link(&opened, packet)?;
        }
        Ok(())
    }

    /// Passes a point at which the server may be killed. Returns `true` if it was.
    pub(super) fn pass_point(&mut self) -> Result<bool, Violation> {
        let Some(left) = self.server.fuse.filter(|_| self.is_chaotic && !self.server.is_down)
        else {
            return Ok(false);
        };
        self.server.fuse = left.checked_sub(1);
        if self.server.fuse.is_none() {
            self.kill_server()?;
        }
        Ok(self.server.fuse.is_none())
    }

    /// Ends the server's process.
    fn kill_server(&mut self) -> Result<(), Violation> {
        self.tally.fault("kills");
        self.server.is_down = true;
        let links: Vec<LinkId> = self.wires.keys().copied().collect();
        for link in links {
            let notify = self.is_noticed();
            self.close(Side::Server, link, notify)?;
        }
        self.server.journal.kill(&mut self.server.stored, &mut self.chaos);
        self.server.known.clear();
        let down = self.chaos.pick(&[Duration::ZERO, Duration::from_millis(300), DOWN_MAX]);
        let down = self.chaos.span(Duration::ZERO, down);
        self.after(down, Action::Start);
        Ok(())
    }

    /// Starts the killed server.
    pub(super) fn start_server(&mut self) -> Result<(), Violation> {
        if !core::mem::take(&mut self.server.is_down) {
            return Ok(());
        }
        if self.broken == Some(HostRule::JournalIsKept) {
            self.server.journal.forget_effects();
        }
        self.server.start(self.at);
        self.note_start();
        self.see(&Fact::SessionsLost)?;
        let lost = self.lost_key();
        self.see(&Fact::Started { lost })
    }

    /// Notes the server's new run for the observer.
    pub(super) fn note_start(&mut self) {
        self.observer.server_started = self.server.now(self.at);
        self.observer.server.secret = Some(std::sync::Arc::clone(self.server.machine.salts()));
    }

    /// Returns a key that a client has, and the store does not.
    fn lost_key(&self) -> Option<AuthKeyId> {
        if self.faults.key_losses.is_possible() {
            return None;
        }
        self.clients.iter().find_map(|client| {
            let permanent = client.machine.permanent_key().map(|key| key.key.id());
            let permanent = permanent.filter(|key| !self.server.stored.contains_key(key));
            let used = client.machine.session().key().filter(|_| client.machine.is_ready());
            let used = used.map(|key| key.id());
            permanent.or_else(|| used.filter(|key| self.is_lost(*key)))
        })
    }

    /// Returns `true` if a key that carries calls is not stored, or not as bound, and has not expired.
    fn is_lost(&self, key: AuthKeyId) -> bool {
        let kept = self.server.stored.get(&key).is_some_and(|(stored, bound_to)| {
            stored.kind == KeyKind::Permanent || bound_to.is_some()
        });
        !kept && !self.expired.contains(&key)
    }

    // ── the store ──────────────────────────────────────────────────────────────────────────────

    /// Writes down a change: at once, or later if the server may be killed.
    pub(super) fn write_down(&mut self, change: Change) -> Result<(), Violation> {
        let delay = if self.faults.kills.is_possible() {
            self.server.dice.span(Duration::ZERO, STORE_MAX)
        } else {
            Duration::ZERO
        };
        let link = self.serving;
        self.server.journal.add(self.at + delay, change, link);
        if delay.is_zero() { self.acknowledge() } else { Ok(()) }
    }

    /// Handles what the store has acknowledged.
    pub(super) fn acknowledge(&mut self) -> Result<(), Violation> {
        while self.server.journal.next_at().is_some_and(|at| at <= self.at) {
            // Written, and not acknowledged yet.
            if self.pass_point()? {
                return Ok(());
            }
            let change = self.server.journal.acknowledge(self.at, &mut self.server.stored);
            if let Some(Change::Effect { number, session, call }) = change {
                self.answer_later(session, call, number);
            }
        }
        Ok(())
    }

    /// Schedules the answer to a call in this run of the server.
    pub(super) fn answer_later(&mut self, session: SessionName, call: IncomingId, number: u32) {
        let Some(planned) = self.plans.get(&number).copied() else { return };
        let run = self.server.run;
        self.after(planned.spec.delay(), Action::Answer { session, call, number, run });
    }

    // ── captured packets ───────────────────────────────────────────────────────────────────────

    /// Returns a packet that a client sent at any time before.
    fn capture(&mut self) -> Option<Rc<OpenedPacket>> {
        let sent = self.captured.len();
        // Late ones are as likely as early ones.
        let range = self.chaos.pick(&[sent.min(10), sent]);
        let index = sent.checked_sub(1 + self.chaos.index(range))?;
        self.captured.get(index).cloned()
    }

    /// Makes a packet in which a client repeats a message of an earlier one under its old id, with a salt of the
    /// current run. It is a new container, since no client repeats a message alone.
    // spec: session 11.4
    fn repeat(&mut self, opened: &OpenedPacket) -> Option<Vec<u8>> {
        let client = self.owner(opened.key)?;
        let session = opened.header.session_id;
        let record = self.observer.clients.get(client)?;
        let own = record.sessions.get(&session).filter(|_| record.current == Some(session))?;
        let time = self.clients[client].view(self.at).time;
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        let outer = MsgId::from_raw((time.as_secs() << 32 | fraction) & !3);
        let odd: Vec<_> = opened.messages.iter().filter(|raw| raw.is_odd()).collect();
        let name = SessionName { key: opened.key, id: session };
        let begun = self.observer.server.sessions.get(&name).is_some_and(|it| it.lowest.is_some());
        // Later it would take the place of a packet of the real client.
        let is_early = self.observer.floor(opened.key, outer) == Some(outer);
        if odd.is_empty() || outer <= own.last || begun || !is_early {
            return None;
        }
        let raw = self.chaos.pick(&odd);
        let msg_id = raw.msg_id;
        let len = u32::try_from(raw.body.len()).ok()?;
        let mut body = [MSG_CONTAINER.get(), 1].map(u32::to_le_bytes).concat();
        body.extend(raw.msg_id.to_le_bytes());
        body.extend([raw.seq_no.as_raw().cast_unsigned(), len].map(u32::to_le_bytes).concat());
        body.extend(&raw.body);
        let seq_no = SeqNo::from_raw(i32::try_from(2 * own.odd).ok()?);
        let key = self.keys.get(&opened.key)?.clone();
        let salts = self.observer.server.salts.get(&opened.key)?;
        let salt = salts.current(self.server.machine.salts(), self.server.now(self.at).unix);
        let header = InnerHeader { salt, session_id: session, msg_id: outer, seq_no };
        let mut out = Vec::new();
        let start = begin(&mut out, header);
        out.extend_from_slice(&body);
        pad(&mut out, start, Padding::Minimum, &mut self.chaos.entropy()).ok()?;
        seal(&key, Side::Client, &mut out).ok()?;
        let again = OpenedPacket::read(Side::Client, &key, &out, opened.order).ok()?;
        let msg_key = out.get(8..24).and_then(|bytes| bytes.first_chunk())?;
        self.archive.insert(*msg_key, Rc::new(again));
        // The packet in which the client sent it first may be refused later.
        self.observer.clients[client].overtaken.insert((session, msg_id));
        Some(out)
    }

    /// Sends a packet of a client to the server over a link of its own. Nobody reads the answer.
    fn send_over_own_link(
        &mut self,
        opened: &OpenedPacket,
        bytes: Vec<u8>,
    ) -> Result<(), Violation> {
        let Some(client) = self.owner(opened.key).filter(|_| !self.server.is_down) else {
            return Ok(());
        };
        // The clock may have been set in this step.
        self.observer.server_now = self.server.now(self.at);
        self.links += 1;
        let link = LinkId::new(self.links);
        let delay = Duration::from_millis(1);
        let pipe = || Pipe::new(delay, Dice::new(self.links));
        let (up, down) = (pipe(), pipe());
        let kind = LinkKind::Stream;
        let wire = Wire {
            id: link,
            client,
            slot: OWN_LINK,
            kind,
            up,
            down,
            ends: None,
            client_open: false,
            server_open: true,
        };
        self.server.machine.link_up(self.server.now(self.at), link, kind);
        self.wires.insert(link, wire);
        self.see(&Fact::LinkUp { side: Side::Server, client, link, kind })?;
        self.arrive(Side::Server, link, Payload::Packet { bytes, quick_ack: false })?;
        self.close(Side::Server, link, false)
    }

    fn owner(&self, key: AuthKeyId) -> Option<usize> {
        self.observer.owners.get(&key).copied()
    }
}

/// The slot of links that no client uses.
pub(super) const OWN_LINK: usize = usize::MAX;
/// Maximum number of points that the server passes before it is killed.
const FUSE_MAX: u64 = 12;
