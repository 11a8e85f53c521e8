//! Our own source as tokens: a crate's production files, match arms, conditions.
//!
//! Tokens and not a syntax tree: every check here is about a few tokens in a row, and survives new syntax.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};

use crate::tree::Source;

/// A file of a crate that a production build compiles.
pub(crate) struct File {
    /// The path below the repository's root.
    pub(crate) path: String,
    /// The module's path within its crate; empty for the root.
    pub(crate) module: Vec<String>,
    /// All tokens but those that only tests compile.
    pub(crate) tokens: Vec<TokenTree>,
}

/// Reads the files that a production build of `crates/NAME` compiles, beginning at its root.
pub(crate) fn crate_files(sources: &[Source], name: &str) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for root in ["lib.rs", "main.rs"] {
        let folder = format!("crates/{name}/src/");
        let path = format!("{folder}{root}");
        if sources.iter().any(|source| source.path == path) {
            read(sources, &folder, path, &[], &mut files)?;
        }
    }
    Ok(files)
}

/// Reads one file and then those of the modules it declares.
fn read(
    sources: &[Source],
    folder: &str,
    path: String,
    module: &[String],
    files: &mut Vec<File>,
) -> Result<()> {
    let Some(source) = sources.iter().find(|source| source.path == path) else { return Ok(()) };
    let tokens = production(&tokens(&source.text).with_context(|| path.clone())?);
    let declared = declared_modules(&tokens);
    files.push(File { path, module: module.to_vec(), tokens });
    for name in declared {
        let mut child = module.to_vec();
        child.push(name);
        let stem = format!("{folder}{}", child.join("/"));
        for path in [format!("{stem}.rs"), format!("{stem}/mod.rs")] {
            read(sources, folder, path, &child, files)?;
        }
    }
    Ok(())
}

/// Names the modules that a file declares without their content.
fn declared_modules(tokens: &[TokenTree]) -> Vec<String> {
    let pairs = tokens.windows(3).filter_map(|three| match three {
        [word, TokenTree::Ident(name), end] if is_ident(word, "mod") && is_punct(end, ';') => {
            Some(name.to_string())
        }
        _ => None,
    });
    pairs.collect()
}

/// Splits source text into tokens.
pub(crate) fn tokens(text: &str) -> Result<Vec<TokenTree>> {
    let stream: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(stream.into_iter().collect())
}

/// Removes what only tests compile: whatever follows `#[cfg(…)]` with a predicate that production never meets.
pub(crate) fn production(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let attribute = match (token, tokens.get(at + 1), tokens.get(at + 2)) {
            (hash, Some(TokenTree::Group(group)), _) if is_punct(hash, '#') => Some((group, 2)),
            (hash, Some(bang), Some(TokenTree::Group(group)))
                if is_punct(hash, '#') && is_punct(bang, '!') =>
            {
                // For the whole file.
                if is_test_only(group) {
                    return Vec::new();
                }
                None
            }
            _ => None,
        };
        match attribute {
            Some((group, length)) if is_test_only(group) => {
                at = end_of_item(tokens, at + length);
                continue;
            }
            _ => {}
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                let inner = production(&children(group)).into_iter().collect();
                let mut copy = Group::new(group.delimiter(), inner);
                copy.set_span(group.span());
                TokenTree::Group(copy)
            }
            other => other.clone(),
        });
        at += 1;
    }
    kept
}

/// Finds the end of an item, a statement, a field or an arm.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    for (at, token) in tokens.iter().enumerate().skip(from) {
        let is_body =
            matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_body || is_punct(token, ';') || is_punct(token, ',') {
            return at + 1;
        }
    }
    tokens.len()
}

/// Returns `true` for `[cfg(…)]` with a predicate that no production build meets.
fn is_test_only(attribute: &Group) -> bool {
    match children(attribute).as_slice() {
        [word, TokenTree::Group(predicate)] if is_ident(word, "cfg") => {
            holds_in_production(&children(predicate)) == Some(false)
        }
        _ => false,
    }
}

