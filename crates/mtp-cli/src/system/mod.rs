//! The operating system: the runtime, signals, limits, networks.

pub(crate) mod limits;
pub(crate) mod network;
pub(crate) mod signals;

use core::future::Future;

use anyhow::Context;

use crate::failure::Failure;

/// Runs a command on the runtime that owns its sockets and timers.
///
/// Work on blocking threads does not hold up the end.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().build().context("cannot start the runtime")?;
    let outcome = runtime.block_on(command);
    runtime.shutdown_background();
    outcome
}
