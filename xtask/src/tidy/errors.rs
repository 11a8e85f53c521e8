//! An error prints its cause or returns it from `source()`, never both; a report that prints the chain would say it twice.
//!
//! For each `impl Error for T` with a `source()`, the values it returns are compared with those that the `Display` of `T`
//! prints. A value is *returned* if an arm of `source()` names it without calling `.source()` on it, and *printed* if an
//! arm of `fmt` for the same variant names it in a format string or uses it other than through its own methods and fields.
//!
//! Each public error type also has its place in its crate's test of errors, `tests/**/error*.rs`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use proc_macro2::{Delimiter, Group, TokenTree};

use super::{Fault, Tree, names};
use crate::rust::{
    Arm, Block, File, arms, blocks, children, ident, is_ident, is_punct, line, words,
};
use crate::tree::Source;

pub(super) fn check(tree: &Tree) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for name in &tree.libraries {
        faults.extend(printed_sources(tree.crates.get(name).map_or(&[], Vec::as_slice)));
    }
    for (name, text) in names::read()? {
        faults.extend(untested(&name, &text, &tree.sources));
    }
    Ok(faults)
}

/// Finds errors that print what they return as their source.
fn printed_sources(files: &[File]) -> Vec<Fault> {
    let mut sources = Vec::new();
    let mut printers: BTreeMap<String, Vec<Block>> = BTreeMap::new();
    for file in files {
        for block in blocks(&file.tokens, "impl") {
            let Some((of, name)) = implemented(&block) else { continue };
            if of == "Error" {
                sources.push((file, name, block));
            } else if of == "Display" {
                printers.entry(format!("{} {name}", folder(file))).or_default().push(block);
            }
        }
    }
    let mut faults = Vec::new();
    for (file, name, block) in sources {
        let returned = returned(&block);
        let display = printers.get(&format!("{} {name}", folder(file)));
        for printer in display.into_iter().flatten() {
            for value in &returned {
                if prints(printer, value) {
                    let at = block.head.first().map_or(0, line);
                    let what = format!("`{name}` prints {value} and returns it from source()");
                    faults.push(Fault::at(&file.path, at, what));
                }
            }
        }
    }
    faults
}

fn folder(file: &File) -> &str {
    file.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns trait and type of an `impl`, by their last names: `impl core::error::Error for Type<'_>`.
fn implemented(block: &Block) -> Option<(String, String)> {
    let at = block.head.iter().position(|token| is_ident(token, "for"))?;
    let name = |tokens: &[TokenTree]| {
        let until = tokens.iter().position(|token| is_punct(token, '<')).unwrap_or(tokens.len());
        let last = tokens.get(..until)?.iter().rev().find_map(ident)?;
        Some(last.to_string())
    };
    let of = block.head.get(..at)?;
    // Parameters of the `impl` itself come first.
    let of = of
        .iter()
        .rposition(|token| is_punct(token, '>'))
        .map_or(of, |end| of.get(end + 1..).unwrap_or_default());
    Some((name(of)?, name(block.head.get(at + 1..)?)?))
}

/// A value within an error: of a variant, or a field of a struct.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Value {
    variant: Option<String>,
    /// Its position or name.
    key: String,
}

impl core::fmt::Display for Value {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.variant {
            Some(variant) => write!(f, "`{variant}.{}`", self.key),
            None => write!(f, "`{}`", self.key),
        }
    }
}

/// Lists the values that `source()` returns.
fn returned(block: &Block) -> BTreeSet<Value> {
    let mut found = BTreeSet::new();
    for function in blocks(&block.body, "fn") {
        if !function.head.first().is_some_and(|name| is_ident(name, "source")) {
            continue;
        }
        for (alternatives, body) in cases(&function.body) {
            for (value, binding) in alternatives {
                if uses(&body, &binding).any(|next| !is_call(&next, "source")) {
                    found.insert(value);
                }
            }
        }
        for (key, rest) in fields_of_self(&function.body) {
            if !is_call(&rest, "source") {
                found.insert(Value { variant: None, key });
            }
        }
    }
    found
}

/// Returns `true` if `fmt` prints this value.
fn prints(block: &Block, value: &Value) -> bool {
    let mut functions = blocks(&block.body, "fn").into_iter();
    functions.any(|function| {
        let of_variant = cases(&function.body).into_iter().any(|(alternatives, body)| {
            let mut bound = alternatives.iter().filter(|(other, _)| other == value);
            bound.any(|(_, binding)| {
                let is_printed = |rest: Vec<TokenTree>| {
                    !is_access(&rest) || is_call(&rest, "fmt") || is_call(&rest, "to_string")
                };
                is_in_format(&body, binding) || uses(&body, binding).any(is_printed)
            })
        });
        let of_struct = value.variant.is_none()
            && fields_of_self(&function.body).into_iter().any(|(key, rest)| {
                key == value.key && (!is_access(&rest) || is_call(&rest, "fmt"))
            });
        of_variant || of_struct
    })
}

