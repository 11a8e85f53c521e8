//! Static checks of a schema.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode},
    id::{self, IdRule, RuleSource},
    layers,
    model::Model,
    source::Span,
    tree::{Declaration, Item, Schema},
};

/// Checks names, types, flags and ids.
///
/// A wrong id is an error here, although a written id always takes precedence. The protocol's exceptions and ids that
/// another known rule explains are warnings. So are findings that the file itself allows, in a line such as
/// `// ALLOW wrong-id:gzip_packed`; see
/// [`Allowance`](crate::diagnostic::Allowance).
// spec: tl 2.5
#[must_use]
pub fn check(schema: &Schema) -> Vec<Diagnostic> {
    let mut findings = Model::findings(schema);
    findings.extend(wrong_ids(schema));
    findings.extend(ambiguous_ids(schema));
    for finding in &mut findings {
        finding.subject = subject(schema, finding.span);
    }
    let allowances = schema.items.iter().filter_map(|item| match item {
        Item::Comment(comment) => comment.allowance(),
        _ => None,
    });
    for allowance in allowances {
        allowance.apply(&mut findings);
    }
    findings
}

// spec: tl 4.2
fn wrong_ids(schema: &Schema) -> Vec<Diagnostic> {
    let named = |one: &Declaration| (one.name.as_str().to_owned(), one.clone());
    let functions: BTreeMap<_, _> = schema.functions().map(named).collect();
    let is_prefix = |one: &Declaration| {
        let whole = one.name.as_str().strip_suffix("Prefix").and_then(|name| functions.get(name));
        whole.is_some_and(|whole| id::is_prefix(one, whole))
    };
    let findings = schema.declarations().filter_map(|one| {
        let written = one.written_id?;
        let computed = schema.rule.compute(one);
        if written == computed || is_prefix(one) || is_of_layer(one, schema.rule) {
            return None;
        }
        let span = one.head.0;
        let message = format!("the id of `{}` should be {computed:08x}", one.name);
        Some(match id::known_exception(one, schema.rule) {
            Some(why) => Diagnostic::warning(DiagnosticCode::WrongId, span, message).note(why),
            None => Diagnostic::error(DiagnosticCode::WrongId, span, message)
                .note(format!("the CRC-32 of `{}`", schema.rule.normalize(one))),
        })
    });
    findings.collect()
}

/// Returns `true` if the id is that of the name without the suffix of an older layer.
fn is_of_layer(one: &Declaration, rule: IdRule) -> bool {
    layers::plain_name(one).is_some_and(|plain| {
        let renamed = Declaration { name: plain, ..one.clone() };
        Some(rule.compute(&renamed)) == one.written_id
    })
}

/// Finds the first declaration whose id depends on the rule, if the rule was not chosen.
// spec: tl 4.3
pub(crate) fn ambiguous_ids(schema: &Schema) -> Option<Diagnostic> {
    if schema.rule_source != RuleSource::Default {
        return None;
    }
    schema.declarations().filter(|one| one.written_id.is_none() && !one.builtin).find_map(|one| {
        let [api, engine] = IdRule::ALL.map(|rule| rule.compute(one));
        let message = || {
            format!(
                "`{}` has the id {api:08x} by the API rule, {engine:08x} by the engine rule",
                one.name
            )
        };
        (api != engine && !Model::is_builtin(one)).then(|| {
            Diagnostic::warning(DiagnosticCode::AmbiguousRule, one.head.0, message()).note(
                "the API rule is used; to choose, add a line `// RULE api` or `// RULE engine`",
            )
        })
    })
}

/// Returns the name of the declaration that a finding is about.
fn subject(schema: &Schema, span: Span) -> Option<String> {
    let mut all = schema.declarations();
    all.find(|one| one.place.0.contains(span)).map(|one| one.name.to_string())
}
