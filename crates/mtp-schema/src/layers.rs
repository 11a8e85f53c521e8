//! Several layers in one file, as in the schemas of secret chats.

use std::collections::BTreeMap;

use crate::tree::{Declaration, Item, Name, Schema, Section};

/// Renames all but the newest declaration of each name to `name_layerN`. This needs layer markers, or several
/// `// LAYER n` lines; other declarations remain duplicates.
// spec: tl 2.2
pub(crate) fn rename_older(schema: &mut Schema) {
    let mut steps: BTreeMap<(Section, Name), Vec<(usize, u32)>> = BTreeMap::new();
    let mut comment_layer = None;
    for (at, item) in schema.items.iter().enumerate() {
        match item {
            Item::Comment(comment) => comment_layer = comment.layer().or(comment_layer),
            Item::Declaration(one) => {
                if let Some(layer) = one.layer.or(comment_layer) {
                    steps.entry((one.section, one.name.clone())).or_default().push((at, layer));
                }
            }
            _ => {}
        }
    }
    for ((section, name), found) in steps {
        let newest = found.iter().map(|(_, layer)| *layer).max();
        for (at, layer) in found {
            let suffixed = suffixed(&name, layer);
            let is_free = schema.find(section, suffixed.as_str()).is_none();
            if Some(layer) != newest && is_free {
                rename(schema, at, layer, suffixed);
            }
        }
    }
}

fn rename(schema: &mut Schema, at: usize, layer: u32, name: Name) {
    let rule = schema.rule;
    if let Some(Item::Declaration(one)) = schema.items.get_mut(at) {
        // The id is computed from the name in its own layer.
        let id = one.id(rule);
        *one = Declaration { name, layer: Some(layer), written_id: Some(id), ..one.clone() };
    }
}

/// Returns the name of a declaration that a newer layer replaces.
pub(crate) fn suffixed(name: &Name, layer: u32) -> Name {
    Name::new(format!("{name}_layer{layer}"))
}

/// Returns the name without its layer suffix, if it has one.
pub(crate) fn plain_name(one: &Declaration) -> Option<Name> {
    one.name.as_str().strip_suffix(&format!("_layer{}", one.layer?)).map(Name::new)
}