/// Evaluates a predicate of `cfg`: `test` and features that begin with two underscores never hold in production,
/// of everything else nothing is known.
pub(crate) fn holds_in_production(predicate: &[TokenTree]) -> Option<bool> {
    match predicate {
        [TokenTree::Ident(word), TokenTree::Group(list)] => {
            let list = children(list);
            let terms = list.split(|token| is_punct(token, ',')).filter(|term| !term.is_empty());
            let values: Vec<_> = terms.map(holds_in_production).collect();
            match word.to_string().as_str() {
                "not" => values.first().copied().flatten().map(|value| !value),
                "any" if values.contains(&Some(true)) => Some(true),
                "any" if values.iter().all(|value| *value == Some(false)) => Some(false),
                "all" if values.contains(&Some(false)) => Some(false),
                "all" if values.iter().all(|value| *value == Some(true)) => Some(true),
                _ => None,
            }
        }
        [TokenTree::Ident(word)] if word == "test" => Some(false),
        [TokenTree::Ident(word), _, TokenTree::Literal(name)]
            if word == "feature" && name.to_string().starts_with("\"__") =>
        {
            Some(false)
        }
        _ => None,
    }
}

/// An arm of a `match`.
pub(crate) struct Arm {
    pub(crate) pattern: Vec<TokenTree>,
    pub(crate) body: Vec<TokenTree>,
}

/// Takes the braces of a `match` apart.
pub(crate) fn arms(tokens: &[TokenTree]) -> Vec<Arm> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(arrow) = find_arrow(tokens, at) {
        let pattern = tokens.get(at..arrow).unwrap_or_default().to_vec();
        let (body, next) = body_of_arm(tokens, arrow + 2);
        found.push(Arm { pattern, body });
        at = next;
    }
    found
}

/// Finds the next `=>`.
fn find_arrow(tokens: &[TokenTree], from: usize) -> Option<usize> {
    let rest = tokens.get(from..)?;
    let at = rest.windows(2).position(|pair| match pair {
        [TokenTree::Punct(equals), end] => {
            equals.as_char() == '=' && equals.spacing() == Spacing::Joint && is_punct(end, '>')
        }
        _ => false,
    });
    at.map(|at| from + at)
}

/// Returns an arm's body, and where the next arm begins.
pub(crate) fn body_of_arm(tokens: &[TokenTree], from: usize) -> (Vec<TokenTree>, usize) {
    if let Some(TokenTree::Group(group)) = tokens.get(from)
        && group.delimiter() == Delimiter::Brace
    {
        let comma = tokens.get(from + 1).is_some_and(|token| is_punct(token, ','));
        return (children(group), from + 1 + usize::from(comma));
    }
    let rest = tokens.get(from..).unwrap_or_default();
    let length = rest.iter().position(|token| is_punct(token, ',')).unwrap_or(rest.len());
    (rest.get(..length).unwrap_or_default().to_vec(), from + length + 1)
}

/// An `impl` block, or a function within one.
pub(crate) struct Block {
    /// What stands before the braces.
    pub(crate) head: Vec<TokenTree>,
    pub(crate) body: Vec<TokenTree>,
}

/// Finds the blocks that begin with this word, however deep: `impl`, `fn`, `match`.
pub(crate) fn blocks(tokens: &[TokenTree], word: &str) -> Vec<Block> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            found.extend(blocks(&children(group), word));
        }
        // `-> impl Trait` is a type.
        let opens = match at.checked_sub(1).and_then(|before| tokens.get(before)) {
            Some(TokenTree::Punct(mark)) => word != "impl" || mark.as_char() == ';',
            _ => true,
        };
        if !is_ident(token, word) || !opens {
            continue;
        }
        let rest = tokens.get(at + 1..).unwrap_or_default();
        let body = rest.iter().enumerate().find_map(|(at, token)| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some((at, group)),
            _ => None,
        });
        let Some((length, body)) = body else { continue };
        let head = rest.get(..length).unwrap_or_default();
        if !head.iter().any(|token| is_punct(token, ';')) {
            found.push(Block { head: head.to_vec(), body: children(body) });
        }
    }
    found
}

