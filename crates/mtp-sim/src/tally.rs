//! Counters of events and faults.

use std::collections::BTreeMap;

/// Counters of events and injected faults, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    maxima: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts an event.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Counts a fault by its name in the list of faults.
    pub(crate) fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    /// Notes an amount, of which the largest is kept.
    pub(crate) fn most(&mut self, what: &'static str, amount: u64) {
        let largest = self.maxima.entry(what).or_default();
        *largest = (*largest).max(amount);
    }

    /// Adds the counters of another tally.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.faults {
            *self.faults.entry(name).or_default() += count;
        }
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for (what, amount) in &other.maxima {
            self.most(what, *amount);
        }
    }

    /// Returns the largest amounts by name.
    pub fn maxima(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.maxima.iter().map(|(what, amount)| (*what, *amount))
    }

    /// Returns the number of events with this name.
    #[must_use]
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// Returns the number of injected faults by name.
    pub fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.faults.iter().map(|(name, count)| (*name, *count))
    }

    /// Returns the number of events by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(what, count)| (*what, *count))
    }
}
