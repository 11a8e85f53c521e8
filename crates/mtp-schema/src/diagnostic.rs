//! Findings about a schema, and their rendering.

use core::{
    fmt::{self, Write as _},
    str::FromStr,
};

use crate::source::{Location, Sources, Span};

/// A finding about a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The kind of finding; stable, for filters and tests.
    pub code: DiagnosticCode,
    /// The finding in one sentence, in lower case, without a period.
    pub message: String,
    /// The text it is about.
    pub span: Span,
    /// The name of the declaration it is about, where [`check`](crate::check()) found it.
    pub subject: Option<String>,
    /// Explanations and suggestions, one sentence each.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// Creates an error.
    pub fn error(code: DiagnosticCode, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            subject: None,
            notes: Vec::new(),
        }
    }

    /// Creates a warning.
    pub fn warning(code: DiagnosticCode, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Adds an explanation.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Renders the finding with file, line, column, the source line and a caret.
    #[must_use]
    pub fn render(&self, sources: &Sources, color: Color) -> String {
        let mut out = String::new();
        let paint = Paint(color);
        let (word, tint) = match self.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        paint.put(&mut out, tint, format_args!("{word}[{}]", self.code));
        paint.put(&mut out, BOLD, format_args!(": {}", self.message));
        out.push('\n');
        let mut gutter = 1;
        if let Some(at) = sources.locate(self.span) {
            gutter = at.line.to_string().len();
            render_line(&mut out, paint, tint, gutter, &at);
        }
        for note in &self.notes {
            let _ = write!(out, "{:gutter$} ", "");
            paint.put(&mut out, BLUE, format_args!("="));
            let _ = writeln!(out, " {note}");
        }
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Diagnostic {}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Unusual, but the schema can be used.
    Warning,
    /// Wrong: the schema should not be used.
    Error,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DiagnosticCode {
    /// The text does not follow the grammar.
    Syntax,
    /// The grammar allows it, but this compiler does not support it.
    Unsupported,
    /// A written id differs from the computed one.
    WrongId,
    /// An id depends on the rule, and neither the caller nor the file chooses one.
    AmbiguousRule,
    /// Two declarations of one section share an id.
    DuplicateId,
    /// Two declarations of one section share a name.
    DuplicateName,
    /// Two fields of one declaration share a name.
    DuplicateField,
    /// A type without constructors, or a bare name that no constructor has.
    UnknownType,
    /// A condition on something other than an earlier flags field, or a bit above 31.
    Flags,
    /// `true` without a condition.
    UnconditionalTrue,
    /// `!X` or a result `X` that no `{X:Type}` declares.
    TypeVariable,
    /// `%T` where `T` has not exactly one constructor.
    BareType,
    /// A constructor that contains itself unconditionally.
    Endless,
    /// A declaration for which no code can be generated.
    LeftOut,
    /// A requested name that the schema does not have.
    UnknownName,
    /// Input that is not a JSON schema.
    Json,
    /// A file that could not be read or written.
    Io,
}

impl DiagnosticCode {
    const ALL: [Self; 17] = [
        Self::Syntax,
        Self::Unsupported,
        Self::WrongId,
        Self::AmbiguousRule,
        Self::DuplicateId,
        Self::DuplicateName,
        Self::DuplicateField,
        Self::UnknownType,
        Self::Flags,
        Self::UnconditionalTrue,
        Self::TypeVariable,
        Self::BareType,
        Self::Endless,
        Self::LeftOut,
        Self::UnknownName,
        Self::Json,
        Self::Io,
    ];

    /// Returns the code as it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Unsupported => "unsupported",
            Self::WrongId => "wrong-id",
            Self::AmbiguousRule => "ambiguous-rule",
            Self::DuplicateId => "duplicate-id",
            Self::DuplicateName => "duplicate-name",
            Self::DuplicateField => "duplicate-field",
            Self::UnknownType => "unknown-type",
            Self::Flags => "flags",
            Self::UnconditionalTrue => "unconditional-true",
            Self::TypeVariable => "type-variable",
            Self::BareType => "bare-type",
            Self::Endless => "endless",
            Self::LeftOut => "left-out",
            Self::UnknownName => "unknown-name",
            Self::Json => "json",
            Self::Io => "io",
        }
    }
}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A known difference: a kind of finding, in one declaration or in all, that counts as a warning.
///
/// Its text form is `wrong-id:gzip_packed` or `wrong-id`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// The kind.
    pub code: DiagnosticCode,
    /// The name of the declaration; `None` stands for all.
    pub subject: Option<String>,
}

