//! Runs the fuzz targets under libFuzzer and prints one table of the results.
//!
//! cargo-fuzz builds the binaries with the nightly compiler; this program runs one per processor. See
//! `docs/fuzzing.md`.

use core::fmt::Write as _;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::machine::{machine, processors};
use crate::page::write_between;
use crate::tree::{cargo, cargo_output, commit, root, target_dir};

/// What to fuzz, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these targets (default: all)
    targets: Vec<String>,
    /// Duration of the whole run, in minutes
    #[arg(long, conflicts_with = "seconds")]
    minutes: Option<u64>,
    /// Duration of the whole run, in seconds [default: 10 for each target]
    #[arg(long)]
    seconds: Option<u64>,
    /// Targets that run at a time [default: one for each processor]
    #[arg(long)]
    jobs: Option<usize>,
    /// `none` is two to three times faster; `address` finds faults in unsafe code of dependencies
    #[arg(long, default_value = "none")]
    sanitizer: String,
    /// Only write the first inputs, made from the vectors
    #[arg(long)]
    seed: bool,
    /// Replace fuzz/corpus by the smallest inputs that reach as much code
    #[arg(long)]
    keep: bool,
    /// Write the table into docs/fuzzing.md
    #[arg(long)]
    record: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.seed {
        return cargo(&["run", "--quiet", "--package", "mtp-fuzz", "--example", "seed"]);
    }
    let targets = chosen(&options.targets)?;
    // Read before the run: the tree may change meanwhile.
    let commit = commit()?;
    let plant = Plant::build(&options.sanitizer)?;
    let jobs = options.jobs.unwrap_or_else(processors).clamp(1, targets.len());
    let total = match (options.minutes, options.seconds) {
        (Some(minutes), _) => minutes * 60,
        (None, Some(seconds)) => seconds,
        (None, None) => 10 * targets.len().div_ceil(jobs) as u64,
    };
    let each = (total / targets.len().div_ceil(jobs) as u64).max(1);
    println!("{} targets, {jobs} at a time, {each} s each\n", targets.len());
    let (lines, found) = fuzz_all(&plant, &targets, jobs, each)?;
    if options.keep {
        for target in &targets {
            plant.keep(target)?;
        }
    }
    if options.record {
        record(&lines, &commit, &options.sanitizer, each)?;
    }
    if found > 0 {
        bail!("{found} findings; cargo run -p mtp-fuzz --example replay TARGET FILE shows one");
    }
    Ok(())
}

/// Runs the targets, prints a row when one ends, and counts the findings.
fn fuzz_all(plant: &Plant, targets: &[String], jobs: usize, each: u64) -> Result<(String, usize)> {
    let start = Instant::now();
    let next = Mutex::new(targets.iter());
    let done = Mutex::new(Vec::new());
    println!("{HEADER}");
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let target = next.lock().ok().and_then(|mut next| next.next());
                    let Some(target) = target else { return };
                    let outcome = plant.fuzz(target, each);
                    if let Ok(mut done) = done.lock() {
                        if let Ok(outcome) = &outcome {
                            println!("{}", outcome.row());
                        }
                        done.push(outcome);
                        let (count, all) = (done.len(), targets.len());
                        eprint!("{count}/{all} after {} s\r", start.elapsed().as_secs());
                    }
                }
            });
        }
    });
    let outcomes: Result<Vec<Outcome>> =
        done.into_inner().unwrap_or_default().into_iter().collect();
    let mut outcomes = outcomes?;
    outcomes.sort_by_key(|outcome| targets.iter().position(|target| *target == outcome.target));
    let runs: u64 = outcomes.iter().map(|outcome| outcome.runs).sum();
    let found = outcomes.iter().map(|outcome| outcome.findings.len()).sum();
    println!("\n{} runs in {} s, {found} findings", short(runs), start.elapsed().as_secs());
    for outcome in &outcomes {
        for finding in &outcome.findings {
            println!("finding of {}: {}", outcome.target, finding.display());
            println!("  {}", in_words(finding));
        }
        if !outcome.findings.is_empty() {
            println!("  {}", outcome.why);
        }
    }
    let mut lines = format!("{HEADER}\n");
    for outcome in &outcomes {
        let _ = writeln!(lines, "{}", outcome.row());
    }
    let _ = writeln!(lines, "\n{} runs, {found} findings.", short(runs));
    let costs: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| Some((&outcome.target, outcome.costs.as_deref()?)))
        .collect();
    for (target, largest) in &costs {
        println!("largest costs of {target}: {largest}");
    }
    if !costs.is_empty() {
        let _ = writeln!(lines, "\nLargest costs:\n");
    }
    for (target, largest) in costs {
        let _ = writeln!(lines, "- `{target}`: {largest}");
    }
    Ok((lines, found))
}

