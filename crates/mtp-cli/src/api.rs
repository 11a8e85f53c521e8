//! The API's schema, loaded at run time: calls from text, answers as JSON.

use std::path::PathBuf;

use anyhow::{Context, bail};
use mtp_schema::dynamic::{Answer, Codec};
use mtp_schema::model::{CombinatorIx, Ty};
use mtp_schema::tree::Section;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::schema;

/// The API as text and bytes.
pub(crate) struct Api {
    codec: Codec,
}

/// A call that can be sent.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
    function: CombinatorIx,
}

impl Api {
    /// Loads these schemas, the built-in ones if there are none.
    pub(crate) fn load(files: &[PathBuf]) -> Result<Self, Failure> {
        Ok(Self { codec: schema::codec(files)? })
    }

    /// Returns the schema's layer, if it says it.
    pub(crate) fn layer(&self) -> Option<i32> {
        self.codec.model().layer().and_then(|layer| i32::try_from(layer).ok())
    }

    /// Reads `method` or `method={"argument": …}`.
    pub(crate) fn parse_call(&self, text: &str) -> anyhow::Result<Call> {
        let (name, arguments) = match text.split_once('=') {
            Some((name, json)) => (name, serde_json::from_str(json).context("not JSON")?),
            None => (text, Value::Object(Map::new())),
        };
        let Some(function) = self.codec.model().find(Section::Functions, name) else {
            bail!("the API has no method {name}");
        };
        let Value::Object(mut arguments) = arguments else { bail!("not a JSON object") };
        arguments.insert("_".to_owned(), Value::String(format!("fn:{name}")));
        let body = self.codec.encode(&Ty::Call, &Value::Object(arguments))?;
        Ok(Call { name: name.to_owned(), body, function })
    }

    /// Decodes the result of a call.
    pub(crate) fn show_result(&self, call: &Call, body: &[u8]) -> anyhow::Result<Value> {
        match self.codec.decode_result(call.function, body).with_context(|| call.name.clone())? {
            Answer::Result(decoded) => Ok(decoded.value),
            other => bail!("{}: {other:?}", call.name),
        }
    }
}
