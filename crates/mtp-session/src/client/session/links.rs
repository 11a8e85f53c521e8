//! Links that come and go, and pings on request.

use alloc::vec::Vec;

use mtp_env::Now;

use super::calls::Delivery;
use super::pings::Link;
use super::{ClientSession, ResetCause, timers};
use crate::link::LinkId;
use crate::session::LinkKind;
use crate::session::Mutation;

impl ClientSession {
    /// Adds a link that can carry packets.
    // spec: session 12 (Fresh, Open: link up)
    pub fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        self.core.links.add(now, link, kind, self.config.version);
        if self.breaks(Mutation::LinksReplaceSessions) {
            self.replace_session(now, ResetCause::Asked, &[]);
        }
        self.introduce_session();
        if self.todo.ping {
            self.ping_elsewhere();
        }
        // Calls that were acknowledged on a link that is gone get their time anew.
        for (_, flight) in self.calls.flights_mut() {
            if flight.delivery == Delivery::AckedBefore {
                flight.checked_at = now.mono;
            }
        }
        self.calls.blocked = false;
        self.check_by(now.mono + timers::ACKED_BEFORE);
    }

    /// Removes a link. What it carried is not lost: the session asks about it, or sends it again.
    // spec: session 11.4
    pub fn link_down(&mut self, now: Now, link: LinkId) {
        let Some(gone) = self.core.links.remove(link) else { return };
        let answered = gone.kind.is_http() && gone.wing.busy_until.is_none();
        if gone.wing.pings.asked {
            self.ping_elsewhere();
        }
        let mut lost = Vec::new();
        for (key, flight) in self.calls.flights_mut() {
            match flight.delivery {
                // Over HTTP a link that has answered may go without loss.
                Delivery::Sent if flight.link == link && !answered => {
                    flight.delivery = Delivery::Unknown;
                    lost.push(key);
                }
                // It may have been written on an older link and acknowledged on this one.
                Delivery::Acked if self.core.links.get(flight.link).is_none() => {
                    flight.delivery = Delivery::AckedBefore;
                    flight.checked_at = now.mono;
                }
                _ => {}
            }
        }
        lost.sort_unstable();
        for key in lost {
            self.calls.ask(key);
        }
        self.ask_again(|_, question| question.link == link);
        self.rebuild_bindings(|flight| flight.link == link);
        self.calls.blocked = false;
        self.introduce_session();
        self.check_by(now.mono + timers::ACKED_BEFORE);
    }

    /// Pings links on which the server has not heard of the session: until then it uses other links only.
    // spec: session 2
    fn introduce_session(&mut self) {
        let wanted = self.written && self.config.ping;
        for link in self.core.links.iter_mut().filter(|link| !link.used && !link.kind.is_http()) {
            link.wing.pings.due |= wanted;
        }
    }

    /// Pings a link now; [`ClientSessionEvent::Pong`](super::ClientSessionEvent::Pong) reports the round trip.
    ///
    /// Returns `true` if a ping will be sent: not on a link that is unknown or closing, nor on one that only waits for
    /// updates. If the link ends before the pong, another link pings in its place, so that every ping is answered.
    // spec: session 8.5
    pub fn ping(&mut self, link: LinkId) -> bool {
        let found = self.core.links.get_mut(link).filter(|link| can_ping(link));
        match found.filter(|_| !self.closed) {
            Some(link) => {
                link.wing.pings.due = true;
                link.wing.pings.asked = true;
                true
            }
            None => false,
        }
    }

    /// Returns `true` if a link is to be closed: its input is not read any more.
    pub(crate) fn is_closing(&self, link: LinkId) -> bool {
        self.core.links.get(link).is_some_and(|link| link.closing)
    }

    /// Pings another link in place of one that is gone, now or as soon as there is one.
    fn ping_elsewhere(&mut self) {
        if let Some(link) = self.core.links.iter_mut().find(|link| can_ping(link)) {
            (link.wing.pings.due, link.wing.pings.asked) = (true, true);
            self.todo.ping = false;
        } else {
            self.todo.ping = true;
        }
    }
}

/// Returns `true` if a link can carry a ping.
pub(super) fn can_ping(link: &Link) -> bool {
    !link.closing && link.kind != LinkKind::HttpPoll
}
