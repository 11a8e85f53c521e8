//! `mtp-sim`: many seeds, or one of them in detail.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let from: u64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(0);
    let count: u64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(100);
    let trace = args.next().is_some();
    let mut tally = mtp_sim::Tally::default();
    let mut failures = 0;
    let mut worst = (core::time::Duration::ZERO, 0);
    for seed in from..from + count {
        match mtp_sim::run(&mtp_sim::Scenario { trace, ..mtp_sim::Scenario::new(seed) }) {
            Ok(report) => {
                worst = worst.max((report.last_call_after, seed));
                tally.add(&report.tally);
            }
            Err(failure) => {
                println!("{failure}");
                failures += 1;
            }
        }
    }
    for (what, count) in tally.iter() {
        println!("{count:>10} {what}");
    }
    println!("{failures} failures of {count}; worst {worst:?}");
    ExitCode::from(u8::from(failures > 0))
}
