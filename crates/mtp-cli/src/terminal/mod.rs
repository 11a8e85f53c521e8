//! What people see: colour only on terminals, and not where `NO_COLOR` is set.
//!
//! Results go to the standard output, everything else to the standard error. Text that comes from
//! the other side of a connection cannot move the cursor: control characters are shown, not sent.

mod json;
mod progress;
mod table;

use core::fmt;
use core::time::Duration;
use std::io::{self, Write};
use std::process;

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use mtp_schema::diagnostic::{Color, SchemaReport};
use serde_json::Value;

pub(crate) use progress::Progress;
pub(crate) use table::Table;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints an error and its causes on one line of the standard error.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Some errors say their cause themselves.
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    eprintln!("{BAD}error:{BAD:#} {}", harmless(&text));
}

/// Prints a remark for people on the standard error, out of the way of results.
pub(crate) fn note(text: &str) {
    eprintln!("{FAINT}{}{FAINT:#}", harmless(text));
}

/// Prints what a schema's compiler found, with places and carets, on the standard error.
pub(crate) fn report(report: &SchemaReport) {
    // Without the empty line that parts findings: the error that follows is part of it.
    eprintln!("{}", report.render(Color::Always).trim_end());
}

/// Prints a result and ends the line.
pub(crate) fn result(text: impl fmt::Display) {
    line(format_args!("{text}"));
}

/// Prints a result that has line ends of its own.
pub(crate) fn text(text: &str) {
    line(format_args!("{}", text.trim_end_matches('\n')));
}

/// Prints JSON, indented.
pub(crate) fn json(value: &Value) {
    line(format_args!("{}", json::Painted(value)));
}

/// Prints bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()));
}

/// Prints what is about to happen.
pub(crate) fn title(text: &str) {
    line(format_args!("{STRONG}{text}{STRONG:#}\n"));
}

/// Prints how it all ended.
pub(crate) fn summary(text: &str) {
    line(format_args!("\n{GOOD}{text}{GOOD:#}"));
}

fn line(text: fmt::Arguments<'_>) {
    let mut out = anstream::stdout().lock();
    written(out.write_fmt(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()));
}

/// Ends the program where nobody reads any more (`mtp … | head`), which is no failure, and where
/// the output cannot be written, which is one.
fn written(outcome: io::Result<()>) {
    match outcome {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => process::exit(0),
        Err(why) => {
            error(&anyhow::Error::from(why).context("cannot write the output"));
            process::exit(1);
        }
    }
}

/// Shows control characters, line ends too, instead of sending them.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    out
}

/// Writes a duration in the unit that keeps it readable.
pub(crate) fn duration(time: Duration) -> String {
    if time < Duration::from_micros(10) {
        format!("{:.1} µs", time.as_secs_f64() * 1e6)
    } else if time < Duration::from_millis(1) {
        format!("{} µs", time.as_micros())
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    }
}
