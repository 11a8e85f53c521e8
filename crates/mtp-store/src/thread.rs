//! Blocking stores on threads of their own.

use core::any::Any;
use core::fmt;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::panic::catch_unwind;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;
use std::thread::{self, JoinHandle, Thread};

use crate::keys::{ClientKeyChange, ClientKeyRecord, Loaded, ServerKeyChange, ServerKeyRecord};
use crate::{ClientStore, ServerStore, StoreError, StoreFuture};

/// Operations that may wait for a store's thread; further ones fail with [`StoreError::Busy`].
pub const JOBS_MAX: usize = 1024;

/// A client's store whose methods block, for [`StoreThread`].
pub trait BlockingClientStore: Send + 'static {
    /// Returns every key: see [`ClientStore::load`].
    ///
    /// # Errors
    /// [`StoreError`] if nothing can be read.
    fn load(&mut self) -> Result<Loaded<ClientKeyRecord>, StoreError>;

    /// Applies changes: see [`ClientStore::apply`].
    ///
    /// # Errors
    /// [`StoreError`]: nothing changed.
    fn apply(&mut self, changes: &[ClientKeyChange]) -> Result<(), StoreError>;
}

/// A server's store whose methods block, for [`StoreThread`].
pub trait BlockingServerStore: Send + 'static {
    /// Returns the secret of the server's salts: see [`ServerStore::salt_secret`].
    ///
    /// # Errors
    /// [`StoreError`] if no secret can be read or stored.
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    /// Returns every key: see [`ServerStore::load`].
    ///
    /// # Errors
    /// [`StoreError`] if nothing can be read.
    fn load(&mut self) -> Result<Loaded<ServerKeyRecord>, StoreError>;

    /// Applies changes: see [`ServerStore::apply`].
    ///
    /// # Errors
    /// [`StoreError`]: nothing changed.
    fn apply(&mut self, changes: &[ServerKeyChange]) -> Result<(), StoreError>;
}

/// A blocking store on a thread of its own, as an asynchronous one.
///
/// Batches that wait while another is being flushed are flushed together; if that fails, each is
/// tried alone, so that every caller gets the outcome of its own batch. Dropping the handle waits for
/// the operations that have begun, and for the store to close.
pub struct StoreThread<B> {
    jobs: Option<SyncSender<Job<B>>>,
    thread: Option<JoinHandle<()>>,
}

/// One operation.
enum Job<B> {
    Run(Box<dyn FnOnce(&mut B) + Send>),
    Apply(Batch<B>),
}

/// Changes, and who waits for them.
struct Batch<B> {
    changes: Changes,
    apply: fn(&mut B, &Changes) -> Result<(), StoreError>,
    reply: Reply<()>,
}

#[derive(Clone)]
enum Changes {
    Client(Vec<ClientKeyChange>),
    Server(Vec<ServerKeyChange>),
}

impl<B: Send + 'static> StoreThread<B> {
    /// Opens a store on a new thread.
    ///
    /// # Errors
    /// Those of `open`; [`StoreError::Io`] if the system has no thread.
    pub fn open(
        open: impl FnOnce() -> Result<B, StoreError> + Send + 'static,
    ) -> StoreFuture<'static, Self> {
        let (jobs, waiting) = sync_channel(JOBS_MAX);
        let (reply, opened) = reply();
        let spawned =
            thread::Builder::new().name("mtp-store".into()).spawn(move || match guarded(open) {
                Ok(store) => {
                    reply.send(Ok(()));
                    work(store, &waiting);
                }
                Err(error) => reply.send(Err(error)),
            });
        Box::pin(async move {
            let thread = spawned.map_err(StoreError::io("thread".as_ref()))?;
            let handle = Self { jobs: Some(jobs), thread: Some(thread) };
            opened.await.map(|()| handle)
        })
    }

    /// Runs an operation on the store's thread, after those that were asked for before.
    ///
    /// # Errors
    /// Those of `operation`; [`StoreError::Panicked`], [`StoreError::Busy`], [`StoreError::Ended`].
    pub fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut B) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let (reply, outcome) = reply();
        self.push(
            Job::Run(Box::new(move |store| reply.send(guarded(|| operation(store))))),
            outcome,
        )
    }

    fn apply(
        &self,
        changes: Changes,
        apply: fn(&mut B, &Changes) -> Result<(), StoreError>,
    ) -> StoreFuture<'static, ()> {
        let (reply, outcome) = reply();
        self.push(Job::Apply(Batch { changes, apply, reply }), outcome)
    }

    fn push<T: Send + 'static>(&self, job: Job<B>, outcome: Outcome<T>) -> StoreFuture<'static, T> {
        let pushed = self.jobs.as_ref().ok_or(StoreError::Ended).and_then(|jobs| {
            jobs.try_send(job).map_err(|why| match why {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::Ended,
            })
        });
        Box::pin(async move {
            pushed?;
            outcome.await
        })
    }
}

