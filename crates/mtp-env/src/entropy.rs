//! Randomness as an argument.

use alloc::boxed::Box;

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

impl<T: Entropy + ?Sized> Entropy for Box<T> {
    fn fill(&mut self, out: &mut [u8]) {
        (**self).fill(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);

    impl Entropy for Counting {
        fn fill(&mut self, out: &mut [u8]) {
            for byte in out {
                self.0 += 1;
                *byte = self.0;
            }
        }
    }

    fn three(mut entropy: impl Entropy) -> [u8; 3] {
        let mut out = [0; 3];
        entropy.fill(&mut out);
        out
    }

    #[test]
    fn a_source_that_is_lent_or_boxed_is_the_same_source() {
        let mut source = Counting(0);
        assert_eq!(three(&mut source), [1, 2, 3]);
        assert_eq!(three(&mut source), [4, 5, 6]);
        let boxed: Box<dyn Entropy> = Box::new(source);
        assert_eq!(three(boxed), [7, 8, 9]);
    }
}
