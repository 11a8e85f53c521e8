//! Which lines of the core crates their own tests run: a map of what is not tested.
//!
//! The compiler instruments, the tests leave profiles, LLVM's tools of the compiler's own version add
//! them up: rustup's `llvm-tools`, or a distribution's `llvm-profdata-22`.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::page::write_between;
use crate::skip::skip;
use crate::tree::{CORE, commit, root, target_dir};

/// How many of the least covered files are named.
const WORST: usize = 12;

/// What to run and what to do with the figures.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these core crates (default: all)
    crates: Vec<String>,
    /// Write the table into docs/testing.md
    #[arg(long, conflicts_with = "crates")]
    record: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(name) = options.crates.iter().find(|name| !CORE.contains(&name.as_str())) {
        bail!("`{name}` is no core crate; those are {}", CORE.join(", "));
    }
    let chosen =
        |name: &&str| options.crates.is_empty() || options.crates.iter().any(|c| c == name);
    let crates: Vec<&str> = CORE.into_iter().filter(chosen).collect();
    let Some(tools) = Tools::find()? else {
        return skip(
            "no llvm-profdata of the compiler's version (rustup component add llvm-tools)",
        );
    };
    let folder = target_dir().join("coverage");
    let profiles = folder.join("profiles");
    let _ = fs::remove_dir_all(&profiles);
    fs::create_dir_all(&profiles)?;
    let programs = test(&crates, &folder, &profiles)?;
    let merged = folder.join("merged.profdata");
    tools.merge(&profiles, &merged)?;
    let files = tools.summarise(&merged, &programs)?;
    let table = table(&crates, &files)?;
    println!("{table}");
    if options.record {
        let text = format!("`cargo xtask coverage --record`, commit {}.\n\n{table}", commit()?);
        write_between("docs/testing.md", "coverage", &text)?;
    }
    Ok(())
}

/// Runs the crates' tests and returns the programs that ran.
fn test(crates: &[&str], folder: &Path, profiles: &Path) -> Result<Vec<PathBuf>> {
    let cargo = |extra: &[&str]| {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "--quiet", "--lib", "--tests", "--all-features"]).args(extra);
        for name in crates {
            command.args(["-p", name]);
        }
        command
            .current_dir(root())
            .env("RUSTFLAGS", "-Cinstrument-coverage")
            .env("CARGO_TARGET_DIR", folder)
            .env("LLVM_PROFILE_FILE", profiles.join("%m-%p.profraw"));
        command
    };
    let built = cargo(&["--no-run", "--message-format=json"]).output()?;
    if !built.status.success() {
        bail!("the tests do not build: {}", String::from_utf8_lossy(&built.stderr));
    }
    let programs = String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .collect();
    if !cargo(&[]).status()?.success() {
        bail!("the tests fail");
    }
    Ok(programs)
}

/// LLVM's programs, of the version that the compiler was made with.
struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    fn find() -> Result<Option<Self>> {
        let print = |arguments: &[&str]| -> Result<String> {
            let output = Command::new("rustc").args(arguments).output().context("rustc")?;
            Ok(String::from_utf8(output.stdout)?)
        };
        let version = print(&["-vV"])?;
        let field = |name: &str| {
            let line = version.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::trim).with_context(|| format!("rustc -vV names no {name}"))
        };
        let major = field("LLVM version:")?.split('.').next().unwrap_or_default().to_owned();
        let sysroot = PathBuf::from(print(&["--print", "sysroot"])?.trim());
        let of_rustup = sysroot.join("lib/rustlib").join(field("host:")?).join("bin");
        let candidates = [
            Self { profdata: of_rustup.join("llvm-profdata"), cov: of_rustup.join("llvm-cov") },
            Self {
                profdata: format!("llvm-profdata-{major}").into(),
                cov: format!("llvm-cov-{major}").into(),
            },
        ];
        let runs = |tools: &Self| Command::new(&tools.profdata).arg("--version").output().is_ok();
        Ok(candidates.into_iter().find(runs))
    }

    fn merge(&self, profiles: &Path, merged: &Path) -> Result<()> {
        let status = Command::new(&self.profdata)
            .args(["merge", "--sparse", "-o"])
            .args([merged, profiles])
            .status()?;
        if !status.success() {
            bail!("llvm-profdata failed");
        }
        Ok(())
    }

    /// Returns lines and lines that ran, by file.
    fn summarise(&self, merged: &Path, programs: &[PathBuf]) -> Result<BTreeMap<String, Lines>> {
        let mut command = Command::new(&self.cov);
        command.args(["export", "--summary-only", "--instr-profile"]).arg(merged);
        for program in programs {
            command.arg("--object").arg(program);
        }
        let output = command.output()?;
        if !output.status.success() {
            bail!("llvm-cov: {}", String::from_utf8_lossy(&output.stderr));
        }
        let exported: Value = serde_json::from_slice(&output.stdout)?;
        let files = exported.pointer("/data/0/files").and_then(Value::as_array);
        let crates = root().join("crates");
        let mut found = BTreeMap::new();
        for file in files.context("llvm-cov exported no files")? {
            let Some(path) = file.get("filename").and_then(Value::as_str) else { continue };
            let Ok(path) = Path::new(path).strip_prefix(&crates) else { continue };
            let path = path.to_string_lossy().into_owned();
            let core = CORE.iter().any(|name| path.starts_with(&format!("{name}/src/")));
            if core && !path.ends_with("/tests.rs") {
                let number = |name: &str| {
                    file.pointer(&format!("/summary/lines/{name}")).and_then(Value::as_u64)
                };
                let (all, ran) = (number("count").unwrap_or(0), number("covered").unwrap_or(0));
                found.insert(path, Lines { all, ran });
            }
        }
        Ok(found)
    }
}

#[derive(Clone, Copy, Default)]
struct Lines {
    all: u64,
    ran: u64,
}

impl Lines {
    /// The part that ran, in tenths of a percent.
    fn permille(self) -> u64 {
        self.ran * 1000 / self.all.max(1)
    }

    fn percent(self) -> String {
        format!("{}.{} %", self.permille() / 10, self.permille() % 10)
    }
}

fn table(crates: &[&str], files: &BTreeMap<String, Lines>) -> Result<String> {
    let mut table = String::from("| crate | lines | run by its tests |\n|---|---:|---:|\n");
    let mut total = Lines::default();
    for name in crates {
        let own = files.iter().filter(|(path, _)| path.starts_with(&format!("{name}/")));
        let sum = own.fold(Lines::default(), |sum, (_, lines)| sum.plus(*lines));
        writeln!(table, "| `{name}` | {} | {} |", sum.all, sum.percent())?;
        total = total.plus(sum);
    }
    writeln!(table, "| all | {} | {} |", total.all, total.percent())?;
    let mut worst: Vec<_> = files.iter().filter(|(_, lines)| lines.all > lines.ran).collect();
    worst.sort_by_key(|(_, lines)| core::cmp::Reverse(lines.all - lines.ran));
    table.push_str(
        "\nMost lines that did not run:\n\n| file | lines | not run |\n|---|---:|---:|\n",
    );
    worst.retain(|(path, _)| crates.iter().any(|name| path.starts_with(&format!("{name}/"))));
    for (path, lines) in worst.into_iter().take(WORST) {
        writeln!(table, "| `{path}` | {} | {} |", lines.all, lines.all - lines.ran)?;
    }
    Ok(table)
}

impl Lines {
    fn plus(self, other: Self) -> Self {
        Self { all: self.all + other.all, ran: self.ran + other.ran }
    }
}
