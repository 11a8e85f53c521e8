//! `mtp schema`: the schema compiler on the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use mtp_schema::diagnostic::{Allowance, Color};
use mtp_schema::diff;
use mtp_schema::generate::{Gate, Generator};
use mtp_schema::merge::OnConflict;
use mtp_schema::{check, json, print};

use crate::failure::Failure;
use crate::schema::{RuleOption, is_json, read_text, refuse};
use crate::terminal;

/// Arguments of `mtp schema`.
#[derive(Args)]
pub(crate) struct SchemaArguments {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Subcommand)]
enum SchemaCommand {
    /// Checks for wrong ids, unknown types, misused flags and other errors
    Check(Check),
    /// Prints a schema in canonical form
    Fmt(Fmt),
    /// Shows the differences between two schemas
    Diff(Diff),
    /// Converts a schema to the official JSON form, or a .json file to TL
    Json(Json),
    /// Generates Rust types for a schema
    Gen(Gen),
    /// Merges schemas
    Merge(Merge),
}

#[derive(Args)]
struct Check {
    /// Schema files, in the JSON form if the name ends in .json; - is the standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Report a known difference as a warning: `wrong-id:NAME` for one declaration, `wrong-id` for all. A line
    /// `// ALLOW wrong-id:NAME` in the file has the same effect
    #[arg(long, value_name = "FINDING", value_delimiter = ',')]
    allow: Vec<Allowance>,
    #[command(flatten)]
    rule: RuleOption,
}

#[derive(Args)]
struct Fmt {
    /// Schema file; - is the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Sort types and functions by name and omit comments
    #[arg(long)]
    sorted: bool,
    /// Print nothing; fail if the file is not in canonical form
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Replace the file instead of printing
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    rule: RuleOption,
}

#[derive(Args)]
struct Diff {
    /// The older schema
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The newer schema
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Fail if there is a difference
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    rule: RuleOption,
}

#[derive(Args)]
struct Json {
    /// Schema file; - is the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    rule: RuleOption,
}

#[derive(Args)]
struct Gen {
    /// Schema files; several are merged
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Generate only these and what they reach: namespaces of functions, functions, types, constructors
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Also generate `enum Call`, with which a server decodes and dispatches calls
    #[arg(long, conflicts_with = "ids")]
    calls: bool,
    /// Generate constants of the ids instead of types
    #[arg(long)]
    ids: bool,
    /// Path of the runtime crate in the generated code
    #[arg(long, value_name = "PATH", default_value = "::mtp_tl")]
    runtime: String,
    /// Documentation to link to: BASE/constructor/NAME and BASE/method/NAME
    #[arg(long, value_name = "BASE")]
    link: Option<String>,
    /// Output file [default: the standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    rule: RuleOption,
}

#[derive(Args)]
struct Merge {
    /// Schema files, highest precedence first
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Treatment of conflicting declarations of one name
    #[arg(long, value_enum, default_value_t = Conflict::Refuse, value_name = "CHOICE")]
    on_conflict: Conflict,
    #[command(flatten)]
    rule: RuleOption,
}

#[derive(Clone, Copy, ValueEnum)]
enum Conflict {
    /// Report an error
    Refuse,
    /// Keep the declaration of the earlier file
    KeepFirst,
    /// Keep both, the later one under another name
    Rename,
}

pub(crate) fn run(arguments: &SchemaArguments) -> Result<(), Failure> {
    match &arguments.command {
        SchemaCommand::Check(arguments) => check_files(arguments),
        SchemaCommand::Fmt(arguments) => fmt(arguments),
        SchemaCommand::Diff(arguments) => diff(arguments),
        SchemaCommand::Json(arguments) => json(arguments),
        SchemaCommand::Gen(arguments) => generate(arguments),
        SchemaCommand::Merge(arguments) => merge(arguments),
    }
}

