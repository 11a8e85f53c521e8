//! Rate limits.

use core::time::Duration;

use mtp_env::{Instant, Now};

/// A rate limit: `burst` events at once, then one in each period of `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these two numbers are what a rate is")]
pub struct Rate {
    /// Events allowed at once. With 0 none is ever allowed.
    pub burst: u32,
    /// The time after which one more is allowed. With zero there is no limit.
    pub every: Duration,
}

impl Rate {
    /// No limit.
    pub const UNLIMITED: Self = Self { burst: 1, every: Duration::ZERO };

    /// Allows `burst` events at once, then one in each period of `every`.
    #[must_use]
    pub const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every }
    }
}

/// A token bucket, stored as the instant at which it is full again.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenBucket {
    full_at: Instant,
}

impl TokenBucket {
    /// Takes a token.
    ///
    /// # Errors
    /// The time until the next token is there; nothing is taken.
    pub fn take(&mut self, now: Now, rate: Rate) -> Result<(), Duration> {
        self.take_many(now, rate, 1)
    }

    /// Takes several tokens or none.
    ///
    /// # Errors
    /// The time until so many tokens are there, or [`Duration::MAX`] if they are more than the burst;
    /// nothing is taken.
    pub fn take_many(&mut self, now: Now, rate: Rate, tokens: u32) -> Result<(), Duration> {
        self.full_at = self.after(now, rate, tokens)?;
        Ok(())
    }

    /// Checks whether a token is there, without taking it.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn check(self, now: Now, rate: Rate) -> Result<(), Duration> {
        self.after(now, rate, 1).map(|_| ())
    }

    /// Returns the instant at which the bucket is full again after taking tokens.
    fn after(self, now: Now, rate: Rate, tokens: u32) -> Result<Instant, Duration> {
        if rate.burst < tokens && (rate.burst == 0 || !rate.every.is_zero()) {
            return Err(Duration::MAX);
        }
        // Tasks read the clock before they wait for the lock, so time may step back here.
        if rate.every.is_zero() {
            return Ok(self.full_at);
        }
        let full_at = self.full_at.max(now.mono) + rate.every.saturating_mul(tokens);
        let debt = full_at.saturating_since(now.mono);
        match debt.checked_sub(rate.every.saturating_mul(rate.burst)) {
            Some(wait) if wait > Duration::ZERO => Err(wait),
            _ => Ok(full_at),
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
    fn a_burst_is_allowed_then_one_token_per_period() {
        let mut bucket = TokenBucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(at(100), RATE), Ok(()));
        }
        assert_eq!(bucket.take(at(100), RATE), Err(Duration::from_secs(10)));
        assert_eq!(bucket.take(at(109), RATE), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take(at(110), RATE), Ok(()));
        assert!(bucket.take(at(110), RATE).is_err());
    }

    #[test]
    fn an_unlimited_rate_allows_all_when_time_steps_back() {
        let mut bucket = TokenBucket::default();
        for second in [7, 6, 5, 8, 0] {
            assert_eq!(bucket.take(at(second), Rate::UNLIMITED), Ok(()));
        }
    }

    #[test]
    fn a_refused_take_costs_no_token() {
        let mut bucket = TokenBucket::default();
        for _ in 0..1_000 {
            let _ = bucket.take(at(0), RATE);
        }
        assert_eq!(bucket.full_at, at(30).mono);
    }

    #[test]
    fn many_tokens_are_taken_together_or_not_at_all() {
        let mut bucket = TokenBucket::default();
        assert_eq!(bucket.take_many(at(0), RATE, 4), Err(Duration::MAX), "more than the burst");
        assert_eq!(bucket.take_many(at(0), RATE, 2), Ok(()));
        assert_eq!(bucket.take_many(at(0), RATE, 2), Err(Duration::from_secs(10)));
        assert_eq!(bucket.check(at(0), RATE), Ok(()));
        assert_eq!(bucket.take_many(at(0), RATE, 1), Ok(()));
        assert_eq!(bucket.check(at(0), RATE), Err(Duration::from_secs(10)));
        assert_eq!(bucket.take_many(at(9), Rate::UNLIMITED, 99), Ok(()));
    }

    #[test]
    fn burst_zero_refuses_all_and_unlimited_allows_all() {
        let (mut never, mut always) = (TokenBucket::default(), TokenBucket::default());
        assert!(never.take(at(9), Rate::new(0, Duration::from_secs(1))).is_err());
        assert!((0..1_000).all(|_| always.take(at(9), Rate::UNLIMITED).is_ok()));
    }
}
