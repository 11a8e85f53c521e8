//! What the commands `mtp schema` and `mtp tl` do, from texts to texts; the command line reads the
//! arguments and the files.
//!
//! | command | here |
//! |---|---|
//! | `mtp schema check` | [`check`] |
//! | `mtp schema fmt` | [`format()`] |
//! | `mtp schema diff` | [`diff`] |
//! | `mtp schema json` | [`to_json`], [`from_json`] |
//! | `mtp schema gen` | [`Generator`](crate::generate::Generator) |
//! | `mtp tl decode` | [`bytes`], [`codec`], [`decode`] |
//! | `mtp tl encode` | [`codec`], [`encode`] |

use core::fmt;

use serde_json::{Value, json};

use crate::{
    diagnostic::Report,
    diff::Diff,
    dynamic::{Answer, Codec, DecodeError, Decoded, EncodeError},
    files,
    id::IdRule,
    json,
    merge::OnConflict,
    model::{CombinatorIx, Model, Ty},
    print,
    tree::{Schema, Section},
};

/// A file: the name that messages show, and its text.
pub type File = (String, String);

/// Finds everything that is wrong with a schema in one or several files. The report has no errors if all
/// is well; it may have warnings.
#[must_use]
pub fn check(files: Vec<File>, rule: IdRule) -> Report {
    match files::load(files, rule, OnConflict::Refuse) {
        Ok((sources, schema)) => Report::new(sources, crate::check(&schema)),
        Err(report) => report,
    }
}

/// How [`format()`] lays a schema out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// In the order of the file, with its comments.
    #[default]
    AsWritten,
    /// Types by name, then functions by namespace; comments are left out.
    Sorted,
}

/// Prints a schema canonically.
///
/// # Errors
/// The schema has syntax errors.
pub fn format(file: File, rule: IdRule, layout: Layout) -> Result<String, Report> {
    let schema = one(file, rule)?;
    Ok(match layout {
        Layout::AsWritten => print::schema(&schema),
        Layout::Sorted => print::sorted(&schema),
    })
}

/// Compares two schemas.
///
/// # Errors
/// One of them has syntax errors.
pub fn diff(old: File, new: File, rule: IdRule) -> Result<Diff, Report> {
    Ok(Diff::new(&one(old, rule)?, &one(new, rule)?))
}

/// Writes a schema in the official JSON form.
///
/// # Errors
/// The schema has syntax errors, or declarations that the JSON form has no words for.
pub fn to_json(file: File, rule: IdRule) -> Result<String, Report> {
    let (sources, schema) = files::load(vec![file], rule, OnConflict::Refuse)?;
    let value = json::to_json(&schema).map_err(|findings| Report::new(sources, findings))?;
    Ok(format!("{value:#}\n"))
}

/// Writes a JSON schema in the text form.
///
/// # Errors
/// It is no JSON schema.
pub fn from_json(file: &File) -> Result<String, Report> {
    json::from_json(&file.0, &file.1).map(|schema| print::schema(&schema))
}

/// Makes a codec of one or several schema files; constructors that clash get the later one's layer or id as a
/// suffix.
///
/// # Errors
/// The schema has errors other than wrong ids.
pub fn codec(files: Vec<File>, rule: IdRule) -> Result<Codec, Report> {
    let (sources, schema) = files::load(files, rule, OnConflict::Rename)?;
    Model::new(&schema).map(Codec::new).map_err(|findings| Report::new(sources, findings))
}

/// What bytes or JSON are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Any boxed value or call.
    #[default]
    Any,
    /// A value of this type, such as `Vector<User>`, or bare, such as `inputPeerUser`.
    Type(String),
    /// The result of this function.
    ResultOf(String),
    /// A whole `rpc_result` for a call of this function.
    AnswerOf(String),
}