/// The built binaries and the folders of their findings.
struct Plant {
    binaries: PathBuf,
    fuzz: PathBuf,
    work: PathBuf,
}

impl Plant {
    fn build(sanitizer: &str) -> Result<Self> {
        let fuzz = root().join("fuzz");
        if cargo_output(&["fuzz", "--version"]).is_err() {
            println!("installing cargo-fuzz");
            cargo(&["install", "cargo-fuzz", "--locked"])?;
        }
        let target_dir = target_dir().join("fuzz");
        let status = Command::new("rustup")
            .args(["run", "nightly", "cargo", "fuzz", "build", "--features", "libfuzzer"])
            .args(["--sanitizer", sanitizer, "--target-dir"])
            .arg(&target_dir)
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .current_dir(root())
            .status()
            .context("rustup, for the nightly compiler")?;
        if !status.success() {
            bail!(
                "cargo fuzz build failed; is there a nightly toolchain? (rustup toolchain install nightly)"
            );
        }
        let version = Command::new("rustc").arg("-vV").output().context("rustc -vV")?;
        let version = String::from_utf8(version.stdout)?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc -vV names no host")?;
        let binaries = target_dir.join(host).join("release");
        Ok(Self { binaries, fuzz, work: target_dir.join("corpus") })
    }

    fn fuzz(&self, target: &str, seconds: u64) -> Result<Outcome> {
        let (work, artifacts) = (self.work.join(target), self.fuzz.join("artifacts").join(target));
        for folder in [&work, &artifacts] {
            fs::create_dir_all(folder)?;
        }
        let before = files(&artifacts)?;
        let mut prefix = artifacts.clone().into_os_string();
        prefix.push("/");
        let mut option = std::ffi::OsString::from("-artifact_prefix=");
        option.push(&prefix);
        let output = Command::new(self.binaries.join(target))
            .arg(format!("-max_total_time={seconds}"))
            .args(["-rss_limit_mb=2048", TIMEOUT, SLOW, "-print_final_stats=1"])
            .arg(option)
            .arg(&work)
            .arg(self.fuzz.join("corpus").join(target))
            .current_dir(&self.fuzz)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {target}"))?;
        let log = String::from_utf8_lossy(&output.stderr);
        let findings: Vec<_> = files(&artifacts)?.difference(&before).cloned().collect();
        if !output.status.success() && findings.is_empty() {
            bail!("{target} failed without a finding:\n{log}");
        }
        Ok(Outcome::read(target, &log, findings))
    }

