//! Headers in front of bytes that are already in place.

use alloc::vec::Vec;

/// Writes `header` at `start`, directly before the inner bytes that now begin at `start + room`.
///
/// The inner bytes move only if the header is not as long as the room kept for it.
pub(crate) fn place_header(out: &mut Vec<u8>, start: usize, room: usize, header: &[u8]) {
    debug_assert!(start.saturating_add(room) <= out.len(), "the room was not kept");
    let inner = start.saturating_add(room).min(out.len());
    let len = out.len().saturating_sub(inner);
    let wanted = start.saturating_add(header.len());
    if wanted > inner {
        out.resize(wanted.saturating_add(len), 0);
    }
    if wanted != inner {
        out.copy_within(inner..inner.saturating_add(len), wanted);
        out.truncate(wanted.saturating_add(len));
    }
    if let Some(place) = out.get_mut(start..wanted) {
        place.copy_from_slice(header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_bytes_move_to_the_header() {
        for room in 0..9 {
            let mut out = b"before".to_vec();
            out.resize(6 + room, 0xff);
            out.extend_from_slice(b"inner");
            place_header(&mut out, 6, room, b"head");
            assert_eq!(out, b"beforeheadinner", "room {room}");
        }
    }
}