/// The names that a pattern binds, with the values they stand for; and the code that sees them.
type Case = (Vec<(Value, String)>, Vec<TokenTree>);

/// Finds all arms of all `match`es, and patterns after `let`.
fn cases(tokens: &[TokenTree]) -> Vec<Case> {
    let mut found = Vec::new();
    for block in blocks(tokens, "match") {
        for Arm { pattern, body } in arms(&block.body) {
            let body = body.into_iter().collect();
            found.push((bound(&pattern), body));
        }
    }
    lets(tokens, &mut found);
    found
}

/// Finds `let PATTERN = …` wherever it stands; what follows sees the names.
fn lets(tokens: &[TokenTree], found: &mut Vec<Case>) {
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            lets(&children(group), found);
        }
        if is_ident(token, "let") {
            let rest = tokens.get(at + 1..).unwrap_or_default();
            let equals = rest.iter().position(|token| is_punct(token, '=')).unwrap_or(rest.len());
            let (pattern, rest) = rest.split_at(equals);
            found.push((bound(pattern), rest.to_vec()));
        }
    }
}

/// Lists what a pattern binds within its variants: `Self::A(error) | Self::B { error, .. }`.
fn bound(pattern: &[TokenTree]) -> Vec<(Value, String)> {
    let guard = pattern.iter().position(|token| is_ident(token, "if")).unwrap_or(pattern.len());
    let mut found = Vec::new();
    for alternative in pattern.split_at(guard).0.split(|token| is_punct(token, '|')) {
        for pair in alternative.windows(2) {
            let [TokenTree::Ident(variant), TokenTree::Group(group)] = pair else { continue };
            let variant = (variant != "Self").then(|| variant.to_string());
            let inner = children(group);
            let fields = inner.split(|token| is_punct(token, ','));
            for (position, field) in fields.enumerate() {
                let Some(name) = field.iter().rev().find_map(ident) else { continue };
                let key = match group.delimiter() {
                    Delimiter::Parenthesis => position.to_string(),
                    _ => field.iter().find_map(ident).unwrap_or(name).to_string(),
                };
                found.push((Value { variant: variant.clone(), key }, name.to_string()));
            }
        }
    }
    found
}

/// Finds `self.FIELD`, with the tokens after it.
fn fields_of_self(tokens: &[TokenTree]) -> Vec<(String, Vec<TokenTree>)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            found.extend(fields_of_self(&children(group)));
        }
        if let [first, dot, field, ..] = tokens.get(at..).unwrap_or_default()
            && is_ident(first, "self")
            && is_punct(dot, '.')
        {
            let rest = tokens.get(at + 3..).unwrap_or_default().to_vec();
            // A method of the error itself is no field.
            if !matches!(rest.first(), Some(TokenTree::Group(group)) if is_arguments(group)) {
                found.push((field.to_string(), rest));
            }
        }
    }
    found
}

/// Finds the uses of a name, however deep, each as the tokens after it.
fn uses(tokens: &[TokenTree], name: &str) -> impl Iterator<Item = Vec<TokenTree>> {
    let mut found = Vec::new();
    collect_uses(tokens, name, &mut found);
    found.into_iter()
}

fn collect_uses(tokens: &[TokenTree], name: &str, found: &mut Vec<Vec<TokenTree>>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect_uses(&children(group), name, found),
            TokenTree::Ident(ident) if ident == name => {
                // `.source()` is a method of that name, not a use of a binding `source`.
                let before = at.checked_sub(1).and_then(|at| tokens.get(at));
                if !before.is_some_and(|token| is_punct(token, '.')) {
                    found.push(tokens.get(at + 1..).unwrap_or_default().to_vec());
                }
            }
            _ => {}
        }
    }
}

/// Returns `true` for tokens that begin with a call of this method.
fn is_call(rest: &[TokenTree], method: &str) -> bool {
    matches!(rest, [dot, name, TokenTree::Group(group), ..]
        if is_punct(dot, '.') && is_ident(name, method) && is_arguments(group))
}

/// Returns `true` for tokens that begin with a field or method.
fn is_access(rest: &[TokenTree]) -> bool {
    rest.first().is_some_and(|token| is_punct(token, '.'))
}

fn is_arguments(group: &Group) -> bool {
    group.delimiter() == Delimiter::Parenthesis
}

/// Returns `true` if a format string names this value: `{error}` or `{error:…}`.
fn is_in_format(tokens: &[TokenTree], name: &str) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) => is_in_format(&children(group), name),
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:"))
        }
        _ => false,
    })
}

