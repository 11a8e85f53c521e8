//! Both clocks of this process as the machines want them.

use core::future::{Future as _, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::time::SystemTime;

use mtp_env::{Deadline, Instant, Now, UnixTime};
use tokio::time::{Sleep, sleep_until};

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

    /// Returns a deadline as tokio's timers want it; none if it is too far away for them.
    fn instant(&self, deadline: Deadline) -> Option<tokio::time::Instant> {
        self.start.checked_add(Duration::from_micros(deadline.at.as_micros()))
    }
}

/// A timer for a deadline that changes with every packet, mostly to a later time.
///
/// It rings no later than the deadline it is polled with, and is moved only to an earlier time or after it
/// rang: setting a timer of tokio's may wake the thread that waits for all of them, by a system call, and
/// a busy connection would do that for every packet.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    /// Once, so that whoever has an alarm can be moved.
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// Makes an alarm that is not set.
    pub(crate) fn new(clock: Clock) -> Self {
        let far = clock.start + FAR;
        Self { clock, sleep: Box::pin(sleep_until(far)) }
    }

    /// Waits for a deadline, for ever if there is none.
    pub(crate) async fn wait(&mut self, deadline: Option<Deadline>) {
        let Some(at) = deadline.and_then(|deadline| self.clock.instant(deadline)) else {
            return core::future::pending().await;
        };
        poll_fn(|cx| self.poll(cx, at)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>, at: tokio::time::Instant) -> Poll<()> {
        if at < self.sleep.deadline() {
            self.sleep.as_mut().reset(at);
        }
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if self.sleep.deadline() >= at {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(at);
        }
    }
}

/// Where an alarm waits that was never set.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use core::pin::pin;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_the_deadline_it_was_given_last() {
        let clock = Clock::start();
        let mut alarm = Alarm::new(clock);
        let within =
            |ms| Deadline::new(clock.now().mono + Duration::from_millis(ms), "a test's time");
        for (first, last) in [(50, 20), (50, 5000), (10, 10), (700, 0), (1, 2), (2, 1)] {
            let began = tokio::time::Instant::now();
            {
                // Waited for once and given up, as by a task that something else woke.
                let mut waiting = pin!(alarm.wait(Some(within(first))));
                poll_fn(|cx| {
                    assert!(waiting.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
            }
            alarm.wait(Some(within(last))).await;
            let waited = began.elapsed().as_millis();
            assert!((last.into()..u128::from(last + 2)).contains(&waited), "{last}: {waited} ms");
        }
    }
}
