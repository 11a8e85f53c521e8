//! Life cycle of a client's keys: created, bound, renewed, lost, doubted.
//!
//! Method: our client and our server on one virtual link and one virtual clock.

use core::time::Duration;
use std::hash::Hasher as _;

use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::Now;
use mtp_session::client::{
    Evidence, RequestError, RequestId, RequestOptions, ResumeError, Secrecy, TemporaryKeyEnd,
};
use mtp_session::established::KeyKind;
use mtp_session::link::QuickAck;
use mtp_session::record::RecordedClient;
use mtp_session::server::ServerSessionEvent;
use mtp_session::server::{KeyEnd, ServerEvent, ServerMachine, SessionName};

use crate::support::world::{
    ANSWER, CALL, ClientSaw, ServerSaw, World, client_config, server_config,
};

const HOUR: Duration = Duration::from_secs(3600);

fn temporary_keys(world: &World) -> usize {
    world.count(&ClientSaw::KeyCreated { temporary: true })
}

fn permanent_keys(world: &World) -> usize {
    world.count(&ClientSaw::KeyCreated { temporary: false })
}

// spec: crypto 11.1, 11.2
// spec: session 15
#[test]
fn forward_secrecy_is_the_default() {
    let mut world = World::new();
    world.reconnects = false;
    let early = world.call();
    assert!(world.client_events.is_empty(), "calls wait for a key");
    world.connect();
    world.assert_answered(early);
    let late = world.call();
    world.assert_answered(late);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 1));
    assert_eq!(world.count(&ClientSaw::Ready), 1);
    assert_eq!(
        world.server_events.iter().filter(|event| **event == ServerSaw::KeyBound).count(),
        1
    );
    let kinds: Vec<_> = world.keys.iter().map(|key| key.kind.is_temporary()).collect();
    assert_eq!(kinds, [false, true]);
    let sessions =
        world.server_events.iter().filter(|event| matches!(event, ServerSaw::SessionNew(_)));
    for event in sessions {
        let ServerSaw::SessionNew(name) = event else { unreachable!() };
        assert_eq!(name.key, world.keys[1].key.id(), "the permanent key carries no traffic");
    }
}

#[test]
fn same_seed_gives_the_same_run() {
    let runs: Vec<_> = (0..2)
        .map(|_| {
            let mut world = World::new();
            world.connect();
            world.call();
            world.wait(HOUR);
            (world.client_events, world.server_events, world.wire.finish())
        })
        .collect();
    assert_eq!(runs[0], runs[1]);
}

// spec: crypto 11.1
#[test]
fn permanent_key_carries_traffic_without_forward_secrecy() {
    let mut config = client_config();
    config.secrecy = Secrecy::Off;
    let mut world = World::with(config, server_config(), None);
    world.connect();
    let request = world.call();
    world.assert_answered(request);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 0));
}

// spec: crypto 11.1
#[test]
fn anonymous_temporary_key_needs_no_permanent_key() {
    let mut config = client_config();
    config.secrecy = Secrecy::Anonymous { life_s: 86_400 };
    let mut world = World::with(config, server_config(), None);
    world.connect();
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (0, 1));
    assert!(world.client.is_ready());
    // Our server is not a CDN and requires a binding. No other key would help, so the call fails.
    let request = world.call();
    world.wait(Duration::from_secs(60));
    let refused = ClientSaw::Error(request, 401, "AUTH_KEY_PERM_EMPTY".to_owned());
    assert_eq!(world.count(&refused), 1, "{:#?}", world.client_events);
}

// spec: crypto 11.1
#[test]
fn stored_permanent_key_is_reused() {
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
fn temporary_keys_are_renewed_before_they_expire() {
    let mut world = World::new();
    world.connect();
    for hour in 0..100 {
        let request = world.call();
        world.assert_answered(request);
        world.wait(HOUR);
        assert_eq!(
            world.count(&ClientSaw::TemporaryKeyLost(TemporaryKeyEnd::Expired)),
            0,
            "{hour}"
        );
    }
    assert_eq!(permanent_keys(&world), 1);
    // Each lives 23 to 24 hours and is renewed an hour before its expiry.
    assert_eq!(temporary_keys(&world), 5);
    let replaced = ServerSaw::KeyDestroyed(KeyEnd::Replaced);
    assert_eq!(world.server_events.iter().filter(|event| **event == replaced).count(), 4);
}

// spec: session 15
#[test]
fn key_renewal_waits_for_calls_in_flight_for_a_limited_time() {
    let mut world = World::new();
    world.connect();
    world.wait(21 * HOUR);
    world.answers = false;
    let request = world.call();
    let ready = world.count(&ClientSaw::Ready);
    assert_eq!(ready, 1);
    world.answers = true;
    world.wait(3 * HOUR);
    assert_eq!(world.count(&ClientSaw::Ready), 2);
    let ended = world.client_events.iter().any(|event| {
        matches!(event, ClientSaw::Result(ended, _) | ClientSaw::Error(ended, ..) if *ended == request)
    });
    assert!(ended, "the call must end");
}

// spec: session 15
// spec: crypto 11.1
#[test]
fn lost_temporary_key_is_replaced_and_calls_are_resent() {
    let mut world = World::new();
    world.connect();
    let before = world.call();
    world.assert_answered(before);
    let lost = world.keys[1].key.id();
    world.server.remove_key(world.now, lost);
    let request = world.call();
    world.wait(Duration::from_secs(10));
    world.assert_answered(request);
    assert_eq!(world.count(&ClientSaw::TemporaryKeyLost(TemporaryKeyEnd::NotFound)), 1);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 2));
}

