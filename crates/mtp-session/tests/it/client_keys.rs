//! The life of a client's keys: made, bound, renewed, lost, doubted.
//!
//! Method: our client and our server on one virtual link and one virtual clock.

use core::time::Duration;

use mtp_crypto::CtrEntropy;
use mtp_env::Now;
use mtp_session::client::{
    ClientConfig, ClientMachine, Evidence, ResumeError, Secrecy, TemporaryKeyEnd,
};
use mtp_session::established::KeyKind;
use mtp_session::link::QuickAck;
use mtp_session::server::{KeyEnd, ServerEvent, ServerMachine, SessionName};
use mtp_session::session::{Event, RequestId, RequestOptions, SendError};

use crate::support::world::{ANSWER, CALL, Heard, Told, World, client_config, server_config};

const HOUR: Duration = Duration::from_secs(3600);

fn temporary_keys(world: &World) -> usize {
    world.count(&Heard::KeyCreated { temporary: true })
}

fn permanent_keys(world: &World) -> usize {
    world.count(&Heard::KeyCreated { temporary: false })
}

// spec: crypto 11.1, 11.2
// spec: session 15
#[test]
fn forward_secrecy_is_the_default() {
    let mut world = World::new();
    world.reconnects = false;
    let early = world.call();
    assert!(world.heard.is_empty(), "calls wait for a key");
    world.connect();
    world.assert_answered(early);
    let late = world.call();
    world.assert_answered(late);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 1));
    assert_eq!(world.count(&Heard::Ready), 1);
    assert_eq!(world.told.iter().filter(|told| **told == Told::KeyBound).count(), 1);
    let kinds: Vec<_> = world.keys.iter().map(|key| key.kind.is_temporary()).collect();
    assert_eq!(kinds, [false, true]);
    let sessions = world.told.iter().filter(|told| matches!(told, Told::SessionNew(_)));
    for told in sessions {
        let Told::SessionNew(name) = told else { unreachable!() };
        assert_eq!(name.key, world.keys[1].key.id(), "the permanent key carries no traffic");
    }
}

#[test]
fn one_seed_is_one_run() {
    let runs: Vec<_> = (0..2)
        .map(|_| {
            let mut world = World::new();
            world.connect();
            world.call();
            world.wait(HOUR);
            (world.heard, world.told, world.packets)
        })
        .collect();
    assert_eq!(runs[0], runs[1]);
}

// spec: crypto 11.1
#[test]
fn without_forward_secrecy_the_permanent_key_carries_traffic() {
    let config = ClientConfig { secrecy: Secrecy::Off, ..client_config() };
    let mut world = World::with(config, server_config(), None);
    world.connect();
    let request = world.call();
    world.assert_answered(request);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 0));
}

// spec: crypto 11.1
#[test]
fn at_a_delivery_centre_a_temporary_key_stands_alone() {
    let config = ClientConfig { secrecy: Secrecy::Anonymous { life_s: 86_400 }, ..client_config() };
    let mut world = World::with(config, server_config(), None);
    world.connect();
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (0, 1));
    assert!(world.client.is_ready());
    // Our server is no delivery centre and wants a binding: no other key helps, and the call ends.
    let request = world.call();
    world.wait(Duration::from_secs(60));
    let refused = Heard::Error(request, 401, "AUTH_KEY_PERM_EMPTY".to_owned());
    assert_eq!(world.count(&refused), 1, "{:#?}", world.heard);
}

// spec: crypto 11.1
#[test]
fn a_stored_permanent_key_is_used_again() {
    let mut first = World::new();
    first.connect();
    let stored = first.client.permanent_key().unwrap().clone();
    let mut world = World::with(client_config(), server_config(), Some(stored.clone()));
    assert!(world.server.insert_key(world.now, &stored, None));
    world.connect();
    let request = world.call();
    world.assert_answered(request);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (0, 1));
}

// spec: session 15
#[test]
fn temporary_keys_are_renewed_before_they_end() {
    let mut world = World::new();
    world.connect();
    for hour in 0..100 {
        let request = world.call();
        world.assert_answered(request);
        world.wait(HOUR);
        assert_eq!(world.count(&Heard::TemporaryKeyLost(TemporaryKeyEnd::Expired)), 0, "{hour}");
    }
    assert_eq!(permanent_keys(&world), 1);
    // 23 to 24 hours each, renewed an hour before their end.
    assert_eq!(temporary_keys(&world), 5);
    let replaced = Told::KeyDestroyed(KeyEnd::Replaced);
    assert_eq!(world.told.iter().filter(|told| **told == replaced).count(), 4);
}

