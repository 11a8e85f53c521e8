//! JSON, indented and colored. Without the colors the text is the same.

use core::fmt::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

const KEY: Style = AnsiColor::Blue.on_default();
const STRING: Style = AnsiColor::Green.on_default();
const NUMBER: Style = AnsiColor::Cyan.on_default();
const WORD: Style = AnsiColor::Magenta.on_default();

/// Displays a value with indentation and colors.
pub(super) struct Painted<'v>(pub(super) &'v Value);

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        value(f, self.0, 0)
    }
}

fn value(f: &mut fmt::Formatter<'_>, it: &Value, depth: usize) -> fmt::Result {
    match it {
        Value::Null | Value::Bool(_) => write!(f, "{WORD}{it}{WORD:#}"),
        Value::Number(number) => write!(f, "{NUMBER}{number}{NUMBER:#}"),
        Value::String(text) => {
            write!(f, "{STRING}")?;
            string(f, text)?;
            write!(f, "{STRING:#}")
        }
        Value::Array(items) => block(f, ('[', ']'), depth, items, value),
        Value::Object(fields) => {
            block(f, ('{', '}'), depth, fields.iter(), |f, (name, field), depth| {
                write!(f, "{KEY}")?;
                string(f, name)?;
                write!(f, "{KEY:#}: ")?;
                value(f, field, depth)
            })
        }
    }
}

/// Writes items between brackets, each on its own line.
fn block<T>(
    f: &mut fmt::Formatter<'_>,
    (open, close): (char, char),
    depth: usize,
    items: impl IntoIterator<Item = T>,
    mut write_item: impl FnMut(&mut fmt::Formatter<'_>, T, usize) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    let inside = depth.saturating_add(1);
    let mut any = false;
    for item in items {
        f.write_str(if any { ",\n" } else { "\n" })?;
        any = true;
        indent(f, inside)?;
        write_item(f, item, inside)?;
    }
    if any {
        f.write_char('\n')?;
        indent(f, depth)?;
    }
    f.write_char(close)
}

fn indent(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    (0..depth).try_for_each(|_| f.write_str("  "))
}

/// Writes a string without control characters. JSON allows those above U+007E, and terminals obey some of
/// them.
fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' => f.write_str("\\\""),
            '\\' => f.write_str("\\\\"),
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control)),
            char => f.write_char(char),
        }?;
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn output_without_colors_is_the_same_json() {
        let value = json!({
            "_": "config", "empty": [], "none": {}, "list": [1, -2.5, null, true],
            "text": "a\"b\\c\n\r\t\u{1b}[2J\u{7f}\u{9b}31mü", "deep": { "er": [[1], {}] },
        });
        let painted = Painted(&value).to_string();
        let plain = anstream::adapter::strip_str(&painted).to_string();
        assert_eq!(serde_json::from_str::<Value>(&plain).unwrap(), value);
        assert!(plain.starts_with("{\n  \"_\": \"config\",\n  \"empty\": [],\n"), "{plain}");
        assert!(plain.contains("\\u009b31m") && !plain.contains('\u{9b}'));
        assert_ne!(plain, painted);
    }
}
