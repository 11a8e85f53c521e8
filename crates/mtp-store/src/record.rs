//! A key as bytes of a database.
//!
//! ```text
//!   version 1 | kind 1 | expires_at_ns 8 | salt 8 | time_offset_ns 8 | bound_to 8 | key 256
//! ```
//!
//! Numbers are little-endian; `bound_to` is zero if the key is bound to none.

use std::sync::Arc;

use mtp_crypto::{AuthKey, AuthKeyId, Salt};
use mtp_env::UnixTime;
use mtp_session::Established;
use mtp_session::established::KeyKind;
use zeroize::Zeroizing;

use super::{StoreError, StoredKey};

/// A record's length in bytes.
pub(super) const LEN: usize = 2 + 4 * 8 + AuthKey::LEN;

pub(super) fn encode(key: &Established, bound_to: Option<AuthKeyId>) -> Zeroizing<Vec<u8>> {
    let (kind, expires_at) = match key.kind {
        KeyKind::Temporary { expires_at, media: false } => (TEMPORARY, expires_at.as_nanos()),
        KeyKind::Temporary { expires_at, media: true } => (MEDIA, expires_at.as_nanos()),
        _ => (PERMANENT, 0),
    };
    // In one piece from the start: a buffer that grows leaves copies of keys behind.
    let mut out = Zeroizing::new(Vec::with_capacity(LEN));
    out.extend_from_slice(&[VERSION, kind]);
    out.extend_from_slice(&expires_at.to_le_bytes());
    out.extend_from_slice(&key.salt.to_le_bytes());
    out.extend_from_slice(&key.time_offset_ns.to_le_bytes());
    out.extend_from_slice(&bound_to.map_or(0, AuthKeyId::as_raw).to_le_bytes());
    out.extend_from_slice(key.key.as_bytes());
    out
}

pub(super) fn decode(record: &[u8]) -> Result<StoredKey, StoreError> {
    read(record).ok_or(StoreError::Record { len: record.len() })
}

fn read(record: &[u8]) -> Option<StoredKey> {
    let mut from = record;
    let [version, kind] = take(&mut from)?;
    let expires_at = UnixTime::from_nanos(u64::from_le_bytes(take(&mut from)?));
    let kind = match (version, kind) {
        (VERSION, PERMANENT) => KeyKind::Permanent,
        (VERSION, TEMPORARY) => KeyKind::Temporary { expires_at, media: false },
        (VERSION, MEDIA) => KeyKind::Temporary { expires_at, media: true },
        _ => return None,
    };
    let salt = Salt::from_le_bytes(take(&mut from)?);
    let time_offset_ns = i64::from_le_bytes(take(&mut from)?);
    let bound_to = Some(u64::from_le_bytes(take(&mut from)?)).filter(|id| *id != 0);
    let key = Arc::new(AuthKey::new(take(&mut from)?).ok()?);
    from.is_empty().then_some(StoredKey {
        established: Established { key, salt, time_offset_ns, kind },
        bound_to: bound_to.map(AuthKeyId::from_raw),
    })
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*bytes)
}

const VERSION: u8 = 1;
const PERMANENT: u8 = 0;
const TEMPORARY: u8 = 1;
const MEDIA: u8 = 2;
