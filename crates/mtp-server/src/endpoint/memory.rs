//! Memory of all links and sessions together.

use mtp_env::Now;

use super::Endpoint;
use crate::counters::add_one;

impl Endpoint {
    /// Returns the bytes that clients make the endpoint hold: incomplete frames of links, and calls,
    /// answers and pushes of sessions.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.admission.held_bytes().saturating_add(self.hub.server().held_bytes())
    }

    /// Returns `true` if strangers have to wait, because memory is needed by those who are here.
    pub(super) const fn is_memory_tight(&self) -> bool {
        self.held_bytes() >= self.memory_max.saturating_sub(self.memory_max >> TIGHT_SHIFT)
    }

    /// Frees memory beyond the limit: the session or the link that holds the most is closed.
    pub(super) fn enforce_memory(&mut self, now: Now) {
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

/// Memory is tight when less than an eighth of it is left.
const TIGHT_SHIFT: u32 = 3;
