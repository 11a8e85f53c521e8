//! Many runs: a range of seeds on several threads.
//!
//! Runs share no state, so the number of threads does not affect the result.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use crate::report::Failure;
use crate::scenario::Scenario;
use crate::tally::Tally;

/// A range of seeds to run.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a parameter list")]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// The number of seeds.
    pub seeds: u64,
    /// The number of threads.
    pub jobs: usize,
    /// Returns the scenario of a seed: [`Scenario::new`] or [`Scenario::kills`].
    pub scenario: fn(u64) -> Scenario,
    /// The interval of progress reports.
    pub progress_every: Duration,
}

/// Progress or result of a campaign.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Seeds completed.
    pub done: u64,
    /// Seeds that broke an invariant.
    pub failures: u64,
    /// Counters of all completed runs.
    pub tally: Tally,
    /// The maximum time from the end of all faults to the end of a call, with its seed.
    pub slowest: (Duration, u64),
}

/// A report of a campaign in progress.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the two kinds of reports")]
pub enum News<'a> {
    /// A seed broke an invariant.
    Failed(&'a Failure),
    /// The interval of progress reports has elapsed.
    Progress(&'a Progress),
}

impl Campaign {
    /// Runs all seeds and reports failures and progress.
    pub fn run(&self, mut report: impl FnMut(News<'_>)) -> Progress {
        let next = AtomicU64::new(self.from);
        let all = Mutex::new(Progress::default());
        let (failures, received) = channel();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let (failures, next, all) = (failures.clone(), &next, &all);
                scope.spawn(move || {
                    let mut own = Progress::default();
                    while let Some(seed) = self.take(next) {
                        if let Some(failure) = own.run(&(self.scenario)(seed)) {
                            // The receiver lives until all threads are done.
                            let _ = failures.send(failure);
                        }
                        if own.done >= MERGE_EVERY {
                            merge(all, &core::mem::take(&mut own));
                        }
                    }
                    merge(all, &own);
                });
            }
            drop(failures);
            self.listen(&received, &all, &mut report);
        });
        all.into_inner().unwrap_or_default()
    }

    fn take(&self, next: &AtomicU64) -> Option<u64> {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        (seed < self.from.saturating_add(self.seeds)).then_some(seed)
    }

    /// Reports failures at once and progress at intervals until all threads are done.
    fn listen(
        &self,
        failures: &Receiver<Box<Failure>>,
        all: &Mutex<Progress>,
        report: &mut impl FnMut(News<'_>),
    ) {
        loop {
            match failures.recv_timeout(self.progress_every) {
                Ok(failure) => report(News::Failed(&failure)),
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(all) = all.lock() {
                        report(News::Progress(&all));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

impl Progress {
    /// Runs a scenario and adds its result.
    fn run(&mut self, scenario: &Scenario) -> Option<Box<Failure>> {
        self.done += 1;
        match crate::run(scenario) {
            Ok(report) => {
                self.slowest = self.slowest.max((report.last_call_after, scenario.seed));
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

fn merge(all: &Mutex<Progress>, own: &Progress) {
    if let Ok(mut all) = all.lock() {
        all.done += own.done;
        all.failures += own.failures;
        all.tally.add(&own.tally);
        all.slowest = all.slowest.max(own.slowest);
    }
}

/// Number of seeds after which a thread merges its result.
const MERGE_EVERY: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_does_not_depend_on_threads() {
        let run = |jobs| {
            let progress_every = Duration::from_secs(60);
            let scenario = Scenario::new;
            let campaign = Campaign { from: 40, seeds: 50, jobs, scenario, progress_every };
            let total = campaign.run(|news| panic!("{news:?}"));
            assert_eq!((total.done, total.failures), (50, 0));
            (total.tally, total.slowest)
        };
        assert_eq!(run(1), run(3));
    }
}
