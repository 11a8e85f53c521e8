//! Memory of all links and sessions together.
//!
//! ```text
//!   3/4 ──▶ strangers, and clients with unwritten answers, are not read
//!   7/8 ──▶ new connections are refused
//!   1   ──▶ the session or link that holds the most is closed
//! ```

use mtp_env::Now;
use mtp_session::link::LinkId;

use super::Endpoint;
use crate::admission::Standing;
use crate::counters::add_one;

impl Endpoint {
    /// Returns the bytes that clients make the endpoint hold: incomplete frames of links, and calls,
    /// answers and pushes of sessions.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.admission.held_bytes().saturating_add(self.hub.server().held_bytes())
    }

    /// Returns `true` if new connections are refused: less than an eighth of the memory is left.
    pub(super) const fn is_memory_short(&self) -> bool {
        self.held_bytes() >= self.memory_max.saturating_sub(self.memory_max / 8)
    }

    /// Returns `true` if a link is not read while memory is tight: its client has not proved a key, or has
    /// answers to take first.
    ///
    /// Links without unwritten output are read: they bring the acknowledgments that free memory.
    pub(super) fn has_to_wait(&self, link: LinkId) -> bool {
        self.admission.standing(link) == Some(Standing::Unproven)
            || self.hub.server().has_unwritten(link)
    }

    /// Notes whether memory is tight: from three quarters of the limit, until three eighths are free.
    pub(super) fn watch_memory(&mut self) {
        let (held, max) = (self.held_bytes(), self.memory_max);
        if !self.is_tight {
            self.is_tight = held >= max.saturating_sub(max / 4);
        } else if held < (max / 8).saturating_mul(5) {
            self.is_tight = false;
            self.roused = self.admission.links().collect();
        }
    }

    /// Frees memory beyond the limit: the session or the link that holds the most is closed.
    pub(super) fn enforce_memory(&mut self, now: Now) {
        self.displace_greediest(now);
        self.watch_memory();
    }

    fn displace_greediest(&mut self, now: Now) {
        self.counters.work = self.hub.server().work().as_u64();
        while self.held_bytes() > self.memory_max {
            let session = self.hub.server().greediest();
            let of_session = session.map_or(0, |name| self.hub.server().held_bytes_of(name));
            let link = self.admission.largest();
            match (session, link) {
                (Some(session), link) if link.is_none_or(|(held, _)| held <= of_session) => {
                    add_one(&mut self.counters.cut.greedy_sessions);
                    self.hub.server_mut().evict(now, session);
                }
                (_, Some((_, link))) => {
                    add_one(&mut self.counters.cut.greedy);
                    self.cut(now, link);
                }
                // The rest is held by sessions too small to matter.
                _ => return,
            }
        }
    }
}
