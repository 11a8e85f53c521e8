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

/// Puts parts of 32 bytes in all together.
pub(crate) fn woven<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut out = [0; 32];
    for (byte, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *byte = *from;
    }
    out
}
