//! Calls from text and answers as JSON, with a schema that is loaded at run time.

use anyhow::{Context, bail};
use mtp_schema::dynamic::{Codec, DecodedAnswer};
use mtp_schema::model::{CombinatorIx, Ty};
use mtp_schema::tree::Section;
use mtp_session::client::{ClientInfo, InitParams};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::schema::{self, SchemaOption};

/// A codec for calls and answers of the API.
pub(crate) struct Api {
    codec: Codec,
}

/// An encoded call.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
    function: CombinatorIx,
}

impl Api {
    /// Loads the built-in schemas.
    pub(crate) fn built_in() -> Result<Self, Failure> {
        Self::load(&SchemaOption::default())
    }

    /// Loads the schemas of a command's options.
    pub(crate) fn load(option: &SchemaOption) -> Result<Self, Failure> {
        Ok(Self { codec: schema::codec(option)? })
    }

    /// Returns the parameters of `initConnection` for this application; `None` if the schema does not state its layer.
    pub(crate) fn introduction(&self, api_id: i32) -> Option<InitParams> {
        let layer = self.codec.model().layer().and_then(|layer| i32::try_from(layer).ok())?;
        Some(InitParams::new(
            layer,
            &ClientInfo {
                api_id,
                device_model: "mtp",
                system_version: std::env::consts::OS,
                app_version: env!("CARGO_PKG_VERSION"),
                system_lang_code: "en",
                lang_pack: "",
                lang_code: "en",
            },
        ))
    }

    /// Parses `method` or `method={"argument": …}`.
    pub(crate) fn parse_call(&self, text: &str) -> anyhow::Result<Call> {
        let (name, arguments) = match text.split_once('=') {
            Some((name, json)) => (name, serde_json::from_str(json).context("not JSON")?),
            None => (text, Value::Object(Map::new())),
        };
        self.call(name, arguments)
    }

    /// Encodes a call of a method with its arguments.
    pub(crate) fn call(&self, name: &str, arguments: Value) -> anyhow::Result<Call> {
        let Some(function) = self.codec.model().find(Section::Functions, name) else {
            bail!("the API has no method {name}");
        };
        let Value::Object(mut arguments) = arguments else { bail!("not a JSON object") };
        arguments.insert("_".to_owned(), Value::String(format!("fn:{name}")));
        let body = self.codec.encode(&Ty::Call, &Value::Object(arguments))?;
        Ok(Call { name: name.to_owned(), body, function })
    }

    /// Returns the name of the call or value in `body`, or its id if the schema does not have it.
    pub(crate) fn name_of(&self, body: &[u8]) -> String {
        let Some(id) = body.first_chunk().map(|id| u32::from_le_bytes(*id)) else {
            return "nothing".to_owned();
        };
        let model = self.codec.model();
        let sections = [Section::Functions, Section::Types];
        let found = sections.iter().find_map(|section| model.find_id(*section, id));
        found.map_or_else(|| format!("#{id:08x}"), |found| model.combinator(found).name.to_string())
    }

    /// Decodes an object, such as an update.
    pub(crate) fn read(&self, body: &[u8]) -> anyhow::Result<Value> {
        Ok(self.codec.decode(&Ty::Object, body)?.value)
    }

    /// Decodes the result of a call.
    pub(crate) fn show_result(&self, call: &Call, body: &[u8]) -> anyhow::Result<Value> {
        match self.codec.decode_result(call.function, body).with_context(|| call.name.clone())? {
            DecodedAnswer::Result(decoded) => Ok(decoded.value),
            other => bail!("{}: {other:?}", call.name),
        }
    }
}
