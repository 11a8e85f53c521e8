//! An endpoint with any number of clients that come and go, on a virtual clock.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::DcId;
use mtp_env::Now;
use mtp_proto::ClientConnection;
use mtp_server::{Answer, Endpoint, EndpointConfig, EndpointEvent, Refused};
use mtp_session::client::RequestOptions;
use mtp_session::link::LinkId;
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};

use super::peers::{ANSWER, QUESTION, answers, begin, connection, entropy, key};

/// Time between two exchanges of bytes.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// A host of the network 10.0.0.0/24.
pub(crate) fn host(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, number).into()
}

/// A host of a network of its own.
pub(crate) fn stranger(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 9, number, 1).into()
}

pub(crate) fn endpoint_config() -> EndpointConfig {
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key()].into());
    EndpointConfig::new(ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32]))))
}

pub(crate) struct Guest {
    pub(crate) link: LinkId,
    pub(crate) connection: ClientConnection,
    pub(crate) answers: usize,
}

pub(crate) struct Crowd {
    pub(crate) now: Now,
    pub(crate) endpoint: Endpoint,
    pub(crate) guests: Vec<Guest>,
    pub(crate) events: Vec<EndpointEvent>,
    seed: u64,
}

impl Crowd {
    pub(crate) fn new(config: EndpointConfig) -> Self {
        let endpoint = Endpoint::new(config, entropy(3));
        Self { now: begin(), endpoint, guests: Vec::new(), events: Vec::new(), seed: 0 }
    }

    /// Connects a client that makes its keys and asks one question.
    pub(crate) fn arrive(&mut self, address: IpAddr) -> Result<LinkId, Refused> {
        let link = self.endpoint.accept(self.now, address)?;
        self.enter(link);
        Ok(link)
    }

    /// Adds the client of a link that was accepted.
    pub(crate) fn enter(&mut self, link: LinkId) {
        self.seed += 1;
        let mut connection = connection(self.now, 1000 * self.seed);
        connection.client_mut().request(self.now, &QUESTION, RequestOptions::new()).unwrap();
        self.guests.push(Guest { link, connection, answers: 0 });
    }

    /// Moves all bytes once, answers all calls, then lets a tick pass.
    pub(crate) fn step(&mut self) {
        for guest in &mut self.guests {
            let mut bytes = Vec::new();
            while guest.connection.poll_transmit(self.now, &mut bytes) {}
            if !bytes.is_empty() {
                let _ = self.endpoint.handle_bytes(self.now, guest.link, &bytes);
            }
        }
        self.take_events();
        for guest in &mut self.guests {
            let mut bytes = Vec::new();
            while self.endpoint.poll_transmit(self.now, guest.link, &mut bytes) {}
            // A refused client gets a transport error.
            let _ = guest.connection.handle_bytes(self.now, &bytes);
            guest.answers += answers(guest.connection.client_mut());
        }
        while self.endpoint.poll_link().is_some() {}
        self.now = self.now.after(TICK);
        self.endpoint.handle_timeout(self.now);
        for guest in &mut self.guests {
            let _ = guest.connection.handle_timeout(self.now);
        }
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            if let EndpointEvent::Call(call) = &event {
                let answer = Answer::Result(ANSWER.to_vec());
                self.endpoint.answer(self.now, call.token, &answer).unwrap();
            }
            self.events.push(event);
        }
    }

    pub(crate) fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    /// Lets clients go that have their answer or whose link is closed; returns how many had one.
    pub(crate) fn dismiss(&mut self) -> usize {
        let (now, endpoint) = (self.now, &mut self.endpoint);
        let before = self.guests.len();
        let mut lost = 0;
        self.guests.retain(|guest| {
            let is_closed = endpoint.is_closed(guest.link) || endpoint.is_ending(guest.link);
            if guest.answers > 0 || is_closed {
                lost += usize::from(guest.answers == 0);
                endpoint.remove(now, guest.link);
                return false;
            }
            true
        });
        before - self.guests.len() - lost
    }
}
