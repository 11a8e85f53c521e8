//! Lines that strangers cause: so many a second, then a count.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Bounds how fast others can fill a log.
pub(crate) struct Throttle {
    window: Mutex<Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start: Instant,
    printed: u32,
    omitted: u64,
}

impl Throttle {
    pub(crate) fn new() -> Self {
        let window = Window { start: Instant::now(), printed: 0, omitted: 0 };
        Self { window: Mutex::new(window) }
    }

    /// Prints a remark, or counts it if there were too many within a second.
    pub(crate) fn note(&self, text: &str) {
        self.pass(text.to_owned(), |text| super::note(&text));
    }

    /// As [`note`](Self::note), through something that prints.
    pub(crate) fn pass(&self, text: String, print: impl Fn(String)) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (prints, omitted) = window.admit(Instant::now());
        if omitted > 0 {
            print(format!("{omitted} more lines like this were left out"));
        }
        if prints {
            print(text);
        }
    }
}

impl Window {
    /// Returns `true` if a line is printed, and how many were left out before it.
    fn admit(&mut self, now: Instant) -> (bool, u64) {
        let mut omitted = 0;
        if now.saturating_duration_since(self.start) >= WINDOW {
            omitted = self.omitted;
            *self = Self { start: now, printed: 0, omitted: 0 };
        }
        let prints = self.printed < LINES_MAX;
        if prints {
            self.printed = self.printed.saturating_add(1);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
        (prints, omitted)
    }
}

const WINDOW: Duration = Duration::from_secs(1);

/// Lines in a window.
const LINES_MAX: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_of_a_second_are_counted() {
        let start = Instant::now();
        let mut window = Window { start, printed: 0, omitted: 0 };
        for _ in 0..LINES_MAX {
            assert_eq!(window.admit(start), (true, 0));
        }
        for _ in 0..5 {
            assert_eq!(window.admit(start), (false, 0));
        }
        assert_eq!(window.admit(start + WINDOW), (true, 5));
        assert_eq!(window.admit(start + WINDOW), (true, 0));
    }
}
