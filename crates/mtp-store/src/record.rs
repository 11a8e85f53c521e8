//! The stored form of a key.
//!
//! ```text
//!   version 1 = 2 | kind 1 | id 8 | expires_at_ns 8 | salt 8 | time_offset_ns 8 | bound_to 8 | key 256
//!   | checksum 8                                                                            306 bytes
//! ```
//!
//! - Numbers are little-endian; `time_offset_ns` is signed.
//! - `kind`: 0 permanent key, 1 temporary key, 2 temporary key for media, 16 salt secret.
//! - `id` names the record: of a server's key the key id, of a client's key the number of its data
//!   center as a signed integer, of the salt secret zero. A record found under another name is damaged.
//! - `expires_at_ns`: nanoseconds since 1970-01-01 UTC in server time; zero for permanent keys.
//! - `bound_to`: id of the permanent key that a temporary key is bound to; zero if there is none.
//! - `checksum`: the first 8 bytes of the SHA-256 of all before it. It finds damage; it does not
//!   authenticate.
//!
//! The salt secret takes the same form, with zeros for the fields that it lacks and 224 zeros after its
//! 32 bytes. Version 1 ended after `key`, and had neither `id` nor `checksum`; it is read, never written.
//! Later versions, whatever else they hold, begin with their version and end with the same checksum: they
//! are told from damage and refused, see [`RecordError::Newer`].

use core::error::Error;
use core::fmt;
use std::sync::Arc;

use mtp_crypto::DcId;
use mtp_crypto::hash::sha256;
use mtp_crypto::{AuthKey, AuthKeyId, Salt};
use mtp_env::UnixTime;
use mtp_session::established::{Established, KeyKind};
use zeroize::Zeroizing;

use crate::keys::{ClientKeyRecord, ServerKeyRecord};

/// A record's length in bytes.
pub const LEN: usize = HEADER_LEN + 4 * 8 + AuthKey::LEN + CHECKSUM_LEN;

/// The version that is written.
pub const VERSION: u8 = 2;

/// Why bytes are not the record that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// A record of this version has another length.
    Length {
        /// The length found.
        found: usize,
    },
    /// A later version of this library wrote the record.
    Newer {
        /// The record's version.
        version: u8,
    },
    /// The checksum does not match.
    Checksum,
    /// The record belongs under another name.
    Id {
        /// The name inside the record.
        found: u64,
    },
    /// The kind is unknown, or the key is none.
    Contents,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found } => write!(f, "a record of {found} bytes"),
            Self::Newer { version } => write!(f, "a record of the newer version {version}"),
            Self::Checksum => f.write_str("the checksum does not match"),
            Self::Id { found } => write!(f, "the record belongs to {found:016x}"),
            Self::Contents => f.write_str("the record holds no key"),
        }
    }
}

impl Error for RecordError {}

/// Encodes a key of a server; its name is the key id.
#[must_use]
pub fn encode_server_key(record: &ServerKeyRecord) -> Zeroizing<Vec<u8>> {
    let id = record.established.key.id().as_raw();
    encode_key(id, &record.established, record.bound_to)
}

/// Decodes the key of a server that was found under `name`.
///
/// # Errors
/// [`RecordError`].
pub fn decode_server_key(name: AuthKeyId, record: &[u8]) -> Result<ServerKeyRecord, RecordError> {
    let decoded = decode(name.as_raw(), record)?;
    let found = decoded.established.key.id();
    // Version 1 had no other name.
    if found == name { Ok(decoded) } else { Err(RecordError::Id { found: found.as_raw() }) }
}

/// Encodes a key of a client; its name is the number of the data center.
#[must_use]
pub fn encode_client_key(record: &ClientKeyRecord) -> Zeroizing<Vec<u8>> {
    encode_key(client_id(record.dc), &record.established, None)
}

/// Decodes the key of a client that was found under the data center's number.
///
/// # Errors
/// [`RecordError`].
pub fn decode_client_key(dc: DcId, record: &[u8]) -> Result<ClientKeyRecord, RecordError> {
    let ServerKeyRecord { established, .. } = decode(client_id(dc), record)?;
    Ok(ClientKeyRecord { dc, established })
}

