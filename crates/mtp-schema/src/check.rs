//! Everything that can be found out about a schema without using it.

use crate::{
    diagnostic::{Code, Diagnostic},
    id,
    model::Model,
    tree::Schema,
};

/// Checks names, types, flags and ids.
///
/// Wrong ids are errors here although a written id always wins, because whoever writes a schema
/// by hand wants to know; exceptions of the protocol, and ids that another known rule explains, are
/// warnings.
// spec: tl 2.5
#[must_use]
pub fn check(schema: &Schema) -> Vec<Diagnostic> {
    let mut findings = Model::findings(schema);
    findings.extend(wrong_ids(schema));
    findings
}

// spec: tl 4.2
fn wrong_ids(schema: &Schema) -> impl Iterator<Item = Diagnostic> {
    schema.declarations().filter_map(|one| {
        let written = one.written_id?;
        let computed = schema.rule.compute(one);
        if written == computed {
            return None;
        }
        let span = one.head.0;
        let message = format!("the rule gives `{}` the id {computed:08x}", one.name);
        Some(match id::known_exception(one, schema.rule) {
            Some(why) => Diagnostic::warning(Code::WrongId, span, message).note(why),
            None => Diagnostic::error(Code::WrongId, span, message)
                .note(format!("of the text `{}`", schema.rule.normalize(one))),
        })
    })
}
