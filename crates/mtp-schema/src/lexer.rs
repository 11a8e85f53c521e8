//! The lexer: schema text to tokens.

use crate::source::Span;

/// A token with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind,
    pub(crate) text: &'s str,
    pub(crate) span: Span,
    /// Line breaks between the previous token and this one.
    pub(crate) lines_before: usize,
}

/// The kind of a token. Identifiers include their namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `name`, `ns.name`
    Lower,
    /// `Name`, `ns.Name`
    Upper,
    /// `#1cb5c415` directly after a name; the text includes the `#`.
    Id,
    /// `42`
    Number,
    /// One of `: ; ( ) [ ] { } = # ? % < > + , * _ ! . @`
    Punct(char),
    /// `---` or `===`
    Marker,
    /// `// …`; the text excludes the slashes.
    Comment,
    /// `/* … */`, which is not part of the language.
    BlockComment,
    /// Anything else.
    Stray,
    /// The end of the text.
    End,
}

/// Returns the tokens of one file; the last is always [`Kind::End`].
// spec: tl 2.1
pub(crate) fn tokens(text: &str, base: usize) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, base, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let lines_before = lexer.skip_space();
        let after_name = tokens.last().is_some_and(|last: &Token<'_>| {
            matches!(last.kind, Kind::Lower | Kind::Upper) || matches!(last.kind, Kind::Punct('_'))
        }) && tokens.last().is_some_and(|last| last.span.after() == lexer.here());
        let start = lexer.at;
        let kind = lexer.next(after_name);
        let text = lexer.slice(start, lexer.at);
        let text =
            if kind == Kind::Comment { text.strip_prefix("//").unwrap_or(text) } else { text };
        let span = Span::new(base.saturating_add(start), base.saturating_add(lexer.at));
        tokens.push(Token { kind, text, span, lines_before });
        if kind == Kind::End {
            return tokens;
        }
    }
}

struct Lexer<'s> {
    text: &'s str,
    base: usize,
    at: usize,
}

impl<'s> Lexer<'s> {
    fn next(&mut self, after_name: bool) -> Kind {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Kind::End };
        if rest.starts_with("//") {
            self.take_while(|c| c != '\n');
            let line = self.text.get(..self.at).unwrap_or("");
            // A carriage return belongs to the line break.
            self.at = line.strip_suffix('\r').unwrap_or(line).len();
            return Kind::Comment;
        }
        if rest.starts_with("/*") {
            let len = rest.find("*/").map_or(rest.len(), |end| end.saturating_add(2));
            self.at = self.at.saturating_add(len);
            return Kind::BlockComment;
        }
        if rest.starts_with("---") || rest.starts_with("===") {
            self.at = self.at.saturating_add(3);
            return Kind::Marker;
        }
        self.at = self.at.saturating_add(first.len_utf8());
        match first {
            'a'..='z' | 'A'..='Z' => self.identifier(first),
            '0'..='9' => {
                self.take_while(|c| c.is_ascii_digit());
                Kind::Number
            }
            '#' if after_name => {
                self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
                Kind::Id
            }
            ':' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '=' | '#' | '?' | '%' | '<' | '>'
            | '+' | ',' | '*' | '_' | '!' | '.' | '@' => Kind::Punct(first),
            _ => {
                // One finding for a run of foreign characters instead of one for each.
                self.take_while(|c| !c.is_ascii());
                Kind::Stray
            }
        }
    }

    /// Reads the rest of an identifier. A dot belongs to it only if a letter follows, which excludes the bit number of
    /// `flags.0?`.
    fn identifier(&mut self, first: char) -> Kind {
        let mut head = first;
        loop {
            self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            let mut ahead = self.rest().chars();
            match (ahead.next(), ahead.next()) {
                (Some('.'), Some(next)) if next.is_ascii_alphabetic() => {
                    head = next;
                    self.at = self.at.saturating_add(1);
                }
                _ => break,
            }
        }
        if head.is_ascii_uppercase() { Kind::Upper } else { Kind::Lower }
    }

    /// Skips white space and returns the number of line breaks in it.
    fn skip_space(&mut self) -> usize {
        let start = self.at;
        self.take_while(|c| c <= ' ' || c == '\u{feff}');
        self.slice(start, self.at).matches('\n').count()
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) {
        let rest = self.rest();
        let len = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(len);
    }

    fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn slice(&self, from: usize, to: usize) -> &'s str {
        self.text.get(from..to).unwrap_or("")
    }

    fn here(&self) -> Span {
        let at = self.base.saturating_add(self.at);
        Span::new(at, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(Kind, &str)]) {
        let found: Vec<_> =
            tokens(text, 0).into_iter().map(|token| (token.kind, token.text)).collect();
        assert_eq!(found.split_last().unwrap().1, expected);
    }

    #[test]
    fn names_ids_and_bits() {
        use Kind::{Comment, Id, Lower, Number, Punct, Upper};
        check(
            "a.b.cD#1F x:flags.31?ns.T;// x\r\n",
            &[
                (Lower, "a.b.cD"),
                (Id, "#1F"),
                (Lower, "x"),
                (Punct(':'), ":"),
                (Lower, "flags"),
                (Punct('.'), "."),
                (Number, "31"),
                (Punct('?'), "?"),
                (Upper, "ns.T"),
                (Punct(';'), ";"),
                (Comment, " x"),
            ],
        );
        check("t # [", &[(Lower, "t"), (Punct('#'), "#"), (Punct('['), "[")]);
        check("---x---", &[(Kind::Marker, "---"), (Lower, "x"), (Kind::Marker, "---")]);
        check("===8===", &[(Kind::Marker, "==="), (Number, "8"), (Kind::Marker, "===")]);
        check("é∞ a", &[(Kind::Stray, "é∞"), (Lower, "a")]);
        check("a /* ; */ b", &[(Lower, "a"), (Kind::BlockComment, "/* ; */"), (Lower, "b")]);
        check("/*", &[(Kind::BlockComment, "/*")]);
    }
}
