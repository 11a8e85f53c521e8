//! Files in chats, each encrypted as one stream under its own key.
//!
//! Only the key's fingerprint is checked: the server can modify a file, so treat the decrypted bytes
//! as untrusted.

use alloc::vec::Vec;
use core::fmt;

use md5::{Digest, Md5};
use zeroize::Zeroize;

use crate::ige::{self, NotWholeBlocks};
use crate::parts::part;
use mtp_env::Entropy;

/// The key and initialization vector of one file, as in its message.
pub struct FileKey {
    key: [u8; 32],
    iv: [u8; 32],
}

impl FileKey {
    /// Draws the key of a file to send.
    #[must_use]
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut key = Self { key: [0; 32], iv: [0; 32] };
        entropy.fill(&mut key.key);
        entropy.fill(&mut key.iv);
        key
    }

    /// Creates a key from the fields of a message.
    #[must_use]
    pub const fn new(key: [u8; 32], iv: [u8; 32]) -> Self {
        Self { key, iv }
    }

    /// Returns the AES key, for the message.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Returns the initialization vector, for the message.
    #[must_use]
    pub const fn iv(&self) -> &[u8; 32] {
        &self.iv
    }

    /// Returns the fingerprint of the key. The sender uploads it with the file, and the recipient
    /// compares it with the fingerprint in `encryptedFile`.
    // spec: crypto 14.7
    #[must_use]
    pub fn fingerprint(&self) -> FileFingerprint {
        let mut hash = Md5::new();
        hash.update(self.key);
        hash.update(self.iv);
        let hash: [u8; 16] = hash.finalize().into();
        let [low, high] = [0, 4].map(|at| i32::from_le_bytes(*part(&hash, at)));
        FileFingerprint(low ^ high)
    }

    /// Returns a cipher at the start of the file.
    #[must_use]
    pub const fn cipher(&self) -> FileCipher {
        FileCipher { key: self.key, iv: self.iv }
    }

    /// Pads the last part of a file with random bytes to whole blocks. The message carries the true
    /// size.
    // spec: crypto 14.7
    pub fn pad(last_part: &mut Vec<u8>, entropy: &mut dyn Entropy) {
        let padding_len = last_part.len().wrapping_neg() % 16;
        crate::envelope::append_random(last_part, padding_len, entropy);
    }
}

impl Drop for FileKey {
    fn drop(&mut self) {
        self.key[..].zeroize();
        self.iv[..].zeroize();
    }
}

/// Prints the fingerprint.
impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey({:?})", self.fingerprint())
    }
}

/// The fingerprint of a file's key, `key_fingerprint:int`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileFingerprint(i32);

impl FileFingerprint {
    /// Creates the fingerprint from its number.
    #[must_use]
    pub const fn from_raw(raw: i32) -> Self {
        Self(raw)
    }

    /// Returns the number.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }
}

impl fmt::Debug for FileFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileFingerprint({:08x})", self.0)
    }
}

/// The cipher of one file. Parts must be processed in order, from the start.
pub struct FileCipher {
    key: [u8; 32],
    iv: [u8; 32],
}

impl FileCipher {
    /// Encrypts the next part in place.
    ///
    /// # Errors
    /// [`NotWholeBlocks`] if the length of the part is not a multiple of 16; see [`FileKey::pad`].
    // spec: crypto 14.7
    pub fn encrypt(&mut self, part: &mut [u8]) -> Result<(), NotWholeBlocks> {
        ige::encrypt(&self.key, &mut self.iv, part)
    }

    /// Decrypts the next part in place.
    ///
    /// # Errors
    /// [`NotWholeBlocks`] if the length of the part is not a multiple of 16.
    // spec: crypto 14.7
    pub fn decrypt(&mut self, part: &mut [u8]) -> Result<(), NotWholeBlocks> {
        ige::decrypt(&self.key, &mut self.iv, part)
    }
}

impl Drop for FileCipher {
    fn drop(&mut self) {
        self.key[..].zeroize();
        self.iv[..].zeroize();
    }
}

/// Prints the type's name only.
impl fmt::Debug for FileCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileCipher(..)")
    }
}
