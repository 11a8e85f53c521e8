//! Files from content delivery networks: hostile servers that hold encrypted parts.
//!
//! [`open_part`] decrypts a part and compares its hash before giving it out; a part that fails is
//! to be fetched from the main data centre instead.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::ctr::CtrCipher;
use crate::hash::sha256;

/// Key and initialisation vector of one file, from `upload.fileCdnRedirect`.
pub struct FileKey {
    key: [u8; 32],
    iv: [u8; 16],
}

impl FileKey {
    /// Takes `encryption_key` and `encryption_iv`.
    ///
    /// # Errors
    /// [`CdnError::KeySize`] unless they have 32 and 16 bytes.
    // spec: crypto 12
    pub fn new(encryption_key: &[u8], encryption_iv: &[u8]) -> Result<Self, CdnError> {
        match (encryption_key.try_into(), encryption_iv.try_into()) {
            (Ok(key), Ok(iv)) => Ok(Self { key, iv }),
            _ => Err(CdnError::KeySize { key: encryption_key.len(), iv: encryption_iv.len() }),
        }
    }

    /// Encrypts or decrypts, in place, the bytes of the file from `offset` on.
    ///
    /// # Errors
    /// [`CdnError::Offset`] unless the offset is a multiple of 16 below 2^36; nothing is changed.
    // spec: crypto 12
    pub fn apply(&self, offset: u64, data: &mut [u8]) -> Result<(), CdnError> {
        let counter = match u32::try_from(offset / 16) {
            Ok(counter) if offset.is_multiple_of(16) => counter,
            _ => return Err(CdnError::Offset { offset }),
        };
        let mut iv = self.iv;
        let [.., a, b, c, d] = &mut iv;
        [*a, *b, *c, *d] = counter.to_be_bytes();
        CtrCipher::new(&self.key, &iv).apply(data);
        Ok(())
    }
}

impl Drop for FileKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

/// Prints the type's name only.
impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(..)")
    }
}

/// Decrypts a part in place and checks it against the `hash` of its `fileHash`.
///
/// `data` must be the bytes the hash covers: from its offset, its limit long or up to the file's
/// end.
///
/// # Errors
/// [`CdnError::Offset`] as [`FileKey::apply`]; [`CdnError::Hash`] if the network sent something
/// else than the file, and then `data` is wiped.
// spec: crypto 12, 17#28
pub fn open_part(key: &FileKey, offset: u64, hash: &[u8], data: &mut [u8]) -> Result<(), CdnError> {
    key.apply(offset, data)?;
    if bool::from(sha256(&[data]).ct_eq(hash)) {
        Ok(())
    } else {
        data.zeroize();
        Err(CdnError::Hash)
    }
}

/// A part or its key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CdnError {
    /// Key and vector must have 32 and 16 bytes.
    KeySize {
        /// The key's length in bytes.
        key: usize,
        /// The vector's length in bytes.
        iv: usize,
    },
    /// The offset is no multiple of 16, or beyond what the counter can address.
    Offset {
        /// The offset in bytes.
        offset: u64,
    },
    /// The decrypted bytes have another hash: discard the part and leave this network.
    Hash,
}

impl fmt::Display for CdnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeySize { key, iv } => {
                write!(f, "a key of {key} and a vector of {iv} bytes, expected 32 and 16")
            }
            Self::Offset { offset } => {
                write!(f, "offset {offset} is no multiple of 16 below 2^36")
            }
            Self::Hash => f.write_str("the part's hash differs from the promised one"),
        }
    }
}

impl core::error::Error for CdnError {}
