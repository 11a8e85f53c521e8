//! An endpoint as an application sees it: calls as values, answers later, pushes to sessions, keys and users.
//!
//! Goal: an application answers every call itself, when it likes, and reaches sessions by name, key and user.
//! Method: an endpoint and clients driven by hand on a virtual clock.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::DcId;
use mtp_env::Now;
use mtp_proto::ClientConnection;
use mtp_server::{
    Answer, CallToken, Endpoint, EndpointConfig, EndpointEvent, IncomingCall, UnknownKey, UserId,
};
use mtp_session::client::{ClientEvent, ClientSessionEvent, RequestOptions};
use mtp_session::link::LinkId;
use mtp_session::server::{
    AnswerError, ServerConfig, ServerHandshakeConfig, ServerSalts, SessionName,
};
use mtp_tl::Output;

use super::peers::{ANSWER, QUESTION, begin, client_link, connection, entropy, key};

const HELP_GET_CONFIG: [u8; 4] = 0xc4f9_186b_u32.to_le_bytes();
const UPDATE: [u8; 8] = *b"\x11\x22\x33\x44news";
const USER: UserId = UserId::new(7);

/// What a client heard.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Result(Vec<u8>),
    Error(i32, String),
    Update(Vec<u8>),
}

struct Guest {
    link: LinkId,
    connection: ClientConnection,
    heard: Vec<Heard>,
}

/// An endpoint with clients, and every event that was taken from it.
struct World {
    now: Now,
    endpoint: Endpoint,
    guests: Vec<Guest>,
    events: Vec<EndpointEvent>,
}

impl World {
    fn new(clients: u64) -> Self {
        let now = begin();
        let handshake = ServerHandshakeConfig::new(DcId::new(2), [key()].into());
        let server = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
        let mut endpoint = Endpoint::new(EndpointConfig::new(server), entropy(3));
        let guests = (0..clients)
            .map(|seed| {
                let link = endpoint.accept(now, address()).unwrap();
                Guest { link, connection: connection(now, seed), heard: Vec::new() }
            })
            .collect();
        Self { now, endpoint, guests, events: Vec::new() }
    }

    fn request(&mut self, guest: usize, body: &[u8]) {
        let options = RequestOptions::new();
        self.guests[guest].connection.client_mut().request(self.now, body, options).unwrap();
    }

    /// Moves all bytes once, then lets 20 ms pass.
    fn step(&mut self) {
        for guest in &mut self.guests {
            let mut bytes = Vec::new();
            while guest.connection.poll_transmit(self.now, &mut bytes) {}
            let _ = self.endpoint.handle_bytes(self.now, guest.link, &bytes);
        }
        while let Some(event) = self.endpoint.poll_event() {
            self.events.push(event);
        }
        while let Some(link) = self.endpoint.poll_link() {
            let mut bytes = Vec::new();
            while self.endpoint.poll_transmit(self.now, link, &mut bytes) {}
            if let Some(guest) = self.guests.iter_mut().find(|guest| guest.link == link) {
                guest.connection.handle_bytes(self.now, &bytes).unwrap();
                guest.listen();
            }
        }
        self.now = self.now.after(Duration::from_millis(20));
        self.endpoint.handle_timeout(self.now);
        for guest in &mut self.guests {
            guest.connection.handle_timeout(self.now).unwrap();
        }
    }

    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..500 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("not within 10 s of virtual time: {:?}", self.events);
    }

    /// Makes a call and returns it as the application gets it.
    fn call(&mut self, guest: usize, body: &[u8]) -> IncomingCall {
        let before = self.calls().len();
        self.request(guest, body);
        self.run_until(|world| world.calls().len() > before);
        self.calls().pop().unwrap()
    }

    fn calls(&self) -> Vec<IncomingCall> {
        let call = |event: &EndpointEvent| match event {
            EndpointEvent::Call(call) => Some(call.clone()),
            _ => None,
        };
        self.events.iter().filter_map(call).collect()
    }

    fn answer(&mut self, call: CallToken, answer: &Answer) -> Result<(), AnswerError> {
        self.endpoint.answer(self.now, call, answer)
    }

    /// Makes a call and answers it.
    fn greet(&mut self, guest: usize) -> IncomingCall {
        let call = self.call(guest, &QUESTION);
        self.answer(call.token, &Answer::Result(ANSWER.to_vec())).unwrap();
        self.run_until(|world| !world.guests[guest].heard.is_empty());
        self.guests[guest].heard.clear();
        call
    }

    fn heard(&self, guest: usize) -> &[Heard] {
        &self.guests[guest].heard
    }
}

