//! AES-256 in counter mode, a raw primitive: transport obfuscation, CDN files, [`CtrEntropy`].
//!
//! **Hazmat.** The mode provides no integrity.
//!
//! [`CtrEntropy`]: crate::CtrEntropy

use core::fmt;

use aes::Aes256Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use mtp_kernels::{CtrKeys, Kernels};
use zeroize::Zeroize;

/// A stream cipher over pieces of any length.
///
/// The counter is the whole 16-byte block, big-endian, and wraps. Each call continues with the
/// keystream left over from the previous one, so the boundaries of the pieces do not matter.
pub struct CtrCipher {
    cipher: Cipher,
    counter: u128,
    keystream: [[u8; 16]; BLOCKS],
    /// Bytes of `keystream` already used; initially all of them.
    used: usize,
}

/// The block cipher with its expanded key.
enum Cipher {
    Kernels(Kernels, CtrKeys),
    Portable(Aes256Enc),
}

impl CtrCipher {
    /// Creates a cipher with the first counter block `iv`.
    #[must_use]
    pub fn new(key: &[u8; 32], iv: &[u8; 16]) -> Self {
        Self::with(Kernels::detect(), key, iv)
    }

    /// Creates a cipher on kernels, or on portable code without them.
    fn with(kernels: Option<Kernels>, key: &[u8; 32], iv: &[u8; 16]) -> Self {
        let cipher = match kernels {
            Some(kernels) => Cipher::Kernels(kernels, kernels.ctr_keys(key)),
            None => Cipher::Portable(Aes256Enc::new(key.into())),
        };
        Self {
            cipher,
            counter: u128::from_be_bytes(*iv),
            keystream: [[0; 16]; BLOCKS],
            used: KEYSTREAM_LEN,
        }
    }

    /// Encrypts or decrypts `data` in place; the two operations are the same.
    pub fn apply(&mut self, data: &mut [u8]) {
        let left = self.keystream.as_flattened().get(self.used..).unwrap_or_default();
        let (head, rest) = data.split_at_mut(left.len().min(data.len()));
        xor(head, left);
        self.used = self.used.saturating_add(head.len());
        let (long, short) = rest.split_at_mut(rest.len() / KEYSTREAM_LEN * KEYSTREAM_LEN);
        self.apply_long(long);
        if !short.is_empty() {
            // The whole buffer is filled: the rest serves the next calls, and a call of the cipher costs more than
            // its blocks.
            self.keystream = [[0; 16]; BLOCKS];
            let counter = self.advance(BLOCKS);
            match &self.cipher {
                Cipher::Kernels(kernels, keys) => kernels.ctr(keys, counter, &mut self.keystream),
                Cipher::Portable(cipher) => fill_keystream(cipher, counter, &mut self.keystream),
            }
            xor(short, self.keystream.as_flattened());
            self.used = short.len();
        }
    }

    /// Processes whole blocks in place; kernels do not need the buffer.
    fn apply_long(&mut self, data: &mut [u8]) {
        let blocks = data.as_chunks_mut().0;
        let mut counter = self.advance(blocks.len());
        match &self.cipher {
            Cipher::Kernels(kernels, keys) => kernels.ctr(keys, counter, blocks),
            Cipher::Portable(cipher) => {
                // The buffer is used up here.
                for chunk in blocks.chunks_mut(BLOCKS) {
                    fill_keystream(cipher, counter, &mut self.keystream);
                    xor(chunk.as_flattened_mut(), self.keystream.as_flattened());
                    counter = counter.wrapping_add(BLOCKS as u128);
                }
            }
        }
    }

    /// Returns the counter of the next block and advances it.
    const fn advance(&mut self, blocks: usize) -> u128 {
        let counter = self.counter;
        self.counter = counter.wrapping_add(blocks as u128);
        counter
    }
}

impl Drop for CtrCipher {
    fn drop(&mut self) {
        self.keystream.as_flattened_mut().zeroize();
        self.counter.zeroize();
    }
}

/// Prints the type's name only: key, counter and keystream are secret.
impl fmt::Debug for CtrCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CtrCipher(..)")
    }
}

/// Fills `blocks` with keystream starting at `counter`.
pub(crate) fn fill_keystream(cipher: &Aes256Enc, mut counter: u128, blocks: &mut [[u8; 16]]) {
    for block in &mut *blocks {
        *block = counter.to_be_bytes();
        counter = counter.wrapping_add(1);
    }
    cipher.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
}

/// Xors the front of `keystream` into `data`. The keystream is at least as long as the data.
///
/// A partial block at the end is processed as the last 16 bytes of the data, with the bytes already
/// done masked out: byte by byte, it would cost as much as hundreds of bytes before it.
#[inline]
fn xor(data: &mut [u8], keystream: &[u8]) {
    let len = data.len();
    let (words, rest) = data.as_chunks_mut::<16>();
    let (keys, _) = keystream.as_chunks::<16>();
    let is_short = words.is_empty();
    for (word, key) in words.iter_mut().zip(keys) {
        for (byte, key) in word.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
    if is_short {
        for (byte, key) in rest.iter_mut().zip(keystream) {
            *byte ^= key;
        }
        return;
    }
    let done = u32::try_from(len % 16).map_or(0, |left| (16 - left).saturating_mul(8));
    let mask = u128::MAX.checked_shl(done).unwrap_or(0);
    let key = keystream.get(..len).and_then(<[u8]>::last_chunk);
    if let (Some(last), Some(key)) = (data.last_chunk_mut(), key) {
        let masked = u128::from_le_bytes(*key) & mask;
        *last = (u128::from_le_bytes(*last) ^ masked).to_le_bytes();
    }
}

/// Blocks of buffered keystream.
const BLOCKS: usize = 16;
const KEYSTREAM_LEN: usize = BLOCKS * 16;
#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// The definition of the mode, one block at a time.
    fn textbook(key: [u8; 32], iv: [u8; 16], data: &mut [u8]) {
        let cipher = Aes256Enc::new(&key.into());
        let mut counter = u128::from_be_bytes(iv);
        for chunk in data.chunks_mut(16) {
            let mut block = counter.to_be_bytes().into();
            cipher.encrypt_block(&mut block);
            xor(chunk, &block);
            counter = counter.wrapping_add(1);
        }
    }

    #[test]
    fn output_is_independent_of_piece_lengths_and_the_counter_wraps() {
        let key = [7; 32];
        let iv = (u128::MAX - 3).to_be_bytes();
        let plain: Vec<u8> = (0..9000u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut expected = plain.clone();
        textbook(key, iv, &mut expected);
        for piece in
            [1, 15, 16, 17, 64, 255, 256, 257, 1000, 1023, 1024, 1025, 4095, 4096, 4097, 9000]
        {
            for kernels in [None, Kernels::detect()] {
                let mut data = plain.clone();
                let mut cipher = CtrCipher::with(kernels, &key, &iv);
                for chunk in data.chunks_mut(piece) {
                    cipher.apply(chunk);
                }
                assert!(data == expected, "pieces of {piece}, {kernels:?}");
            }
        }
    }

    #[test]
    fn empty_input_consumes_no_keystream() {
        let mut cipher = CtrCipher::new(&[1; 32], &[2; 16]);
        cipher.apply(&mut []);
        let mut one = vec![0; 3];
        cipher.apply(&mut one);
        cipher.apply(&mut []);
        let mut expected = vec![0; 3];
        textbook([1; 32], [2; 16], &mut expected);
        assert_eq!(one, expected);
    }
}
