//! Life cycle of sessions, and the ends of keys.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use mtp_crypto::{AuthKeyId, MsgId, SessionId};
use mtp_env::{Entropy, Instant};

use super::session::ServerSession;
use super::{KeyEnd, QueuedEvent, ServerMachine, SessionEnd, SessionName, Timer, wake};
use crate::established::KeyKind;
use crate::link::LinkId;

/// A session and its state at the server.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) session: Box<ServerSession>,
    /// Links that carry it.
    pub(super) links: Vec<LinkId>,
    /// Deadline of its timer.
    timer: Option<Instant>,
    /// Time at which it lost its last link.
    parked: Option<Instant>,
    /// The session is in the server's queue of sessions with events.
    pub(super) is_queued: bool,
    /// Bytes that it held when it was last looked at.
    held: usize,
}

impl ServerMachine {
    /// Creates a session for a packet, evicting others if necessary. Returns `None` if there is no room.
    // spec: session 5.2, 17
    pub(super) fn make_session(
        &mut self,
        name: SessionName,
        link: LinkId,
        first: MsgId,
    ) -> Option<()> {
        if self.keys.get(name.key)?.sessions >= self.config.sessions_per_key_max.max(1) {
            self.evict_of_key(name.key);
        }
        if self.sessions.len() >= self.config.sessions_max {
            let (_, oldest) = self.parked.first()?;
            self.end_session(oldest, SessionEnd::Evicted);
        }
        let floor = self.keys.get(name.key).and_then(|key| self.floor(key, first));
        let key = self.keys.get_mut(name.key)?;
        key.sessions = key.sessions.saturating_add(1);
        key.used = true;
        let mut session = ServerSession::new(
            self.now,
            Arc::clone(&key.secret),
            name.id,
            (Arc::clone(&self.config.salts), key.salts),
            Arc::clone(&self.session_config),
            &mut self.entropy,
        );
        if let Some(floor) = floor {
            session.refuse_below(floor);
        }
        let entry = Entry {
            session: Box::new(session),
            links: Vec::new(),
            timer: None,
            parked: None,
            is_queued: false,
            held: 0,
        };
        self.sessions.insert(name, entry);
        self.events.push_back(QueuedEvent::SessionNew { session: name, link });
        Some(())
    }

    /// Records that a session uses a link, which the session has attached.
    pub(super) fn enter(&mut self, name: SessionName, link: LinkId) {
        let Some(found) = self.links.get_mut(&link) else { return };
        if found.sessions.last() == Some(&name) {
            return;
        }
        let was_there = found.sessions.contains(&name);
        let evicted = found.enter(name, self.config.sessions_per_link_max);
        if let Some(evicted) = evicted {
            self.leave(evicted, link);
        }
        if was_there {
            return;
        }
        if let Some(entry) = self.sessions.get_mut(&name) {
            entry.links.push(link);
            self.parked.change(name, &mut entry.parked, None);
        }
        self.wake(link);
    }

    /// Records that a session has given up a link.
    pub(super) fn displace(&mut self, name: SessionName, link: LinkId) {
        if let Some(found) = self.links.get_mut(&link) {
            found.leave(name);
        }
        if let Some(entry) = self.sessions.get_mut(&name) {
            entry.links.retain(|other| *other != link);
        }
    }

    /// Records that a session was created by a packet that did not attach its link.
    pub(super) fn park_new(&mut self, name: SessionName) {
        let now = self.now;
        if let Some(entry) = self.sessions.get_mut(&name).filter(|entry| entry.links.is_empty())
            && entry.parked.is_none()
        {
            self.parked.change(name, &mut entry.parked, Some(now.mono));
        }
    }

    /// Detaches a session from a link.
    pub(super) fn leave(&mut self, name: SessionName, link: LinkId) {
        let now = self.now;
        self.with_session(name, |session| session.link_down(now, link));
        if let Some(entry) = self.sessions.get_mut(&name) {
            entry.links.retain(|other| *other != link);
            if entry.links.is_empty() {
                self.parked.change(name, &mut entry.parked, Some(now.mono));
            }
        }
    }

    /// Lets a session write with message ids greater than all earlier ones of the server.
    pub(super) fn write_session<T>(
        &mut self,
        name: SessionName,
        write: impl FnOnce(&mut ServerSession, &mut dyn Entropy) -> T,
    ) -> Option<T> {
        let entry = self.sessions.get_mut(&name)?;
        let before = entry.session.work();
        let ids = self.notices.ids(&mut self.entropy);
        let written = entry.session.share_ids(ids, |it| write(it, &mut self.entropy));
        self.meter.add(entry.session.work() - before);
        self.settle(name);
        Some(written)
    }

