//! The official JSON form of a schema, in both directions.

use core::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode, SchemaReport},
    id::IdRule,
    parser, print,
    source::{Sources, Span},
    tree::{Declaration, Field, Schema, Section},
};

/// Writes a schema as JSON. Comments, annotations and the order of the two sections are lost and nothing else: a
/// declaration that [`from_json`] would not read back unchanged is refused. A field without a name, which only old
/// forms have, gets an empty name.
///
/// Two keys are not in the official form, and readers ignore them: `layer`, as the schemas of secret chats have it, and
/// `"builtin": false` for a built-in type in another than its usual form, such as `int256 = Int256`.
///
/// # Errors
/// A finding for each declaration that has no JSON form: repetitions and type arguments other than those of built-in
/// types, and results that are several words.
// spec: tl 5
pub fn to_json(schema: &Schema) -> Result<Value, Vec<Diagnostic>> {
    let (mut constructors, mut methods, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for one in schema.declarations() {
        let (list, key) = match one.section {
            Section::Types => (&mut constructors, "predicate"),
            Section::Functions => (&mut methods, "method"),
        };
        match entry(one, one.id(schema.rule), key) {
            Ok(entry) => list.push(entry),
            Err(finding) => findings.push(finding),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(json!({ "constructors": constructors, "methods": methods }))
}

/// Parses a schema in the JSON form. Each entry is written as a line of TL and parsed, so findings point into these
/// lines.
///
/// # Errors
/// A report about text that is no JSON schema, or about entries that are no TL.
// spec: tl 5
pub fn from_json(name: &str, text: &str) -> Result<Schema, SchemaReport> {
    let lines = lines(text).map_err(|why| {
        let finding = Diagnostic::error(DiagnosticCode::Json, Span::NONE, format!("{name}: {why}"));
        SchemaReport::new(Sources::new(), vec![finding])
    })?;
    parser::parse_text(name, &lines, None)
}

/// Writes the entries of a JSON schema as lines of TL.
pub(crate) fn lines(text: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut lines = String::new();
    for (list, key, section) in
        [("constructors", "predicate", "---types---\n"), ("methods", "method", "---functions---\n")]
    {
        let Some(entries) = value.get(list) else { continue };
        let entries = entries.as_array().ok_or_else(|| format!("{list}: no list"))?;
        // A schema starts in the types section.
        if !entries.is_empty() && list == "methods" {
            lines.push_str(section);
        }
        let mut layer = None;
        for (at, entry) in entries.iter().enumerate() {
            let own = layer_of(entry);
            if layer != own {
                layer = own;
                match own {
                    Some(layer) => {
                        let _ = writeln!(lines, "==={layer}===");
                    }
                    None => lines.push_str(section),
                }
            }
            let line = declaration(entry, key).map_err(|why| format!("{list}[{at}]: {why}"))?;
            lines.push_str(&line);
        }
    }
    Ok(lines)
}

/// Returns the layer of an entry, which is a number or a string.
fn layer_of(entry: &Value) -> Option<u32> {
    match entry.get("layer")? {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Writes a declaration, and reads it back to see whether the form holds all of it.
fn entry(one: &Declaration, id: u32, key: &str) -> Result<Value, Diagnostic> {
    let mut entry = json!({
        // The parser and `from_json` keep to 32 bits; the official form is signed.
        "id": id.cast_signed().to_string(),
        key: one.name.as_str(),
        "params": [],
        "type": result_text(one),
    });
    if let (Some(layer), Some(object)) = (one.layer, entry.as_object_mut()) {
        object.insert("layer".to_owned(), layer.into());
    }
    let meant = Declaration {
        annotations: Vec::new(),
        written_id: Some(id),
        // A line alone is in the section of types, and in no layer.
        section: Section::Types,
        layer: None,
        ..one.clone()
    };
    let reads_back = |entry: &Value| {
        let line = declaration(entry, key)?;
        match parser::parse_text("json", &line, IdRule::Api) {
            Ok(again) if again.declarations().eq([&meant]) => Ok(()),
            _ => Err(format!("it would be read back as `{}`", line.trim_end())),
        }
    };
    // The fields of built-in types are not listed.
    if is_builtin_form(one) && reads_back(&entry).is_ok() {
        return Ok(entry);
    }
    let object = entry.as_object_mut();
    if let Some(object) = object {
        object.insert("params".to_owned(), one.fields.iter().map(param).collect());
        if BUILTIN_FORMS.iter().any(|(name, _)| *name == one.name.as_str()) {
            object.insert("builtin".to_owned(), false.into());
        }
    }
    reads_back(&entry).map(|()| entry).map_err(|why| {
        let message = format!("`{}` has no JSON form", one.name);
        Diagnostic::error(DiagnosticCode::Json, one.place.0, message).note(why)
    })
}

fn is_builtin_form(one: &Declaration) -> bool {
    one.builtin || BUILTIN_FORMS.iter().any(|(name, _)| *name == one.name.as_str())
}

fn param(field: &Field) -> Value {
    let anonymous = Field { name: None, ..field.clone() };
    let name = field.name.as_deref().unwrap_or_default();
    json!({ "name": name, "type": print::field(&anonymous) })
}

/// `Vector t` for the built-in vector, the canonical text otherwise.
fn result_text(one: &Declaration) -> String {
    let text = one.to_string();
    text.rsplit_once(" = ").map_or("", |(_, result)| result).trim_end_matches(';').to_owned()
}

fn declaration(entry: &Value, key: &str) -> Result<String, String> {
    let entry = entry.as_object().ok_or("no object")?;
    let name = word(entry, key, "")?;
    let result = word(entry, "type", "<> ")?;
    let id = id(entry.get("id").ok_or("`id` is missing")?)?;
    let params = match entry.get("params") {
        Some(params) => params.as_array().ok_or("`params` is no list")?.as_slice(),
        None => &[],
    };
    let mut line = format!("{name}#{id:08x}");
    let mut fields = String::new();
    let mut variable = None;
    for param in params {
        let param = param.as_object().ok_or("a parameter is no object")?;
        let ty = word(param, "type", "#!?%<>(),*[]:+ ")?;
        if let Some(name) = ty.strip_prefix('!') {
            variable = Some(name.to_owned());
        }
        let _ = match param.get("name").and_then(Value::as_str) {
            Some("") => write!(fields, " {ty}"),
            _ => write!(fields, " {}:{ty}", word(param, "name", "")?),
        };
    }
    if let Some(variable) = variable {
        let _ = write!(line, " {{{variable}:Type}}");
    }
    let form = BUILTIN_FORMS.iter().find(|(builtin, _)| *builtin == name);
    let is_builtin = params.is_empty() && entry.get("builtin") != Some(&Value::Bool(false));
    line.push_str(match form {
        Some((_, form)) if is_builtin => form,
        _ => &fields,
    });
    let _ = writeln!(line, " = {result};");
    Ok(line)
}

/// Built-in types, and the fields that the official form does not list.
const BUILTIN_FORMS: [(&str, &str); 9] = [
    ("vector", " {t:Type} # [ t ]"),
    ("int", " ?"),
    ("long", " ?"),
    ("double", " ?"),
    ("string", " ?"),
    ("object", " ?"),
    ("function", " ?"),
    ("int128", " 4*[ int ]"),
    ("int256", " 8*[ int ]"),
];

/// Takes a string of letters, digits, `_`, `.` and some marks, so that it cannot end its line of TL.
fn word<'v>(entry: &'v Map<String, Value>, key: &str, marks: &str) -> Result<&'v str, String> {
    let text =
        entry.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is no string"))?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || marks.contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        Ok(text)
    } else {
        Err(format!("`{key}` is {text:?}, which is not allowed there"))
    }
}

/// Reads a signed number in a string. Unsigned and plain numbers are accepted.
fn id(value: &Value) -> Result<u32, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err("`id` is no number".to_owned()),
    };
    let signed = text.parse::<i32>().map(i32::cast_unsigned);
    signed
        .or_else(|_| text.parse::<u32>())
        .map_err(|_| format!("`id` is {text:?}, no 32-bit number"))
}
