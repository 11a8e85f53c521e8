//! Generation of Rust code.
//!
//! A `build.rs` takes three lines:
//!
//! ```no_run
//! # use mtp_schema::{diagnostic::SchemaReport, generate::Generator};
//! fn main() -> Result<(), SchemaReport> {
//!     Generator::new().schema_file("schema/api.tl").only(["updates", "users.getUsers"]).build("api")
//! }
//! ```
//!
//! and the library one more: `pub mod api { include!(concat!(env!("OUT_DIR"), "/api.rs")); }`.
//!
//! Generated forms:
//!
//! | TL | Rust |
//! |---|---|
//! | a type | an enum in `types`; a struct if there is one constructor |
//! | a constructor beside others | a struct in `variants` |
//! | a function | a struct in `functions` with the type of its result |
//! | a namespace | a module inside each of these |
//! | `flags.3?T` | `Option<T>`; the flags word itself is computed |
//! | `flags.3?true` | `bool` |
//! | several values under one bit | one `Option` of a struct in `groups`: they are present together |
//! | `true` beside a value under one bit | a method that returns `true` if the value is present |
//!
//! `docs/decisions/0003-generated-code.md` has the reasons.
//!
//! The same schema and options give the same text. Types that contain a string have a lifetime and borrow from the
//! input; `into_owned` copies what they borrow.

mod emit;
mod emit_call;
mod emit_encode;
mod emit_ids;
mod emit_large;
mod emit_struct;
mod layout;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode, SchemaReport, Severity},
    files,
    id::IdRule,
    merge::OnConflict,
    model::Model,
    source::{Sources, Span},
    tree::Schema,
};

/// Builder for generated code.
#[derive(Clone, Debug)]
#[must_use]
pub struct Generator {
    inputs: Vec<Input>,
    rule: Option<IdRule>,
    only: BTreeSet<String>,
    options: Options,
}

#[derive(Clone, Debug)]
enum Input {
    File(PathBuf),
    Text { name: String, text: String },
}

/// Generated code, with warnings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Generated {
    /// The code.
    pub code: String,
    /// Declarations that are left out, and ids that depend on an unspecified rule.
    pub warnings: SchemaReport,
}

/// Options that affect the generated text.
#[derive(Clone, Debug)]
struct Options {
    runtime: String,
    derives: Vec<&'static str>,
    function_decoders: Gate,
    calls: Gate,
    registry: Gate,
    link: Option<String>,
}

