//! A client session and a server session over a perfect wire.
//!
//! Goal: every kind of traffic is delivered and nothing else is sent. Method: packets are moved until both sides are
//! silent, then events are compared.

use std::time::Duration;

use mtp_session::client::{ClientSessionConfig, ClientSessionEvent, RequestOptions};
use mtp_session::server::{ServerSessionConfig, ServerSessionEvent};
use mtp_session::service::RpcError;

use crate::peers::{self, Observed, Pair, TRUE, call, quiet, update};

fn pair() -> Pair {
    Pair::new(ClientSessionConfig::default(), ServerSessionConfig::default())
}

// spec: session 11.1
#[test]
fn call_is_answered_and_every_message_acknowledged() {
    let mut pair = pair();
    let request = pair.client.call(1);
    pair.settle();
    let calls: Vec<_> = pair.server.events();
    let Some(Observed::Call(id, wrappers, query)) = calls.first().cloned() else {
        panic!("{calls:?}")
    };
    assert_eq!((wrappers, query), (Vec::new(), call(1)));
    pair.server.session.answer(pair.server.now, id, &TRUE).unwrap();
    pair.settle();
    let events = pair.client.events();
    assert!(events.contains(&Observed::Result(request, TRUE.to_vec())), "{events:?}");
    let created = |event: &Observed| {
        matches!(event, Observed::Client(ClientSessionEvent::SessionCreated { .. }))
    };
    assert!(events.iter().any(created));
    // The answer and `new_session_created` are acknowledged within the delay.
    pair.pass(Duration::from_secs(31));
    pair.settle();
    assert!(
        pair.server.events().contains(&Observed::Server(ServerSessionEvent::AnswerAcked { id }))
    );
    assert_eq!(pair.client.session.calls_open(), 0);
}

#[test]
fn ninety_calls_share_one_container() {
    let mut pair = Pair::new(quiet(), ServerSessionConfig::default());
    let requests: Vec<_> = (0..90).map(|n| pair.client.call(n)).collect();
    let packets = pair.client.transmit(peers::LINK).unwrap();
    assert_eq!(packets.len(), 1);
    pair.server.take(&packets[0]);
    let mut answered = 0;
    for event in pair.server.events() {
        if let Observed::Call(id, _, query) = event {
            assert_eq!(query, call(answered));
            pair.server.session.answer(pair.server.now, id, &update(answered)).unwrap();
            answered += 1;
        }
    }
    assert_eq!(answered, 90);
    pair.settle();
    let results: Vec<_> = pair
        .client
        .events()
        .into_iter()
        .filter(|event| matches!(event, Observed::Result(..)))
        .collect();
    let expected: Vec<_> =
        requests.into_iter().zip(0..).map(|(id, n)| Observed::Result(id, update(n))).collect();
    assert_eq!(results, expected);
}

// spec: session 8.2
#[test]
fn updates_and_rpc_errors_are_delivered() {
    let mut pair = Pair::new(quiet(), ServerSessionConfig::default());
    let request = pair.client.call(7);
    pair.settle();
    let Some(Observed::Call(id, ..)) = pair.server.events().first().cloned() else { panic!() };
    let now = pair.server.now;
    let push = pair.server.session.push(now, &update(5)).unwrap();
    let error = RpcError::new(420, "FLOOD_WAIT_33");
    pair.server.session.answer_error(now, id, &error).unwrap();
    pair.settle();
    let events = pair.client.events();
    assert!(events.contains(&Observed::Update(update(5))));
    assert!(events.contains(&Observed::RpcError(request, 420, "FLOOD_WAIT_33".to_owned())));
    pair.pass(Duration::from_secs(31));
    pair.settle();
    assert!(
        pair.server
            .events()
            .contains(&Observed::Server(ServerSessionEvent::PushAcked { id: push }))
    );
}

// spec: session 8.13
#[test]
fn long_bodies_are_gzipped_in_both_directions() {
    let mut pair = Pair::new(quiet(), ServerSessionConfig::default());
    let body = call(0).repeat(4000);
    let request = pair.client.request(&body, RequestOptions::new());
    let packets = pair.client.transmit(peers::LINK).unwrap();
    assert!(packets[0].len() < body.len() / 4);
    pair.server.take(&packets[0]);
    let Some(Observed::Call(id, _, query)) = pair.server.events().pop() else { panic!() };
    assert_eq!(query, body);
    let answer = update(0).repeat(20_000);
    pair.server.session.answer(pair.server.now, id, &answer).unwrap();
    let packets = pair.server.transmit(peers::LINK).unwrap();
    assert!(packets[0].len() < answer.len() / 4);
    pair.client.take(&packets[0]);
    assert!(pair.client.events().contains(&Observed::Result(request, answer)));
}

// spec: session 8.5
#[test]
fn idle_link_is_pinged_and_salts_are_fetched_ahead() {
    let mut pair = pair();
    let request = pair.client.call(1);
    pair.settle();
    pair.pass(Duration::from_secs(1));
    let Some(Observed::Call(id, ..)) = pair.server.events().first().cloned() else { panic!() };
    pair.server.session.answer(pair.server.now, id, &TRUE).unwrap();
    pair.settle();
    assert!(pair.client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    // An idle link is pinged about once a minute and stays up.
    for _ in 0..600 {
        pair.pass(Duration::from_secs(1));
        pair.settle();
        assert_eq!(pair.client.transmit(peers::LINK), Ok(Vec::new()));
    }
    // Salts were fetched ahead, so calls need no correction after more than an hour.
    for _ in 0..7200 {
        pair.pass(Duration::from_secs(1));
        pair.settle();
    }
    pair.client.events();
    pair.client.call(2);
    pair.settle();
    assert!(pair.server.events().iter().any(|event| matches!(event, Observed::Call(..))));
    assert!(!pair.client.events().contains(&Observed::Client(ClientSessionEvent::SaltsChanged)));
}
