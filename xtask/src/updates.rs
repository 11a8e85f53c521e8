//! The simulation of updates over many seeds: the test of `mtp-account`, with more of them.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::tree::root;

/// How many seeds.
#[derive(Args)]
pub(crate) struct Options {
    /// Seeds to run
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
}

/// Runs the test with so many seeds.
pub(crate) fn run(options: &Options) -> Result<()> {
    let status = Command::new("cargo")
        .args(["test", "--package", "mtp-account", "--test", "it", "--", "every_update_arrives"])
        .env("MTP_UPDATE_SEEDS", options.seeds.to_string())
        .current_dir(root())
        .status()
        .context("cargo test")?;
    ensure!(status.success(), "a seed has failed");
    Ok(())
}