// spec: crypto 18.13
#[test]
fn forged_transport_errors_never_drop_the_permanent_key() {
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
fn permanent_key_is_reported_lost_after_two_links_end_with_404() {
    let mut config = client_config();
    config.secrecy = Secrecy::Off;
    let mut world = World::with(config, server_config(), None);
    world.connect();
    let lost = ClientSaw::PermanentKeyLost(Evidence::Forgeable);
    world.forge(-404);
    assert_eq!(world.count(&lost), 0);
    let works = world.call();
    world.assert_answered(works);
    world.forge(-404);
    assert_eq!(world.count(&lost), 0, "a packet in between resets the count");
    world.reconnects = false;
    world.forge(-404);
    world.cut();
    world.reconnects = true;
    world.server.remove_key(world.now, world.keys[0].key.id());
    let request = world.call();
    world.wait(Duration::from_secs(5));
    assert_eq!(world.count(&lost), 1);
    assert_eq!(permanent_keys(&world), 1, "no key is created without being asked");
    assert!(world.client.permanent_key().is_some(), "the key is kept");
    world.client.new_permanent_key(world.client_now());
    world.wait(Duration::from_secs(5));
    world.assert_answered(request);
    assert_eq!(permanent_keys(&world), 2);
}

// spec: session 10
#[test]
fn try_again_resumes_with_the_doubted_key() {
    let mut config = client_config();
    config.secrecy = Secrecy::Off;
    let mut world = World::with(config, server_config(), None);
    world.connect();
    world.reconnects = false;
    for _ in 0..2 {
        world.forge(-404);
        world.cut();
        world.connect();
    }
    assert_eq!(world.count(&ClientSaw::PermanentKeyLost(Evidence::Forgeable)), 1);
    assert!(!world.client.is_ready());
    world.client.try_again(world.client_now());
    let request = world.call();
    world.assert_answered(request);
}

// spec: session 15
#[test]
fn unknown_permanent_key_is_replaced_only_by_the_application() {
    let mut world = World::new();
    world.connect();
    world.wait(Duration::from_secs(120));
    for key in world.keys.clone() {
        world.server.remove_key(world.now, key.key.id());
    }
    let request = world.call();
    world.wait(Duration::from_secs(30));
    assert_eq!(world.count(&ClientSaw::PermanentKeyLost(Evidence::Authenticated)), 1);
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (1, 2));
    world.wait(HOUR);
    assert_eq!(temporary_keys(&world), 2, "no exchange starts until the application decides");
    world.client.new_permanent_key(world.client_now());
    world.wait(Duration::from_secs(30));
    world.assert_answered(request);
}

// spec: session 8.9
#[test]
fn destroy_key_destroys_the_permanent_key_and_closes_the_client() {
    let mut world = World::new();
    assert!(!world.client.destroy_key(world.now), "there is no key yet");
    world.connect();
    world.answers = false;
    let open = world.call();
    let permanent = world.keys[0].key.id();
    assert!(world.client.destroy_key(world.now));
    world.run();

    let by =
        |event: &&ServerSaw| matches!(event, ServerSaw::SessionNew(name) if name.key == permanent);
    assert_eq!(
        world.server_events.iter().filter(by).count(),
        1,
        "a key is destroyed under itself only"
    );
    let destroyed = ServerSaw::KeyDestroyed(KeyEnd::Destroyed);
    assert_eq!(world.server_events.iter().filter(|event| **event == destroyed).count(), 1);
    assert_eq!(world.server.identity(permanent), None);
    assert_eq!(
        world.server.identity(world.keys[1].key.id()),
        None,
        "the temporary key is destroyed with it"
    );
    let count = |expected: &str| {
        world
            .client_events
            .iter()
            .filter(|event| matches!(event, ClientSaw::Other(text) if text == expected))
            .count()
    };
    assert_eq!(count("Session(KeyDestroyed(Destroyed))"), 1, "{:#?}", world.client_events);
    let failed = format!("Session(Failed {{ request: {open:?}, error: Closed }})");
    assert_eq!(count(&failed), 1, "{:#?}", world.client_events);
    let refused = world.client.request(world.now, &CALL, RequestOptions::new());
    assert_eq!(refused, Err(RequestError::Closed));
}

