//! Time and processor time of work.

use core::time::Duration;
use std::time::Instant;

use super::process::{Process, busy};

/// A running measurement.
pub(super) struct Meter {
    who: Vec<Process>,
    started: Instant,
    busy: Option<Duration>,
}

/// Result of a measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) per_second: f64,
    /// Processor time of all processes for one, in seconds; none if the system does not report it.
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

    /// Returns `true` if less processor time was used than the system measures well.
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

/// Twenty ticks of the system.
const FINE: Duration = Duration::from_millis(200);

fn total(who: &[Process]) -> Option<Duration> {
    who.iter().map(|process| busy(*process)).sum()
}
