//! The receive buffer: outer bytes are appended, inner bytes are lent from the front.

use alloc::vec::Vec;
use core::ops::Range;

/// One growing buffer for all layers, so that bytes are not copied from layer to layer.
///
/// ```text
///   0 ────── start ────────── clear ─ ─ ─ outer ────────── end ───── len
///     taken        inner bytes     dropped      outer bytes     spare
/// ```
///
/// The socket writes each byte once. If a layer strips headers, the inner bytes behind them are moved
/// down to `clear`. Without headers, `clear == outer`, and bytes are moved only by the amortized
/// compaction in [`Self::spare`].
#[derive(Default)]
pub(crate) struct ReceiveBuffer {
    bytes: Vec<u8>,
    start: usize,
    clear: usize,
    outer: usize,
    end: usize,
    /// Some bytes were dropped or taken: the buffer does not hold everything received.
    touched: bool,
}

impl ReceiveBuffer {
    /// Returns at least `min` writable bytes, and at least one.
    #[inline]
    pub(crate) fn spare(&mut self, min: usize) -> &mut [u8] {
        let min = min.max(1);
        if self.bytes.len().saturating_sub(self.end) < min {
            self.make_room(min);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Marks the first `n` spare bytes as received.
    #[inline]
    pub(crate) fn filled(&mut self, n: usize) {
        debug_assert!(n <= self.bytes.len().saturating_sub(self.end), "more bytes than spare");
        self.end = self.end.saturating_add(n).min(self.bytes.len());
    }

    /// Copies received bytes into the buffer.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        for (to, from) in self.spare(bytes.len()).iter_mut().zip(bytes) {
            *to = *from;
        }
        self.filled(bytes.len());
    }

    /// Drops the next `skip` outer bytes and turns the `len` bytes after them into inner bytes.
    ///
    /// Returns the `len` bytes at their new position behind the other inner bytes.
    #[inline]
    pub(crate) fn accept(&mut self, skip: usize, len: usize) -> &mut [u8] {
        self.touched |= skip > 0;
        let from = self.outer.saturating_add(skip).min(self.end);
        let until = from.saturating_add(len).min(self.end);
        if self.start == self.clear {
            self.start = from;
            self.clear = from;
        } else if self.clear != from {
            self.bytes.copy_within(from..until, self.clear);
        }
        let new = self.clear..self.clear.saturating_add(until.saturating_sub(from));
        self.clear = new.end;
        self.outer = until;
        self.rewind();
        self.lend(new)
    }

    /// Turns all outer bytes into inner bytes.
    #[inline]
    pub(crate) fn accept_all(&mut self) -> &mut [u8] {
        self.accept(0, self.end.saturating_sub(self.outer))
    }

    /// Takes the first `n` inner bytes. Returns their position, valid until the next call of `spare`.
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Range<usize> {
        self.touched |= n > 0;
        let from = self.start;
        self.start = self.start.saturating_add(n).min(self.clear);
        let taken = from..self.start;
        self.rewind();
        taken
    }

    /// Returns the size of the allocation in bytes.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Frees the memory if the buffer is empty.
    pub(crate) fn release(&mut self) {
        if self.end == 0 {
            self.bytes = Vec::new();
        }
    }

    /// Drops all bytes.
    pub(crate) fn clear(&mut self) {
        self.touched = true;
        self.reset();
    }

    /// Returns all bytes ever received, or `None` if some were dropped or taken.
    pub(crate) fn untouched(&self) -> Option<&[u8]> {
        if self.touched { None } else { self.bytes.get(self.start..self.end) }
    }

