//! A queue sorted by key, for entries that arrive and leave nearly in order.

use alloc::collections::VecDeque;

use super::recent;

/// Entries sorted by key.
///
/// Entries mostly come at the back and leave at the front. An entry that leaves from the middle is only marked, and marks
/// are swept once they outnumber the entries, so that a removal costs a search however the other side orders its ids.
#[derive(Debug)]
pub(crate) struct Ordered<K, V> {
    /// The first and the last are never marks.
    entries: VecDeque<(K, Option<V>)>,
    live: usize,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), live: 0 }
    }
}

impl<K: Ord + Copy, V> Ordered<K, V> {
    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.live == 0
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.entries.get(self.position(key).ok()?)?.1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let position = self.position(key).ok()?;
        self.entries.get_mut(position)?.1.as_mut()
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    /// Returns the entry with the lowest key.
    pub(crate) fn first(&self) -> Option<(K, &V)> {
        self.entries.front().and_then(|(key, value)| Some((*key, value.as_ref()?)))
    }

    pub(crate) fn first_mut(&mut self) -> Option<(K, &mut V)> {
        self.entries.front_mut().and_then(|(key, value)| Some((*key, value.as_mut()?)))
    }

    /// Adds an entry, or replaces the one with its key. Returns how many entries were moved for it.
    pub(crate) fn insert(&mut self, key: K, value: V) -> usize {
        if self.entries.back().is_none_or(|(last, _)| *last < key) {
            self.live = self.live.saturating_add(1);
            self.entries.push_back((key, Some(value)));
            return 0;
        }
        match self.position(key) {
            Ok(position) => {
                if let Some((_, place)) = self.entries.get_mut(position) {
                    self.live = self.live.saturating_add(usize::from(place.is_none()));
                    *place = Some(value);
                }
                0
            }
            Err(position) => {
                let moved = position.min(self.entries.len().saturating_sub(position));
                self.live = self.live.saturating_add(1);
                self.entries.insert(position, (key, Some(value)));
                moved
            }
        }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let position = self.position(key).ok()?;
        let value = self.entries.get_mut(position)?.1.take()?;
        self.live = self.live.saturating_sub(1);
        self.sweep();
        Some(value)
    }

    pub(crate) fn pop_first(&mut self) -> Option<(K, V)> {
        let (key, value) = self.entries.pop_front()?;
        self.live = self.live.saturating_sub(1);
        self.sweep();
        Some((key, value?))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.entries.iter().filter_map(|(key, value)| Some((*key, value.as_ref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.entries.iter_mut().filter_map(|(key, value)| Some((*key, value.as_mut()?)))
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        self.entries.shrink_to_fit();
    }

    fn sweep(&mut self) {
        while self.entries.front().is_some_and(|(_, value)| value.is_none()) {
            self.entries.pop_front();
        }
        while self.entries.back().is_some_and(|(_, value)| value.is_none()) {
            self.entries.pop_back();
        }
        if self.entries.len() > self.live.saturating_mul(2).saturating_add(MARKS_SPARED) {
            self.entries.retain(|(_, value)| value.is_some());
        }
    }

    fn position(&self, key: K) -> Result<usize, usize> {
        match self.entries.front() {
            Some((first, _)) if *first == key => Ok(0),
            _ => recent::position(&self.entries, &key, |(key, _)| *key),
        }
    }
}

/// Marks that are not worth a sweep.
const MARKS_SPARED: usize = 16;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn it_holds_what_a_tree_holds() {
        let (mut ordered, mut tree) = (Ordered::default(), BTreeMap::new());
        let mut seed = 7_u64;
        for step in 0..5_000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step | 1);
            let key = seed >> 56;
            match seed >> 33 & 3 {
                0 | 1 => {
                    ordered.insert(key, step);
                    tree.insert(key, step);
                }
                2 => assert_eq!(ordered.remove(key), tree.remove(&key)),
                _ => assert_eq!(ordered.pop_first(), tree.pop_first()),
            }
            assert_eq!(ordered.len(), tree.len());
            assert_eq!(ordered.get(key), tree.get(&key));
            assert_eq!(ordered.first(), tree.first_key_value().map(|(key, value)| (*key, value)));
            assert!(ordered.entries.len() <= 2 * tree.len() + MARKS_SPARED);
        }
        let held: Vec<(u64, u64)> = ordered.iter().map(|(key, value)| (key, *value)).collect();
        assert_eq!(held, tree.into_iter().collect::<Vec<_>>());
    }
}
