//! The official JSON form of a schema, in both directions.

use core::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::{
    diagnostic::{Code, Diagnostic, Report},
    id::IdRule,
    parser, print,
    source::{Sources, Span},
    tree::{Declaration, Field, Schema, Section},
};

/// Writes a schema as JSON. Comments, annotations and the order of the two sections are lost, nothing else:
/// what [`from_json`] would not read back alike is refused. A field without a name, which only old forms have,
/// gets an empty one.
///
/// # Errors
/// A finding for each declaration that this form has no words for: repetitions and type arguments other than
/// those of the built-in types, calls whose result is several words.
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

/// Reads a schema in the JSON form. The reader writes each entry as a line of TL and parses that,
/// so findings point into those lines.
///
/// # Errors
/// A report on what is no JSON schema, or no TL.
// spec: tl 5
pub fn from_json(name: &str, text: &str) -> Result<Schema, Report> {
    let lines = lines(text).map_err(|why| {
        let finding = Diagnostic::error(Code::Json, Span::NONE, format!("{name}: {why}"));
        Report::new(Sources::new(), vec![finding])
    })?;
    parser::parse_text(name, &lines, IdRule::Api)
}

/// Writes the entries of a JSON schema as lines of TL.
pub(crate) fn lines(text: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut lines = String::new();
    for (list, key, marker) in
        [("constructors", "predicate", ""), ("methods", "method", "---functions---\n")]
    {
        let Some(entries) = value.get(list) else { continue };
        let entries = entries.as_array().ok_or_else(|| format!("{list}: no list"))?;
        if !entries.is_empty() {
            lines.push_str(marker);
        }
        for (at, entry) in entries.iter().enumerate() {
            let line = declaration(entry, key).map_err(|why| format!("{list}[{at}]: {why}"))?;
            lines.push_str(&line);
        }
    }
    Ok(lines)
}

/// Writes a declaration, and reads it again to see whether the form has words for all of it.
fn entry(one: &Declaration, id: u32, key: &str) -> Result<Value, Diagnostic> {
    // `vector` and numbers of many words are listed with their types and no more.
    let is_known = one.parameters.iter().any(|p| p.name == "t")
        || matches!(one.name.as_str(), "int128" | "int256");
    let params: Vec<_> = if is_known { Vec::new() } else { one.fields.iter().map(param).collect() };
    let entry = json!({
        // The parser and `from_json` keep to 32 bits; the official form is signed.
        "id": id.cast_signed().to_string(),
        key: one.name.as_str(),
        "params": params,
        "type": result_text(one),
    });
    let read = declaration(&entry, key);
    let mut meant = Declaration { annotations: Vec::new(), written_id: Some(id), ..one.clone() };
    // A line alone stands in the section of types.
    meant.section = Section::Types;
    let same =
        read.as_ref().ok().and_then(|line| parser::parse_text("json", line, IdRule::Api).ok());
    if same.is_some_and(|again| again.declarations().eq([&meant])) {
        return Ok(entry);
    }
    let finding = Diagnostic::error(
        Code::Json,
        one.place.0,
        format!("the JSON form has no words for `{}`", one.name),
    );
    Err(match read {
        Ok(line) => finding.note(format!("it would be read back as `{}`", line.trim_end())),
        Err(why) => finding.note(why),
    })
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
    line.push_str(match name {
        _ if !params.is_empty() => &fields,
        "vector" => " {t:Type} # [ t ]",
        "int" | "long" | "double" | "string" | "object" | "function" => " ?",
        "int128" => " 4*[ int ]",
        "int256" => " 8*[ int ]",
        _ => "",
    });
    let _ = writeln!(line, " = {result};");
    Ok(line)
}

/// Takes a string of letters, digits, `_`, `.` and some marks, so that it cannot end its line of TL.
fn word<'v>(entry: &'v Map<String, Value>, key: &str, marks: &str) -> Result<&'v str, String> {
    let text =
        entry.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is no string"))?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || marks.contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        Ok(text)
    } else {
        Err(format!("`{key}` is {text:?}, which no schema can have there"))
    }
}

/// A signed number in a string; unsigned ones and plain numbers are let pass.
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
