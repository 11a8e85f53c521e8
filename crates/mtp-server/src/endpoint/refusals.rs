//! What was refused, summed up for logs.

use alloc::string::String;
use core::net::IpAddr;
use core::time::Duration;

use mtp_env::{Deadline, Instant, Now};

use crate::admission::Refused;
use crate::counters::{RefusedCounters, add_one};

/// What was refused since the last summary: at most one summary comes in each
/// [`refusals_every`](super::EndpointConfig::refusals_every), however much is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusals {
    /// Connections refused at the door.
    pub connections: RefusedCounters,
    /// Links closed with −429, because their address has too many.
    pub links_doomed: u64,
    /// Key exchanges refused with −429.
    pub exchanges: u64,
    /// Links closed to make room for others.
    pub displaced: u64,
    /// Reads after which a link was left unread for a while, because its network or its key had caused too much
    /// work.
    pub paused: u64,
    /// Calls answered as unknown methods.
    pub calls: u64,
    /// The address that was refused last, or whose link was closed.
    pub address: Option<IpAddr>,
    /// The last error of an unknown method, `INPUT_METHOD_INVALID_<id>_<layer>`.
    pub call: Option<String>,
}

/// One refusal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal<'a> {
    Connection(Refused),
    DoomedLink,
    Exchange,
    Displaced,
    Paused,
    Call(&'a str),
}

/// Sums up refusals and limits how often they are reported.
#[derive(Debug, Default)]
pub(super) struct RefusalLog {
    sum: Option<Refusals>,
    /// Before then no summary is reported.
    quiet_until: Instant,
}

impl RefusalLog {
    pub(super) fn note(&mut self, refusal: Refusal<'_>, address: Option<IpAddr>) {
        let sum = self.sum.get_or_insert_default();
        if address.is_some() {
            sum.address = address;
        }
        match refusal {
            Refusal::Connection(why) => sum.connections.note(why),
            Refusal::DoomedLink => add_one(&mut sum.links_doomed),
            Refusal::Exchange => add_one(&mut sum.exchanges),
            Refusal::Displaced => add_one(&mut sum.displaced),
            Refusal::Paused => add_one(&mut sum.paused),
            Refusal::Call(error) => {
                add_one(&mut sum.calls);
                // An application writes the error, and it goes into a log.
                sum.call = Some(error.chars().take(CALL_LEN_MAX).collect());
            }
        }
    }

    /// Returns the sum, if it may be reported.
    pub(super) fn poll(&mut self, now: Now, every: Duration) -> Option<Refusals> {
        if now.mono < self.quiet_until {
            return None;
        }
        let sum = self.sum.take()?;
        self.quiet_until = now.mono + every;
        Some(sum)
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        self.sum.as_ref().map(|_| Deadline::new(self.quiet_until, "report of refusals"))
    }
}

/// Characters of an error that a summary shows.
const CALL_LEN_MAX: usize = 64;
