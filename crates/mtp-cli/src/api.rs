//! The API's schema, loaded at run time: calls from text, answers as JSON.

use anyhow::{Context, anyhow, bail};
use mtp_schema::dynamic::{Answer, Codec, Unknown};
use mtp_schema::id::IdRule;
use mtp_schema::model::{CombinatorIx, Model, Ty};
use mtp_schema::tree::Section;
use serde_json::{Map, Value};

/// The schema that is part of the program.
const SCHEMA: &str = include_str!("../../../schema/api.tl");

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
    pub(crate) fn load() -> anyhow::Result<Self> {
        let schema = mtp_schema::parse_text("api.tl", SCHEMA, IdRule::default())
            .map_err(|report| anyhow!("{report}"))?;
        let model = Model::new(&schema)
            .map_err(|faults| anyhow!("the schema has {} faults", faults.len()))?;
        Ok(Self { codec: Codec::new(model).with_unknown(Unknown::Keep) })
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
