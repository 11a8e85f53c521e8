//! Work as a number that does not depend on the clock.

use core::iter::Sum;
use core::ops::{Add, AddAssign, Sub};

/// An amount of work.
///
/// One unit is one look-up in a table, one entry walked, or [`BYTES_PER_UNIT`](Self::BYTES_PER_UNIT) bytes copied, hashed,
/// unpacked, queued or allocated. The same inputs cost the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work(u64);

impl Work {
    /// No work.
    pub const ZERO: Self = Self(0);
    /// Bytes that are one unit.
    pub const BYTES_PER_UNIT: usize = 64;

    /// Returns an amount of `units`.
    #[must_use]
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// Returns the work of moving `len` bytes, rounded up.
    #[must_use]
    pub const fn of_bytes(len: usize) -> Self {
        Self(len.div_ceil(Self::BYTES_PER_UNIT) as u64)
    }

    /// Returns the units.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Saturates.
impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Saturates.
impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Saturates at zero.
impl Sub for Work {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Work {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Counts work against an allowance.
///
/// Exceeding the allowance stops nothing by itself: the caller asks [`is_spent`](Self::is_spent) before the next
/// step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    spent: Work,
    allowance: Work,
}

impl Meter {
    /// Returns a meter with an allowance.
    #[must_use]
    pub const fn new(allowance: Work) -> Self {
        Self { spent: Work::ZERO, allowance }
    }

    /// Charges `units`.
    #[inline]
    pub const fn charge(&mut self, units: u64) {
        self.spent = Work(self.spent.0.saturating_add(units));
    }

    /// Charges an amount.
    #[inline]
    pub const fn add(&mut self, work: Work) {
        self.charge(work.0);
    }

    /// Replaces the allowance by what was spent so far and `more`.
    #[inline]
    pub const fn allow(&mut self, more: Work) {
        self.allowance = Work(self.spent.0.saturating_add(more.0));
    }

    /// Returns `true` if nothing of the allowance is left.
    #[inline]
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.spent.0 >= self.allowance.0
    }

    /// Returns what is left of the allowance.
    #[must_use]
    pub const fn left(&self) -> Work {
        Work(self.allowance.0.saturating_sub(self.spent.0))
    }

    /// Returns all work charged so far.
    #[must_use]
    pub const fn spent(&self) -> Work {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_in_units_rounded_up() {
        let of = |len| Work::of_bytes(len).as_u64();
        assert_eq!([0, 1, 63, 64, 65, 128].map(of), [0, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn meter_is_spent_at_its_allowance() {
        let mut meter = Meter::new(Work::new(3));
        meter.charge(2);
        assert_eq!((meter.is_spent(), meter.left()), (false, Work::new(1)));
        meter.charge(1);
        assert!(meter.is_spent());
        meter.add(Work::of_bytes(100));
        assert_eq!((meter.spent(), meter.left()), (Work::new(5), Work::ZERO));
        meter.allow(Work::new(1));
        assert!(!meter.is_spent());
    }

    #[test]
    fn amounts_saturate() {
        let most = Work::new(u64::MAX);
        assert_eq!(most + Work::new(1), most);
        assert_eq!(Work::new(1) - most, Work::ZERO);
        let mut meter = Meter::new(most);
        meter.add(most);
        meter.charge(1);
        assert_eq!(meter.spent(), most);
        assert_eq!([most, most].into_iter().sum::<Work>(), most);
    }
}