    /// Replaces a committed corpus by the smallest inputs that reach the same code as it and the new ones.
    fn keep(&self, target: &str) -> Result<()> {
        let committed = self.fuzz.join("corpus").join(target);
        let merged = self.work.join(format!("{target}.merged"));
        let _ = fs::remove_dir_all(&merged);
        fs::create_dir_all(&merged)?;
        let output = Command::new(self.binaries.join(target))
            .args(["-merge=1", "-rss_limit_mb=2048", TIMEOUT])
            .arg(&merged)
            .args([&committed, &self.work.join(target)])
            .current_dir(&self.fuzz)
            .output()?;
        if !output.status.success() {
            bail!("merging {target}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let kept = files(&merged)?;
        if kept.is_empty() {
            bail!("merging {target} left nothing");
        }
        fs::remove_dir_all(&committed)?;
        fs::create_dir_all(&committed)?;
        let mut bytes = 0;
        for file in kept {
            let name = file.file_name().context("a file has a name")?;
            bytes += fs::copy(&file, committed.join(name))?;
        }
        println!("{target}: {bytes} bytes kept");
        Ok(())
    }
}

/// The outcome of one target's run.
struct Outcome {
    target: String,
    runs: u64,
    per_second: u64,
    coverage: u64,
    corpus: String,
    findings: Vec<PathBuf>,
    /// The last output of the target.
    why: String,
    /// The largest costs, of a target that searches for them.
    costs: Option<String>,
}

impl Outcome {
    /// Reads libFuzzer's log: `#123 DONE cov: 45 ft: 67 corp: 8/90Kb …`, `stat::name: value`.
    fn read(target: &str, log: &str, findings: Vec<PathBuf>) -> Self {
        let status = log.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: "));
        let after = |key: &str| {
            let (_, rest) = status.unwrap_or_default().split_once(key)?;
            rest.split_whitespace().next()
        };
        let stat = |key: &str| {
            let line = log.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(key));
            line.and_then(|value| value.trim_start_matches(':').trim().parse().ok()).unwrap_or(0)
        };
        let stop = |line: &&str| line.contains("panicked at") || line.contains("ERROR:");
        let why = log.lines().skip_while(|line| !stop(line)).take(2).map(shortened);
        Self {
            target: target.to_owned(),
            runs: stat("number_of_executed_units"),
            per_second: stat("average_exec_per_sec"),
            coverage: after("cov: ").and_then(|number| number.parse().ok()).unwrap_or(0),
            corpus: after("corp: ").unwrap_or("0").to_owned(),
            findings,
            why: why.collect::<Vec<_>>().join("\n  "),
            costs: log.lines().rev().find_map(|line| line.strip_prefix("cost ")).map(str::to_owned),
        }
    }

    fn row(&self) -> String {
        format!(
            "| {:<18} | {:>8} | {:>8} | {:>6} | {:>12} | {:>8} |",
            self.target,
            short(self.runs),
            short(self.per_second),
            self.coverage,
            self.corpus,
            self.findings.len(),
        )
    }
}

/// Cuts a line: a panic may print a value of a megabyte.
fn shortened(line: &str) -> String {
    line.chars().take(400).collect()
}

/// Formats an input for `xxd -r -p`: in CI the file is lost with the machine.
fn in_words(finding: &Path) -> String {
    match fs::read(finding) {
        Ok(bytes) if bytes.len() <= PRINTED_MAX => {
            bytes.iter().fold(String::from("hex: "), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        }
        Ok(bytes) => format!("{} bytes", bytes.len()),
        Err(error) => format!("cannot be read: {error}"),
    }
}

/// The longest input that is printed in full, in bytes.
const PRINTED_MAX: usize = 8192;

/// Wall-clock time, because on a busy machine an input of 0.1 s took ten seconds.
const TIMEOUT: &str = "-timeout=60";
/// Only inputs that take longer are reported as slow.
const SLOW: &str = "-report_slow_units=60";

const HEADER: &str = "\
| target             |     runs |   exec/s |  edges |       corpus | findings |
|--------------------|---------:|---------:|-------:|-------------:|---------:|";

/// Returns the chosen targets, all those that have a binary by default.
fn chosen(asked: &[String]) -> Result<Vec<String>> {
    let known: BTreeSet<_> = files(&root().join("fuzz/fuzz_targets"))?
        .iter()
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .collect();
    if let Some(unknown) = asked.iter().find(|target| !known.contains(*target)) {
        bail!("no target `{unknown}`; there are {}", Vec::from_iter(known).join(", "));
    }
    Ok(if asked.is_empty() { known.into_iter().collect() } else { asked.to_vec() })
}

fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Writes the table into `docs/fuzzing.md`.
fn record(lines: &str, commit: &str, sanitizer: &str, each: u64) -> Result<()> {
    let machine = machine();
    let head =
        format!("Commit {commit}, {each} s for each target, {machine}, sanitizer {sanitizer}.");
    write_between("docs/fuzzing.md", "figures", &format!("{head}\n\n{lines}"))
}

/// Prints 1234567 as `1.23 M`.
fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{} k", number / 1000),
        _ => format!("{}.{:02} M", number / 1_000_000, number % 1_000_000 / 10_000),
    }
}
