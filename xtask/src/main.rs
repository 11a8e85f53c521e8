//! Repository chores: `cargo xtask --help` lists them.

mod api;
mod bench;
mod coverage;
mod features;
mod fuzz;
mod long;
mod machine;
mod mutants;
mod page;
mod rust;
mod sections;
mod simulate;
mod skip;
mod spec_map;
mod targets;
mod tidy;
mod tree;
mod updates;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Repository chores", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Checks what the compiler does not: names, errors, citations, imports, limits, wording
    Tidy(tidy::Options),
    /// Checks each core crate with each of its features alone, none, and all
    Features,
    /// Writes docs/spec-map.md from the `// spec:` citations, or checks that it is up to date
    SpecMap {
        /// Fail when the committed page differs instead of writing it
        #[arg(long)]
        check: bool,
    },
    /// Compares the public API of the library crates with docs/api
    Api {
        /// Write docs/api instead
        #[arg(long)]
        bless: bool,
    },
    /// Runs the core crates' tests and lists the lines they do not reach
    Coverage(coverage::Options),
    /// Changes the core crates in one place at a time and lists the changes that no test notices
    Mutants(mutants::Options),
    /// Builds the core crates for other targets and runs their tests there where possible
    Targets(targets::Options),
    /// Measures against peers, or counts the instructions of the hot paths
    Bench(bench::Options),
    /// Simulates clients and servers over bad links: 10,000 seeds, or one in detail
    Simulate(simulate::Options),
    /// Simulates an account and a server that loses, repeats and reorders updates
    Updates(updates::Options),
    /// Fuzzes all targets with libFuzzer, or writes their first inputs
    Fuzz(fuzz::Options),
    /// Lists the chores that take longer than a minute, or does one: fuzz, simulate, kills, updates, mutants, coverage, bench, targets
    Long(long::Options),
}

fn main() -> ExitCode {
    let outcome = run(Arguments::parse().chore);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) if why.is::<skip::Skipped>() => {
            println!("{why}");
            ExitCode::from(skip::EXIT_CODE)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Tidy(options) => tidy::run(&options),
        Chore::Features => features::run(),
        Chore::SpecMap { check } => spec_map::run(check),
        Chore::Api { bless } => api::run(bless),
        Chore::Targets(options) => targets::run(&options),
        Chore::Coverage(options) => coverage::run(&options),
        Chore::Mutants(options) => mutants::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::Simulate(options) => simulate::run(&options),
        Chore::Updates(options) => updates::run(&options),
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Long(options) => match long::arguments(&options)? {
            None => Ok(()),
            Some(arguments) => {
                let program = core::iter::once("cargo xtask".to_owned());
                run(Arguments::parse_from(program.chain(arguments)).chore)
            }
        },
    }
}
