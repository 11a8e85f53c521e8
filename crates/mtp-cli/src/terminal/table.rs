//! A table that is printed row by row.

use core::fmt::Write;

use anstyle::Style;

use super::{BAD, FAINT, GOOD, STRONG, line};

/// A table with its first column aligned to the left, the others to the right.
pub(crate) struct Table {
    widths: Vec<usize>,
}

impl Table {
    /// Prints the headings, given with the widths of their columns.
    pub(crate) fn new(columns: &[(&str, usize)]) -> Self {
        let table = Self { widths: columns.iter().map(|(_, width)| *width).collect() };
        let headings: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
        line(format_args!("      {}", table.text(&headings, STRONG, STRONG)));
        table
    }

    /// Prints a row.
    pub(crate) fn row(&self, cells: &[&str]) {
        line(format_args!("      {}", self.text(cells, Style::new(), Style::new())));
    }

    /// Prints a row with the mark of success or failure.
    pub(crate) fn judged_row(&self, good: bool, cells: &[&str]) {
        let (mark, tint) = if good { ("ok", GOOD) } else { ("no", BAD) };
        line(format_args!("  {tint}{mark}{tint:#}  {}", self.text(cells, Style::new(), FAINT)));
    }

    fn text(&self, cells: &[&str], first: Style, others: Style) -> String {
        let mut text = String::new();
        for (at, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match at {
                0 => write!(text, "{first}{cell:<width$}{first:#}"),
                _ => write!(text, "  {others}{cell:>width$}{others:#}"),
            };
        }
        text
    }
}
