//! The client's part of a link: pings and the round trip.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::MsgId;
use mtp_env::{Instant, Now};

use crate::session::link_state;

/// A link of a client session.
pub(super) type Link = link_state::Link<ClientLink>;

/// What only a client keeps of a link.
#[derive(Debug, Default)]
pub(crate) struct ClientLink {
    /// Over HTTP: a packet waits for its response; when the link is given up.
    pub(super) busy_until: Option<Instant>,
    pub(super) pings: Pings,
}

/// The pings of one link.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    /// Unanswered pings, oldest first.
    pub(super) out: Vec<PingOut>,
    /// When the last one was written.
    pub(super) last: Option<Instant>,
    /// A ping is to be written at the next opportunity.
    pub(super) due: bool,
    /// The application waits for a pong.
    pub(super) asked: bool,
    /// Spreads the pings of many links; drawn at the first packet.
    pub(super) jitter: Duration,
    /// The measured round trip.
    pub(super) rtt: Option<Duration>,
    /// Since when calls are in flight, as the timers have noticed it.
    pub(super) active_since: Option<Instant>,
}

/// An unanswered ping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PingOut {
    pub(super) msg_id: MsgId,
    pub(super) ping_id: u64,
    pub(super) at: Instant,
}

impl Pings {
    /// Removes the ping that a pong answers and measures the round trip; `None` if there is no such ping.
    pub(super) fn settle(&mut self, now: Now, msg_id: MsgId, ping_id: u64) -> Option<()> {
        let answered = |ping: &PingOut| ping.msg_id == msg_id && ping.ping_id == ping_id;
        let position = self.out.iter().position(answered)?;
        let ping = self.out.remove(position);
        self.asked = false;
        self.rtt = Some(now.mono.saturating_since(ping.at));
        Some(())
    }

    /// Returns the round trip that timers assume.
    // spec: session 8.7
    pub(super) fn rtt_for_timers(&self) -> Duration {
        let measured = self.rtt.unwrap_or_default();
        let padded = measured.saturating_add(measured / 2).saturating_add(Duration::from_secs(1));
        padded.max(RTT_MIN)
    }
}

/// The shortest round trip that timers assume.
const RTT_MIN: Duration = Duration::from_secs(2);
