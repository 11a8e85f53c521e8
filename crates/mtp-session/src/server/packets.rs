//! Incoming packets: from the key to the session.

use alloc::vec::Vec;

use mtp_crypto::{
    AuthKey, AuthKeyId, InnerHeader, MsgId, MsgIdKind, OpenError, Opened, Padding, Side,
};
use mtp_env::{Deadline, Now, Work};

use super::handshake::{NewKey, RunId, ServerHandshake, Verdict};
use super::keys::Key;
use super::links::Reply;
use super::session::{Refusal, server_gate};
use super::{QueuedEvent, ServerMachine, ServerPacketError, SessionName, Timer};
use crate::exchange::plain::is_plain;
use crate::link::{LinkId, QuickAck};
use crate::session::Mutation;
use crate::session::msg_id::{VALID_FUTURE_S, msg_id_at};
use crate::session::seq_no::SeqNoCounter;
use crate::version::{Version, Versions};

impl ServerMachine {
    /// Handles a packet from a link, decrypting it in place.
    ///
    /// # Errors
    ///
    /// [`ServerPacketError`] if the packet is rejected, for logs and counters. The reply to the client is already queued.
    pub fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
        quick_ack: QuickAck,
    ) -> Result<(), ServerPacketError> {
        self.advance(now);
        let before = self.meter.spent();
        self.meter.charge(GATE_WORK);
        self.meter.add(Work::of_bytes(packet.len()));
        let result = self.route(link, packet, quick_ack);
        self.packet_work = self.meter.spent() - before;
        result
    }

    fn route(
        &mut self,
        link: LinkId,
        packet: &mut [u8],
        quick_ack: QuickAck,
    ) -> Result<(), ServerPacketError> {
        match self.links.get(&link) {
            None => Err(ServerPacketError::UnknownLink),
            // Input on a closing link is ignored.
            Some(found) if found.closing => Ok(()),
            Some(_) if is_plain(packet) => self.handle_plain(link, packet),
            // A client may use an existing key during a key exchange.
            // spec: crypto 8.11
            Some(_) => self.handle_encrypted(link, packet, quick_ack),
        }
    }

    fn handle_plain(&mut self, link: LinkId, packet: &[u8]) -> Result<(), ServerPacketError> {
        if !self.fetch_exchange(link, packet) {
            // The answer follows on this link once it is there.
            return Ok(());
        }
        let now = self.now;
        let result = self.handshake_of(link, |handshake| handshake.handle_packet(now, packet));
        self.note_exchanges(link);
        self.settle_handshake(link);
        Ok(result.ok_or(ServerPacketError::UnknownLink)??)
    }

    /// Decides on the new keys of a link's exchanges.
    // spec: crypto 8.9
    pub(super) fn settle_handshake(&mut self, link: LinkId) {
        while let Some(NewKey { run, established }) =
            self.handshake(link).and_then(ServerHandshake::poll_key)
        {
            let verdict = if self.keys.len() >= self.config.keys_max {
                Verdict::Refuse
            } else if !self.keys.insert(&established, Some(self.now.unix)) {
                Verdict::Collides
            } else {
                // Confirmed to the client once the embedder has taken the event.
                self.arm_key(established.key.id());
                self.events.push_back(QueuedEvent::KeyCreated { link, run, established });
                continue;
            };
            self.decide(link, run, verdict);
        }
        while let Some(work) = self.handshake(link).and_then(ServerHandshake::poll_work) {
            self.jobs.push_back((link, work));
        }
        self.deliver_exchanges(link);
        self.wake(link);
        self.exchanges.tidy(link);
        let Some(found) = self.links.get_mut(&link) else { return };
        found.handshake.take_if(|handshake| handshake.is_idle());
        let next = found.handshake.as_deref().and_then(ServerHandshake::poll_timeout);
        self.timers.change(Timer::Link(link), &mut found.timer, next.map(|Deadline { at, .. }| at));
    }

    pub(super) fn decide(&mut self, link: LinkId, run: RunId, verdict: Verdict) {
        if let Some(handshake) = self.handshake(link) {
            handshake.decide(run, verdict);
        }
        self.deliver_exchanges(link);
        self.wake(link);
    }

    pub(super) fn handshake(&mut self, link: LinkId) -> Option<&mut ServerHandshake> {
        match self.links.get_mut(&link) {
            Some(found) => found.handshake.as_deref_mut(),
            None => self.exchanges.orphan(link),
        }
    }

    // The checks follow the order of the specification. A packet that fails has allocated nothing.
    // spec: session 5.2
    fn handle_encrypted(
        &mut self,
        link: LinkId,
        packet: &mut [u8],
        quick_ack: QuickAck,
    ) -> Result<(), ServerPacketError> {
        let id = AuthKeyId::of_packet(packet).unwrap_or(AuthKeyId::NONE);
        // spec: session 5.2#1
        let Some(key) = self.keys.get(id).filter(|key| !key.role.is_over(self.now.unix)) else {
            self.close(link, Some(NOT_FOUND));
            return Err(ServerPacketError::UnknownKey(id));
        };
        let key = key.clone();
        let found = self.links.get_mut(&link).ok_or(ServerPacketError::UnknownLink)?;
        let mut copy = Vec::new();
        let opened = if let Some(version) = found.version {
            version
                .open(&key.secret, Side::Client, packet)
                .map_err(|OpenError| ServerPacketError::Envelope)
        } else {
            copy.extend_from_slice(packet);
            let first = open_first(&key.secret, packet, &mut copy, self.config.versions);
            first.map(|(version, opened)| {
                found.version = Some(version);
                opened
            })
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(why) => {
                self.close(link, None);
                return Err(why);
            }
        };
        if quick_ack == QuickAck::Wanted {
            found.reply(Reply::QuickAck(opened.quick_ack));
            self.wake(link);
        }
        let name = SessionName { key: id, id: opened.header.session_id };
        let gate = server_gate(self.now, &opened.header, &self.config.salts, &key.salts);
        if let Err(refusal) = gate
            && !self.is_let_pass(&refusal)
        {
            self.refuse(name, link, &key, &refusal);
            return Err(ServerPacketError::Rejected(refusal));
        }
        if self.ended.may_have_seen(name, opened.header.msg_id) {
            if self.links.get(&link).is_some_and(|link| link.kind.is_http()) {
                self.close(link, None);
            }
            return Err(ServerPacketError::Ended);
        }
        // spec: session 5.2#5; crypto 5#7
        let msg_id = opened.header.msg_id;
        if !self.sessions.contains_key(&name) && self.make_session(name, link, msg_id).is_none() {
            self.close(link, Some(FLOOD));
            return Err(ServerPacketError::Full);
        }
        if let Err(refusal) = self.check_start(name, &key, &opened.header) {
            self.refuse(name, link, &key, &refusal);
            self.park_new(name);
            return Err(ServerPacketError::Rejected(refusal));
        }
        self.deliver(name, link, &opened)
    }

    /// Passes a packet to its session. The link serves the session from its first new message on.
    fn deliver(
        &mut self,
        name: SessionName,
        link: LinkId,
        opened: &Opened<'_>,
    ) -> Result<(), ServerPacketError> {
        let found = self.links.get(&link).ok_or(ServerPacketError::UnknownLink)?;
        let (now, way) = (self.now, (found.kind, found.version.unwrap_or_default()));
        let arrival = self.with_session(name, |it| it.receive(now, (link, Some(way)), opened));
        let result = match arrival {
            Some(Ok(arrival)) => {
                if let Some(displaced) = arrival.displaced {
                    self.displace(name, displaced);
                }
                if arrival.is_new {
                    self.enter(name, link);
                } else {
                    self.leave_unanswered(name, link);
                }
                Ok(())
            }
            Some(Err(error)) => {
                if error.closes_link() {
                    self.close(link, None);
                }
                Err(ServerPacketError::Session(error))
            }
            None => Ok(()),
        };
        self.park_new(name);
        result
    }

    /// Closes a link over HTTP whose packet gets no response, because the session does not use the link.
    fn leave_unanswered(&mut self, name: SessionName, link: LinkId) {
        let found = self.links.get(&link);
        if found.is_some_and(|link| link.kind.is_http() && !link.sessions.contains(&name)) {
            self.close(link, None);
        }
    }

    /// Checks that a packet was made after the one with which its session began, if an earlier run of the server may
    /// have received either.
    ///
    /// The client has answered to a salt of this run with the first packet, so all later ones are new.
    // spec: session 5.3
    fn check_start(
        &self,
        name: SessionName,
        key: &Key,
        header: &InnerHeader,
    ) -> Result<(), Refusal> {
        let entry = self.sessions.get(&name);
        if entry.is_some_and(|entry| entry.session.is_below_floor(header.msg_id)) {
            let salt = key.salts.current(&self.config.salts, self.now.unix);
            return Err(Refusal::BadSalt { header: *header, salt });
        }
        Ok(())
    }

    /// Returns the lowest message id that a session accepts which begins with `first`: above all ids that an earlier run
    /// of the server may have received.
    pub(super) fn floor(&self, key: &Key, first: MsgId) -> Option<MsgId> {
        let breaks = self.session_config.rules().breaks(Mutation::RestartsIgnored);
        let started = self.started.filter(|_| key.is_stored && !breaks)?;
        let started = msg_id_at(started, MsgIdKind::Client).as_raw();
        let highest = started.saturating_add(u64::from(VALID_FUTURE_S) << 32);
        Some(MsgId::from_raw(highest.min(first.as_raw()).saturating_add(1)))
    }

    /// Returns `true` if the failed check is disabled.
    fn is_let_pass(&self, refusal: &Refusal) -> bool {
        let rule = match refusal.code() {
            16 | 17 => Mutation::WindowNotChecked,
            48 => Mutation::SaltsNotChecked,
            _ => return false,
        };
        self.session_config.rules().breaks(rule)
    }

    /// Notifies a client of the rejection, in its session if there is one.
    // spec: session 13
    fn refuse(&mut self, name: SessionName, link: LinkId, key: &Key, refusal: &Refusal) {
        if *refusal == Refusal::NoSession {
            self.close(link, Some(refusal.code()));
            return;
        }
        let now = self.now;
        if self.links.get(&link).is_some_and(|link| link.sessions.contains(&name)) {
            self.with_session(name, |session| session.refuse(now, link, refusal));
            return;
        }
        let is_replay = refusal.reply().is_some_and(|(header, _)| {
            let entry = self.sessions.get(&name);
            entry.is_some_and(|entry| entry.session.has_received(header.msg_id))
        });
        if is_replay {
            return self.leave_unanswered(name, link);
        }
        let Some(found) = self.links.get_mut(&link) else { return };
        let mut packet = Vec::new();
        let salt = key.salts.current(&self.config.salts, self.now.unix);
        let entropy = &mut self.entropy;
        let numbers = self.sessions.get_mut(&name).map(|entry| entry.session.service_number());
        let numbers = (salt, numbers.unwrap_or_else(|| SeqNoCounter::default().service()));
        let Some(start) = self.notices.append(now, numbers, refusal, &mut packet, entropy) else {
            return;
        };
        let version = found.version.unwrap_or_default();
        let room = (&mut packet, start);
        if version.seal(&key.secret, Side::Server, room, Padding::Minimum, entropy).is_ok() {
            found.reply(Reply::Packet(packet));
            self.wake(link);
        }
    }

    pub(super) fn close(&mut self, link: LinkId, error: Option<i32>) {
        if let Some(found) = self.links.get_mut(&link) {
            found.close(error);
        }
        self.wake(link);
    }
}

/// Decrypts the first packet of a link, whose version is not known yet. `copy` holds the same packet.
// spec: session 16
fn open_first<'p>(
    key: &AuthKey,
    packet: &'p mut [u8],
    copy: &'p mut [u8],
    allowed: Versions,
) -> Result<(Version, Opened<'p>), ServerPacketError> {
    if let Ok(opened) = Version::Two.open(key, Side::Client, packet) {
        return Ok((Version::Two, opened));
    }
    match (Version::One.open(key, Side::Client, copy), allowed) {
        (Ok(opened), Versions::CurrentAndOld) => Ok((Version::One, opened)),
        (Ok(_), Versions::Current) => Err(ServerPacketError::OldVersion),
        (Err(OpenError), _) => Err(ServerPacketError::Envelope),
    }
}

/// Look-ups before a packet reaches its session: link, key, ended session, session, timers.
const GATE_WORK: u64 = 8;
/// Transport error for unknown keys and sessions.
// spec: session 5.2
const NOT_FOUND: i32 = -404;
/// Transport error for exceeded limits.
const FLOOD: i32 = -429;
