//! Pending events and the arena that holds their bodies.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;

/// Pending events of one wing: `W` is an event whose body is a [`Span`] of the arena.
#[derive(Debug)]
pub(crate) struct Events<W> {
    pending: VecDeque<W>,
    arena: Vec<u8>,
    /// Capacity kept while the arena is empty.
    keep: usize,
}

/// A range of the arena.
pub(crate) type Span = Range<usize>;

impl<W> Events<W> {
    pub(crate) const fn new(keep: usize) -> Self {
        Self { pending: VecDeque::new(), arena: Vec::new(), keep }
    }

    pub(crate) fn push(&mut self, event: W) {
        self.pending.push_back(event);
    }

    /// Adds an event without a body. Bodies of events that were taken are not held for it.
    pub(crate) fn push_bare(&mut self, event: W) {
        self.arena();
        self.push(event);
    }

    /// Copies bytes into the arena.
    pub(crate) fn store(&mut self, bytes: &[u8]) -> Span {
        self.store_parts(&[bytes])
    }

    /// Copies several parts into the arena, one after another.
    pub(crate) fn store_parts(&mut self, parts: &[&[u8]]) -> Span {
        let arena = self.arena();
        let start = arena.len();
        for part in parts {
            arena.extend_from_slice(part);
        }
        start..arena.len()
    }

    /// Returns the arena for appending, cleared first if no event is pending.
    pub(crate) fn arena(&mut self) -> &mut Vec<u8> {
        if self.pending.is_empty() {
            self.arena.clear();
            if self.arena.capacity() > self.keep {
                self.arena.shrink_to(self.keep);
            }
        }
        &mut self.arena
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        if self.pending.is_empty() {
            self.arena = Vec::new();
        }
        self.pending.shrink_to_fit();
    }

    /// Frees the memory of events that were taken, once all of them are.
    ///
    /// The last one borrows the arena, so that taking it cannot do so.
    pub(crate) fn release(&mut self) {
        if self.pending.is_empty() {
            self.arena();
            self.pending.shrink_to(PENDING_KEPT);
        }
    }

    /// Returns the memory that pending events take, and that of the last ones that were taken.
    pub(crate) fn held_bytes(&self) -> usize {
        if self.pending.is_empty() {
            self.arena.capacity().saturating_sub(self.keep)
        } else {
            self.len_bytes()
        }
    }

    pub(crate) fn arena_len(&self) -> usize {
        self.arena.len()
    }

    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        self.arena.get(span).unwrap_or_default()
    }

    /// Returns the memory held by pending events, zero if there are none.
    pub(crate) fn len_bytes(&self) -> usize {
        let entries = self.pending.len().saturating_mul(size_of::<W>());
        if entries == 0 { 0 } else { entries.saturating_add(self.arena.len()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Removes the next event; its spans refer to the returned bytes.
    pub(crate) fn pop(&mut self) -> Option<(W, &[u8])> {
        let Some(next) = self.pending.pop_front() else {
            self.release();
            return None;
        };
        Some((next, &self.arena))
    }

    /// Returns the next event without removing it.
    pub(crate) fn peek(&self) -> Option<(&W, &[u8])> {
        self.pending.front().map(|next| (next, self.arena.as_slice()))
    }
}

/// Places for events that are kept while there are none.
const PENDING_KEPT: usize = 64;

/// Returns the bytes of a span.
pub(crate) fn bytes_of(arena: &[u8], span: Span) -> &[u8] {
    arena.get(span).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_taken_events_is_counted_until_it_is_released() {
        let mut events = Events::new(16);
        for _ in 0..1000 {
            let span = events.store(&[7; 100]);
            events.push(span);
        }
        assert!(events.held_bytes() > 100_000);
        for _ in 0..1000 {
            assert!(events.pop().is_some());
        }
        assert_eq!(events.len_bytes(), 0);
        assert!(events.held_bytes() > 90_000, "the last event borrows it");
        events.release();
        assert_eq!(events.held_bytes(), 0);
        assert!(events.pending.capacity() <= 2 * PENDING_KEPT);
        let span = events.store(&[7; 100]);
        events.push(span);
        assert!(events.pop().is_some() && events.pop().is_none());
        assert_eq!(events.held_bytes(), 0, "nothing is pending, and nothing is borrowed");
    }

    #[test]
    fn arena_is_cleared_once_all_events_are_taken() {
        let mut events = Events::new(16);
        let span = events.store(b"one");
        events.push(span);
        let span = events.store(b"two");
        events.push(span);
        let taken = |events: &mut Events<Span>| {
            events.pop().map(|(span, arena)| bytes_of(arena, span).to_vec())
        };
        assert_eq!(taken(&mut events).unwrap(), b"one");
        assert_eq!(events.len_bytes(), 6 + size_of::<Span>());
        assert_eq!(taken(&mut events).unwrap(), b"two");
        assert_eq!(taken(&mut events), None);
        assert_eq!(events.len_bytes(), 0);
        let span = events.store(&[7; 100]);
        assert_eq!(span, 0..100);
        events.push(span);
        events.pop();
        assert!(events.arena().capacity() <= 16);
    }
}
