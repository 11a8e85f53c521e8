//! The two clocks of the process, as the machines take them.

use std::time::SystemTime;

use mtp_env::{Instant, Now, UnixTime};

#[cfg(any(feature = "client", feature = "server", feature = "proxy"))]
mod alarm;

#[cfg(any(feature = "client", feature = "server", feature = "proxy"))]
pub(crate) use self::alarm::Alarm;

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

    /// Returns a deadline for tokio's timers; none if it is too far away for them.
    #[cfg(any(feature = "client", feature = "server", feature = "proxy"))]
    fn instant(&self, deadline: mtp_env::Deadline) -> Option<tokio::time::Instant> {
        self.start.checked_add(core::time::Duration::from_micros(deadline.at.as_micros()))
    }
}
