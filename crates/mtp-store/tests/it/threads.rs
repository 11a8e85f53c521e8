//! Stores work from any executor and from none, block neither, and flush together what came together.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Waker};
use std::sync::{Arc, mpsc};

use mtp_store::{
    BlockingServerStore, JOBS_MAX, Loaded, ServerKeyChange, ServerKeyRecord, ServerStore,
    StoreError, StoreThread, wait,
};

use crate::support::permanent;

/// A store that does nothing until it is let, and counts its flushes.
struct Slow {
    let_go: mpsc::Receiver<()>,
    flushes: Arc<AtomicUsize>,
    keys: Vec<ServerKeyRecord>,
}

impl BlockingServerStore for Slow {
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        Ok(fresh)
    }

    fn load(&mut self) -> Result<Loaded<ServerKeyRecord>, StoreError> {
        Ok(Loaded::whole(self.keys.clone()))
    }

    fn apply(&mut self, changes: &[ServerKeyChange]) -> Result<(), StoreError> {
        self.let_go.recv().unwrap();
        self.flushes.fetch_add(1, Ordering::Relaxed);
        // Key 66 is refused, and with it its batch.
        let bad = permanent(66).key.id();
        let mut created = Vec::new();
        for change in changes {
            let ServerKeyChange::Created(key) = change else { continue };
            assert_ne!(key.key.id(), permanent(99).key.id(), "a bug of the store");
            if key.key.id() == bad {
                return Err(StoreError::Busy);
            }
            created.push(ServerKeyRecord::new(key.clone(), None));
        }
        self.keys.extend(created);
        Ok(())
    }
}

fn slow() -> (StoreThread<Slow>, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (sender, let_go) = mpsc::channel();
    let flushes = Arc::new(AtomicUsize::new(0));
    let store = Slow { let_go, flushes: flushes.clone(), keys: Vec::new() };
    (wait(StoreThread::open(move || Ok(store))).unwrap(), sender, flushes)
}

fn created(seed: u8) -> Vec<ServerKeyChange> {
    vec![ServerKeyChange::Created(permanent(seed))]
}

#[test]
fn awaiting_a_slow_store_does_not_block_an_executor() {
    let (store, let_go, _) = slow();
    smol::block_on(async {
        let applied = store.apply(created(1));
        // The executor has one thread: it lets the store go while it awaits it.
        let other = async { let_go.send(()).unwrap() };
        let (outcome, ()) = smol::future::zip(applied, other).await;
        outcome.unwrap();
        assert_eq!(store.load().await.unwrap().records.len(), 1);
    });
}

#[test]
fn batches_that_wait_are_flushed_together() {
    let (store, let_go, flushes) = slow();
    let first = store.apply(created(1));
    let others: Vec<_> = (2..=40).map(|seed| store.apply(created(seed))).collect();
    for _ in 0..40 {
        let_go.send(()).unwrap();
    }
    wait(first).unwrap();
    for outcome in others {
        wait(outcome).unwrap();
    }
    // The first may have begun before the others came.
    assert!(flushes.load(Ordering::Relaxed) <= 3);
    assert_eq!(wait(store.load()).unwrap().records.len(), 40);
}

#[test]
fn a_batch_that_fails_does_not_fail_those_flushed_with_it() {
    let (store, let_go, _) = slow();
    let seeds = [1, 66, 2, 99, 3];
    let outcomes: Vec<_> = seeds.iter().map(|seed| store.apply(created(*seed))).collect();
    for _ in 0..20 {
        let_go.send(()).unwrap();
    }
    let outcomes: Vec<_> = outcomes.into_iter().map(wait).collect();
    assert!(matches!(outcomes[1], Err(StoreError::Busy)));
    assert!(matches!(outcomes[3], Err(StoreError::Panicked { .. })), "{outcomes:?}");
    assert!([0, 2, 4].iter().all(|at| outcomes[*at].is_ok()), "{outcomes:?}");
    assert_eq!(wait(store.load()).unwrap().records.len(), 3);
}

#[test]
fn a_queue_beyond_its_limit_refuses() {
    let (store, let_go, _) = slow();
    let mut first = store.apply(created(1));
    // One is at work, or still in the queue; one that was taken out behind it is in neither.
    let outcomes: Vec<_> = (0..2 * JOBS_MAX + 2).map(|_| store.salt_secret([0; 32])).collect();
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let_go.send(()).unwrap();
    wait(first).unwrap();
    let refused = outcomes.into_iter().map(wait).filter(Result::is_err).count();
    assert!((JOBS_MAX..=JOBS_MAX + 3).contains(&refused), "{refused}");
    assert!(wait(store.salt_secret([0; 32])).is_ok());
}

#[test]
fn a_store_that_cannot_be_opened_says_why() {
    let opening = StoreThread::<Slow>::open(|| Err(StoreError::Ended));
    assert!(matches!(wait(opening), Err(StoreError::Ended)));
    let opening = StoreThread::<Slow>::open(|| panic!("a bug of the store"));
    let refused = wait(opening).unwrap_err();
    assert_eq!(refused.to_string(), "the store panicked: a bug of the store");
}