/// Condition under which a part of the code is generated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gate {
    /// Always.
    Always,
    /// Never.
    Never,
    /// If a feature of the crate that holds the code is on.
    Feature(String),
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator {
    /// Creates a generator without a schema.
    pub fn new() -> Self {
        let options = Options {
            runtime: "::mtp_tl".to_owned(),
            derives: vec!["Clone", "Debug", "PartialEq"],
            function_decoders: Gate::Always,
            calls: Gate::Never,
            registry: Gate::Never,
            link: None,
        };
        Self { inputs: Vec::new(), rule: None, only: BTreeSet::new(), options }
    }

    /// Adds a schema file, in the text form or in the JSON form. Several are merged.
    pub fn schema_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::File(path.into()));
        self
    }

    /// Adds a schema from memory; `name` is for diagnostics.
    pub fn schema_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.inputs.push(Input::Text { name: name.into(), text: text.into() });
        self
    }

    /// Sets the rule that computes ids where none is written. By default each file decides; see
    /// [`parse`](crate::parse()).
    pub fn rule(mut self, rule: impl Into<Option<IdRule>>) -> Self {
        self.rule = rule.into();
        self
    }

    /// Restricts the code to these roots and what they reach: namespaces of functions (`updates`), functions
    /// (`users.getUsers`), types (`Updates`) or constructors (`dcOption`). Several calls add up; by default the whole
    /// schema is generated.
    pub fn only<I>(mut self, roots: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.only.extend(roots.into_iter().map(Into::into));
        self
    }

    /// Sets the path of the runtime crate; `::mtp_tl` by default.
    pub fn runtime(mut self, path: impl Into<String>) -> Self {
        self.options.runtime = path.into();
        self
    }

    /// Leaves out `Debug`, which is a third of the machine code of generated types.
    pub fn without_debug(mut self) -> Self {
        self.options.derives.retain(|one| *one != "Debug");
        self
    }

    /// Leaves out `PartialEq`.
    pub fn without_partial_eq(mut self) -> Self {
        self.options.derives.retain(|one| *one != "PartialEq");
        self
    }

    /// Sets when decoders of functions are generated, which servers need; [`Gate::Always`] by default.
    pub fn function_decoders(mut self, gate: Gate) -> Self {
        self.options.function_decoders = gate;
        self
    }

    /// Sets when `enum Call` is generated, with which a server decodes and dispatches calls; [`Gate::Never`] by default.
    /// It requires the decoders of functions.
    ///
    /// ```
    /// # use mtp_schema::{diagnostic::SchemaReport, generate::{Gate, Generator}};
    /// # fn main() -> Result<(), SchemaReport> {
    /// let code = Generator::new()
    ///     .schema_text("my_app.tl", "---functions--- add a:int b:int = Vector<int>;")
    ///     .calls(Gate::Always)
    ///     .generate()?;
    /// assert!(code.contains("Add(functions::Add)"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The server then encodes each answer with the type that the function declares:
    ///
    /// ```text
    /// let answer = match Call::decode(&query)? {
    ///     Call::Add(call) => call.encode_answer(&vec![call.a + call.b]),
    ///     other => return Err(not_implemented(other.name())),
    /// };
    /// ```
    pub fn calls(mut self, gate: Gate) -> Self {
        self.options.calls = gate;
        self
    }

    /// Sets when a table of all constructors and functions is generated, for tools that handle any id; [`Gate::Never`] by
    /// default, because it keeps all code alive. It requires the decoders of functions.
    pub fn registry(mut self, gate: Gate) -> Self {
        self.options.registry = gate;
        self
    }

    /// Adds links to documentation pages: `<base>/constructor/<name>` and `<base>/method/<name>`.
    pub fn link(mut self, base: impl Into<String>) -> Self {
        self.options.link = Some(base.into());
        self
    }

    /// Generates the code as text.
    ///
    /// # Errors
    /// A report about the schema files or about the names in `only`.
    pub fn generate(&self) -> Result<String, SchemaReport> {
        self.generate_with_warnings().map(|generated| generated.code)
    }

    /// Generates the code as text, with warnings. A declaration for which no code can be generated is left out, such as
    /// one with an `Object` before other fields, the end of which is unknown.
    ///
    /// # Errors
    /// A report about the schema files, about the names in `only`, or about a constructor or function in `only` for which
    /// no code can be generated.
    pub fn generate_with_warnings(&self) -> Result<Generated, SchemaReport> {
        let (sources, schema) = self.schema()?;
        let refuse = |findings| SchemaReport::new(sources.clone(), findings);
        let mut model = Model::new(&schema).map_err(refuse)?;
        let mut warnings = Vec::from_iter(crate::check::ambiguous_ids(&schema));
        let mut left_out = Vec::new();
        let selection = loop {
            let selection = layout::select(&model, &self.only).map_err(refuse)?;
            let found = layout::unsupported(&model, &selection);
            if found.is_empty() {
                break selection;
            }
            let is_root = |at| self.only.contains(model.combinator(at).name.as_str());
            let (wanted, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|(at, _)| is_root(*at));
            if !wanted.is_empty() {
                return Err(refuse(wanted.into_iter().map(|(_, finding)| finding).collect()));
            }
            // Declarations that contain them may have to be left out in turn.
            for (at, finding) in others {
                model.leave_out(at);
                left_out.push(Diagnostic { severity: Severity::Warning, ..finding });
            }
        };
        let plan = layout::plan(&model, &selection);
        let code = emit::emit(&plan, &self.options, &left_out);
        warnings.append(&mut left_out);
        Ok(Generated { code, warnings: SchemaReport::new(sources, warnings) })
    }

    /// Generates constants of ids instead of types, for a program that dispatches by id and decodes the fields itself.
    /// `only` selects functions, namespaces of functions, types and constructors, without what they reach.
    ///
    /// # Errors
    /// A report about the schema files or about the names in `only`.
    pub fn generate_ids(&self) -> Result<String, SchemaReport> {
        let (sources, schema) = self.schema()?;
        let refuse = |findings| SchemaReport::new(sources.clone(), findings);
        let model = Model::new(&schema).map_err(refuse)?;
        let chosen = layout::named(&model, &self.only).map_err(refuse)?;
        Ok(emit_ids::emit(&model, &chosen))
    }

    /// Writes the code to `<dir>/<name>.rs` and returns that path. A file that already has the same text is not touched.
    ///
    /// # Errors
    /// As [`Generator::generate`], or the file cannot be written.
    pub fn write_to(&self, dir: impl AsRef<Path>, name: &str) -> Result<PathBuf, SchemaReport> {
        Self::write(&self.generate()?, dir.as_ref(), name)
    }

    fn write(text: &str, dir: &Path, name: &str) -> Result<PathBuf, SchemaReport> {
        let path = dir.join(format!("{name}.rs"));
        if fs::read_to_string(&path).is_ok_and(|present| present == text) {
            return Ok(path);
        }
        fs::write(&path, text).map_err(|error| unusable(&path, &error))?;
        Ok(path)
    }

    /// Writes `$OUT_DIR/<name>.rs` in a build script, and prints cargo's directives: the files to watch, and warnings.
    ///
    /// # Errors
    /// As [`Generator::write_to`], or there is no `OUT_DIR`.
    pub fn build(&self, name: &str) -> Result<(), SchemaReport> {
        for input in &self.inputs {
            if let Input::File(path) = input {
                println!("cargo::rerun-if-changed={}", path.display());
            }
        }
        let Some(dir) = std::env::var_os("OUT_DIR") else {
            let message = "`build` is for build scripts: OUT_DIR is not set";
            let finding = Diagnostic::error(DiagnosticCode::Io, Span::NONE, message);
            return Err(SchemaReport::new(Sources::new(), vec![finding]));
        };
        let generated = self.generate_with_warnings()?;
        for warning in &generated.warnings.diagnostics {
            println!("cargo::warning={warning}");
        }
        Self::write(&generated.code, Path::new(&dir), name).map(|_| ())
    }

    fn schema(&self) -> Result<(Sources, Schema), SchemaReport> {
        let read = |input: &Input| match input {
            Input::Text { name, text } => Ok((name.clone(), text.clone())),
            Input::File(path) => fs::read_to_string(path)
                .map(|text| (path.display().to_string(), text))
                .map_err(|error| unusable(path, &error)),
        };
        let files = self.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        files::load(files, self.rule, OnConflict::Refuse)
    }
}

fn unusable(path: &Path, error: &io::Error) -> SchemaReport {
    let message = format!("{}: {error}", path.display());
    SchemaReport::new(
        Sources::new(),
        vec![Diagnostic::error(DiagnosticCode::Io, Span::NONE, message)],
    )
}
