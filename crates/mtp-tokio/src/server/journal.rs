//! Changes of keys on their way into the store.
//!
//! ```text
//!   event ──▶ waiting ──▶ flush ──▶ stored: links that waited may write
//!                           └─────▶ failed: new keys are removed and their links closed;
//!                                   destroyed keys wait for the next flush
//! ```
//!
//! A link writes nothing while a key that it made, bound or uses is on its way into the store, so no client
//! relies on a key that a crash forgets. Other links are not held up.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use mtp_crypto::AuthKeyId;
use mtp_env::Now;
use mtp_server::EndpointEvent;
use mtp_session::link::LinkId;
use mtp_store::{ServerKeyChange, ServerStore, StoreError};
use tokio::time::{Instant, sleep};

use super::notice::Noticed;
use super::shared::{Shared, State};

/// Changes that wait, and what they hold up. It lies beside the endpoint, under its lock.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// There is a store.
    enabled: bool,
    waiting: Vec<Change>,
    /// A batch is being stored.
    flushing: bool,
    /// Keys with changes that are not stored, and how many.
    keys: HashMap<AuthKeyId, usize>,
    /// Links that made such changes, and how many.
    links: HashMap<LinkId, usize>,
    /// Links that were held up.
    held: BTreeSet<LinkId>,
    /// Keys that were removed because they could not be stored: their end is no change.
    unstored: HashSet<AuthKeyId>,
    /// The store failed last; until then no key exchange is computed.
    paused_until: Option<Instant>,
}

/// A change and the link that made it.
#[derive(Clone, Debug)]
struct Change {
    change: ServerKeyChange,
    link: Option<LinkId>,
}

impl Journal {
    pub(super) fn enable(&mut self) {
        self.enabled = true;
    }

    /// Notes the change of keys in an event that a link caused.
    pub(super) fn note(&mut self, event: &EndpointEvent, link: Option<LinkId>) {
        if !self.enabled {
            return;
        }
        let change = match event {
            EndpointEvent::KeyCreated { established } => {
                ServerKeyChange::Created(established.clone())
            }
            EndpointEvent::KeyBound { temporary, permanent } => {
                ServerKeyChange::Bound { temporary: *temporary, permanent: *permanent }
            }
            EndpointEvent::KeyDestroyed { key, .. } => {
                if self.unstored.remove(key) {
                    return;
                }
                ServerKeyChange::Destroyed(*key)
            }
            _ => return,
        };
        // Nobody waits for the end of a key: if it is forgotten, it ends once more.
        if let Some(key) = promised(&change) {
            *self.keys.entry(key).or_default() += 1;
            if let Some(link) = link {
                *self.links.entry(link).or_default() += 1;
            }
        }
        self.waiting.push(Change { change, link });
    }

    /// Notes the end of a key that is in the store and nowhere else.
    pub(super) fn note_expired(&mut self, key: AuthKeyId) {
        self.waiting.push(Change { change: ServerKeyChange::Destroyed(key), link: None });
    }

    /// Returns `true` if a link must not write yet; its bell rings when it may.
    pub(super) fn holds(
        &mut self,
        link: LinkId,
        mut keys: impl Iterator<Item = AuthKeyId>,
    ) -> bool {
        let holds = !self.keys.is_empty()
            && (self.links.contains_key(&link) || keys.any(|key| self.keys.contains_key(&key)));
        if holds {
            self.held.insert(link);
        }
        holds
    }

    pub(super) fn forget_link(&mut self, link: LinkId) {
        self.held.remove(&link);
    }

    /// Returns `true` if changes wait for a flush.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns `true` if everything is stored.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.flushing
    }

    /// Returns `true` if the store failed a moment ago, so that new keys are refused.
    pub(super) fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| Instant::now() < until)
    }

    fn take(&mut self) -> Vec<Change> {
        let batch = core::mem::take(&mut self.waiting);
        self.flushing = !batch.is_empty();
        batch
    }

    /// Notes that a change has its outcome.
    fn settle(&mut self, change: &Change) {
        let Some(key) = promised(&change.change) else { return };
        release(&mut self.keys, &key);
        if let Some(link) = &change.link {
            release(&mut self.links, link);
        }
    }
}

impl State {
    /// Notes the outcome of a flush.
    fn settle_flush(&mut self, now: Now, batch: Vec<Change>, outcome: Result<(), StoreError>) {
        self.journal.flushing = false;
        for change in &batch {
            self.journal.settle(change);
        }
        let failed_before = self.journal.paused_until.is_some();
        match outcome {
            Ok(()) => {
                self.journal.paused_until = None;
                if failed_before {
                    self.noticed.push(Noticed::StoreRecovered);
                }
            }
            Err(error) => {
                self.journal.paused_until = Some(Instant::now() + STORE_PAUSE);
                if !failed_before {
                    self.noticed.push(Noticed::StoreFailed(error));
                }
                self.refuse_unstored(now, batch);
            }
        }
        for link in core::mem::take(&mut self.journal.held) {
            self.ring(link);
        }
    }

    /// Removes keys that could not be stored, before any client has heard of them.
    fn refuse_unstored(&mut self, now: Now, batch: Vec<Change>) {
        let mut retried = Vec::new();
        for Change { change, link } in batch {
            match change {
                ServerKeyChange::Created(established) => {
                    let key = established.key.id();
                    self.journal.unstored.insert(key);
                    self.endpoint.remove_key(now, key);
                }
                // The key itself is stored: its end has to be.
                ServerKeyChange::Bound { temporary, .. } => {
                    self.endpoint.remove_key(now, temporary);
                }
                change => retried.push(Change { change, link: None }),
            }
            if let Some(link) = link {
                self.endpoint.close(now, link);
            }
        }
        retried.append(&mut self.journal.waiting);
        self.journal.waiting = retried;
    }
}

/// Returns the key that a client may rely on once a change is stored.
fn promised(change: &ServerKeyChange) -> Option<AuthKeyId> {
    match change {
        ServerKeyChange::Created(established) => Some(established.key.id()),
        ServerKeyChange::Bound { temporary, .. } => Some(*temporary),
        _ => None,
    }
}

fn release<K: core::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Brings changes into the store, as many at once as have come together.
pub(super) async fn keep_journal(
    shared: Arc<Shared>,
    store: Option<Arc<dyn ServerStore>>,
) -> Infallible {
    let Some(store) = store else { return core::future::pending().await };
    loop {
        let batch = shared.lock().journal.take();
        if batch.is_empty() {
            shared.journal_bell.notified().await;
            continue;
        }
        let changes = batch.iter().map(|change| change.change.clone()).collect();
        let outcome = store.apply(changes).await;
        let failed = outcome.is_err();
        shared.settle_flush(batch, outcome);
        if failed {
            sleep(STORE_PAUSE).await;
        }
    }
}

impl Shared {
    fn settle_flush(self: &Arc<Self>, batch: Vec<Change>, outcome: Result<(), StoreError>) {
        self.with(None, |state, now| state.settle_flush(now, batch, outcome));
        self.flushed.notify_waiters();
    }

    /// Waits until everything is stored.
    pub(super) async fn flushed(&self) {
        loop {
            let flushed = self.flushed.notified();
            tokio::pin!(flushed);
            flushed.as_mut().enable();
            if self.lock().journal.is_idle() {
                return;
            }
            flushed.await;
        }
    }
}

/// After a failure of the store new keys are refused for so long, without computing them.
pub(super) const STORE_PAUSE: Duration = Duration::from_secs(1);
