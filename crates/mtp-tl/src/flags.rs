//! Flag words, whose bits mark the fields that are present.

use crate::{Decode, DecodeError, Decoder, Encode, Output};

/// The value of a field of type `#` that later fields refer to.
///
/// When encoding, a bit is set if its field is present, even if the field is zero or empty. When
/// decoding, bits without a field are ignored.
// spec: tl 6.2
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// The word with no bit set.
    pub const NONE: Self = Self(0);

    /// Returns the flags of a word as on the wire.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the word.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns `true` if `bit`, 0 to 31, is set; `false` for other numbers.
    #[inline]
    #[must_use]
    pub const fn has(self, bit: u32) -> bool {
        self.0 & mask(bit) != 0
    }

    /// Returns `true` if any bit of `mask` is set.
    #[inline]
    #[must_use]
    pub const fn any(self, mask: u32) -> bool {
        self.0 & mask != 0
    }

    /// Returns the word with `bit`, 0 to 31, set if `present`.
    #[inline]
    #[must_use]
    pub const fn with(self, bit: u32, present: bool) -> Self {
        // Branch-free: a constructor has up to forty of these.
        Self(self.0 | if present { mask(bit) } else { 0 })
    }
}

impl Encode for Flags {
    #[inline]
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.0.encode(out);
    }
}

impl<'a> Decode<'a> for Flags {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.read().map(Self)
    }
}

/// Returns the mask of `bit`. Unsigned, so that bit 31 works.
#[inline]
const fn mask(bit: u32) -> u32 {
    match 1_u32.checked_shl(bit) {
        Some(mask) => mask,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: tl 6.2
    #[test]
    fn each_bit_is_independent_and_bits_above_31_are_ignored() {
        for bit in 0..32 {
            let flags = Flags::NONE.with(bit, true);
            assert_eq!(flags.bits(), 1 << bit);
            assert!((0..32).all(|other| flags.has(other) == (other == bit)));
        }
        assert_eq!(Flags::NONE.with(32, true), Flags::NONE);
        assert!(!Flags::new(u32::MAX).has(32));
        assert_eq!(Flags::new(5).with(0, false).bits(), 5);
    }
}
