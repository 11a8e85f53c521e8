//! Lines of the core crates that their own tests run: a map of what is not tested.
//!
//! The tests of instrumented builds leave profiles. LLVM's tools in the compiler's own version merge them: rustup's
//! `llvm-tools`, or a distribution's `llvm-profdata-22`.

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
use crate::tree::{CORE, DICE, Source, commit, core_crates, root, sources, target_dir};

/// The number of least covered files in the table.
const WORST: usize = 12;

/// Which crates to measure, and where the figures go.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these core crates (default: all)
    crates: Vec<String>,
    /// List all lines that did not run
    #[arg(long)]
    places: bool,
    /// Write the table into docs/testing.md
    #[arg(long, conflicts_with = "crates")]
    record: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(name) = options.crates.iter().find(|name| !core_crates().contains(&name.as_str())) {
        bail!("`{name}` is not a core crate; core crates: {}", core_crates().join(", "));
    }
    let chosen =
        |name: &&str| options.crates.is_empty() || options.crates.iter().any(|c| c == name);
    let crates: Vec<&str> = core_crates().into_iter().filter(chosen).collect();
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
    let files = read(&tools.export(&merged, &programs)?, &sources(".rs")?);
    if options.places {
        println!("{}", places(&crates, &files)?);
    }
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
    let skipped = DICE.into_iter().flat_map(|part| ["--skip", part]);
    if !cargo(&[]).arg("--").args(skipped).status()?.success() {
        bail!("the tests fail");
    }
    Ok(programs)
}

