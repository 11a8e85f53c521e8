//! Schemas: the program's own, or the user's.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use mtp_schema::diagnostic::{Diagnostic, Report};
use mtp_schema::dynamic::{Codec, Unknown};
use mtp_schema::id::IdRule;
use mtp_schema::merge::{OnConflict, merge};
use mtp_schema::model::Model;
use mtp_schema::source::Sources;
use mtp_schema::tree::Schema;

use crate::failure::Failure;
use crate::terminal;

/// What the program knows without a file: the API, and the messages that carry it.
const BUILT_IN: [(&str, &str); 2] = [
    ("api.tl", include_str!("../../../schema/api.tl")),
    ("mtproto.tl", include_str!("../../../schema/mtproto.tl")),
];

/// Makes a codec of these files, of the built-in schemas if there are none.
///
/// What two schemas declare differently has both meanings, the later one's under another name.
/// Constructors that no schema has are kept as bytes.
pub(crate) fn codec(files: &[PathBuf]) -> Result<Codec, Failure> {
    let mut reader = Reader::new(IdRule::Api);
    let read = if files.is_empty() {
        BUILT_IN.map(|(name, text)| reader.parse(name, text.to_owned())).into()
    } else {
        files.iter().map(|file| reader.read(file)).collect::<Result<Vec<_>, _>>()?
    };
    let whole = reader.merged(read, OnConflict::Rename)?;
    let model = Model::new(&whole).map_err(|findings| reader.refuse(findings))?;
    Ok(Codec::new(model).with_unknown(Unknown::Keep))
}

/// Reads schemas and remembers their texts, to point into them.
pub(crate) struct Reader {
    sources: Sources,
    rule: IdRule,
}

/// A schema with the text it was read from and what is wrong there.
pub(crate) struct Loaded {
    pub(crate) text: String,
    pub(crate) schema: Schema,
    pub(crate) findings: Vec<Diagnostic>,
}

impl Reader {
    pub(crate) fn new(rule: IdRule) -> Self {
        Self { sources: Sources::new(), rule }
    }

    /// Reads a file in the text form or, if its name ends in `.json`, in the JSON form; `-` is the
    /// standard input.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Loaded, Failure> {
        let text = read_text(path)?;
        let name = path.display().to_string();
        if !is_json(path) {
            return Ok(self.parse(&name, text));
        }
        match mtp_schema::json::from_json(&name, &text) {
            Ok(schema) => Ok(Loaded { text, schema, findings: Vec::new() }),
            Err(report) => Err(refuse(&report)),
        }
    }

    fn parse(&mut self, name: &str, text: String) -> Loaded {
        let file = self.sources.add(name, text.as_str());
        let (schema, findings) = mtp_schema::parse(&self.sources, file, self.rule);
        Loaded { text, schema, findings }
    }

    /// Returns the schema if its text has no errors.
    pub(crate) fn accept(&self, loaded: Loaded) -> Result<Schema, Failure> {
        if loaded.findings.is_empty() {
            return Ok(loaded.schema);
        }
        Err(self.refuse(loaded.findings))
    }

    /// Joins schemas.
    pub(crate) fn merged(
        &self,
        parts: Vec<Loaded>,
        on_conflict: OnConflict,
    ) -> Result<Schema, Failure> {
        let mut parts =
            parts.into_iter().map(|part| self.accept(part)).collect::<Result<Vec<_>, Failure>>()?;
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                parts.extend(last);
                merge(&parts, on_conflict).map_err(|findings| self.refuse(findings))
            }
        }
    }

    /// Joins findings with the texts they are about.
    pub(crate) fn report(&self, findings: Vec<Diagnostic>) -> Report {
        Report::new(self.sources.clone(), findings)
    }

    fn refuse(&self, findings: Vec<Diagnostic>) -> Failure {
        refuse(&self.report(findings))
    }
}

/// Shows findings and returns the error that sums them up.
pub(crate) fn refuse(report: &Report) -> Failure {
    terminal::report(report);
    anyhow!("the schema cannot be used").into()
}

/// Tells whether a file's name says that it holds JSON.
pub(crate) fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// Reads a file of text; `-` is the standard input.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
