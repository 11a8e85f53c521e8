//! A table whose rows appear as they are known.

use core::fmt::Write;
use core::time::Duration;

use super::{BAD, FAINT, GOOD, STRONG, duration, line};

/// A table with a name and some times in each row.
pub(crate) struct Table {
    /// The columns' headings; times are aligned below them.
    headings: &'static [&'static str],
}

impl Table {
    /// Prints the headings.
    pub(crate) fn new(headings: &'static [&'static str]) -> Self {
        let (name, times) = headings.split_first().unwrap_or((&"", &[]));
        let mut text = format!("      {name:<NAME_WIDTH$}");
        for heading in times {
            // Writing to a string cannot fail.
            let _ = write!(text, "  {heading:>TIME_WIDTH$}");
        }
        line(format_args!("{STRONG}{text}{STRONG:#}"));
        Self { headings }
    }

    /// Prints a row; steps without a time were not reached, or are none of this row.
    pub(crate) fn row(&self, name: &str, times: &[Option<Duration>], good: bool) {
        let mark = if good { format!("{GOOD}ok{GOOD:#}") } else { format!("{BAD}no{BAD:#}") };
        let mut text = format!("  {mark}  {name:<NAME_WIDTH$}");
        for column in 0..self.headings.len().saturating_sub(1) {
            let time = times.get(column).copied().flatten();
            let time = time.map_or_else(|| "-".to_owned(), duration);
            let _ = write!(text, "  {FAINT}{time:>TIME_WIDTH$}{FAINT:#}");
        }
        line(format_args!("{text}"));
    }
}

const NAME_WIDTH: usize = 16;
const TIME_WIDTH: usize = 9;
