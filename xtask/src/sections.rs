//! The sections of the protocol reference in `docs/spec/`, read from its headings.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::tree::root;

/// The parts of the reference, in reading order: `docs/spec/<part>.md`.
pub(crate) const PARTS: [&str; 6] = ["tl", "crypto", "session", "transport", "account", "proxy"];

/// Sections whose numbered rules have a row each in the map: what a receiver checks, what tests must show.
const RULED: [&str; 6] =
    ["crypto 5", "crypto 17", "session 5.1", "session 5.2", "session 20", "session 21"];

/// The longest title in the map; a rule's text is cut there.
const TITLE_LEN_MAX: usize = 110;

/// All sections that a citation can name, in the order of the reference.
pub(crate) struct Sections {
    list: Vec<Section>,
}

/// A section, or a numbered rule within one.
pub(crate) struct Section {
    /// `crypto 5`, or `crypto 5#6` for a rule.
    pub(crate) key: String,
    pub(crate) title: String,
    /// Where it stands, relative to `docs/`.
    pub(crate) link: String,
    /// The numbered rules, each with its text.
    rows: Vec<String>,
}

impl Sections {
    /// Reads the whole reference.
    pub(crate) fn load() -> Result<Self> {
        let mut list = Vec::new();
        for part in PARTS {
            let path = format!("docs/spec/{part}.md");
            let text = fs::read_to_string(root().join(&path)).context(path)?;
            list.extend(sections(part, &text));
        }
        Ok(Self { list })
    }

    /// Returns the sections, and the rules of those that have a row for each.
    pub(crate) fn with_rules(&self) -> (Vec<&Section>, Vec<Section>) {
        let chosen = self.list.iter().filter(|section| RULED.contains(&section.key.as_str()));
        let rule = |section: &Section, at: usize, text: &String| Section {
            key: format!("{}#{}", section.key, at + 1),
            title: cut(text),
            link: section.link.clone(),
            rows: Vec::new(),
        };
        let rules = chosen
            .flat_map(|section| {
                section.rows.iter().enumerate().map(move |(at, text)| rule(section, at, text))
            })
            .collect();
        (self.list.iter().collect(), rules)
    }

    /// Says why a section and row name nothing.
    pub(crate) fn resolve(&self, section: &str, row: Option<&str>) -> Result<()> {
        let (section, row) = self.locate(section, row);
        let Some(found) = self.find(section) else {
            bail!("`{section}` is no section of docs/spec");
        };
        let Some(row) = row else { return Ok(()) };
        let count = found.rows.len();
        match row.parse::<usize>() {
            Ok(row) if (1..=count).contains(&row) => Ok(()),
            _ => bail!("`{section}#{row}`: that section has {count} numbered rules"),
        }
    }

    fn find(&self, key: &str) -> Option<&Section> {
        self.list.iter().find(|section| section.key == key)
    }

    /// Returns section and rule; `crypto 5.6`, no section, is the sixth rule of `crypto 5`.
    pub(crate) fn locate<'a>(
        &self,
        section: &'a str,
        row: Option<&'a str>,
    ) -> (&'a str, Option<&'a str>) {
        if self.find(section).is_some() || row.is_some() {
            return (section, row);
        }
        match section.rsplit_once('.') {
            Some((whole, row)) if self.find(whole).is_some() => (whole, Some(row)),
            _ => (section, None),
        }
    }
}

/// Reads the sections of one part.
///
/// A heading that begins with a number opens a section. Its rules are the entries of a list at the margin, or the rows
/// of a table, that count up from one.
fn sections(part: &str, text: &str) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut is_code = false;
    let mut is_rule_open = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        if let Some((number, heading)) = numbered_heading(line) {
            found.push(Section {
                key: format!("{part} {number}"),
                title: title(heading),
                link: format!("spec/{part}.md#{}", anchor(line)),
                rows: Vec::new(),
            });
            is_rule_open = false;
            continue;
        }
        let Some(section) = found.last_mut() else { continue };
        let next = section.rows.len() + 1;
        if let Some(rule) = line.strip_prefix(&format!("{next}. ")) {
            section.rows.push(rule.to_owned());
            is_rule_open = true;
        } else if let Some(row) = line.strip_prefix(&format!("| {next} | ")) {
            let cells: Vec<_> = row.split(" | ").take(2).collect();
            section.rows.push(cells.join(": ").trim_end_matches([' ', '|']).to_owned());
        } else if let Some(more) = line.strip_prefix("   ").filter(|_| is_rule_open)
            && let Some(rule) = section.rows.last_mut()
        {
            rule.push(' ');
            rule.push_str(more.trim_start());
        } else {
            is_rule_open = false;
        }
    }
    found
}

