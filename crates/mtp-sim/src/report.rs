//! Results of runs.

use core::fmt;
use core::time::Duration;

use mtp_session::client::{ClientEvent, ClientSessionEvent, ResetCause};
use mtp_session::server::{ServerEvent, ServerSessionEvent};
use mtp_session::service::Message;
use mtp_session::session::Discard;

use crate::faults::Faults;
use crate::opened_packet::OpenedPacket;
use crate::tally::Tally;
use crate::violation::Violation;

/// The result of a run in which all invariants held.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The faults of the run.
    pub faults: Faults,
    /// The virtual duration.
    pub virtual_time: Duration,
    /// Time from the end of all faults to the end of the last call.
    pub last_call_after: Duration,
    /// Number of facts observed.
    pub facts: u64,
    /// Counters of events.
    pub tally: Tally,
}

/// The result of a run that broke an invariant or panicked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The faults of the run.
    pub faults: Faults,
    /// The broken invariant.
    pub violation: Violation,
    /// The scenario was made by [`Scenario::kills`](crate::Scenario::kills).
    pub killing: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.violation)?;
        writeln!(f, "  faults: {}", self.faults)?;
        let kills = if self.killing { "--kills " } else { "" };
        write!(f, "  replay: cargo xtask simulate {kills}--seed {} --trace", self.seed)
    }
}

impl core::error::Error for Failure {}

impl Tally {
    pub(crate) fn session_event(&mut self, event: &ClientSessionEvent<'_>) {
        let what = match event {
            ClientSessionEvent::SessionReplaced { cause, .. } => match cause {
                ResetCause::NewKey => "sessions replaced: new key",
                ResetCause::BadMsg { code: 17 } => "sessions replaced: code 17",
                ResetCause::BadMsg { .. } => "sessions replaced: other codes",
                ResetCause::BelowFloor => "sessions replaced: below the floor",
                ResetCause::ClockSetBack => "sessions replaced: clock set back",
                _ => "sessions replaced: other causes",
            },
            ClientSessionEvent::Discarded { reason: Discard::Duplicate, .. } => {
                "duplicates at clients"
            }
            ClientSessionEvent::Discarded { reason: Discard::NotOurs, .. } => {
                "messages with unknown references"
            }
            ClientSessionEvent::Discarded { reason: Discard::OutOfTime, .. } => {
                "messages outside the time window"
            }
            ClientSessionEvent::Update { .. } => "updates delivered",
            ClientSessionEvent::SessionCreated { .. } => "session announcements",
            ClientSessionEvent::SaltsChanged => "salts changed",
            ClientSessionEvent::TimeChanged { .. } => "clocks corrected",
            ClientSessionEvent::Pong { .. } => "pongs",
            ClientSessionEvent::Delivered { .. } => "calls delivered",
            ClientSessionEvent::QuickAcked { .. } => "quick acknowledgments",
            _ => return,
        };
        self.count(what);
    }

    pub(crate) fn client_event(&mut self, event: &ClientEvent<'_>) {
        let what = match event {
            ClientEvent::KeyCreated { .. } => "keys made",
            ClientEvent::TemporaryKeyLost { .. } => "temporary keys lost",
            ClientEvent::PermanentKeyLost { .. } => "permanent keys in doubt",
            ClientEvent::ExchangeFailed { .. } => "key exchanges failed",
            _ => return,
        };
        self.count(what);
    }

    pub(crate) fn server_event(&mut self, event: &ServerEvent<'_>) {
        let what = match event {
            ServerEvent::KeyBound { .. } => "keys bound",
            ServerEvent::SessionNew { .. } => "sessions begun",
            ServerEvent::SessionGone { .. } => "sessions ended",
            ServerEvent::Session { event, .. } => match event {
                ServerSessionEvent::Call { .. } => "calls run",
                ServerSessionEvent::CallTimedOut { .. } => "calls timed out",
                ServerSessionEvent::CallDropped { .. } => "answers dropped",
                ServerSessionEvent::AnswerAcked { .. } => "answers acknowledged",
                ServerSessionEvent::PushAcked { .. } => "updates acknowledged",
                ServerSessionEvent::Discarded { reason: Discard::Duplicate, .. } => {
                    "duplicates at the server"
                }
                _ => return,
            },
            _ => return,
        };
        self.count(what);
    }

    pub(crate) fn opened(&mut self, opened: &OpenedPacket) {
        self.count("packets");
        for (_, message) in opened.parsed() {
            self.count("messages");
            let what = match message {
                Message::BadMsgNotification(bad) => match bad.error_code {
                    16 => "refusals: 16",
                    17 => "refusals: 17",
                    20 => "refusals: 20",
                    32 | 33 => "refusals: 32, 33",
                    64 => "refusals: 64",
                    _ => "refusals: other codes",
                },
                Message::BadServerSalt(_) => "refusals: 48",
                Message::MsgsStateReq(_) => "state requests",
                Message::MsgResendReq(_) => "resend requests",
                Message::MsgDetailedInfo(_) | Message::MsgNewDetailedInfo(_) => {
                    "messages announced"
                }
                Message::GetFutureSalts(_) => "salt requests",
                Message::DestroySession(_) => "old sessions destroyed",
                _ => continue,
            };
            self.count(what);
        }
    }
}