impl Guest {
    fn listen(&mut self) {
        while let Some(event) = self.connection.client_mut().poll_event() {
            self.heard.push(match event {
                ClientEvent::Session(ClientSessionEvent::Result { body, .. }) => {
                    Heard::Result(body.to_vec())
                }
                ClientEvent::Session(ClientSessionEvent::RpcError { error, .. }) => {
                    Heard::Error(error.code(), error.message().to_owned())
                }
                ClientEvent::Session(ClientSessionEvent::Update { body }) => {
                    Heard::Update(body.to_vec())
                }
                _ => continue,
            });
        }
    }
}

fn address() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

fn wrapped(prefix: &[u32], query: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for word in prefix {
        body.put(&word.to_le_bytes());
    }
    body.put(query);
    body
}

const INVOKE_WITH_LAYER: u32 = 0xda9b_0d0d;
const INVOKE_WITHOUT_UPDATES: u32 = 0xbf94_59b7;

#[test]
fn every_call_reaches_the_application_even_help_get_config() {
    let mut world = World::new(1);
    let call = world.call(0, &HELP_GET_CONFIG);
    assert_eq!(call.query, HELP_GET_CONFIG);
    assert_eq!(call.method().unwrap().get(), 0xc4f9_186b);
    world.answer(call.token, &Answer::Result(ANSWER.to_vec())).unwrap();
    world.run_until(|world| !world.heard(0).is_empty());
    assert_eq!(world.heard(0), [Heard::Result(ANSWER.to_vec())]);
    assert_eq!((world.endpoint.counters().calls, world.endpoint.counters().calls_failed), (1, 0));
}

#[test]
fn keys_and_sessions_are_reported_before_the_first_call() {
    let mut world = World::new(1);
    let call = world.call(0, &QUESTION);
    let at = |wanted: fn(&EndpointEvent) -> bool| world.events.iter().position(wanted).unwrap();
    let created = at(|event| matches!(event, EndpointEvent::KeyCreated { .. }));
    let opened = at(|event| matches!(event, EndpointEvent::SessionOpened { .. }));
    let bound = at(|event| matches!(event, EndpointEvent::KeyBound { .. }));
    let called = at(|event| matches!(event, EndpointEvent::Call(_)));
    assert!(created < opened && opened < bound && bound < called, "{:?}", world.events);
    let EndpointEvent::KeyBound { temporary, permanent } = world.events[bound] else { panic!() };
    assert_eq!((call.session.key, call.identity), (temporary, permanent));
    assert_eq!(world.endpoint.identity(temporary), permanent);
}

#[test]
fn an_answer_may_come_later_and_only_once() {
    let mut world = World::new(1);
    let (first, second) = (world.call(0, &QUESTION), world.call(0, &QUESTION));
    let failure = Answer::error(420, "FLOOD_WAIT_33");
    world.answer(second.token, &failure).unwrap();
    for _ in 0..20 {
        world.step();
    }
    assert_eq!(world.heard(0), [Heard::Error(420, "FLOOD_WAIT_33".to_owned())]);
    world.answer(first.token, &Answer::result(&7_i32)).unwrap();
    world.run_until(|world| world.heard(0).len() == 2);
    assert_eq!(world.heard(0)[1], Heard::Result(7_i32.to_le_bytes().to_vec()));
    for call in [first, second] {
        assert_eq!(world.answer(call.token, &failure), Err(AnswerError::UnknownCall));
    }
    assert_eq!(world.endpoint.counters().calls_failed, 1);
}

