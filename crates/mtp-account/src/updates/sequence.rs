//! One sequence: its value, and the updates that wait for a gap to close.

use alloc::collections::BTreeMap;

/// A fall by more than this is a counter that was set anew, not a duplicate.
const RESET_DISTANCE: i64 = 1_000_009;

/// What becomes of an update with the numbers `value` and `count`.
// spec: account 3.4
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Deliver,
    DeliverWithoutEffect,
    Duplicate,
    Invalid,
    Gap,
    Overlap,
    Reset,
}

#[derive(Debug)]
pub(super) struct Kept<T> {
    pub(super) value: i64,
    pub(super) count: i64,
    pub(super) content: Option<T>,
    size: usize,
}

/// One sequence.
#[derive(Debug)]
pub(super) struct Sequence<T> {
    pub(super) value: Option<i64>,
    kept: BTreeMap<(i64, u64), Kept<T>>,
    bytes: usize,
    order: u64,
    /// Whether the value may be 0, as that of the secondary box before its first item.
    from_zero: bool,
}

impl<T> Sequence<T> {
    pub(super) fn new(value: Option<i64>) -> Self {
        Self { value, kept: BTreeMap::new(), bytes: 0, order: 0, from_zero: false }
    }

    pub(super) fn from_zero(value: i64) -> Self {
        Self { from_zero: true, ..Self::new(Some(value)) }
    }

    /// Judges an update, and takes its value as the first if there is none.
    pub(super) fn judge(&mut self, value: i64, count: i64) -> Verdict {
        if value == 0 {
            return Verdict::DeliverWithoutEffect;
        }
        if count < 0 || value < count || (value == count && !self.from_zero) {
            return Verdict::Invalid;
        }
        let local = *self.value.get_or_insert(value - count);
        if value == local + count {
            Verdict::Deliver
        } else if local - value > RESET_DISTANCE {
            Verdict::Reset
        } else if value <= local {
            Verdict::Duplicate
        } else if value - count < local {
            Verdict::Overlap
        } else {
            Verdict::Gap
        }
    }

    pub(super) fn keep(&mut self, value: i64, count: i64, content: Option<T>, size: usize) {
        self.order += 1;
        self.bytes = self.bytes.saturating_add(size);
        self.kept.insert((value - count, self.order), Kept { value, count, content, size });
    }

    /// Returns the next kept update that is not ahead of the value.
    pub(super) fn take_reached(&mut self) -> Option<Kept<T>> {
        let local = self.value?;
        let entry = self.kept.first_entry()?;
        if entry.key().0 > local {
            return None;
        }
        let kept = entry.remove();
        self.bytes = self.bytes.saturating_sub(kept.size);
        Some(kept)
    }

    pub(super) fn clear_kept(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.kept.is_empty()
    }

    pub(super) fn exceeds(&self, items: usize, bytes: usize) -> bool {
        self.kept.len() > items || self.bytes > bytes
    }
}
