//! Search in sorted queues, optimized for recent entries.

use alloc::collections::VecDeque;
use core::cmp::Ordering;

/// Returns the position of `key` in a queue sorted by `key_of`, or where it belongs.
///
/// Searches from the back in doubling steps: lookups hit the last few of a thousand messages, and the first have
/// long left the processor's cache.
pub(crate) fn position<T, K: Ord>(
    queue: &VecDeque<T>,
    key: &K,
    key_of: impl Fn(&T) -> K,
) -> Result<usize, usize> {
    let compare = |at: usize| queue.get(at).map_or(Ordering::Greater, |it| key_of(it).cmp(key));
    // Entries below `low` are lower, entries from `high` on are higher.
    let (mut low, mut high) = (0, queue.len());
    let mut step = 1_usize;
    while high > 0 {
        let at = high.saturating_sub(step);
        match compare(at) {
            Ordering::Equal => return Ok(at),
            Ordering::Greater => high = at,
            Ordering::Less => {
                low = at.saturating_add(1);
                break;
            }
        }
        step = step.saturating_mul(2);
    }
    while low < high {
        let middle = low.midpoint(high);
        match compare(middle) {
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => high = middle,
            Ordering::Less => low = middle.saturating_add(1),
        }
    }
    Err(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_equals_that_of_a_binary_search() {
        for len in 0..70_u64 {
            let odd = |number: u64| number * 2 + 1;
            // The queue also wraps around the end of its buffer.
            let mut queue: VecDeque<u64> = (len / 3..len).map(odd).collect();
            (0..len / 3).rev().for_each(|number| queue.push_front(odd(number)));
            for key in 0..=len * 2 + 1 {
                assert_eq!(position(&queue, &key, |it| *it), queue.binary_search(&key));
            }
        }
    }
}
