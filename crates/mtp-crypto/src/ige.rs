//! AES-256 in infinite garble extension mode, a raw primitive.
//!
//! **Hazmat.** The mode gives no integrity by itself: exchanging blocks yields partly controlled
//! plaintext. Use [`envelope`](crate::envelope), which checks.
//!
//! ```text
//!   encrypt:  c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]        decrypt:  p[i] = D(c[i] ^ p[i-1]) ^ c[i-1]
//!   iv = c[-1] | p[-1]                                the iv that goes on = last c | last p
//! ```
//!
//! The two directions are one and the same chain over (output, input) with another block function,
//! and both are serial: the time is that of the block function, one call behind the other. The
//! whole message therefore runs inside one backend closure, whose round keys stay in registers,
//! and the only work left on the chain is one xor: the block function's result with
//! `input[i-1] ^ input[i+1]`, which is ready before.
#![expect(clippy::inline_always, reason = "it must become one loop inside the backend's features")]

use core::fmt;

use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use aes::{Aes256Dec, Aes256Enc};

use crate::engine::Engine;
use crate::parts::part;

/// Encrypts whole blocks in place; `iv` becomes the one that continues the stream.
///
/// # Errors
/// [`NotWholeBlocks`] if the length is no multiple of 16; nothing is changed.
// spec: crypto 2
pub fn encrypt(key: &[u8; 32], iv: &mut [u8; 32], data: &mut [u8]) -> Result<(), NotWholeBlocks> {
    Engine::best().ige_encrypt(key, iv, whole_blocks(data)?);
    Ok(())
}

/// Decrypts whole blocks in place; `iv` becomes the one that continues the stream.
///
/// # Errors
/// [`NotWholeBlocks`] if the length is no multiple of 16; nothing is changed.
// spec: crypto 2
pub fn decrypt(key: &[u8; 32], iv: &mut [u8; 32], data: &mut [u8]) -> Result<(), NotWholeBlocks> {
    Engine::best().ige_decrypt(key, iv, whole_blocks(data)?);
    Ok(())
}

/// The data's length is no multiple of the block size, 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotWholeBlocks {
    /// The data's length.
    pub len: usize,
}

impl fmt::Display for NotWholeBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes are not a whole number of 16-byte blocks", self.len)
    }
}

impl core::error::Error for NotWholeBlocks {}

pub(crate) use mtp_kernels::Block;

/// Works while the cipher waits for itself: the chain leaves most of the processor idle, and a hash
/// fits into the gaps at no cost of its own. It sees what was just encrypted or decrypted.
pub(crate) trait Observer {
    /// Blocks of the first call.
    const LEAD: usize;

    /// Takes the next blocks: [`LEAD`](Self::LEAD) first, then [`STRIDE`] until the last call.
    fn see(&mut self, blocks: &[Block]);
}

/// Blocks between two calls of [`Observer::see`]: one block of SHA-256.
pub(crate) const STRIDE: usize = 4;

pub(crate) fn encrypt_blocks(
    key: &[u8; 32],
    iv: &mut [u8; 32],
    blocks: &mut [Block],
    observer: impl Observer,
) {
    encrypt_with(&Aes256Enc::new(key.into()), iv, blocks, observer);
}

pub(crate) fn decrypt_blocks(
    key: &[u8; 32],
    iv: &mut [u8; 32],
    blocks: &mut [Block],
    observer: impl Observer,
) {
    decrypt_with(&Aes256Dec::new(key.into()), iv, blocks, observer);
}

fn whole_blocks(data: &mut [u8]) -> Result<&mut [Block], NotWholeBlocks> {
    let len = data.len();
    match data.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(NotWholeBlocks { len }),
    }
}

fn encrypt_with<C>(cipher: &C, iv: &mut [u8; 32], blocks: &mut [Block], observer: impl Observer)
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let (output, input) = halves(iv);
    let mut chain = Chain { output, input };
    cipher.encrypt_with_backend(Run { chain: &mut chain, blocks, observer });
    *iv = joined(chain.output, chain.input);
}

fn decrypt_with<C>(cipher: &C, iv: &mut [u8; 32], blocks: &mut [Block], observer: impl Observer)
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let (input, output) = halves(iv);
    let mut chain = Chain { output, input };
    cipher.decrypt_with_backend(Run { chain: &mut chain, blocks, observer });
    *iv = joined(chain.input, chain.output);
}

/// The last output and input block.
#[derive(Clone, Copy)]
struct Chain {
    output: Block,
    input: Block,
}

