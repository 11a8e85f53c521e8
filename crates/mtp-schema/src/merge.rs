//! Several schemas made one.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Code, Diagnostic},
    tree::{Comment, Declaration, Item, Name, Schema, Section, Term, TermKind},
};

/// What to do with two declarations of one name that differ in more than `true` flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// Report an error.
    #[default]
    Refuse,
    /// Keep the one of the earlier schema.
    KeepFirst,
    /// Keep both, the later one as `name_layerN`, or `name_1a2b3c4d` if its schema states no layer: so that
    /// objects of old layers stay readable.
    Rename,
}

/// Joins schemas: equal declarations become one, `true` flags are united, the ids are written out.
/// The highest layer counts.
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
    if let Some(layer) = schemas.iter().filter_map(Schema::layer).max() {
        let text = format!(" LAYER {layer}");
        out.items.push(Item::Comment(Comment { text, trailing: false }));
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
    // The lines between two empty ones may be gone.
    out.items.dedup_by(|next, before| *next == Item::Blank && *before == Item::Blank);
    out.items.pop_if(|last| *last == Item::Blank);
    Ok(out)
}

#[derive(Default)]
struct Merger {
    on_conflict: OnConflict,
    types: Vec<Item>,
    functions: Vec<Item>,
    /// Where the declaration with a name stands in its section's items.
    by_name: BTreeMap<(Section, Name), usize>,
    conflicts: Vec<Diagnostic>,
}

impl Merger {
    fn add(&mut self, schema: &Schema) {
        let renamed = self.renamed(schema);
        // Comments and empty lines go along with the declaration after them, or before on the line.
        let mut pending = Vec::new();
        let mut kept = false;
        for item in &schema.items {
            match item {
                Item::Comment(comment) if comment.layer().is_some() => {}
                Item::Comment(comment) if comment.trailing && !kept => {}
                Item::Section(_) => pending.clear(),
                Item::Declaration(declaration) => {
                    let mut declaration = declaration.clone();
                    if !declaration.builtin {
                        declaration.written_id = Some(declaration.id(schema.rule));
                    }
                    for field in &mut declaration.fields {
                        rename(&mut field.term, &renamed);
                    }
                    if let Some(name) = renamed.get(&declaration.name)
                        && declaration.section == Section::Types
                    {
                        declaration.name = name.clone();
                    }
                    kept = self.place(&mut pending, declaration, schema.layer());
                    pending.clear();
                }
                item => pending.push(item.clone()),
            }
        }
    }

    /// The constructors of a schema that cannot keep their names, with their new ones.
    fn renamed(&mut self, schema: &Schema) -> BTreeMap<Name, Name> {
        let mut renamed = BTreeMap::new();
        if self.on_conflict == OnConflict::Rename {
            for one in schema.constructors() {
                let Some(old) = self.find(Section::Types, &one.name) else { continue };
                let id = one.id(schema.rule);
                if old.written_id.is_some_and(|other| other != id) {
                    renamed.insert(one.name.clone(), suffixed(&one.name, id, schema.layer()));
                }
            }
        }
        renamed
    }

    /// Adds a declaration with what precedes it; false if it added nothing.
    fn place(&mut self, before: &mut Vec<Item>, mut new: Declaration, layer: Option<u32>) -> bool {
        let section = new.section;
        let on_conflict = self.on_conflict;
        if let Some(old) = self.find(section, &new.name) {
            if *old == new || unite(old, &new) {
                return false;
            }
            match on_conflict {
                OnConflict::KeepFirst => return false,
                OnConflict::Rename => {
                    let id = new.written_id.unwrap_or(0);
                    new.name = suffixed(&new.name, id, layer);
                    return self.place(before, new, None);
                }
                OnConflict::Refuse => {
                    let message = format!("`{}` is declared otherwise before", new.name);
                    let finding = Diagnostic::error(Code::DuplicateName, new.head.0, message)
                        .note(format!("before: `{old}`"));
                    self.conflicts.push(finding);
                    return false;
                }
            }
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

fn suffixed(name: &Name, id: u32, layer: Option<u32>) -> Name {
    let suffix = layer.map_or(format!("{id:08x}"), |layer| format!("layer{layer}"));
    Name::new(format!("{name}_{suffix}"))
}

/// Lets bare references to renamed constructors follow.
fn rename(term: &mut Term, renamed: &BTreeMap<Name, Name>) {
    match &mut term.kind {
        TermKind::Named { name, arguments } => {
            if let Some(new) = renamed.get(name) {
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
        // Right behind the flags of the same word; nothing of it is on the wire.
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
