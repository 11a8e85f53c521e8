//! Work over time: what networks and keys have caused beyond what their bytes pay for.

use alloc::collections::{BTreeMap, BTreeSet};

use mtp_env::{Instant, Now, Work};

/// A rate of work: `burst` at once, then `per_second`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkRate {
    /// Work allowed at once.
    pub burst: Work,
    /// Work allowed in each second besides. With zero nothing is allowed again.
    pub per_second: Work,
}

impl WorkRate {
    /// No limit.
    pub const UNLIMITED: Self = Self::new(u64::MAX, u64::MAX);

    /// Allows `burst` units at once, then `per_second`.
    #[must_use]
    pub const fn new(burst: u64, per_second: u64) -> Self {
        Self { burst: Work::new(burst), per_second: Work::new(per_second) }
    }

    /// Returns the time in microseconds in which `units` are allowed.
    fn micros_for(self, units: u64) -> u64 {
        let per_second = u128::from(self.per_second.as_u64().max(1));
        let micros = u128::from(units).saturating_mul(MICROS_PER_SECOND).div_ceil(per_second);
        u64::try_from(micros).unwrap_or(u64::MAX)
    }

    /// Returns the units that are allowed in some microseconds.
    fn units_in(self, micros: u64) -> u64 {
        let units = u128::from(self.per_second.as_u64()).saturating_mul(u128::from(micros))
            / MICROS_PER_SECOND;
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

/// The work of all who caused more than their bytes pay for, until it is worked off.
#[derive(Debug)]
pub(crate) struct Budgets<K> {
    debts: BTreeMap<K, Debt>,
    /// When each debt is worked off, the earliest first.
    ends: BTreeSet<(Instant, K)>,
}

/// Work that was done and is not worked off.
#[derive(Clone, Copy, Debug)]
struct Debt {
    units: u64,
    at: Instant,
    end: Instant,
}

impl<K> Default for Budgets<K> {
    fn default() -> Self {
        Self { debts: BTreeMap::new(), ends: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Budgets<K> {
    /// Charges work that was done. Returns until when no more is to be caused, if the burst is exceeded.
    pub(crate) fn charge(
        &mut self,
        now: Now,
        who: K,
        rate: WorkRate,
        work: Work,
    ) -> Option<Instant> {
        if rate == WorkRate::UNLIMITED {
            return None;
        }
        self.forget(now);
        let before = self.debts.remove(&who);
        if let Some(before) = before {
            self.ends.remove(&(before.end, who));
        }
        let left = before.map_or(0, |debt| {
            let micros = now.mono.saturating_since(debt.at).as_micros();
            debt.units.saturating_sub(rate.units_in(u64::try_from(micros).unwrap_or(u64::MAX)))
        });
        let units = left.saturating_add(work.as_u64());
        let after = |units| {
            let micros = rate.micros_for(units).min(LONGEST);
            Instant::from_micros(now.mono.as_micros().saturating_add(micros))
        };
        let debt = Debt { units, at: now.mono, end: after(units) };
        self.debts.insert(who, debt);
        self.ends.insert((debt.end, who));
        let beyond = units.saturating_sub(rate.burst.as_u64());
        (beyond > 0).then(|| after(beyond))
    }

    /// Forgets who has worked off everything.
    fn forget(&mut self, now: Now) {
        while let Some((end, who)) = self.ends.first().copied()
            && end <= now.mono
        {
            self.ends.pop_first();
            self.debts.remove(&who);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.debts.len()
    }
}

const MICROS_PER_SECOND: u128 = 1_000_000;
/// An hour: nobody is left unread for longer.
const LONGEST: u64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const RATE: WorkRate = WorkRate::new(100, 10);

    fn at(millis: u64) -> Now {
        Now::default().after(Duration::from_millis(millis))
    }

    #[test]
    fn budget_is_spent_one_unit_above_its_burst() {
        let mut budgets = Budgets::default();
        assert_eq!(budgets.charge(at(0), 1, RATE, Work::new(99)), None);
        assert_eq!(budgets.charge(at(0), 1, RATE, Work::new(1)), None);
        assert_eq!(budgets.charge(at(0), 1, RATE, Work::new(1)), Some(at(100).mono));
        assert_eq!(budgets.charge(at(0), 2, RATE, Work::new(100)), None, "each has its own");
    }

    #[test]
    fn budget_is_worked_off_with_time() {
        let mut budgets = Budgets::default();
        assert_eq!(budgets.charge(at(0), 1, RATE, Work::new(150)), Some(at(5000).mono));
        assert_eq!(budgets.charge(at(5000), 1, RATE, Work::new(0)), None);
        assert_eq!(budgets.charge(at(5000), 1, RATE, Work::new(20)), Some(at(7000).mono));
        // Time that steps back gives nothing and takes nothing.
        assert_eq!(budgets.charge(at(4000), 1, RATE, Work::new(0)), Some(at(6000).mono));
    }

    #[test]
    fn who_has_worked_off_everything_is_forgotten() {
        let mut budgets = Budgets::default();
        for who in 0..100 {
            let _ = budgets.charge(at(0), who, RATE, Work::new(10));
        }
        assert_eq!(budgets.len(), 100);
        let _ = budgets.charge(at(1000), 100, RATE, Work::new(1));
        assert_eq!(budgets.len(), 1);
    }

    #[test]
    fn unlimited_budget_keeps_nothing() {
        let mut budgets = Budgets::default();
        let all = Work::new(u64::MAX);
        assert_eq!(budgets.charge(at(0), 1, WorkRate::UNLIMITED, all), None);
        assert_eq!(budgets.len(), 0);
    }
}
