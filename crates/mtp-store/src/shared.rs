//! A store that several clients use.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{ClientStore, StoreError};

/// A client's store, shared by the clients of several data centres.
#[derive(Clone)]
pub struct SharedStore(Arc<Mutex<dyn ClientStore>>);

impl SharedStore {
    /// Shares a store.
    #[must_use]
    pub fn new(store: impl ClientStore + 'static) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    /// Works on the store where waiting for a disk holds up nothing.
    pub(crate) async fn with<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut dyn ClientStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let working = tokio::task::spawn_blocking(move || {
            // Stores change all or nothing, so one that panicked is as it was.
            let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut *store)
        });
        working.await.unwrap_or_else(|why| Err(StoreError::Database(Box::new(why))))
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore").finish_non_exhaustive()
    }
}
