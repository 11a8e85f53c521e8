//! Merging of schemas.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode},
    id::{IdRule, RuleSource},
    layers::suffixed,
    model::Model,
    tree::{Comment, Declaration, Item, Name, Schema, Section, Term, TermKind},
};

/// Treatment of two declarations of one name that differ in more than `true` flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// Report an error.
    #[default]
    Refuse,
    /// Keep the declaration of the earlier schema.
    KeepFirst,
    /// Keep both, so that objects of old layers stay readable. The later one is called `name_layerN`, or
    /// `name_1a2b3c4d` if its schema states no layer. Declarations with one id become one under the earlier name.
    Rename,
}

/// Merges schemas: equal declarations become one, `true` flags are united, all ids are written, the highest layer
/// counts. No id occurs twice in a section of the result.
///
/// # Errors
/// Conflicts, with the places of the later declarations.
// spec: tl 12.4
pub fn merge(schemas: &[Schema], on_conflict: OnConflict) -> Result<Schema, Vec<Diagnostic>> {
    let mut merger = Merger { on_conflict, ..Merger::default() };
    for schema in schemas {
        merger.add(schema);
    }
    if !merger.conflicts.is_empty() {
        return Err(merger.conflicts);
    }
    let mut out = Schema::new(schemas.first().map(|first| first.rule).unwrap_or_default());
    let header = |text| Item::Comment(Comment { text, trailing: false });
    if let Some(layer) = schemas.iter().filter_map(Schema::layer).max() {
        out.items.push(header(format!(" LAYER {layer}")));
    }
    if out.rule != IdRule::default() {
        out.rule_source = RuleSource::Header;
        out.items.push(header(format!(" RULE {}", out.rule.as_str())));
    }
    if !out.items.is_empty() {
        out.items.push(Item::Blank);
    }
    out.items.append(&mut merger.types);
    if !merger.functions.is_empty() {
        if !matches!(out.items.last(), None | Some(Item::Blank)) {
            out.items.push(Item::Blank);
        }
        out.items.push(Item::Section(Section::Functions));
        out.items.push(Item::Blank);
        out.items.append(&mut merger.functions);
    }
    // The lines between two blank ones may have been dropped.
    out.items.dedup_by(|next, before| *next == Item::Blank && *before == Item::Blank);
    out.items.pop_if(|last| *last == Item::Blank);
    Ok(out)
}

#[derive(Default)]
struct Merger {
    on_conflict: OnConflict,
    types: Vec<Item>,
    functions: Vec<Item>,
    /// The index of the declaration with a name among its section's items.
    by_name: BTreeMap<(Section, Name), usize>,
    /// The name of the declaration with an id.
    by_id: BTreeMap<(Section, u32), Name>,
    conflicts: Vec<Diagnostic>,
}

/// New names of the declarations of a schema whose names are taken.
type Renamed = BTreeMap<(Section, Name), Name>;

impl Merger {
    fn add(&mut self, schema: &Schema) {
        let renamed = self.renamed(schema);
        // Comments and empty lines belong to the declaration after them, or to the one before on the same line.
        let mut pending = Vec::new();
        let mut kept = false;
        for item in &schema.items {
            match item {
                Item::Comment(comment) if comment.layer().is_some() || comment.rule().is_some() => {
                }
                Item::Comment(comment) if comment.trailing && !kept => {}
                Item::Section(_) | Item::Layer(_) => pending.clear(),
                Item::Declaration(declaration) => {
                    let mut declaration = declaration.clone();
                    if !declaration.builtin {
                        declaration.written_id = Some(declaration.id(schema.rule));
                    }
                    declaration.layer = None;
                    for field in &mut declaration.fields {
                        rename(&mut field.term, &renamed);
                    }
                    let key = (declaration.section, declaration.name.clone());
                    if let Some(name) = renamed.get(&key) {
                        declaration.name = name.clone();
                    }
                    kept = self.place(&mut pending, declaration);
                    pending.clear();
                }
                item => pending.push(item.clone()),
            }
        }
    }

    /// Chooses new names for declarations whose names are taken, so that each id has one name.
    fn renamed(&mut self, schema: &Schema) -> Renamed {
        let mut renamed = BTreeMap::new();
        if self.on_conflict != OnConflict::Rename {
            return renamed;
        }
        let mut taken = BTreeSet::new();
        for one in schema.declarations().filter(|one| !Model::is_builtin(one)) {
            let (section, id) = (one.section, one.id(schema.rule));
            let key = (section, one.name.clone());
            let old = self.find(section, &one.name).and_then(|old| old.written_id);
            if old == Some(id) {
                continue;
            }
            if let Some(known) = self.by_id.get(&(section, id))
                && !is_prefix_pair(&one.name, known)
            {
                renamed.insert(key, known.clone());
            } else if old.is_some() {
                let layer = one.layer.or_else(|| schema.layer());
                let by_layer = layer.map(|layer| suffixed(&one.name, layer));
                let by_id = Name::new(format!("{}_{id:08x}", one.name));
                let mut names = by_layer.into_iter().chain([by_id.clone()]);
                let free = names.find(|name| {
                    let key = (section, name.clone());
                    !self.by_name.contains_key(&key)
                        && !taken.contains(&key)
                        && schema.find(section, name.as_str()).is_none()
                });
                let name = free.unwrap_or(by_id);
                taken.insert((section, name.clone()));
                renamed.insert(key, name);
            }
        }
        renamed
    }

