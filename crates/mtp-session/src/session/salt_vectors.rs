//! The salts of `vectors/session.json`, for tests of both wings.

use alloc::vec::Vec;

use mtp_crypto::Salt;
use mtp_crypto::hash::sha256;

use crate::service::FutureSalt;
use crate::vectors::whole;

/// Returns the salt of an epoch, by the derivation of the vectors.
pub(crate) fn salt_at(epoch: u64) -> Salt {
    let key = whole("salts").bytes("key");
    let digest = sha256(&[&key, &epoch.to_le_bytes()]);
    Salt::from_le_bytes(digest[..8].try_into().unwrap())
}

/// Returns the schedule of salts.
pub(crate) fn future_salts() -> Vec<FutureSalt> {
    let entries = whole("salts").entries("schedule");
    assert_eq!(entries.len(), 6);
    entries
        .iter()
        .map(|entry| FutureSalt {
            valid_since: u32::try_from(entry.number("valid_since")).unwrap(),
            valid_until: u32::try_from(entry.number("valid_until")).unwrap(),
            salt: Salt::from_raw(entry.number("salt")),
        })
        .collect()
}
