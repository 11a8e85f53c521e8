//! The specification's sections, the citations of them in the code, and the page that joins both.
//!
//! A citation is a comment `// spec: crypto 4.2`, several sections separated by commas
//! (`// spec: crypto 4.2, 5; session 8.1`), a row of a table or list after `#`
//! (`// spec: crypto 17#19`), or after the dot where the section has no parts (`// spec: crypto 5.6`).

use core::fmt::Write as _;
use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::tree::{Source, root, sources};

/// One cited section at one place.
pub(crate) struct Citation {
    pub(crate) line: usize,
    /// `crypto 4.2`, or what stood there instead.
    pub(crate) section: String,
    /// The row after `#`.
    pub(crate) row: Option<String>,
}

/// All sections that can be cited, in the order of the specification.
pub(crate) struct Sections {
    /// Key, title, number of rows that can be cited one by one.
    list: Vec<(String, String, u32)>,
}

impl Sections {
    pub(crate) fn load() -> Result<Self> {
        let text = std::fs::read_to_string(root().join("docs/spec-sections.tsv"))
            .context("docs/spec-sections.tsv")?;
        let list = text
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('\t');
                let (key, title) = (fields.next()?, fields.next()?);
                let rows = fields.next().and_then(|rows| rows.parse().ok()).unwrap_or(0);
                Some((key.to_owned(), title.to_owned(), rows))
            })
            .collect();
        Ok(Self { list })
    }

    /// Says why a citation names nothing.
    pub(crate) fn resolve(&self, citation: &Citation) -> Result<()> {
        let (section, row) = self.locate(citation);
        let Some((_, _, rows)) = self.list.iter().find(|(key, ..)| key == section) else {
            bail!("`{section}` is no section of the specification");
        };
        let Some(row) = row else { return Ok(()) };
        match row.parse::<u32>() {
            Ok(row) if (1..=*rows).contains(&row) => Ok(()),
            _ => bail!("`{section}#{row}`: that section has {rows} numbered rows"),
        }
    }

    /// Returns section and row; `crypto 5.6`, no section, is the sixth row of `crypto 5`.
    fn locate<'a>(&self, citation: &'a Citation) -> (&'a str, Option<&'a str>) {
        let whole = citation.section.as_str();
        if self.list.iter().any(|(key, ..)| key == whole) || citation.row.is_some() {
            return (whole, citation.row.as_deref());
        }
        match whole.rsplit_once('.') {
            Some((section, row)) if self.list.iter().any(|(key, ..)| key == section) => {
                (section, Some(row))
            }
            _ => (whole, None),
        }
    }
}

/// Reports whether a file's citations count: this program's own tests are made of examples.
pub(crate) fn cites(source: &Source) -> bool {
    !source.path.starts_with("xtask/")
}

/// Finds the citations in a file.
pub(crate) fn citations(text: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // The mark must open a comment, so that prose about citations is not one.
        let Some((_, cited)) = line.split_once("// spec: ") else { continue };
        if line.trim_start().starts_with("//!") {
            continue;
        }
        let mut part = String::new();
        let cited = cited.split([':', '(', '→']).next().unwrap_or_default();
        for group in cited.split(';') {
            for item in group.split(',') {
                let item = item.trim();
                let number_part = match item.split_once(' ') {
                    Some((name, rest)) => {
                        name.clone_into(&mut part);
                        rest.split(' ').next().unwrap_or_default()
                    }
                    None => item,
                };
                let (section, row) = match number_part.split_once('#') {
                    Some((section, row)) => (section, Some(row.to_owned())),
                    None => (number_part, None),
                };
                found.push(Citation {
                    line: number + 1,
                    section: format!("{part} {section}"),
                    row,
                });
            }
        }
    }
    found
}

pub(crate) fn run(check: bool) -> Result<()> {
    let page = page()?;
    let path = root().join("docs/spec-map.md");
    if check {
        if std::fs::read_to_string(&path).unwrap_or_default() != page {
            bail!("docs/spec-map.md is out of date: run `cargo xtask spec-map`");
        }
    } else {
        std::fs::write(&path, page)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn page() -> Result<String> {
    let sections = Sections::load()?;
    let mut code: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources(".rs")?.iter().filter(|source| cites(source)) {
        // Tests inside a module stand behind its code, under one `mod tests`.
        let tests_from = source
            .text
            .lines()
            .position(|line| line.contains("#[cfg(test)]"))
            .map_or(usize::MAX, |line| line + 1);
        for citation in citations(&source.text) {
            let is_test = source.path.contains("/tests/") || citation.line > tests_from;
            let places = if is_test { &mut tests } else { &mut code };
            let list = places.entry(sections.locate(&citation).0.to_owned()).or_default();
            if !list.contains(&source.path) {
                list.push(source.path.clone());
            }
        }
    }
    let reasons = reasons();
    let mut page = String::from(
        "# Specification map\n\n\
         Written by `cargo xtask spec-map` from the `// spec:` comments; do not edit. Reasons for sections without code stand in\n\
         `docs/spec-uncovered.tsv`.\n\n| section | title | code | tests |\n|---|---|---|---|\n",
    );
    let mut uncovered = Vec::new();
    for (key, title, _) in &sections.list {
        let (code, tests) = (code.get(key), tests.get(key));
        if code.is_none() && tests.is_none() {
            uncovered.push((key, title));
            continue;
        }
        writeln!(page, "| {key} | {title} | {} | {} |", places(code), places(tests))?;
    }
    page.push_str("\n## Sections without a citation\n\n| section | title | why |\n|---|---|---|\n");
    for (key, title) in uncovered {
        let why = reasons.get(key.as_str()).map_or("not yet", String::as_str);
        writeln!(page, "| {key} | {title} | {why} |")?;
    }
    Ok(page)
}

fn reasons() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("docs/spec-uncovered.tsv")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(key, why)| (key.to_owned(), why.to_owned()))
        .collect()
}

fn places(list: Option<&Vec<String>>) -> String {
    list.map_or_else(
        || "–".to_owned(),
        |list| {
            list.iter()
                .map(|path| format!("`{}`", path.trim_start_matches("crates/")))
                .collect::<Vec<_>>()
                .join(", ")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::citations;

    #[track_caller]
    fn check(line: &str, expected: &[(&str, Option<&str>)]) {
        let found = citations(line);
        let found: Vec<_> = found.iter().map(|c| (c.section.as_str(), c.row.as_deref())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn citations_are_read_in_all_their_forms() {
        check("    // spec: crypto 4.2", &[("crypto 4.2", None)]);
        check("let x = 1; // spec: crypto 17#19", &[("crypto 17", Some("19"))]);
        check(
            "// spec: crypto 4.2, 5; session 8.1",
            &[("crypto 4.2", None), ("crypto 5", None), ("session 8.1", None)],
        );
        check("/// spec: crypto 3", &[("crypto 3", None)]);
        check("//! `// spec: crypto 4.2`", &[]);
        check("// the specification", &[]);
    }
}
