//! Many runs: a range of seeds over several threads, and what they came to.
//!
//! Runs share nothing, so how they are spread over threads changes nothing of what is found.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use crate::report::{Failure, Tally};
use crate::scenario::Scenario;

/// A range of seeds to run.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a description, to be filled in")]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// Threads.
    pub jobs: usize,
    /// How often progress is told.
    pub tells_every: Duration,
}

/// How far a campaign is, or what it came to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Seeds done.
    pub done: u64,
    /// Seeds that broke an invariant.
    pub failures: u64,
    /// What happened in all of them.
    pub tally: Tally,
    /// The longest that a call outlived all faults, and the seed.
    pub slowest: (Duration, u64),
}

/// What a campaign tells as it goes.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the two things there are to tell")]
pub enum News<'a> {
    /// A seed broke an invariant.
    Failed(&'a Failure),
    /// Time has passed.
    Progress(&'a Progress),
}

impl Campaign {
    /// Runs all seeds, and tells as it goes.
    pub fn run(&self, mut tell: impl FnMut(News<'_>)) -> Progress {
        let next = AtomicU64::new(self.from);
        let all = Mutex::new(Progress::default());
        let (failures, received) = channel();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let (failures, next, all) = (failures.clone(), &next, &all);
                scope.spawn(move || {
                    let mut own = Progress::default();
                    while let Some(seed) = self.take(next) {
                        if let Some(failure) = own.run(seed) {
                            // Whoever listens is there until all threads are done.
                            let _ = failures.send(failure);
                        }
                        if own.done >= TOLD_TOGETHER {
                            merge(all, core::mem::take(&mut own));
                        }
                    }
                    merge(all, own);
                });
            }
            drop(failures);
            self.listen(&received, &all, &mut tell);
        });
        all.into_inner().unwrap_or_default()
    }

    fn take(&self, next: &AtomicU64) -> Option<u64> {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        (seed < self.from.saturating_add(self.seeds)).then_some(seed)
    }

    /// Tells of failures as they come, and of progress now and then, until all threads are done.
    fn listen(
        &self,
        failures: &Receiver<Box<Failure>>,
        all: &Mutex<Progress>,
        tell: &mut impl FnMut(News<'_>),
    ) {
        loop {
            match failures.recv_timeout(self.tells_every) {
                Ok(failure) => tell(News::Failed(&failure)),
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(all) = all.lock() {
                        tell(News::Progress(&all));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

impl Progress {
    /// Runs a seed and notes what it came to.
    fn run(&mut self, seed: u64) -> Option<Box<Failure>> {
        self.done += 1;
        match crate::run(&Scenario::new(seed)) {
            Ok(report) => {
                self.slowest = self.slowest.max((report.last_call_after, seed));
                self.tally.add(&report.tally);
                None
            }
            Err(failure) => {
                self.failures += 1;
                Some(failure)
            }
        }
    }
}

fn merge(all: &Mutex<Progress>, own: Progress) {
    if let Ok(mut all) = all.lock() {
        all.done += own.done;
        all.failures += own.failures;
        all.tally.add(&own.tally);
        all.slowest = all.slowest.max(own.slowest);
    }
}

/// Seeds after which a thread tells the others how far it is.
const TOLD_TOGETHER: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_change_nothing() {
        let run = |jobs| {
            let campaign =
                Campaign { from: 40, seeds: 50, jobs, tells_every: Duration::from_secs(60) };
            let came_to = campaign.run(|news| panic!("{news:?}"));
            assert_eq!((came_to.done, came_to.failures), (50, 0));
            (came_to.tally, came_to.slowest)
        };
        assert_eq!(run(1), run(3));
    }
}
