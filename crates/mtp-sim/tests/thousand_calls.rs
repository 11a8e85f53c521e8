//! A thousand calls over every kind of bad link, from a key exchange on, and nothing lost.
//!
//! Goal: each fault alone, at full strength, over a long life of one session; seeds draw mixtures of them over short ones.
//! Method: the invariants judge each step, among them that every call ends in time with what was asked for; here it is
//! counted that all of them ran, and that the fault was met.
#![allow(clippy::panic, missing_docs, reason = "tests")]

use mtp_session::session::SessionConfig;
use mtp_sim::wire::Carriage;
use mtp_sim::{Faults, Keys, Scenario, run};
use mtp_transport::Framing;
use mtp_transport::link::Stack;

const CALLS: usize = 1_000;

/// Runs with one fault, on links of one kind or the other.
#[track_caller]
fn survives(name: &str, carriage: &Carriage, set: fn(&mut Faults)) {
    for seed in 0..4 {
        let mut faults = Faults::none();
        set(&mut faults);
        one_survives(name, carriage.clone(), faults, seed);
    }
}

#[track_caller]
fn one_survives(name: &str, carriage: Carriage, faults: Faults, seed: u64) {
    let scenario = Scenario {
        faults: Some(faults),
        calls: Some(CALLS),
        clients: Some(1),
        carriage: Some(carriage),
        keys: Some(Keys::ForwardExchanged),
        // Seeds draw small ones, which remember less than this many calls need.
        client: Some(|config| config.duplicates_max = SessionConfig::client().duplicates_max),
        server: Some(|config| config.duplicates_max = SessionConfig::server().duplicates_max),
        ..Scenario::new(seed)
    };
    let report = run(&scenario).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    assert!(report.tally.of("calls run") >= CALLS as u64, "{name}: {:?}", report.tally);
    assert!(report.tally.of("keys made") >= 2, "{name}: a permanent and a temporary key");
    let met = report.tally.faults().any(|(fault, count)| fault == name && count > 0);
    assert!(met, "{name} was not met: {:?}", report.tally);
}

macro_rules! faults {
    ($($test:ident: $field:ident $(with $other:ident)?, $name:literal, $carriage:expr;)*) => {
        $(#[test]
        fn $test() {
            survives($name, &$carriage, |faults| {
                faults.$field = Faults::strongest().$field;
                $(faults.$other = Faults::strongest().$other;)?
            });
        })*
    };
}

fn bytes() -> Carriage {
    Carriage::Bytes(Stack::Plain(Framing::Intermediate))
}

faults! {
    lost: loss, "loss", Carriage::Packets;
    doubled: duplication, "duplication", Carriage::Packets;
    reordered: reordering, "reordering", Carriage::Packets;
    flipped: bit_flips, "bit flips", Carriage::Packets;
    replayed: replays, "replays", Carriage::Packets;
    late: jitter, "jitter", Carriage::Packets;
    cut_to_bytes: chunking, "chunking", bytes();
    late_bytes: jitter, "jitter", bytes();
    standing_still: stalls, "stalls", bytes();
    broken: cuts, "cuts", bytes();
    half_open: half_open with cuts, "half open", bytes();
    slowly_mended: slow_reconnects with cuts, "slow reconnects", bytes();
    among_garbage: garbage, "garbage", Carriage::Packets;
    with_forged_errors: forged_errors, "forged errors", Carriage::Packets;
}
