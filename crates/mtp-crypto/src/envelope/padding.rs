//! Padding policies.
#![cfg_attr(
    not(test),
    expect(
        clippy::arithmetic_side_effects,
        reason = "bodies have 2^31 bytes at most, padding 1024"
    )
)]

use super::{PADDING_MAX, PADDING_MIN};
use mtp_env::Entropy;

/// A padding policy: how well the length of a packet hides the length of its message.
///
/// Every policy appends 12 to 1024 bytes up to a whole block, which is all that a receiver checks.
/// The two sides need not use the same policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// The minimum, 12 to 27 bytes: fastest, hides least.
    #[default]
    Minimum,
    /// The minimum plus a random number of whole blocks, at most `max` bytes in total.
    ///
    /// A `max` below 27 means the minimum, above 1024 it means 1024. Other implementations use 255.
    Random {
        /// The maximum padding in bytes.
        max: u16,
    },
    /// Padding up to a size class (64, 128, … 1280 bytes, then in steps of 448). Messages of one
    /// class have packets of the same length.
    SizeClasses,
}

impl Padding {
    /// Draws the length of the padding for a plaintext of `plain_len` bytes, header included.
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

/// Returns the smallest size class of at least `len` bytes.
fn size_class(len: usize) -> usize {
    match SIZE_CLASSES.iter().find(|class| **class >= len) {
        Some(class) => *class,
        None => LARGEST_CLASS + (len - LARGEST_CLASS).next_multiple_of(CLASS_STEP),
    }
}

/// Draws a number below `count`, which is at most 64, with a bias below 2^-24.
fn draw_below(count: usize, entropy: &mut dyn Entropy) -> usize {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    u32::from_le_bytes(bytes) as usize % count
}

const BLOCK: usize = 16;
const SIZE_CLASSES: [usize; 9] = [64, 128, 192, 256, 384, 512, 768, 1024, LARGEST_CLASS];
const LARGEST_CLASS: usize = 1280;
/// Distance of the larger size classes: a multiple of the block size, and less than the maximum
/// padding minus the minimum.
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
    fn each_policy_draws_its_whole_range_and_nothing_else() {
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
