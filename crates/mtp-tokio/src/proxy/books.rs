//! Counters of a proxy.
#![cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "only metrics read some of it"))]

use mtp_transport::relay::{RelayConfig, RelayCounters, RelayEvent, RelayRefusal};

/// The counters of all connections.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) ledger: RelayCounters,
    /// Accepted connections.
    pub(crate) accepted: u64,
    /// Those of them that have not ended.
    pub(crate) open: u64,
    pub(crate) refused: Refusals,
    /// Connections that were closed to make room for others.
    pub(crate) displaced: u64,
    /// Failed connections to data centers and the site.
    pub(crate) dials_failed: u64,
}

/// Connections that know no secret, by what they did, and those for which there was no place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refusals {
    spoken: u64,
    hello: u64,
    header: u64,
    replayed: u64,
    timeout: u64,
    full: u64,
    other: u64,
}

impl Books {
    pub(super) fn new(config: &RelayConfig) -> Self {
        Self {
            ledger: RelayCounters::new(config),
            accepted: 0,
            open: 0,
            refused: Refusals::default(),
            displaced: 0,
            dials_failed: 0,
        }
    }

    pub(super) fn note_begin(&mut self) {
        self.accepted = self.accepted.saturating_add(1);
        self.open = self.open.saturating_add(1);
    }

    pub(super) fn note_end(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    pub(super) fn note_displaced(&mut self) {
        self.displaced = self.displaced.saturating_add(1);
    }

    /// Notes a connection that was closed because every place was taken.
    pub(super) fn note_full(&mut self) {
        self.refused.full = self.refused.full.saturating_add(1);
    }

    pub(super) fn note_failed_dial(&mut self) {
        self.dials_failed = self.dials_failed.saturating_add(1);
    }

    pub(super) fn note(&mut self, event: &RelayEvent) {
        self.ledger.count(event);
        if let RelayEvent::Refused(why) = event {
            let counter = self.refused.counter(why);
            *counter = counter.saturating_add(1);
        }
    }
}

impl Refusals {
    fn counter(&mut self, why: &RelayRefusal) -> &mut u64 {
        match why {
            RelayRefusal::Protocol(_) => &mut self.spoken,
            RelayRefusal::Hello(_) => &mut self.hello,
            RelayRefusal::Header => &mut self.header,
            RelayRefusal::Replayed => &mut self.replayed,
            RelayRefusal::Timeout => &mut self.timeout,
            _ => &mut self.other,
        }
    }

    pub(crate) const fn as_labelled(&self) -> [(&'static str, u64); 7] {
        [
            ("spoken", self.spoken),
            ("hello", self.hello),
            ("header", self.header),
            ("replayed", self.replayed),
            ("timeout", self.timeout),
            ("full", self.full),
            ("other", self.other),
        ]
    }
}
