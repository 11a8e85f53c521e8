//! Clock readings and deadlines.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A reading of a monotonic clock, in microseconds since a start chosen by the driver.
///
/// Timers use this clock. If the driver passes an earlier instant than before, a machine clamps it
/// to the latest one it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// Returns the instant `micros` microseconds after the driver's start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the number of microseconds since the driver's start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the time elapsed since `earlier`, or zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns the instant `duration` before this one, but not before the driver's start.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

/// Saturates after 584,000 years instead of overflowing.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

/// A reading of the wall clock, in nanoseconds since 1970-01-01 UTC.
///
/// Message ids and salts need wall time. The clock may be wrong; a session measures the offset to
/// the server's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Returns the time `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the time `secs` seconds after the epoch, saturating in the year 2554.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC))
    }

    /// Returns the number of nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the number of whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / NANOS_PER_SEC
    }

    /// Returns the nanoseconds within the current second, less than 10^9.
    #[must_use]
    pub const fn subsec_nanos(self) -> u32 {
        (self.0 % NANOS_PER_SEC) as u32
    }
}

/// Both clocks, read together once per wake-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "drivers build it by name; a third clock would break them"
)]
pub struct Now {
    /// The monotonic clock, for timers.
    pub mono: Instant,
    /// The wall clock, for message ids, salts and a proxy's replay window.
    pub unix: UnixTime,
}

impl Now {
    /// Returns both clocks advanced by `duration`, for simulators and tests.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            mono: self.mono + duration,
            unix: UnixTime::from_nanos(self.unix.as_nanos().saturating_add(nanos)),
        }
    }
}

/// The time at which a machine wants its `handle_timeout` called, and the timer behind it.
///
/// The reason is for logs and for debugging busy loops; no code branches on it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Deadline {
    /// Call `handle_timeout` at this instant or later.
    pub at: Instant,
    /// The timer's name.
    pub reason: &'static str,
}

impl Deadline {
    /// Creates a deadline for the timer named `reason`.
    pub const fn new(at: Instant, reason: &'static str) -> Self {
        Self { at, reason }
    }

    /// Returns the earlier of two optional deadlines, or `one` if they are equal.
    #[must_use]
    pub fn earliest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, None) => one,
            (None, other) => other,
        }
    }

    /// Returns `true` if the deadline has passed.
    #[must_use]
    pub fn is_due(&self, now: Now) -> bool {
        self.at <= now.mono
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deadline({} at {} µs)", self.reason, self.at.0)
    }
}

const NANOS_PER_SEC: u64 = 1_000_000_000;

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_overflowing() {
        let end = Instant::from_micros(u64::MAX);
        assert_eq!(end + Duration::MAX, end);
        assert_eq!(Instant::default().saturating_sub(Duration::from_secs(1)), Instant::default());
        assert_eq!(Instant::default().saturating_since(end), Duration::ZERO);
        assert_eq!(UnixTime::from_secs(u64::MAX).as_nanos(), u64::MAX);
    }

    #[test]
    fn adding_and_subtracting_a_duration_are_inverse() {
        let (early, late) = (Instant::from_micros(7), Instant::from_micros(1_500_007));
        let between = Duration::from_millis(1_500);
        assert_eq!(early + between, late);
        assert_eq!(late.saturating_sub(between), early);
        assert_eq!(late.saturating_since(early), between);
    }

    #[test]
    fn after_advances_both_clocks() {
        let now = Now { mono: Instant::from_micros(7), unix: UnixTime::from_secs(9) };
        let later = now.after(Duration::from_millis(1_500));
        assert_eq!(later.mono.as_micros(), 1_500_007);
        assert_eq!((later.unix.as_secs(), later.unix.subsec_nanos()), (10, 500_000_000));
    }

    #[test]
    fn earliest_prefers_the_first_of_equal_deadlines() {
        let at = |micros, reason| Some(Deadline::new(Instant::from_micros(micros), reason));
        let (one, same, later) = (at(1, "one"), at(1, "same"), at(2, "later"));
        assert_eq!(Deadline::earliest(one, same), one);
        assert_eq!(Deadline::earliest(same, one), same);
        assert_eq!(Deadline::earliest(one, later), one);
        assert_eq!(Deadline::earliest(later, one), one);
        assert_eq!(Deadline::earliest(None, same), same);
        assert_eq!(Deadline::earliest(same, None), same);
        assert_eq!(Deadline::earliest(None, None), None);
    }

    #[test]
    fn deadline_is_due_from_its_instant_on() {
        let deadline = Deadline::new(Instant::from_micros(5), "ping");
        let at = |micros| Now { mono: Instant::from_micros(micros), unix: UnixTime::from_secs(9) };
        assert!(!deadline.is_due(at(4)));
        assert!(deadline.is_due(at(5)));
        assert!(deadline.is_due(at(6)));
    }

    #[test]
    fn debug_names_the_timer() {
        let deadline = Deadline::new(Instant::from_micros(5), "ping");
        assert_eq!(alloc::format!("{deadline:?}"), "Deadline(ping at 5 µs)");
    }
}
