//! Counters for Prometheus: what a server or a proxy did, as a page of text.
//!
//! ```no_run
//! # async fn example(server: mtp_tokio::Server) -> Result<(), Box<dyn std::error::Error>> {
//! use core::future::pending;
//!
//! use mtp_tokio::metrics::Exporter;
//!
//! let metrics = server.metrics();
//! let exporter = Exporter::bind("127.0.0.1:9090".parse()?).await?;
//! tokio::spawn(exporter.run(move || metrics.render(), pending::<()>()));
//! server.run(pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing secret is counted; names of a proxy's secrets are shown, so they should tell nothing. The
//! exporter speaks as much HTTP as a collector needs: put it where only collectors come.

mod exporter;
mod page;
mod proxy;
mod server;

pub use self::exporter::Exporter;
pub use self::proxy::ProxyMetrics;
pub use self::server::ServerMetrics;
