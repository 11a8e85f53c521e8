//! A timer for deadlines that move.

use core::future::{Future as _, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use mtp_env::Deadline;
use tokio::time::{Sleep, sleep_until};

use super::Clock;

/// A timer for a deadline that changes with every packet, mostly to a later time.
///
/// It rings no later than the deadline it is polled with, and is moved only to an earlier time or after it
/// rang: setting a tokio timer may wake the thread that waits for all timers, by a system call, and a busy
/// connection would do that for every packet.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    /// Boxed once, so that the alarm's owner can be moved.
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

/// The deadline of an alarm that was never set.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use core::pin::pin;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn alarm_rings_at_its_latest_deadline() {
        let clock = Clock::start();
        let mut alarm = Alarm::new(clock);
        let within =
            |ms| Deadline::new(clock.now().mono + Duration::from_millis(ms), "a test's time");
        for (first, last) in [(50, 20), (50, 5000), (10, 10), (700, 0), (1, 2), (2, 1)] {
            let began = tokio::time::Instant::now();
            {
                // Polled once and dropped, as by a task that woke for something else.
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
