//! Runs of clients and servers recorded and run again.
//!
//! Goal: what a machine in the field did comes back on a desk, byte for byte. Method: two machines with key exchange,
//! calls, cut links and renewed keys, both recorded; then each log alone.

use std::time::Duration;

use mtp_crypto::CtrEntropy;
use mtp_session::client::{ClientConfig, ClientMachine};
use mtp_session::exchange::Arithmetic;
use mtp_session::log::{
    ClientInput, ClientOutcome, ClientReplay, LogError, MachineKind, Replay, ServerInput,
    ServerOutcome, ServerReplay, Timeline, What,
};
use mtp_session::server::ServerConfig;
use mtp_session::session::{Session, SessionConfig};

use crate::support::world::{World, client_config, server_config};

const NOTE: &[u8] = b"of a test";

fn recorded_client() -> ClientConfig {
    ClientConfig { record: Some(NOTE.to_vec()), ..client_config() }
}

fn recorded_server() -> ServerConfig {
    ServerConfig { record: Some(NOTE.to_vec()), ..server_config() }
}

/// A day in the life of both machines, and their logs.
fn history() -> (Vec<u8>, Vec<u8>) {
    let mut world = World::with(recorded_client(), recorded_server(), None);
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
    (world.client.take_log(), world.server.take_log())
}

#[test]
fn a_clients_log_makes_the_same_run_again() {
    let (log, _) = history();
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
    assert_eq!((timeline.head().machine, timeline.head().note), (MachineKind::Client, NOTE));
    let lines: Vec<String> = timeline.map(|moment| moment.unwrap().to_string()).collect();
    assert_eq!(lines.len(), steps);
    assert_eq!(lines[0], "     0.000000 link 1 up, Stream");
    assert!(lines.iter().any(|line| line.ends_with("request, 8 B")), "{lines:#?}");
}

#[test]
fn a_servers_log_makes_the_same_run_again() {
    let (_, log) = history();
    let mut replay = ServerReplay::new(&log, |note| {
        assert_eq!(note, NOTE);
        server_config()
    })
    .unwrap();
    let (mut out, mut packets, mut events, mut steps) = (Vec::new(), 0, 0, 0);
    while let Some(step) = replay.step(&mut out).unwrap() {
        steps += 1;
        packets += usize::from(matches!(step.outcome, ServerOutcome::Transmit(Some(_))));
        events += usize::from(matches!(step.outcome, ServerOutcome::Event(Some(_))));
    }
    assert!(packets > 30 && events > 15 && steps > 200, "{packets}, {events}, {steps}");
    let timeline = Timeline::new(&log).unwrap();
    let answers = timeline.filter(|moment| {
        matches!(moment.as_ref().unwrap().what, What::Server(ServerInput::Answer { .. }))
    });
    assert!(answers.count() >= 6);
}

#[test]
fn deferred_arithmetic_is_recorded_and_replayed() {
    let deferred = || ClientConfig { arithmetic: Arithmetic::Deferred, ..client_config() };
    let config = ClientConfig { arithmetic: Arithmetic::Deferred, ..recorded_client() };
    let mut world = World::with(config, server_config(), None);
    world.connect();
    let mut works = 0;
    while let Some(work) = world.client.poll_work() {
        works += 1;
        let (now, done) = (world.client_now(), work.run());
        world.client.handle_work(now, done).unwrap();
        world.run();
    }
    assert!(works >= 4 && world.client.is_ready(), "{works}");
    let log = world.client.take_log();
    let mut replay = ClientReplay::new(&log, |_| deferred()).unwrap();
    while replay.step(&mut Vec::new()).unwrap().is_some() {}
    assert!(replay.client().is_ready());
}

// What arithmetic for an exchange that is over comes to must not reach the next one.
#[test]
fn result_of_deferred_arithmetic_for_an_ended_exchange_is_ignored() {
    let config = ClientConfig { arithmetic: Arithmetic::Deferred, ..client_config() };
    let mut world = World::with(config, server_config(), None);
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
    world.client = ClientMachine::resume(recorded_client(), now, &saved, entropy).unwrap();
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
    let (log, _) = history();
    let configure = |_: &[u8]| {
        let mut config = client_config();
        config.session.client.ping = false;
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
fn logs_of_other_machines_and_damaged_ones_are_refused() {
    let (client, server) = history();
    let other = |kind| Some(LogError::OtherMachine(kind));
    let as_client = |log| ClientReplay::new(log, |_| client_config()).err();
    assert_eq!(as_client(&server), other(MachineKind::Server));
    let as_server = ServerReplay::new(&client, |_| server_config()).err();
    assert_eq!(as_server, other(MachineKind::Client));
    let make = |now, entropy: &mut dyn mtp_crypto::Entropy| {
        Session::client(now, SessionConfig::client().into(), entropy)
    };
    assert_eq!(Replay::new(&client, make).err(), other(MachineKind::Client));
    for len in 0..400 {
        // Nothing panics, and what is cut short is noticed.
        if let Ok(timeline) = Timeline::new(&client[..len]) {
            for moment in timeline {
                let _ = moment.map(|moment| moment.to_string());
            }
        }
    }
    assert!(matches!(as_client(&client[..70]), Some(LogError::Malformed(_))));
}

/// What no history has.
#[test]
fn timeline_entry_prints_one_line() {
    let input = ClientInput::TransportError { link: mtp_session::link::LinkId::new(3), code: -404 };
    assert_eq!(input.to_string(), "transport error -404 on link 3");
    let input = ServerInput::CloseLink { link: mtp_session::link::LinkId::new(3), code: -429 };
    assert_eq!(input.to_string(), "close_link 3 with -429");
}
