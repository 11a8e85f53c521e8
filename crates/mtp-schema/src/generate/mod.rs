//! Writes Rust for a schema.
//!
//! A `build.rs` needs three lines:
//!
//! ```no_run
//! # use mtp_schema::{diagnostic::Report, generate::Generator};
//! fn main() -> Result<(), Report> {
//!     Generator::new().schema_file("schema/api.tl").only(["updates", "users.getUsers"]).build("api")
//! }
//! ```
//!
//! and a library one more: `pub mod api { include!(concat!(env!("OUT_DIR"), "/api.rs")); }`.
//!
//! What comes out, for `message#7600b9d3 … = Message` and the like:
//!
//! | TL | Rust |
//! |---|---|
//! | a type | an enum in `types`; a struct if there is one constructor |
//! | a constructor beside others | a struct in `variants` |
//! | a function | a struct in `functions` with the type of its result |
//! | a namespace | a module inside each of these |
//! | `flags.3?T` | `Option<T>`; the flags word itself is computed |
//! | `flags.3?true` | `bool` |
//! | several values under one bit | one `Option` of a struct in `groups`: none of them can be there without the others |
//! | `true` beside a value under one bit | a method that tells whether the value is there |
//!
//! `docs/decisions/0003-generated-code.md` says why.
//!
//! The same schema and options give the same text. Types that reach a string have a lifetime and
//! borrow from the input; `into_owned` gives them bytes of their own.

mod emit;
mod emit_call;
mod emit_encode;
mod emit_ids;
mod emit_large;
mod emit_struct;
mod layout;
mod names;
mod select;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    diagnostic::{Code, Diagnostic, Report, Severity},
    files,
    id::IdRule,
    merge::OnConflict,
    model::Model,
    source::{Sources, Span},
    tree::Schema,
};

/// Settings for generated code; a builder.
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

/// Generated code, and what is missing in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Generated {
    /// The code.
    pub code: String,
    /// Declarations that are left out, and ids that depend on a rule nobody chose.
    pub warnings: Report,
}

/// What the text depends on besides the schema.
#[derive(Clone, Debug)]
struct Options {
    runtime: String,
    derives: Vec<&'static str>,
    function_decoders: Gate,
    calls: Gate,
    registry: Gate,
    link: Option<String>,
}