// spec: session 15
#[test]
fn fresh_permanent_key_unknown_to_the_server_is_retried() {
    let mut world = World::new();
    world.connect();
    let permanent = world.keys[0].clone();
    for key in world.keys.clone() {
        world.server.remove_key(world.now, key.key.id());
    }
    let request = world.call();
    world.wait(Duration::from_secs(2));
    assert_eq!(world.count(&ClientSaw::PermanentKeyLost(Evidence::Authenticated)), 0);
    // The replica that did not know the key learns it.
    assert!(world.server.insert_key(world.now, &permanent, None));
    world.wait(Duration::from_secs(20));
    world.assert_answered(request);
}

// spec: session 2
#[test]
fn restarted_server_with_stored_keys_continues() {
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
fn exchange_with_the_wrong_data_center_fails_and_backs_off() {
    let mut server = server_config();
    server.handshake.dcs = vec![DcId::new(3)];
    let mut world = World::with(client_config(), server, None);
    world.connect();
    world.wait(Duration::from_secs(100));
    let failed = ClientSaw::ExchangeFailed("Transport { code: -444 }".to_owned());
    let tries = world.count(&failed);
    assert!((2..=8).contains(&tries), "{tries} attempts, with growing pauses");
    assert_eq!(permanent_keys(&world), 0);
}

// spec: session 7
#[test]
fn call_is_answered_whatever_the_client_clock() {
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
fn client_resumes_from_saved_state() {
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

    // A day later the temporary key has expired; the permanent key has not.
    world.wait(24 * HOUR);
    world.client = resume(&saved, world.now).unwrap();
    assert!(!world.client.is_ready());
    assert!(world.client.permanent_key().is_some());

    assert!(saved.len() > 8 + 2 * 284, "the session is included");
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

fn resume(bytes: &[u8], now: Now) -> Result<RecordedClient, ResumeError> {
    let entropy = Box::new(CtrEntropy::from_number(50));
    RecordedClient::resume(client_config(), now, bytes, entropy, None)
}

/// Runs a call at the server and answers it, but never delivers the answer.
fn answer_without_delivery(world: &mut World) -> (RequestId, SessionName) {
    let (now, link) = (world.now, world.link.unwrap());
    let request = world.client.request(now, &CALL, RequestOptions::new()).unwrap();
    let mut packet = Vec::new();
    let _ = world.client.poll_transmit(now, link, &mut packet).unwrap();
    world.server.handle_packet(now, link, &mut packet, QuickAck::NotWanted).unwrap();
    let mut asked = None;
    while let Some(event) = world.server.poll_event() {
        if let ServerEvent::Session { session, event: ServerSessionEvent::Call { id, .. } } = event
        {
            asked = Some((session, id));
        }
    }
    let (session, id) = asked.unwrap();
    world.server.answer(now, session, id, &[&ANSWER[..], &CALL].concat()).unwrap();
    (request, session)
}

// spec: session 11.4
#[test]
fn resumed_client_receives_the_answer_sent_while_it_was_down() {
    let mut world = World::new();
    world.reconnects = false;
    world.connect();
    let (request, _) = answer_without_delivery(&mut world);
    let unsent = world.client.request(world.now, &CALL, RequestOptions::new()).unwrap();
    world.client.link_down(world.now, world.link.unwrap());
    let saved = world.client.save();
    world.cut();
    world.server_events.clear();
    world.client_events.clear();

    world.client = resume(&saved, world.now).unwrap();
    assert_eq!(world.client.session().calls_open(), 2);
    world.connect();
    world.wait(Duration::from_secs(30));
    world.assert_answered(request);
    world.assert_answered(unsent);
    let runs = |event: &&ServerSaw| matches!(event, ServerSaw::Call(..));
    assert_eq!(world.server_events.iter().filter(runs).count(), 1, "only the unsent call runs");
    assert_eq!((permanent_keys(&world), temporary_keys(&world)), (0, 0));
    assert_eq!(world.client.session().calls_open(), 0);
}

// spec: session 2
#[test]
fn open_calls_are_resent_when_the_key_expired_before_resume() {
    let mut world = World::new();
    world.reconnects = false;
    world.connect();
    let (request, old) = answer_without_delivery(&mut world);
    let saved = world.client.save();
    world.cut();
    world.now = world.now.after(25 * HOUR);
    world.server.handle_timeout(world.now);
    world.run();
    world.server_events.clear();

    world.client = resume(&saved, world.now).unwrap();
    world.connect();
    world.wait(Duration::from_secs(30));
    world.assert_answered(request);
    let ran_in: Vec<_> = world
        .server_events
        .iter()
        .filter_map(|event| match event {
            ServerSaw::Call(session, _) => Some(*session),
            _ => None,
        })
        .collect();
    assert_eq!(ran_in.len(), 1);
    assert!(ran_in[0].key != old.key && ran_in[0].id != old.id);
}
