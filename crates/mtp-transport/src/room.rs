//! Headers in front of bytes that are already in the buffer.

use alloc::vec::Vec;

/// Writes `header` at `start`, directly in front of the inner bytes at `start + room`.
///
/// The inner bytes are moved only if the length of the header differs from `room`.
pub(crate) fn place_header(out: &mut Vec<u8>, start: usize, room: usize, header: &[u8]) {
    debug_assert!(start.saturating_add(room) <= out.len(), "no space was reserved");
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
    fn inner_bytes_follow_the_header_for_every_reserved_length() {
        for room in 0..9 {
            let mut out = b"before".to_vec();
            out.resize(6 + room, 0xff);
            out.extend_from_slice(b"inner");
            place_header(&mut out, 6, room, b"head");
            assert_eq!(out, b"beforeheadinner", "room {room}");
        }
    }
}
