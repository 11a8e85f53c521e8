//! How often networks try numbers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use core::time::Duration;

use mtp_env::{Instant, Now};
use mtp_server::{Network, Rate, TokenBucket};

/// Rates for each pair of a number and a network, whether or not the number has an account.
///
/// One network's attempts do not hold back another's, so a stranger does not lock the owner out.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    by_name: BTreeMap<Name, (TokenBucket, Instant)>,
    /// The same, the longest unused first.
    by_age: BTreeSet<(Instant, Name)>,
}

/// A number and the network that tries it; `None` stands for all numbers together.
type Name = (Option<Network>, Option<String>);

impl Guesses {
    /// Charges an attempt at a number, or at any number.
    ///
    /// At most `max` pairs are remembered.
    pub(crate) fn take(
        &mut self,
        now: Now,
        network: Option<Network>,
        number: Option<&str>,
        (rate, tokens): (Rate, u32),
        max: usize,
    ) -> Result<(), Duration> {
        let name = (network, number.map(String::from));
        let (bucket, used_at) = self.by_name.entry(name.clone()).or_default();
        self.by_age.remove(&(*used_at, name.clone()));
        *used_at = now.mono;
        let taken = bucket.take_many(now, rate, tokens);
        self.by_age.insert((now.mono, name));
        while self.by_age.len() > max.max(1) {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.by_name.remove(&oldest);
        }
        taken
    }

    /// Checks whether attempts at any number are allowed, without charging them.
    pub(crate) fn check(
        &self,
        now: Now,
        network: Option<Network>,
        (rate, tokens): (Rate, u32),
    ) -> Result<(), Duration> {
        let known = self.by_name.get(&(network, None)).map(|(bucket, _)| *bucket);
        known.unwrap_or_default().take_many(now, rate, tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_bounded_and_the_longest_unused_is_forgotten() {
        let mut guesses = Guesses::default();
        let at = |secs| Now::default().after(Duration::from_secs(secs));
        let rate = Rate::new(1, Duration::from_secs(1000));
        let mut take = |secs, number| guesses.take(at(secs), None, Some(number), (rate, 1), 2);
        assert!(take(0, "1").is_ok() && take(1, "2").is_ok());
        assert!(take(2, "1").is_err(), "known");
        assert!(take(3, "3").is_ok());
        assert!(take(4, "1").is_err(), "still known");
        assert!(take(5, "2").is_ok(), "forgotten");
        assert_eq!((guesses.by_name.len(), guesses.by_age.len()), (2, 2));
    }
}