// spec: session 15
#[test]
fn a_renewal_waits_for_calls_in_flight_but_not_for_ever() {
    let mut world = World::new();
    world.connect();
    world.wait(21 * HOUR);
    world.answers = false;
    let request = world.call();
    let ready = world.count(&Heard::Ready);
    assert_eq!(ready, 1);
    world.answers = true;
    world.wait(3 * HOUR);
    assert_eq!(world.count(&Heard::Ready), 2);
    let ended = world.heard.iter().any(|heard| {
        matches!(heard, Heard::Result(ended, _) | Heard::Error(ended, ..) if *ended == request)
    });
    assert!(ended, "the call ends");
}

// spec: session 15
// spec: crypto 11.1
#[test]
fn a_lost_temporary_key_is_replaced_and_no_call_is_lost() {
    let mut world = World::new();
    world.connect();
    let before = world.call();
    world.assert_answered(before);
    let lost = world.keys[1].key.id();
    world.server.remove_key(world.now, lost);
    let request = world.call();
    world.wait(Duration::from_secs(10));
    world.assert_answered(request);
    assert_eq!(world.count(&Heard::TemporaryKeyLost(TemporaryKeyEnd::NotFound)), 1);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 2));
}

// spec: crypto 18.13
#[test]
fn forged_transport_errors_never_cost_a_permanent_key() {
    let mut world = World::new();
    world.connect();
    let permanent = world.client.permanent_key().unwrap().key.id();
    for _ in 0..100 {
        world.forge(-404);
        world.wait(Duration::from_secs(10));
    }
    assert_eq!(world.client.permanent_key().unwrap().key.id(), permanent);
    assert_eq!(permanent_keys(&world), 1);
    // 1000 seconds of attack: pauses of 1, 2, 4 … 64 seconds.
    let made = temporary_keys(&world);
    assert!((2..30).contains(&made), "{made} exchanges");
    world.wait(Duration::from_secs(120));
    let request = world.call();
    world.assert_answered(request);
}

// spec: session 10
#[test]
fn a_permanent_key_that_carries_traffic_is_doubted_after_two_links() {
    let config = ClientConfig { secrecy: Secrecy::Off, ..client_config() };
    let mut world = World::with(config, server_config(), None);
    world.connect();
    let lost = Heard::PermanentKeyLost(Evidence::Forgeable);
    world.forge(-404);
    assert_eq!(world.count(&lost), 0);
    let works = world.call();
    world.assert_answered(works);
    world.forge(-404);
    assert_eq!(world.count(&lost), 0, "a packet in between clears the doubt");
    world.reconnects = false;
    world.forge(-404);
    world.cut();
    world.reconnects = true;
    world.server.remove_key(world.now, world.keys[0].key.id());
    let request = world.call();
    world.wait(Duration::from_secs(5));
    assert_eq!(world.count(&lost), 1);
    assert_eq!(permanent_keys(&world), 1, "nothing is made unasked");
    assert!(world.client.permanent_key().is_some(), "nothing is thrown away");
    world.client.new_permanent_key(world.client_now());
    world.wait(Duration::from_secs(5));
    world.assert_answered(request);
    assert_eq!(permanent_keys(&world), 2);
}

// spec: session 10
#[test]
fn a_doubted_key_may_be_tried_again() {
    let config = ClientConfig { secrecy: Secrecy::Off, ..client_config() };
    let mut world = World::with(config, server_config(), None);
    world.connect();
    world.reconnects = false;
    for _ in 0..2 {
        world.forge(-404);
        world.cut();
        world.connect();
    }
    assert_eq!(world.count(&Heard::PermanentKeyLost(Evidence::Forgeable)), 1);
    assert!(!world.client.is_ready());
    world.client.try_again(world.client_now());
    let request = world.call();
    world.assert_answered(request);
}

