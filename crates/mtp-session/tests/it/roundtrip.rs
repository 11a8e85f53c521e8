//! Two sessions, client and server, over a perfect wire.
//!
//! Goal: every kind of traffic gets through, and nothing else is said. Method: packets are moved until both sides
//! are silent, then events are compared.

use std::time::Duration;

use mtp_session::service::RpcError;
use mtp_session::session::{Event, RequestOptions, SessionConfig};

use crate::peers::{self, Pair, TRUE, Told, call, quiet, update};

fn pair() -> Pair {
    Pair::new(SessionConfig::client(), SessionConfig::server())
}

// spec: session 11.1
#[test]
fn a_call_is_answered_and_all_is_acknowledged() {
    let mut pair = pair();
    let request = pair.client.call(1);
    pair.settle();
    let calls: Vec<_> = pair.server.events();
    let Some(Told::Call(id, wrappers, query)) = calls.first().cloned() else { panic!("{calls:?}") };
    assert_eq!((wrappers, query), (Vec::new(), call(1)));
    pair.server.session.respond(pair.server.now, id, &TRUE).unwrap();
    pair.settle();
    let events = pair.client.events();
    assert!(events.contains(&Told::Result(request, TRUE.to_vec())), "{events:?}");
    let created = |event: &Told| matches!(event, Told::Other(Event::SessionCreated { .. }));
    assert!(events.iter().any(created));
    // The answer and the greeting are acknowledged within the delay.
    pair.pass(Duration::from_secs(31));
    pair.settle();
    assert!(pair.server.events().contains(&Told::Other(Event::AnswerAcked { id })));
    assert_eq!(pair.client.session.calls_open(), 0);
}

#[test]
fn ninety_calls_travel_in_one_container() {
    let mut pair = Pair::new(quiet(), SessionConfig::server());
    let requests: Vec<_> = (0..90).map(|n| pair.client.call(n)).collect();
    let packets = pair.client.transmit(peers::LINK).unwrap();
    assert_eq!(packets.len(), 1);
    pair.server.take(&packets[0]);
    let mut answered = 0;
    for event in pair.server.events() {
        if let Told::Call(id, _, query) = event {
            assert_eq!(query, call(answered));
            pair.server.session.respond(pair.server.now, id, &update(answered)).unwrap();
            answered += 1;
        }
    }
    assert_eq!(answered, 90);
    pair.settle();
    let results: Vec<_> = pair
        .client
        .events()
        .into_iter()
        .filter(|event| matches!(event, Told::Result(..)))
        .collect();
    let expected: Vec<_> =
        requests.into_iter().zip(0..).map(|(id, n)| Told::Result(id, update(n))).collect();
    assert_eq!(results, expected);
}

// spec: session 8.2
#[test]
fn updates_and_errors_get_through() {
    let mut pair = Pair::new(quiet(), SessionConfig::server());
    let request = pair.client.call(7);
    pair.settle();
    let Some(Told::Call(id, ..)) = pair.server.events().first().cloned() else { panic!() };
    let now = pair.server.now;
    let push = pair.server.session.push(now, &update(5)).unwrap();
    let error = RpcError::new(420, "FLOOD_WAIT_33");
    pair.server.session.respond_error(now, id, &error).unwrap();
    pair.settle();
    let events = pair.client.events();
    assert!(events.contains(&Told::Update(update(5))));
    assert!(events.contains(&Told::RpcError(request, 420, "FLOOD_WAIT_33".to_owned())));
    pair.pass(Duration::from_secs(31));
    pair.settle();
    assert!(pair.server.events().contains(&Told::Other(Event::PushAcked { id: push })));
}

// spec: session 8.13
#[test]
fn long_bodies_travel_packed_both_ways() {
    let mut pair = Pair::new(quiet(), SessionConfig::server());
    let body = call(0).repeat(4000);
    let request = pair.client.request(&body, RequestOptions::new());
    let packets = pair.client.transmit(peers::LINK).unwrap();
    assert!(packets[0].len() < body.len() / 4);
    pair.server.take(&packets[0]);
    let Some(Told::Call(id, _, query)) = pair.server.events().pop() else { panic!() };
    assert_eq!(query, body);
    let answer = update(0).repeat(20_000);
    pair.server.session.respond(pair.server.now, id, &answer).unwrap();
    let packets = pair.server.transmit(peers::LINK).unwrap();
    assert!(packets[0].len() < answer.len() / 4);
    pair.client.take(&packets[0]);
    assert!(pair.client.events().contains(&Told::Result(request, answer)));
}

// spec: session 8.5
#[test]
fn pings_measure_and_salts_are_fetched() {
    let mut pair = pair();
    let request = pair.client.call(1);
    pair.settle();
    pair.pass(Duration::from_secs(1));
    let Some(Told::Call(id, ..)) = pair.server.events().first().cloned() else { panic!() };
    pair.server.session.respond(pair.server.now, id, &TRUE).unwrap();
    pair.settle();
    assert!(pair.client.events().contains(&Told::Result(request, TRUE.to_vec())));
    // An idle link is pinged about once a minute and stays up.
    for _ in 0..600 {
        pair.pass(Duration::from_secs(1));
        pair.settle();
        assert_eq!(pair.client.transmit(peers::LINK), Ok(Vec::new()));
    }
    // Salts were fetched, so that after an hour and more calls still go without a correction.
    for _ in 0..7200 {
        pair.pass(Duration::from_secs(1));
        pair.settle();
    }
    pair.client.events();
    pair.client.call(2);
    pair.settle();
    assert!(pair.server.events().iter().any(|event| matches!(event, Told::Call(..))));
    assert!(!pair.client.events().contains(&Told::Other(Event::SaltsChanged)));
}