    /// Adds a declaration and the comments before it. Returns `false` if it added nothing.
    fn place(&mut self, before: &mut Vec<Item>, new: Declaration) -> bool {
        let section = new.section;
        let renames = self.on_conflict == OnConflict::Rename;
        if let Some(old) = self.find(section, &new.name) {
            if *old == new || unite(old, &new) || Model::is_builtin(&new) {
                return false;
            }
            let (code, message) = if renames {
                // Forms such as `bytes` and `string`, which are the same on the wire.
                if IdRule::Api.normalize(old) == IdRule::Api.normalize(&new) {
                    return false;
                }
                (DiagnosticCode::DuplicateId, format!("`{}` has one id and two forms", new.name))
            } else {
                (
                    DiagnosticCode::DuplicateName,
                    format!("`{}` is already declared differently", new.name),
                )
            };
            let before = format!("earlier: `{old}`");
            return self.refuse(Diagnostic::error(code, new.head.0, message).note(before));
        }
        if let Some(id) = new.written_id {
            match self.by_id.get(&(section, id)).cloned() {
                Some(other) if !is_prefix_pair(&new.name, &other) => {
                    let message = format!("`{}` has the id {id:08x}, as `{other}` has", new.name);
                    return self.refuse(Diagnostic::error(
                        DiagnosticCode::DuplicateId,
                        new.head.0,
                        message,
                    ));
                }
                _ => self.by_id.insert((section, id), new.name.clone()),
            };
        }
        let items = self.items(section);
        if matches!(before.first(), Some(Item::Blank))
            && matches!(items.last(), None | Some(Item::Blank))
        {
            before.remove(0);
        }
        items.append(before);
        items.push(Item::Declaration(new.clone()));
        let at = items.len().saturating_sub(1);
        self.by_name.insert((section, new.name), at);
        true
    }

    /// Reports a conflict, unless the earlier declaration is kept.
    fn refuse(&mut self, finding: Diagnostic) -> bool {
        if self.on_conflict != OnConflict::KeepFirst {
            self.conflicts.push(finding);
        }
        false
    }

    fn find(&mut self, section: Section, name: &Name) -> Option<&mut Declaration> {
        let at = *self.by_name.get(&(section, name.clone()))?;
        match self.items(section).get_mut(at) {
            Some(Item::Declaration(declaration)) => Some(declaration),
            _ => None,
        }
    }

    fn items(&mut self, section: Section) -> &mut Vec<Item> {
        match section {
            Section::Types => &mut self.types,
            Section::Functions => &mut self.functions,
        }
    }
}

/// Returns `true` if one name is the other with `Prefix`: the two may share an id.
// spec: tl 2.2
fn is_prefix_pair(one: &Name, other: &Name) -> bool {
    let is = |whole: &Name, prefix: &Name| {
        prefix.as_str().strip_suffix("Prefix") == Some(whole.as_str())
    };
    is(one, other) || is(other, one)
}

/// Updates bare references to renamed constructors.
fn rename(term: &mut Term, renamed: &Renamed) {
    match &mut term.kind {
        TermKind::Named { name, arguments } => {
            if let Some(new) = renamed.get(&(Section::Types, name.clone())) {
                *name = new.clone();
            }
            for argument in arguments {
                rename(argument, renamed);
            }
        }
        TermKind::Repeat { fields, .. } => {
            for field in fields {
                rename(&mut field.term, renamed);
            }
        }
        _ => {}
    }
}

/// Adds the `true` flags of `new` to `old` if they differ in nothing else.
fn unite(old: &mut Declaration, new: &Declaration) -> bool {
    let flag = |field: &crate::tree::Field| {
        field.condition.is_some() && field.term.plain_name() == Some("true")
    };
    let without = |one: &Declaration| {
        let mut one = one.clone();
        one.fields.retain(|field| !flag(field));
        one
    };
    if without(old) != without(new) {
        return false;
    }
    for field in new.fields.iter().filter(|field| flag(field)) {
        if old.fields.iter().any(|other| other.name == field.name) {
            continue;
        }
        // Directly after the flags of the same word; the position does not affect the wire.
        let word = field.condition.as_ref().map(|condition| condition.flags.as_str());
        let last = old.fields.iter().rposition(|other| {
            let flags = other.condition.as_ref().filter(|_| flag(other));
            other.name.as_deref() == word
                || flags.is_some_and(|one| Some(one.flags.as_str()) == word)
        });
        let at = last.map_or(old.fields.len(), |last| last.saturating_add(1));
        old.fields.insert(at, field.clone());
    }
    true
}
