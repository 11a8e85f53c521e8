//! `mtp tl`: decodes bytes to JSON and encodes JSON to bytes.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use mtp_schema::dynamic::{Codec, Decoded, DecodedAnswer};
use mtp_schema::model::{CombinatorIx, Ty};
use mtp_schema::tree::Section;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::notation::{self, Notation};
use crate::schema::SchemaOption;
use crate::{schema, terminal};

/// Arguments of `mtp tl`.
#[derive(Args)]
pub(crate) struct TlArguments {
    #[command(subcommand)]
    command: TlCommand,
}

#[derive(Subcommand)]
enum TlCommand {
    /// Decodes bytes and prints them as JSON
    Decode(Decode),
    /// Encodes JSON and prints the bytes
    Encode(Encode),
}

#[derive(Args)]
struct Decode {
    /// The bytes, in hexadecimal or base64
    #[arg(value_name = "BYTES", required_unless_present = "file")]
    text: Option<String>,
    /// A file with the raw bytes; - is the standard input
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
struct Encode {
    /// The value, as `mtp tl decode` prints it
    #[arg(value_name = "JSON", required_unless_present = "file")]
    text: Option<String>,
    /// A file with the JSON; - is the standard input
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// The notation of the bytes
    #[arg(long, value_enum, default_value_t = Notation::Hex, value_name = "NOTATION")]
    to: Notation,
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
struct What {
    /// The type, such as `Vector<User>`, or `user` for that constructor without its id [default: any boxed value or
    /// call]
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "method")]
    ty: Option<String>,
    /// The bytes are the result of this method
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    #[command(flatten)]
    schema: SchemaOption,
}

/// The meaning of the bytes.
enum Meaning {
    /// A value of a type.
    Value(Ty),
    /// A boxed value or a call, by its id.
    Any,
    /// The result of a call.
    Result(CombinatorIx),
}

impl What {
    fn resolve(&self) -> Result<(Codec, Meaning), Failure> {
        let codec = schema::codec(&self.schema)?;
        let model = codec.model();
        let meaning = match (&self.ty, &self.method) {
            (Some(ty), _) => Meaning::Value(
                model.type_of(ty).map_err(|why| anyhow!("--type {ty}: {}", why.message))?,
            ),
            (None, Some(method)) => Meaning::Result(
                model
                    .find(Section::Functions, method)
                    .with_context(|| format!("--method {method}: the schema has no such method"))?,
            ),
            (None, None) => Meaning::Any,
        };
        Ok((codec, meaning))
    }
}

pub(crate) fn run(arguments: &TlArguments) -> Result<(), Failure> {
    match &arguments.command {
        TlCommand::Decode(arguments) => decode(arguments),
        TlCommand::Encode(arguments) => encode(arguments),
    }
}

fn decode(arguments: &Decode) -> Result<(), Failure> {
    let bytes = match (&arguments.text, &arguments.file) {
        (Some(text), _) => notation::read(text).context("BYTES")?,
        (None, Some(path)) => read_bytes(path)?,
        (None, None) => return Err(anyhow!("nothing to decode").into()),
    };
    let (codec, meaning) = arguments.what.resolve()?;
    let decoded = match meaning {
        Meaning::Value(ty) => codec.decode(&ty, &bytes)?,
        Meaning::Any => codec.decode(&any(&codec, &bytes), &bytes)?,
        Meaning::Result(method) => match codec.decode_result(method, &bytes)? {
            DecodedAnswer::Result(decoded) => decoded,
            DecodedAnswer::Error { code, message } => {
                let error =
                    json!({ "_": "rpc_error", "error_code": code, "error_message": message });
                terminal::json(&error);
                return Ok(());
            }
            _ => return Err(anyhow!("unsupported kind of answer").into()),
        },
    };
    show(&decoded);
    Ok(())
}

/// Returns the type of a call or of a value, by the id at the start.
fn any(codec: &Codec, bytes: &[u8]) -> Ty {
    let id = bytes.first_chunk().map(|id| u32::from_le_bytes(*id));
    let is = |section| id.is_some_and(|id| codec.model().find_id(section, id).is_some());
    if is(Section::Functions) && !is(Section::Types) { Ty::Call } else { Ty::Object }
}

fn show(decoded: &Decoded) {
    terminal::json(&decoded.value);
    for lost in &decoded.lost {
        let note = format!("byte {}: the schema has no #{:08x}", lost.offset, lost.id);
        terminal::note(&note);
    }
}

fn encode(arguments: &Encode) -> Result<(), Failure> {
    let text = match (&arguments.text, &arguments.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => schema::read_text(path)?,
        (None, None) => return Err(anyhow!("nothing to encode").into()),
    };
    let value: Value = serde_json::from_str(&text).context("not JSON")?;
    let (codec, meaning) = arguments.what.resolve()?;
    let bytes = match meaning {
        Meaning::Value(ty) => codec.encode(&ty, &value)?,
        Meaning::Any => {
            codec.encode(if is_call(&value) { &Ty::Call } else { &Ty::Object }, &value)?
        }
        Meaning::Result(method) => codec.encode_result(method, &value)?,
    };
    match arguments.to {
        Notation::Hex => terminal::result(notation::hex(&bytes)),
        Notation::Base64 => terminal::result(notation::base64(&bytes)),
        Notation::Raw => terminal::bytes(&bytes),
    }
    Ok(())
}

fn is_call(value: &Value) -> bool {
    value.get("_").and_then(Value::as_str).is_some_and(|name| name.starts_with("fn:"))
}

fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read the standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
