//! AES-256 in infinite garble extension mode, a raw primitive.
//!
//! **Hazmat.** The mode by itself provides no integrity: swapping blocks gives an attacker partial
//! control of the plaintext. Use [`seal`](crate::seal) and [`open`](crate::open), which authenticate.

use core::fmt;

use mtp_kernels::Block;

use crate::engine::Engine;

/// Encrypts whole blocks in place and advances `iv`, so that another call continues the stream.
///
/// # Errors
/// [`NotWholeBlocks`] if the length is not a multiple of 16; nothing is changed.
// spec: crypto 2
pub fn encrypt(key: &[u8; 32], iv: &mut [u8; 32], data: &mut [u8]) -> Result<(), NotWholeBlocks> {
    Engine::best().ige_encrypt(key, iv, whole_blocks(data)?);
    Ok(())
}

/// Decrypts whole blocks in place and advances `iv`, so that another call continues the stream.
///
/// # Errors
/// [`NotWholeBlocks`] if the length is not a multiple of 16; nothing is changed.
// spec: crypto 2
pub fn decrypt(key: &[u8; 32], iv: &mut [u8; 32], data: &mut [u8]) -> Result<(), NotWholeBlocks> {
    Engine::best().ige_decrypt(key, iv, whole_blocks(data)?);
    Ok(())
}

/// The length of the data is not a multiple of the block size, 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotWholeBlocks {
    /// The length in bytes.
    pub len: usize,
}

impl fmt::Display for NotWholeBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes are not a whole number of 16-byte blocks", self.len)
    }
}

impl core::error::Error for NotWholeBlocks {}

fn whole_blocks(data: &mut [u8]) -> Result<&mut [Block], NotWholeBlocks> {
    let len = data.len();
    match data.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(NotWholeBlocks { len }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_blocks_are_rejected() {
        let mut data = [1; 17];
        assert_eq!(encrypt(&[0; 32], &mut [0; 32], &mut data), Err(NotWholeBlocks { len: 17 }));
        assert_eq!(decrypt(&[0; 32], &mut [0; 32], &mut data), Err(NotWholeBlocks { len: 17 }));
        assert_eq!(data, [1; 17]);
        encrypt(&[0; 32], &mut [0; 32], &mut []).unwrap();
    }
}
