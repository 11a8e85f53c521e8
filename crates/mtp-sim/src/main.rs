//! `mtp-sim`: many seeds, or one of them in detail. `cargo xtask simulate` builds and calls it.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the program shows how long it takes; what it simulates has clocks of its own"
)]

use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use mtp_sim::campaign::{Campaign, News, Progress};
use mtp_sim::{Scenario, Tally};

const USAGE: &str = "usage: mtp-sim [--seed N [--trace] | --from N --seeds N --jobs N]";

/// What is wanted.
struct Wanted {
    /// One seed, and whether it is traced.
    one: Option<(u64, bool)>,
    campaign: Campaign,
}

fn main() -> ExitCode {
    let Some(wanted) = read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let failed = match wanted.one {
        Some((seed, trace)) => run_one(seed, trace),
        None => run_many(&wanted.campaign),
    };
    ExitCode::from(u8::from(failed))
}

fn read(mut args: impl Iterator<Item = String>) -> Option<Wanted> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let tells_every = Duration::from_secs(5);
    let campaign = Campaign { from: 0, seeds: 10_000, jobs, tells_every };
    let (mut wanted, mut trace) = (Wanted { one: None, campaign }, false);
    while let Some(arg) = args.next() {
        let mut number = || args.next()?.replace('_', "").parse::<u64>().ok();
        match arg.as_str() {
            "--trace" => trace = true,
            "--seed" => wanted.one = Some((number()?, false)),
            "--from" => wanted.campaign.from = number()?,
            "--seeds" => wanted.campaign.seeds = number()?,
            "--jobs" => wanted.campaign.jobs = usize::try_from(number()?).ok()?,
            _ => return None,
        }
    }
    wanted.one = wanted.one.map(|(seed, _)| (seed, trace));
    Some(wanted)
}

/// Runs one seed; reports whether it failed.
fn run_one(seed: u64, trace: bool) -> bool {
    match mtp_sim::run(&Scenario { trace, ..Scenario::new(seed) }) {
        Ok(report) => {
            print_tally(&report.tally);
            println!("seed {seed} keeps all invariants; faults: {}", report.faults);
            false
        }
        Err(failure) => {
            println!("{failure}");
            true
        }
    }
}

/// Runs many seeds; reports whether one failed.
fn run_many(campaign: &Campaign) -> bool {
    let begun = Instant::now();
    let came_to = campaign.run(|news| match news {
        News::Failed(failure) => println!("{failure}"),
        News::Progress(progress) => print_progress(campaign, progress, begun.elapsed()),
    });
    let took = begun.elapsed();
    print_tally(&came_to.tally);
    let Progress { done, failures, slowest: (slowest, seed), .. } = came_to;
    println!("{done} seeds in {took:.1?} on {} threads, {failures} failures", campaign.jobs);
    println!("slowest call: {slowest:.1?} after all faults, seed {seed}");
    failures > 0
}

fn print_progress(campaign: &Campaign, progress: &Progress, passed: Duration) {
    let rate = u128::from(progress.done) * 1000 / passed.as_millis().max(1);
    let left = u128::from(campaign.seeds.saturating_sub(progress.done)) / rate.max(1);
    eprintln!(
        "{} of {} seeds, {} failures, {rate} seeds/s, {left} s left",
        progress.done, campaign.seeds, progress.failures
    );
}

fn print_tally(tally: &Tally) {
    println!("faults injected:");
    for (what, count) in tally.faults() {
        println!("{count:>12} {what}");
    }
    println!("what happened:");
    for (what, count) in tally.iter() {
        println!("{count:>12} {what}");
    }
}
