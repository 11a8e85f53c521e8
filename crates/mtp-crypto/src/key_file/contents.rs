//! What a key file holds, and its layout inside the encryption:
//!
//! ```text
//!   clock_offset 8 | keys 1 | keys × ( dc 4 | expires_at 4 | auth_key 256 | salts 1
//!                                    | salts × ( salt 8 | valid_since 4 | valid_until 4 ) )
//! ```

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::SealFileError;
use crate::auth_key::AuthKey;
use crate::ids::Salt;

/// Keys and what is needed to go on with them.
#[derive(Debug, Default)]
pub struct KeyFile {
    /// The server's clock minus one's own, in nanoseconds.
    pub clock_offset: i64,
    /// The keys, [`KEYS_MAX`] at most.
    pub keys: Vec<StoredKey>,
}

/// One key with its salts.
#[derive(Debug)]
pub struct StoredKey {
    /// The data centre it was agreed with, as in the key exchange.
    pub dc: i32,
    /// When a temporary key ends, in seconds since 1970-01-01 UTC; `None` for a permanent key.
    pub expires_at: Option<i32>,
    /// The key.
    pub key: AuthKey,
    /// The salts known for it, [`SALTS_MAX`] at most.
    pub salts: Vec<StoredSalt>,
}

/// A salt and its time, as in `future_salt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredSalt {
    /// The salt.
    pub salt: Salt,
    /// From when it is valid, in seconds since 1970-01-01 UTC.
    pub valid_since: i32,
    /// Until when it is valid, in seconds since 1970-01-01 UTC.
    pub valid_until: i32,
}

impl KeyFile {
    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, SealFileError> {
        let salts_fit = self.keys.iter().all(|key| key.salts.len() <= SALTS_MAX);
        let count = u8::try_from(self.keys.len()).ok().filter(|_| self.keys.len() <= KEYS_MAX);
        let (Some(count), true) = (count, salts_fit) else { return Err(SealFileError::TooLarge) };
        // In one piece from the start: a buffer that grows leaves copies of keys behind.
        let mut out = Zeroizing::new(Vec::with_capacity(LEN_MAX));
        out.extend_from_slice(&self.clock_offset.to_le_bytes());
        out.push(count);
        for StoredKey { dc, expires_at, key, salts } in &self.keys {
            out.extend_from_slice(&dc.to_le_bytes());
            out.extend_from_slice(&expires_at.unwrap_or_default().to_le_bytes());
            out.extend_from_slice(key.as_bytes());
            out.push(u8::try_from(salts.len()).map_err(|_| SealFileError::TooLarge)?);
            for StoredSalt { salt, valid_since, valid_until } in salts {
                out.extend_from_slice(&salt.to_le_bytes());
                out.extend_from_slice(&valid_since.to_le_bytes());
                out.extend_from_slice(&valid_until.to_le_bytes());
            }
        }
        Ok(out)
    }

    /// Reads all of `bytes`, no more and no less.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        let clock_offset = i64::from_le_bytes(take(from)?);
        let [count] = take(from)?;
        let keys = (usize::from(count) <= KEYS_MAX).then_some(0..count)?;
        let keys = keys.map(|_| StoredKey::decode(from)).collect::<Option<_>>()?;
        from.is_empty().then_some(Self { clock_offset, keys })
    }
}

impl StoredKey {
    fn decode(from: &mut &[u8]) -> Option<Self> {
        let dc = i32::from_le_bytes(take(from)?);
        let expires_at = Some(i32::from_le_bytes(take(from)?)).filter(|at| *at != 0);
        let key = AuthKey::new(take(from)?).ok()?;
        let [count] = take(from)?;
        let salts = (usize::from(count) <= SALTS_MAX).then_some(0..count)?;
        let salts = salts.map(|_| StoredSalt::decode(from)).collect::<Option<_>>()?;
        Some(Self { dc, expires_at, key, salts })
    }
}

impl StoredSalt {
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

/// Keys in one file: permanent and temporary ones of more data centres than there are.
pub const KEYS_MAX: usize = 64;

/// Salts of one key: the protocol hands out 64 at a time.
pub const SALTS_MAX: usize = 128;

/// The length of contents that use up all limits.
pub(super) const LEN_MAX: usize = 8 + 1 + KEYS_MAX * (4 + 4 + 256 + 1 + SALTS_MAX * 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_of_it_or_nothing() {
        let salt = StoredSalt { salt: Salt::from_raw(1), valid_since: 2, valid_until: 3 };
        let key = AuthKey::new([7; 256]).unwrap();
        let keys =
            alloc::vec![StoredKey { dc: 2, expires_at: None, key, salts: alloc::vec![salt; 2] }];
        let encoded = KeyFile { clock_offset: 5, keys }.encode().unwrap();
        assert!(KeyFile::decode(&encoded).is_some());
        for len in 0..encoded.len() {
            assert!(KeyFile::decode(&encoded[..len]).is_none(), "{len} bytes");
        }
        let mut longer = encoded.to_vec();
        longer.push(0);
        assert!(KeyFile::decode(&longer).is_none());
    }

    /// Counts above the limits are refused although all the bytes are there.
    #[test]
    fn counts_are_bounded() {
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
