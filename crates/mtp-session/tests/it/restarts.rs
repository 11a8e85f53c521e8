//! A server that starts again with its stored keys.
//!
//! Goal: what an earlier run may have received never runs, and a client that is alive loses nothing. Method: packets are
//! captured before the restart and repeated after it; a client machine has a call in flight over it.

use std::sync::Arc;
use std::time::Duration;

use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, begin, pad,
    seal,
};
use mtp_env::{Now, UnixTime};
use mtp_session::client::{CallError, RequestOptions};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::{LinkId, QuickAck};
use mtp_session::server::{
    KeySalts, ServerEvent, ServerMachine, ServerPacketError, ServerSessionEvent,
};
use mtp_session::session::LinkKind;

use crate::peers::Puppet;
use crate::support::at;
use crate::support::world::{CALL, ClientSaw, ServerSaw, World, server_config};

const START: u64 = 1_800_000_000;

fn key() -> Arc<AuthKey> {
    Arc::new(AuthKey::new([7; 256]).unwrap())
}

/// A server that starts at `now` with the key of a store.
fn restarted(now: Now) -> ServerMachine {
    let mut server = ServerMachine::new(server_config(), Box::new(CtrEntropy::from_number(3)));
    let key = key();
    let kind = KeyKind::Permanent;
    let stored = Established { key, salt: Salt::from_raw(1), time_offset_ns: 0, kind };
    assert!(server.insert_key(now, &stored, None));
    server.link_up(now, LinkId::new(1), LinkKind::Stream);
    server
}

fn packet(now: Now, msg_id: MsgId, seq_no: i32, body: &[u8]) -> Vec<u8> {
    let salts = server_config().salts;
    let salt = KeySalts::new(key().id(), None).current(&salts, now.unix);
    let (session_id, seq_no) = (SessionId::from_raw(5), SeqNo::from_raw(seq_no));
    let mut packet = Vec::new();
    let start = begin(&mut packet, InnerHeader { salt, session_id, msg_id, seq_no });
    packet.extend_from_slice(body);
    pad(&mut packet, start, Padding::Minimum, &mut CtrEntropy::from_number(4)).unwrap();
    seal(&key(), Side::Client, &mut packet).unwrap();
    packet
}

fn take(server: &mut ServerMachine, now: Now, packet: &[u8]) -> Result<(), ServerPacketError> {
    server.handle_packet(now, LinkId::new(1), &mut packet.to_vec(), QuickAck::NotWanted)
}

fn ran(server: &mut ServerMachine) -> usize {
    let mut ran = 0;
    while let Some(event) = server.poll_event() {
        ran += usize::from(matches!(
            event,
            ServerEvent::Session { event: ServerSessionEvent::Call { .. }, .. }
        ));
    }
    ran
}

fn id(secs: u64, fraction: u32) -> MsgId {
    MsgId::from_raw(secs << 32 | u64::from(fraction & !3))
}

// spec: session 5.3
#[test]
fn messages_from_before_the_start_never_run() {
    let half = 1 << 31;
    let cases = [
        ("long before", id(START - 200, 0), false),
        ("in the same second before", id(START, half - 4), false),
        ("at the start", id(START, half), true),
        ("after", id(START, half + 4), true),
    ];
    for (what, msg_id, runs) in cases {
        let now = at(START, 500_000_000);
        let mut server = restarted(now);
        let result = take(&mut server, now, &packet(now, msg_id, 1, &CALL));
        let code = result.err().map(|error| match error {
            ServerPacketError::Rejected(refusal) => refusal.code(),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            (ran(&mut server), code),
            if runs { (1, None) } else { (0, Some(16)) },
            "{what}"
        );
    }
}

// spec: session 3.3, 5.3
#[test]
fn message_from_before_the_start_in_a_new_container_never_runs() {
    let now = at(START, 500_000_000);
    let mut server = restarted(now);
    let body = Puppet::container(&[
        (id(START - 9, 0), SeqNo::from_raw(1), &CALL),
        (id(START + 1, 0), SeqNo::from_raw(3), &CALL),
    ]);
    assert_eq!(take(&mut server, now, &packet(now, id(START + 1, 4), 4, &body)), Ok(()));
    assert_eq!(ran(&mut server), 1);
}

/// A client whose call is in flight when the server stops, at a fraction of a second.
fn world_with_call(
    options: RequestOptions,
    runs_before: bool,
) -> (World, mtp_session::client::RequestId) {
    let mut world = World::new();
    world.connect();
    world.wait(Duration::from_millis(400));
    world.answers = false;
    if !runs_before {
        world.cut();
        world.reconnects = false;
    }
    let request = world.client.request(world.client_now(), &CALL, options).unwrap();
    world.run();
    (world, request)
}

fn restart(world: &mut World) {
    world.cut();
    world.now = world.now.after(Duration::from_millis(333));
    world.server = ServerMachine::new(server_config(), Box::new(CtrEntropy::from_number(9)));
    for key in world.keys.iter().filter(|key| key.kind == KeyKind::Permanent) {
        world.server.insert_key(world.now, key, None);
    }
    for key in world.keys.iter().filter(|key| key.kind != KeyKind::Permanent) {
        let permanent = world.keys.iter().find(|key| key.kind == KeyKind::Permanent);
        let bound_to = permanent.map(|key| key.key.id());
        world.server.insert_key(world.now, key, bound_to);
    }
    world.answers = true;
    world.reconnects = true;
    world.server_events.clear();
    world.connect();
    world.wait(Duration::from_secs(40));
}

fn calls(world: &World) -> usize {
    world.server_events.iter().filter(|event| matches!(event, ServerSaw::Call(..))).count()
}

// spec: session 11.6
#[test]
fn client_gets_the_answer_of_a_call_in_flight_over_a_restart() {
    for skew_s in [0, -20, 20] {
        for runs_before in [true, false] {
            let (mut world, request) = world_with_call(RequestOptions::new(), runs_before);
            world.skew_s = skew_s;
            restart(&mut world);
            world.assert_answered(request);
            assert_eq!(calls(&world), 1, "{skew_s}");
        }
    }
}

// spec: session 11.6
#[test]
fn call_that_must_not_run_twice_ends_after_a_restart() {
    let (mut world, request) = world_with_call(RequestOptions::new().once(), true);
    assert_eq!(calls(&world), 1);
    restart(&mut world);
    assert_eq!(calls(&world), 0);
    let failed = ClientSaw::Other(format!(
        "{:?}",
        mtp_session::client::ClientEvent::Session(
            mtp_session::client::ClientSessionEvent::Failed {
                request,
                error: CallError::MaybeExecuted
            }
        )
    ));
    assert_eq!(world.count(&failed), 1, "{:#?}", world.client_events);
}

// spec: session 7.3
#[test]
fn client_with_a_slow_clock_is_corrected_after_a_restart() {
    for nanos in [1, 500_000_000, 999_000_000] {
        let mut world = World::new();
        world.connect();
        world.now =
            Now { unix: UnixTime::from_nanos(world.now.unix.as_nanos() + nanos), ..world.now };
        restart(&mut world);
        let request = world.call();
        world.wait(Duration::from_secs(5));
        world.assert_answered(request);
    }
}

#[test]
fn keys_made_after_the_start_are_not_affected() {
    let mut world = World::new();
    world.now = world.now.after(Duration::from_millis(700));
    world.connect();
    let request = world.call();
    world.assert_answered(request);
    assert!(!world.client_events.iter().any(|event| format!("{event:?}").contains("TimeChanged")));
}
