//! Each rule is broken on purpose, and the invariant of the rule must detect it.
//!
//! The sessions of one side break one rule. Seeds are run until the invariant of the rule, checked alone, fails. All
//! invariants must hold for the same seed without the broken rule.

use mtp_session::client::ClientSessionConfig;
use mtp_session::server::ServerSessionConfig;
use mtp_session::session::Mutation;
use mtp_sim::{HostRule, Scenario, run};

/// The side that breaks a rule.
enum Broken {
    Client(fn(&mut ClientSessionConfig)),
    Server(fn(&mut ServerSessionConfig)),
}

/// Runs seeds until one fails, and asserts the invariant.
#[track_caller]
fn is_caught_by(expected: u8, broken: &Broken) {
    for seed in 0..SEEDS_MAX {
        let alone = Scenario { only: Some(expected), ..Scenario::new(seed) };
        let scenario = match *broken {
            Broken::Client(change) => Scenario { client: Some(change), ..alone },
            Broken::Server(change) => Scenario { server: Some(change), ..alone },
        };
        let Err(failure) = run(&scenario) else { continue };
        let invariant = failure.violation.invariant;
        assert_eq!(invariant, expected, "detected by another invariant: {failure}");
        let unbroken = run(&Scenario::new(seed));
        assert!(unbroken.is_ok(), "fails without the broken rule, too: {unbroken:?}");
        println!("seed {seed}: {}", failure.violation);
        return;
    }
    panic!("not detected by {SEEDS_MAX} seeds");
}

macro_rules! mutations {
    ($($name:ident: $side:ident breaks $rule:ident, caught by $invariant:literal;)*) => {
        $(#[test]
        fn $name() {
            let broken = Broken::$side(|config| config.broken = Some(Mutation::$rule));
            is_caught_by($invariant, &broken);
        })*
    };
}

mutations! {
    odd_client_ids: Client breaks OddClientIds, caught by 1;
    // An assertion of the session fails first.
    same_id_again: Client breaks SameIdAgain, caught by 15;
    container_id_low: Client breaks ContainerIdLow, caught by 2;
    numbers_stand_still: Client breaks NumbersStandStill, caught by 3;
    acks_odd: Client breaks AcksOdd, caught by 3;
    results_twice: Client breaks ResultsTwice, caught by 4;
    acks_end_calls: Client breaks AcksEndCalls, caught by 5;
    duplicates_accepted: Client breaks DuplicatesAccepted, caught by 6;
    acks_never: Client breaks AcksNever, caught by 7;
    duplicates_not_acked: Client breaks DuplicatesNotAcked, caught by 7;
    strangers_believed: Client breaks StrangersBelieved, caught by 8;
    once_ignored: Client breaks OnceIgnored, caught by 9;
    containers_not_mapped: Client breaks ContainersNotMapped, caught by 10;
    calls_lost_at_resume: Client breaks CallsLostAtResume, caught by 10;
    sessions_come_back: Client breaks SessionsComeBack, caught by 11;
    acks_outlive_sessions: Client breaks AcksOutliveSessions, caught by 7;
    links_replace_sessions: Client breaks LinksReplaceSessions, caught by 12;
    code_17_keeps_session: Client breaks Code17KeepsSession, caught by 12;
    time_falls: Client breaks TimeFalls, caught by 13;
    strangers_kill: Client breaks StrangersKill, caught by 15;
    timers_spin: Client breaks TimersSpin, caught by 16;
    packed_told: Client breaks PackedTold, caught by 17;
    bytes_behind: Client breaks BytesBehind, caught by 18;
    calls_run_again: Server breaks CallsRunAgain, caught by 19;
    answers_never_forgotten: Server breaks AnswersNeverForgotten, caught by 20;
    ids_of_its_own: Server breaks IdsOfItsOwn, caught by 21;
    window_not_checked: Server breaks WindowNotChecked, caught by 22;
    no_greeting: Server breaks NoGreeting, caught by 23;
    salts_not_checked: Server breaks SaltsNotChecked, caught by 24;
    salts_forgotten: Client breaks SaltsForgotten, caught by 24;
    states_cut_short: Server breaks StatesCutShort, caught by 25;
    order_ignored: Server breaks OrderIgnored, caught by 26;
    silence_kept: Server breaks SilenceKept, caught by 27;
    count_lost_at_resume: Client breaks CountLostAtResume, caught by 3;
}

/// Runs seeds with kills until one fails, and asserts the invariant.
#[track_caller]
fn is_caught_among_kills(expected: u8, change: impl Fn(&mut Scenario)) {
    for seed in 0..SEEDS_MAX {
        let mut scenario = Scenario { only: Some(expected), ..Scenario::kills(seed) };
        change(&mut scenario);
        let Err(failure) = run(&scenario) else { continue };
        let invariant = failure.violation.invariant;
        assert_eq!(invariant, expected, "detected by another invariant: {failure}");
        let unbroken = run(&Scenario::kills(seed));
        assert!(unbroken.is_ok(), "fails without the broken rule, too: {unbroken:?}");
        println!("seed {seed}: {}", failure.violation);
        return;
    }
    panic!("not detected by {SEEDS_MAX} seeds");
}

#[test]
fn runs_share_salts() {
    // Both rules keep what a run has received from the next one. The salts alone refuse captured packets.
    is_caught_among_kills(28, |scenario| {
        scenario.server = Some(|config| config.broken = Some(Mutation::RunsShareSalts));
    });
}

#[test]
fn restarts_ignored() {
    is_caught_among_kills(28, |scenario| {
        scenario.server = Some(|config| config.broken = Some(Mutation::RestartsIgnored));
    });
}

#[test]
fn keys_do_not_wait_for_the_store() {
    is_caught_among_kills(29, |scenario| scenario.broken = Some(HostRule::KeysWaitForStore));
}

#[test]
fn journal_not_kept() {
    is_caught_among_kills(30, |scenario| scenario.broken = Some(HostRule::JournalIsKept));
}

#[test]
fn calls_unlimited() {
    let broken = Broken::Client(|config| {
        config.broken = Some(Mutation::CallsUnlimited);
        config.calls_max = 3;
    });
    is_caught_by(14, &broken);
}

/// Number of seeds to run before a mutation counts as undetected.
const SEEDS_MAX: u64 = 2000;
