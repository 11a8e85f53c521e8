//! Counters of a proxy.

use core::fmt;
use std::sync::Arc;

use mtp_transport::relay::{RelayCounters, SecretCounters};

use super::page::{Labelled, Page};
use crate::proxy::Shared;

/// The counters of a [`Proxy`](crate::Proxy); it may be rendered while that runs, and afterwards.
#[derive(Clone)]
pub struct ProxyMetrics(Arc<Shared>);

impl ProxyMetrics {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

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
        page.gauge("mtp_proxy_connections_open", "Connections there are now.", books.open);
        page.counter("mtp_proxy_connections_total", "Connections taken on.", books.accepted);
        page.counters(
            "mtp_proxy_connections_refused_total",
            "Connections that know no secret.",
            "reason",
            &books.refused.as_labelled(),
        );
        page.counter(
            "mtp_proxy_dials_failed_total",
            "Connections to data centres or the site that failed.",
            books.dials_failed,
        );
        let by_secret = |of: fn(&SecretCounters) -> u64| -> Vec<Labelled<'_>> {
            books.ledger.secrets().iter().map(|one| (one.name.as_str(), of(one))).collect()
        };
        page.counters(
            "mtp_proxy_clients_total",
            "Clients carried.",
            "secret",
            &by_secret(|account| account.accepted),
        );
        page.gauges(
            "mtp_proxy_clients_open",
            "Clients carried now.",
            "secret",
            &by_secret(|account| account.open),
        );
        page.counters(
            "mtp_proxy_up_bytes_total",
            "Bytes from clients that are gone to data centres.",
            "secret",
            &by_secret(|account| account.traffic.up),
        );
        page.counters(
            "mtp_proxy_down_bytes_total",
            "Bytes from data centres to clients that are gone.",
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
