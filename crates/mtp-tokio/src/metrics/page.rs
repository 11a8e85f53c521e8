//! The text form of counters.
//!
//! ```text
//!   # HELP name what it means
//!   # TYPE name counter
//!   name{label="value"} 1
//! ```

use core::fmt::Write as _;

/// A page of counters that is being written.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

/// A number by its label's value.
pub(super) type Labelled<'a> = (&'a str, u64);

impl Page {
    /// Writes a number that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(name, None, value);
    }

    /// Writes numbers that only grow, distinguished by one label.
    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &[Labelled<'_>],
    ) {
        self.head(name, help, "counter");
        for (value, number) in values {
            self.line(name, Some((label, value)), *number);
        }
    }

    /// Writes a number that rises and falls.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "gauge");
        self.line(name, None, value);
    }

    /// Writes numbers that rise and fall, distinguished by one label.
    #[cfg(any(test, feature = "proxy"))]
    pub(super) fn gauges(&mut self, name: &str, help: &str, label: &str, values: &[Labelled<'_>]) {
        self.head(name, help, "gauge");
        for (value, number) in values {
            self.line(name, Some((label, value)), *number);
        }
    }

    /// Returns the page.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.text.push_str("# HELP ");
        self.text.push_str(name);
        self.text.push(' ');
        self.escaped(help, false);
        self.text.push_str("\n# TYPE ");
        self.text.push_str(name);
        self.text.push(' ');
        self.text.push_str(kind);
        self.text.push('\n');
    }

    fn line(&mut self, name: &str, label: Option<(&str, &str)>, value: u64) {
        self.text.push_str(name);
        if let Some((label, of)) = label {
            self.text.push('{');
            self.text.push_str(label);
            self.text.push_str("=\"");
            self.escaped(of, true);
            self.text.push_str("\"}");
        }
        // A string takes everything.
        let _ = writeln!(self.text, " {value}");
    }

    /// Names of secrets are the operator's: they may hold anything.
    fn escaped(&mut self, text: &str, quoted: bool) {
        for letter in text.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '"' if quoted => self.text.push_str("\\\""),
                letter => self.text.push(letter),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_collectors_read() {
        let mut page = Page::default();
        page.counter("a_total", "Things \"so\".", 3);
        page.gauges("b", "Things\nleft.", "of", &[("x", 0), ("\"\\\n", u64::MAX)]);
        assert_eq!(
            page.finish(),
            "# HELP a_total Things \"so\".\n# TYPE a_total counter\na_total 3\n\
             # HELP b Things\\nleft.\n# TYPE b gauge\nb{of=\"x\"} 0\n\
             b{of=\"\\\"\\\\\\n\"} 18446744073709551615\n"
        );
    }
}
