//! Randomness as an argument.

/// A source of random bytes, given once to each state machine at construction.
///
/// It is the only trait an embedder implements. Production code gives a cryptographically secure
/// generator (`mtp_crypto::OsEntropy` behind its feature, or `mtp_crypto::CtrEntropy` seeded from
/// the system); tests and replays give a seeded one, and the same seed yields the same run.
///
/// A source that cannot deliver must not return: there is no safe way to go on without random
/// bytes, and predictable ones are worse than none.
pub trait Entropy {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

impl<T: Entropy + ?Sized> Entropy for &mut T {
    fn fill(&mut self, out: &mut [u8]) {
        (**self).fill(out);
    }
}

extern crate alloc;

impl<T: Entropy + ?Sized> Entropy for alloc::boxed::Box<T> {
    fn fill(&mut self, out: &mut [u8]) {
        (**self).fill(out);
    }
}
