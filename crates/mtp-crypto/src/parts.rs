//! Fixed pieces of fixed arrays, without a panic in sight.

/// Returns the `N` bytes of `bytes` from `start` on, in place.
///
/// The callers' positions are constants of the specification; one that does not fit is a mistake
/// in this crate, found by its first test.
#[inline]
#[expect(clippy::expect_used, reason = "positions are constants of the specification")]
pub(crate) fn part<const N: usize>(bytes: &[u8], start: usize) -> &[u8; N] {
    bytes.get(start..).and_then(|rest| rest.first_chunk()).expect("the part lies in the array")
}