/// Whether a part of the code is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gate {
    /// It is.
    Always,
    /// It is not.
    Never,
    /// It is, behind a feature of the crate that holds the code.
    Feature(String),
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator {
    /// Starts without a schema.
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

    /// Sets the rule that computes ids where none is written; by default each file decides, as
    /// [`parse`](crate::parse()) says.
    pub fn rule(mut self, rule: impl Into<Option<IdRule>>) -> Self {
        self.rule = rule.into();
        self
    }

    /// Leaves out what cannot be reached from these: namespaces of functions (`updates`), functions
    /// (`users.getUsers`), types (`Updates`) or constructors (`dcOption`). Without a call nothing is left
    /// out; several calls add up.
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

    /// Leaves out `Debug`, which is a third of the code that generated types compile to.
    pub fn without_debug(mut self) -> Self {
        self.options.derives.retain(|one| *one != "Debug");
        self
    }

    /// Leaves out `PartialEq`.
    pub fn without_partial_eq(mut self) -> Self {
        self.options.derives.retain(|one| *one != "PartialEq");
        self
    }

    /// Sets whether functions can be decoded, as servers need; [`Gate::Always`] by default.
    pub fn function_decoders(mut self, gate: Gate) -> Self {
        self.options.function_decoders = gate;
        self
    }

    /// Sets whether there is `enum Call`, by which a server decodes and dispatches calls; [`Gate::Never`] by default.
    /// It needs the decoders of functions.
    ///
    /// ```
    /// # use mtp_schema::{diagnostic::Report, generate::{Gate, Generator}};
    /// # fn main() -> Result<(), Report> {
    /// let code = Generator::new()
    ///     .schema_text("my_app.tl", "---functions--- add a:int b:int = Vector<int>;")
    ///     .calls(Gate::Always)
    ///     .generate()?;
    /// assert!(code.contains("Add(functions::Add)"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A server then answers each call with the type that its function declares:
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

    /// Sets whether there is a table of everything, for tools that meet any id; [`Gate::Never`] by default,
    /// because it keeps all code alive. It needs the decoders of functions.
    pub fn registry(mut self, gate: Gate) -> Self {
        self.options.registry = gate;
        self
    }

    /// Adds links to documentation pages: `<base>/constructor/<name>` and `<base>/method/<name>`.
    pub fn link(mut self, base: impl Into<String>) -> Self {
        self.options.link = Some(base.into());
        self
    }

    /// Writes the code as text.
    ///
    /// # Errors
    /// A report about the schema files or about what `only` names.
    pub fn generate(&self) -> Result<String, Report> {
        self.generate_with_warnings().map(|generated| generated.code)
    }

    /// Writes the code as text, with warnings: about declarations that are left out because no code can be written for
    /// them, such as those with an `Object` before other fields, whose end is unknown; and about ids that depend on a
    /// rule nobody chose.
    ///
    /// # Errors
    /// A report about the schema files, about what `only` names, or about a constructor or function among these for which
    /// no code can be written.
    pub fn generate_with_warnings(&self) -> Result<Generated, Report> {
        let (sources, schema) = self.schema()?;
        let refuse = |findings| Report::new(sources.clone(), findings);
        let mut model = Model::new(&schema).map_err(refuse)?;
        let mut warnings = Vec::from_iter(crate::check::ambiguous_ids(&schema));
        let mut left_out = Vec::new();
        let selection = loop {
            let selection = select::select(&model, &self.only).map_err(refuse)?;
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
            // What contains them may have to be left out in turn.
            for (at, finding) in others {
                model.leave_out(at);
                left_out.push(Diagnostic { severity: Severity::Warning, ..finding });
            }
        };
        let plan = layout::plan(&model, &selection);
        let code = emit::emit(&plan, &self.options, &left_out);
        warnings.append(&mut left_out);
        Ok(Generated { code, warnings: Report::new(sources, warnings) })
    }

    /// Writes constants for the ids, as text, in place of types: for a program that dispatches by id and reads the
    /// fields itself. `only` names the functions, namespaces of functions, types and constructors that are wanted; what
    /// they reach is not followed.
    ///
    /// # Errors
    /// A report about the schema files or about what `only` names.
    pub fn generate_ids(&self) -> Result<String, Report> {
        let (sources, schema) = self.schema()?;
        let refuse = |findings| Report::new(sources.clone(), findings);
        let model = Model::new(&schema).map_err(refuse)?;
        let chosen = select::named(&model, &self.only).map_err(refuse)?;
        Ok(emit_ids::emit(&model, &chosen))
    }

    /// Writes the code to `<dir>/<name>.rs` and returns that path. A file that has the same text already is
    /// not touched.
    ///
    /// # Errors
    /// As [`Generator::generate`], or the file cannot be written.
    pub fn write_to(&self, dir: impl AsRef<Path>, name: &str) -> Result<PathBuf, Report> {
        Self::write(&self.generate()?, dir.as_ref(), name)
    }

    fn write(text: &str, dir: &Path, name: &str) -> Result<PathBuf, Report> {
        let path = dir.join(format!("{name}.rs"));
        if fs::read_to_string(&path).is_ok_and(|present| present == text) {
            return Ok(path);
        }
        fs::write(&path, text).map_err(|error| unusable(&path, &error))?;
        Ok(path)
    }

    /// Does what a build script does: writes to `$OUT_DIR/<name>.rs` and tells cargo which files to watch.
    ///
    /// # Errors
    /// As [`Generator::write_to`], or there is no `OUT_DIR`.
    pub fn build(&self, name: &str) -> Result<(), Report> {
        for input in &self.inputs {
            if let Input::File(path) = input {
                println!("cargo::rerun-if-changed={}", path.display());
            }
        }
        let Some(dir) = std::env::var_os("OUT_DIR") else {
            let message = "`build` is for build scripts: there is no OUT_DIR";
            let finding = Diagnostic::error(Code::Io, Span::NONE, message);
            return Err(Report::new(Sources::new(), vec![finding]));
        };
        let generated = self.generate_with_warnings()?;
        for warning in &generated.warnings.diagnostics {
            println!("cargo::warning={warning}");
        }
        Self::write(&generated.code, Path::new(&dir), name).map(|_| ())
    }

    fn schema(&self) -> Result<(Sources, Schema), Report> {
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

fn unusable(path: &Path, error: &io::Error) -> Report {
    let message = format!("{}: {error}", path.display());
    Report::new(Sources::new(), vec![Diagnostic::error(Code::Io, Span::NONE, message)])
}