// spec: session 15
#[test]
fn a_permanent_key_that_the_server_denies_is_the_applications_to_replace() {
    let mut world = World::new();
    world.connect();
    world.wait(Duration::from_secs(120));
    for key in world.keys.clone() {
        world.server.remove_key(world.now, key.key.id());
    }
    let request = world.call();
    world.wait(Duration::from_secs(30));
    assert_eq!(world.count(&Heard::PermanentKeyLost(Evidence::Authenticated)), 1);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 2));
    world.wait(HOUR);
    assert_eq!(temporary_keys(&world), 2, "nothing goes on until the application decides");
    world.client.new_permanent_key(world.client_now());
    world.wait(Duration::from_secs(30));
    world.assert_answered(request);
}

// spec: session 8.9
#[test]
fn a_permanent_key_ends_by_itself_and_with_it_the_client() {
    let mut world = World::new();
    assert!(!world.client.destroy_key(world.now), "there is none yet");
    world.connect();
    world.answers = false;
    let open = world.call();
    let permanent = world.keys[0].key.id();
    assert!(world.client.destroy_key(world.now));
    world.run();

    let by = |told: &&Told| matches!(told, Told::SessionNew(name) if name.key == permanent);
    assert_eq!(world.told.iter().filter(by).count(), 1, "a key can be destroyed only by itself");
    let destroyed = Told::KeyDestroyed(KeyEnd::Destroyed);
    assert_eq!(world.told.iter().filter(|told| **told == destroyed).count(), 1);
    assert_eq!(world.server.identity(permanent), None);
    assert_eq!(world.server.identity(world.keys[1].key.id()), None, "nor does the temporary one");
    let heard = |event: &str| {
        world
            .heard
            .iter()
            .filter(|told| matches!(told, Heard::Other(text) if text == event))
            .count()
    };
    assert_eq!(heard("Session(KeyDestroyed(Destroyed))"), 1, "{:#?}", world.heard);
    let failed = format!("Session(Failed {{ request: {open:?}, error: Closed }})");
    assert_eq!(heard(&failed), 1, "{:#?}", world.heard);
    let refused = world.client.request(world.now, &CALL, RequestOptions::new());
    assert_eq!(refused, Err(SendError::Closed));
}

// spec: session 15
#[test]
fn a_young_permanent_key_is_given_time() {
    let mut world = World::new();
    world.connect();
    let permanent = world.keys[0].clone();
    for key in world.keys.clone() {
        world.server.remove_key(world.now, key.key.id());
    }
    let request = world.call();
    world.wait(Duration::from_secs(2));
    assert_eq!(world.count(&Heard::PermanentKeyLost(Evidence::Authenticated)), 0);
    // The part of the server that did not know it learns it.
    assert!(world.server.insert_key(world.now, &permanent, None));
    world.wait(Duration::from_secs(20));
    world.assert_answered(request);
}

// spec: session 2
#[test]
fn a_server_that_restarts_with_its_keys_answers_on() {
    let mut world = World::new();
    world.connect();
    let before = world.call();
    world.assert_answered(before);
    let mut restarted = ServerMachine::new(server_config(), Box::new(CtrEntropy::from_number(5)));
    let [permanent, temporary] = [&world.keys[0], &world.keys[1]];
    assert!(restarted.insert_key(world.now, permanent, None));
    assert!(restarted.insert_key(world.now, temporary, Some(permanent.key.id())));
    world.wait(Duration::from_secs(1));
    world.cut();
    world.server = restarted;
    let request = world.call();
    world.wait(Duration::from_secs(5));
    world.assert_answered(request);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 1));
}

// spec: crypto 8.6
#[test]
fn another_centre_is_not_talked_to() {
    let mut server = server_config();
    server.handshake.dcs = vec![mtp_session::exchange::DcId::new(3)];
    let mut world = World::with(client_config(), server, None);
    world.connect();
    world.wait(Duration::from_secs(100));
    let failed = Heard::ExchangeFailed("Transport { code: -444 }".to_owned());
    let tries = world.count(&failed);
    assert!((2..=8).contains(&tries), "{tries} tries, with growing pauses");
    assert_eq!(permanent_keys(&world), 0);
}

// spec: session 7
#[test]
fn a_wrong_clock_does_not_matter() {
    for skew_s in [-86_400 * 365, -3600, 3600, 86_400 * 365] {
        let mut world = World::new();
        world.skew_s = skew_s;
        world.connect();
        let request = world.call();
        world.wait(Duration::from_secs(5));
        world.assert_answered(request);
        let KeyKind::Temporary { expires_at, .. } = world.keys[1].kind else { panic!() };
        let life = expires_at.as_secs() - world.now.unix.as_secs();
        assert!((82_000..=86_400).contains(&life), "{life}");
        assert_eq!(temporary_keys(&world), 1);
    }
}

