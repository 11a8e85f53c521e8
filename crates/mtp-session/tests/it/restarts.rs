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
use mtp_env::Now;
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
/// `ping`
const PING: [u8; 12] = [0xec, 0x77, 0xbe, 0x7a, 1, 2, 3, 4, 5, 6, 7, 8];

fn key() -> Arc<AuthKey> {
    Arc::new(AuthKey::new([7; 256]).unwrap())
}

/// A server that starts at `now` with the key of a store.
fn started(now: Now, seed: u64) -> ServerMachine {
    let mut server = ServerMachine::new(server_config(), Box::new(CtrEntropy::from_number(seed)));
    let key = key();
    let kind = KeyKind::Permanent;
    let stored = Established { key, salt: Salt::from_raw(1), time_offset_ns: 0, kind };
    assert!(server.insert_key(now, &stored, None));
    for link in [1, 2] {
        server.link_up(now, LinkId::new(link), LinkKind::Stream);
    }
    server
}

fn restarted(now: Now) -> ServerMachine {
    started(now, 3)
}

/// Seals a packet with the salt that `server` accepts.
fn packet(server: &ServerMachine, now: Now, msg_id: MsgId, seq_no: i32, body: &[u8]) -> Vec<u8> {
    let salt = KeySalts::new(key().id(), None).current(server.salts(), now.unix);
    let (session_id, seq_no) = (SessionId::from_raw(5), SeqNo::from_raw(seq_no));
    let mut packet = Vec::new();
    let start = begin(&mut packet, InnerHeader { salt, session_id, msg_id, seq_no });
    packet.extend_from_slice(body);
    pad(&mut packet, start, Padding::Minimum, &mut CtrEntropy::from_number(4)).unwrap();
    seal(&key(), Side::Client, &mut packet).unwrap();
    packet
}

