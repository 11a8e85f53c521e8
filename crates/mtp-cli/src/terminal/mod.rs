//! Output for people: color only on terminals, and not where `NO_COLOR` is set.
//!
//! Results go to the standard output, everything else to the standard error. Text from the other side of a
//! connection cannot move the cursor: control characters are escaped.

mod json;
mod lines;
mod progress;
mod table;
mod throttle;

use core::error::Error;
use core::fmt::{self, Write as _};
use core::time::Duration;
use std::io::{self, Write};
use std::process;

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use mtp_schema::diagnostic::{Color, SchemaReport};
use serde_json::Value;

pub(crate) use lines::Lines;
pub(crate) use progress::Progress;
pub(crate) use table::Table;
pub(crate) use throttle::Throttle;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints an error and its causes on one line of the standard error.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{BAD}error:{BAD:#} {}", escaped(&format!("{error:#}")));
}

/// Prints a fault that does not end the program, with its causes, on the standard error.
pub(crate) fn warning(what: &str, error: &anyhow::Error) {
    eprintln!("{BAD}{}:{BAD:#} {}", escaped(what), escaped(&format!("{error:#}")));
}

/// Formats an error with its causes, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Prints a remark for people on the standard error, out of the way of results.
pub(crate) fn note(text: &str) {
    eprintln!("{FAINT}{}{FAINT:#}", escaped(text));
}

/// Prints a report of the schema compiler, with places and carets, on the standard error.
pub(crate) fn report(report: &SchemaReport) {
    // Without the empty line between findings: the error that follows is part of the report.
    eprintln!("{}", report.render(Color::Always).trim_end());
}

/// Prints a result and ends the line.
pub(crate) fn result(text: impl fmt::Display) {
    line(format_args!("{text}"));
}

/// Prints a result that has line breaks of its own.
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

/// Prints a title.
pub(crate) fn title(text: &str) {
    line(format_args!("{STRONG}{text}{STRONG:#}\n"));
}

/// Prints a summary.
pub(crate) fn summary(text: &str) {
    line(format_args!("\n{GOOD}{text}{GOOD:#}"));
}

fn line(text: fmt::Arguments<'_>) {
    let mut out = anstream::stdout().lock();
    written(out.write_fmt(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()));
}

/// Exits if the output cannot be written: with success if its reader is gone (`mtp … | head`).
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

/// Escapes control characters, line breaks too.
fn escaped(text: &str) -> String {
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

/// Formats a duration in a readable unit.
pub(crate) fn duration(time: Duration) -> String {
    if time < Duration::from_micros(10) {
        format!("{:.1} µs", time.as_secs_f64() * 1e6)
    } else if time < Duration::from_millis(1) {
        format!("{} µs", time.as_micros())
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1e3)
    }
}
