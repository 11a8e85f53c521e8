//! A thousand calls over each kind of faulty link, after a key exchange.
//!
//! Each fault is tested alone with its maximum odds in one long session; seeds draw mixtures of faults in short sessions.
//! The invariants check that every call ends in time with its answer. The tests check that all calls ran and that the
//! fault was injected.

use mtp_session::client::ClientSessionConfig;
use mtp_session::server::ServerSessionConfig;
use mtp_sim::wire::Carriage;
use mtp_sim::{Faults, Keys, Scenario, run};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;

const CALLS: usize = 1_000;

/// Runs seeds with one fault.
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
        // The limits drawn from seeds are too small for this many calls.
        client: Some(|config| {
            config.duplicates_max = ClientSessionConfig::default().duplicates_max;
        }),
        server: Some(|config| {
            config.duplicates_max = ServerSessionConfig::default().duplicates_max;
        }),
        ..Scenario::new(seed)
    };
    let report = run(&scenario).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    assert!(report.tally.of("calls run") >= CALLS as u64, "{name}: {:?}", report.tally);
    assert!(report.tally.of("keys made") >= 2, "{name}: a permanent and a temporary key");
    let injected = report.tally.faults().any(|(fault, count)| fault == name && count > 0);
    assert!(injected, "{name} was not injected: {:?}", report.tally);
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
    packets_are_lost: loss, "loss", Carriage::Packets;
    packets_are_duplicated: duplication, "duplication", Carriage::Packets;
    packets_are_reordered: reordering, "reordering", Carriage::Packets;
    bits_are_flipped: bit_flips, "bit flips", Carriage::Packets;
    packets_are_replayed: replays, "replays", Carriage::Packets;
    packets_are_delayed: jitter, "jitter", Carriage::Packets;
    bytes_are_chunked: chunking, "chunking", bytes();
    bytes_are_delayed: jitter, "jitter", bytes();
    links_stall: stalls, "stalls", bytes();
    links_are_cut: cuts, "cuts", bytes();
    links_are_half_open: half_open with cuts, "half open", bytes();
    links_reconnect_slowly: slow_reconnects with cuts, "slow reconnects", bytes();
    garbage_is_injected: garbage, "garbage", Carriage::Packets;
    transport_errors_are_forged: forged_errors, "forged errors", Carriage::Packets;
}