#[test]
fn a_client_resumes_from_saved_bytes() {
    let mut first = World::new();
    first.connect();
    first.wait(HOUR);
    let saved = first.client.save();
    let mut world = World::new();
    world.now = first.now;
    world.client = resume(&saved, world.now).unwrap();
    world.server = first.server;
    world.connect();
    let request = world.call();
    world.wait(Duration::from_secs(5));
    world.assert_answered(request);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (0, 0));

    // A day later the temporary key is over, the permanent one is not.
    world.wait(24 * HOUR);
    world.client = resume(&saved, world.now).unwrap();
    assert!(!world.client.is_ready());
    assert!(world.client.permanent_key().is_some());

    assert!(saved.len() > 8 + 2 * 284, "the session is among it");
    for len in 0..saved.len() {
        assert!(resume(&saved[..len], world.now).is_err(), "{len}");
    }
    for at in [0, 1, 4, saved.len() - 12] {
        let mut damaged = saved.to_vec();
        damaged[at] ^= 0x80;
        let _ = resume(&damaged, world.now);
    }
    let mut other = saved.to_vec();
    other[0] = 1;
    assert_eq!(resume(&other, world.now).unwrap_err(), ResumeError::Version { version: 1 });
}

fn resume(bytes: &[u8], now: Now) -> Result<ClientMachine, ResumeError> {
    ClientMachine::resume(client_config(), now, bytes, Box::new(CtrEntropy::from_number(50)))
}

/// Lets the server run a call and answer it, but the answer never leaves.
fn answer_into_the_void(world: &mut World) -> (RequestId, SessionName) {
    let (now, link) = (world.now, world.link.unwrap());
    let request = world.client.request(now, &CALL, RequestOptions::new()).unwrap();
    let mut packet = Vec::new();
    let _ = world.client.poll_transmit(now, link, &mut packet).unwrap();
    world.server.handle_packet(now, link, &mut packet, QuickAck::NotWanted).unwrap();
    let mut asked = None;
    while let Some(event) = world.server.poll_event() {
        if let ServerEvent::Session { session, event: Event::Call { id, .. } } = event {
            asked = Some((session, id));
        }
    }
    let (session, id) = asked.unwrap();
    world.server.answer(now, session, id, &[&ANSWER[..], &CALL].concat()).unwrap();
    (request, session)
}

// spec: session 11.4
#[test]
fn a_restart_continues_without_losing_an_answer() {
    let mut world = World::new();
    world.reconnects = false;
    world.connect();
    let (request, _) = answer_into_the_void(&mut world);
    let unsent = world.client.request(world.now, &CALL, RequestOptions::new()).unwrap();
    world.client.link_down(world.now, world.link.unwrap());
    let saved = world.client.save();
    world.cut();
    world.told.clear();
    world.heard.clear();

    world.client = resume(&saved, world.now).unwrap();
    assert_eq!(world.client.session().calls_open(), 2);
    world.connect();
    world.wait(Duration::from_secs(30));
    world.assert_answered(request);
    world.assert_answered(unsent);
    let runs = |told: &&Told| matches!(told, Told::Call(..));
    assert_eq!(world.told.iter().filter(runs).count(), 1, "only the call that never left is run");
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (0, 0));
    assert_eq!(world.client.session().calls_open(), 0);
}

// spec: session 2
#[test]
fn a_restart_after_the_key_has_expired_repeats_open_calls() {
    let mut world = World::new();
    world.reconnects = false;
    world.connect();
    let (request, old) = answer_into_the_void(&mut world);
    let saved = world.client.save();
    world.cut();
    world.now = world.now.after(25 * HOUR);
    world.server.handle_timeout(world.now);
    world.run();
    world.told.clear();

    world.client = resume(&saved, world.now).unwrap();
    world.connect();
    world.wait(Duration::from_secs(30));
    world.assert_answered(request);
    let ran_in: Vec<_> = world
        .told
        .iter()
        .filter_map(|told| match told {
            Told::Call(session, _) => Some(*session),
            _ => None,
        })
        .collect();
    assert_eq!(ran_in.len(), 1);
    assert!(ran_in[0].key != old.key && ran_in[0].id != old.id);
}
