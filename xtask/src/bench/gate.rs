//! Instruction counts of the hot paths: they hardly differ between runs, so they show a change even on a machine whose
//! times vary.
//!
//! valgrind emulates a processor with AES-NI and AVX2 but without SHA, VAES and AVX-512 extensions, so the code paths of
//! such a processor are counted. The committed counts name compiler and processor; the gate is skipped on others.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use super::target_dir_of_benches;
use crate::machine::{processors, rustc};
use crate::skip::skip;
use crate::tree::root;

/// The relative growth of a path that is still accepted; smaller changes are not printed.
const TOLERANCE: f64 = 0.03;

pub(crate) fn run(bless: bool) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skip("valgrind is not installed (apt-get install valgrind)");
    }
    let binary = build()?;
    let (processor, paths) = list(&binary)?;
    let place = format!("{}, {processor}", rustc()?);
    let counted = count_all(&binary, &paths)?;
    let file = root().join("benches/instructions.tsv");
    if bless {
        let mut text = format!("{HEAD}# {place}\n");
        for path in &paths {
            writeln!(text, "{path}\t{}", counted.get(path).copied().unwrap_or_default())?;
        }
        fs::write(&file, text)?;
        println!("wrote {}", file.display());
        return Ok(());
    }
    let text = fs::read_to_string(&file).context("benches/instructions.tsv")?;
    let recorded = text.lines().filter_map(|line| line.strip_prefix("# ")).next_back();
    if recorded != Some(place.as_str()) {
        let recorded = recorded.unwrap_or("nothing");
        return skip(&format!("counts are for {recorded}, this is {place}"));
    }
    compare(&paths, &counted, &text)
}

/// Builds the program without peers.
fn build() -> Result<PathBuf> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--release", "--no-default-features", "--bin", "hot_paths"])
        .current_dir(root().join("benches"))
        .env("CARGO_TARGET_DIR", target_dir_of_benches())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("hot_paths does not build");
    }
    Ok(target_dir_of_benches().join("release/hot_paths"))
}

/// Returns the processor that valgrind emulates and the names of the paths.
fn list(binary: &Path) -> Result<(String, Vec<String>)> {
    let output = Command::new("valgrind").args(["--tool=none", "-q"]).arg(binary).output()?;
    let text = stdout(output)?;
    let processor = text.lines().find_map(|line| line.strip_prefix("processor "));
    let processor = processor.context("hot_paths names no processor")?.to_owned();
    let paths = text.lines().filter_map(|line| line.strip_prefix("path ")).map(str::to_owned);
    Ok((processor, paths.collect()))
}

fn count_all(binary: &Path, paths: &[String]) -> Result<BTreeMap<String, u64>> {
    let next = Mutex::new(paths.iter());
    let counted = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..processors())
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    loop {
                        let path = next.lock().ok().and_then(|mut next| next.next());
                        let Some(path) = path else { return Ok(()) };
                        let count = count(binary, path)?;
                        if let Ok(mut counted) = counted.lock() {
                            counted.insert(path.clone(), count);
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    })?;
    Ok(counted.into_inner().unwrap_or_default())
}

/// Returns the instructions of one run of a path.
fn count(binary: &Path, path: &str) -> Result<u64> {
    let mut totals = [0; 2];
    let mut runs = 1;
    for (rounds, total) in ["1", "2"].into_iter().zip(&mut totals) {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(binary)
            .args([path, rounds])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let collected = said.lines().find_map(|line| line.split_once("Collected : "));
        let collected = collected.with_context(|| format!("callgrind on {path}: {said}"))?.1;
        *total = collected.trim().parse::<u64>()?;
        let printed = stdout(output)?;
        let printed = printed.lines().find_map(|line| line.strip_prefix("runs "));
        runs = printed.context("hot_paths prints no runs")?.parse()?;
    }
    let [one, two] = totals;
    Ok(two.saturating_sub(one) / runs)
}

fn compare(paths: &[String], counted: &BTreeMap<String, u64>, text: &str) -> Result<()> {
    let recorded: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(path, count)| Some((path, count.parse::<u64>().ok()?)))
        .collect();
    let mut grown = Vec::new();
    println!("| path | recorded | now | change |\n|---|---:|---:|---:|");
    for path in paths {
        let now = counted.get(path).copied().unwrap_or_default();
        let Some(&before) = recorded.get(path.as_str()) else {
            println!("| {path} | – | {now} | new |");
            continue;
        };
        let change = as_f64(now) / as_f64(before.max(1)) - 1.0;
        println!("| {path} | {before} | {now} | {:+.1} % |", change * 100.0);
        if change > TOLERANCE {
            grown.push(path.as_str());
        }
    }
    if !grown.is_empty() {
        bail!(
            "more instructions than recorded: {}; if that is right: `cargo xtask bench --gate --bless`",
            grown.join(", ")
        );
    }
    Ok(())
}

fn as_f64(count: u64) -> f64 {
    // Counts of a path are far below 2^53.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn stdout(output: Output) -> Result<String> {
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

const HEAD: &str = "\
# Instructions of one run of each hot path, written by `cargo xtask bench --gate --bless`.
# Counted under callgrind with this compiler on this processor, as valgrind shows it:
";