    /// Lends the bytes at a position returned by `take`.
    #[inline]
    pub(crate) fn lend(&mut self, range: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// Returns the inner bytes that are not taken yet.
    #[inline]
    pub(crate) fn inner(&self) -> &[u8] {
        self.bytes.get(self.start..self.clear).unwrap_or_default()
    }

    /// Returns the inner bytes that are not taken yet.
    #[inline]
    pub(crate) fn inner_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.clear).unwrap_or_default()
    }

    /// Returns the outer bytes that are not accepted yet.
    #[inline]
    pub(crate) fn outer(&self) -> &[u8] {
        self.bytes.get(self.outer..self.end).unwrap_or_default()
    }

    /// Returns the outer bytes that are not accepted yet.
    #[inline]
    pub(crate) fn outer_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.outer..self.end).unwrap_or_default()
    }

    /// Restarts at the front if everything is taken: compaction without a copy.
    #[inline]
    fn rewind(&mut self) {
        if self.start == self.clear && self.outer == self.end {
            self.reset();
        }
    }

    fn reset(&mut self) {
        (self.start, self.clear, self.outer, self.end) = (0, 0, 0, 0);
    }

    /// Moves the live bytes to the front, and grows the buffer unless enough space is free then.
    ///
    /// The free space is at least half of the moved bytes. So each received byte is moved O(1) times,
    /// however the input is split, and the buffer stays below one and a half frames plus `min`.
    fn make_room(&mut self, min: usize) {
        let moved_by = self.start;
        let live = self.end.saturating_sub(moved_by);
        self.bytes.copy_within(moved_by..self.end, 0);
        self.clear = self.clear.saturating_sub(moved_by);
        self.outer = self.outer.saturating_sub(moved_by);
        (self.start, self.end) = (0, live);
        let need = live.saturating_add(live / 2).saturating_add(min).max(LEN_MIN);
        if let Some(more) = need.checked_sub(self.bytes.len()) {
            self.bytes.reserve_exact(more);
            self.bytes.resize(need, 0);
        }
    }
}

/// Minimum allocation; most packets are shorter.
const LEN_MIN: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_bytes_are_contiguous_after_headers_are_stripped() {
        let mut buffer = ReceiveBuffer::default();
        buffer.put(b"--abc-de--f");
        assert_eq!(buffer.accept(2, 3), b"abc");
        assert_eq!(buffer.accept(1, 2), b"de");
        assert_eq!((buffer.inner(), buffer.outer()), (&b"abcde"[..], &b"--f"[..]));
        let taken = buffer.take(4);
        assert_eq!(buffer.lend(taken), b"abcd");
        assert_eq!(buffer.accept(2, 1), b"f");
        assert_eq!(buffer.inner(), b"ef");
        buffer.take(2);
        assert_eq!((buffer.start, buffer.end), (0, 0), "an empty buffer restarts at the front");
    }

    #[test]
    fn all_received_bytes_are_available_until_some_are_dropped() {
        let mut buffer = ReceiveBuffer::default();
        assert_eq!(buffer.untouched(), Some(&[][..]));
        buffer.put(b"hello");
        buffer.accept_all();
        buffer.put(b" there");
        assert_eq!(buffer.untouched(), Some(&b"hello there"[..]));
        buffer.take(1);
        assert_eq!(buffer.untouched(), None);
    }

    #[test]
    fn memory_of_an_empty_buffer_is_freed() {
        let mut buffer = ReceiveBuffer::default();
        buffer.put(&[7; 10_000]);
        buffer.accept_all();
        buffer.take(9_999);
        buffer.release();
        assert!(buffer.held() >= 10_000);
        buffer.take(1);
        buffer.release();
        assert_eq!(buffer.held(), 0);
        buffer.put(b"again");
        assert_eq!(buffer.outer(), b"again");
    }

    /// Holds for a peer that sends single bytes, and for a caller that always requests much space.
    #[test]
    fn capacity_is_bounded_by_the_live_bytes() {
        for (frame, min) in [(10_000, 1), (10_000, 4096), (30, 16_384), (70_000, 1500)] {
            let mut buffer = ReceiveBuffer::default();
            for received in 1..=300_000 {
                buffer.spare(min);
                buffer.filled(1);
                buffer.accept_all();
                if received % frame == 0 {
                    buffer.take(frame);
                }
            }
            let bound = (frame + frame / 2 + min).max(LEN_MIN);
            assert!(buffer.bytes.len() <= bound, "{} over {bound}", buffer.bytes.len());
            assert!(buffer.bytes.capacity() <= bound);
        }
    }
}
