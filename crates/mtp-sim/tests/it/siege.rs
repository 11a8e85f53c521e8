//! Attackers with a key pay for what they cause, and a missing index is noticed.

use mtp_session::session::Mutation;
use mtp_sim::siege::{COST, Siege};

#[test]
fn attackers_pay_for_what_they_cause() {
    for seed in 0..20 {
        let tally = Siege::new(seed).run();
        assert!(tally.is_ok(), "seed {seed}: {tally:?}");
    }
}

#[test]
fn result_depends_on_the_seed_only() {
    let run = || Siege::new(7).run().map_err(|violation| violation.to_string());
    assert_eq!(run(), run());
}

#[test]
fn missing_index_of_waiting_calls_is_noticed() {
    for seed in 0..SEEDS_MAX {
        let broken = Siege {
            server: Some(|config| config.broken = Some(Mutation::WaitersSearched)),
            ..Siege::new(seed)
        };
        let Err(violation) = broken.run() else { continue };
        assert_eq!(violation.invariant, COST, "{violation}");
        assert!(Siege::new(seed).run().is_ok(), "fails without the broken rule, too");
        println!("seed {seed}: {violation}");
        return;
    }
    panic!("not noticed by {SEEDS_MAX} seeds");
}

/// Without its limits a session holds more than the limit that is checked.
#[test]
fn missing_limit_of_replies_is_noticed() {
    let unlimited = |seed| Siege {
        server: Some(|config| {
            config.output_bytes_max = usize::MAX;
            config.broken = Some(Mutation::HeldUnlimited);
        }),
        ..Siege::new(seed)
    };
    let noticed = (0..SEEDS_MAX).find_map(|seed| unlimited(seed).run().err());
    assert_eq!(noticed.map(|violation| violation.invariant), Some(COST));
}

const SEEDS_MAX: u64 = 50;
