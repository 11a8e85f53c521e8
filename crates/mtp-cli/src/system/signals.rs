//! Signals that operate a running server.
//!
//! | signal | effect |
//! |---|---|
//! | SIGINT, SIGTERM | stops accepting and ends connections in order; a second one ends at once |
//! | SIGHUP | reads the settings again |
//!
//! They are caught in any process, also in process 1 of a container, for which the kernel ignores
//! uncaught ones.

use core::future::Future;
use core::pin::{Pin, pin};
use core::time::Duration;
use std::io;

use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::terminal;

/// Order of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Stop,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no SIGHUP"))]
    Reload,
}

/// How a server ended after a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End<T> {
    /// In order.
    Ended(T),
    /// Connections were cut off at the time limit, or by a second signal.
    Cut,
}

/// Completes when the server has to stop.
pub(crate) type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The signals, caught.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// Catches signals from now on.
    ///
    /// Must be called within the runtime, and before the server prints its address: a supervisor that waits
    /// for the address may send a signal at once.
    #[cfg(unix)]
    pub(crate) fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Only Ctrl-C is known here.
    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "catching signals fails elsewhere")]
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Runs a server until a signal stops it, then gives it some time to end in order.
    pub(crate) async fn operate<F: Future>(
        mut self,
        limit: Duration,
        mut reload: impl FnMut(),
        serve: impl FnOnce(Stopped) -> F,
    ) -> End<F::Output> {
        let (stop, stopped) = oneshot::channel::<()>();
        let mut serving = pin!(serve(Box::pin(async { _ = stopped.await })));
        loop {
            tokio::select! {
                outcome = &mut serving => return End::Ended(outcome),
                order = self.next() => match order {
                    Order::Reload => reload(),
                    Order::Stop => break,
                },
            }
        }
        terminal::note(&format!(
            "stopping: connections end within {} s; a second signal ends them at once",
            limit.as_secs_f64()
        ));
        drop(stop);
        let mut limit = pin!(sleep(limit));
        loop {
            tokio::select! {
                outcome = &mut serving => return End::Ended(outcome),
                () = &mut limit => return End::Cut,
                order = self.next() => match order {
                    Order::Reload => reload(),
                    Order::Stop => return End::Cut,
                },
            }
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Order {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Order::Stop,
            Some(()) = self.terminate.recv() => Order::Stop,
            Some(()) = self.hang_up.recv() => Order::Reload,
            else => core::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Order {
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending::<()>().await;
        }
        Order::Stop
    }
}

/// How long connections may take to end, unless an option says otherwise.
pub(crate) const STOP_TIMEOUT_S: f64 = 10.0;