/// Reads bytes into JSON.
///
/// # Errors
/// The schema does not have what `target` names, or the bytes are no such value.
pub fn decode(codec: &Codec, target: &Target, bytes: &[u8]) -> Result<Decoded, CommandError> {
    let answer = match target {
        Target::Any => {
            let id = bytes.first_chunk().map(|id| u32::from_le_bytes(*id));
            let call = id.and_then(|id| codec.model().find_id(Section::Functions, id));
            let ty = if call.is_some() { Ty::Call } else { Ty::Object };
            return Ok(codec.decode(&ty, bytes)?);
        }
        Target::Type(text) => return Ok(codec.decode(&type_of(codec, text)?, bytes)?),
        Target::ResultOf(name) => codec.decode_result(function(codec, name)?, bytes)?,
        Target::AnswerOf(name) => {
            let function = function(codec, name)?;
            codec.decode_rpc_result(bytes, |_| Some(function))?.1
        }
    };
    Ok(match answer {
        Answer::Result(decoded) => decoded,
        Answer::Error { code, message } => {
            let value = json!({ "_": "rpc_error", "error_code": code, "error_message": message });
            Decoded { value, lost: Vec::new() }
        }
    })
}

/// Writes JSON as bytes.
///
/// # Errors
/// The schema does not have what `target` names, or the JSON is no such value.
pub fn encode(codec: &Codec, target: &Target, value: &Value) -> Result<Vec<u8>, CommandError> {
    Ok(match target {
        Target::Any => {
            let name = value.get("_").and_then(Value::as_str).unwrap_or("");
            let ty = if name.starts_with("fn:") { Ty::Call } else { Ty::Object };
            codec.encode(&ty, value)?
        }
        Target::Type(text) => codec.encode(&type_of(codec, text)?, value)?,
        Target::ResultOf(name) | Target::AnswerOf(name) => {
            codec.encode_result(function(codec, name)?, value)?
        }
    })
}

/// Reads bytes from text: hexadecimal digits, else base64 in either alphabet; white space is skipped. Text that is
/// both is hexadecimal.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    crate::dynamic::from_hex(digits).or_else(|| from_base64(&text))
}

/// Why a command could not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// The schema does not have what was asked for.
    Unknown(String),
    /// The bytes cannot be read.
    Decode(DecodeError),
    /// The JSON cannot be written.
    Encode(EncodeError),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(message) => f.write_str(message),
            Self::Decode(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CommandError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unknown(_) => None,
            Self::Decode(error) => Some(error),
            Self::Encode(error) => Some(error),
        }
    }
}

impl From<DecodeError> for CommandError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<EncodeError> for CommandError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

fn one(file: File, rule: IdRule) -> Result<Schema, Report> {
    files::load([file], rule, OnConflict::Refuse).map(|(_, schema)| schema)
}

fn type_of(codec: &Codec, text: &str) -> Result<Ty, CommandError> {
    codec.model().type_of(text).map_err(|finding| CommandError::Unknown(finding.message))
}

fn function(codec: &Codec, name: &str) -> Result<CombinatorIx, CommandError> {
    let found = codec.model().find(Section::Functions, name);
    found.ok_or_else(|| CommandError::Unknown(format!("the schema has no function `{name}`")))
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for byte in group {
            let digit = match byte {
                b'A'..=b'Z' => byte.checked_sub(b'A')?,
                b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(26)?,
                b'0'..=b'9' => byte.checked_sub(b'0')?.checked_add(52)?,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                _ => return None,
            };
            word = word << 6 | u32::from(digit);
        }
        // 2, 3 or 4 digits are 1, 2 or 3 bytes; what is left over must be nothing.
        let len = group.len().checked_sub(1).filter(|&len| len > 0)?;
        let missing = u32::try_from(4_usize.checked_sub(group.len())?).ok()?;
        let [_, bytes @ ..] = (word << missing.checked_mul(6)?).to_be_bytes();
        let (used, spare) = bytes.split_at_checked(len)?;
        if spare.iter().any(|&byte| byte != 0) {
            return None;
        }
        out.extend_from_slice(used);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_from_text() {
        for (text, expected) in [
            ("", Some(&b""[..])),
            ("0x61 62\n63", Some(b"abc")),
            ("YWJj", Some(b"abc")),
            ("YWI=", Some(b"ab")),
            ("_-8", Some(b"\xff\xef")),
            ("YWJ", None),
            ("Y", None),
            ("6", None),
            ("§", None),
        ] {
            assert_eq!(bytes(text).as_deref(), expected, "{text}");
        }
    }
}
