//! What people see: colour only on terminals, and not where `NO_COLOR` is set.

use core::time::Duration;

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints an error and its causes on one line of the standard error.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{BAD}error:{BAD:#} {error:#}");
}

/// Prints a remark for people on the standard error, out of the way of results.
pub(crate) fn note(text: &str) {
    eprintln!("{FAINT}{text}{FAINT:#}");
}

/// Prints one finished step with the time it took.
pub(crate) fn step(what: &str, took: Duration) {
    println!("  {GOOD}ok{GOOD:#}  {what:<58} {FAINT}{:>9}{FAINT:#}", milliseconds(took));
}

/// Prints one failed step.
pub(crate) fn failed_step(what: &str) {
    println!("  {BAD}no{BAD:#}  {what}");
}

/// Writes a duration as milliseconds with one digit behind the point.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
