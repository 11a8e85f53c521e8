//! Changes the core crates in one place at a time and runs their tests: a change that no test notices is a missing
//! test or makes no difference.
//!
//! Each change is a build, and all 6,700 of them would take days. The sample is whole files: those that check input
//! from peers.

use core::fmt::{self, Write as _};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::page::write_between;
use crate::skip::skip;
use crate::tree::{DICE, commit, root, target_dir};

/// The files of a crate to change, and the tests to run.
struct Sample {
    name: &'static str,
    /// Files below `src`, as globs.
    files: &'static [&'static str],
    /// Tests that notice most changes and build quickly.
    first: &'static [&'static str],
    /// Tests for the changes that those missed; if empty, none.
    then: &'static [&'static str],
}

/// Files that parse, check and count input from peers.
const SAMPLES: [Sample; 8] = [
    Sample { name: "mtp-env", files: &["*.rs"], first: &["--lib"], then: &[] },
    Sample {
        name: "mtp-tl",
        files: &["decoder.rs", "string.rs", "budget.rs", "vector.rs"],
        first: &["--lib", "--tests"],
        then: &[],
    },
    Sample {
        name: "mtp-kernels",
        files: &["*.rs", "x86/*.rs"],
        first: &["--lib", "--tests"],
        then: &[],
    },
    Sample {
        name: "mtp-crypto",
        files: &[
            "envelope/*.rs",
            "auth_key.rs",
            "bind.rs",
            "exchange/dh/*.rs",
            "exchange/pq/mod.rs",
            "exchange/tmp_aes.rs",
        ],
        first: &["--lib"],
        then: &["--lib", "--tests"],
    },
    Sample {
        name: "mtp-transport",
        files: &["framing/*.rs", "detect.rs", "obfuscation/*.rs"],
        first: &["--lib"],
        then: &["--lib", "--tests"],
    },
    Sample {
        name: "mtp-session",
        files: &[
            "session/msg_id.rs",
            "session/window.rs",
            "session/seq_no.rs",
            "session/acks.rs",
            "session/recent.rs",
            "client/session/salts.rs",
            "server/session/salts.rs",
            "server/session/gate.rs",
            "gzip/mod.rs",
            "service/container.rs",
        ],
        first: &["--lib"],
        then: &["--lib", "--tests"],
    },
    Sample {
        name: "mtp-proto",
        files: &["pipe.rs", "connection.rs"],
        first: &["--lib", "--tests"],
        then: &[],
    },
    Sample {
        name: "mtp-server",
        files: &["hub.rs", "admission.rs", "flood.rs"],
        first: &["--lib", "--tests"],
        then: &[],
    },
];

/// Seconds after which tests count as hanging.
const TIMEOUT_S: &str = "200";

/// Which crates to change, and where the figures go.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these core crates (default: all that are sampled)
    crates: Vec<String>,
    /// Write the table into docs/testing.md
    #[arg(long, conflicts_with = "crates")]
    record: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let known = |name: &String| SAMPLES.iter().any(|sample| sample.name == name);
    if let Some(name) = options.crates.iter().find(|name| !known(name)) {
        bail!("no files of `{name}` are sampled");
    }
    let version = Command::new("cargo").args(["mutants", "--version"]).output()?;
    if !version.status.success() {
        return skip("no cargo-mutants (cargo install cargo-mutants --locked)");
    }
    let mut table = Table::default();
    for sample in &SAMPLES {
        if options.crates.is_empty() || options.crates.iter().any(|name| name == sample.name) {
            table.add(sample, &sample.outcome()?)?;
        }
    }
    println!("{table}");
    if options.record {
        let text = format!("`cargo xtask mutants --record`, commit {}.\n\n{table}", commit()?);
        write_between("docs/testing.md", "mutants", &text)?;
    }
    Ok(())
}

