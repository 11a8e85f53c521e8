//! A recorded client and its log.
//!
//! Goal: the run of a client in the field is reproduced byte for byte. Method: a client with key exchanges, calls, lost
//! links and renewed keys is recorded; then its log alone is replayed and listed.

use std::time::Duration;

use mtp_crypto::CtrEntropy;
use mtp_session::client::ClientConfig;
use mtp_session::exchange::Arithmetic;
use mtp_session::link::LinkId;
use mtp_session::record::{
    ClientInput, ClientOutcome, ClientReplay, LogError, RecordedClient, Timeline,
};

use crate::support::world::{World, client_config, server_config};

const NOTE: &[u8] = b"of a test";

/// Plays a day of traffic.
fn play(world: &mut World) {
    world.connect();
    for round in 0..6 {
        let request = world.call();
        world.wait(Duration::from_secs(40));
        world.assert_answered(request);
        if round % 2 == 0 {
            world.connect();
        }
        if round == 3 {
            world.forge(-404);
        }
        world.client.ping();
        world.run();
    }
    world.wait(Duration::from_secs(24 * 3600));
}

/// Returns the log of a day of traffic.
fn history() -> Vec<u8> {
    let mut world = World::recorded(client_config(), NOTE);
    play(&mut world);
    world.client.take_log()
}

fn deferred() -> ClientConfig {
    let mut config = client_config();
    config.arithmetic = Arithmetic::Deferred;
    config
}

#[test]
fn log_replays_to_the_same_run() {
    let log = history();
    let mut replay = ClientReplay::new(&log, |note| {
        assert_eq!(note, NOTE);
        client_config()
    })
    .unwrap();
    let (mut out, mut packets, mut events, mut steps) = (Vec::new(), 0, 0, 0);
    while let Some(step) = replay.step(&mut out).unwrap() {
        steps += 1;
        packets += usize::from(matches!(step.outcome, ClientOutcome::Transmit(Some(_))));
        events += usize::from(matches!(step.outcome, ClientOutcome::Event(Some(_))));
    }
    assert!(packets > 30 && events > 15 && steps > 500, "{packets}, {events}, {steps}");
    assert!(replay.client().is_ready());
    let timeline = Timeline::new(&log).unwrap();
    assert_eq!(timeline.head().note, NOTE);
    let lines: Vec<String> = timeline.map(|moment| moment.unwrap().to_string()).collect();
    assert_eq!(lines.len(), steps);
    assert_eq!(lines[0], "     0.000000 link 1 up, Stream");
    assert!(lines.iter().any(|line| line.ends_with("request, 8 B")), "{lines:#?}");
}

#[test]
fn same_seed_gives_the_same_log() {
    assert!(history() == history());
}

#[test]
fn client_without_a_note_keeps_no_log() {
    let mut world = World::new();
    play(&mut world);
    assert!(world.client.take_log().is_empty());
}

#[test]
fn deferred_arithmetic_is_recorded_and_replayed() {
    let mut world = World::recorded(deferred(), NOTE);
    world.connect();
    let mut jobs = 0;
    while let Some(work) = world.client.poll_work() {
        jobs += 1;
        let (now, done) = (world.client_now(), work.run());
        world.client.handle_work(now, done).unwrap();
        world.run();
    }
    assert!(jobs >= 4 && world.client.is_ready(), "{jobs}");
    let log = world.client.take_log();
    let mut replay = ClientReplay::new(&log, |_| deferred()).unwrap();
    while replay.step(&mut Vec::new()).unwrap().is_some() {}
    assert!(replay.client().is_ready());
}

// The result must not reach the next exchange.
#[test]
fn result_of_deferred_arithmetic_for_an_ended_exchange_is_ignored() {
    let mut world = World::with(deferred(), server_config(), None);
    world.connect();
    let stale = world.client.poll_work().unwrap().run();
    world.connect();
    world.client.handle_work(world.client_now(), stale).unwrap();
    world.run();
    while let Some(work) = world.client.poll_work() {
        world.client.handle_work(world.client_now(), work.run()).unwrap();
        world.run();
    }
    assert!(world.client.is_ready(), "{:#?}", world.client_events);
}

#[test]
fn log_of_a_resumed_client_starts_from_its_saved_state() {
    let mut world = World::new();
    world.connect();
    world.call();
    let saved = world.client.save();
    world.cut();
    let (now, entropy) = (world.client_now(), Box::new(CtrEntropy::from_number(8)));
    let resumed = RecordedClient::resume(client_config(), now, &saved, entropy, Some(NOTE));
    world.client = resumed.unwrap();
    world.connect();
    let request = world.call();
    world.assert_answered(request);
    // In parts, as a driver writes it to a file.
    let mut log = world.client.take_log();
    world.call();
    log.extend(world.client.take_log());
    assert!(world.client.take_log().is_empty());
    let mut replay = ClientReplay::new(&log, |_| client_config()).unwrap();
    while replay.step(&mut Vec::new()).unwrap().is_some() {}
    assert_eq!(replay.client().session().session_id(), world.client.session().session_id());
}

#[test]
fn replay_with_another_configuration_reports_the_difference() {
    let log = history();
    let configure = |_: &[u8]| {
        let mut config = client_config();
        config.session.ping = false;
        config
    };
    let mut replay = ClientReplay::new(&log, configure).unwrap();
    let error = loop {
        match replay.step(&mut Vec::new()) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the same run without pings"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::Differs { .. }), "{error}");
}

#[test]
fn damaged_log_is_rejected() {
    let log = history();
    let replay = |log: &[u8]| ClientReplay::new(log, |_| client_config()).err();
    for len in 0..400 {
        // No panic, and a truncated entry is an error.
        if let Ok(timeline) = Timeline::new(&log[..len]) {
            for moment in timeline {
                let _ = moment.map(|moment| moment.to_string());
            }
        }
    }
    assert!(matches!(replay(&log[..70]), Some(LogError::Malformed(_))));
    let mut other = log.clone();
    other[3] = b'9';
    assert_eq!(replay(&other), Some(LogError::UnknownFormat));
    // A server's log, as earlier versions wrote it.
    let mut other = log.clone();
    other[4] = 2;
    assert_eq!(replay(&other), Some(LogError::UnknownFormat));
    let first_input = 4 + 4 + 32 + 16 + 8 + NOTE.len() + 4;
    let mut unknown = log;
    unknown[first_input] = 200;
    let mut replay = ClientReplay::new(&unknown, |_| client_config()).unwrap();
    assert_eq!(replay.step(&mut Vec::new()).err(), Some(LogError::UnknownInput));
    assert!(matches!(Timeline::new(&unknown).unwrap().next(), Some(Err(LogError::UnknownInput))));
}

#[test]
fn timeline_entry_prints_one_line() {
    let input = ClientInput::TransportError { link: LinkId::new(3), code: -404 };
    assert_eq!(input.to_string(), "transport error -404 on link 3");
}

// Read-only methods come by `Deref`; a `&mut self` method that the wrapper lacks would be missing from the log.
#[test]
fn every_verb_of_the_machine_is_recorded() {
    let machine = include_str!("../../src/client/mod.rs");
    let recorder = include_str!("../../src/record/client.rs");
    let mut verbs = 0;
    for part in machine.split("    pub fn ").skip(1) {
        let (name, rest) = part.split_once('(').unwrap();
        let (arguments, _) = rest.split_once(')').unwrap();
        if arguments.trim_start().starts_with("&mut self") {
            verbs += 1;
            assert!(recorder.contains(&format!("    pub fn {name}(")), "{name} is not recorded");
        }
    }
    assert_eq!(verbs, 18);
}
