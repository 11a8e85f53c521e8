//! What a subscriber of `tracing` hears of a visit.
#![cfg(feature = "tracing")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "it/support.rs"]
mod support;

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mtp_session::client::RequestOptions;
use mtp_tokio::Client;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use support::{NEAREST_DC, Plan, run};

/// Counts spans and events by name.
#[derive(Clone, Default)]
struct Ear {
    spans: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    events: Arc<AtomicU64>,
    next: Arc<AtomicU64>,
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mtp_tokio")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        *self.spans.lock().unwrap().entry(span.metadata().name()).or_default() += 1;
        Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_visit_is_heard_of() {
    let ear = Ear::default();
    tracing::subscriber::set_global_default(ear.clone()).unwrap();
    run(async {
        let world = Plan::default().start().await;
        let (client, _notices) = Client::start(world.options());
        client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new()).await.unwrap();
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
    let spans = ear.spans.lock().unwrap().clone();
    assert_eq!(spans, BTreeMap::from([("client", 1), ("connection", 1)]));
    // At least: connected, two keys, ready, taken on, gone.
    assert!(ear.events.load(Ordering::Relaxed) >= 6);
}
