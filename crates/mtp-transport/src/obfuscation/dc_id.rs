//! The data centre a client wants, as the header's field writes it.

use core::fmt;

/// A data centre's number with its environment and its purpose in one signed number.
///
/// 10000 is added for the test environment, and the whole is negated for an address that serves
/// files only: 2, −4, 10002, −10002.
///
/// ```
/// use mtp_transport::obfuscation::DcId;
///
/// let dc = DcId::new(2).test().media();
/// assert_eq!(dc.as_raw(), -10002);
/// assert_eq!((dc.number(), dc.is_test(), dc.is_media()), (2, true, true));
/// ```
// spec: transport 5.1
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DcId(i16);

impl DcId {
    /// No data centre is asked for.
    pub const UNSPECIFIED: Self = Self(0);

    /// Names a production data centre: 1 to 5, or 203 for the one that serves public files.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number as i16)
    }

    /// Names the same data centre of the test environment.
    #[must_use]
    pub const fn test(self) -> Self {
        if self.is_test() {
            return self;
        }
        let offset = if self.is_media() { -TEST_OFFSET } else { TEST_OFFSET };
        Self(self.0.wrapping_add(offset))
    }

    /// Names the same data centre's address for files only.
    #[must_use]
    pub const fn media(self) -> Self {
        if self.is_media() { self } else { Self(self.0.wrapping_neg()) }
    }

    /// Takes the field as it is; every value can occur on the wire.
    #[must_use]
    pub const fn from_raw(raw: i16) -> Self {
        Self(raw)
    }

    /// Returns the field.
    #[must_use]
    pub const fn as_raw(self) -> i16 {
        self.0
    }

    /// Returns the data centre's number alone, 0 if it is unspecified.
    #[must_use]
    pub const fn number(self) -> u16 {
        let magnitude = self.0.unsigned_abs();
        if self.is_test() {
            magnitude.saturating_sub(TEST_OFFSET.unsigned_abs())
        } else {
            magnitude
        }
    }

    /// Reports whether the test environment is meant.
    #[must_use]
    pub const fn is_test(self) -> bool {
        self.0.unsigned_abs() >= TEST_OFFSET.unsigned_abs()
    }

    /// Reports whether an address for files only is meant.
    #[must_use]
    pub const fn is_media(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Debug for DcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DcId({self})")
    }
}

/// Prints `2`, `4 media`, `2 test`, `2 test media`.
impl fmt::Display for DcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())?;
        f.write_str(if self.is_test() { " test" } else { "" })?;
        f.write_str(if self.is_media() { " media" } else { "" })
    }
}

const TEST_OFFSET: i16 = 10_000;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::DcId;

    // spec: transport 5.1
    #[test]
    fn forms_of_the_field() {
        let all = [
            (DcId::new(2), [0x02, 0x00], "2"),
            (DcId::new(4).media(), [0xfc, 0xff], "4 media"),
            (DcId::new(2).test(), [0x12, 0x27], "2 test"),
            (DcId::new(2).test().media(), [0xee, 0xd8], "2 test media"),
            (DcId::new(2).media().test(), [0xee, 0xd8], "2 test media"),
            (DcId::new(203), [0xcb, 0x00], "203"),
        ];
        for (dc, bytes, text) in all {
            assert_eq!(dc.as_raw().to_le_bytes(), bytes);
            assert_eq!(format!("{dc} {dc:?}"), format!("{text} DcId({text})"));
            assert_eq!((dc.test().test().is_test(), dc.media().media().is_media()), (true, true));
        }
    }

    #[test]
    fn every_field_has_a_number() {
        let extremes = [i16::MIN, -10_000, -9_999, -1, 0, 9_999, 10_000, i16::MAX];
        let numbers = extremes.map(|raw| DcId::from_raw(raw).number());
        assert_eq!(numbers, [22_768, 0, 9_999, 1, 0, 9_999, 0, 22_767]);
    }
}
