//! Key exchanges that go on over other links.
//!
//! Goal: an exchange is identified by its nonces, within one network and up to a limit. Method: a client handshake whose
//! packets travel on links of the test's choice, as over HTTP without kept connections.

use std::time::Duration;

use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::Now;
use mtp_session::client::{ClientHandshake, ClientHandshakeConfig};
use mtp_session::exchange::{Arithmetic, HandshakeError, KeyRequest};
use mtp_session::link::{LinkId, NetworkId, QuickAck};
use mtp_session::server::{ServerConfig, ServerEvent, ServerMachine, ServerPacketError};
use mtp_session::session::LinkKind;

use crate::support::world::server_config;
use crate::support::{at, public_keys, vectors};

struct Bench {
    server: ServerMachine,
    now: Now,
    links: u64,
}

fn client(seed: u64) -> ClientHandshake {
    let keys = public_keys(&vectors("crypto"));
    let config = ClientHandshakeConfig::new(DcId::new(2), KeyRequest::Permanent, keys);
    ClientHandshake::new(config, Box::new(CtrEntropy::from_number(seed)))
}

impl Bench {
    fn new(config: ServerConfig) -> Self {
        let server = ServerMachine::new(config, Box::new(CtrEntropy::from_number(2)));
        Self { server, now: at(1_800_000_000, 0), links: 0 }
    }

    fn up(&mut self, network: u64) -> LinkId {
        self.links += 1;
        let link = LinkId::new(self.links);
        let network = NetworkId::new(network);
        self.server.link_up_from(self.now, link, LinkKind::Http, network);
        link
    }

    fn query(&self, client: &mut ClientHandshake) -> Vec<u8> {
        let mut packet = Vec::new();
        let _ = client.poll_transmit(self.now, &mut packet).expect("a query");
        packet
    }

    fn send(&mut self, link: LinkId, packet: &[u8]) -> Result<(), ServerPacketError> {
        self.server.handle_packet(self.now, link, &mut packet.to_vec(), QuickAck::NotWanted)
    }

    fn answer(&mut self, link: LinkId) -> Option<Vec<u8>> {
        let mut packet = Vec::new();
        self.server.poll_transmit(self.now, link, &mut packet).map(|_| packet)
    }

    fn take_key(&mut self) {
        assert!(matches!(self.server.poll_event(), Some(ServerEvent::KeyCreated { .. })));
    }

    /// Starts an exchange on a link that goes down.
    fn begin(&mut self, client: &mut ClientHandshake) -> Vec<u8> {
        self.now = self.now.after(Duration::from_millis(1));
        let link = self.up(1);
        let query = self.query(client);
        self.send(link, &query).unwrap();
        let answer = self.answer(link).unwrap();
        client.handle_packet(self.now, &answer).unwrap();
        self.server.link_down(self.now, link);
        self.query(client)
    }
}

// spec: crypto 8.11
#[test]
fn each_query_may_use_a_link_of_its_own() {
    for old_link_is_down in [true, false] {
        let mut bench = Bench::new(server_config());
        let mut client = client(77);
        for _ in 0..3 {
            let link = bench.up(1);
            let query = bench.query(&mut client);
            bench.send(link, &query).unwrap();
            if let Some(ServerEvent::KeyCreated { .. }) = bench.server.poll_event() {}
            let answer = bench.answer(link).expect("an answer on the link of the query");
            client.handle_packet(bench.now, &answer).unwrap();
            if old_link_is_down {
                bench.server.link_down(bench.now, link);
            }
        }
        assert!(client.is_done());
    }
}

// spec: crypto 8.11
#[test]
fn exchange_does_not_go_on_from_another_network() {
    let mut bench = Bench::new(server_config());
    let query = bench.begin(&mut client(77));
    let stranger = bench.up(2);
    let refused = Err(ServerPacketError::Handshake(HandshakeError::UnknownRun));
    assert_eq!(bench.send(stranger, &query), refused);
    let link = bench.up(1);
    assert_eq!(bench.send(link, &query), Ok(()));
    assert!(bench.answer(link).is_some());
}

// spec: crypto 8.11
#[test]
fn answer_that_is_computed_meanwhile_goes_to_the_link_that_asks_again() {
    let mut config = server_config();
    config.handshake.arithmetic = Arithmetic::Deferred;
    let mut bench = Bench::new(config);
    let mut client = client(77);
    let mut query = bench.begin(&mut client);
    for _ in 0..2 {
        let lost = bench.up(1);
        bench.send(lost, &query).unwrap();
        let (of, work) = bench.server.poll_work().unwrap();
        assert_eq!(of, lost);
        bench.server.link_down(bench.now, lost);
        let link = bench.up(1);
        assert_eq!(bench.send(link, &query), Ok(()));
        assert!(bench.server.poll_work().is_none(), "it is computed once");
        assert_eq!(bench.answer(link), None);
        bench.server.handle_work(bench.now, lost, work.run()).unwrap();
        if client.is_done() {
            break;
        }
        if let Some(answer) = bench.answer(link) {
            client.handle_packet(bench.now, &answer).unwrap();
            query = bench.query(&mut client);
        } else {
            bench.take_key();
            let answer = bench.answer(link).expect("dh_gen_ok");
            client.handle_packet(bench.now, &answer).unwrap();
        }
    }
    assert!(client.is_done());
}

// spec: crypto 8.11
#[test]
fn exchange_of_a_lost_link_ends_after_its_lifetime() {
    for (after, goes_on) in [(599, true), (600, false), (601, false)] {
        let mut bench = Bench::new(server_config());
        let query = bench.begin(&mut client(77));
        // The next exchange starts a millisecond later.
        bench.now = bench.now.after(Duration::from_millis(after * 1000 - 1));
        // Another exchange gives the server the occasion to look.
        bench.begin(&mut client(78));
        let link = bench.up(1);
        assert_eq!(bench.send(link, &query).is_ok(), goes_on, "{after}");
    }
}

#[test]
fn exchanges_that_change_their_link_are_limited() {
    for (max, goes_on) in [(2, false), (3, true), (4, true)] {
        let mut config = server_config();
        config.exchanges_max = max;
        let mut bench = Bench::new(config);
        let queries: Vec<Vec<u8>> =
            (0..3).map(|seed| bench.begin(&mut client(70 + seed))).collect();
        let can: Vec<bool> = queries
            .iter()
            .map(|query| {
                let link = bench.up(1);
                bench.send(link, query).is_ok()
            })
            .collect();
        assert_eq!(can, [goes_on, true, true], "{max}");
    }
}
