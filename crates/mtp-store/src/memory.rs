//! Keys for as long as the process runs.

use core::future::ready;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mtp_crypto::AuthKeyId;
use mtp_crypto::DcId;
use mtp_session::established::Established;

use super::{
    ClientKeyChange, ClientKeyRecord, ClientStore, Loaded, ServerKeyChange, ServerKeyRecord,
    ServerStore, StoreFuture, sorted,
};

/// Keys in memory: for tests, and for keys that need not survive the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    client_keys: BTreeMap<DcId, Established>,
    server_keys: BTreeMap<AuthKeyId, ServerKeyRecord>,
    salt_secret: Option<[u8; 32]>,
}

impl MemoryStore {
    /// Returns an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // Nothing panics while it holds the lock.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientStore for MemoryStore {
    fn load(&self) -> StoreFuture<'_, Loaded<ClientKeyRecord>> {
        let keys = self.lock().client_keys.clone().into_iter();
        let records = keys.map(|(dc, established)| ClientKeyRecord { dc, established });
        Box::pin(ready(Ok(Loaded::whole(records.collect()))))
    }

    fn apply(&self, changes: Vec<ClientKeyChange>) -> StoreFuture<'_, ()> {
        let mut contents = self.lock();
        for change in changes {
            match change {
                ClientKeyChange::Stored(ClientKeyRecord { dc, established }) => {
                    contents.client_keys.insert(dc, established);
                }
                ClientKeyChange::Removed(dc) => {
                    contents.client_keys.remove(&dc);
                }
            }
        }
        Box::pin(ready(Ok(())))
    }
}

impl ServerStore for MemoryStore {
    fn salt_secret(&self, fresh: [u8; 32]) -> StoreFuture<'_, [u8; 32]> {
        let secret = *self.lock().salt_secret.get_or_insert(fresh);
        Box::pin(ready(Ok(secret)))
    }

    fn load(&self) -> StoreFuture<'_, Loaded<ServerKeyRecord>> {
        let records = sorted(self.lock().server_keys.values().cloned().collect());
        Box::pin(ready(Ok(Loaded::whole(records))))
    }

    fn apply(&self, changes: Vec<ServerKeyChange>) -> StoreFuture<'_, ()> {
        let mut contents = self.lock();
        for change in changes {
            match change {
                ServerKeyChange::Created(established) => {
                    let key = established.key.id();
                    contents.server_keys.insert(key, ServerKeyRecord::new(established, None));
                }
                ServerKeyChange::Bound { temporary, permanent } => {
                    if let Some(record) = contents.server_keys.get_mut(&temporary) {
                        record.bound_to = Some(permanent);
                    }
                }
                ServerKeyChange::Destroyed(key) => {
                    contents.server_keys.remove(&key);
                }
            }
        }
        Box::pin(ready(Ok(())))
    }
}
