//! How much padding hides a message's length.
#![cfg_attr(
    not(test),
    expect(
        clippy::arithmetic_side_effects,
        reason = "bodies have 2^31 bytes at most, padding 1024"
    )
)]

use super::{PADDING_MAX, PADDING_MIN};
use crate::entropy::Entropy;

/// How many random bytes [`pad`](super::pad) appends: what an observer learns of a message's length.
///
/// Every policy yields 12 to 1024 bytes that end on a whole block, which is all that a receiver
/// checks; the two sides need not agree on one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// The shortest allowed, 12 to 27 bytes: fastest, hides least.
    #[default]
    Minimum,
    /// A random number of whole blocks on top of the minimum, the padding `max` bytes at most.
    ///
    /// Below 27 it is the minimum, above 1024 it is 1024; 255 is what others do.
    Random {
        /// The most bytes of padding.
        max: u16,
    },
    /// Up to the next of a few sizes (64, 128, … 1280, then steps of 448): messages of one class
    /// look alike.
    SizeClasses,
}

impl Padding {
    /// Draws the padding's length for a plaintext of `plain_len` bytes, header included.
    // spec: crypto 4.1
    pub(crate) fn draw_len(self, plain_len: usize, entropy: &mut dyn Entropy) -> usize {
        let minimum = PADDING_MIN + plain_len.wrapping_add(PADDING_MIN).wrapping_neg() % BLOCK;
        let padding = match self {
            Self::Minimum => minimum,
            Self::Random { max } => {
                let room = PADDING_MAX.min(max.into()).saturating_sub(minimum);
                minimum + BLOCK * draw_below(room / BLOCK + 1, entropy)
            }
            Self::SizeClasses => size_class(plain_len + minimum) - plain_len,
        };
        debug_assert!((PADDING_MIN..=PADDING_MAX).contains(&padding));
        debug_assert!(plain_len.wrapping_add(padding).is_multiple_of(BLOCK));
        padding
    }
}

/// Returns the smallest class that holds `len` bytes of plaintext.
fn size_class(len: usize) -> usize {
    match SIZE_CLASSES.iter().find(|class| **class >= len) {
        Some(class) => *class,
        None => LARGEST_CLASS + (len - LARGEST_CLASS).next_multiple_of(CLASS_STEP),
    }
}

/// Draws a number below `count` (at most 64); the bias is below 2^-24.
fn draw_below(count: usize, entropy: &mut dyn Entropy) -> usize {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    u32::from_le_bytes(bytes) as usize % count
}

const BLOCK: usize = 16;
const SIZE_CLASSES: [usize; 9] = [64, 128, 192, 256, 384, 512, 768, 1024, LARGEST_CLASS];
const LARGEST_CLASS: usize = 1280;
/// A multiple of the block size, and less than the most padding minus the least.
const CLASS_STEP: usize = 448;

#[cfg(test)]
mod tests {
    use super::super::InnerHeader;
    use super::*;
    use crate::entropy::CtrEntropy;

    #[track_caller]
    fn check(policy: Padding, body_len: usize, expected: core::ops::RangeInclusive<usize>) {
        let mut entropy = CtrEntropy::from_number(1);
        let mut seen = (usize::MAX, 0);
        for _ in 0..2000 {
            let len = policy.draw_len(InnerHeader::LEN + body_len, &mut entropy);
            assert_eq!((InnerHeader::LEN + body_len + len) % BLOCK, 0);
            seen = (seen.0.min(len), seen.1.max(len));
        }
        assert_eq!(seen, (*expected.start(), *expected.end()));
    }

    #[test]
    fn policies_keep_their_bounds() {
        check(Padding::Minimum, 0, 16..=16);
        check(Padding::Minimum, 4, 12..=12);
        check(Padding::Minimum, 8, 24..=24);
        check(Padding::Random { max: 0 }, 4, 12..=12);
        check(Padding::Random { max: 27 }, 4, 12..=12);
        check(Padding::Random { max: 28 }, 4, 12..=28);
        check(Padding::Random { max: 255 }, 0, 16..=240);
        check(Padding::Random { max: u16::MAX }, 0, 16..=1024);
        check(Padding::Random { max: u16::MAX }, 4, 12..=1020);
        check(Padding::SizeClasses, 0, 32..=32);
        check(Padding::SizeClasses, 20, 12..=12);
        check(Padding::SizeClasses, 24, 72..=72);
        check(Padding::SizeClasses, 1280 - 32 - 12, 12..=12);
        check(Padding::SizeClasses, 1280 - 32 - 8, 456..=456);
    }
}
