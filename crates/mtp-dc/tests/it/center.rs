//! A data center on an endpoint.
//!
//! Goal: the API's answers, updates and logins reach clients through the endpoint, and calls that it does not know
//! reach the embedder. Method: an endpoint with a data center and one client, driven by hand on a virtual clock.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{CtrEntropy, DcId};
use mtp_dc::{ApiConfig, DataCenter, DataCenterConfig, DcEvent, UnknownCalls};
use mtp_env::{Entropy as _, Now, UnixTime};
use mtp_proto::ClientConnection;
use mtp_server::{Answer, Endpoint, EndpointConfig, EndpointEvent, UserId};
use mtp_session::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent, RequestOptions,
};
use mtp_session::link::LinkId;
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};
use mtp_tl::Output;
use mtp_transport::framing::Framing;
use mtp_transport::link::{ClientLink, ClientLinkConfig, Stack};

use super::desk::{ANN, CODE, config};

const HELP_GET_CONFIG: [u8; 4] = 0xc4f9_186b_u32.to_le_bytes();
const CONFIG: [u8; 4] = 0xcc1a_241e_u32.to_le_bytes();
const UNKNOWN: [u8; 4] = 0x0102_0304_u32.to_le_bytes();
const AUTHORIZATION: [u8; 4] = 0x2ea2_c0d4_u32.to_le_bytes();
const LOGGED_OUT: [u8; 4] = 0xc3a2_835f_u32.to_le_bytes();

struct World {
    now: Now,
    endpoint: Endpoint,
    center: DataCenter,
    link: LinkId,
    client: ClientConnection,
    /// The key of the latest call, and the user it came with.
    caller: Option<(mtp_crypto::AuthKeyId, Option<UserId>)>,
}

impl World {
    fn new(api: ApiConfig, unknown_calls: UnknownCalls) -> Self {
        let now = Now { unix: UnixTime::from_secs(1_790_000_000), ..Now::default() };
        let entropy = |seed| Box::new(CtrEntropy::from_number(seed));
        let key = RsaPrivateKey::generate(&mut CtrEntropy::from_number(99)).unwrap();
        let public = key.public().clone();
        let handshake = ServerHandshakeConfig::new(DcId::new(2), [key].into());
        let server = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
        let mut endpoint = Endpoint::new(EndpointConfig::new(server), entropy(1));
        let mut config = DataCenterConfig::new(api);
        config.unknown_calls = unknown_calls;
        let center = DataCenter::new(config, entropy(2));
        let link = ClientLinkConfig::new(Stack::Plain(Framing::Intermediate));
        let link = ClientLink::new(now, link, entropy(3));
        let client = ClientConfig::new(DcId::new(2), [public].into());
        let client = ClientMachine::new(client, now, None, entropy(4));
        Self {
            now,
            link: endpoint.accept(now, Ipv4Addr::LOCALHOST.into()).unwrap(),
            endpoint,
            center,
            client: ClientConnection::new(now, link, client),
            caller: None,
        }
    }

    /// Moves all bytes once, then lets 20 ms pass; returns an answer if one came.
    fn step(&mut self) -> Option<Result<Vec<u8>, String>> {
        let mut bytes = Vec::new();
        while self.client.poll_transmit(self.now, &mut bytes) {}
        // The first packet has the wrong salt, which is an error here and a correction there.
        let _ = self.endpoint.handle_bytes(self.now, self.link, &bytes);
        while let Some(event) = self.endpoint.poll_event() {
            if let EndpointEvent::Call(call) = &event {
                self.caller = Some((call.identity, call.user));
            }
            self.center.handle_event(self.now, &mut self.endpoint, event);
        }
        bytes.clear();
        while self.endpoint.poll_transmit(self.now, self.link, &mut bytes) {}
        self.client.handle_bytes(self.now, &bytes).unwrap();
        self.now = self.now.after(Duration::from_millis(20));
        self.endpoint.handle_timeout(self.now);
        self.client.handle_timeout(self.now).unwrap();
        while let Some(event) = self.client.client_mut().poll_event() {
            match event {
                ClientEvent::Session(ClientSessionEvent::Result { body, .. }) => {
                    return Some(Ok(body.to_vec()));
                }
                ClientEvent::Session(ClientSessionEvent::RpcError { error, .. }) => {
                    return Some(Err(error.to_string()));
                }
                _ => {}
            }
        }
        None
    }

