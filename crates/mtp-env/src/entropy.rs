//! Randomness as an argument.

use alloc::boxed::Box;

/// A source of random bytes, passed to each state machine at construction.
///
/// This is the only trait an embedder implements. Production code passes a cryptographically
/// secure generator: `mtp_crypto::OsEntropy`, or `mtp_crypto::CtrEntropy` seeded from it. Tests
/// and replays pass a generator with a fixed seed; the same seed reproduces the same run.
///
/// An implementation that has no randomness must not return. There is no safe way to continue
/// without random bytes, and predictable ones are worse than none.
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

    fn draw_three(mut entropy: impl Entropy) -> [u8; 3] {
        let mut out = [0; 3];
        entropy.fill(&mut out);
        out
    }

    #[test]
    fn borrowed_and_boxed_sources_share_their_state() {
        let mut source = Counting(0);
        assert_eq!(draw_three(&mut source), [1, 2, 3]);
        assert_eq!(draw_three(&mut source), [4, 5, 6]);
        let boxed: Box<dyn Entropy> = Box::new(source);
        assert_eq!(draw_three(boxed), [7, 8, 9]);
    }
}
