//! Keys for as long as the process runs.

use std::collections::BTreeMap;

use mtp_crypto::AuthKeyId;
use mtp_session::Established;
use mtp_session::handshake::DcId;

use super::{ClientStore, KeyChange, ServerStore, StoreError, StoredKey, sorted};

/// Keeps keys in memory: for tests, and for what may be lost.
#[derive(Debug, Default)]
pub struct MemoryStore {
    of_centers: BTreeMap<DcId, Established>,
    of_clients: BTreeMap<AuthKeyId, StoredKey>,
    salt_secret: Option<[u8; 32]>,
}

impl MemoryStore {
    /// Starts empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl ClientStore for MemoryStore {
    fn load(&mut self, dc: DcId) -> Result<Option<Established>, StoreError> {
        Ok(self.of_centers.get(&dc).cloned())
    }

    fn save(&mut self, dc: DcId, permanent: &Established) -> Result<(), StoreError> {
        self.of_centers.insert(dc, permanent.clone());
        Ok(())
    }

    fn forget(&mut self, dc: DcId) -> Result<(), StoreError> {
        self.of_centers.remove(&dc);
        Ok(())
    }
}

impl ServerStore for MemoryStore {
    fn salt_secret(&mut self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        Ok(*self.salt_secret.get_or_insert(fresh))
    }

    fn load(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        Ok(sorted(self.of_clients.values().cloned().collect()))
    }

    fn apply(&mut self, changes: &[KeyChange]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                KeyChange::Created(established) => {
                    let key = StoredKey { established: established.clone(), bound_to: None };
                    self.of_clients.insert(established.key.id(), key);
                }
                KeyChange::Bound { temporary, permanent } => {
                    if let Some(key) = self.of_clients.get_mut(temporary) {
                        key.bound_to = Some(*permanent);
                    }
                }
                KeyChange::Destroyed(key) => {
                    self.of_clients.remove(key);
                }
            }
        }
        Ok(())
    }
}
