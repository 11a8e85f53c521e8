//! The canonical printer, and the normal forms from which ids are computed.

use core::fmt::Write as _;

use crate::{
    id::{IdRule, RuleSource},
    tree::{Condition, Declaration, Field, Item, ParameterKind, Schema, Section, Term, TermKind},
};

/// Prints a schema in its own order. The text parses to an equal schema, which prints as the same text.
#[must_use]
pub fn schema(schema: &Schema) -> String {
    let mut out = String::new();
    for item in &schema.items {
        match item {
            Item::Comment(comment) if comment.trailing && out.ends_with('\n') => {
                out.pop();
                let _ = writeln!(out, "  //{}", comment.text);
            }
            Item::Comment(comment) => {
                let _ = writeln!(out, "//{}", comment.text);
            }
            Item::Declaration(one) => {
                let _ = writeln!(out, "{one}");
            }
            Item::Section(section) => {
                let _ = writeln!(out, "---{}---", section.as_str());
            }
            Item::Layer(layer) => {
                let _ = writeln!(out, "==={layer}===");
            }
            Item::Blank => out.push('\n'),
        }
    }
    out
}

/// Prints a schema in an order that depends only on its declarations: types by name with their constructors, then
/// functions by name. Of the comments only layer and rule are kept.
#[must_use]
pub fn sorted(schema: &Schema) -> String {
    let mut out = String::new();
    if let Some(layer) = schema.layer() {
        let _ = writeln!(out, "// LAYER {layer}");
    }
    if schema.rule_source == RuleSource::Header {
        let _ = writeln!(out, "// RULE {}", schema.rule.as_str());
    }
    if !out.is_empty() {
        out.push('\n');
    }
    let mut constructors: Vec<_> =
        schema.constructors().map(|one| (term(&one.result), one)).collect();
    // The sort is stable, so that constructors of a type keep their order.
    constructors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut previous = None;
    for (result, one) in &constructors {
        if previous.is_some_and(|previous| previous != result) {
            out.push('\n');
        }
        previous = Some(result);
        let _ = writeln!(out, "{one}");
    }
    let mut functions: Vec<_> = schema.functions().collect();
    functions.sort_by(|a, b| {
        (a.name.namespace(), a.name.base()).cmp(&(b.name.namespace(), b.name.base()))
    });
    if !functions.is_empty() {
        let _ = write!(out, "\n---{}---\n", Section::Functions.as_str());
    }
    let mut previous = None;
    for one in functions {
        if previous != Some(one.name.namespace()) {
            out.push('\n');
        }
        previous = Some(one.name.namespace());
        let _ = writeln!(out, "{one}");
    }
    out
}

/// Prints one declaration: canonically with `None`, else in the normal form of a rule.
pub(crate) fn declaration(one: &Declaration, normal: Option<IdRule>) -> String {
    let mut out = String::new();
    let mut printer = Printer { out: &mut out, normal };
    printer.declaration(one);
    out
}

/// Prints a type expression canonically.
pub(crate) fn term(one: &Term) -> String {
    let mut out = String::new();
    Printer { out: &mut out, normal: None }.term(one);
    out
}

/// Prints a field canonically.
pub(crate) fn field(one: &Field) -> String {
    let mut out = String::new();
    Printer { out: &mut out, normal: None }.field(one);
    out
}

struct Printer<'o> {
    out: &'o mut String,
    normal: Option<IdRule>,
}

impl Printer<'_> {
    fn declaration(&mut self, one: &Declaration) {
        if self.normal.is_none() {
            for annotation in &one.annotations {
                let _ = write!(self.out, "@{annotation} ");
            }
        }
        self.out.push_str(one.name.as_str());
        if let (None, Some(id)) = (self.normal, one.written_id) {
            let _ = write!(self.out, "#{id:08x}");
        }
        for parameter in &one.parameters {
            let kind = match parameter.kind {
                ParameterKind::Type => "Type",
                ParameterKind::Nat => "#",
            };
            let (open, close) = if self.normal.is_none() { ("{", "}") } else { ("", "") };
            let _ = write!(self.out, " {open}{}:{kind}{close}", parameter.name);
        }
        if one.builtin {
            self.out.push_str(" ?");
        }
        for field in &one.fields {
            // spec: tl 4.2
            let erased = self.normal == Some(IdRule::Api)
                && field.condition.is_some()
                && field.term.plain_name() == Some("true");
            if !erased {
                self.out.push(' ');
                self.field(field);
            }
        }
        self.out.push_str(" = ");
        // A type applied to its own variables is written `Vector t`, results of calls `Vector<int>`.
        let variables = |argument: &Term| {
            argument
                .plain_name()
                .is_some_and(|name| one.parameters.iter().any(|parameter| parameter.name == name))
        };
        match &one.result.kind {
            TermKind::Named { name, arguments }
                if !one.result.bare && arguments.iter().all(variables) =>
            {
                self.juxtaposed(name.as_str(), arguments);
            }
            _ => self.term(&one.result),
        }
        if self.normal.is_none() {
            self.out.push(';');
        }
    }

    fn field(&mut self, field: &Field) {
        if let Some(name) = &field.name {
            let _ = write!(self.out, "{name}:");
        }
        if let Some(Condition { flags, bit, .. }) = &field.condition {
            let _ = write!(self.out, "{flags}.{bit}?");
        }
        // spec: tl 4.2
        // spec: tl 4.3
        if field.call && self.normal != Some(IdRule::Engine) {
            self.out.push('!');
        }
        // spec: tl 4.2
        if self.normal == Some(IdRule::Api) && field.term.plain_name() == Some("bytes") {
            self.out.push_str("string");
        } else {
            self.term(&field.term);
        }
    }

    fn term(&mut self, one: &Term) {
        if one.bare && (self.normal.is_none() || starts_upper(one)) {
            self.out.push('%');
        }
        match &one.kind {
            TermKind::Nat => self.out.push('#'),
            TermKind::Number(number) => {
                let _ = write!(self.out, "{number}");
            }
            TermKind::Sum(term, number) => {
                let (open, close) = if self.normal.is_none() { ("(", ")") } else { ("", "") };
                self.out.push_str(open);
                self.term(term);
                let _ = write!(self.out, "+{number}{close}");
            }
            TermKind::Repeat { count, fields } => {
                if let Some(count) = count {
                    self.term(count);
                    self.out.push('*');
                }
                self.out.push('[');
                for field in fields {
                    self.out.push(' ');
                    self.field(field);
                }
                self.out.push_str(" ]");
            }
            TermKind::Named { name, arguments } => match (arguments.as_slice(), self.normal) {
                ([], _) => self.out.push_str(name.as_str()),
                (_, Some(_)) => self.juxtaposed(name.as_str(), arguments),
                ([argument], None) if !matches!(argument.kind, TermKind::Sum(..)) => {
                    self.out.push_str(name.as_str());
                    self.out.push('<');
                    self.term(argument);
                    self.out.push('>');
                }
                (_, None) => {
                    self.out.push('(');
                    self.juxtaposed(name.as_str(), arguments);
                    self.out.push(')');
                }
            },
        }
    }

    // spec: tl 4.1
    fn juxtaposed(&mut self, name: &str, arguments: &[Term]) {
        self.out.push_str(name);
        for argument in arguments {
            self.out.push(' ');
            self.term(argument);
        }
    }
}

fn starts_upper(term: &Term) -> bool {
    matches!(&term.kind, TermKind::Named { name, .. } if name.is_upper())
}