/// Encodes the secret that salts are derived from.
#[must_use]
pub fn encode_salt_secret(secret: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new([0; AuthKey::LEN]);
    let (head, _) = body.split_at_mut(SECRET_LEN);
    head.copy_from_slice(secret);
    encode([SALT_SECRET, 0], [0; 4], &body)
}

/// Decodes the secret that salts are derived from.
///
/// # Errors
/// [`RecordError`].
pub fn decode_salt_secret(record: &[u8]) -> Result<[u8; 32], RecordError> {
    let fields = unwrap(0, record)?;
    let secret = fields.body.first_chunk().filter(|_| fields.kind == SALT_SECRET);
    secret.copied().ok_or(RecordError::Contents)
}

fn encode_key(
    id: u64,
    established: &Established,
    bound_to: Option<AuthKeyId>,
) -> Zeroizing<Vec<u8>> {
    let (kind, expires_at) = match established.kind {
        KeyKind::Temporary { expires_at, media: false } => (TEMPORARY, expires_at.as_nanos()),
        KeyKind::Temporary { expires_at, media: true } => (MEDIA, expires_at.as_nanos()),
        _ => (PERMANENT, 0),
    };
    let salt = u64::from_le_bytes(established.salt.to_le_bytes());
    let offset = u64::from_le_bytes(established.time_offset_ns.to_le_bytes());
    let bound_to = bound_to.map_or(0, AuthKeyId::as_raw);
    encode([kind, id], [expires_at, salt, offset, bound_to], established.key.as_bytes())
}

fn encode(
    [kind, id]: [u64; 2],
    numbers: [u64; 4],
    body: &[u8; AuthKey::LEN],
) -> Zeroizing<Vec<u8>> {
    // In one piece from the start: a buffer that grows leaves copies of keys behind.
    let mut out = Zeroizing::new(Vec::with_capacity(LEN));
    let [kind, ..] = kind.to_le_bytes();
    out.extend_from_slice(&[VERSION, kind]);
    for number in [id].into_iter().chain(numbers) {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(body);
    let checksum = checksum(&out);
    out.extend_from_slice(&checksum);
    out
}

/// The fields of a record whose checksum and name are right.
struct Fields<'a> {
    kind: u64,
    expires_at: u64,
    salt: [u8; 8],
    time_offset_ns: i64,
    bound_to: u64,
    body: &'a [u8; AuthKey::LEN],
}

fn decode(id: u64, record: &[u8]) -> Result<ServerKeyRecord, RecordError> {
    let fields = unwrap(id, record)?;
    let expires_at = UnixTime::from_nanos(fields.expires_at);
    let kind = match fields.kind {
        PERMANENT => KeyKind::Permanent,
        TEMPORARY => KeyKind::Temporary { expires_at, media: false },
        MEDIA => KeyKind::Temporary { expires_at, media: true },
        _ => return Err(RecordError::Contents),
    };
    let key = AuthKey::new(*fields.body).map_err(|_| RecordError::Contents)?;
    let established = Established {
        key: Arc::new(key),
        salt: Salt::from_le_bytes(fields.salt),
        time_offset_ns: fields.time_offset_ns,
        kind,
    };
    let bound_to = Some(fields.bound_to).filter(|id| *id != 0).map(AuthKeyId::from_raw);
    Ok(ServerKeyRecord { established, bound_to })
}

fn unwrap(id: u64, record: &[u8]) -> Result<Fields<'_>, RecordError> {
    let wrong_length = RecordError::Length { found: record.len() };
    let (version, _) = record.split_first().ok_or(wrong_length)?;
    let rest = match *version {
        1 => record,
        VERSION => {
            let (rest, _) = record.split_last_chunk::<CHECKSUM_LEN>().ok_or(wrong_length)?;
            if record.len() != LEN {
                return Err(wrong_length);
            }
            if !is_intact(record) {
                return Err(RecordError::Checksum);
            }
            rest
        }
        version if version > VERSION && is_intact(record) => {
            return Err(RecordError::Newer { version });
        }
        _ => return Err(RecordError::Contents),
    };
    read(id, rest).ok_or(wrong_length)?
}

