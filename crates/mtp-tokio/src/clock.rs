//! Both clocks of this process as the machines want them.

use core::time::Duration;
use std::time::SystemTime;

use mtp_env::{Deadline, Instant, Now, UnixTime};

/// Reads the monotonic and the wall clock together.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: tokio::time::Instant,
}

impl Clock {
    /// Starts counting now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: tokio::time::Instant::now() }
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        let mono = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        // A clock before 1970 is wrong by so much that zero is as good.
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now {
            mono: Instant::from_micros(mono),
            unix: UnixTime::from_nanos(u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX)),
        }
    }

    /// Waits for a deadline, for ever if there is none.
    pub(crate) async fn wait(&self, deadline: Option<Deadline>) {
        match deadline {
            None => core::future::pending().await,
            Some(Deadline { at, .. }) => {
                let after = Duration::from_micros(at.as_micros());
                match self.start.checked_add(after) {
                    Some(instant) => tokio::time::sleep_until(instant).await,
                    None => core::future::pending().await,
                }
            }
        }
    }
}