    fn request(&mut self, query: &[u8]) {
        let options = RequestOptions::new();
        self.client.client_mut().request(self.now, query, options).unwrap();
    }

    /// Makes a call and returns its answer.
    fn call(&mut self, query: &[u8]) -> Result<Vec<u8>, String> {
        self.request(query);
        (0..500).find_map(|_| self.step()).expect("an answer within 10 s of virtual time")
    }
}

fn send_code() -> Vec<u8> {
    let mut query = 0xa677_244f_u32.to_le_bytes().to_vec();
    query.put_string(ANN.as_bytes());
    query.put(&1_i32.to_le_bytes());
    query.put_string(b"x");
    query.put(&0xad25_3d78_u32.to_le_bytes());
    query.put(&0_u32.to_le_bytes());
    query
}

fn sign_in(hash: &[u8], code: &str) -> Vec<u8> {
    let mut query = 0x8d52_a951_u32.to_le_bytes().to_vec();
    query.put(&1_u32.to_le_bytes());
    query.put_string(ANN.as_bytes());
    query.put_string(hash);
    query.put_string(code.as_bytes());
    query
}

/// Reads `phone_code_hash` out of an `auth.sentCode`.
fn hash_of(sent: &[u8]) -> Vec<u8> {
    let mut d = mtp_tl::Decoder::new(sent);
    for _ in 0..4 {
        d.read::<i32>().unwrap(); // ids, flags, length of the code
    }
    d.string().unwrap().to_vec()
}

#[test]
fn a_known_call_is_answered() {
    let mut world = World::new(config(), UnknownCalls::Report);
    assert!(world.call(&HELP_GET_CONFIG).unwrap().starts_with(&CONFIG));
    assert!(world.center.poll_event().is_none());
}

#[test]
fn an_unknown_call_is_refused_by_default() {
    let mut world = World::new(config(), UnknownCalls::Refuse);
    assert_eq!(world.call(&UNKNOWN), Err("400 INPUT_METHOD_INVALID_16909060_0".to_owned()));
    assert!(world.center.poll_event().is_none());
    assert_eq!(world.endpoint.counters().calls_failed, 1);
}

#[test]
fn an_unknown_call_is_reported_and_answered_by_the_embedder() {
    let mut world = World::new(config(), UnknownCalls::Report);
    world.request(&UNKNOWN);
    let mut reported = None;
    for _ in 0..500 {
        assert_eq!(world.step(), None);
        reported = world.center.poll_event();
        if reported.is_some() {
            break;
        }
    }
    let Some(DcEvent::Call(call)) = reported else { panic!("{reported:?}") };
    assert_eq!(call.query, UNKNOWN);
    world.endpoint.answer(world.now, call.token, &Answer::Result(CONFIG.to_vec())).unwrap();
    assert_eq!((0..500).find_map(|_| world.step()), Some(Ok(CONFIG.to_vec())));
}

#[test]
fn a_login_sets_the_user_of_the_key_until_log_out() {
    let mut world = World::new(config(), UnknownCalls::Refuse);
    let sent = world.call(&send_code()).unwrap();
    let authorized = world.call(&sign_in(&hash_of(&sent), CODE)).unwrap();
    assert!(authorized.starts_with(&AUTHORIZATION));
    world.call(&HELP_GET_CONFIG).unwrap();
    let (key, user) = world.caller.unwrap();
    assert!(user.is_some());
    assert_eq!(world.endpoint.user(key), user);
    let logged_out = world.call(&0x3e72_ba19_u32.to_le_bytes()).unwrap();
    assert!(logged_out.starts_with(&LOGGED_OUT));
    assert_eq!(world.endpoint.user(key), None);
}

#[test]
fn a_random_code_is_an_event_for_the_embedder() {
    let mut api = ApiConfig::new(2);
    api.accounts = config().accounts;
    let mut world = World::new(api, UnknownCalls::Refuse);
    let sent = world.call(&send_code()).unwrap();
    let Some(DcEvent::LoginCode { phone, code }) = world.center.poll_event() else { panic!() };
    assert_eq!(phone, ANN);
    let authorized = world.call(&sign_in(&hash_of(&sent), code.as_str())).unwrap();
    assert!(authorized.starts_with(&AUTHORIZATION));
}