impl Allowance {
    /// Turns the errors that it covers into warnings. Findings of [`check`](crate::check()) have subjects.
    pub fn apply(&self, findings: &mut [Diagnostic]) {
        for finding in findings {
            let covers = self.subject.is_none() || self.subject == finding.subject;
            if finding.code == self.code && covers {
                finding.severity = Severity::Warning;
            }
        }
    }
}

impl FromStr for Allowance {
    type Err = AllowanceError;

    fn from_str(text: &str) -> Result<Self, AllowanceError> {
        let (word, subject) = match text.split_once(':') {
            Some((word, name)) => (word, Some(name.trim().to_owned())),
            None => (text, None),
        };
        let found = DiagnosticCode::ALL.into_iter().find(|code| code.as_str() == word.trim());
        let code = found.ok_or_else(|| AllowanceError { word: word.trim().to_owned() })?;
        Ok(Self { code, subject })
    }
}

/// Error for an [`Allowance`] of an unknown kind of finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowanceError {
    word: String,
}

impl fmt::Display for AllowanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown finding `{}`; an example is `wrong-id`", self.word)
    }
}

impl core::error::Error for AllowanceError {}

/// The use of terminal colors in rendered text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Color {
    /// Plain text.
    #[default]
    Never,
    /// ANSI escape sequences.
    Always,
}

/// Findings together with the sources they point into. It is an error type whose `Display` renders all findings.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct SchemaReport {
    /// The source files.
    pub sources: Sources,
    /// The findings, ordered by place.
    pub diagnostics: Vec<Diagnostic>,
}

impl SchemaReport {
    /// Joins findings with the sources they point into.
    #[must_use]
    pub fn new(sources: Sources, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.span);
        Self { sources, diagnostics }
    }

    /// Returns `true` if any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Renders all findings and a last line with their numbers; empty if there are none.
    #[must_use]
    pub fn render(&self, color: Color) -> String {
        let mut out = String::new();
        for diagnostic in &self.diagnostics {
            out.push_str(&diagnostic.render(&self.sources, color));
            out.push('\n');
        }
        let errors = self.diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
        let warnings = self.diagnostics.len().saturating_sub(errors);
        if !self.diagnostics.is_empty() {
            let _ = writeln!(out, "{}, {}", count(errors, "error"), count(warnings, "warning"));
        }
        out
    }
}

impl fmt::Display for SchemaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Color::Never).trim_end())
    }
}

/// A `main` that returns a report prints this.
impl fmt::Debug for SchemaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\n")?;
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for SchemaReport {}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Renders the line with a caret under the span. Declarations have up to 2000 characters, so a long line is cut around
/// the caret.
fn render_line(out: &mut String, paint: Paint, tint: &str, gutter: usize, at: &Location<'_>) {
    let _ = write!(out, "{:gutter$}", "");
    paint.put(out, BLUE, format_args!("-->"));
    let _ = writeln!(out, " {}:{}:{}", at.file, at.line, at.column);
    let column = at.column.saturating_sub(1);
    let from = if column <= CONTEXT_BEFORE { 0 } else { column.saturating_sub(CONTEXT_BEFORE) };
    let chars = || at.line_text.chars().map(|c| if c.is_control() { ' ' } else { c }).skip(from);
    let (head, indent) = if from == 0 {
        ("", column)
    } else {
        ("…", column.saturating_sub(from).saturating_add(1))
    };
    let tail = if chars().nth(LINE_WIDTH).is_some() { "…" } else { "" };
    let text: String = chars().take(LINE_WIDTH).collect();
    let room = LINE_WIDTH.saturating_sub(column.saturating_sub(from)).max(1);
    let carets = "^".repeat(at.width.min(room));
    paint.put(out, BLUE, format_args!("{:gutter$} |\n{} |", "", at.line));
    let _ = writeln!(out, " {head}{text}{tail}");
    paint.put(out, BLUE, format_args!("{:gutter$} |", ""));
    let _ = write!(out, " {:indent$}", "");
    paint.put(out, tint, format_args!("{carets}"));
    out.push('\n');
}

#[derive(Clone, Copy)]
struct Paint(Color);

impl Paint {
    fn put(self, out: &mut String, tint: &str, text: fmt::Arguments<'_>) {
        let _ = match self.0 {
            Color::Never => out.write_fmt(text),
            Color::Always => write!(out, "{tint}{text}{RESET}"),
        };
    }
}

/// Characters shown before the caret of a long line.
const CONTEXT_BEFORE: usize = 60;
/// Maximum number of characters shown of a line.
const LINE_WIDTH: usize = 110;

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";
