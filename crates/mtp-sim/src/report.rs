//! What a run, and many runs, came to.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use mtp_session::client::ClientEvent;
use mtp_session::server::ServerEvent;
use mtp_session::service::Message;
use mtp_session::session::{Discard, Event, ResetCause};

use crate::faults::Faults;
use crate::invariants::Violation;
use crate::letter::Letter;

/// A run that kept all invariants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What went wrong in it.
    pub faults: Faults,
    /// How much time passed in it.
    pub virtual_time: Duration,
    /// How long after the end of all faults the last call ended.
    pub last_call_after: Duration,
    /// How many things happened that an observer could see.
    pub facts: u64,
    /// What happened how often.
    pub tally: Tally,
}

/// A run that broke an invariant, or panicked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What went wrong in it.
    pub faults: Faults,
    /// What was broken.
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.violation)?;
        writeln!(f, "  faults: {}", self.faults)?;
        write!(f, "  replay: cargo xtask simulate --seed {} --trace", self.seed)
    }
}

impl core::error::Error for Failure {}

/// What happened how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts one.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Counts one fault, by its name in the list of [`Faults`].
    pub(crate) fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.faults {
            *self.faults.entry(name).or_default() += count;
        }
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }

    /// Returns how often something happened.
    #[must_use]
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// Returns how often each fault was injected, by name.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.faults.iter().map(|(name, count)| (*name, *count))
    }

    /// Returns everything that happened, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(what, count)| (*what, *count))
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        let what = match event {
            Event::SessionReplaced { cause, .. } => match cause {
                ResetCause::NewKey => "sessions replaced: new key",
                ResetCause::BadMsg { code: 17 } => "sessions replaced: code 17",
                ResetCause::BadMsg { .. } => "sessions replaced: other codes",
                ResetCause::BelowFloor => "sessions replaced: below the floor",
                ResetCause::ClockSetBack => "sessions replaced: clock set back",
                _ => "sessions replaced: other causes",
            },
            Event::Discarded { reason: Discard::Duplicate, .. } => "duplicates at clients",
            Event::Discarded { reason: Discard::NotOurs, .. } => "messages that name nothing",
            Event::Discarded { reason: Discard::OutOfTime, .. } => "messages out of time",
            Event::Update { .. } => "updates told",
            Event::SessionCreated { .. } => "sessions greeted",
            Event::SaltsChanged => "salts changed",
            Event::TimeChanged { .. } => "clocks corrected",
            Event::Pong { .. } => "pongs",
            Event::Delivered { .. } => "calls delivered",
            Event::QuickAcked { .. } => "quick acknowledgements",
            _ => return,
        };
        self.count(what);
    }

    pub(crate) fn client_event(&mut self, event: &ClientEvent<'_>) {
        let what = match event {
            ClientEvent::KeyCreated { .. } => "keys made",
            ClientEvent::TemporaryKeyLost { .. } => "temporary keys lost",
            ClientEvent::PermanentKeyLost { .. } => "permanent keys doubted",
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
                Event::Call { .. } => "calls run",
                Event::CallTimedOut { .. } => "calls timed out",
                Event::CallDropped { .. } => "answers dropped",
                Event::AnswerAcked { .. } => "answers acknowledged",
                Event::PushAcked { .. } => "updates acknowledged",
                Event::Discarded { reason: Discard::Duplicate, .. } => "duplicates at the server",
                _ => return,
            },
            _ => return,
        };
        self.count(what);
    }

    pub(crate) fn letter(&mut self, letter: &Letter) {
        self.count("packets");
        for (_, message) in letter.messages() {
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
                Message::MsgsStateReq(_) => "questions about messages",
                Message::MsgResendReq(_) => "messages asked for again",
                Message::MsgDetailedInfo(_) | Message::MsgNewDetailedInfo(_) => {
                    "messages announced"
                }
                Message::GetFutureSalts(_) => "salts asked for",
                Message::DestroySession(_) => "old sessions ended",
                _ => continue,
            };
            self.count(what);
        }
    }
}