fn check_files(arguments: &Check) -> Result<(), Failure> {
    let mut bad = 0_usize;
    for path in &arguments.files {
        let mut reader = arguments.rule.reader();
        let mut loaded = reader.read(path)?;
        loaded.findings.extend(check(&loaded.schema));
        for allowance in &arguments.allow {
            allowance.apply(&mut loaded.findings);
        }
        let report = reader.report(loaded.findings);
        if !report.diagnostics.is_empty() {
            terminal::report(&report);
        }
        if report.has_errors() {
            bad = bad.saturating_add(1);
            continue;
        }
        let layer = loaded.schema.layer().map(|layer| format!("layer {layer}, "));
        terminal::result(format_args!(
            "{}: {}{} constructors, {} functions",
            path.display(),
            layer.unwrap_or_default(),
            loaded.schema.constructors().count(),
            loaded.schema.functions().count(),
        ));
    }
    match bad {
        0 => Ok(()),
        1 => Err(anyhow!("a schema has errors").into()),
        bad => Err(anyhow!("{bad} schemas have errors").into()),
    }
}

fn fmt(arguments: &Fmt) -> Result<(), Failure> {
    let path = &arguments.file;
    let mut reader = arguments.rule.reader();
    let loaded = reader.read(path)?;
    let before = loaded.text.clone();
    let schema = reader.accept(loaded)?;
    let after = if arguments.sorted { print::sorted(&schema) } else { print::schema(&schema) };
    if arguments.check && before != after {
        let hint = "run mtp schema fmt --write";
        return Err(anyhow!("{} is not in canonical form ({hint})", path.display()).into());
    }
    if arguments.write && before != after {
        write(path, &after)?;
    }
    if !arguments.check && !arguments.write {
        terminal::text(&after);
    }
    Ok(())
}

fn diff(arguments: &Diff) -> Result<(), Failure> {
    let mut reader = arguments.rule.reader();
    let mut read = |path: &Path| {
        let loaded = reader.read(path)?;
        reader.accept(loaded)
    };
    let diff = diff::Diff::new(&read(&arguments.old)?, &read(&arguments.new)?);
    if arguments.json {
        terminal::json(&diff.to_json());
    } else if !diff.is_empty() {
        terminal::text(&diff.render(Color::Always));
    }
    if arguments.exit_code && !diff.is_empty() {
        return Err(anyhow!("the schemas differ").into());
    }
    Ok(())
}

fn json(arguments: &Json) -> Result<(), Failure> {
    let mut reader = arguments.rule.reader();
    let loaded = reader.read(&arguments.file)?;
    let schema = reader.accept(loaded)?;
    if is_json(&arguments.file) {
        terminal::text(&print::schema(&schema));
    } else {
        let value = json::to_json(&schema).map_err(|findings| refuse(&reader.report(findings)))?;
        terminal::json(&value);
    }
    Ok(())
}

fn generate(arguments: &Gen) -> Result<(), Failure> {
    let gate = |wanted: bool| if wanted { Gate::Always } else { Gate::Never };
    let mut generator = Generator::new()
        .rule(arguments.rule.get())
        .runtime(&*arguments.runtime)
        .calls(gate(arguments.calls))
        .only(&arguments.only);
    for file in &arguments.files {
        generator = generator.schema_text(file.display().to_string(), read_text(file)?);
    }
    if let Some(base) = &arguments.link {
        generator = generator.link(&**base);
    }
    let code = if arguments.ids {
        generator.generate_ids().map_err(|report| refuse(&report))?
    } else {
        let generated = generator.generate_with_warnings().map_err(|report| refuse(&report))?;
        if !generated.warnings.diagnostics.is_empty() {
            terminal::report(&generated.warnings);
        }
        generated.code
    };
    match &arguments.out {
        Some(path) => write(path, &code)?,
        None => terminal::text(&code),
    }
    Ok(())
}

fn merge(arguments: &Merge) -> Result<(), Failure> {
    let mut reader = arguments.rule.reader();
    let parts =
        arguments.files.iter().map(|file| reader.read(file)).collect::<Result<Vec<_>, _>>()?;
    let on_conflict = match arguments.on_conflict {
        Conflict::Refuse => OnConflict::Refuse,
        Conflict::KeepFirst => OnConflict::KeepFirst,
        Conflict::Rename => OnConflict::Rename,
    };
    terminal::text(&print::schema(&reader.merged(parts, on_conflict)?));
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
