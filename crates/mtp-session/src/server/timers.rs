//! Pending wake-ups in one ordered set, so that idle entries cost nothing.

use alloc::collections::BTreeSet;

use mtp_env::{Instant, Now};

/// Pending wake-ups, ordered by deadline; each owner stores its own deadline.
#[derive(Debug)]
pub(super) struct Timers<T> {
    deadlines: BTreeSet<(Instant, T)>,
}

impl<T: Copy + Ord> Timers<T> {
    pub(super) const fn new() -> Self {
        Self { deadlines: BTreeSet::new() }
    }

    /// Changes the deadline of `owner` from `current` to `next`.
    pub(super) fn change(
        &mut self,
        owner: T,
        current: &mut Option<Instant>,
        next: Option<Instant>,
    ) {
        if *current == next {
            return;
        }
        if let Some(at) = *current {
            self.deadlines.remove(&(at, owner));
        }
        if let Some(at) = next {
            self.deadlines.insert((at, owner));
        }
        *current = next;
    }

    /// Returns the earliest deadline.
    pub(super) fn first(&self) -> Option<(Instant, T)> {
        self.deadlines.first().copied()
    }

    /// Returns the owners of all passed deadlines, which remain until they are changed.
    pub(super) fn due(&self, now: Now) -> alloc::vec::Vec<T> {
        let due = self.deadlines.iter().take_while(|(at, _)| *at <= now.mono);
        due.map(|(_, owner)| *owner).collect()
    }
}
