//! Files from content delivery networks: untrusted servers that hold encrypted parts.
//!
//! [`open_part`] decrypts a part and checks its hash. A part that fails the check must be fetched
//! from the main data center instead.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::ctr::CtrCipher;
use crate::hash::sha256;

/// The key and initialization vector of one file, from `upload.fileCdnRedirect`.
pub struct CdnFileKey {
    key: [u8; 32],
    iv: [u8; 16],
}

impl CdnFileKey {
    /// Creates a key from `encryption_key` and `encryption_iv`.
    ///
    /// # Errors
    /// [`CdnError::KeySize`] unless they are 32 and 16 bytes long.
    // spec: crypto 12
    pub fn new(encryption_key: &[u8], encryption_iv: &[u8]) -> Result<Self, CdnError> {
        match (encryption_key.try_into(), encryption_iv.try_into()) {
            (Ok(key), Ok(iv)) => Ok(Self { key, iv }),
            _ => Err(CdnError::KeySize { key: encryption_key.len(), iv: encryption_iv.len() }),
        }
    }

    /// Encrypts or decrypts in place the bytes of the file at `offset`.
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

impl Drop for CdnFileKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

/// Prints the type's name only.
impl fmt::Debug for CdnFileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CdnFileKey(..)")
    }
}

/// Decrypts a part in place and checks it against the `hash` of its `fileHash`.
///
/// `data` must be the bytes that the hash covers: from the `fileHash`'s offset, up to its limit or
/// the end of the file.
///
/// # Errors
/// [`CdnError::Offset`] as for [`CdnFileKey::apply`]; [`CdnError::Hash`] if the network sent other
/// bytes than the file's, and `data` is then wiped.
// spec: crypto 12, 17#28
pub fn open_part(
    key: &CdnFileKey,
    offset: u64,
    hash: &[u8],
    data: &mut [u8],
) -> Result<(), CdnError> {
    key.apply(offset, data)?;
    if bool::from(sha256(&[data]).ct_eq(hash)) {
        Ok(())
    } else {
        data.zeroize();
        Err(CdnError::Hash)
    }
}

/// Errors of [`CdnFileKey`] and [`open_part`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CdnError {
    /// The key is not 32 bytes or the vector not 16 bytes long.
    KeySize {
        /// The length of the key in bytes.
        key: usize,
        /// The length of the vector in bytes.
        iv: usize,
    },
    /// The offset is not a multiple of 16, or beyond the range of the counter.
    Offset {
        /// The offset in bytes.
        offset: u64,
    },
    /// The hash of the decrypted bytes does not match; discard the part and stop using this network.
    Hash,
}

impl fmt::Display for CdnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeySize { key, iv } => {
                write!(f, "a key of {key} and a vector of {iv} bytes, expected 32 and 16")
            }
            Self::Offset { offset } => {
                write!(f, "offset {offset} is not a multiple of 16 below 2^36")
            }
            Self::Hash => f.write_str("the hash of the part does not match"),
        }
    }
}

impl core::error::Error for CdnError {}
