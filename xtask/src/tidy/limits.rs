//! Limits in the code against the table in `docs/limits.md`; without that page there is nothing to check.
//!
//! A limit is a constant with `MAX`, `TIMEOUT` or `CEILING` as a word of its name, or a public field that ends in `_max`
//! or `_timeout`, in a library crate. A private constant named like a field of its crate is the field's default. In the
//! table a row's first cell names the crate and its second the limit: a constant after its module, a field after its
//! struct. The seventh cell names a test, or says "none yet". A row that names nothing, and a test that does not exist,
//! are faults as well. Shorter rows are of constants that only look like limits; their last cell says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::Result;
use proc_macro2::{Delimiter, TokenTree};

use super::{Fault, Tree};
use crate::rust::{File, children, ident, is_ident, is_punct, line};
use crate::tree::root;

const PAGE: &str = "docs/limits.md";

/// The last cell of a row, counted from zero.
const CELL_OF_TESTS: usize = 6;

/// What that cell says where no test reaches the limit.
const NO_TEST: &str = "none yet";

pub(super) fn check(tree: &Tree) -> Result<Vec<Fault>> {
    match fs::read_to_string(root().join(PAGE)) {
        Ok(page) => Ok(compare(tree, &page)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn compare(tree: &Tree, page: &str) -> Vec<Fault> {
    let rows = rows(page);
    let mut faults = Vec::new();
    for name in &tree.libraries {
        let files = tree.crates.get(name).map_or(&[][..], Vec::as_slice);
        let named = named(files);
        for (limit, Place { path, line, .. }) in limits(&named) {
            if !rows.iter().any(|row| row.of == *name && row.limits.iter().any(|one| one == limit))
            {
                let what = format!("`{limit}` of {name} has no row in {PAGE}");
                faults.push(Fault::at(path, *line, what));
            }
        }
        for row in rows.iter().filter(|row| row.of == *name) {
            for limit in row.limits.iter().filter(|limit| !named.contains_key(*limit)) {
                faults.push(Fault::at(PAGE, row.line, format!("{name} has no `{limit}`")));
            }
        }
    }
    let untested = rows.iter().filter(|row| row.test_cell.as_deref() == Some(NO_TEST)).count();
    if untested > 0 {
        println!("limits: {untested} of {} rows name no test yet", rows.len());
    }
    let tests = tests(tree);
    for row in &rows {
        if !tree.libraries.contains(&row.of) {
            faults.push(Fault::at(PAGE, row.line, format!("`{}` is no library crate", row.of)));
        }
        if row.tests.is_empty() && row.test_cell.as_deref().is_some_and(|cell| cell != NO_TEST) {
            let what = format!("names no test and does not say \"{NO_TEST}\"");
            faults.push(Fault::at(PAGE, row.line, what));
        }
        for test in row.tests.iter().filter(|test| !tests.contains(test.as_str())) {
            faults.push(Fault::at(PAGE, row.line, format!("no test is named `{test}`")));
        }
    }
    faults
}

/// A row of the table.
struct Row {
    line: usize,
    of: String,
    limits: Vec<String>,
    /// The cell about tests, if the row is long enough to have one.
    test_cell: Option<String>,
    tests: Vec<String>,
}

/// Reads the rows that begin with a crate in backticks.
fn rows(page: &str) -> Vec<Row> {
    let mut found = Vec::new();
    for (number, line) in page.lines().enumerate() {
        let Some(cells) = line.strip_prefix("| `").and_then(|_| line.strip_suffix(" |")) else {
            continue;
        };
        let cells: Vec<_> = cells.trim_start_matches("| ").split(" | ").collect();
        let (Some(first), Some(second)) = (cells.first(), cells.get(1)) else { continue };
        let test_cell = cells.get(CELL_OF_TESTS).map(|cell| cell.trim().to_owned());
        found.push(Row {
            line: number + 1,
            of: in_backticks(first).next().unwrap_or_default(),
            limits: in_backticks(second).collect(),
            tests: test_cell.iter().flat_map(|cell| in_backticks(cell)).collect(),
            test_cell,
        });
    }
    found
}

fn in_backticks(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// Where a constant or field stands.
struct Place {
    path: String,
    line: usize,
    is_public: bool,
}

/// Finds all constants and fields, each after its module or struct.
fn named(files: &[File]) -> BTreeMap<String, Place> {
    let mut found = BTreeMap::new();
    for file in files {
        let module = file.module.last().map_or("crate", String::as_str);
        constants(file, module, &file.tokens, &mut found);
        fields(file, &file.tokens, &mut found);
    }
    found
}

fn constants(file: &File, owner: &str, tokens: &[TokenTree], found: &mut BTreeMap<String, Place>) {
    for (at, token) in tokens.iter().enumerate() {
        match (token, tokens.get(at + 1), tokens.get(at + 2)) {
            (word, Some(TokenTree::Ident(name)), Some(colon))
                if is_ident(word, "const")
                    && is_punct(colon, ':')
                    && tokens.get(at + 3).is_some_and(is_amount) =>
            {
                let name = format!("{owner}::{name}");
                let before = at.checked_sub(1).and_then(|at| tokens.get(at));
                let is_public = before.is_some_and(|token| is_ident(token, "pub"));
                let (path, line) = (file.path.clone(), line(token));
                found.entry(name).or_insert(Place { path, line, is_public });
            }
            // Constants of a type are named after the type.
            (TokenTree::Group(body), _, _) => {
                let before = tokens.get(..at).unwrap_or_default();
                let start = before.iter().rposition(|token| is_ident(token, "impl"));
                let head = start.and_then(|start| before.get(start + 1..)).unwrap_or_default();
                let is_impl = body.delimiter() == Delimiter::Brace
                    && !head.is_empty()
                    && !head.iter().any(|token| {
                        is_punct(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
                    });
                let of = head.iter().filter_map(ident).map(ToString::to_string).next_back();
                let owner = if is_impl { of.unwrap_or_default() } else { owner.to_owned() };
                constants(file, &owner, &children(body), found);
            }
            _ => {}
        }
    }
}

/// Returns `true` for the type of a number, a time, or a set of them.
fn is_amount(of: &TokenTree) -> bool {
    ident(of).is_some_and(|name| {
        let name = name.to_string();
        name == "Duration" || name == "Self" || name.starts_with(char::is_lowercase)
    })
}

/// Finds the public fields of structs.
fn fields(file: &File, tokens: &[TokenTree], found: &mut BTreeMap<String, Place>) {
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            fields(file, &children(group), found);
        }
        let Some(TokenTree::Ident(of)) = tokens.get(at + 1) else { continue };
        if !is_ident(token, "struct") {
            continue;
        }
        let rest = tokens.get(at + 2..).unwrap_or_default();
        let body =
            rest.iter().take_while(|token| !is_punct(token, ';')).find_map(|token| match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
                _ => None,
            });
        let Some(body) = body else { continue };
        for three in children(body).windows(3) {
            if let [public, TokenTree::Ident(name), colon] = three
                && is_ident(public, "pub")
                && is_punct(colon, ':')
            {
                let (path, line) = (file.path.clone(), name.span().start().line);
                found.insert(format!("{of}::{name}"), Place { path, line, is_public: true });
            }
        }
    }
}

/// Chooses the limits among all names.
fn limits(named: &BTreeMap<String, Place>) -> impl Iterator<Item = (&String, &Place)> {
    let fields: BTreeSet<_> =
        named.keys().filter_map(|name| name.rsplit("::").next()).map(str::to_owned).collect();
    named.iter().filter(move |(name, place)| {
        let last = name.rsplit("::").next().unwrap_or(name);
        if last.chars().any(char::is_lowercase) {
            return last.ends_with("_max") || last.ends_with("_timeout");
        }
        let is_limit = last.split('_').any(|word| matches!(word, "MAX" | "TIMEOUT" | "CEILING"));
        is_limit && (place.is_public || !fields.contains(&last.to_lowercase()))
    })
}

/// Names all functions of test files and modules.
fn tests(tree: &Tree) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for source in &tree.sources {
        for line in source.text.lines() {
            let line = line.trim_start().trim_start_matches("async ");
            if let Some(rest) = line.strip_prefix("fn ")
                && let Some((name, _)) = rest.split_once('(')
            {
                found.insert(name);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::rig::{lines, tree};
    use super::*;

    const CODE: &str = "\
        pub struct Config { pub calls_max: usize, pub idle_timeout: Duration, pub name: u8, own_max: u8 }\n\
        const CALLS_MAX: usize = 3;\n\
        pub const LEN_MAX: usize = 4;\n\
        impl Key { pub const AGE_MAX: u8 = 5; }\n\
        const ROUNDS_MAX: u8 = 7;\n\
        const TIMEOUT: RpcError = RpcError::new(-503);\n\
        #[cfg(test)] mod tests { const TESTS_MAX: u8 = 9; }\n";

    const PAGE_TEXT: &str = "\
        | crate | limit | bounds | default | unit | refused in | test |\n|---|---|---|---|---|---|---|\n\
        | `x` | `Config::calls_max` | calls | 3 | calls | `a.rs` | `calls_are_bounded` |\n\
        | `x` | `Config::idle_timeout` | links | 1 | s | `a.rs` | none yet |\n\
        | `x` | `a::LEN_MAX`, `Key::AGE_MAX` | words | 4 | bytes | `a.rs` | `calls_are_bounded` |\n\
        | `x` | `a::ROUNDS_MAX` | measures nothing |\n";

    fn find(page: &str) -> Vec<String> {
        let files = [
            ("crates/x/src/lib.rs", "mod a;"),
            ("crates/x/src/a.rs", CODE),
            ("crates/x/tests/it/a.rs", "#[test]\nfn calls_are_bounded() {}\n"),
        ];
        lines(&compare(&tree(&files), page))
    }

    #[test]
    fn a_table_with_all_limits_passes() {
        assert_eq!(find(PAGE_TEXT), Vec::<String>::new());
    }

    #[test]
    fn a_limit_without_a_row_is_found() {
        let page = PAGE_TEXT
            .replace("`a::LEN_MAX`, ", "")
            .replace("`Config::idle_timeout`", "`Config::name`");
        assert_eq!(
            find(&page),
            [
                "crates/x/src/a.rs:1: `Config::idle_timeout` of x has no row in docs/limits.md",
                "crates/x/src/a.rs:3: `a::LEN_MAX` of x has no row in docs/limits.md",
            ]
        );
    }

    #[test]
    fn a_row_of_nothing_and_a_test_that_is_not_there_are_found() {
        let page = PAGE_TEXT
            .replace("`Key::AGE_MAX`", "`Key::AGE_MAX`, `Key::GONE_MAX`")
            .replace("| 3 | calls | `a.rs` | `calls_are_bounded`", "| 3 | calls | `a.rs` | `gone`")
            .replace("none yet", "");
        assert_eq!(
            find(&page),
            [
                "docs/limits.md:5: x has no `Key::GONE_MAX`",
                "docs/limits.md:3: no test is named `gone`",
                "docs/limits.md:4: names no test and does not say \"none yet\""
            ]
        );
    }
}
