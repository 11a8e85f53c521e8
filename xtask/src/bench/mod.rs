//! Runs the benches and shows their figures beside peers, limits and targets in one table.
//!
//! Criterion writes its samples as JSON. Other figures (allocations, percentiles) are printed by the benches as lines
//! `figure NAME = NUMBER`. [`rows`] lists the comparisons.

mod build;
mod gate;
mod measured;
mod rows;

use core::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::machine::{machine, rustc};
use crate::page::write_between;
use crate::tree::{commit, root, target_dir};
use measured::Measured;
use rows::ROWS;

/// What to measure, and where the figures go.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Options {
    /// Only these benches: those of benches/benches (default: all)
    benches: Vec<String>,
    /// Short samples: enough to see that everything runs
    #[arg(long)]
    quick: bool,
    /// Write the table into docs/benchmarks.md
    #[arg(long, conflicts_with_all = ["benches", "quick"])]
    record: bool,
    /// Count instructions under callgrind instead, and fail if a hot path has grown
    #[arg(long)]
    gate: bool,
    /// With --gate: write the counts into benches/instructions.tsv
    #[arg(long, requires = "gate")]
    bless: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.gate {
        return gate::run(options.bless);
    }
    let known = ["crypto", "exchange", "gzip", "session", "session_memory", "tl", "transport"];
    if let Some(name) = options.benches.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("no bench `{name}`; benches: {}", known.join(", "));
    }
    let commit = commit()?;
    let mut measured = Measured::default();
    // Results of earlier runs must not replace those that this run does not measure.
    let _ = fs::remove_dir_all(target_dir_of_benches().join("criterion"));
    for name in known {
        if options.benches.is_empty() || options.benches.iter().any(|chosen| chosen == name) {
            println!("== {name}");
            measured.read_figures(&run_bench(name, options.quick)?);
        }
    }
    measured.read_samples(&target_dir_of_benches().join("criterion"))?;
    if options.benches.is_empty() && !options.quick {
        println!("== cold builds");
        build::measure(&mut measured)?;
    }
    let table = table(&measured)?;
    println!("\n{table}");
    if options.record {
        record(&table, &commit, &measured)?;
    }
    Ok(())
}

/// Runs one bench, prints its figures and returns its output.
fn run_bench(name: &str, quick: bool) -> Result<String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["bench", "--quiet", "--bench", name, "--"]);
    if name != "session_memory" {
        // The table replaces Criterion's own report.
        command.args(["--quiet", "--noplot"]);
    }
    if quick && name == "session_memory" {
        command.env("SESSIONS", "10000");
    } else if quick {
        command.args([
            "--warm-up-time",
            "0.05",
            "--measurement-time",
            "0.1",
            "--sample-size",
            "10",
        ]);
    }
    let output = command
        .current_dir(root().join("benches"))
        .env("CARGO_TARGET_DIR", target_dir_of_benches())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    let printed = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        bail!("bench {name} failed:\n{printed}");
    }
    for line in printed.lines().filter(|line| line.starts_with("figure ")) {
        println!("{line}");
    }
    Ok(printed)
}

/// Returns the target directory of the benches, which are a workspace of their own.
fn target_dir_of_benches() -> std::path::PathBuf {
    target_dir().join("benches")
}

/// Formats all rows, including those that were not measured.
fn table(measured: &Measured) -> Result<String> {
    let mut table = String::from(
        "| item | ours | peer | limit | ratio | goal | goal with kernels |\n|---|---:|---:|---:|---:|---|---|\n",
    );
    let (mut met, mut missed, mut absent) = (0, 0, 0);
    for row in &ROWS {
        let item = row.item;
        let Some(line) = row.judge(measured) else {
            absent += 1;
            let [goal, kernel_goal] = row.goals();
            writeln!(table, "| {item} | not measured | | | | {goal} | {kernel_goal} |")?;
            continue;
        };
        match line.goal_is_met {
            Some(true) => met += 1,
            Some(false) => missed += 1,
            None => {}
        }
        writeln!(table, "| {item} | {} |", line.cells.join(" | "))?;
    }
    writeln!(table, "\nGoals: {met} met, {missed} missed; {absent} rows not measured.")?;
    Ok(table)
}

/// Writes the table into `docs/benchmarks.md`.
fn record(table: &str, commit: &str, measured: &Measured) -> Result<()> {
    let clock = measured.gigahertz().map_or(String::new(), |ghz| format!(" at {ghz:.2} GHz"));
    let (machine, rustc) = (machine(), rustc()?);
    let text = format!(
        "`cargo xtask bench --record`, commit {commit}, {machine}{clock}, {rustc}, default release build.\n\n{table}"
    );
    write_between("docs/benchmarks.md", "table", &text)
}
