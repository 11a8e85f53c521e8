//! Source files, spans, and the line and column of a span.

use core::fmt;

/// The source files of one run, laid end to end so that a [`Span`] is two numbers.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<File>,
}

impl Sources {
    /// Creates an empty collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file under the name that diagnostics show.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        // One offset is unused between files, so that the end of one is not the start of the next.
        let base = self.files.last().map_or(0, |file| file.end().saturating_add(1));
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(text.match_indices('\n').map(|(at, _)| at.saturating_add(1)));
        self.files.push(File { name: name.into(), text, base, line_starts });
        FileId(self.files.len().saturating_sub(1))
    }

    /// Returns the text of a file, empty if the id belongs to another collection.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |file| &file.text)
    }

    /// Returns the offset of a file's first byte.
    #[must_use]
    pub(crate) fn base(&self, file: FileId) -> usize {
        self.files.get(file.0).map_or(0, |file| file.base)
    }

    /// Returns the text a span covers, empty if the span is of another collection.
    #[must_use]
    pub fn snippet(&self, span: Span) -> &str {
        self.file_at(span.start)
            .and_then(|file| {
                file.text.get(span.start.checked_sub(file.base)?..span.end.checked_sub(file.base)?)
            })
            .unwrap_or("")
    }

    /// Finds file, line and column of a span's start; `None` for [`Span::NONE`].
    #[must_use]
    pub fn locate(&self, span: Span) -> Option<Location<'_>> {
        let file = self.file_at(span.start)?;
        let offset = span.start.checked_sub(file.base)?;
        let line = file.line_starts.partition_point(|&start| start <= offset);
        let line_start = *file.line_starts.get(line.checked_sub(1)?)?;
        let line_end = file.line_starts.get(line).map_or(file.text.len(), |&next| next);
        let line_text = file.text.get(line_start..line_end)?.trim_end_matches(['\n', '\r']);
        let before = file.text.get(line_start..offset)?;
        let covered = file.text.get(offset..span.end.checked_sub(file.base)?.min(line_end))?;
        Some(Location {
            file: &file.name,
            line,
            column: before.chars().count().saturating_add(1),
            line_text,
            width: covered.trim_end_matches(['\n', '\r']).chars().count().max(1),
        })
    }

    fn file_at(&self, offset: usize) -> Option<&File> {
        let after = self.files.partition_point(|file| file.base <= offset);
        let file = self.files.get(after.checked_sub(1)?)?;
        (offset <= file.end()).then_some(file)
    }
}

/// Identifies one file of a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(usize);

/// A range of source text, in bytes over all files of a [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// The span of what is in no file.
    pub const NONE: Self = Self { start: usize::MAX, end: usize::MAX };

    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Returns the smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self == Self::NONE {
            return other;
        }
        if other == Self::NONE {
            return self;
        }
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// Returns `true` if the other span lies within this one.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Returns the empty span at this span's end.
    #[must_use]
    pub fn after(self) -> Self {
        Self { start: self.end, end: self.end }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("none");
        }
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A span inside a syntax tree. All places compare equal, so that `==` compares trees by their contents.
#[derive(Clone, Copy, Debug, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a span and nothing else")]
pub struct Place(pub Span);

impl Place {
    /// The place of what is in no file.
    pub const NONE: Self = Self(Span::NONE);
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The line and column of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The whole line without its line break.
    pub line_text: &'a str,
    /// The width of the span on this line in characters, at least 1.
    pub width: usize,
}

#[derive(Clone, Debug)]
struct File {
    name: String,
    text: String,
    base: usize,
    line_starts: Vec<usize>,
}

impl File {
    fn end(&self) -> usize {
        self.base.saturating_add(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locates_across_files_and_lines() {
        let mut sources = Sources::new();
        let a = sources.add("a.tl", "one\ntwö three\r\n");
        let b = sources.add("b.tl", "four");
        let in_a = Span::new(sources.base(a) + 9, sources.base(a) + 14);
        let at = sources.locate(in_a).unwrap();
        assert_eq!((at.file, at.line, at.column, at.width), ("a.tl", 2, 5, 5));
        assert_eq!(at.line_text, "twö three");
        assert_eq!(sources.snippet(in_a), "three");
        let end_of_b = Span::new(sources.base(b) + 4, sources.base(b) + 4);
        let at = sources.locate(end_of_b).unwrap();
        assert_eq!((at.file, at.line, at.column, at.width), ("b.tl", 1, 5, 1));
        assert!(sources.locate(Span::NONE).is_none());
        assert_eq!(Sources::new().snippet(in_a), "");
    }
}
