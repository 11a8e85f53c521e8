//! `mtp-sim`: runs many seeds, or one seed in detail. `cargo xtask simulate` builds and runs it.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the wall clock measures the duration for the user; no run depends on it"
)]

use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use mtp_sim::campaign::{Campaign, News, Progress};
use mtp_sim::siege::Siege;
use mtp_sim::{Scenario, Tally};

const USAGE: &str = "usage: mtp-sim [--kills] [--seed N [--trace] | --from N --seeds N --jobs N]\n       mtp-sim --sieges [--from N --seeds N]";

/// Parsed arguments.
struct Arguments {
    /// A single seed, and `true` to trace it.
    one: Option<(u64, bool)>,
    campaign: Campaign,
    /// Sieges instead of scenarios.
    sieges: bool,
}

fn main() -> ExitCode {
    let Some(arguments) = read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let failed = match arguments.one {
        Some((seed, trace)) => run_one(&Scenario { trace, ..(arguments.campaign.scenario)(seed) }),
        None if arguments.sieges => run_sieges(&arguments.campaign),
        None => run_many(&arguments.campaign),
    };
    ExitCode::from(u8::from(failed))
}

fn read(mut args: impl Iterator<Item = String>) -> Option<Arguments> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let progress_every = Duration::from_secs(5);
    let scenario = Scenario::new;
    let campaign = Campaign { from: 0, seeds: 10_000, jobs, scenario, progress_every };
    let (mut arguments, mut trace) = (Arguments { one: None, campaign, sieges: false }, false);
    while let Some(arg) = args.next() {
        let mut number = || args.next()?.replace('_', "").parse::<u64>().ok();
        match arg.as_str() {
            "--kills" => arguments.campaign.scenario = Scenario::kills,
            "--trace" => trace = true,
            "--sieges" => arguments.sieges = true,
            "--seed" => arguments.one = Some((number()?, false)),
            "--from" => arguments.campaign.from = number()?,
            "--seeds" => arguments.campaign.seeds = number()?,
            "--jobs" => arguments.campaign.jobs = usize::try_from(number()?).ok()?,
            _ => return None,
        }
    }
    arguments.one = arguments.one.map(|(seed, _)| (seed, trace));
    Some(arguments)
}

/// Runs one scenario. Returns `true` if it failed.
fn run_one(scenario: &Scenario) -> bool {
    let seed = scenario.seed;
    match mtp_sim::run(scenario) {
        Ok(report) => {
            print_tally(&report.tally);
            println!("seed {seed}: all invariants hold; faults: {}", report.faults);
            false
        }
        Err(failure) => {
            println!("{failure}");
            true
        }
    }
}

/// Runs many seeds. Returns `true` if one failed.
fn run_many(campaign: &Campaign) -> bool {
    let started = Instant::now();
    let total = campaign.run(|news| match news {
        News::Failed(failure) => println!("{failure}"),
        News::Progress(progress) => print_progress(campaign, progress, started.elapsed()),
    });
    let took = started.elapsed();
    print_tally(&total.tally);
    let Progress { done, failures, slowest: (slowest, seed), .. } = total;
    println!("{done} seeds in {took:.1?} on {} threads, {failures} failures", campaign.jobs);
    println!("slowest call: {slowest:.1?} after all faults, seed {seed}");
    failures > 0
}

/// Runs many sieges. Returns `true` if one failed.
fn run_sieges(campaign: &Campaign) -> bool {
    let started = Instant::now();
    let (mut tally, mut failures) = (Tally::default(), 0);
    for seed in campaign.from..campaign.from.saturating_add(campaign.seeds) {
        match Siege::new(seed).run() {
            Ok(one) => tally.add(&one),
            Err(violation) => {
                failures += 1;
                println!("siege {seed}: {violation}");
            }
        }
    }
    print_tally(&tally);
    println!("{} sieges in {:.1?}, {failures} failures", campaign.seeds, started.elapsed());
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
    println!("events:");
    for (what, count) in tally.iter() {
        println!("{count:>12} {what}");
    }
    println!("largest:");
    for (what, amount) in tally.maxima() {
        println!("{amount:>12} {what}");
    }
}
