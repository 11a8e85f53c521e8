//! Who wants to be woken when: one sorted set, so that a million sleepers cost nothing.

use alloc::collections::BTreeSet;

use mtp_env::{Instant, Now};

/// Wishes to be woken, sorted by time. Whoever wishes keeps the time of its wish beside itself.
#[derive(Debug)]
pub(super) struct Timers<T> {
    wishes: BTreeSet<(Instant, T)>,
}

impl<T: Copy + Ord> Timers<T> {
    pub(super) const fn new() -> Self {
        Self { wishes: BTreeSet::new() }
    }

    /// Changes the wish of `who` from `current` to `next`.
    pub(super) fn change(&mut self, who: T, current: &mut Option<Instant>, next: Option<Instant>) {
        if *current == next {
            return;
        }
        if let Some(at) = *current {
            self.wishes.remove(&(at, who));
        }
        if let Some(at) = next {
            self.wishes.insert((at, who));
        }
        *current = next;
    }

    /// Returns the earliest wish.
    pub(super) fn first(&self) -> Option<(Instant, T)> {
        self.wishes.first().copied()
    }

    /// Returns everybody whose time has come. Their wishes stand until they are changed.
    pub(super) fn due(&self, now: Now) -> alloc::vec::Vec<T> {
        let due = self.wishes.iter().take_while(|(at, _)| *at <= now.mono);
        due.map(|(_, who)| *who).collect()
    }
}
