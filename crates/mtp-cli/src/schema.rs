//! Schemas: the built-in ones, or the user's.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use mtp_schema::check;
use mtp_schema::diagnostic::{Diagnostic, DiagnosticCode, SchemaReport};
use mtp_schema::dynamic::{Codec, Unknown};
use mtp_schema::id::{IdRule, RuleSource};
use mtp_schema::merge::{OnConflict, merge};
use mtp_schema::model::Model;
use mtp_schema::source::Sources;
use mtp_schema::tree::Schema;

use crate::failure::Failure;
use crate::terminal;

/// The schemas that are used without a file: the API, and the service messages that carry it.
const BUILT_IN: [(&str, &str); 2] = [
    ("api.tl", include_str!("../../../schema/api.tl")),
    ("mtproto.tl", include_str!("../../../schema/mtproto.tl")),
];

/// The options of a command that reads values by a schema.
#[derive(Args, Default)]
pub(crate) struct SchemaOption {
    /// Schema file, text or JSON; several are merged [default: the API and service messages]
    #[arg(long = "schema", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    rule: RuleOption,
}

/// The option that chooses how ids are computed.
#[derive(Args, Default)]
pub(crate) struct RuleOption {
    /// Rule that computes ids that are not written [default: that of a line `// RULE engine` in the file, else
    /// detected from ids and built-in types, else api]
    #[arg(long, value_enum, value_name = "RULE")]
    rule: Option<Rule>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Rule {
    /// The client API, the service schema, secret chats
    Api,
    /// TON, TDLib's own API, VK
    Engine,
}

impl RuleOption {
    pub(crate) fn get(&self) -> Option<IdRule> {
        self.rule.map(|rule| match rule {
            Rule::Api => IdRule::Api,
            Rule::Engine => IdRule::Engine,
        })
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader { sources: Sources::new(), rule: self.get() }
    }
}

/// Returns a codec for the schemas of a command's options.
///
/// Where two schemas declare a name differently, both declarations are kept, the later one under another name. Unknown
/// constructors are kept as bytes.
pub(crate) fn codec(option: &SchemaOption) -> Result<Codec, Failure> {
    let mut reader = option.rule.reader();
    let read = if option.files.is_empty() {
        reader.rule = Some(IdRule::Api);
        BUILT_IN.map(|(name, text)| reader.parse(name, text.to_owned())).into()
    } else {
        option.files.iter().map(|file| reader.read(file)).collect::<Result<Vec<_>, _>>()?
    };
    for loaded in &read {
        reader.warn_of_ambiguous_rule(&loaded.schema);
    }
    let whole = reader.merged(read, OnConflict::Rename)?;
    let model = Model::new(&whole).map_err(|findings| reader.refuse(findings))?;
    Ok(Codec::new(model).with_unknown(Unknown::Keep))
}

/// Reads schemas and keeps their texts, for reports that point into them.
pub(crate) struct Reader {
    sources: Sources,
    rule: Option<IdRule>,
}

/// A schema, its text, and the syntax errors in it.
pub(crate) struct Loaded {
    pub(crate) text: String,
    pub(crate) schema: Schema,
    pub(crate) findings: Vec<Diagnostic>,
}

impl Reader {
    /// Reads a file in the text form or, if its name ends in `.json`, in the JSON form; `-` is the standard input.
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

    /// Merges schemas.
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

    /// Joins findings with the texts they point into.
    pub(crate) fn report(&self, findings: Vec<Diagnostic>) -> SchemaReport {
        SchemaReport::new(self.sources.clone(), findings)
    }

    /// Prints a warning if ids depend on the rule and neither the user nor the file chose one.
    fn warn_of_ambiguous_rule(&self, schema: &Schema) {
        if schema.rule_source != RuleSource::Default {
            return;
        }
        let mut findings = check(schema);
        findings.retain(|finding| finding.code == DiagnosticCode::AmbiguousRule);
        if !findings.is_empty() {
            terminal::report(&self.report(findings));
        }
    }

    fn refuse(&self, findings: Vec<Diagnostic>) -> Failure {
        refuse(&self.report(findings))
    }
}

/// Prints findings and returns the error that sums them up.
pub(crate) fn refuse(report: &SchemaReport) -> Failure {
    terminal::report(report);
    anyhow!("the schema cannot be used").into()
}

/// Returns `true` if a file's name ends in `.json`.
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