/// Finds public error types of a crate that its test of errors does not mention.
fn untested(name: &str, api: &str, sources: &[Source]) -> Vec<Fault> {
    let folder = format!("crates/{name}/tests/");
    let is_test = |source: &&Source| {
        let file = source.path.rsplit('/').next().unwrap_or_default();
        source.path.starts_with(&folder) && file.starts_with("error")
    };
    let mut mentioned = BTreeMap::new();
    for source in sources.iter().filter(is_test) {
        if let Ok(tokens) = crate::rust::tokens(&source.text) {
            words(&tokens, &mut mentioned);
        }
    }
    let errors: BTreeSet<_> = api.lines().filter_map(public_error).collect();
    let missing = errors.into_iter().filter(|error| !mentioned.contains_key(*error));
    let fault = |error: &str| {
        let what = format!("`{error}` is not in the crate's test of errors, tests/**/error*.rs");
        Fault::new(format!("docs/api/{name}.txt"), what)
    };
    missing.map(fault).collect()
}

/// Returns the type's name in a line `impl core::error::Error for a::b::Type<'_>`.
fn public_error(line: &str) -> Option<&str> {
    let (before, path) = line.split_once("core::error::Error for ")?;
    before.starts_with("impl").then_some(())?;
    let path = path.split('<').next()?;
    path.rsplit("::").next()
}

#[cfg(test)]
mod tests {
    use super::super::rig::{lines, tree};
    use super::*;

    fn find(code: &str) -> Vec<String> {
        let tree = tree(&[("crates/x/src/lib.rs", code)]);
        lines(&printed_sources(&tree.crates["x"]))
    }

    /// Writes an error with these bodies of `fmt` and `source`.
    fn error(fmt: &str, source: &str) -> String {
        format!(
            "impl fmt::Display for E {{ fn fmt(&self, f: &mut F<'_>) -> fmt::Result {{ {fmt} }} }}\n\
             impl core::error::Error for E {{ fn source(&self) -> Option<&(dyn Error + 'static)> {{ {source} }} }}"
        )
    }

    const RETURNS: &str =
        "match self { Self::A(inner) | Self::B { inner, .. } => Some(inner), _ => None }";

    #[test]
    fn a_source_that_is_also_printed_is_found() {
        let expect = |value: &str| {
            vec![format!(
                "crates/x/src/lib.rs:2: `E` prints `{value}` and returns it from source()"
            )]
        };
        for fmt in [
            "match self { Self::A(e) => write!(f, \"bad: {e}\"), _ => f.write_str(\"b\") }",
            "match self { Self::A(e) => write!(f, \"bad: {}\", e), _ => f.write_str(\"b\") }",
            "match self { Self::A(e) => e.fmt(f), _ => f.write_str(\"b\") }",
            "match self { Self::A(e) => fmt::Display::fmt(e, f), _ => f.write_str(\"b\") }",
            "if let Self::A(e) = self { return write!(f, \"{e:?}\"); } f.write_str(\"b\")",
        ] {
            assert_eq!(find(&error(fmt, RETURNS)), expect("A.0"), "{fmt}");
        }
        let named =
            "match self { Self::B { at, inner: why } => write!(f, \"{at} {why}\"), _ => Ok(()) }";
        assert_eq!(find(&error(named, RETURNS)), expect("B.inner"));
        assert_eq!(
            find(&error("write!(f, \"x: {}\", self.inner)", "Some(&self.inner)")),
            expect("inner")
        );
    }

    #[test]
    fn an_error_with_words_of_its_own_is_fine() {
        for (fmt, source) in [
            ("match self { Self::A(_) => f.write_str(\"a\"), _ => f.write_str(\"b\") }", RETURNS),
            ("match self { Self::A(e) => write!(f, \"code {}\", e.code()), _ => Ok(()) }", RETURNS),
            ("match self { Self::B { at, .. } => write!(f, \"at {at}\"), _ => Ok(()) }", RETURNS),
            ("write!(f, \"at {}\", self.at)", "Some(&self.inner)"),
            // Transparent: it prints the inner error and passes on the inner error's source.
            (
                "match self { Self::A(e) => e.fmt(f), _ => Ok(()) }",
                "match self { Self::A(e) => e.source(), _ => None }",
            ),
            ("self.inner.fmt(f)", "self.inner.source()"),
        ] {
            assert_eq!(find(&error(fmt, source)), Vec::<String>::new(), "{fmt} {source}");
        }
    }

    #[test]
    fn a_public_error_without_a_test_is_found() {
        let api = "impl core::error::Error for x::a::AError\nimpl<T> core::error::Error for x::BError<T>\n\
                   impl core::fmt::Display for x::C\n";
        let test = "fn all() { check(AError::New); }";
        let tree =
            tree(&[("crates/x/tests/it/errors.rs", test), ("crates/x/tests/it/b.rs", "BError")]);
        let found = lines(&untested("x", api, &tree.sources));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("docs/api/x.txt: `BError`"), "{found:?}");
    }
}