/// Takes a record without its checksum apart; `None` if it has another length.
fn read(id: u64, record: &[u8]) -> Option<Result<Fields<'_>, RecordError>> {
    let mut from = record;
    let [version, kind] = *take::<2>(&mut from)?;
    if version != 1 {
        let found = u64::from_le_bytes(*take(&mut from)?);
        if found != id {
            return Some(Err(RecordError::Id { found }));
        }
    }
    let fields = Fields {
        kind: u64::from(kind),
        expires_at: u64::from_le_bytes(*take(&mut from)?),
        salt: *take(&mut from)?,
        time_offset_ns: i64::from_le_bytes(*take(&mut from)?),
        bound_to: u64::from_le_bytes(*take(&mut from)?),
        body: take(&mut from)?,
    };
    from.is_empty().then_some(Ok(fields))
}

fn take<'a, const N: usize>(from: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(bytes)
}

/// Returns true if bytes end with the checksum of all before it.
fn is_intact(record: &[u8]) -> bool {
    let split = record.split_last_chunk::<CHECKSUM_LEN>();
    split.is_some_and(|(rest, sum)| *sum == checksum(rest))
}

/// The first 8 bytes of the SHA-256.
pub(crate) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    sha256(&[bytes]).first_chunk().copied().unwrap_or_default()
}

/// Numbers of data centers are signed.
fn client_id(dc: DcId) -> u64 {
    u64::from_le_bytes(i64::from(dc.as_i32()).to_le_bytes())
}

const HEADER_LEN: usize = 2 + 8;
const CHECKSUM_LEN: usize = 8;
const SECRET_LEN: usize = 32;

const PERMANENT: u64 = 0;
const TEMPORARY: u64 = 1;
const MEDIA: u64 = 2;
const SALT_SECRET: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ServerKeyRecord {
        let kind = KeyKind::Temporary { expires_at: UnixTime::from_nanos(77), media: true };
        let established = Established {
            key: Arc::new(AuthKey::new([7; 256]).unwrap()),
            salt: Salt::from_raw(5),
            time_offset_ns: -9,
            kind,
        };
        ServerKeyRecord { established, bound_to: Some(AuthKeyId::from_raw(9)) }
    }

    #[test]
    fn any_changed_or_missing_byte_is_found() {
        let record = record();
        let id = record.established.key.id();
        let bytes = encode_server_key(&record);
        assert_eq!(bytes.len(), LEN);
        let read = decode_server_key(id, &bytes).unwrap();
        assert_eq!(read.bound_to, record.bound_to);
        assert_eq!(read.established.kind, record.established.kind);
        for len in 0..bytes.len() {
            decode_server_key(id, &bytes[..len]).unwrap_err();
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 0x40;
            decode_server_key(id, &bytes).unwrap_err();
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(decode_server_key(id, &longer).unwrap_err(), RecordError::Length { found: 307 });
    }

    #[test]
    fn a_record_under_another_name_is_refused() {
        let bytes = encode_server_key(&record());
        let found = record().established.key.id().as_raw();
        let other = decode_server_key(AuthKeyId::from_raw(3), &bytes).unwrap_err();
        assert_eq!(other, RecordError::Id { found });
        let client = ClientKeyRecord::new(DcId::new(-2), record().established);
        let bytes = encode_client_key(&client);
        assert!(decode_client_key(DcId::new(-2), &bytes).is_ok());
        assert!(matches!(decode_client_key(DcId::new(2), &bytes), Err(RecordError::Id { .. })));
    }

    #[test]
    fn a_newer_record_is_told_from_a_damaged_one() {
        let mut bytes = encode_server_key(&record());
        bytes[0] = 3;
        let id = record().established.key.id();
        assert_eq!(decode_server_key(id, &bytes).unwrap_err(), RecordError::Contents);
        let sum = checksum(&bytes[..LEN - CHECKSUM_LEN]);
        bytes[LEN - CHECKSUM_LEN..].copy_from_slice(&sum);
        assert_eq!(decode_server_key(id, &bytes).unwrap_err(), RecordError::Newer { version: 3 });
        bytes[0] = 0;
        assert_eq!(decode_server_key(id, &bytes).unwrap_err(), RecordError::Contents);
    }

    #[test]
    fn the_salt_secret_survives_encoding() {
        let bytes = encode_salt_secret(&[3; 32]);
        assert_eq!(decode_salt_secret(&bytes), Ok([3; 32]));
        let key = decode_server_key(AuthKeyId::from_raw(0), &bytes).unwrap_err();
        assert_eq!(key, RecordError::Contents);
    }
}
