//! The repository: its crates, files and commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Crates that own no socket, clock or randomness, in the order of their dependencies.
pub(crate) const CORE: [&str; 9] = [
    "mtp-env",
    "mtp-tl",
    "mtp-kernels",
    "mtp-crypto",
    "mtp-transport",
    "mtp-session",
    "mtp-proto",
    "mtp-server",
    "mtp-account",
];

/// The number of leaves, which come first: they neither frame packets nor keep sessions.
const LEAVES: usize = 4;

/// Library crates whose API is not committed as text: generated from the schema, 30 times as long as all others.
const API_GENERATED: [&str; 1] = ["mtp-api"];

/// Crates of our own tests: they have users within this repository only.
const FOR_TESTS: [&str; 1] = ["mtp-sim"];

/// Parts of the names of randomized tests that repeat what other tests do on purpose. Chores that run all tests slowly
/// or a hundred times skip them: code that only they reach lacks a test.
pub(crate) const DICE: [&str; 3] = ["hostile", "mutated", "multiply_back"];

/// Returns the core crates of this tree.
pub(crate) fn core_crates() -> Vec<&'static str> {
    CORE.into_iter().filter(|name| manifest(name).exists()).collect()
}

/// Returns the core crates below framing and sessions: arithmetic and the form of values.
pub(crate) fn leaf_crates() -> Vec<&'static str> {
    core_crates().into_iter().take(LEAVES).collect()
}

/// Lists the folders of `crates`, sorted.
pub(crate) fn crates() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("crates")).context("crates")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if manifest(&name).exists() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Lists the library crates whose API is committed as text.
pub(crate) fn libraries() -> Result<Vec<String>> {
    let exempt = |name: &str| API_GENERATED.contains(&name) || FOR_TESTS.contains(&name);
    let has_library = |name: &str| root().join("crates").join(name).join("src/lib.rs").exists();
    let names = crates()?.into_iter();
    Ok(names.filter(|name| has_library(name) && !exempt(name)).collect())
}

fn manifest(name: &str) -> PathBuf {
    root().join("crates").join(name).join("Cargo.toml")
}

/// A source file: its path below the root, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    // At run time: worktrees with a common target directory also share this program.
    let own =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&own).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// Returns cargo's target directory.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Reads the files with this ending that git tracks or would track, sorted by path.
pub(crate) fn sources(ending: &str) -> Result<Vec<Source>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("git ls-files")?;
    let mut found = Vec::new();
    for path in String::from_utf8(output.stdout)?.lines().filter(|path| path.ends_with(ending)) {
        if let Ok(text) = std::fs::read_to_string(root().join(path)) {
            found.push(Source { path: path.to_owned(), text });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    if found.is_empty() {
        bail!("git lists no *{ending} file");
    }
    Ok(found)
}

/// Runs cargo in the root.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("`cargo {}` failed", arguments.join(" "));
    }
    Ok(())
}

/// Runs cargo in the root and returns its output.
pub(crate) fn cargo_output(arguments: &[&str]) -> Result<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(root())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("`cargo {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Returns the short id of the checked-out commit.
pub(crate) fn commit() -> Result<String> {
    let output = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(root())
        .output()
        .context("git rev-parse")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
