//! Changes of keys on their way into the store.

use std::sync::Arc;

use mtp_dc::DcEvent;
use tokio::sync::{Notify, watch};

use super::shared::Shared;
use crate::store::{KeyChange, ServerStore, StoreError};

/// Changes that wait, numbered from 1. Lies beside the data centre, under its lock.
#[derive(Debug, Default)]
pub(super) struct Journal {
    waiting: Vec<KeyChange>,
    /// The number of the latest change.
    last: u64,
}

/// How far the store is.
#[derive(Debug)]
pub(super) struct Progress {
    /// The number of the latest change that the store has.
    kept: watch::Sender<u64>,
    /// Rung when changes wait.
    pub(super) bell: Notify,
}

impl Journal {
    /// Notes what must be kept of an event.
    pub(super) fn note(&mut self, event: &DcEvent) {
        let change = match event {
            DcEvent::KeyCreated { established } => KeyChange::Created(established.clone()),
            DcEvent::KeyBound { temporary, permanent } => {
                KeyChange::Bound { temporary: *temporary, permanent: *permanent }
            }
            DcEvent::KeyDestroyed { key, .. } => KeyChange::Destroyed(*key),
            _ => return,
        };
        self.waiting.push(change);
        self.last = self.last.saturating_add(1);
    }

    /// Returns the number that must be kept before bytes made now may leave.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes everything that waits, with the number of the last of it.
    fn take(&mut self) -> (Vec<KeyChange>, u64) {
        (core::mem::take(&mut self.waiting), self.last)
    }
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { kept: watch::Sender::new(0), bell: Notify::new() }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.kept.subscribe()
    }
}

/// Brings changes into the store, as many at once as have come together; ends when the store fails.
///
/// Without a store everything counts as kept.
pub(super) async fn keep_journal(
    shared: Arc<Shared>,
    mut store: Option<Box<dyn ServerStore>>,
) -> StoreError {
    loop {
        let (changes, number) = shared.lock().journal.take();
        if changes.is_empty() {
            shared.progress.bell.notified().await;
            continue;
        }
        if let Some(mut opened) = store.take() {
            let writing = tokio::task::spawn_blocking(move || {
                let outcome = opened.apply(&changes);
                (opened, outcome)
            });
            match writing.await {
                Ok((opened, Ok(()))) => store = Some(opened),
                Ok((_, Err(why))) => return why,
                Err(why) => return StoreError::Database(Box::new(why)),
            }
        }
        shared.progress.kept.send_replace(number);
    }
}
