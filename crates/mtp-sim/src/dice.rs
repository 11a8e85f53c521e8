//! Seeded random choices.

use core::fmt;
use core::time::Duration;

use mtp_crypto::CtrEntropy;
use mtp_env::Entropy;

/// A probability in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Odds(u32);

impl Odds {
    /// Never.
    pub const NEVER: Self = Self(0);

    /// Returns the probability of `parts` in a million.
    #[must_use]
    pub const fn per_million(parts: u32) -> Self {
        Self(parts)
    }

    /// Returns the probability of `percent` in a hundred.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        Self(percent.saturating_mul(10_000))
    }

    /// Returns the millionths.
    #[must_use]
    pub const fn as_per_million(self) -> u32 {
        self.0
    }

    /// Returns `true` if the odds are not zero.
    #[must_use]
    pub const fn is_possible(self) -> bool {
        self.0 > 0
    }
}

impl fmt::Display for Odds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 10_000, self.0 % 10_000 / 100)
    }
}

/// A source of random choices. The same seed yields the same choices on every machine.
///
/// Each part of a simulation has its own dice ([`fork`](Self::fork)), so that an additional choice in one part does not
/// change the choices of others.
#[derive(Debug)]
pub struct Dice {
    source: CtrEntropy,
}

impl Dice {
    /// Makes dice from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { source: CtrEntropy::from_number(seed) }
    }

    /// Derives independent dice.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self { source: self.entropy() }
    }

    /// Derives a source of entropy for a machine.
    #[must_use]
    pub fn entropy(&mut self) -> CtrEntropy {
        let mut seed = [0; 32];
        self.source.fill(&mut seed);
        CtrEntropy::new(seed)
    }

    /// Draws a number.
    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.source.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Draws a number below `end`; returns zero if `end` is zero.
    pub fn below(&mut self, end: u64) -> u64 {
        // The modulo bias is negligible here.
        self.number().checked_rem(end).unwrap_or(0)
    }

    /// Draws an index below `len`.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// Draws a number from `low` to `high`, inclusive.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Returns `true` with these odds.
    pub fn happens(&mut self, odds: Odds) -> bool {
        // Impossible events draw nothing, so an inactive fault has no cost.
        odds.is_possible() && self.below(1_000_000) < u64::from(odds.0)
    }

    /// Returns `true` once in `count` times on average.
    pub fn once_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// Draws one of the choices.
    ///
    /// # Panics
    /// Panics if there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Draws a duration from `low` to `high`, with microsecond resolution.
    pub fn span(&mut self, low: Duration, high: Duration) -> Duration {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.between(micros(low), micros(high)))
    }

    /// Draws bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.source.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_depends_only_on_the_seed() {
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            let mut fork = dice.fork();
            (dice.number(), fork.number(), dice.between(3, 5), fork.bytes(3))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn frequency_approximates_the_odds() {
        let mut dice = Dice::new(1);
        let hits = (0..10_000).filter(|_| dice.happens(Odds::percent(10))).count();
        assert!((900..1100).contains(&hits), "{hits}");
        assert!(!(0..1000).any(|_| dice.happens(Odds::NEVER)));
        assert_eq!(dice.below(0), 0);
        assert!((0..1000).all(|_| (3..=5).contains(&dice.between(3, 5))));
    }
}
