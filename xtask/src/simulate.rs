//! Runs the simulator: many seeds with progress, or one of them in detail.
//!
//! The profile `simulate` is optimized and keeps assertions. See `docs/simulation.md`.

use anyhow::Result;
use clap::Args;

use crate::tree::cargo;

/// Which seeds to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this seed
    #[arg(long, conflicts_with_all = ["from", "seeds", "jobs"])]
    seed: Option<u64>,
    /// Print every event of it
    #[arg(long, requires = "seed")]
    trace: bool,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Worlds whose server is killed again and again
    #[arg(long)]
    kills: bool,
    /// Number of seeds; a million is the long run
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// Runs sieges instead: attackers with a key, and what their bytes cost
    #[arg(long, conflicts_with_all = ["seed", "jobs"])]
    sieges: bool,
    /// Threads [default: one for each processor]
    #[arg(long)]
    jobs: Option<usize>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut args: Vec<String> =
        ["run", "--quiet", "--profile", "simulate", "--package", "mtp-sim", "--"]
            .map(str::to_owned)
            .to_vec();
    let mut add = |name: &str, value: Option<u64>| {
        args.extend(value.into_iter().flat_map(|value| [name.to_owned(), value.to_string()]));
    };
    if options.seed.is_some() {
        add("--seed", options.seed);
    } else {
        if options.sieges {
            args.push("--sieges".to_owned());
        }
        let mut add = |name: &str, value: Option<u64>| {
            args.extend(value.into_iter().flat_map(|value| [name.to_owned(), value.to_string()]));
        };
        add("--from", Some(options.from));
        add("--seeds", Some(options.seeds));
        add("--jobs", options.jobs.map(|jobs| jobs as u64));
    }
    if options.kills {
        args.push("--kills".to_owned());
    }
    if options.trace {
        args.push("--trace".to_owned());
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    cargo(&args)
}
