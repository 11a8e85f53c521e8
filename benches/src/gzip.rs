//! The gzip module of `mtp-session`, which is not public there.
//!
//! It checks the feature `std`, so this crate has one.

#[allow(dead_code, reason = "parts of it are used by mtp-session only")]
#[path = "../../crates/mtp-session/src/gzip/mod.rs"]
mod member;

/// Packs compressible content.
#[must_use]
pub fn pack(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    assert!(member::Deflater::new().pack(content, &mut packed), "the content is compressible");
    packed
}

/// A reusable state for unpacking.
pub struct Unpacker(member::Inflater);

impl Unpacker {
    /// Allocates the state.
    #[must_use]
    pub fn new() -> Self {
        Self(member::Inflater::new())
    }

    /// Appends the content of a complete member.
    pub fn unpack(&mut self, packed: &[u8], limit: usize, out: &mut Vec<u8>) {
        self.0.unpack(packed, limit, out).expect("the member is complete");
    }
}

impl Default for Unpacker {
    fn default() -> Self {
        Self::new()
    }
}