/// A call of 44 bytes that is answered with 1 MiB.
fn get_file() -> Vec<u8> {
    let mut query = 0xbe53_35be_u32.to_le_bytes().to_vec();
    query.put(&0_u32.to_le_bytes());
    query.put(&0xbad0_7584_u32.to_le_bytes());
    query.put(&7_i64.to_le_bytes());
    query.put(&0_i64.to_le_bytes());
    query.put_string(b"");
    query.put_string(b"");
    query.put(&0_i64.to_le_bytes());
    query.put(&(1_i32 << 20).to_le_bytes());
    query
}

#[test]
fn a_thousand_calls_with_answers_of_a_mebibyte_hold_a_few_of_them() {
    let mut api = config();
    api.files.without_login = true;
    let mut world = World::new(api, UnknownCalls::Refuse);
    for index in 0..2_i32 {
        let mut query = 0xb304_a621_u32.to_le_bytes().to_vec();
        query.put(&7_i64.to_le_bytes());
        query.put(&index.to_le_bytes());
        // It does not get shorter when packed.
        let mut part = vec![0; 512 << 10];
        CtrEntropy::from_number(5).fill(&mut part);
        query.put_string(&part);
        world.call(&query).unwrap();
    }
    check_thousand(&mut world, &get_file());
}

/// `messages.sendMessage` to oneself.
fn send_to_self(number: u32) -> Vec<u8> {
    let mut query = 0x545c_d15a_u32.to_le_bytes().to_vec();
    query.put(&0_u32.to_le_bytes());
    query.put(&0x7da0_7ec9_u32.to_le_bytes());
    let mut noise = CtrEntropy::from_number(u64::from(number));
    let mut text = vec![0; 4000];
    noise.fill(&mut text);
    for letter in &mut text {
        *letter = b'!' + *letter % 90;
    }
    query.put_string(&text);
    query.put(&u64::from(number + 1).to_le_bytes());
    query
}

/// `messages.getHistory` of oneself: a call of 48 bytes that is answered with all of it.
fn get_history() -> Vec<u8> {
    let mut query = 0x4423_e6c5_u32.to_le_bytes().to_vec();
    query.put(&0x7da0_7ec9_u32.to_le_bytes());
    for number in [0_i32, 0, 0, 100, 0, 0] {
        query.put(&number.to_le_bytes());
    }
    query.put(&0_i64.to_le_bytes());
    query
}

#[test]
fn a_thousand_calls_for_a_long_history_hold_a_few_answers() {
    let mut world = World::new(config(), UnknownCalls::Refuse);
    let sent = world.call(&send_code()).unwrap();
    world.call(&sign_in(&hash_of(&sent), CODE)).unwrap();
    for number in 0..60 {
        world.call(&send_to_self(number)).unwrap();
    }
    assert!(world.call(&get_history()).unwrap().len() > 200_000);
    check_thousand(&mut world, &get_history());
}

/// Makes a call a thousand times at once, and checks that the answers are made as they can be sent.
fn check_thousand(world: &mut World, query: &[u8]) {
    for _ in 0..1000 {
        world.request(query);
    }
    let mut largest = 0;
    let mut bytes = Vec::new();
    while world.client.poll_transmit(world.now, &mut bytes) {}
    world.endpoint.handle_bytes(world.now, world.link, &bytes).unwrap();
    while let Some(event) = world.endpoint.poll_event() {
        world.center.handle_event(world.now, &mut world.endpoint, event);
        largest = largest.max(world.endpoint.held_bytes());
    }
    assert!(bytes.len() < 128 << 10 && largest > 1 << 20, "{} {largest}", bytes.len());
    assert!(largest < 8 << 20, "{largest} bytes held");
    let mut answered = 0;
    for _ in 0..40 {
        bytes.clear();
        let _ = world.endpoint.poll_transmit(world.now, world.link, &mut bytes);
        world.client.handle_bytes(world.now, &bytes).unwrap();
        while let Some(event) = world.client.client_mut().poll_event() {
            let result = matches!(event, ClientEvent::Session(ClientSessionEvent::Result { .. }));
            answered += usize::from(result);
        }
        bytes.clear();
        while world.client.poll_transmit(world.now, &mut bytes) {}
        world.endpoint.handle_bytes(world.now, world.link, &bytes).unwrap();
        while let Some(event) = world.endpoint.poll_event() {
            world.center.handle_event(world.now, &mut world.endpoint, event);
        }
        assert!(world.endpoint.held_bytes() < 24 << 20, "with what is not acknowledged");
    }
    assert!(answered >= 10, "{answered} answers");
}