#[test]
fn an_answer_after_the_session_closed_is_an_error() {
    let mut world = World::new(1);
    let call = world.call(0, &QUESTION);
    world.endpoint.remove_key(world.now, call.session.key);
    let answered = world.answer(call.token, &Answer::Result(ANSWER.to_vec()));
    assert_eq!(answered, Err(AnswerError::Closed));
    let pushed = world.endpoint.push(world.now, call.session, &UPDATE);
    assert_eq!(pushed, Err(AnswerError::Closed));
    world.step();
    let closed = world.events.iter().find_map(|event| match event {
        EndpointEvent::SessionClosed { session, identity, .. } => Some((*session, *identity)),
        _ => None,
    });
    assert_eq!(closed, Some((call.session, call.identity)), "bound until the key is destroyed");
    assert_eq!(world.endpoint.sessions_of_key(call.identity).count(), 0);
}

#[test]
fn a_body_that_cannot_be_sent_leaves_the_call_open() {
    let mut world = World::new(1);
    let call = world.call(0, &QUESTION);
    let refused = world.answer(call.token, &Answer::Result(b"odd".to_vec()));
    assert!(matches!(refused, Err(AnswerError::NotAnObject { len: 3 })), "{refused:?}");
    assert!(matches!(
        world.endpoint.push(world.now, call.session, b"odd"),
        Err(AnswerError::NotAnObject { len: 3 })
    ));
    world.answer(call.token, &Answer::Result(ANSWER.to_vec())).unwrap();
}

// spec: session 2
#[test]
fn the_layer_of_a_key_is_remembered() {
    let mut world = World::new(1);
    assert_eq!(world.call(0, &QUESTION).layer, None);
    let call = world.call(0, &wrapped(&[INVOKE_WITH_LAYER, 214], &QUESTION));
    assert_eq!((call.layer, call.query.as_slice()), (Some(214), &QUESTION[..]));
    assert_eq!(call.wrappers().layer, Some(214));
    assert!(call.init_connection().is_none());
    let call = world.call(0, &QUESTION);
    assert_eq!((call.layer, call.wrapped.len()), (Some(214), 0));
}

#[test]
fn a_push_reaches_its_session_and_its_acknowledgement_comes_back() {
    let mut world = World::new(2);
    let session = world.greet(0).session;
    world.greet(1);
    let push = world.endpoint.push(world.now, session, &UPDATE).unwrap();
    world.run_until(|world| !world.heard(0).is_empty());
    // Acknowledgements go with the next call.
    world.call(0, &QUESTION);
    world.run_until(|world| {
        let acked = |event: &EndpointEvent| {
            matches!(event, EndpointEvent::PushAcked { push: acked, .. } if *acked == push)
        };
        world.events.iter().any(acked)
    });
    assert_eq!(world.heard(0), [Heard::Update(UPDATE.to_vec())]);
    assert_eq!(world.heard(1), []);
    assert_eq!(world.endpoint.counters().updates, 1);
}

#[test]
fn a_push_to_a_user_reaches_all_sessions_of_all_keys() {
    let mut world = World::new(3);
    let calls: Vec<_> = (0..3).map(|guest| world.greet(guest)).collect();
    assert_eq!(calls[0].user, None);
    // By the temporary key or by the permanent one.
    world.endpoint.set_user(calls[0].session.key, Some(USER)).unwrap();
    world.endpoint.set_user(calls[1].identity, Some(USER)).unwrap();
    let mut sessions: Vec<SessionName> = world.endpoint.sessions_of_user(USER).collect();
    sessions.sort_unstable();
    let mut expected = vec![calls[0].session, calls[1].session];
    expected.sort_unstable();
    assert_eq!(sessions, expected);
    assert_eq!(world.greet(0).user, Some(USER));

    assert_eq!(world.endpoint.push_to_user(world.now, USER, &UPDATE), 2);
    assert_eq!(world.endpoint.push_to_key(world.now, calls[0].session.key, &UPDATE), 1);
    world.run_until(|world| world.heard(0).len() == 2 && world.heard(1).len() == 1);
    assert_eq!(world.heard(2), []);

    world.endpoint.set_user(calls[0].identity, None).unwrap();
    assert_eq!(world.endpoint.push_to_user(world.now, USER, &UPDATE), 1);
    assert_eq!(world.endpoint.keys_of_user(USER).collect::<Vec<_>>(), [calls[1].identity]);
    assert_eq!(world.call(0, &QUESTION).user, None);
}

