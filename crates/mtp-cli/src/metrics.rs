//! The page of counters that `--metrics` serves.

use core::future::pending;
use core::net::SocketAddr;

use anyhow::Context;
use mtp_tokio::metrics::Exporter;

use crate::failure::{Code, Failure, OrCode};
use crate::terminal;

/// Serves the page on an address, if one is given, until the program ends.
pub(crate) async fn publish(
    address: Option<SocketAddr>,
    render: impl Fn() -> String + Send + Sync + 'static,
) -> Result<(), Failure> {
    let Some(address) = address else { return Ok(()) };
    let exporter = Exporter::bind(address)
        .await
        .with_context(|| format!("--metrics: cannot listen on {address}"))
        .or_code(Code::NoConnection)?;
    terminal::note(&format!(
        "counters for Prometheus at http://{}/metrics",
        exporter.local_addr()?
    ));
    tokio::spawn(exporter.run(render, pending()));
    Ok(())
}
