//! Entropy sources with known output.

use mtp_env::Entropy;

/// Returns prepared bytes in order, and panics when they are used up.
#[derive(Default)]
pub(crate) struct Prepared(Vec<u8>);

impl Prepared {
    pub(crate) fn new(pieces: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(pieces.into_iter().flatten().collect())
    }

    /// Asserts that all bytes were drawn.
    #[track_caller]
    pub(crate) fn assert_used(&self) {
        assert!(self.0.is_empty(), "{} prepared bytes were not drawn", self.0.len());
    }
}

impl Entropy for Prepared {
    fn fill(&mut self, out: &mut [u8]) {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&core::mem::replace(&mut self.0, rest));
    }
}

/// A broken source that repeats one byte.
pub(crate) struct Stuck(pub(crate) u8);

impl Entropy for Stuck {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
    }
}
