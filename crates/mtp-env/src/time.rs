//! Two clocks, read together, and deadlines.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// Microseconds since an arbitrary start chosen by the driver; monotonic.
///
/// Timers compare these. A driver whose clock steps back may pass an earlier instant: machines
/// clamp it to the latest they have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// Builds an instant from microseconds since the driver's start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the driver's start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the time passed since `earlier`, zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns the instant `duration` before this one, the driver's start at the earliest.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

/// Saturates at the end of time (584,000 years) instead of overflowing.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

/// Nanoseconds since 1970-01-01 UTC, as the driver believes them.
///
/// Message ids and salts need wall time. It may be wrong; the session measures by how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Builds a time from nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Builds a time from whole seconds since the epoch, saturating in the year 2554.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC))
    }

    /// Returns the nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / NANOS_PER_SEC
    }

    /// Returns the nanoseconds within the second, below 10^9.
    #[must_use]
    pub const fn subsec_nanos(self) -> u32 {
        (self.0 % NANOS_PER_SEC) as u32
    }
}

/// Both clocks, read together once per wake-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock, for timers.
    pub mono: Instant,
    /// The wall clock, for message ids, salts and proxies' time windows.
    pub unix: UnixTime,
}

impl Now {
    /// Returns both clocks moved forward by `duration`, for simulators.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            mono: self.mono + duration,
            unix: UnixTime::from_nanos(self.unix.as_nanos().saturating_add(nanos)),
        }
    }
}

/// When a machine wants to be woken, and what for.
///
/// The reason is for logs and for finding busy loops; nothing decides by it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Deadline {
    /// Call `handle_timeout` at this instant or later.
    pub at: Instant,
    /// The timer's name.
    pub reason: &'static str,
}

impl Deadline {
    /// Names an instant.
    pub const fn new(at: Instant, reason: &'static str) -> Self {
        Self { at, reason }
    }

    /// Returns the earlier of two optional deadlines, the first when they are equal.
    #[must_use]
    pub fn earliest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, None) => one,
            (None, other) => other,
        }
    }

    /// Reports whether the deadline has come.
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
    fn arithmetic_saturates() {
        let end = Instant::from_micros(u64::MAX);
        assert_eq!(end + Duration::MAX, end);
        assert_eq!(Instant::default().saturating_sub(Duration::from_secs(1)), Instant::default());
        assert_eq!(Instant::default().saturating_since(end), Duration::ZERO);
        assert_eq!(UnixTime::from_secs(u64::MAX).as_nanos(), u64::MAX);
    }

    #[test]
    fn arithmetic_adds_and_subtracts() {
        let (early, late) = (Instant::from_micros(7), Instant::from_micros(1_500_007));
        let between = Duration::from_millis(1_500);
        assert_eq!(early + between, late);
        assert_eq!(late.saturating_sub(between), early);
        assert_eq!(late.saturating_since(early), between);
    }

    #[test]
    fn now_moves_both_clocks() {
        let now = Now { mono: Instant::from_micros(7), unix: UnixTime::from_secs(9) };
        let later = now.after(Duration::from_millis(1_500));
        assert_eq!(later.mono.as_micros(), 1_500_007);
        assert_eq!((later.unix.as_secs(), later.unix.subsec_nanos()), (10, 500_000_000));
    }

    #[test]
    fn the_earliest_wins_and_the_first_of_equals() {
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
    fn a_deadline_is_due_at_its_instant() {
        let deadline = Deadline::new(Instant::from_micros(5), "ping");
        let at = |micros| Now { mono: Instant::from_micros(micros), unix: UnixTime::from_secs(9) };
        assert!(!deadline.is_due(at(4)));
        assert!(deadline.is_due(at(5)));
        assert!(deadline.is_due(at(6)));
    }

    #[test]
    fn a_deadline_says_what_for() {
        let deadline = Deadline::new(Instant::from_micros(5), "ping");
        assert_eq!(alloc::format!("{deadline:?}"), "Deadline(ping at 5 µs)");
    }
}