impl<B: BlockingClientStore> ClientStore for StoreThread<B> {
    fn load(&self) -> StoreFuture<'_, Loaded<ClientKeyRecord>> {
        self.run(B::load)
    }

    fn apply(&self, changes: Vec<ClientKeyChange>) -> StoreFuture<'_, ()> {
        self.apply(Changes::Client(changes), |store, changes| match changes {
            Changes::Client(changes) => BlockingClientStore::apply(store, changes),
            Changes::Server(_) => Ok(()),
        })
    }
}

impl<B: BlockingServerStore> ServerStore for StoreThread<B> {
    fn salt_secret(&self, fresh: [u8; 32]) -> StoreFuture<'_, [u8; 32]> {
        self.run(move |store| store.salt_secret(fresh))
    }

    fn load(&self) -> StoreFuture<'_, Loaded<ServerKeyRecord>> {
        self.run(B::load)
    }

    fn apply(&self, changes: Vec<ServerKeyChange>) -> StoreFuture<'_, ()> {
        self.apply(Changes::Server(changes), |store, changes| match changes {
            Changes::Server(changes) => BlockingServerStore::apply(store, changes),
            Changes::Client(_) => Ok(()),
        })
    }
}

impl<B> Drop for StoreThread<B> {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to do.
            let _ = thread.join();
        }
    }
}

impl<B> fmt::Debug for StoreThread<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreThread").finish_non_exhaustive()
    }
}

/// Runs jobs until every handle is gone.
fn work<B>(mut store: B, jobs: &Receiver<Job<B>>) {
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
        match job {
            Job::Run(operation) => operation(&mut store),
            Job::Apply(first) => {
                let mut batches = vec![first];
                while batches.len() < JOBS_MAX {
                    match jobs.try_recv() {
                        Ok(Job::Apply(batch)) => batches.push(batch),
                        Ok(job) => {
                            next = Some(job);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                flush(&mut store, batches);
            }
        }
    }
}

/// Applies batches together, or each alone if that fails.
fn flush<B>(store: &mut B, batches: Vec<Batch<B>>) {
    if let [first, others @ ..] = &*batches
        && !others.is_empty()
    {
        let mut joined = first.changes.clone();
        let all_joined = others.iter().all(|batch| joined.append(&batch.changes));
        if all_joined && guarded(|| (first.apply)(store, &joined)).is_ok() {
            for batch in batches {
                batch.reply.send(Ok(()));
            }
            return;
        }
    }
    for Batch { changes, apply, reply } in batches {
        reply.send(guarded(|| apply(store, &changes)));
    }
}

impl Changes {
    /// Appends changes of the same kind; returns false for those of the other.
    fn append(&mut self, more: &Self) -> bool {
        match (self, more) {
            (Self::Client(changes), Self::Client(more)) => changes.extend_from_slice(more),
            (Self::Server(changes), Self::Server(more)) => changes.extend_from_slice(more),
            _ => return false,
        }
        true
    }
}

/// Turns a panic into an error: a library may panic on a damaged file.
pub(crate) fn guarded<T>(
    operation: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(operation))
        .unwrap_or_else(|panic| Err(StoreError::Panicked { message: message(&*panic) }))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Where an operation's outcome is left.
struct Reply<T>(Arc<Mutex<Slot<T>>>);

/// The outcome of an operation.
struct Outcome<T>(Arc<Mutex<Slot<T>>>);

struct Slot<T> {
    outcome: Option<Result<T, StoreError>>,
    waker: Option<Waker>,
    /// There will be no outcome.
    abandoned: bool,
}

fn reply<T>() -> (Reply<T>, Outcome<T>) {
    let slot = Arc::new(Mutex::new(Slot { outcome: None, waker: None, abandoned: false }));
    (Reply(slot.clone()), Outcome(slot))
}

impl<T> Reply<T> {
    fn send(self, outcome: Result<T, StoreError>) {
        lock(&self.0).outcome = Some(outcome);
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let waker = {
            let mut slot = lock(&self.0);
            slot.abandoned = true;
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Outcome<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = lock(&self.0);
        if let Some(outcome) = slot.outcome.take() {
            return Poll::Ready(outcome);
        }
        if slot.abandoned {
            return Poll::Ready(Err(StoreError::Ended));
        }
        slot.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Nothing panics while it holds the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Awaits a future on a plain thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}