impl Sample {
    /// Runs the first tests on each change, then the others on the changes that those missed.
    fn outcome(&self) -> Result<Outcome> {
        // A file that has moved would silently drop out of the sample.
        for file in self.files.iter().filter(|file| !file.contains('*')) {
            let path = format!("crates/{}/src/{file}", self.name);
            if !root().join(&path).exists() {
                bail!("{path} is in the sample but does not exist");
            }
        }
        let folder = target_dir().join("mutants").join(self.name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        self.pass(&folder, &[], self.first)?;
        let first = Outcome::read(&folder)?;
        if self.then.is_empty() || first.missed.is_empty() && first.timed_out.is_empty() {
            return Ok(first);
        }
        self.pass(&folder, &["--iterate"], self.then)?;
        Ok(first.followed_by(Outcome::read(&folder)?))
    }

    fn pass(&self, folder: &Path, how: &[&str], tests: &[&str]) -> Result<()> {
        let mut command = Command::new("cargo");
        command.args(["mutants", "--package", self.name, "--profile", "mutants", "--no-shuffle"]);
        // One at a time: copies of the tree in one target directory reuse each other's builds by mistake, and separate
        // directories would rebuild all dependencies.
        command.args(["--baseline", "skip", "--timeout", TIMEOUT_S, "--output"]).arg(folder);
        for file in self.files {
            command.arg("--file").arg(format!("crates/{}/src/{file}", self.name));
        }
        // Unlike arguments after `--`, these also select what is built.
        command.args(tests.iter().map(|test| format!("--cargo-arg={test}")));
        command.args(how).args(["--", "--"]).current_dir(root());
        command.args(DICE.into_iter().flat_map(|part| ["--skip", part]));
        match command.status()?.code() {
            Some(ALL_CAUGHT | SOME_MISSED | SOME_TIMED_OUT) => Ok(()),
            code => bail!("cargo mutants of {} ended with {code:?}", self.name),
        }
    }
}

/// The changes by outcome, each by its name.
struct Outcome {
    caught: Vec<String>,
    unviable: Vec<String>,
    timed_out: Vec<String>,
    missed: Vec<String>,
}

impl Outcome {
    fn read(folder: &Path) -> Result<Self> {
        let names = |file: &str| -> Result<Vec<String>> {
            let path = folder.join("mutants.out").join(file);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        Ok(Self {
            caught: names("caught.txt")?,
            unviable: names("unviable.txt")?,
            timed_out: names("timeout.txt")?,
            missed: names("missed.txt")?,
        })
    }

    /// Merges the outcome of a second pass over the missed changes.
    fn followed_by(mut self, second: Self) -> Self {
        self.caught.extend(second.caught);
        Self { timed_out: second.timed_out, missed: second.missed, ..self }
    }

    fn all(&self) -> usize {
        self.caught.len() + self.unviable.len() + self.timed_out.len() + self.missed.len()
    }
}

/// The rows of the table.
#[derive(Default)]
struct Table {
    rows: String,
    survivors: String,
}

impl Table {
    fn add(&mut self, sample: &Sample, outcome: &Outcome) -> Result<()> {
        let files: Vec<_> = sample.files.iter().map(|file| format!("`{file}`")).collect();
        writeln!(
            self.rows,
            "| `{}`: {} | {} | {} | {} | {} | {} |",
            sample.name,
            files.join(", "),
            outcome.all(),
            outcome.caught.len(),
            outcome.timed_out.len(),
            outcome.unviable.len(),
            outcome.missed.len()
        )?;
        for name in &outcome.missed {
            writeln!(self.survivors, "- `{name}`")?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| files of | mutants | caught | hang | do not compile | survived |\n")?;
        f.write_str("|---|---:|---:|---:|---:|---:|\n")?;
        writeln!(f, "{}\nThe survivors:\n\n{}", self.rows, self.survivors)
    }
}

/// Exit codes of `cargo mutants` after a complete run.
const ALL_CAUGHT: i32 = 0;
const SOME_MISSED: i32 = 2;
const SOME_TIMED_OUT: i32 = 3;