/// Returns number and text of a heading such as `### 4.2 Key derivation` or `## 4. Sequence numbers`.
fn numbered_heading(line: &str) -> Option<(&str, &str)> {
    let heading = line.strip_prefix("##")?.trim_start_matches('#').strip_prefix(' ')?;
    let (number, text) = heading.split_once(' ')?;
    let number = number.trim_end_matches('.');
    let is_number = number
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    is_number.then_some((number, text))
}

/// Shortens a heading: names of vectors and a first sentence that runs on in it do not belong to the title.
fn title(heading: &str) -> String {
    let mut title = heading;
    for mark in [" (vectors", ", vectors", " (`", ", `"] {
        title = title.split(mark).next().unwrap_or(title);
    }
    if title.len() > TITLE_LEN_MAX {
        title = title.split([':', ';']).next().unwrap_or(title);
    }
    cut(title)
}

/// Cuts a text at the last word that fits, without the marks of bold print and code.
fn cut(text: &str) -> String {
    let plain: String = text.chars().filter(|mark| !matches!(mark, '*' | '`')).collect();
    let plain = plain.replace('|', "\\|");
    if plain.chars().count() <= TITLE_LEN_MAX {
        return plain.trim_end_matches(['.', ';']).to_owned();
    }
    let head: String = plain.chars().take(TITLE_LEN_MAX).collect();
    let head = head.rsplit_once(' ').map_or(head.as_str(), |(head, _)| head);
    format!("{} …", head.trim_end_matches([',', ';', ':', '.', '(']))
}

/// Returns the anchor that GitHub and most renderers give a heading.
fn anchor(line: &str) -> String {
    let heading = line.trim_start_matches('#').trim();
    let kept = heading.chars().filter_map(|mark| match mark {
        ' ' => Some('-'),
        '-' | '_' => Some(mark),
        mark if mark.is_alphanumeric() => Some(mark),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# A part

1. not in a section

## 1. First (vectors: `a`)

### 1.1 Rules, `b`

1. **one**, which
   goes on
2. two

text
3. three

```
## 7. no heading
```
## 2. Table

| # | who | check |
|---|---|---|
| 1 | C | nonce |
| 2 | S | salt, `x` |
| 9 | S | out of order |
";

    fn load() -> Sections {
        Sections { list: sections("crypto", TEXT) }
    }

    #[test]
    fn headings_are_sections_and_their_lists_and_tables_rules() {
        let sections = load();
        let keys: Vec<_> = sections.list.iter().map(|section| section.key.as_str()).collect();
        assert_eq!(keys, ["crypto 1", "crypto 1.1", "crypto 2"]);
        let [first, rules, table] = sections.list.as_slice() else { panic!("three sections") };
        assert_eq!(first.title, "First");
        assert_eq!(first.link, "spec/crypto.md#1-first-vectors-a");
        assert_eq!(rules.title, "Rules");
        assert_eq!(rules.rows, ["**one**, which goes on", "two", "three"]);
        assert_eq!(table.rows, ["C: nonce", "S: salt, `x`"]);
    }

    #[test]
    fn a_citation_of_nothing_does_not_resolve() {
        let sections = load();
        assert!(sections.resolve("crypto 1.1", None).is_ok());
        assert!(sections.resolve("crypto 1.1", Some("3")).is_ok());
        assert!(sections.resolve("crypto 2.2", None).is_ok(), "the second rule of section 2");
        assert!(sections.resolve("crypto 1.1", Some("4")).is_err());
        assert!(sections.resolve("crypto 3", None).is_err());
        assert!(sections.resolve("crypto 1.2", None).is_err());
        assert!(sections.resolve("session 1", None).is_err());
        assert!(sections.resolve("crypto 7", None).is_err(), "a code block has no headings");
    }

    #[test]
    fn long_rules_are_cut_at_a_word() {
        let long = "word ".repeat(40);
        assert!(cut(&long).ends_with("word …"));
        assert!(cut(&long).chars().count() <= TITLE_LEN_MAX + 2);
    }
}
