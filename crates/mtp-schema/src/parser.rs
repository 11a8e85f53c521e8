//! The parser: schema text to a syntax tree. One run reports all errors.

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode, SchemaReport},
    id::IdRule,
    layers,
    lexer::{self, Kind, Token},
    source::{FileId, Place, Sources, Span},
    tree::{
        Comment, Condition, Declaration, Field, Item, Name, Parameter, ParameterKind, Schema,
        Section, Term, TermKind,
    },
};

/// Parses one file of `sources`. Declarations with errors are left out of the schema; the diagnostics explain why.
///
/// `rule` computes the ids that are not written. With `None`, the file decides: a line `// RULE engine` or `// RULE api`
/// takes precedence, then the written ids and the declared built-in types, and the API rule is the default.
/// [`Schema::rule_source`] has the reason.
#[must_use]
pub fn parse(
    sources: &Sources,
    file: FileId,
    rule: impl Into<Option<IdRule>>,
) -> (Schema, Vec<Diagnostic>) {
    let mut parser = Parser {
        tokens: lexer::tokens(sources.text(file), sources.base(file)),
        at: 0,
        section: Section::Types,
        layer: None,
        schema: Schema::default(),
        inner_comments: Vec::new(),
        diagnostics: Vec::new(),
    };
    parser.file();
    let mut schema = parser.schema;
    (schema.rule, schema.rule_source) = IdRule::choose(rule.into(), &schema);
    layers::rename_older(&mut schema);
    (schema, parser.diagnostics)
}

/// Parses a text that is not part of a [`Sources`]; see [`parse`].
///
/// # Errors
/// A report with every syntax error in the text.
pub fn parse_text(
    name: &str,
    text: &str,
    rule: impl Into<Option<IdRule>>,
) -> Result<Schema, SchemaReport> {
    let mut sources = Sources::new();
    let file = sources.add(name, text);
    let (schema, diagnostics) = parse(&sources, file, rule);
    if diagnostics.is_empty() { Ok(schema) } else { Err(SchemaReport::new(sources, diagnostics)) }
}

/// Maximum nesting of brackets. Real schemas have two levels.
const TERM_DEPTH_MAX: usize = 32;
/// Maximum number of errors in one file. Text that is not a schema would have one on each line.
const ERRORS_MAX: usize = 200;

type Parsed<T> = Result<T, Diagnostic>;

struct Parser<'s> {
    tokens: Vec<Token<'s>>,
    at: usize,
    section: Section,
    layer: Option<u32>,
    schema: Schema,
    /// Comments inside the current declaration; they move in front of it.
    inner_comments: Vec<Comment>,
    diagnostics: Vec<Diagnostic>,
}

