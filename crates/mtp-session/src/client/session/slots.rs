//! A table whose keys are never reused.

use alloc::vec::Vec;

/// A table whose keys grow with every insertion and index the value directly.
///
/// A key is a serial number above the index of a slot, so keys sort by age and a stale key finds
/// nothing.
#[derive(Clone, Debug)]
pub(crate) struct Slots<T> {
    places: Vec<Option<(u64, T)>>,
    free: Vec<usize>,
    serial: u64,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), serial: 1 }
    }

    /// Stores a value; `None` if the table is full.
    pub(crate) fn insert(&mut self, value: T) -> Option<u64> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.places.len() < SLOTS_MAX => {
                self.places.push(None);
                self.places.len().saturating_sub(1)
            }
            None => return None,
        };
        let key = self.serial << SLOT_BITS | u64::try_from(index).ok()?;
        self.serial = self.serial.wrapping_add(1);
        *self.places.get_mut(index)? = Some((key, value));
        Some(key)
    }

    /// Stores a saved value under its old key; `false` if the place is taken or not below `max`.
    pub(crate) fn restore(&mut self, key: u64, value: T, max: usize) -> bool {
        let Some(index) = index(key).filter(|index| *index < max) else { return false };
        while self.places.len() <= index {
            self.free.push(self.places.len());
            self.places.push(None);
        }
        let Some(slot @ None) = self.places.get_mut(index) else { return false };
        *slot = Some((key, value));
        self.free.retain(|free| *free != index);
        self.serial = self.serial.max((key >> SLOT_BITS).saturating_add(1));
        true
    }

    /// Returns the serial number that the next value gets.
    pub(crate) const fn serial(&self) -> u64 {
        self.serial
    }

    /// Skips the serial numbers before this one.
    pub(crate) fn skip_to(&mut self, serial: u64) {
        // The serial number and the index must both fit into a key.
        self.serial = self.serial.max(serial & (u64::MAX >> SLOT_BITS));
    }

    pub(crate) fn get(&self, key: u64) -> Option<&T> {
        match self.places.get(index(key)?) {
            Some(Some((found, value))) if *found == key => Some(value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        match self.places.get_mut(index(key)?) {
            Some(Some((found, value))) if *found == key => Some(value),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, key: u64) -> Option<T> {
        self.get(key)?;
        let index = index(key)?;
        let (_, value) = self.places.get_mut(index)?.take()?;
        self.free.push(index);
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len().saturating_sub(self.free.len())
    }

    /// Returns all values, in no order of age.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.places.iter().flatten().map(|(key, value)| (*key, value))
    }

    /// Returns all values for changing, in no order of age.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        self.places.iter_mut().flatten().map(|(key, value)| (*key, value))
    }
}

/// Bits of a key that hold the index of the slot.
const SLOT_BITS: u32 = 20;
const SLOTS_MAX: usize = 1 << SLOT_BITS;

fn index(key: u64) -> Option<usize> {
    usize::try_from(key & (SLOTS_MAX as u64 - 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_age_and_are_not_reused() {
        let mut slots = Slots::new();
        let a = slots.insert('a').unwrap();
        let b = slots.insert('b').unwrap();
        assert_eq!(slots.remove(a), Some('a'));
        let c = slots.insert('c').unwrap();
        assert!(a < b && b < c);
        assert_eq!((slots.get(a), slots.get(b), slots.get(c)), (None, Some(&'b'), Some(&'c')));
        assert_eq!((slots.remove(a), slots.len()), (None, 2));
    }

    #[test]
    fn restored_values_keep_their_keys() {
        let mut slots = Slots::new();
        let keys: Vec<u64> = (0..3).map(|n| slots.insert(n).unwrap()).collect();
        let mut restored = Slots::new();
        assert!(restored.restore(keys[2], 2, 3));
        assert!(!restored.restore(keys[2], 2, 3));
        assert!(restored.restore(keys[0], 0, 3));
        assert!(!restored.restore(keys[1], 1, 1));
        let new = restored.insert(9).unwrap();
        assert!(new > keys[2]);
        assert_eq!(restored.len(), 3);
        assert_eq!(restored.get(keys[1]), None);
    }

    #[test]
    fn table_is_full_at_its_limit() {
        let mut slots = Slots::new();
        for _ in 1..SLOTS_MAX {
            slots.insert(()).unwrap();
        }
        let last = slots.insert(());
        assert!(last.is_some());
        assert_eq!(slots.insert(()), None);
        slots.remove(last.unwrap());
        assert!(slots.insert(()).is_some());
    }
}
