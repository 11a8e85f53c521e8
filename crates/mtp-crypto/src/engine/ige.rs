//! AES-256-IGE in safe Rust.
//!
//! ```text
//!   encrypt:  c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]        decrypt:  p[i] = D(c[i] ^ p[i-1]) ^ c[i-1]
//!   iv = c[-1] | p[-1]                                next iv = last c | last p
//! ```
//!
//! Both directions are the same chain over (output, input) with a different block function, and both
//! are serial: the latency of the block function bounds the speed. The whole message therefore runs
//! inside one backend closure, which keeps the round keys in registers. The only other operation on
//! the critical path is one xor: the block function's result with `input[i-1] ^ input[i+1]`, which
//! is computed in advance.
#![expect(clippy::inline_always, reason = "it must become one loop inside the backend's features")]

use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use aes::{Aes256Dec, Aes256Enc};
use mtp_kernels::Block;

use crate::parts::part;

/// Work interleaved with the cipher, over the blocks just encrypted or decrypted.
///
/// The serial chain leaves most of the processor idle; a hash fits into the gaps at no extra cost.
pub(super) trait Observer {
    /// Number of blocks in the first call.
    const LEAD: usize;

    /// Takes the next blocks: [`LEAD`](Self::LEAD) in the first call, then [`STRIDE`] in each call
    /// but the last.
    fn observe(&mut self, blocks: &[Block]);
}

/// Number of blocks between two calls of [`Observer::observe`]: one block of SHA-256.
pub(super) const STRIDE: usize = 4;

pub(super) fn encrypt_blocks(
    key: &[u8; 32],
    iv: &mut [u8; 32],
    blocks: &mut [Block],
    observer: impl Observer,
) {
    encrypt_with(&Aes256Enc::new(key.into()), iv, blocks, observer);
}

pub(super) fn decrypt_blocks(
    key: &[u8; 32],
    iv: &mut [u8; 32],
    blocks: &mut [Block],
    observer: impl Observer,
) {
    decrypt_with(&Aes256Dec::new(key.into()), iv, blocks, observer);
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
    /// By value: behind a reference, the blocks would go through memory.
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
            // One stride behind: the observer's operands are ready, so its instructions do not
            // wait in the scheduler ahead of the chain's next ones.
            observer.observe(done);
            done = stride;
        }
        self.stride(rest, &block_function);
        observer.observe(done);
        observer.observe(rest);
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

/// The chain over a message's blocks, run inside the backend, which keeps the round keys.
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

/// An observer that does nothing.
pub(super) struct Ignore;

impl Observer for Ignore {
    const LEAD: usize = 0;

    #[inline(always)]
    fn observe(&mut self, _: &[Block]) {}
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
    fn aes_128_ige_matches_the_published_vectors() {
        let mut tested = 0;
        for entry in entries("aes_ige", 9).iter().filter(|entry| number(entry, "bits") == 128) {
            let key = array::<16>(entry, "key").into();
            let (iv, plain) = (array(entry, "iv"), bytes(entry, "plaintext"));
            let mut data = plain.clone();
            let (blocks, _) = data.as_chunks_mut();
            encrypt_with(&Aes128Enc::new(&key), &mut iv.clone(), blocks, Ignore);
            assert_eq!(data, bytes(entry, "ciphertext"));
            let (blocks, _) = data.as_chunks_mut();
            decrypt_with(&Aes128Dec::new(&key), &mut iv.clone(), blocks, Ignore);
            assert_eq!(data, plain);
            tested += 1;
        }
        assert_eq!(tested, 2);
    }
}
