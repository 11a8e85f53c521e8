//! Injection of faults.

use core::time::Duration;

use mtp_crypto::Side;
use mtp_session::client::ClientMachine;
use mtp_session::link::LinkId;

use super::{Action, TICK, World};
use crate::dice::Odds;
use crate::faults::{SERVER_BACK_MAX_S, SERVER_JUMP_MAX_S, SKEW_MAX_S, SLEEP_MAX};
use crate::observer::Fact;
use crate::violation::Violation;
use crate::wire::{Payload, Wire};
use crate::workload::update;

impl World {
    /// Injects the faults of a second.
    pub(super) fn tick(&mut self) -> Result<(), Violation> {
        if !self.is_chaotic {
            return Ok(());
        }
        if let Some((_, end)) =
            self.pauses.iter().find(|(from, to)| (*from..*to).contains(&self.at))
        {
            self.at_time(*end, Action::Tick);
            return Ok(());
        }
        self.after(TICK, Action::Tick);
        self.break_links()?;
        self.attack();
        self.break_clocks()?;
        self.break_hosts()?;
        self.break_runs()?;
        self.push()
    }

    /// Ends all faults. From then on every call must end within bounded time.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.is_chaotic = false;
        self.start_server()?;
        for client in 0..self.clients.len() {
            self.wake(client)?;
        }
        for wire in self.wires.values_mut() {
            wire.up.calm();
            wire.down.calm();
        }
        if self.cut_at_the_end {
            let links: Vec<LinkId> = self.wires.keys().copied().collect();
            for link in links {
                self.cut(link)?;
            }
        }
        self.see(&Fact::Healed)
    }

    pub(super) fn happens(&mut self, odds: Odds) -> bool {
        self.chaos.happens(odds)
    }

    // ── links ──────────────────────────────────────────────────────────────────────────────────

    fn break_links(&mut self) -> Result<(), Violation> {
        if !self.happens(self.faults.cuts) {
            return Ok(());
        }
        let links: Vec<LinkId> = self.wires.keys().copied().collect();
        if links.is_empty() {
            return Ok(());
        }
        let link = self.chaos.pick(&links);
        self.cut(link)
    }

    /// Cuts a link, possibly within a frame. One of the ends may not notice at once.
    fn cut(&mut self, link: LinkId) -> Result<(), Violation> {
        let unaware = (!self.is_noticed()).then(|| self.chaos.pick(&[Side::Client, Side::Server]));
        self.tally.fault("cuts");
        if let Some(wire) = self.wires.get_mut(&link) {
            wire.up.cut();
            wire.down.cut();
        }
        for side in [Side::Client, Side::Server] {
            if unaware != Some(side) {
                self.close(side, link, false)?;
            }
        }
        Ok(())
    }

    // ── attacks ────────────────────────────────────────────────────────────────────────────────

    fn attack(&mut self) {
        let links: Vec<LinkId> = self
            .wires
            .values()
            .filter(|wire| wire.ends.is_none() && wire.client_open && wire.server_open)
            .map(|wire| wire.id)
            .collect();
        if links.is_empty() {
            return;
        }
        let link = self.chaos.pick(&links);
        if self.happens(self.faults.garbage) {
            let side = self.chaos.pick(&[Side::Client, Side::Server]);
            let bytes = self.garbage(link);
            self.tally.fault("garbage");
            self.inject(side, link, bytes);
        }
        if self.happens(self.faults.forged_errors) {
            self.tally.fault("forged errors");
            let code = self.chaos.pick(&[-404, -404, -429, -444, -1, i32::MIN]);
            if let Some(wire) = self.wires.get_mut(&link) {
                wire.down.inject(self.at, Payload::Error(code));
            }
        }
        if self.happens(self.faults.reflections) {
            let side = self.chaos.pick(&[Side::Client, Side::Server]);
            let heard = self.wires.get_mut(&link).and_then(|wire| match side {
                Side::Client => wire.up.overheard(),
                Side::Server => wire.down.overheard(),
            });
            if let Some(bytes) = heard {
                self.tally.fault("reflections");
                self.inject(side, link, bytes);
            }
        }
        if self.happens(self.faults.strange_messages) {
            self.send_strange_message(link);
        }
        if self.happens(self.faults.strange_sessions) {
            self.send_strange_session(link);
        }
    }

    /// Returns a packet of random bytes, possibly with the start of a real packet.
    fn garbage(&mut self, link: LinkId) -> Vec<u8> {
        let len = self.chaos.index(200);
        let mut bytes = self.chaos.bytes(len);
        let client = self.wires.get(&link).map_or(0, |wire| wire.client);
        let key = self.clients[client].machine.session().key().map(|key| key.id());
        let beginning = match (self.chaos.below(4), key) {
            (0, _) => Some([0; 8]),
            (1 | 2, Some(key)) => Some(key.to_le_bytes()),
            _ => None,
        };
        if let (Some(beginning), Some(room)) = (beginning, bytes.first_chunk_mut()) {
            *room = beginning;
        }
        bytes
    }

    /// Injects a packet into the direction to one side.
    pub(super) fn inject(&mut self, at: Side, link: LinkId, bytes: Vec<u8>) {
        self.tally.count("packets injected");
        let now = self.at;
        let Some(wire) = self.wires.get_mut(&link) else { return };
        let pipe = match at {
            Side::Client => &mut wire.down,
            Side::Server => &mut wire.up,
        };
        pipe.inject(now, Payload::Packet { bytes, quick_ack: false });
    }

    // ── clocks ─────────────────────────────────────────────────────────────────────────────────

    fn break_clocks(&mut self) -> Result<(), Violation> {
        let client = self.chaos.index(self.clients.len());
        if self.happens(self.faults.client_jumps) {
            let by_ns = self.jump(SKEW_MAX_S);
            self.clients[client].clock.jump(by_ns);
            self.tally.fault("client clock jumps");
        }
        if self.happens(self.faults.server_jumps) {
            self.set_server_clock();
            self.tally.fault("server clock jumps");
        }
        if self.happens(self.faults.hibernation) && self.clients[client].asleep_until.is_none() {
            let max = self.chaos.pick(&[SLEEP_MAX / 100, SLEEP_MAX / 10, SLEEP_MAX]);
            let span = self.chaos.span(Duration::from_secs(1), max);
            self.clients[client].asleep_since = self.at;
            self.clients[client].asleep_until = Some(self.at + span);
            self.after(span, Action::Wake { client });
            if self.clients.len() == 1 {
                self.pauses.push((self.at, self.at + span));
            }
            self.tally.fault("hibernation");
            self.see(&Fact::Asleep { client, asleep: true })?;
        }
        Ok(())
    }

    /// Sets the server's clock forward, or back by a few seconds. If it were set back by more than the 30 seconds that ids
    /// may be ahead, clients would ignore the server's ids until its clock has caught up.
    fn set_server_clock(&mut self) {
        let forward = self.chaos.once_in(2);
        let seconds =
            self.chaos.between(1, if forward { SERVER_JUMP_MAX_S } else { SERVER_BACK_MAX_S });
        let back = self.server.set_back_s + seconds;
        if forward {
            self.server.set_back_s = self.server.set_back_s.saturating_sub(seconds);
            self.server.clock.jump(seconds.cast_signed() * 1_000_000_000);
        } else if back <= SERVER_BACK_MAX_S {
            self.server.set_back_s = back;
            self.server.clock.jump(-seconds.cast_signed() * 1_000_000_000);
        }
    }

    /// Draws a jump of a clock. Small jumps are as likely as large ones.
    fn jump(&mut self, max_s: u64) -> i64 {
        let max = self.chaos.pick(&[2, 20, 200, 600, max_s]);
        let seconds = self.chaos.below(2 * max + 1).cast_signed() - max.cast_signed();
        seconds * 1_000_000_000
    }

    pub(super) fn wake(&mut self, client: usize) -> Result<(), Violation> {
        let host = &mut self.clients[client];
        if host.asleep_until.take().is_none() {
            return Ok(());
        }
        host.clock.sleep(self.at.saturating_since(host.asleep_since));
        for action in core::mem::take(&mut host.deferred) {
            self.after(Duration::ZERO, action);
        }
        self.see(&Fact::Asleep { client, asleep: false })
    }

    // ── hosts ──────────────────────────────────────────────────────────────────────────────────

    fn break_hosts(&mut self) -> Result<(), Violation> {
        if !self.server.is_down && self.happens(self.faults.forgetting) {
            self.forget()?;
        }
        if !self.server.is_down && self.happens(self.faults.server_restarts) {
            self.restart_server()?;
        }
        let client = self.chaos.index(self.clients.len());
        if self.clients[client].asleep_until.is_none() {
            if self.happens(self.faults.client_restarts) {
                self.restart_client(client, false)?;
            } else if self.happens(self.faults.client_resumes) {
                self.restart_client(client, true)?;
            }
        }
        Ok(())
    }

    /// Replaces the server's machine: the new one has the keys, but no sessions.
    fn forget(&mut self) -> Result<(), Violation> {
        self.settle()?;
        let is_http = |wire: &&Wire| wire.kind.is_http() && wire.server_open;
        let requests: Vec<LinkId> = self.wires.values().filter(is_http).map(|it| it.id).collect();
        for link in requests {
            // The new machine does not know of the pending request.
            self.close(Side::Server, link, true)?;
        }
        self.server.forget(self.at);
        self.note_start();
        self.tally.fault("forgetting");
        let now = self.server.now(self.at);
        for wire in self.wires.values().filter(|wire| wire.server_open) {
            self.server.machine.link_up(now, wire.id, wire.kind);
        }
        self.see(&Fact::SessionsLost)
    }

    fn restart_server(&mut self) -> Result<(), Violation> {
        let links: Vec<LinkId> = self.wires.keys().copied().collect();
        for link in links {
            let notify = self.is_noticed();
            self.close(Side::Server, link, notify)?;
        }
        if self.happens(self.faults.key_losses) {
            self.server.stored.clear();
            self.tally.fault("key losses");
        }
        self.server.known.clear();
        self.server.forget(self.at);
        self.note_start();
        self.tally.fault("server restarts");
        self.see(&Fact::SessionsLost)
    }

    /// Restarts a client, from saved state or with its permanent key only.
    #[expect(clippy::panic, reason = "a panic ends the run as a failure")]
    fn restart_client(&mut self, client: usize, resumes: bool) -> Result<(), Violation> {
        self.settle()?;
        // The process ends without closing its links; the system closes them.
        for slot in 0..self.clients[client].slots.len() {
            if let Some(link) = self.clients[client].slots[slot].link {
                let notify = self.is_noticed();
                self.close(Side::Client, link, notify)?;
            }
        }
        self.drain_client_events(client)?;
        let host = &mut self.clients[client];
        let (now, config) = (host.clock.now(self.at), host.config.clone());
        let entropy = Box::new(host.dice.entropy());
        if resumes {
            let saved = host.machine.save();
            host.machine = ClientMachine::resume(config, now, &saved, entropy)
                .unwrap_or_else(|error| panic!("saved state cannot be resumed: {error}"));
            self.tally.fault("client resumes");
            self.see(&Fact::ClientResumed { client })
        } else {
            let permanent = host.machine.permanent_key().cloned();
            host.machine = ClientMachine::new(config, now, permanent, entropy);
            host.requests.clear();
            self.tally.fault("client restarts");
            self.see(&Fact::ClientRestarted { client })
        }
    }

    // ── pushes ─────────────────────────────────────────────────────────────────────────────────

    fn push(&mut self) -> Result<(), Violation> {
        if self.server.is_down || !self.happens(self.faults.pushes) {
            return Ok(());
        }
        let sessions: Vec<_> = self.observer.server.sessions.keys().copied().collect();
        if sessions.is_empty() {
            return Ok(());
        }
        let session = self.chaos.pick(&sessions);
        let Some(client) = self.observer.owners.get(&session.key).copied() else { return Ok(()) };
        self.tally.fault("pushes");
        for _ in 0..self.chaos.between(1, 4) {
            self.pushes += 1;
            let number = self.pushes;
            let words = if self.chaos.once_in(10) { 1500 } else { 4 };
            let now = self.server.now(self.at);
            if self.server.machine.push(now, session, &update(number, words)).is_ok() {
                self.see(&Fact::Pushed { client, session, number })?;
            }
        }
        Ok(())
    }
}