/// Passes a packet to the server. Returns the code of its refusal.
fn take(server: &mut ServerMachine, now: Now, link: u64, packet: &[u8]) -> Option<i32> {
    let mut packet = packet.to_vec();
    match server.handle_packet(now, LinkId::new(link), &mut packet, QuickAck::NotWanted) {
        Ok(()) => None,
        Err(ServerPacketError::Rejected(refusal)) => Some(refusal.code()),
        Err(other) => panic!("{other:?}"),
    }
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

/// Ids around the border of what an earlier run may have received: 30 seconds after the start.
fn border() -> [(&'static str, MsgId, bool); 5] {
    let half = 1 << 31;
    [
        ("before the start", id(START - 200, 0), false),
        ("at the start", id(START, half), false),
        ("one below the border", id(START + 30, half - 4), false),
        ("at the border", id(START + 30, half), false),
        ("one above the border", id(START + 30, half + 4), true),
    ]
}

/// When the server starts, and a time at which all ids around the border are accepted.
fn times() -> (Now, Now) {
    (at(START, 500_000_000), at(START + 1, 0))
}

// spec: session 6
#[test]
fn packet_captured_before_a_restart_never_runs_after_it() {
    let (start, now) = times();
    for (what, msg_id, _) in border() {
        // The earlier run has been up for long: its sessions begin at once.
        let mut earlier = started(at(START - 2000, 0), 8);
        let captured = packet(&earlier, now, msg_id, 1, &CALL);
        assert_eq!(take(&mut earlier, now, 1, &captured), None, "{what}");
        assert_eq!(ran(&mut earlier), 1, "{what}");
        let mut server = restarted(start);
        for link in [1, 1, 2] {
            assert_eq!(take(&mut server, now, link, &captured), Some(48), "{what}");
        }
        assert_eq!(ran(&mut server), 0, "{what}");
        // Nor once the client has a session again.
        for msg_id in [id(START + 1, 4), id(START + 1, 8)] {
            let ping = packet(&server, now, msg_id, 0, &PING);
            take(&mut server, now, 1, &ping);
        }
        assert_eq!(take(&mut server, now, 2, &captured), Some(48), "{what}");
        assert_eq!(ran(&mut server), 0, "{what}");
    }
}

// spec: session 5.3
#[test]
fn session_begins_after_the_ids_that_an_earlier_run_may_have_received() {
    let (start, now) = times();
    for (what, first, runs) in border() {
        let mut server = restarted(start);
        let repeated = packet(&server, now, first, 1, &CALL);
        assert_eq!(take(&mut server, now, 1, &repeated), (!runs).then_some(48), "{what}");
        assert_eq!(ran(&mut server), usize::from(runs), "{what}");
        let next = MsgId::from_raw(first.as_raw() + 4);
        let fresh = packet(&server, now, next, if runs { 3 } else { 1 }, &CALL);
        let code = take(&mut server, now, 1, &fresh);
        // An id more than 30 seconds ahead is too high at any time.
        assert_eq!((code, ran(&mut server)), (None, 1), "{what}");
        let replayed = take(&mut server, now, 2, &repeated);
        assert_eq!((replayed, ran(&mut server)), ((!runs).then_some(48), 0), "{what}");
    }
}

// spec: session 3.3, 5.3
#[test]
fn message_from_before_a_restart_in_a_new_container_never_runs() {
    let (start, now) = times();
    for (what, old, runs) in border() {
        let mut server = restarted(start);
        let opening = id(START + 30, (1 << 31) + 40);
        let ping = packet(&server, now, opening, 2, &PING);
        assert_eq!(take(&mut server, now, 1, &ping), None, "{what}");
        let fresh = id(START + 30, (1 << 31) + 80);
        let members = [(old, 1), (fresh, 3)]
            .map(|(msg_id, seq_no)| (msg_id, SeqNo::from_raw(seq_no), &CALL[..]));
        let body = Puppet::container(&members);
        let outer = id(START + 30, (1 << 31) + 84);
        let container = packet(&server, now, outer, 4, &body);
        assert_eq!(take(&mut server, now, 1, &container), None, "{what}");
        assert_eq!(ran(&mut server), 1 + usize::from(runs), "{what}");
    }
}

// spec: session 3.3, 5.3
#[test]
fn container_that_begins_a_session_after_a_restart_does_not_run() {
    let (start, now) = times();
    let mut server = restarted(start);
    let members = [id(START - 9, 0), id(START, 4)].map(|it| (it, SeqNo::from_raw(1), &CALL[..]));
    let body = Puppet::container(&members);
    let opening = packet(&server, now, id(START + 1, 4), 4, &body);
    assert_eq!(take(&mut server, now, 1, &opening), Some(48));
    assert_eq!(ran(&mut server), 0);
    let again = packet(&server, now, id(START + 1, 12), 4, &body);
    assert_eq!(take(&mut server, now, 1, &again), None);
    assert_eq!(ran(&mut server), 0, "its members are refused one by one");
    let fresh = packet(&server, now, id(START + 1, 16), 5, &CALL);
    assert_eq!(take(&mut server, now, 1, &fresh), None);
    assert_eq!(ran(&mut server), 1);
}

#[test]
fn each_run_has_its_own_salts() {
    let now = at(START, 0);
    let key_salts = KeySalts::new(key().id(), None);
    let (one, two) = (started(now, 1), started(now, 2));
    let salt = key_salts.current(one.salts(), now.unix);
    assert_ne!(salt, key_salts.current(two.salts(), now.unix));
    assert!(key_salts.accepts(one.salts(), now.unix, salt));
    assert!(!key_salts.accepts(two.salts(), now.unix, salt));
    assert!(!key_salts.accepts(&server_config().salts, now.unix, salt));
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

// spec: session 6.1
#[test]
fn client_with_a_wrong_clock_goes_on_after_a_restart() {
    for skew_s in [-3600, -31, -30, -1, 0, 1, 29, 30, 31, 3600] {
        let (mut world, request) = world_with_call(RequestOptions::new(), true);
        world.skew_s = skew_s;
        restart(&mut world);
        world.assert_answered(request);
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
