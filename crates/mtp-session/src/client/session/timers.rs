//! Timers: calls without news, pings, silent links.

use core::time::Duration;

use mtp_env::{Deadline, Now};

use super::ClientSession;
use super::calls::Delivery;
use super::pings::{Link, Pings};
use crate::link::LinkId;
use crate::session::Mutation;

impl ClientSession {
    /// Does what is due; the next packets carry it out. An early call does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.core.ledger.acks.handle_timeout(now);
        self.refusals.handle_timeout(now);
        self.flush_at = self.flush_at.filter(|at| *at > now.mono);
        if self.check_at.is_some_and(|at| at <= now.mono) {
            self.check_at = None;
            self.check_calls(now);
        }
        for link in self.core.links.iter_mut() {
            link.closing |= link.wing.busy_until.is_some_and(|at| at <= now.mono);
        }
        if !self.is_talking() {
            return;
        }
        let active = self.is_active();
        for link in self.core.links.iter_mut().filter(|link| is_timed(link)) {
            handle_link_timeout(link, now, active);
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) must be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        if self.core.links.iter().all(|link| link.closing) || self.is_mute() {
            // Without a link or a key there is nothing to do.
            return None;
        }
        if self.breaks(Mutation::TimersSpin) {
            return Some(Deadline::new(mtp_env::Instant::default(), "broken on purpose"));
        }
        let flush = self.flush_at.filter(|_| !self.calls.blocked);
        let mut next = Deadline::earliest(
            self.core.ledger.acks.deadline(),
            self.check_at.map(|at| Deadline::new(at, "calls")),
        );
        next = Deadline::earliest(next, self.refusals.deadline());
        next = Deadline::earliest(next, flush.map(|at| Deadline::new(at, "flush")));
        let busy = self
            .core
            .links
            .iter()
            .filter(|link| !link.closing)
            .filter_map(|link| link.wing.busy_until);
        next = Deadline::earliest(next, busy.min().map(|at| Deadline::new(at, "http")));
        if self.is_talking() {
            let active = self.is_active();
            for link in self.core.links.iter().filter(|link| is_timed(link)) {
                next = Deadline::earliest(next, link_deadline(link, active));
            }
        }
        next
    }

    /// Returns `true` if a ping is due, or may travel with other messages.
    pub(super) fn may_ping(&self, now: Now, link: &Link) -> bool {
        if link.wing.pings.due {
            return true;
        }
        if !self.config.ping || link.kind.is_http() {
            return false;
        }
        let active = self.is_active();
        let interval = ping_interval(&link.wing.pings, active);
        let last = link.wing.pings.last.unwrap_or(link.up_since);
        !link.used || now.mono.saturating_since(last) >= interval / 2
    }

    /// Returns the delay of `ping_delay_disconnect`: when this side gives the link up, and a margin.
    // spec: session 8.6
    pub(super) fn disconnect_delay_s(&self, link: LinkId) -> i32 {
        let jitter =
            self.core.links.get(link).map_or(Duration::ZERO, |link| link.wing.pings.jitter);
        let delay = IDLE_CLOSE.saturating_add(jitter).saturating_add(DISCONNECT_MARGIN);
        i32::try_from(delay.as_secs()).unwrap_or(i32::MAX)
    }

    /// Checks calls in flight without news.
    // spec: session 11.4
    fn check_calls(&mut self, now: Now) {
        let ask_after = self.config.ask_after;
        let slow = self
            .core
            .links
            .iter()
            .map(|link| link.wing.pings.rtt_for_timers())
            .max()
            .unwrap_or_default();
        let mut next = None;
        let (mut ask, mut retransmit) = (alloc::vec::Vec::new(), alloc::vec::Vec::new());
        for (key, flight) in self.calls.flights_mut() {
            let after = match flight.delivery {
                Delivery::Sent | Delivery::Unknown | Delivery::Answered => ask_after,
                Delivery::AckedBefore => ACKED_BEFORE.saturating_add(slow),
                Delivery::Acked => continue,
            };
            let mut at = flight.checked_at + after;
            if at <= now.mono {
                if flight.delivery == Delivery::Answered {
                    retransmit.push(key);
                } else {
                    flight.delivery = Delivery::Unknown;
                    ask.push(key);
                }
                flight.checked_at = now.mono;
                at = now.mono + ask_after;
            }
            next = Some(next.map_or(at, |next: mtp_env::Instant| next.min(at)));
        }
        ask.sort_unstable();
        for key in ask {
            self.calls.ask(key);
        }
        for key in retransmit {
            self.calls.retransmit(key);
        }
        self.check_at = next;
    }

    /// Returns `true` if nothing may be written: there is no key, or the session is over.
    pub(super) const fn is_mute(&self) -> bool {
        self.closed || self.keys.is_absent()
    }

    fn is_talking(&self) -> bool {
        self.config.ping && !self.is_mute()
    }

    fn is_active(&self) -> bool {
        self.online || self.calls.in_flight() > 0
    }
}

/// Time that a call acknowledged on a lost link waits for its answer, beside the round trip.
// spec: session 11.4
pub(super) const ACKED_BEFORE: Duration = Duration::from_secs(60);
/// Interval between pings of an idle link, without the jitter.
const IDLE_PING: Duration = Duration::from_secs(60);
/// Time without packets after which an idle link is dead, without the jitter.
const IDLE_CLOSE: Duration = Duration::from_secs(135);
/// How much later than the client the server gives a link up.
const DISCONNECT_MARGIN: Duration = Duration::from_secs(2);

fn is_timed(link: &Link) -> bool {
    link.used && !link.closing && !link.kind.is_http()
}

fn ping_interval(pings: &Pings, active: bool) -> Duration {
    if active { pings.rtt_for_timers() } else { IDLE_PING.saturating_add(pings.jitter) }
}

fn handle_link_timeout(link: &mut Link, now: Now, active: bool) {
    if active != link.wing.pings.active_since.is_some() {
        link.wing.pings.active_since = active.then_some(now.mono);
        if active {
            // The answer to an older ping proves nothing about the link now.
            link.wing.pings.out.clear();
            link.wing.pings.due |= link.wing.pings.last.is_some_and(|last| last < now.mono);
        }
    }
    if link_closes_at(link, active) <= now.mono {
        link.closing = true;
    } else if next_ping(link, active).is_some_and(|at| at <= now.mono) {
        link.wing.pings.due = true;
    }
}

fn link_deadline(link: &Link, active: bool) -> Option<Deadline> {
    let close = Some(Deadline::new(link_closes_at(link, active), "link"));
    Deadline::earliest(next_ping(link, active).map(|at| Deadline::new(at, "ping")), close)
}

fn next_ping(link: &Link, active: bool) -> Option<mtp_env::Instant> {
    let last = link.wing.pings.last.unwrap_or(link.up_since);
    (!link.wing.pings.due).then(|| last + ping_interval(&link.wing.pings, active))
}

/// Returns when a silent link is given up.
// spec: session 8.7
fn link_closes_at(link: &Link, active: bool) -> mtp_env::Instant {
    let idle = link.read_at + IDLE_CLOSE.saturating_add(link.wing.pings.jitter);
    let Some(since) = link.wing.pings.active_since.filter(|_| active) else { return idle };
    let unit = link.wing.pings.rtt_for_timers();
    let silent = link.read_at.max(since) + unit.saturating_mul(7) / 2;
    let unanswered = link.wing.pings.out.iter().find(|ping| ping.at >= link.read_at);
    let unanswered = unanswered.map(|ping| ping.at + unit.saturating_mul(5) / 2);
    unanswered.map_or(silent, |at| at.min(silent)).min(idle)
}
