//! Differences between two schemas.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;

#[cfg(feature = "json")]
use serde_json::{Value, json};

use crate::{
    diagnostic::Color,
    print,
    tree::{Declaration, Field, Schema, Section},
};

/// Differences between two schemas, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// The layers of the two schemas, where stated.
    pub layers: (Option<u32>, Option<u32>),
    /// Declarations of the new schema whose name the old one does not have.
    pub added: Vec<DiffEntry>,
    /// Declarations of the old schema whose name the new one does not have.
    pub removed: Vec<DiffEntry>,
    /// Declarations with the same name and another text or id.
    pub changed: Vec<Change>,
}

impl Diff {
    /// Compares two schemas. Order and comments are ignored.
    #[must_use]
    pub fn new(old: &Schema, new: &Schema) -> Self {
        let index = |schema: &Schema| -> BTreeMap<_, _> {
            let rule = schema.rule;
            let key = |one: &Declaration| (one.section, one.name.as_str().to_owned());
            schema.declarations().map(|one| (key(one), (one.id(rule), one.clone()))).collect()
        };
        let (before, after) = (index(old), index(new));
        let missing = |one: &BTreeMap<_, (u32, Declaration)>, other: &BTreeMap<_, _>| {
            one.iter()
                .filter(|(key, _)| !other.contains_key(*key))
                .map(|(_, (id, declaration))| DiffEntry::new(*id, declaration))
                .collect()
        };
        let changed = before
            .iter()
            .filter_map(|(key, (id, declaration))| {
                let (new_id, new) = after.get(key)?;
                Change::between((*id, declaration), (*new_id, new))
            })
            .collect();
        Self {
            layers: (old.layer(), new.layer()),
            added: missing(&after, &before),
            removed: missing(&before, &after),
            changed,
        }
    }

    /// Returns `true` if there are no differences.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Writes the differences as JSON.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn to_json(&self) -> Value {
        let entry = |one: &DiffEntry| {
            json!({
                "section": one.section.as_str(),
                "name": one.name,
                "id": format!("{:08x}", one.id),
                "text": one.text,
            })
        };
        let change = |one: &Change| {
            json!({
                "section": one.old.section.as_str(),
                "name": one.old.name,
                "id": [format!("{:08x}", one.old.id), format!("{:08x}", one.new.id)],
                "text": [one.old.text, one.new.text],
                "result": one.result.as_ref().map(|(old, new)| json!([old, new])),
                "fields": one.fields.iter().map(|field| json!({
                    "name": field.name,
                    "type": [field.old, field.new],
                })).collect::<Vec<_>>(),
                "reordered": one.reordered,
            })
        };
        json!({
            "layers": [self.layers.0, self.layers.1],
            "added": self.added.iter().map(entry).collect::<Vec<_>>(),
            "removed": self.removed.iter().map(entry).collect::<Vec<_>>(),
            "changed": self.changed.iter().map(change).collect::<Vec<_>>(),
        })
    }

    /// Renders the differences as text.
    #[must_use]
    pub fn render(&self, color: Color) -> String {
        let mut out = String::new();
        let mut line = |mark: char, tint: &str, text: &dyn fmt::Display| {
            let _ = match color {
                Color::Never => writeln!(out, "{mark} {text}"),
                Color::Always => writeln!(out, "{tint}{mark} {text}\x1b[0m"),
            };
        };
        for one in &self.removed {
            line('-', RED, &one.text);
        }
        for one in &self.added {
            line('+', GREEN, &one.text);
        }
        for one in &self.changed {
            line('~', YELLOW, &format_args!("{}", one.headline()));
            if let Some((old, new)) = &one.result {
                line(' ', RED, &format_args!("  - = {old}"));
                line(' ', GREEN, &format_args!("  + = {new}"));
            }
            for field in &one.fields {
                if let Some(old) = &field.old {
                    line(' ', RED, &format_args!("  - {}:{old}", field.name));
                }
                if let Some(new) = &field.new {
                    line(' ', GREEN, &format_args!("  + {}:{new}", field.name));
                }
            }
            if one.reordered {
                line(' ', YELLOW, &"  the fields are in another order");
            }
        }
        out
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Color::Never))
    }
}

/// A declaration of one of the two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffEntry {
    /// Its section.
    pub section: Section,
    /// The full name.
    pub name: String,
    /// The id.
    pub id: u32,
    /// The canonical text.
    pub text: String,
}

impl DiffEntry {
    fn new(id: u32, one: &Declaration) -> Self {
        let (section, name) = (one.section, one.name.to_string());
        Self { section, name, id, text: one.to_string() }
    }
}

/// A declaration that differs between the two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The old declaration.
    pub old: DiffEntry,
    /// The new declaration.
    pub new: DiffEntry,
    /// The result types, if they differ.
    pub result: Option<(String, String)>,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
    /// True if the common fields are in another order.
    pub reordered: bool,
}

impl Change {
    fn between(old: (u32, &Declaration), new: (u32, &Declaration)) -> Option<Self> {
        let (before, after) = (field_texts(old.1), field_texts(new.1));
        let find = |list: &[(String, String)], name: &str| {
            list.iter().find(|(other, _)| other == name).map(|(_, ty)| ty.clone())
        };
        let mut fields = Vec::new();
        for (name, ty) in &before {
            let other = find(&after, name);
            if other.as_ref() != Some(ty) {
                fields.push(FieldChange { name: name.clone(), old: Some(ty.clone()), new: other });
            }
        }
        for (name, ty) in &after {
            if find(&before, name).is_none() {
                fields.push(FieldChange { name: name.clone(), old: None, new: Some(ty.clone()) });
            }
        }
        let shared = |list: &[(String, String)], other: &[(String, String)]| -> Vec<String> {
            let names = list.iter().map(|(name, _)| name);
            names.filter(|name| find(other, name).is_some()).cloned().collect()
        };
        let reordered = shared(&before, &after) != shared(&after, &before);
        let results = (print::term(&old.1.result), print::term(&new.1.result));
        let result = (results.0 != results.1).then_some(results);
        let same = old.0 == new.0 && result.is_none() && fields.is_empty() && !reordered;
        (!same).then(|| Self {
            old: DiffEntry::new(old.0, old.1),
            new: DiffEntry::new(new.0, new.1),
            result,
            fields,
            reordered,
        })
    }

    /// Returns `true` if the id is the same. A peer of the other layer then decodes the declaration with the wrong
    /// meaning and does not notice.
    // spec: tl 12.4
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.old.id == self.new.id
    }

    fn headline(&self) -> String {
        let name = &self.old.name;
        if self.is_silent() {
            format!("{name}#{:08x} (same id)", self.old.id)
        } else {
            format!("{name}#{:08x} -> #{:08x}", self.old.id, self.new.id)
        }
    }
}

/// A field that differs between the two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldChange {
    /// The name; `name (2)` for the second field of that name, which no valid schema has.
    pub name: String,
    /// The old type.
    pub old: Option<String>,
    /// The new type.
    pub new: Option<String>,
}

/// Returns for each field a unique name (the position, if it has no name) and the text after the colon.
fn field_texts(one: &Declaration) -> Vec<(String, String)> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts = Vec::new();
    for (at, field) in one.fields.iter().enumerate() {
        let name = match field.name.as_deref() {
            None => at.to_string(),
            Some(name) => {
                let times = seen.entry(name).or_default();
                *times = times.saturating_add(1);
                if *times == 1 { name.to_owned() } else { format!("{name} ({times})") }
            }
        };
        let anonymous = Field { name: None, ..field.clone() };
        texts.push((name, print::field(&anonymous)));
    }
    texts
}

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
