//! Data center ids.

use core::fmt;

/// Data center id: number, environment and purpose in one signed integer.
///
/// The test environment adds 10,000, and a media-only data center is negated: 2, −4, 10002, −10002.
/// The key exchange sends the id as an `int`, the obfuscation header as 16 bits; the wider form is
/// kept here, and [`to_i16`](Self::to_i16) checks the narrower one.
///
/// ```
/// use mtp_crypto::DcId;
///
/// let dc = DcId::new(2).test().media();
/// assert_eq!(dc.as_i32(), -10_002);
/// assert_eq!((dc.number(), dc.is_test(), dc.is_media()), (2, true, true));
/// ```
// spec: crypto 8.1; transport 5.1
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DcId(i32);

impl DcId {
    /// The id of no data center, zero.
    pub const UNSPECIFIED: Self = Self(0);

    /// Returns the data center with this id. Every value can occur on the wire.
    #[must_use]
    pub const fn new(id: i32) -> Self {
        Self(id)
    }

    /// Returns the same data center in the test environment.
    #[must_use]
    pub const fn test(self) -> Self {
        if self.is_test() {
            return self;
        }
        let offset = if self.is_media() { -TEST_OFFSET } else { TEST_OFFSET };
        Self(self.0.wrapping_add(offset))
    }

    /// Returns the media-only counterpart of the same data center.
    #[must_use]
    pub const fn media(self) -> Self {
        if self.is_media() { self } else { Self(self.0.wrapping_neg()) }
    }

    /// Returns the id as the key exchange sends it.
    #[must_use]
    pub const fn as_i32(self) -> i32 {
        self.0
    }

    /// Returns the id as the obfuscation header sends it, or `None` if 16 bits cannot hold it.
    #[must_use]
    pub fn to_i16(self) -> Option<i16> {
        i16::try_from(self.0).ok()
    }

    /// Returns the number without environment and purpose, zero if the id is unspecified.
    #[must_use]
    pub const fn number(self) -> u32 {
        let magnitude = self.0.unsigned_abs();
        if self.is_test() {
            magnitude.saturating_sub(TEST_OFFSET.unsigned_abs())
        } else {
            magnitude
        }
    }

    /// Returns `true` if the data center belongs to the test environment.
    #[must_use]
    pub const fn is_test(self) -> bool {
        self.0.unsigned_abs() >= TEST_OFFSET.unsigned_abs()
    }

    /// Returns `true` if the data center serves media only.
    #[must_use]
    pub const fn is_media(self) -> bool {
        self.0 < 0
    }
}

impl From<i16> for DcId {
    fn from(id: i16) -> Self {
        Self(i32::from(id))
    }
}

impl fmt::Debug for DcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DcId({self})")
    }
}

/// Prints `2`, `4 media`, `2 test` or `2 test media`.
impl fmt::Display for DcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())?;
        f.write_str(if self.is_test() { " test" } else { "" })?;
        f.write_str(if self.is_media() { " media" } else { "" })
    }
}

const TEST_OFFSET: i32 = 10_000;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::DcId;

    #[test]
    // spec: crypto 8.1; transport 5.1
    fn environment_and_purpose_are_part_of_the_id() {
        let all = [
            (DcId::new(2), 2, "2"),
            (DcId::new(4).media(), -4, "4 media"),
            (DcId::new(2).test(), 10_002, "2 test"),
            (DcId::new(2).test().media(), -10_002, "2 test media"),
            (DcId::new(2).media().test(), -10_002, "2 test media"),
            (DcId::new(203), 203, "203"),
            (DcId::UNSPECIFIED, 0, "0"),
        ];
        for (dc, id, text) in all {
            assert_eq!(dc.as_i32(), id);
            assert_eq!(format!("{dc} {dc:?}"), format!("{text} DcId({text})"));
            assert_eq!((dc.test().test(), dc.media().media()), (dc.test(), dc.media()));
        }
    }

    #[test]
    fn every_id_has_a_number() {
        let extremes = [i32::MIN, -10_000, -9_999, -1, 0, 9_999, 10_000, i32::MAX];
        let numbers = extremes.map(|id| DcId::new(id).number());
        assert_eq!(numbers, [2_147_473_648, 0, 9_999, 1, 0, 9_999, 0, 2_147_473_647]);
    }

    #[test]
    fn sixteen_bits_hold_only_small_ids() {
        for id in [i16::MIN, -1, 0, 203, i16::MAX] {
            assert_eq!(DcId::from(id).as_i32(), i32::from(id));
            assert_eq!(DcId::from(id).to_i16(), Some(id));
        }
        assert_eq!(DcId::new(i32::from(i16::MAX) + 1).to_i16(), None);
        assert_eq!(DcId::new(i32::from(i16::MIN) - 1).to_i16(), None);
    }
}