/// LLVM's programs in the compiler's version of LLVM.
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
            line.map(str::trim).with_context(|| format!("rustc -vV prints no {name}"))
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

    /// Exports the coverage as an lcov tracefile.
    fn export(&self, merged: &Path, programs: &[PathBuf]) -> Result<String> {
        let mut command = Command::new(&self.cov);
        command.args(["export", "--format=lcov", "--skip-functions", "--instr-profile"]);
        command.arg(merged);
        for program in programs {
            command.arg("--object").arg(program);
        }
        let output = command.output()?;
        if !output.status.success() {
            bail!("llvm-cov: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// The code lines of a file, each with whether it ran.
type Ran = BTreeMap<usize, bool>;

/// Reads the core crates' files from a tracefile, by their paths below `crates`, without code that only tests build.
fn read(trace: &str, sources: &[Source]) -> BTreeMap<String, Ran> {
    let crates = root().join("crates");
    let for_tests: Vec<_> = sources.iter().flat_map(files_for_tests).collect();
    let mut found = BTreeMap::new();
    for record in trace.split("end_of_record") {
        let Some(path) = record.lines().find_map(|line| line.strip_prefix("SF:")) else { continue };
        let Ok(path) = Path::new(path).strip_prefix(&crates) else { continue };
        let path = path.to_string_lossy().into_owned();
        let core = CORE.iter().any(|name| path.starts_with(&format!("{name}/src/")));
        let Some(source) = sources.iter().find(|one| one.path == format!("crates/{path}")) else {
            continue;
        };
        if !core || for_tests.contains(&source.path) {
            continue;
        }
        let end = first_line_of_tests(&source.text);
        let lines = record.lines().filter_map(|line| {
            let (number, count) = line.strip_prefix("DA:")?.split_once(',')?;
            Some((number.parse().ok()?, count != "0"))
        });
        found.insert(path, lines.filter(|(number, _)| *number < end).collect());
    }
    found
}

/// Returns the line where a file's test module begins.
fn first_line_of_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.windows(2).position(|pair| pair == ["#[cfg(test)]", "mod tests {"]);
    at.map_or(usize::MAX, |at| at + 1)
}

/// Lists the files that this one declares for tests only.
fn files_for_tests(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let declared = lines.windows(2).filter(|pair| pair.first() == Some(&"#[cfg(test)]"));
    declared
        .filter_map(|pair| pair.last()?.trim_start_matches("pub(crate) ").strip_prefix("mod "))
        .filter_map(|rest| Some(format!("{folder}/{}.rs", rest.strip_suffix(';')?)))
        .collect()
}

#[derive(Clone, Copy, Default)]
struct Lines {
    all: usize,
    ran: usize,
}

impl Lines {
    fn of(lines: &Ran) -> Self {
        Self { all: lines.len(), ran: lines.values().filter(|ran| **ran).count() }
    }

    /// The share that ran, in tenths of a percent.
    fn permille(self) -> usize {
        self.ran * 1000 / self.all.max(1)
    }

    fn percent(self) -> String {
        format!("{}.{} %", self.permille() / 10, self.permille() % 10)
    }
}

fn table(crates: &[&str], files: &BTreeMap<String, Ran>) -> Result<String> {
    let mut table = String::from("| crate | lines | run by its tests |\n|---|---:|---:|\n");
    let mut total = Lines::default();
    for name in crates {
        let own = files.iter().filter(|(path, _)| path.starts_with(&format!("{name}/")));
        let sum = own.fold(Lines::default(), |sum, (_, lines)| sum.plus(Lines::of(lines)));
        writeln!(table, "| `{name}` | {} | {} |", sum.all, sum.percent())?;
        total = total.plus(sum);
    }
    writeln!(table, "| all | {} | {} |", total.all, total.percent())?;
    let mut worst: Vec<_> = files.iter().map(|(path, lines)| (path, Lines::of(lines))).collect();
    worst.retain(|(path, lines)| {
        lines.all > lines.ran && crates.iter().any(|name| path.starts_with(&format!("{name}/")))
    });
    worst.sort_by_key(|(_, lines)| core::cmp::Reverse(lines.all - lines.ran));
    table.push_str(
        "\nMost lines that did not run:\n\n| file | lines | not run |\n|---|---:|---:|\n",
    );
    for (path, lines) in worst.into_iter().take(WORST) {
        writeln!(table, "| `{path}` | {} | {} |", lines.all, lines.all - lines.ran)?;
    }
    Ok(table)
}

/// Lists the lines that did not run, as `file:from-to`.
fn places(crates: &[&str], files: &BTreeMap<String, Ran>) -> Result<String> {
    let mut text = String::new();
    for (path, lines) in files {
        if !crates.iter().any(|name| path.starts_with(&format!("{name}/"))) {
            continue;
        }
        let lines: Vec<_> = lines.iter().collect();
        for same in lines.chunk_by(|(_, one), (_, other)| one == other) {
            if let (Some((from, false)), Some((to, _))) = (same.first(), same.last()) {
                writeln!(text, "crates/{path}:{from}-{to}")?;
            }
        }
    }
    Ok(text)
}

impl Lines {
    fn plus(self, other: Self) -> Self {
        Self { all: self.all + other.all, ran: self.ran + other.ran }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_that_is_not_for_tests_counts() {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let sources = [
            source("crates/mtp-tl/src/lib.rs", "mod a;\n#[cfg(test)]\npub(crate) mod rig;\n"),
            source(
                "crates/mtp-tl/src/a.rs",
                "fn a() {}\nfn b() {}\n#[cfg(test)]\nmod tests {\n}\n",
            ),
            source("crates/mtp-tl/src/rig.rs", "fn rig() {}\n"),
        ];
        let of = |file: &str, lines: &str| {
            format!("SF:{}\n{lines}\nend_of_record\n", root().join("crates").join(file).display())
        };
        let trace = [
            of("mtp-tl/src/a.rs", "DA:1,7\nDA:2,0\nDA:4,1"),
            of("mtp-tl/src/rig.rs", "DA:1,1"),
            of("mtp-dc/src/lib.rs", "DA:1,1"),
        ];
        let files = read(&trace.concat(), &sources);
        assert_eq!(files.keys().collect::<Vec<_>>(), ["mtp-tl/src/a.rs"]);
        assert_eq!(Lines::of(&files["mtp-tl/src/a.rs"]).percent(), "50.0 %");
        assert_eq!(places(&["mtp-tl"], &files).unwrap(), "crates/mtp-tl/src/a.rs:2-2\n");
    }
}