/// Returns a group's tokens.
pub(crate) fn children(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// Returns `true` for this word.
pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// Returns `true` for this mark.
pub(crate) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Returns a token's word.
pub(crate) fn ident(token: &TokenTree) -> Option<&Ident> {
    match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    }
}

/// Returns the line a token stands in.
pub(crate) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// Counts all words, however deep.
pub(crate) fn words(tokens: &[TokenTree], counts: &mut BTreeMap<String, usize>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => *counts.entry(ident.to_string()).or_default() += 1,
            TokenTree::Group(group) => words(&children(group), counts),
            _ => {}
        }
    }
}

/// Names the items that a module defines itself.
pub(crate) fn definitions(tokens: &[TokenTree]) -> BTreeSet<String> {
    const WORDS: [&str; 9] =
        ["struct", "enum", "union", "trait", "type", "fn", "const", "static", "macro_rules"];
    let mut found = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        if WORDS.iter().any(|word| is_ident(token, word)) {
            let mut rest = tokens.iter().skip(at + 1);
            let name = rest.find_map(|token| match token {
                TokenTree::Ident(name) if name == "mut" || name == "fn" => None,
                TokenTree::Ident(name) => Some(name.to_string()),
                _ => None,
            });
            found.extend(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(tokens: Vec<TokenTree>) -> String {
        tokens.into_iter().collect::<TokenStream>().to_string()
    }

    #[test]
    fn what_only_tests_compile_is_left_out() {
        let check = |code: &str, expected: &str| {
            let kept = production(&tokens(code).unwrap());
            assert_eq!(text(kept), text(tokens(expected).unwrap()), "{code}");
        };
        check("fn a() {} #[cfg(test)] mod tests { fn b() {} } fn c() {}", "fn a() {} fn c() {}");
        check("#[cfg(feature = \"__x\")] use a::b; use c;", "use c;");
        check("fn a() { #[cfg(test)] panic!(); b() }", "fn a() { b() }");
        check("#![cfg(test)] fn a() {}", "");
        for kept in [
            "#[cfg(not(test))] fn a() {}",
            "#[cfg(feature = \"std\")] fn a() {}",
            "#[cfg(not(feature = \"std\"))] fn a() {}",
            "#[cfg(any(test, feature = \"std\"))] fn a() {}",
        ] {
            check(kept, kept);
        }
        check("#[cfg(all(test, feature = \"std\"))] fn a() {}", "");
        check("#[cfg(any(test, feature = \"__x\"))] fn a() {}", "");
    }

    #[test]
    fn modules_for_tests_are_no_files_of_a_crate() {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let sources = [
            source("crates/x/src/lib.rs", "mod a;\n#[cfg(test)]\nmod rig;\n"),
            source("crates/x/src/a/mod.rs", "mod b;"),
            source("crates/x/src/a/b.rs", "fn b() {}"),
            source("crates/x/src/rig.rs", "fn rig() {}"),
        ];
        let files = crate_files(&sources, "x").unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["crates/x/src/lib.rs", "crates/x/src/a/mod.rs", "crates/x/src/a/b.rs"]);
        assert_eq!(files[2].module, ["a", "b"]);
    }

    #[test]
    fn arms_end_at_commas_and_braces() {
        let found =
            arms(&tokens("A(x) | B => f(x, 1), C { y, .. } if y => { g() } _ => 0").unwrap());
        let found: Vec<_> =
            found.into_iter().map(|arm| (text(arm.pattern), text(arm.body))).collect();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].1, text(tokens("f(x, 1)").unwrap()));
        assert_eq!(found[1].0, text(tokens("C { y, .. } if y").unwrap()));
        assert_eq!(found[2].1, "0");
    }
}
