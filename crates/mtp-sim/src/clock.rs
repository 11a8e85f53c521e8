//! The clocks of one side.

use core::time::Duration;

use mtp_env::{Instant, Now, UnixTime};

/// The clocks of one side, as a function of true time.
///
/// The wall clock is ahead or behind and can be set. The monotonic clock has an arbitrary start and stops while the
/// machine is suspended, as on Linux.
#[derive(Clone, Copy, Debug)]
pub struct SideClock {
    /// Monotonic microseconds at true time zero.
    start: u64,
    /// Microseconds for which the monotonic clock was stopped.
    slept: u64,
    /// Wall clock minus true wall time, in nanoseconds.
    skew_ns: i64,
}

impl SideClock {
    /// Makes clocks with a start and an error.
    #[must_use]
    pub const fn new(start: Instant, skew_ns: i64) -> Self {
        Self { start: start.as_micros(), slept: 0, skew_ns }
    }

    /// Returns the readings of the clocks at a true time.
    #[must_use]
    pub fn now(&self, at: Instant) -> Now {
        let mono = self.start.saturating_add(at.as_micros()).saturating_sub(self.slept);
        let unix = true_unix(at).as_nanos().saturating_add_signed(self.skew_ns);
        Now { mono: Instant::from_micros(mono), unix: UnixTime::from_nanos(unix) }
    }

    /// Returns the true time at which the monotonic clock reads `mono`.
    #[must_use]
    pub const fn true_time(&self, mono: Instant) -> Instant {
        let elapsed = mono.as_micros().saturating_add(self.slept).saturating_sub(self.start);
        Instant::from_micros(elapsed)
    }

    /// Sets the wall clock forward or back.
    pub const fn jump(&mut self, by_ns: i64) {
        self.skew_ns = self.skew_ns.saturating_add(by_ns);
    }

    /// Stops the monotonic clock for a while: the machine is suspended.
    pub fn sleep(&mut self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.slept = self.slept.saturating_add(micros);
    }

    /// Returns the error of the wall clock.
    #[must_use]
    pub const fn skew_ns(&self) -> i64 {
        self.skew_ns
    }
}

/// Returns the true wall time at a true time.
#[must_use]
pub fn true_unix(at: Instant) -> UnixTime {
    UnixTime::from_nanos(EPOCH.as_nanos().saturating_add(at.as_micros().saturating_mul(1000)))
}

/// The start of every simulation.
pub const EPOCH: UnixTime = UnixTime::from_secs(1_800_000_123);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_stops_only_the_monotonic_clock() {
        let mut clock = SideClock::new(Instant::from_micros(50), -1_000_000_000);
        let at = Instant::from_micros(7_000_000);
        assert_eq!(clock.now(at).mono, Instant::from_micros(7_000_050));
        assert_eq!(clock.now(at).unix, UnixTime::from_secs(1_800_000_129));
        clock.sleep(Duration::from_secs(2));
        clock.jump(5_000_000_000);
        assert_eq!(clock.now(at).mono, Instant::from_micros(5_000_050));
        assert_eq!(clock.now(at).unix, UnixTime::from_secs(1_800_000_134));
        assert_eq!(clock.true_time(clock.now(at).mono), at);
    }
}
