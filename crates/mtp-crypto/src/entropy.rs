//! Entropy sources for drivers and tests.
//!
//! Core crates only see `&mut dyn Entropy`. A driver seeds one [`CtrEntropy`] from the operating
//! system (`OsEntropy`, feature `getrandom`) and passes it down; a system call for the padding of
//! each message would cost more than encrypting it.

use core::fmt;

use aes::Aes256Enc;
use aes::cipher::KeyInit;
use mtp_env::Entropy;
use zeroize::Zeroize;

use crate::ctr::fill_keystream;

/// A fast, seeded generator: AES-256 in counter mode with key erasure.
///
/// The same seed gives the same bytes on every machine. Each refill replaces the key with the first
/// bytes of its output, and consumed bytes are wiped, so that a memory image does not reveal earlier
/// output.
pub struct CtrEntropy {
    key: [u8; 32],
    buffer: [u8; BUFFER_LEN],
    /// Bytes of `buffer` already consumed.
    used: usize,
}

impl CtrEntropy {
    /// Creates a generator from 32 random bytes, or from a fixed seed for a reproducible run.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { key: seed, buffer: [0; BUFFER_LEN], used: BUFFER_LEN }
    }

    /// Creates a generator from a number, for tests and simulations.
    #[must_use]
    pub fn from_number(seed: u64) -> Self {
        let mut key = [0; 32];
        let (low, _) = key.split_at_mut(8);
        low.copy_from_slice(&seed.to_le_bytes());
        Self::new(key)
    }

    fn refill(&mut self) {
        let mut blocks = [[0; 16]; BLOCKS];
        fill_keystream(&Aes256Enc::new(&self.key.into()), 0, &mut blocks);
        let (key, rest) = blocks.as_flattened().split_at(self.key.len());
        self.key.copy_from_slice(key);
        self.buffer.copy_from_slice(rest);
        self.used = 0;
        blocks.zeroize();
    }
}

impl Entropy for CtrEntropy {
    fn fill(&mut self, mut out: &mut [u8]) {
        while !out.is_empty() {
            if self.used >= BUFFER_LEN {
                self.refill();
            }
            let ready = self.buffer.get_mut(self.used..).unwrap_or_default();
            let take = ready.len().min(out.len());
            let (now, later) = out.split_at_mut(take);
            let (ready, _) = ready.split_at_mut(take);
            now.copy_from_slice(ready);
            ready.zeroize();
            self.used = self.used.saturating_add(take);
            out = later;
        }
    }
}

impl Drop for CtrEntropy {
    fn drop(&mut self) {
        self.key.zeroize();
        self.buffer.zeroize();
    }
}

/// Prints the type's name only: the state determines all later output.
impl fmt::Debug for CtrEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CtrEntropy(..)")
    }
}

/// The operating system's random generator, for seeding a [`CtrEntropy`].
#[cfg(feature = "getrandom")]
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a name for the system's generator, without state")]
pub struct OsEntropy;

#[cfg(feature = "getrandom")]
impl OsEntropy {
    /// Returns a generator seeded by the operating system.
    ///
    /// # Panics
    /// As [`fill`](Entropy::fill).
    #[must_use]
    pub fn seeded() -> CtrEntropy {
        let mut seed = [0; 32];
        Self.fill(&mut seed);
        CtrEntropy::new(seed)
    }
}

/// # Panics
/// If the operating system's generator fails: [`Entropy`] must not return without random bytes.
#[cfg(feature = "getrandom")]
impl Entropy for OsEntropy {
    #[expect(clippy::expect_used, reason = "there is no safe way to continue without randomness")]
    fn fill(&mut self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system's random generator failed");
    }
}

/// Blocks of keystream in a refill. The first two become the next key.
const BLOCKS: usize = 64;
const BUFFER_LEN: usize = BLOCKS * 16 - 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_depends_on_the_seed_and_not_on_the_sizes_of_draws() {
        let mut whole = [0; 5000];
        CtrEntropy::from_number(9).fill(&mut whole);
        let mut pieces = [0; 5000];
        let mut entropy = CtrEntropy::from_number(9);
        for piece in pieces.chunks_mut(77) {
            entropy.fill(piece);
        }
        assert_eq!(whole, pieces);
        let mut other = [0; 5000];
        CtrEntropy::from_number(10).fill(&mut other);
        assert_ne!(whole, other);
    }

    #[test]
    fn output_does_not_repeat_and_consumed_bytes_are_wiped() {
        let mut entropy = CtrEntropy::from_number(1);
        let mut bytes = [0; 3 * BUFFER_LEN];
        entropy.fill(&mut bytes);
        assert!(entropy.buffer.iter().all(|byte| *byte == 0));
        let (first, rest) = bytes.split_at(BUFFER_LEN);
        assert_ne!(first, &rest[..BUFFER_LEN]);
        assert!(!rest.windows(16).any(|window| window == &first[..16]));
    }
}
