//! Progress of long work: one line on the terminal, removed when the work is done.

use core::time::Duration;
use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

/// A line at the bottom of the terminal; nothing if the standard error is not a terminal.
pub(crate) struct Progress {
    shown: Option<Instant>,
    visible: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { shown: None, visible: std::io::stderr().is_terminal() && !dumb }
    }

    /// Shows the name of the work.
    pub(crate) fn begin(&mut self, what: &str) {
        self.shown = None;
        self.draw(what);
    }

    /// Shows how much of the work is done, at a limited rate.
    pub(crate) fn step(&mut self, what: &str, done: usize, of: usize) {
        if self.shown.is_none_or(|shown| shown.elapsed() >= PAUSE) {
            let filled = done.saturating_mul(BAR_WIDTH).checked_div(of).unwrap_or_default();
            let left = BAR_WIDTH.saturating_sub(filled);
            self.draw(&format!(
                "{what}  {}{}  {done} of {of}",
                "█".repeat(filled),
                "░".repeat(left)
            ));
        }
    }

    /// Removes the line.
    pub(crate) fn clear(&mut self) {
        if self.shown.take().is_some() {
            write("\r\u{1b}[K");
        }
    }

    fn draw(&mut self, text: &str) {
        if self.visible {
            write(&format!("\r\u{1b}[K{text}"));
            self.shown = Some(Instant::now());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Writes to the terminal. Errors do not matter.
fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

const PAUSE: Duration = Duration::from_millis(50);
const BAR_WIDTH: usize = 24;
