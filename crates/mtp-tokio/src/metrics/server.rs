//! Counters of a server.

use core::fmt;
use std::sync::Arc;

use mtp_server::Counters;

use super::page::Page;
use crate::server::{Server, Shared};

/// The counters of a [`Server`](crate::Server); it may be rendered while that runs, and afterwards.
#[derive(Clone)]
pub struct ServerMetrics(Arc<Shared>);

impl<L> Server<L> {
    /// Returns the server's counters, to be rendered while it runs.
    #[must_use]
    pub fn metrics(&self) -> ServerMetrics {
        ServerMetrics(self.shared.clone())
    }
}

impl ServerMetrics {
    /// Returns the endpoint's counters since its start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.counters().0
    }

    /// Returns a page of text for Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        let (counters, links) = self.0.counters();
        let mut page = Page::default();
        connections(&mut page, &counters, links);
        packets(&mut page, &counters);
        sessions(&mut page, &counters);
        page.finish()
    }
}

impl fmt::Debug for ServerMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerMetrics").field(&self.counters()).finish()
    }
}

fn connections(page: &mut Page, counters: &Counters, links: usize) {
    page.gauge("mtp_connections_open", "Connections there are now.", links as u64);
    page.counter("mtp_connections_total", "Connections taken on.", counters.links);
    let refused = counters.refused;
    page.counters(
        "mtp_connections_refused_total",
        "Connections closed at the door.",
        "reason",
        &[("full", refused.full), ("too_many", refused.too_many), ("too_often", refused.too_often)],
    );
    let cut = counters.cut;
    page.counters(
        "mtp_connections_cut_total",
        "Connections ended by the door.",
        "reason",
        &[
            ("overdue", cut.overdue),
            ("displaced", cut.displaced),
            ("greedy", cut.greedy),
            ("doomed", cut.doomed),
        ],
    );
    page.counter("mtp_received_bytes_total", "Bytes received.", counters.bytes_in);
    page.counter("mtp_sent_bytes_total", "Bytes to be written.", counters.bytes_out);
}

fn packets(page: &mut Page, counters: &Counters) {
    let refused = counters.packets_refused;
    page.counters(
        "mtp_packets_refused_total",
        "Packets refused; unknown_key is answered with -404, full with -429.",
        "reason",
        &[
            ("transport", refused.transport),
            ("handshake", refused.handshake),
            ("unknown_key", refused.unknown_key),
            ("envelope", refused.envelope),
            ("screened", refused.screened),
            ("session", refused.session),
            ("full", refused.full),
        ],
    );
    page.counter(
        "mtp_exchange_steps_total",
        "Steps of key exchanges computed.",
        counters.exchange_steps,
    );
    page.counter("mtp_exchanges_total", "Key exchanges admitted.", counters.exchanges);
    page.counter(
        "mtp_exchanges_refused_total",
        "Key exchanges answered with -429, before any arithmetic.",
        counters.exchanges_refused,
    );
    page.counters(
        "mtp_keys_created_total",
        "Keys made.",
        "kind",
        &[("permanent", counters.keys_permanent), ("temporary", counters.keys_temporary)],
    );
    page.counter("mtp_keys_bound_total", "Temporary keys bound.", counters.keys_bound);
    page.counter("mtp_keys_destroyed_total", "Keys gone.", counters.keys_destroyed);
}

fn sessions(page: &mut Page, counters: &Counters) {
    let open = counters.sessions.saturating_sub(counters.sessions_gone);
    page.gauge("mtp_sessions_open", "Sessions there are now.", open);
    page.counter("mtp_sessions_total", "Sessions begun.", counters.sessions);
    page.counter("mtp_calls_total", "Calls made by clients.", counters.calls);
    page.counter("mtp_calls_failed_total", "Calls answered with errors.", counters.calls_failed);
    page.counter("mtp_updates_total", "Updates given to sessions.", counters.updates);
}