/// Files and declarations.
impl Parser<'_> {
    // spec: tl 2.2
    fn file(&mut self) {
        loop {
            let token = self.raw(self.at);
            if token.kind == Kind::End {
                // A blank line before a declaration with an error.
                self.schema.items.pop_if(|last| *last == Item::Blank);
                return;
            }
            if self.diagnostics.len() >= ERRORS_MAX {
                break;
            }
            let blank_due = !matches!(self.schema.items.last(), None | Some(Item::Blank));
            if token.lines_before >= 2 && blank_due {
                self.schema.items.push(Item::Blank);
            }
            match token.kind {
                Kind::Comment => {
                    self.at = self.at.saturating_add(1);
                    let behind = matches!(
                        self.schema.items.last(),
                        Some(Item::Declaration(_) | Item::Section(_))
                    );
                    let trailing = token.lines_before == 0 && behind;
                    let text = token.text.trim_end().to_owned();
                    self.schema.items.push(Item::Comment(Comment { text, trailing }));
                }
                Kind::Marker => match self.marker() {
                    Ok(item) => {
                        (self.section, self.layer) = match item {
                            Item::Section(section) => (section, None),
                            Item::Layer(layer) => (self.section, Some(layer)),
                            _ => (self.section, self.layer),
                        };
                        self.schema.items.push(item);
                    }
                    Err(diagnostic) => self.diagnostics.push(diagnostic),
                },
                _ => self.item(),
            }
        }
        let here = self.peek().span;
        self.diagnostics.push(Diagnostic::error(
            DiagnosticCode::Syntax,
            here,
            format!("stopped after {ERRORS_MAX} errors"),
        ));
    }

    fn item(&mut self) {
        let first = self.at;
        self.inner_comments.clear();
        match self.declaration() {
            Ok(declaration) => {
                let comments = self.inner_comments.drain(..).map(Item::Comment);
                self.schema.items.extend(comments);
                self.schema.items.push(Item::Declaration(declaration));
            }
            Err(diagnostic) => {
                let diagnostic = self.recover(first, diagnostic);
                self.diagnostics.push(diagnostic);
            }
        }
    }

    fn marker(&mut self) -> Parsed<Item> {
        let open = self.bump();
        let word = self.bump();
        let item = match (open.text, word.text) {
            ("---", "types") => Item::Section(Section::Types),
            ("---", "functions") => Item::Section(Section::Functions),
            ("===", number) if word.kind == Kind::Number => match number.parse() {
                Ok(layer) => Item::Layer(layer),
                Err(_) => {
                    return Err(Diagnostic::error(
                        DiagnosticCode::Syntax,
                        word.span,
                        "this number is too large",
                    ));
                }
            },
            ("===", _) => return Err(unexpected(word, "the number of a layer")),
            _ => {
                if self.peek().kind == Kind::Marker && self.peek().lines_before == 0 {
                    self.bump();
                }
                return Err(Diagnostic::error(
                    DiagnosticCode::Syntax,
                    word.span,
                    format!("there is no section `{}`", word.text),
                )
                .note("the markers are `---types---` and `---functions---`"));
            }
        };
        if self.peek().kind != Kind::Marker || self.peek().text != open.text {
            return Err(self.expected(&format!("`{}`", open.text)));
        }
        self.bump();
        Ok(item)
    }

    // spec: tl 2.3
    fn declaration(&mut self) -> Parsed<Declaration> {
        let mut annotations = Vec::new();
        while self.eat('@').is_some() {
            let word = self.bump();
            if !matches!(word.kind, Kind::Lower) {
                return Err(unexpected(word, "a word after `@`"));
            }
            annotations.push(word.text.to_owned());
        }
        let (name, written_id, head) = self.head()?;
        let mut parameters = Vec::new();
        while let Some(open) = self.eat('{') {
            parameters.push(self.parameter(open)?);
        }
        let builtin = self.eat('?').is_some();
        let mut fields = Vec::new();
        while !builtin && !self.is('=') {
            if self.is(';') || self.peek().kind == Kind::End {
                return Err(self.expected("`=` and a result type"));
            }
            fields.push(self.field(0)?);
        }
        self.expect('=')?;
        if self.is(';') || self.peek().kind == Kind::End {
            return Err(self.expected("a result type"));
        }
        let result = self.expression(0)?;
        if !self.is(';') {
            return Err(self.expected("`;` at the end of the declaration"));
        }
        let end = self.bump().span;
        Ok(Declaration {
            section: self.section,
            layer: self.layer,
            annotations,
            name,
            written_id,
            parameters,
            builtin,
            fields,
            result,
            place: Place(head.to(end)),
            head: Place(head),
        })
    }

    fn head(&mut self) -> Parsed<(Name, Option<u32>, Span)> {
        let token = self.bump();
        match token.kind {
            Kind::Lower => check_namespaces(token)?,
            Kind::Punct('_') => {}
            Kind::Upper if matches!(token.text, "Final" | "New" | "Empty") => {
                return Err(unsupported(
                    token.span,
                    format!("`{}` statements are not supported", token.text),
                ));
            }
            Kind::Upper => {
                return Err(Diagnostic::error(
                    DiagnosticCode::Syntax,
                    token.span,
                    format!("a declaration cannot be called `{}`", token.text),
                )
                .note("names of constructors and functions start with a lower-case letter"));
            }
            Kind::BlockComment => {
                return Err(unsupported(token.span, "the language has no block comments")
                    .note("write `//` at the start of each line"));
            }
            _ => return Err(unexpected(token, "a declaration")),
        }
        let name = Name::new(token.text);
        if self.peek().kind != Kind::Id {
            return Ok((name, None, token.span));
        }
        let id = self.bump();
        let digits = id.text.get(1..).unwrap_or("");
        // `from_str_radix` accepts a sign, but the lexer never produces one here.
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() <= 8).ok_or_else(
            || {
                Diagnostic::error(
                    DiagnosticCode::Syntax,
                    id.span,
                    format!("`{}` is not an id", id.text),
                )
                .note("an id is `#` and one to eight hexadecimal digits")
            },
        )?;
        Ok((name, Some(value), token.span.to(id.span)))
    }

    fn parameter(&mut self, open: Span) -> Parsed<Parameter> {
        let token = self.bump();
        if !matches!(token.kind, Kind::Lower | Kind::Upper) || token.text.contains('.') {
            return Err(unexpected(token, "the name of a variable"));
        }
        if matches!(self.peek().kind, Kind::Lower | Kind::Upper) {
            return Err(unsupported(
                self.peek().span,
                "several variables in one pair of braces are not supported",
            )
            .note("write `{a:Type} {b:Type}`"));
        }
        self.expect(':')?;
        let kind_token = self.bump();
        let kind = match (kind_token.kind, kind_token.text) {
            (Kind::Upper, "Type") => ParameterKind::Type,
            (Kind::Punct('#'), _) => ParameterKind::Nat,
            _ => return Err(unexpected(kind_token, "`Type` or `#`")),
        };
        self.close('}', open)?;
        Ok(Parameter { name: token.text.to_owned(), kind, place: Place(token.span) })
    }

    /// Chooses the position to continue at after an error, and the best message.
    fn recover(&mut self, first: usize, diagnostic: Diagnostic) -> Diagnostic {
        if let Some((last, next)) = self.missing_end(first) {
            let head = self.raw(first);
            self.at = next;
            return Diagnostic::error(
                DiagnosticCode::Syntax,
                self.raw(last).span.after(),
                format!("expected `;` at the end of the declaration of `{}`", head.text),
            );
        }
        // The offending token has been consumed, but parsing may have to continue at it.
        let mut at = self.at.max(first.saturating_add(1));
        let offender = self.raw(at.saturating_sub(1));
        if offender.kind == Kind::Marker {
            at = at.saturating_sub(1);
        } else if !is_semicolon(&offender) {
            loop {
                let token = self.raw(at);
                let marker = token.kind == Kind::Marker && token.lines_before > 0;
                if token.kind == Kind::End || marker {
                    break;
                }
                at = at.saturating_add(1);
                if is_semicolon(&token) {
                    break;
                }
            }
        }
        self.at = at;
        diagnostic
    }

    /// Looks for a second declaration before the next `;`. Returns the last token of the first and the first token of the
    /// second.
    fn missing_end(&self, first: usize) -> Option<(usize, usize)> {
        let mut seen_equals = false;
        let mut candidate = None;
        let mut last = first;
        for at in first.saturating_add(1).. {
            let token = self.raw(at);
            match token.kind {
                Kind::End | Kind::Marker | Kind::Punct(';') => return None,
                Kind::Comment => continue,
                Kind::Id if candidate.is_some_and(|(_, next)| next == last) => return candidate,
                Kind::Punct('=') if seen_equals => return candidate,
                Kind::Punct('=') => seen_equals = true,
                Kind::Lower if seen_equals && token.lines_before > 0 && candidate.is_none() => {
                    candidate = Some((last, at));
                }
                _ => {}
            }
            last = at;
        }
        None
    }
}

