//! Citations of the protocol reference in the code, and the page that joins both.
//!
//! A citation is a comment `// spec: crypto 4.2`, several sections separated by commas
//! (`// spec: crypto 4.2, 5; session 8.1`), a numbered rule after `#` (`// spec: crypto 17#19`), or after
//! the dot where the section has no parts (`// spec: crypto 5.6`).

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::sections::{PARTS, Section, Sections};
use crate::tree::{Source, root, sources};

/// A citation of one section.
pub(crate) struct Citation {
    pub(crate) line: usize,
    /// `crypto 4.2`, or the malformed text.
    pub(crate) section: String,
    /// The rule after `#`.
    pub(crate) row: Option<String>,
}

/// Returns `true` if a file's citations count: this program's own tests are made of examples.
pub(crate) fn cites(source: &Source) -> bool {
    !source.path.starts_with("xtask/")
}

/// Finds the citations in a file.
pub(crate) fn citations(text: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // The mark must open a comment: prose about citations is none.
        let Some((_, cited)) = line.split_once("// spec: ") else { continue };
        if line.trim_start().starts_with("//!") {
            continue;
        }
        let line = number + 1;
        let cited = cited.split([':', '→']).next().unwrap_or_default();
        // Rules may also be in parentheses: `session 20 (4)`.
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
    let (whole, rules) = sections.with_rules();
    let mut page = String::from(HEAD);
    let mut gaps = Vec::new();
    for (title, list) in [("Sections", whole), ("Numbered rules", rules.iter().collect())] {
        write!(page, "\n## {title}\n\n| section | title | code | tests |\n|---|---|---|---|\n")?;
        for section in list {
            let (code, tests) = (places.code.get(&section.key), places.tests.get(&section.key));
            let missing = match (code, tests) {
                (None, None) => Some("both"),
                (None, Some(_)) => Some("code"),
                (Some(_), None) => Some("tests"),
                (Some(_), Some(_)) => None,
            };
            gaps.extend(missing.map(|missing| (section, missing)));
            if missing != Some("both") {
                let Section { key, title, link, .. } = section;
                let (code, tests) = (paths(code), paths(tests));
                writeln!(page, "| [{key}]({link}) | {title} | {code} | {tests} |")?;
            }
        }
    }
    write_gaps(&mut page, &gaps)?;
    Ok(page)
}

/// Writes the tables of sections that lack a citation, each with its reason; a gap without a reason is an error.
fn write_gaps(page: &mut String, gaps: &[(&Section, &str)]) -> Result<()> {
    let reasons = reasons()?;
    let mut used = BTreeSet::new();
    let mut unexplained = Vec::new();
    let mut uncited = String::from("| section | title | why |\n|---|---|---|\n");
    let mut half = String::from("| section | cited by no | why |\n|---|---|---|\n");
    for (section, missing) in gaps {
        let Section { key, title, link, .. } = section;
        // One reason may stand for all rules of a section, or for a part that nothing implements yet.
        let whole = key.split('#').next().unwrap_or(key);
        let part = key.split(' ').next().unwrap_or(key);
        let keys = [key.as_str(), whole, part];
        let Some((name, why)) = keys.into_iter().find_map(|key| reasons.get_key_value(key)) else {
            unexplained.push(format!("{key}: {title} ({missing} missing)"));
            continue;
        };
        let is_first = used.insert(name);
        match *missing {
            "both" if name == part => {}
            "both" => writeln!(uncited, "| [{key}]({link}) | {title} | {why} |")?,
            missing if is_first => writeln!(half, "| [{name}]({link}) | {missing} | {why} |")?,
            _ => {}
        }
    }
    for part in PARTS {
        if let Some(why) = reasons.get(part) {
            writeln!(uncited, "| [{part}](spec/{part}.md) | all other sections | {why} |")?;
        }
    }
    write!(page, "\n## Without a citation\n\n{uncited}\n## Cited on one side only\n\n{half}")?;
    if !unexplained.is_empty() {
        bail!("neither cited nor in docs/spec-uncovered.tsv:\n  {}", unexplained.join("\n  "));
    }
    for idle in reasons.keys().filter(|key| !used.contains(key)) {
        println!("docs/spec-uncovered.tsv explains `{idle}`, which is cited or does not exist");
    }
    Ok(())
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
                let (section, row) = sections.locate(&citation.section, citation.row.as_deref());
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

/// Returns the line where a file's tests begin; test modules follow the code.
fn tests_from(source: &Source) -> usize {
    let path = &source.path;
    let whole = ["/tests/", "/tests.rs", "crates/mtp-sim/", "fuzz/"];
    if whole.iter().any(|part| path.contains(part)) {
        return 0;
    }
    let module = source.text.lines().position(|line| line == "mod tests {");
    module.map_or(usize::MAX, |line| line + 1)
}

/// Reads the reasons why some sections are not cited.
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

Written by `cargo xtask spec-map` from the `// spec:` comments; do not edit. Sections are those of the [protocol reference](spec/README.md).
Where a section has numbered rules that a receiver checks or a test must show, each rule has a row of its own. `docs/spec-uncovered.tsv`
holds the reasons why some sections are cited nowhere, or only by code or only by tests. Files of the simulator and of the fuzz targets
count as tests.
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
