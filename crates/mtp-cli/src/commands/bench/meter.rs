//! How long work took, and what it cost both sides.

use core::time::Duration;
use std::time::Instant;

use super::process::{Process, busy};

/// A measurement that runs.
pub(super) struct Meter {
    who: Vec<Process>,
    started: Instant,
    busy: Option<Duration>,
}

/// What was done in some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) per_second: f64,
    /// Processor time of all sides for one, in seconds; none where the system does not tell.
    pub(super) cost: Option<f64>,
}

impl Meter {
    pub(super) fn start(who: impl Into<Vec<Process>>) -> Self {
        let who = who.into();
        let busy = total(&who);
        Self { who, started: Instant::now(), busy }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reports whether less was used than can be told apart well, as far as the system tells.
    pub(super) fn is_rough(&self) -> bool {
        self.spent().is_some_and(|spent| spent < FINE)
    }

    pub(super) fn stop(self, count: f64) -> Done {
        let per_second = count / self.elapsed().as_secs_f64();
        let cost = self.spent().map(|spent| spent.as_secs_f64() / count);
        Done { per_second, cost }
    }

    fn spent(&self) -> Option<Duration> {
        let (before, after) = self.busy.zip(total(&self.who))?;
        Some(after.saturating_sub(before))
    }
}

/// Twenty times what the system counts by.
const FINE: Duration = Duration::from_millis(200);

fn total(who: &[Process]) -> Option<Duration> {
    who.iter().map(|process| busy(*process)).sum()
}
