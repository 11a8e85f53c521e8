//! Slicing of fixed-size arrays at constant positions.

/// Returns the `N` bytes at `start`, in place.
///
/// Callers pass positions from the specification; one out of bounds is a bug in this crate that any
/// test of the caller finds.
#[inline]
#[expect(clippy::expect_used, reason = "positions are constants from the specification")]
pub(crate) fn part<const N: usize>(bytes: &[u8], start: usize) -> &[u8; N] {
    bytes.get(start..).and_then(|rest| rest.first_chunk()).expect("the part lies in the array")
}

/// Concatenates parts with a total length of 32 bytes.
pub(crate) fn concat<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut out = [0; 32];
    for (byte, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *byte = *from;
    }
    out
}
