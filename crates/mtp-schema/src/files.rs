//! Loading of schema files.

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode, SchemaReport},
    id::IdRule,
    merge::{OnConflict, merge},
    parser,
    source::{Sources, Span},
    tree::Schema,
};

/// Parses files, given as name and text, and merges them if there are several. A text that begins with `{` is in the JSON
/// form, because no TL text does. `rule` is as in [`parse`](crate::parse()); with `None`, each file decides.
///
/// # Errors
/// A report with all syntax errors of all files, or with the conflicts between them.
pub fn load(
    files: impl IntoIterator<Item = (String, String)>,
    rule: impl Into<Option<IdRule>>,
    on_conflict: OnConflict,
) -> Result<(Sources, Schema), SchemaReport> {
    let rule = rule.into();
    let mut sources = Sources::new();
    let mut schemas = Vec::new();
    let mut findings = Vec::new();
    for (name, text) in files {
        let text = if text.trim_start().starts_with('{') {
            match from_json(&text) {
                Ok(text) => text,
                Err(reason) => {
                    let message = format!("{name}: {reason}");
                    findings.push(Diagnostic::error(DiagnosticCode::Json, Span::NONE, message));
                    continue;
                }
            }
        } else {
            text
        };
        let file = sources.add(name, text);
        let (schema, mut errors) = parser::parse(&sources, file, rule);
        findings.append(&mut errors);
        schemas.push(schema);
    }
    if !findings.is_empty() {
        return Err(SchemaReport::new(sources, findings));
    }
    if schemas.len() == 1 {
        return Ok((sources, schemas.remove(0)));
    }
    match merge(&schemas, on_conflict) {
        Ok(schema) => Ok((sources, schema)),
        Err(findings) => Err(SchemaReport::new(sources, findings)),
    }
}

#[cfg(feature = "json")]
fn from_json(text: &str) -> Result<String, String> {
    crate::json::lines(text)
}

#[cfg(not(feature = "json"))]
fn from_json(_: &str) -> Result<String, String> {
    Err("JSON schemas require the feature `json`".to_owned())
}
