//! The receive buffer: outer bytes arrive at its end, inner bytes are lent from its front.

use alloc::vec::Vec;
use core::ops::Range;

/// One growing buffer for the whole way in, so that nothing is copied from layer to layer.
///
/// ```text
///   0 ────── start ────────── clear ─ ─ ─ outer ────────── end ───── len
///     taken        inner bytes     dropped      outer bytes     room
/// ```
///
/// Bytes are written once by the socket. A layer that strips headers has its inner bytes moved down
/// to `clear`; where no layer strips anything `clear == outer` and nothing ever moves but by the
/// amortised compaction of [`Self::spare`].
#[derive(Default)]
pub(crate) struct ReceiveBuffer {
    bytes: Vec<u8>,
    start: usize,
    clear: usize,
    outer: usize,
    end: usize,
    /// Something was dropped or taken, so what is left is not all that came.
    touched: bool,
}

impl ReceiveBuffer {
    /// Returns at least `min` writable bytes, at least one.
    #[inline]
    pub(crate) fn spare(&mut self, min: usize) -> &mut [u8] {
        let min = min.max(1);
        if self.bytes.len().saturating_sub(self.end) < min {
            self.make_room(min);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Counts the first `n` spare bytes as received, at most as many as there are.
    #[inline]
    pub(crate) fn filled(&mut self, n: usize) {
        debug_assert!(n <= self.bytes.len().saturating_sub(self.end), "more bytes than room");
        self.end = self.end.saturating_add(n).min(self.bytes.len());
    }

    /// Receives bytes from elsewhere.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        for (to, from) in self.spare(bytes.len()).iter_mut().zip(bytes) {
            *to = *from;
        }
        self.filled(bytes.len());
    }

    /// Makes the next `skip + len` outer bytes inner bytes, the first `skip` of them dropped.
    ///
    /// Returns the `len` bytes at their place behind the inner bytes that were there before.
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

    /// Makes all outer bytes inner bytes.
    #[inline]
    pub(crate) fn accept_all(&mut self) -> &mut [u8] {
        self.accept(0, self.end.saturating_sub(self.outer))
    }

    /// Takes the first `n` inner bytes and returns where they are until the next call of `spare`.
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Range<usize> {
        self.touched |= n > 0;
        let from = self.start;
        self.start = self.start.saturating_add(n).min(self.clear);
        let taken = from..self.start;
        self.rewind();
        taken
    }

    /// Returns the bytes of memory that the buffer takes.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Gives the memory back if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.end == 0 {
            self.bytes = Vec::new();
        }
    }

    /// Drops everything received.
    pub(crate) fn clear(&mut self) {
        self.touched = true;
        self.reset();
    }

    /// Returns all bytes that ever came, as long as none were dropped or taken.
    pub(crate) fn untouched(&self) -> Option<&[u8]> {
        if self.touched { None } else { self.bytes.get(self.start..self.end) }
    }

    /// Lends bytes at a place that `take` or `accept` gave.
    #[inline]
    pub(crate) fn lend(&mut self, range: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// Returns the inner bytes not taken yet.
    #[inline]
    pub(crate) fn inner(&self) -> &[u8] {
        self.bytes.get(self.start..self.clear).unwrap_or_default()
    }

    /// Returns the inner bytes not taken yet.
    #[inline]
    pub(crate) fn inner_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.clear).unwrap_or_default()
    }

    /// Returns the outer bytes not accepted yet.
    #[inline]
    pub(crate) fn outer(&self) -> &[u8] {
        self.bytes.get(self.outer..self.end).unwrap_or_default()
    }

    /// Returns the outer bytes not accepted yet.
    #[inline]
    pub(crate) fn outer_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.outer..self.end).unwrap_or_default()
    }

    /// Starts again at the front once everything is taken: the cheapest compaction.
    #[inline]
    fn rewind(&mut self) {
        if self.start == self.clear && self.outer == self.end {
            self.reset();
        }
    }

    fn reset(&mut self) {
        (self.start, self.clear, self.outer, self.end) = (0, 0, 0, 0);
    }

    /// Moves what is live to the front, and grows if that alone would soon have to be repeated.
    ///
    /// Afterwards there is room for half as much again as was moved, so a received byte is moved
    /// O(1) times however the input is cut, and the buffer stays below one and a half frames plus
    /// `min`.
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

/// The first allocation: most packets are shorter.
const LEN_MIN: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripped_bytes_close_up_and_the_rest_stays_in_place() {
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
        assert_eq!((buffer.start, buffer.end), (0, 0), "drained: back to the front for nothing");
    }

    #[test]
    fn bytes_are_untouched_until_some_are_dropped() {
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
    fn memory_is_given_back_once_nothing_is_in_it() {
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

    /// A peer that drips, or a reader that always asks for much, makes it neither large nor slow.
    #[test]
    fn its_length_is_bounded_by_what_is_live() {
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
