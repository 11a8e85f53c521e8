//! Dispatch of message encryption to SIMD kernels or portable code.
//!
//! Public for the fuzz targets and benches that compare the two; not part of the stable API.

mod ige;
mod portable;

use mtp_kernels::{Block, Digest, Kernels, MessageJob, Secret};

use self::ige::Ignore;
pub(crate) use self::portable::Keys;
#[cfg(test)]
pub(crate) use self::portable::derive;

/// An implementation of message encryption. All of them give the same bytes.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "hidden; its users compare the two")]
pub enum Engine {
    /// SIMD kernels that this processor supports.
    Kernels(Kernels),
    /// Safe Rust on the crates `aes` and `sha2`.
    Portable,
}

impl Engine {
    /// Returns the fastest engine that the processor and the build support.
    #[inline]
    #[must_use]
    pub fn best() -> Self {
        Kernels::detect().map_or(Self::Portable, Self::Kernels)
    }

    /// Hashes a message, derives its keys, encrypts it in place and returns the hash.
    // spec: crypto 4.2
    #[must_use]
    pub fn seal(self, secret: &Secret<'_>, blocks: &mut [Block]) -> Digest {
        match self {
            Self::Kernels(kernels) => kernels.seal(secret, blocks),
            Self::Portable => portable::seal(secret, blocks),
        }
    }

    /// Derives the keys of a message, decrypts it in place and returns the hash of the plaintext.
    // spec: crypto 4.2
    #[must_use]
    pub fn open(self, secret: &Secret<'_>, msg_key: &Block, blocks: &mut [Block]) -> Digest {
        match self {
            Self::Kernels(kernels) => kernels.open(secret, msg_key, blocks),
            Self::Portable => portable::open(secret, msg_key, blocks),
        }
    }

    /// Performs [`seal`](Self::seal) for each message, faster than one by one.
    pub fn seal_each(self, messages: &mut [MessageJob<'_>]) {
        match self {
            Self::Kernels(kernels) => kernels.seal_each(messages),
            Self::Portable => portable::seal_each(messages),
        }
    }

    /// Performs [`open`](Self::open) for each message, at least as fast as one by one.
    pub fn open_each(self, messages: &mut [MessageJob<'_>]) {
        match self {
            Self::Kernels(kernels) => kernels.open_each(messages),
            Self::Portable => portable::open_each(messages),
        }
    }

    /// Encrypts with AES-256-IGE in place and advances `iv`.
    // spec: crypto 2
    pub fn ige_encrypt(self, key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
        match self {
            Self::Kernels(kernels) => kernels.ige_encrypt(key, iv, blocks),
            Self::Portable => ige::encrypt_blocks(key, iv, blocks, Ignore),
        }
    }

    /// Decrypts with AES-256-IGE in place and advances `iv`.
    // spec: crypto 2
    pub fn ige_decrypt(self, key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
        match self {
            Self::Kernels(kernels) => kernels.ige_decrypt(key, iv, blocks),
            Self::Portable => ige::decrypt_blocks(key, iv, blocks, Ignore),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use mtp_env::Entropy;

    use crate::entropy::CtrEntropy;

    /// The best engine and the portable one. They are the same on processors without kernels.
    fn engines() -> [Engine; 2] {
        [Engine::best(), Engine::Portable]
    }

    fn blocks(count: usize, entropy: &mut CtrEntropy) -> Vec<Block> {
        let mut blocks = vec![[0; 16]; count];
        entropy.fill(blocks.as_flattened_mut());
        blocks
    }

    fn array<const N: usize>(entropy: &mut CtrEntropy) -> [u8; N] {
        let mut out = [0; N];
        entropy.fill(&mut out);
        out
    }

    #[test]
    // spec: crypto 4.2
    fn engines_agree_on_messages_of_every_length() {
        let mut entropy = CtrEntropy::from_number(1);
        for len in 0..=300 {
            let (first, second) = (array(&mut entropy), array(&mut entropy));
            let prefix = array(&mut entropy);
            let secret = Secret { first: &first, second: &second, prefix: &prefix };
            let (plain, msg_key) = (blocks(len, &mut entropy), array(&mut entropy));
            let [best, portable] = engines().map(|engine| {
                let [mut sealed, mut opened] = [plain.clone(), plain.clone()];
                let digests = [
                    engine.seal(&secret, &mut sealed),
                    engine.open(&secret, &msg_key, &mut opened),
                ];
                (sealed, opened, digests)
            });
            assert!(best == portable, "{len} blocks");
        }
    }

    #[test]
    // spec: crypto 2
    fn engines_agree_on_streams_of_every_length() {
        let mut entropy = CtrEntropy::from_number(2);
        for len in 0..=300 {
            let (key, iv): ([u8; 32], [u8; 32]) = (array(&mut entropy), array(&mut entropy));
            let plain = blocks(len, &mut entropy);
            let [best, portable] = engines().map(|engine| {
                let (mut sealed, mut opened, mut ivs) = (plain.clone(), plain.clone(), [iv; 2]);
                engine.ige_encrypt(&key, &mut ivs[0], &mut sealed);
                engine.ige_decrypt(&key, &mut ivs[1], &mut opened);
                (sealed, opened, ivs)
            });
            assert!(best == portable, "{len} blocks");
        }
    }

    #[test]
    fn engines_agree_on_batches_of_every_size() {
        let mut entropy = CtrEntropy::from_number(3);
        let (first, second) = (array(&mut entropy), array(&mut entropy));
        for count in 0..=20 {
            let prefixes: Vec<[u8; 32]> = (0..count).map(|_| array(&mut entropy)).collect();
            let plains: Vec<_> = (0..count)
                .map(|n| blocks(if n % 3 == 0 { 9 } else { n * 7 }, &mut entropy))
                .collect();
            for seals in [true, false] {
                let [best, portable] = engines().map(|engine| {
                    let mut changed = plains.clone();
                    let mut messages: Vec<_> = changed
                        .iter_mut()
                        .zip(&prefixes)
                        .map(|(blocks, prefix)| {
                            let secret = Secret { first: &first, second: &second, prefix };
                            MessageJob::new(secret, *part(prefix), blocks)
                        })
                        .collect();
                    if seals {
                        engine.seal_each(&mut messages);
                    } else {
                        engine.open_each(&mut messages);
                    }
                    let rest: Vec<_> = messages.iter().map(|m| (m.msg_key, m.digest)).collect();
                    (changed, rest)
                });
                assert!(best == portable, "{count} messages");
            }
        }
    }

    fn part(bytes: &[u8; 32]) -> &[u8; 16] {
        crate::parts::part(bytes, 0)
    }
}