/// Fields and types.
impl Parser<'_> {
    fn field(&mut self, depth: usize) -> Parsed<Field> {
        let start = self.peek();
        match start.kind {
            Kind::Punct('{') => {
                return Err(Diagnostic::error(
                    DiagnosticCode::Syntax,
                    start.span,
                    "variables in braces come before the fields",
                ));
            }
            Kind::Punct('?') => {
                return Err(Diagnostic::error(
                    DiagnosticCode::Syntax,
                    start.span,
                    "a `?` follows the number of a bit, or stands in place of all fields",
                )
                .note("write a condition as `flags.3?`, a built-in type as `int ? = Int`"));
            }
            _ => {}
        }
        let named = matches!(start.kind, Kind::Lower | Kind::Upper)
            && self.peek_after().kind == Kind::Punct(':');
        let name = if named {
            if start.text.contains('.') {
                return Err(Diagnostic::error(
                    DiagnosticCode::Syntax,
                    start.span,
                    format!("a field cannot be called `{}`", start.text),
                )
                .note("field names have no namespace"));
            }
            self.bump();
            self.bump();
            Some(start.text.to_owned())
        } else if self.is_group() {
            return Err(unsupported(
                start.span,
                "several names for one type in parentheses are not supported",
            )
            .note("write each field by itself: `a:T b:T`"));
        } else {
            None
        };
        let condition = if name.is_some() { self.condition()? } else { None };
        let call = self.eat('!').is_some();
        let term = self.repetition(depth)?;
        let place = Place(start.span.to(term.place.0));
        Ok(Field { name, condition, call, term, place })
    }

    /// Returns `true` at `(a b : T)`.
    fn is_group(&self) -> bool {
        if !self.is('(') {
            return false;
        }
        let mut kinds = self
            .tokens
            .iter()
            .skip(self.at)
            .map(|token| token.kind)
            .filter(|kind| *kind != Kind::Comment)
            .skip(1)
            .skip_while(|kind| matches!(kind, Kind::Lower | Kind::Upper));
        kinds.next() == Some(Kind::Punct(':'))
    }

    fn condition(&mut self) -> Parsed<Option<Condition>> {
        let flags = self.peek();
        let is_condition = matches!(flags.kind, Kind::Lower | Kind::Upper)
            && self.peek_after().kind == Kind::Punct('.');
        if !is_condition {
            return Ok(None);
        }
        self.bump();
        self.bump();
        let number = self.bump();
        if number.kind != Kind::Number {
            return Err(unexpected(number, "the number of a bit"));
        }
        let bit = number.text.parse().map_err(|_| {
            Diagnostic::error(DiagnosticCode::Flags, number.span, "there is no such bit")
                .note("a flags field has the bits 0 to 31")
        })?;
        self.expect('?')?;
        let place = Place(flags.span.to(number.span));
        Ok(Some(Condition { flags: flags.text.to_owned(), bit, place }))
    }

    /// Parses a term, `4*[ int ]`, or `[ t ]`.
    fn repetition(&mut self, depth: usize) -> Parsed<Term> {
        let start = self.peek().span;
        let count = if self.is('[') {
            None
        } else {
            let term = self.term(depth)?;
            if self.eat('*').is_none() {
                return Ok(term);
            }
            Some(Box::new(term))
        };
        self.deeper(depth)?;
        let open = self.expect('[')?;
        let mut fields = Vec::new();
        while !self.is(']') {
            if matches!(self.peek().kind, Kind::End | Kind::Punct(';' | '=')) {
                break;
            }
            fields.push(self.field(depth.saturating_add(1))?);
        }
        let end = self.close(']', open)?;
        let kind = TermKind::Repeat { count, fields };
        Ok(Term { bare: false, kind, place: Place(start.to(end)) })
    }

    /// Parses an application: terms side by side, such as `Vector long`.
    fn expression(&mut self, depth: usize) -> Parsed<Term> {
        self.deeper(depth)?;
        let mut head = self.term(depth)?;
        let mut rest = Vec::new();
        while self.starts_term() {
            rest.push(self.term(depth)?);
        }
        while self.eat('+').is_some() {
            let number = self.bump();
            let value = number.text.parse().ok().filter(|_| number.kind == Kind::Number);
            let Some(value) = value else { return Err(unexpected(number, "a number")) };
            let place = Place(head.place.0.to(number.span));
            let target = rest.last_mut().unwrap_or(&mut head);
            let inner = core::mem::replace(
                target,
                Term { bare: false, kind: TermKind::Nat, place: Place::NONE },
            );
            *target = Term { bare: false, kind: TermKind::Sum(Box::new(inner), value), place };
        }
        let Some(last) = rest.last() else { return Ok(head) };
        let place = Place(head.place.0.to(last.place.0));
        match head {
            Term { bare, kind: TermKind::Named { name, mut arguments }, .. } => {
                arguments.append(&mut rest);
                Ok(Term { bare, kind: TermKind::Named { name, arguments }, place })
            }
            _ => Err(Diagnostic::error(
                DiagnosticCode::Syntax,
                head.place.0,
                "only a named type can be applied to arguments",
            )),
        }
    }

    fn term(&mut self, depth: usize) -> Parsed<Term> {
        self.deeper(depth)?;
        let token = self.bump();
        let bare = token.kind == Kind::Punct('%');
        let mut inner = token;
        while inner.kind == Kind::Punct('%') {
            inner = self.bump();
        }
        let deeper = depth.saturating_add(1);
        let mut place = token.span.to(inner.span);
        let kind = match inner.kind {
            Kind::Lower | Kind::Upper => {
                check_namespaces(inner)?;
                let mut arguments = Vec::new();
                if let Some(open) = self.eat('<') {
                    loop {
                        arguments.push(self.expression(deeper)?);
                        if self.eat(',').is_none() {
                            break;
                        }
                    }
                    place = place.to(self.close('>', open)?);
                }
                TermKind::Named { name: Name::new(inner.text), arguments }
            }
            Kind::Punct('(') => {
                let term = self.expression(deeper)?;
                let place = Place(place.to(self.close(')', inner.span)?));
                return Ok(Term { bare: bare || term.bare, kind: term.kind, place });
            }
            Kind::Punct('#') if !bare => TermKind::Nat,
            Kind::Number if !bare => {
                let value = inner.text.parse().map_err(|_| {
                    Diagnostic::error(
                        DiagnosticCode::Syntax,
                        inner.span,
                        "this number is too large",
                    )
                })?;
                TermKind::Number(value)
            }
            _ => return Err(unexpected(inner, "a type")),
        };
        Ok(Term { bare, kind, place: Place(place) })
    }

    fn starts_term(&self) -> bool {
        matches!(
            self.peek().kind,
            Kind::Lower | Kind::Upper | Kind::Number | Kind::Punct('%' | '(' | '#')
        )
    }

    fn deeper(&self, depth: usize) -> Parsed<()> {
        if depth <= TERM_DEPTH_MAX {
            return Ok(());
        }
        Err(unsupported(
            self.peek().span,
            format!("brackets nest deeper than {TERM_DEPTH_MAX} levels"),
        ))
    }
}

