//! Counters of a proxy.

use core::fmt;
use std::sync::Arc;

use mtp_transport::relay::{RelayCounters, SecretCounters};

use super::page::{Labelled, Page};
use crate::proxy::{Proxy, Shared};

/// The counters of a [`Proxy`](crate::Proxy); it may be rendered while that runs, and afterwards.
#[derive(Clone)]
pub struct ProxyMetrics(Arc<Shared>);

impl Proxy {
    /// Returns the proxy's counters, to be rendered while it runs.
    #[must_use]
    pub fn metrics(&self) -> ProxyMetrics {
        ProxyMetrics(self.shared.clone())
    }
}

impl ProxyMetrics {
    /// Returns what was counted for each secret since the start.
    #[must_use]
    pub fn ledger(&self) -> RelayCounters {
        self.0.books().ledger.clone()
    }

    /// Returns a page of text for Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        let books = self.0.books();
        let mut page = Page::default();
        page.gauge("mtp_proxy_connections_open", "Open client connections.", books.open);
        page.counter("mtp_proxy_connections_total", "Client connections accepted.", books.accepted);
        page.counters(
            "mtp_proxy_connections_refused_total",
            "Client connections refused: no secret was proved, or every place was taken (full).",
            "reason",
            &books.refused.as_labelled(),
        );
        page.counter(
            "mtp_proxy_connections_displaced_total",
            "Idle client connections closed to make room for others.",
            books.displaced,
        );
        page.counter(
            "mtp_proxy_dials_failed_total",
            "Failed connections to data centers and to the site.",
            books.dials_failed,
        );
        let by_secret = |of: fn(&SecretCounters) -> u64| -> Vec<Labelled<'_>> {
            books.ledger.secrets().iter().map(|one| (one.name.as_str(), of(one))).collect()
        };
        page.counters(
            "mtp_proxy_clients_total",
            "Clients accepted, by secret.",
            "secret",
            &by_secret(|account| account.accepted),
        );
        page.gauges(
            "mtp_proxy_clients_open",
            "Connected clients, by secret.",
            "secret",
            &by_secret(|account| account.open),
        );
        page.counters(
            "mtp_proxy_up_bytes_total",
            "Bytes relayed from clients to data centers, counted when a client ends.",
            "secret",
            &by_secret(|account| account.traffic.up),
        );
        page.counters(
            "mtp_proxy_down_bytes_total",
            "Bytes relayed from data centers to clients, counted when a client ends.",
            "secret",
            &by_secret(|account| account.traffic.down),
        );
        page.finish()
    }
}

impl fmt::Debug for ProxyMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProxyMetrics").field(&self.ledger()).finish()
    }
}
