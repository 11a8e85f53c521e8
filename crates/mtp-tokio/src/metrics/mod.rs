//! Counters of servers and proxies as a page of text for Prometheus.
//!
//! ```no_run
//! # #[cfg(feature = "server")]
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
//! Nothing secret is counted. The page shows the names of a proxy's secrets, so choose names that reveal
//! nothing. The exporter speaks as much HTTP as a collector needs: put it where only collectors reach it.

mod exporter;
#[cfg(any(test, feature = "server", feature = "proxy"))]
mod page;
#[cfg(feature = "proxy")]
mod proxy;
#[cfg(feature = "server")]
mod server;

pub use self::exporter::Exporter;
#[cfg(feature = "proxy")]
pub use self::proxy::ProxyMetrics;
#[cfg(feature = "server")]
pub use self::server::ServerMetrics;