#[test]
fn a_user_is_set_for_known_keys_only_and_ends_with_the_key() {
    let mut world = World::new(1);
    let unknown = mtp_crypto::AuthKeyId::from_raw(5);
    assert_eq!(world.endpoint.set_user(unknown, Some(USER)), Err(UnknownKey(unknown)));
    let call = world.greet(0);
    world.endpoint.set_user(call.identity, Some(USER)).unwrap();
    world.endpoint.remove_key(world.now, call.identity);
    assert_eq!(world.endpoint.user(call.identity), Some(USER), "until the event is taken");
    world.step();
    assert_eq!(world.endpoint.user(call.identity), None);
    assert_eq!(world.endpoint.keys_of_user(USER).count(), 0);
}

// spec: session 9
#[test]
fn a_session_without_updates_gets_only_pushes_to_itself() {
    let mut world = World::new(1);
    let call = world.greet(0);
    let quiet = world.call(0, &wrapped(&[INVOKE_WITHOUT_UPDATES], &QUESTION));
    assert!(quiet.without_updates && !call.without_updates);
    assert_eq!(world.endpoint.push_to_key(world.now, call.identity, &UPDATE), 0);
    world.endpoint.push(world.now, call.session, &UPDATE).unwrap();
    world.call(0, &QUESTION);
    assert_eq!(world.endpoint.push_to_key(world.now, call.identity, &UPDATE), 1);
}

#[test]
fn stored_keys_go_on_with_their_binding() {
    let mut world = World::new(1);
    let call = world.greet(0);
    let mut again = World::new(0);
    again.now = world.now;
    let mut bound = None;
    for event in &world.events {
        if let EndpointEvent::KeyBound { permanent, .. } = event {
            bound = Some(*permanent);
        }
    }
    for event in &world.events {
        if let EndpointEvent::KeyCreated { established } = event {
            let temporary = established.key.id() == call.session.key;
            let bound_to = bound.filter(|_| temporary);
            assert!(again.endpoint.insert_key(again.now, established, bound_to));
        }
    }
    let mut guest = world.guests.pop().unwrap();
    guest.link = again.endpoint.accept(again.now, address()).unwrap();
    guest.connection.reconnect(again.now, client_link(again.now, 55));
    again.guests.push(guest);
    let call_again = again.call(0, &QUESTION);
    assert_eq!(call_again.identity, call.identity);
    assert_eq!(call_again.session.key, call.session.key);
    let made = |event: &EndpointEvent| matches!(event, EndpointEvent::KeyCreated { .. });
    assert!(!again.events.iter().any(made));
}

#[test]
fn idle_polls_return_nothing() {
    let mut world = World::new(1);
    world.greet(0);
    assert!(world.endpoint.poll_event().is_none());
    assert!(world.endpoint.poll_link().is_none());
    assert!(world.endpoint.poll_work(world.now).is_none());
    let mut out = Vec::new();
    assert!(!world.endpoint.poll_transmit(world.now, LinkId::new(99), &mut out));
}

#[test]
fn nothing_printed_holds_the_query_or_the_answer() {
    let mut world = World::new(1);
    let call = world.call(0, &QUESTION);
    let printed = format!("{call:?} {:?}", Answer::Result(ANSWER.to_vec()));
    assert!(printed.contains("query_len: 8") && printed.contains("12 bytes"), "{printed}");
    assert!(!printed.contains("119"), "no byte of \"what\": {printed}");
}

#[test]
fn a_call_answered_as_unknown_leaves_a_trace() {
    let mut world = World::new(1);
    let call = world.call(0, &QUESTION);
    assert_eq!(call.address, Some(address()));
    world.answer(call.token, &Answer::unknown_method(7, Some(214))).unwrap();
    world.step();
    let traced = world.events.iter().find_map(|event| match event {
        EndpointEvent::Refused(refusals) => Some(refusals),
        _ => None,
    });
    let traced = traced.unwrap();
    assert_eq!((traced.calls, traced.call.as_deref()), (1, Some("INPUT_METHOD_INVALID_7_214")));
    assert_eq!(world.endpoint.counters().calls_unknown, 1);
}
