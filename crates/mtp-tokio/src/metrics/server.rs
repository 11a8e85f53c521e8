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
    page.gauge("mtp_connections_open", "Open connections.", links as u64);
    page.counter("mtp_connections_total", "Connections accepted.", counters.links);
    let refused = counters.refused;
    page.counters(
        "mtp_connections_refused_total",
        "Connections refused when they were accepted.",
        "reason",
        &[
            ("full", refused.full),
            ("too_many", refused.too_many),
            ("too_often", refused.too_often),
            ("no_memory", refused.no_memory),
        ],
    );
    let cut = counters.cut;
    page.counters(
        "mtp_connections_cut_total",
        "Connections closed to keep a limit; greedy_sessions counts sessions.",
        "reason",
        &[
            ("overdue", cut.overdue),
            ("displaced", cut.displaced),
            ("greedy", cut.greedy),
            ("greedy_sessions", cut.greedy_sessions),
            ("doomed", cut.doomed),
        ],
    );
    page.counter("mtp_received_bytes_total", "Bytes received from clients.", counters.bytes_in);
    page.counter("mtp_sent_bytes_total", "Bytes sent to clients.", counters.bytes_out);
}

fn packets(page: &mut Page, counters: &Counters) {
    let refused = counters.packets_refused;
    page.counters(
        "mtp_packets_refused_total",
        "Packets rejected, unknown_key with transport error -404 and full with -429.",
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
        "mtp_packets_cut_total",
        "Packets of which a part was refused, because their work or memory was spent.",
        counters.packets_cut,
    );
    page.counter(
        "mtp_work_units_total",
        "Work done for packets, calls and answers, in units of the meter.",
        counters.work,
    );
    page.counter(
        "mtp_work_beyond_total",
        "Work beyond what bytes pay for, charged to networks and keys.",
        counters.work_beyond,
    );
    page.counter(
        "mtp_reads_paused_total",
        "Reads after which a connection was left unread: too much work.",
        counters.links_paused,
    );
    page.counter(
        "mtp_exchange_steps_total",
        "Steps of key exchanges computed, two for each completed exchange.",
        counters.exchange_steps,
    );
    page.counter("mtp_exchanges_total", "Key exchanges admitted.", counters.exchanges);
    page.counter(
        "mtp_exchanges_refused_total",
        "Key exchanges refused with transport error -429, before any arithmetic.",
        counters.exchanges_refused,
    );
    page.counters(
        "mtp_keys_created_total",
        "Authorization keys created.",
        "kind",
        &[("permanent", counters.keys_permanent), ("temporary", counters.keys_temporary)],
    );
    page.counter(
        "mtp_keys_bound_total",
        "Temporary keys bound to permanent keys.",
        counters.keys_bound,
    );
    page.counter(
        "mtp_keys_destroyed_total",
        "Authorization keys destroyed, for any reason.",
        counters.keys_destroyed,
    );
    page.counter(
        "mtp_keys_collected_total",
        "Authorization keys removed because they never carried a session.",
        counters.keys_collected,
    );
}

fn sessions(page: &mut Page, counters: &Counters) {
    let open = counters.sessions.saturating_sub(counters.sessions_gone);
    page.gauge("mtp_sessions_open", "Open sessions.", open);
    page.counter("mtp_sessions_total", "Sessions opened.", counters.sessions);
    page.counter("mtp_calls_total", "Calls received from clients.", counters.calls);
    page.counter(
        "mtp_calls_failed_total",
        "Calls that the application answered with an error.",
        counters.calls_failed,
    );
    page.counter(
        "mtp_calls_unknown_total",
        "Calls of methods that the application does not know.",
        counters.calls_unknown,
    );
    page.counter("mtp_updates_total", "Updates queued for sessions.", counters.updates);
}
