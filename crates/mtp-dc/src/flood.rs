//! How often something may happen.

use core::time::Duration;

use mtp_env::{Instant, Now};

/// How often something may happen: `burst` times at once, then once `every` so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these two numbers are what a rate is")]
pub struct Rate {
    /// How often it may happen at once. With 0 it may never happen.
    pub burst: u32,
    /// How long until one of them may happen again. With zero there is no limit.
    pub every: Duration,
}

impl Rate {
    /// No limit at all.
    pub const UNLIMITED: Self = Self { burst: 1, every: Duration::ZERO };

    /// Returns `burst` at once, then one `every` so long.
    #[must_use]
    pub const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every }
    }
}

/// A token bucket, kept as the one moment at which it is full again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// Takes a token, or tells how long none will be there.
    pub(crate) fn take(&mut self, now: Now, rate: Rate) -> Result<(), Duration> {
        // Tasks read the clock before they wait for their turn here, so time may step back.
        if rate.every.is_zero() {
            return if rate.burst == 0 { Err(Duration::MAX) } else { Ok(()) };
        }
        let full_at = self.full_at.max(now.mono) + rate.every;
        let debt = full_at.saturating_since(now.mono);
        match debt.checked_sub(rate.every.saturating_mul(rate.burst)) {
            Some(wait) if wait > Duration::ZERO => Err(wait),
            _ => {
                self.full_at = full_at;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::new(3, Duration::from_secs(10));

    fn at(secs: u64) -> Now {
        Now::default().after(Duration::from_secs(secs))
    }

    #[test]
    fn a_burst_then_one_at_a_time() {
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(at(100), RATE), Ok(()));
        }
        assert_eq!(bucket.take(at(100), RATE), Err(Duration::from_secs(10)));
        assert_eq!(bucket.take(at(109), RATE), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take(at(110), RATE), Ok(()));
        assert!(bucket.take(at(110), RATE).is_err());
    }

    #[test]
    fn no_limit_holds_when_time_steps_back() {
        let mut bucket = Bucket::default();
        for second in [7, 6, 5, 8, 0] {
            assert_eq!(bucket.take(at(second), Rate::UNLIMITED), Ok(()));
        }
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let mut bucket = Bucket::default();
        for _ in 0..1_000 {
            let _ = bucket.take(at(0), RATE);
        }
        assert_eq!(bucket.full_at, at(30).mono);
    }

    #[test]
    fn never_and_always() {
        let (mut never, mut always) = (Bucket::default(), Bucket::default());
        assert!(never.take(at(9), Rate::new(0, Duration::from_secs(1))).is_err());
        assert!((0..1_000).all(|_| always.take(at(9), Rate::UNLIMITED).is_ok()));
    }
}
