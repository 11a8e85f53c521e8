//! AES-256-CBC over one direction of a link: one chain for the whole connection.

use core::fmt;

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes256Dec, Aes256Enc};
use zeroize::Zeroize;

use super::keys::LinkKey;

/// Length of a cipher block.
pub(super) const BLOCK_LEN: usize = 16;

/// The encrypting half.
pub(super) struct Encryptor {
    cipher: Aes256Enc,
    chain: [u8; BLOCK_LEN],
}

impl Encryptor {
    pub(super) fn new(key: &LinkKey) -> Self {
        Self { cipher: Aes256Enc::new(key.key().into()), chain: *key.iv() }
    }

    /// Encrypts whole blocks in place. Bytes behind the last whole block stay.
    pub(super) fn encrypt(&mut self, bytes: &mut [u8]) {
        debug_assert!(bytes.len().is_multiple_of(BLOCK_LEN), "fillers complete the block");
        for block in bytes.as_chunks_mut::<BLOCK_LEN>().0 {
            for (byte, chain) in block.iter_mut().zip(&self.chain) {
                *byte ^= chain;
            }
            self.cipher.encrypt_block(block.into());
            self.chain = *block;
        }
    }
}

/// The decrypting half.
pub(super) struct Decryptor {
    cipher: Aes256Dec,
    chain: [u8; BLOCK_LEN],
}

impl Decryptor {
    pub(super) fn new(key: &LinkKey) -> Self {
        Self { cipher: Aes256Dec::new(key.key().into()), chain: *key.iv() }
    }

    /// Decrypts whole blocks in place. Bytes behind the last whole block stay.
    pub(super) fn decrypt(&mut self, bytes: &mut [u8]) {
        debug_assert!(bytes.len().is_multiple_of(BLOCK_LEN), "only whole blocks are decrypted");
        // Several blocks in each call: unlike encryption, they do not depend on each other.
        for run in bytes.as_chunks_mut::<BLOCK_LEN>().0.chunks_mut(RUN) {
            let mut sealed = [[0; BLOCK_LEN]; RUN];
            for (to, from) in sealed.iter_mut().zip(&*run) {
                *to = *from;
            }
            self.cipher.decrypt_blocks(Array::cast_slice_from_core_mut(run));
            let chains = core::iter::once(&self.chain).chain(&sealed);
            for (block, chain) in run.iter_mut().zip(chains) {
                for (byte, chain) in block.iter_mut().zip(chain) {
                    *byte ^= chain;
                }
            }
            if let Some(last) = run.len().checked_sub(1).and_then(|last| sealed.get(last)) {
                self.chain = *last;
            }
        }
    }
}

/// Blocks decrypted in one call.
const RUN: usize = 16;

impl Drop for Encryptor {
    fn drop(&mut self) {
        self.chain.zeroize();
    }
}

impl Drop for Decryptor {
    fn drop(&mut self) {
        self.chain.zeroize();
    }
}

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encryptor(..)")
    }
}

impl fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decryptor(..)")
    }
}
