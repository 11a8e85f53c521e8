//! What people see: colour only on terminals, and not where `NO_COLOR` is set.

use core::time::Duration;

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints an error and its causes on one line of the standard error.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{BAD}error:{BAD:#} {error:#}");
}

/// Prints a remark for people on the standard error, out of the way of results.
pub(crate) fn note(text: &str) {
    eprintln!("{FAINT}{text}{FAINT:#}");
}

/// Prints what is about to happen.
pub(crate) fn title(text: &str) {
    println!("{STRONG}{text}{STRONG:#}\n");
}

/// Prints how it all ended.
pub(crate) fn summary(text: &str) {
    println!("\n{GOOD}{text}{GOOD:#}");
}

/// Prints something about the step before.
pub(crate) fn detail(text: &str) {
    println!("      {FAINT}{text}{FAINT:#}");
}

/// Prints one finished step with the time it took.
pub(crate) fn step(what: &str, took: Duration) {
    println!("  {GOOD}ok{GOOD:#}  {what:<62} {FAINT}{:>9}{FAINT:#}", duration(took));
}

/// Prints one failed step.
pub(crate) fn failed_step(what: &str) {
    println!("  {BAD}no{BAD:#}  {what}");
}

/// Writes a duration in the unit that keeps it readable.
pub(crate) fn duration(time: Duration) -> String {
    if time < Duration::from_millis(1) {
        format!("{} µs", time.as_micros())
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    }
}