impl Chain {
    /// Takes itself by value: behind a reference the blocks would go through memory.
    #[inline(always)]
    fn run<O: Observer>(
        mut self,
        blocks: &mut [Block],
        mut observer: O,
        block_function: impl Fn(&mut Array<u8, U16>),
    ) -> Self {
        let (lead, rest) = blocks.split_at_mut(O::LEAD.min(blocks.len()));
        let (strides, rest) = rest.as_chunks_mut();
        self.stride(lead, &block_function);
        let mut done: &[Block] = lead;
        for stride in strides {
            let stride: &mut [Block; STRIDE] = stride;
            self.stride(stride, &block_function);
            // One behind: what the observer then works on is ready, so that its instructions do
            // not wait in the processor's queues in front of the chain's next ones.
            observer.see(done);
            done = stride;
        }
        self.stride(rest, &block_function);
        observer.see(done);
        observer.see(rest);
        self
    }

    #[inline(always)]
    fn stride(&mut self, blocks: &mut [Block], block_function: impl Fn(&mut Array<u8, U16>)) {
        let Some(first) = blocks.first() else { return };
        let mut work = xor(first, &self.output);
        let mut slots = blocks.iter_mut();
        let mut slot = slots.next();
        while let Some(block) = slot {
            let mut inner = work.into();
            block_function(&mut inner);
            let result = inner.into();
            let input = *block;
            *block = xor(&result, &self.input);
            self.output = *block;
            slot = slots.next();
            if let Some(next) = &slot {
                work = xor(&result, &xor(&self.input, next));
            }
            self.input = input;
        }
    }
}

/// The chain over a message's blocks, run where the backend keeps its round keys.
struct Run<'a, O> {
    chain: &'a mut Chain,
    blocks: &'a mut [Block],
    observer: O,
}

impl<O> BlockSizeUser for Run<'_, O> {
    type BlockSize = U16;
}

impl<O: Observer> BlockCipherEncClosure for Run<'_, O> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let block_function = |block: &mut Array<u8, U16>| backend.encrypt_block_inplace(block);
        *self.chain = self.chain.run(self.blocks, self.observer, block_function);
    }
}

impl<O: Observer> BlockCipherDecClosure for Run<'_, O> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let block_function = |block: &mut Array<u8, U16>| backend.decrypt_block_inplace(block);
        *self.chain = self.chain.run(self.blocks, self.observer, block_function);
    }
}

/// Looks away.
pub(crate) struct Ignore;

impl Observer for Ignore {
    const LEAD: usize = 0;

    #[inline(always)]
    fn see(&mut self, _: &[Block]) {}
}

#[inline(always)]
fn xor(one: &Block, other: &Block) -> Block {
    let mut out = *one;
    for (byte, other) in out.iter_mut().zip(other) {
        *byte ^= other;
    }
    out
}

fn halves(iv: &[u8; 32]) -> (Block, Block) {
    (*part(iv, 0), *part(iv, 16))
}

fn joined(low: Block, high: Block) -> [u8; 32] {
    let mut iv = [0; 32];
    iv.copy_from_slice([low, high].as_flattened());
    iv
}

#[cfg(test)]
mod tests {
    use aes::{Aes128Dec, Aes128Enc};

    use super::*;
    use crate::vectors::{array, bytes, entries, number};

    #[test]
    // spec: crypto 2
    fn published_vectors_of_the_mode_with_shorter_keys() {
        let mut tested = 0;
        for entry in entries("aes_ige", 9).iter().filter(|entry| number(entry, "bits") == 128) {
            let key = array::<16>(entry, "key").into();
            let (iv, plain) = (array(entry, "iv"), bytes(entry, "plaintext"));
            let mut data = plain.clone();
            let blocks = whole_blocks(&mut data).unwrap();
            encrypt_with(&Aes128Enc::new(&key), &mut iv.clone(), blocks, Ignore);
            assert_eq!(data, bytes(entry, "ciphertext"));
            let blocks = whole_blocks(&mut data).unwrap();
            decrypt_with(&Aes128Dec::new(&key), &mut iv.clone(), blocks, Ignore);
            assert_eq!(data, plain);
            tested += 1;
        }
        assert_eq!(tested, 2);
    }

    #[test]
    fn only_whole_blocks() {
        let mut data = [1; 17];
        assert_eq!(encrypt(&[0; 32], &mut [0; 32], &mut data), Err(NotWholeBlocks { len: 17 }));
        assert_eq!(decrypt(&[0; 32], &mut [0; 32], &mut data), Err(NotWholeBlocks { len: 17 }));
        assert_eq!(data, [1; 17]);
        encrypt(&[0; 32], &mut [0; 32], &mut []).unwrap();
    }
}
