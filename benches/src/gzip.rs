//! The module that `mtp-session` unpacks with: nothing of it is public there.
//!
//! It asks for a feature `std`, hence the one of this crate.

#[allow(dead_code, reason = "its own tests look at more")]
#[path = "../../crates/mtp-session/src/session/gzip/mod.rs"]
mod member;

/// Packs a content that shrinks.
#[must_use]
pub fn pack(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    assert!(member::Deflater::new().pack(content, &mut packed), "it shrinks");
    packed
}

/// One state for many members.
pub struct Unpacker(member::Inflater);

impl Unpacker {
    /// Allocates the state.
    #[must_use]
    pub fn new() -> Self {
        Self(member::Inflater::new())
    }

    /// Appends what a whole member holds.
    pub fn unpack(&mut self, packed: &[u8], limit: usize, out: &mut Vec<u8>) {
        self.0.unpack(packed, limit, out).expect("it is whole");
    }
}

impl Default for Unpacker {
    fn default() -> Self {
        Self::new()
    }
}