    /// Applies `work` to a session and updates its timer and its place in the queues.
    pub(super) fn with_session<T>(
        &mut self,
        name: SessionName,
        work: impl FnOnce(&mut ServerSession) -> T,
    ) -> Option<T> {
        let entry = self.sessions.get_mut(&name)?;
        let before = entry.session.work();
        let result = work(&mut entry.session);
        self.meter.add(entry.session.work() - before);
        for link in &entry.links {
            wake(&mut self.links, &mut self.ready, *link);
        }
        self.settle(name);
        Some(result)
    }

    /// Updates the timer of a session and queues its events.
    fn settle(&mut self, name: SessionName) {
        let Some(entry) = self.sessions.get_mut(&name) else { return };
        let held = entry.session.held_bytes();
        self.held_bytes = self.held_bytes.saturating_sub(entry.held).saturating_add(held);
        let (before, after) = (rank(entry.held), rank(held));
        entry.held = held;
        if before != after {
            self.greedy.remove(&(before, name));
            if after > 0 {
                self.greedy.insert((after, name));
            }
        }
        let next = entry.session.poll_timeout().map(|deadline| deadline.at);
        self.timers.change(Timer::Session(name), &mut entry.timer, next);
        if entry.session.is_closed() {
            // A session closes itself after too long without a link or if its client does not read.
            let cause = if entry.parked.is_some() { SessionEnd::Idle } else { SessionEnd::Stuck };
            self.end_session(name, cause);
        } else if !entry.is_queued && entry.session.has_events() {
            entry.is_queued = true;
            self.with_events.push_back(name);
        }
    }

    /// Evicts the session of a key that lost its last link first, or any if all have links.
    // spec: session 17
    fn evict_of_key(&mut self, key: AuthKeyId) {
        let of_key = self.sessions.range(names_of(key));
        let oldest =
            of_key.min_by_key(|(_, entry)| entry.parked.unwrap_or(Instant::from_micros(u64::MAX)));
        if let Some((name, _)) = oldest {
            self.end_session(*name, SessionEnd::Evicted);
        }
    }

    /// Removes a session. Returns true if it existed.
    pub(super) fn end_session(&mut self, name: SessionName, cause: SessionEnd) -> bool {
        let Some(mut entry) = self.sessions.remove(&name) else { return false };
        self.timers.change(Timer::Session(name), &mut entry.timer, None);
        self.parked.change(name, &mut entry.parked, None);
        self.held_bytes = self.held_bytes.saturating_sub(entry.held);
        self.greedy.remove(&(rank(entry.held), name));
        for link in entry.links {
            if let Some(link) = self.links.get_mut(&link) {
                link.leave(name);
            }
        }
        if let Some(key) = self.keys.get_mut(name.key) {
            key.sessions = key.sessions.saturating_sub(1);
        }
        if let Some(highest) = entry.session.last_received() {
            let limits = (self.config.sessions_per_key_max, self.config.sessions_max);
            self.ended.insert(self.now.unix, name, highest, limits);
        }
        self.events.push_back(QueuedEvent::SessionGone { session: name, cause });
        true
    }

    // ── the ends of keys ───────────────────────────────────────────────────────────────────────

    pub(super) fn is_expired(&self, kind: KeyKind) -> bool {
        matches!(kind, KeyKind::Temporary { expires_at, .. } if expires_at <= self.now.unix)
    }

    /// Sets the timer of a temporary key.
    pub(super) fn arm_key(&mut self, id: AuthKeyId) {
        let now = self.now;
        let Some(key) = self.keys.get_mut(id) else { return };
        let next = key.role.expires_at().map(|expires_at| {
            let nanos = expires_at.as_nanos().saturating_sub(now.unix.as_nanos());
            now.mono + core::time::Duration::from_nanos(nanos)
        });
        self.timers.change(Timer::Key(id), &mut key.timer, next);
    }

    /// Removes a key whose timer has fired, or rearms the timer if the wall clock was set back.
    pub(super) fn expire_key(&mut self, id: AuthKeyId) {
        match self.keys.get(id) {
            Some(key) if key.role.is_over(self.now.unix) => self.end_key(id, KeyEnd::Expired),
            Some(_) => self.arm_key(id),
            None => {}
        }
    }

    /// Removes a key and all its sessions.
    pub(super) fn end_key(&mut self, id: AuthKeyId, cause: KeyEnd) {
        let names: Vec<SessionName> =
            self.sessions.range(names_of(id)).map(|(name, _)| *name).collect();
        for name in names {
            self.end_session(name, SessionEnd::KeyGone);
        }
        if let Some(mut key) = self.keys.remove(id) {
            self.timers.change(Timer::Key(id), &mut key.timer, None);
            self.events.push_back(QueuedEvent::KeyDestroyed { key: id, cause });
        }
    }
}

/// Returns the rank of a session among the greedy ones: the number of its bytes in units of 64 KiB.
const fn rank(held: usize) -> usize {
    held >> 16
}

fn names_of(key: AuthKeyId) -> core::ops::RangeInclusive<SessionName> {
    let name = |id| SessionName { key, id: SessionId::from_raw(id) };
    name(0)..=name(u64::MAX)
}
