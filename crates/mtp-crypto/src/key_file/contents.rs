//! The contents of a key file and their layout inside the encryption.
//!
//! ```text
//!   clock_offset 8 | keys 1 | keys × ( dc 4 | expires_at 4 | auth_key 256 | salts 1
//!                                    | salts × ( salt 8 | valid_since 4 | valid_until 4 ) )
//! ```

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::SealFileError;
use crate::auth_key::AuthKey;
use crate::dc_id::DcId;
use crate::ids::Salt;

/// The contents of a key file.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the stored form; another field is another version")]
pub struct KeyFile {
    /// The server's clock minus the client's, in nanoseconds.
    pub clock_offset: i64,
    /// The keys, at most [`KEYS_MAX`].
    pub keys: Vec<KeyFileEntry>,
}

/// One key with its salts.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the stored form; another field is another version")]
pub struct KeyFileEntry {
    /// The data center that the key was agreed with.
    pub dc: DcId,
    /// When a temporary key expires, in seconds since 1970-01-01 UTC; `None` for a permanent key.
    pub expires_at: Option<i32>,
    /// The key.
    pub key: AuthKey,
    /// The known salts of the key, at most [`SALTS_MAX`].
    pub salts: Vec<KeyFileSalt>,
}

/// A salt and its validity, as in `future_salt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the stored form; another field is another version")]
pub struct KeyFileSalt {
    /// The salt.
    pub salt: Salt,
    /// The start of the validity, in seconds since 1970-01-01 UTC.
    pub valid_since: i32,
    /// The end of the validity, in seconds since 1970-01-01 UTC.
    pub valid_until: i32,
}

impl KeyFile {
    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, SealFileError> {
        let salts_fit = self.keys.iter().all(|key| key.salts.len() <= SALTS_MAX);
        let count = u8::try_from(self.keys.len()).ok().filter(|_| self.keys.len() <= KEYS_MAX);
        let (Some(count), true) = (count, salts_fit) else { return Err(SealFileError::TooLarge) };
        // Allocated at full size: a vector that grows leaves copies of keys behind.
        let mut out = Zeroizing::new(Vec::with_capacity(LEN_MAX));
        out.extend_from_slice(&self.clock_offset.to_le_bytes());
        out.push(count);
        for KeyFileEntry { dc, expires_at, key, salts } in &self.keys {
            out.extend_from_slice(&dc.as_i32().to_le_bytes());
            out.extend_from_slice(&expires_at.unwrap_or_default().to_le_bytes());
            out.extend_from_slice(key.as_bytes());
            out.push(u8::try_from(salts.len()).map_err(|_| SealFileError::TooLarge)?);
            for KeyFileSalt { salt, valid_since, valid_until } in salts {
                out.extend_from_slice(&salt.to_le_bytes());
                out.extend_from_slice(&valid_since.to_le_bytes());
                out.extend_from_slice(&valid_until.to_le_bytes());
            }
        }
        Ok(out)
    }

    /// Decodes the contents. Returns `None` unless they take up all of `bytes`.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        let clock_offset = i64::from_le_bytes(take(from)?);
        let [count] = take(from)?;
        let keys = (usize::from(count) <= KEYS_MAX).then_some(0..count)?;
        let keys = keys.map(|_| KeyFileEntry::decode(from)).collect::<Option<_>>()?;
        from.is_empty().then_some(Self { clock_offset, keys })
    }
}

impl KeyFileEntry {
    fn decode(from: &mut &[u8]) -> Option<Self> {
        let dc = DcId::new(i32::from_le_bytes(take(from)?));
        let expires_at = Some(i32::from_le_bytes(take(from)?)).filter(|at| *at != 0);
        let key = AuthKey::new(take(from)?).ok()?;
        let [count] = take(from)?;
        let salts = (usize::from(count) <= SALTS_MAX).then_some(0..count)?;
        let salts = salts.map(|_| KeyFileSalt::decode(from)).collect::<Option<_>>()?;
        Some(Self { dc, expires_at, key, salts })
    }
}

impl KeyFileSalt {
    fn decode(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            salt: Salt::from_le_bytes(take(from)?),
            valid_since: i32::from_le_bytes(take(from)?),
            valid_until: i32::from_le_bytes(take(from)?),
        })
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*bytes)
}

/// Most keys in one file: a permanent and a temporary one for each of 32 data centers.
pub const KEYS_MAX: usize = 64;

/// Most salts of one key. A server sends at most 64 at a time.
pub const SALTS_MAX: usize = 128;

/// The length of the largest contents.
pub(super) const LEN_MAX: usize = 8 + 1 + KEYS_MAX * (4 + 4 + 256 + 1 + SALTS_MAX * 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_and_extended_contents_are_rejected() {
        let salt = KeyFileSalt { salt: Salt::from_raw(1), valid_since: 2, valid_until: 3 };
        let key = AuthKey::new([7; 256]).unwrap();
        let keys = alloc::vec![KeyFileEntry {
            dc: DcId::new(2),
            expires_at: None,
            key,
            salts: alloc::vec![salt; 2]
        }];
        let encoded = KeyFile { clock_offset: 5, keys }.encode().unwrap();
        assert!(KeyFile::decode(&encoded).is_some());
        for len in 0..encoded.len() {
            assert!(KeyFile::decode(&encoded[..len]).is_none(), "{len} bytes");
        }
        let mut longer = encoded.to_vec();
        longer.push(0);
        assert!(KeyFile::decode(&longer).is_none());
    }

    /// Counts above the limits are rejected even if all bytes are present.
    #[test]
    fn counts_above_the_limits_are_rejected() {
        let file = |keys: usize, salts: usize| {
            let mut bytes = alloc::vec![0; 8];
            bytes.push(u8::try_from(keys).unwrap());
            for _ in 0..keys {
                bytes.extend_from_slice(&[0; 8]);
                bytes.extend_from_slice(&[7; 256]);
                bytes.push(u8::try_from(salts).unwrap());
                bytes.resize(bytes.len() + 16 * salts, 0);
            }
            KeyFile::decode(&bytes).is_some()
        };
        assert!(file(KEYS_MAX, SALTS_MAX));
        assert!(!file(KEYS_MAX + 1, 0));
        assert!(!file(1, SALTS_MAX + 1));
    }
}
