//! What the compiler does not check. Each check is a file here and lists its faults; `run` prints them all.

mod circles;
mod citations;
mod errors;
mod files;
mod limits;
mod names;
mod panics;
mod trees;
mod wording;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::rust::{File, crate_files};
use crate::tree::{Source, crates, libraries, sources};

/// Which checks to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these checks (default: all)
    checks: Vec<Check>,
    /// Print the counts per crate only
    #[arg(long)]
    counts: bool,
    /// Also print the circles of imports between the files of one folder, which are allowed
    #[arg(long)]
    circles_of_files: bool,
}

/// A check by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Check {
    /// Lengths of files, words that must not stand in code, unsafe code, clocks in tests
    Files,
    /// Dependency trees of the core crates
    Trees,
    /// One public path for each type, each public type name in one crate only, docs/api complete
    Names,
    /// An error prints its cause or returns it from `source()`; each has its place in the crate's test of errors
    Errors,
    /// Citations of sections that docs/spec does not have
    Citations,
    /// Branches for tests that can panic in a production build
    Panics,
    /// Imports in a circle between the folders of a crate
    Circles,
    /// Limits without a row in docs/limits.md
    Limits,
    /// British spellings and phrases that we do not use
    Wording,
}

/// Something that a check found.
pub(crate) struct Fault {
    /// A path, with a line where there is one.
    pub(crate) place: String,
    pub(crate) what: String,
}

impl Fault {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), what)
    }

    /// Names the crate or folder that a fault belongs to.
    fn home(&self) -> &str {
        let path = self.place.strip_prefix("crates/").unwrap_or(&self.place);
        let path = path.strip_prefix("docs/api/").unwrap_or(path);
        path.split(['/', ':', '.']).next().unwrap_or(path)
    }
}

/// What the checks look at, read once.
pub(crate) struct Tree {
    /// All Rust files.
    pub(crate) sources: Vec<Source>,
    /// The production files of each crate.
    pub(crate) crates: BTreeMap<String, Vec<File>>,
    /// The crates that others build on: those with a public API.
    pub(crate) libraries: Vec<String>,
}

impl Tree {
    fn read() -> Result<Self> {
        let sources = sources(".rs")?;
        let mut read = BTreeMap::new();
        for name in crates()? {
            let files = crate_files(&sources, &name)?;
            read.insert(name, files);
        }
        Ok(Self { sources, crates: read, libraries: libraries()? })
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let tree = Tree::read()?;
    let chosen = |check: &Check| options.checks.is_empty() || options.checks.contains(check);
    let mut count = 0;
    for check in Check::value_variants().iter().filter(|check| chosen(check)) {
        let faults = check.faults(&tree)?;
        if !faults.is_empty() {
            print(*check, &faults, options.counts);
        }
        count += faults.len();
    }
    if options.circles_of_files {
        circles::print_files(&tree);
    }
    if count > 0 {
        bail!("{count} faults");
    }
    println!("tidy: {} files, {} crates, no fault", tree.sources.len(), tree.crates.len());
    Ok(())
}

impl Check {
    fn faults(self, tree: &Tree) -> Result<Vec<Fault>> {
        match self {
            Self::Files => Ok(files::check(tree)),
            Self::Trees => trees::check(),
            Self::Names => names::check(tree),
            Self::Errors => errors::check(tree),
            Self::Citations => citations::check(tree),
            Self::Panics => Ok(panics::check(tree)),
            Self::Circles => Ok(circles::check(tree)),
            Self::Limits => limits::check(tree),
            Self::Wording => wording::check(tree),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Prints a check's faults after their count for each crate or folder.
fn print(check: Check, faults: &[Fault], only_counts: bool) {
    let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
    for fault in faults {
        *homes.entry(fault.home()).or_default() += 1;
    }
    let homes: Vec<_> = homes.iter().map(|(home, count)| format!("{home} {count}")).collect();
    println!("{}: {} faults ({})", check.name(), faults.len(), homes.join(", "));
    for Fault { place, what } in faults.iter().filter(|_| !only_counts) {
        println!("  {place}: {what}");
    }
}

/// Shared by the checks' tests.
#[cfg(test)]
mod rig {
    use super::*;

    /// Makes a tree of these files.
    pub(super) fn tree(files: &[(&str, &str)]) -> Tree {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        let names: std::collections::BTreeSet<_> = sources
            .iter()
            .filter_map(|source| source.path.strip_prefix("crates/")?.split('/').next())
            .map(str::to_owned)
            .collect();
        let crates =
            names.iter().map(|name| (name.clone(), crate_files(&sources, name).unwrap())).collect();
        Tree { sources, crates, libraries: names.into_iter().collect() }
    }

    /// Writes faults as `place: what`.
    pub(super) fn lines(faults: &[Fault]) -> Vec<String> {
        faults.iter().map(|fault| format!("{}: {}", fault.place, fault.what)).collect()
    }
}
