//! Text of a module of ids.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    emit::{Text, line, literal},
    layout::{modules, names},
};
use crate::{
    model::{Combinator, CombinatorIx, Model},
    tree::Section,
};

/// A module: its combinators, then its submodules.
#[derive(Default)]
struct Module<'m> {
    entries: Vec<&'m Combinator>,
    modules: BTreeMap<String, Module<'m>>,
}

/// Writes a constant for each of the chosen combinators.
pub(super) fn emit(model: &Model, chosen: &BTreeSet<CombinatorIx>) -> String {
    let mut out = Text::default();
    let layer = model.layer().map_or(String::new(), |layer| format!(" from layer {layer}"));
    line!(out, "// Written by mtp-schema{layer}. Do not edit.");
    for (section, name, doc) in [
        (Section::Types, "constructors", "Ids of constructors."),
        (Section::Functions, "functions", "Ids of functions."),
    ] {
        let mut root = Module::default();
        let mut found = Vec::new();
        for at in chosen {
            let one = model.combinator(*at);
            if one.section == section {
                let path = modules(one.name.namespace());
                let module = path
                    .into_iter()
                    .fold(&mut root, |module, part| module.modules.entry(part).or_default());
                module.entries.push(one);
                found.push(one);
            }
        }
        if found.is_empty() {
            continue;
        }
        line!(out);
        write_module(&mut out, name, doc, &root, Some(&found));
    }
    out.into_text()
}

fn write_module(
    out: &mut Text,
    name: &str,
    doc: &str,
    module: &Module<'_>,
    all: Option<&[&Combinator]>,
) {
    line!(out, "/// {doc}");
    if all.is_some() {
        line!(
            out,
            "#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, reason = \"generated code\")]"
        );
    }
    line!(out, "pub mod {name} {{");
    out.indent();
    let mut taken = BTreeSet::new();
    for one in &module.entries {
        let constant = names::unique(names::constant(one.name.base()), &mut taken);
        line!(out, "/// `{}`", one.text.trim_end_matches(';'));
        line!(out, "pub const {constant}: u32 = {};", literal(one.id));
    }
    if let Some(all) = all {
        name_function(out, all);
    }
    for (name, inner) in &module.modules {
        line!(out);
        let doc = format!("The namespace `{}`.", name.trim_start_matches("r#"));
        write_module(out, name, &doc, inner, None);
    }
    out.dedent();
    line!(out, "}}");
}

/// Writes the function that returns the name of an id.
fn name_function(out: &mut Text, all: &[&Combinator]) {
    line!(out);
    line!(out, "/// Returns the name of an id in the schema.");
    line!(out, "#[must_use]");
    line!(out, "pub const fn name(id: u32) -> Option<&'static str> {{");
    line!(out, "    Some(match id {{");
    for one in all.iter().filter(|one| !one.is_prefix) {
        line!(out, "        {} => {:?},", literal(one.id), one.name.as_str());
    }
    line!(out, "        _ => return None,");
    line!(out, "    }})");
    line!(out, "}}");
}