/// The token stream.
impl<'s> Parser<'s> {
    fn raw(&self, at: usize) -> Token<'s> {
        let end = Token { kind: Kind::End, text: "", span: Span::NONE, lines_before: 0 };
        self.tokens.get(at).or(self.tokens.last()).copied().unwrap_or(end)
    }

    /// Returns the index of the next token other than a comment.
    fn significant(&self, mut at: usize) -> usize {
        while self.raw(at).kind == Kind::Comment {
            at = at.saturating_add(1);
        }
        at
    }

    fn peek(&self) -> Token<'s> {
        self.raw(self.significant(self.at))
    }

    fn peek_after(&self) -> Token<'s> {
        self.raw(self.significant(self.significant(self.at).saturating_add(1)))
    }

    fn bump(&mut self) -> Token<'s> {
        let at = self.significant(self.at);
        for comment in self.tokens.iter().take(at).skip(self.at) {
            let text = comment.text.trim_end().to_owned();
            self.inner_comments.push(Comment { text, trailing: false });
        }
        let token = self.raw(at);
        self.at = if token.kind == Kind::End { at } else { at.saturating_add(1) };
        token
    }

    fn is(&self, punct: char) -> bool {
        self.peek().kind == Kind::Punct(punct)
    }

    fn eat(&mut self, punct: char) -> Option<Span> {
        self.is(punct).then(|| self.bump().span)
    }

    fn expect(&mut self, punct: char) -> Parsed<Span> {
        self.eat(punct).ok_or_else(|| self.expected(&format!("`{punct}`")))
    }

    fn close(&mut self, punct: char, open: Span) -> Parsed<Span> {
        self.eat(punct).ok_or_else(|| {
            let found = self.peek();
            Diagnostic::error(
                DiagnosticCode::Syntax,
                open,
                format!("this bracket is not closed: expected `{punct}`, found {}", name(found)),
            )
        })
    }

    fn expected(&self, what: &str) -> Diagnostic {
        unexpected(self.peek(), what)
    }
}

fn unexpected(token: Token<'_>, expected: &str) -> Diagnostic {
    let message = format!("expected {expected}, found {}", name(token));
    Diagnostic::error(DiagnosticCode::Syntax, token.span, message)
}

// spec: tl 2.6
fn unsupported(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(DiagnosticCode::Unsupported, span, message)
}

fn name(token: Token<'_>) -> String {
    match token.kind {
        Kind::End => "the end of the file".to_owned(),
        Kind::BlockComment => "a block comment".to_owned(),
        _ => format!("`{}`", token.text.chars().take(40).collect::<String>()),
    }
}

fn is_semicolon(token: &Token<'_>) -> bool {
    token.kind == Kind::Punct(';')
}

fn check_namespaces(token: Token<'_>) -> Parsed<()> {
    let mut parts: Vec<_> = token.text.split('.').collect();
    parts.pop();
    if parts.iter().all(|part| part.starts_with(|c: char| c.is_ascii_lowercase())) {
        return Ok(());
    }
    Err(Diagnostic::error(
        DiagnosticCode::Syntax,
        token.span,
        format!("`{}` has a namespace that starts with a capital", token.text),
    ))
}
