//! Key exchanges that go on over another link of an endpoint.
//!
//! Goal: an exchange goes on over links of the network that it was started from, and of no other. Method: a client
//! handshake whose packets travel on links from addresses of the test's choice.

use core::net::IpAddr;
use std::sync::Arc;

use mtp_crypto::DcId;
use mtp_env::Now;
use mtp_server::{Endpoint, EndpointConfig};
use mtp_session::client::{ClientHandshake, ClientHandshakeConfig};
use mtp_session::exchange::KeyRequest;
use mtp_session::link::LinkId;
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};

use super::peers::{begin, entropy, key};

struct World {
    now: Now,
    endpoint: Endpoint,
    client: ClientHandshake,
}

impl World {
    fn new() -> Self {
        let handshake = ServerHandshakeConfig::new(DcId::new(2), [key()].into());
        let server = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
        let keys = [key().public().clone()].into();
        let config = ClientHandshakeConfig::new(DcId::new(2), KeyRequest::Permanent, keys);
        Self {
            now: begin(),
            endpoint: Endpoint::new(EndpointConfig::new(server), entropy(3)),
            client: ClientHandshake::new(config, entropy(4)),
        }
    }

    /// Sends the client's next query over a link. Returns `true` if the answer goes on.
    fn step_over(&mut self, link: LinkId) -> bool {
        let mut query = Vec::new();
        let _ = self.client.poll_transmit(self.now, &mut query).expect("a query");
        // The intermediate framing.
        let mut bytes = [0xee; 4].to_vec();
        bytes.extend(u32::try_from(query.len()).unwrap().to_le_bytes());
        bytes.extend(query);
        // A refusal is seen in the answer.
        let _ = self.endpoint.handle_bytes(self.now, link, &bytes);
        while self.endpoint.poll_event().is_some() {}
        let mut answer = Vec::new();
        while self.endpoint.poll_transmit(self.now, link, &mut answer) {}
        self.endpoint.remove(self.now, link);
        answer.len() > 8 && self.client.handle_packet(self.now, &answer[4..]).is_ok()
    }

    fn step(&mut self, from: &str) -> bool {
        let link = self.endpoint.accept(self.now, address(from)).unwrap();
        self.step_over(link)
    }

    fn step_proxied(&mut self, from: &str) -> bool {
        let link = self.endpoint.accept_proxied(self.now).unwrap();
        self.endpoint.set_address(self.now, link, address(from)).unwrap();
        self.step_over(link)
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

// spec: crypto 8.11
#[test]
fn an_exchange_goes_on_over_links_of_its_network() {
    for (first, then) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.254"),
        ("192.0.2.1", "::ffff:192.0.2.9"),
        ("2001:db8:1::1", "2001:db8:1:ffff::2"),
    ] {
        let mut world = World::new();
        assert!(world.step(first), "{first}");
        assert!(world.step_proxied(then), "{then}");
        assert!(world.step(first), "{first}");
        assert!(world.client.is_done());
    }
}

// spec: crypto 8.11
#[test]
fn an_exchange_does_not_go_on_over_links_of_another_network() {
    for (first, then) in [
        ("192.0.2.1", "192.0.3.1"),
        ("192.0.2.1", "191.0.2.1"),
        ("2001:db8:1::1", "2001:db8:2::1"),
        ("192.0.2.1", "2001:db8:1::1"),
        ("0.0.0.1", "::1"),
    ] {
        for proxied in [false, true] {
            let mut world = World::new();
            assert!(world.step(first), "{first}");
            let went_on = if proxied { world.step_proxied(then) } else { world.step(then) };
            assert!(!went_on, "{first}, {then}");
        }
    }
}
