//! The specification's sections, the citations of them in the code, and the page that joins both.
//!
//! A citation is a comment `// spec: crypto 4.2`, several sections separated by commas
//! (`// spec: crypto 4.2, 5; session 8.1`), a row of a table or list after `#`
//! (`// spec: crypto 17#19`), or after the dot where the section has no parts (`// spec: crypto 5.6`).

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};

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
    list: Vec<Section>,
}

/// A line of `docs/spec-sections.tsv`: a section, or a numbered rule of the section before it.
struct Section {
    /// `crypto 5`, or `crypto 5#6` for a rule.
    key: String,
    title: String,
    /// The number of rules that can be cited one by one.
    rows: u32,
}

impl Sections {
    pub(crate) fn load() -> Result<Self> {
        let text = std::fs::read_to_string(root().join("docs/spec-sections.tsv"))
            .context("docs/spec-sections.tsv")?;
        let list = text
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('\t');
                let (key, title) = (fields.next()?.to_owned(), fields.next()?.to_owned());
                let rows = fields.next().and_then(|rows| rows.parse().ok()).unwrap_or(0);
                Some(Section { key, title, rows })
            })
            .collect();
        Ok(Self { list })
    }

    /// Says why a citation names nothing.
    pub(crate) fn resolve(&self, citation: &Citation) -> Result<()> {
        let (section, row) = self.locate(citation);
        let Some(rows) = self.find(section).map(|section| section.rows) else {
            bail!("`{section}` is no section of the specification");
        };
        let Some(row) = row else { return Ok(()) };
        match row.parse::<u32>() {
            Ok(row) if (1..=rows).contains(&row) => Ok(()),
            _ => bail!("`{section}#{row}`: that section has {rows} numbered rows"),
        }
    }

    fn find(&self, key: &str) -> Option<&Section> {
        self.list.iter().find(|section| section.key == key)
    }

    /// Returns section and row; `crypto 5.6`, no section, is the sixth row of `crypto 5`.
    fn locate<'a>(&self, citation: &'a Citation) -> (&'a str, Option<&'a str>) {
        let whole = citation.section.as_str();
        if self.find(whole).is_some() || citation.row.is_some() {
            return (whole, citation.row.as_deref());
        }
        match whole.rsplit_once('.') {
            Some((section, row)) if self.find(section).is_some() => (section, Some(row)),
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
        let line = number + 1;
        let cited = cited.split([':', '→']).next().unwrap_or_default();
        // Rows may stand in parentheses as well: `session 20 (4)`.
        let (cited, rows) = cited.split_once('(').unwrap_or((cited, ""));
        let mut part = String::new();
        for item in cited.split([';', ',']).map(str::trim) {
            let section = match item.split_once(' ') {
                Some((name, rest)) => {
                    name.clone_into(&mut part);
                    rest.split(' ').next().unwrap_or_default()
                }
                None => item,
            };
            let (section, row) = match section.split_once('#') {
                Some((section, row)) => (section, Some(row.to_owned())),
                None => (section, None),
            };
            found.push(Citation { line, section: format!("{part} {section}"), row });
        }
        let rows = rows.split(')').next().unwrap_or_default().split(',').map(str::trim);
        let rows = rows.filter(|row| !row.is_empty() && row.bytes().all(|b| b.is_ascii_digit()));
        let section = found.last().map(|last| last.section.clone()).unwrap_or_default();
        for (at, row) in rows.enumerate() {
            if at == 0 {
                found.pop();
            }
            found.push(Citation { line, section: section.clone(), row: Some(row.to_owned()) });
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
    let places = Places::find(&sections)?;
    let reasons = reasons()?;
    let mut page = String::from(HEAD);
    let (rules, whole): (Vec<_>, Vec<_>) =
        sections.list.iter().partition(|section| section.key.contains('#'));
    let (mut uncovered, mut half) = (Vec::new(), Vec::new());
    for (title, list) in [("Sections", whole), ("Numbered rules", rules)] {
        write!(page, "\n## {title}\n\n| section | title | code | tests |\n|---|---|---|---|\n")?;
        for Section { key, title, .. } in list {
            let (code, tests) = (places.code.get(key), places.tests.get(key));
            if code.is_none() && tests.is_none() {
                uncovered.push((key, title));
            } else {
                if code.is_none() || tests.is_none() {
                    half.push((key, title, if code.is_none() { "code" } else { "tests" }));
                }
                writeln!(page, "| {key} | {title} | {} | {} |", paths(code), paths(tests))?;
            }
        }
    }
    page.push_str("\n## Without a citation\n\n| section | title | why |\n|---|---|---|\n");
    let mut unexplained = Vec::new();
    for (key, title) in &uncovered {
        match reasons.get(*key) {
            Some(why) => writeln!(page, "| {key} | {title} | {why} |")?,
            None => unexplained.push(format!("{key}: {title}")),
        }
    }
    page.push_str(
        "\n## Cited on one side only\n\n| section | what cites it not | why |\n|---|---|---|\n",
    );
    let mut told = BTreeSet::new();
    for (key, title, side) in &half {
        // One reason may stand for all rows of a section.
        let whole = key.split('#').next().unwrap_or(key);
        match [*key, whole].into_iter().find_map(|key| Some((key, reasons.get(key)?))) {
            Some((key, why)) if told.insert(key.to_owned()) => {
                writeln!(page, "| {key} | {side} | {why} |")?;
            }
            Some(_) => {}
            None => unexplained.push(format!("{key}: {title} (no {side})")),
        }
    }
    if !unexplained.is_empty() {
        bail!("neither cited nor in docs/spec-uncovered.tsv:\n  {}", unexplained.join("\n  "));
    }
    let used =
        |key: &&String| told.contains(*key) || uncovered.iter().any(|(other, _)| other == key);
    for idle in reasons.keys().filter(|key| !used(key)) {
        println!("docs/spec-uncovered.tsv explains `{idle}`, which is cited or does not exist");
    }
    Ok(page)
}

/// Files by the section or rule that they cite.
#[derive(Default)]
struct Places {
    code: BTreeMap<String, BTreeSet<String>>,
    tests: BTreeMap<String, BTreeSet<String>>,
}

impl Places {
    fn find(sections: &Sections) -> Result<Self> {
        let mut found = Self::default();
        for source in sources(".rs")?.iter().filter(|source| cites(source)) {
            let tests_from = tests_from(source);
            for citation in citations(&source.text) {
                let (section, row) = sections.locate(&citation);
                let places =
                    if citation.line >= tests_from { &mut found.tests } else { &mut found.code };
                let mut add = |key: String| {
                    places.entry(key).or_default().insert(source.path.clone());
                };
                if let Some(row) = row {
                    add(format!("{section}#{row}"));
                }
                add(section.to_owned());
            }
        }
        Ok(found)
    }
}

/// Returns the line from which on a file is a test: tests inside a module stand behind its code.
fn tests_from(source: &Source) -> usize {
    let path = &source.path;
    let whole = ["/tests/", "/tests.rs", "crates/mtp-sim/", "fuzz/"];
    if whole.iter().any(|part| path.contains(part)) {
        return 0;
    }
    let module = source.text.lines().position(|line| line == "mod tests {");
    module.map_or(usize::MAX, |line| line + 1)
}

/// Reads why some sections are cited nowhere.
fn reasons() -> Result<BTreeMap<String, String>> {
    let path = root().join("docs/spec-uncovered.tsv");
    let text = std::fs::read_to_string(path).context("docs/spec-uncovered.tsv")?;
    let line =
        |line: &str| line.split_once('\t').map(|(key, why)| (key.to_owned(), why.to_owned()));
    Ok(text.lines().filter_map(line).collect())
}

fn paths(list: Option<&BTreeSet<String>>) -> String {
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

const HEAD: &str = "\
# Specification map

Written by `cargo xtask spec-map` from the `// spec:` comments; do not edit. Where a section has numbered rules that a receiver
checks or a test must show, they have a table of their own. Why some are cited nowhere, or by code or tests alone, stands in
`docs/spec-uncovered.tsv`. Files of the simulator and of the fuzz targets count as tests.
";

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
        check("// spec: session 20 (4)", &[("session 20", Some("4"))]);
        check(
            "// spec: session 20 (1, 3)",
            &[("session 20", Some("1")), ("session 20", Some("3"))],
        );
        check("// spec: crypto 5 (and more)", &[("crypto 5", None)]);
        check("/// spec: crypto 3", &[("crypto 3", None)]);
        check("//! `// spec: crypto 4.2`", &[]);
        check("// the specification", &[]);
    }
}
