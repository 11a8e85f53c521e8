//! Containers that wait for the `seq` before theirs.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::item::UpdateItem;

/// What is left of a container: its items without a sequence.
#[derive(Debug)]
pub(super) struct Rest<T> {
    pub(super) items: Vec<UpdateItem<T>>,
    pub(super) seq_start: i32,
    pub(super) seq: i32,
    pub(super) date: i32,
    size: usize,
}

impl<T> Rest<T> {
    pub(super) fn new(items: Vec<UpdateItem<T>>, seq_start: i32, seq: i32, date: i32) -> Self {
        let size = items.iter().map(|item| item.size).fold(0, usize::saturating_add);
        Self { items, seq_start, seq, date, size }
    }
}

/// The rests that wait, by their first number; those without numbers in the order of arrival.
#[derive(Debug)]
pub(super) struct Orders<T> {
    kept: BTreeMap<(i32, u64), Rest<T>>,
    items: usize,
    bytes: usize,
    order: u64,
}

impl<T> Orders<T> {
    pub(super) fn new() -> Self {
        Self { kept: BTreeMap::new(), items: 0, bytes: 0, order: 0 }
    }

    pub(super) fn keep(&mut self, rest: Rest<T>) {
        self.order += 1;
        self.items += rest.items.len().max(1);
        self.bytes = self.bytes.saturating_add(rest.size);
        self.kept.insert((rest.seq_start, self.order), rest);
    }

    /// Returns the next rest that is not ahead of `seq`.
    pub(super) fn take_reached(&mut self, seq: i32) -> Option<Rest<T>> {
        let entry = self.kept.first_entry()?;
        if entry.key().0 > seq.saturating_add(1) {
            return None;
        }
        let rest = entry.remove();
        self.items -= rest.items.len().max(1);
        self.bytes = self.bytes.saturating_sub(rest.size);
        Some(rest)
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        (self.items, self.bytes) = (0, 0);
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.kept.is_empty()
    }

    pub(super) fn exceeds(&self, items: usize, bytes: usize) -> bool {
        self.items > items || self.bytes > bytes
    }
}
