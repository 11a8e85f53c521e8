//! A server of many clients, and a data center on it. All clients are attackers.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mtp_crypto::{AuthKey, DcId, Salt, SessionId, Side};
use mtp_dc::{ApiConfig, DataCenter, DataCenterConfig};
use mtp_env::Now;
use mtp_server::{Answer, CallToken, Endpoint, EndpointConfig, EndpointEvent};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::LinkId;
use mtp_session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts, ServerSessionConfig};

use super::attacker::{Attacker, asked};
use super::gauge::{CENTER, Gauge, Rate, Rates, Record, SERVER};
use super::session::SESSION_RATES;
use crate::input::Input;
use crate::known;

/// Searches for bytes that cost a server of many clients more than they pay for.
///
/// Input: operations of four clients with keys of their own: packets, replays on other links, answers, time.
pub fn cost_server(data: &[u8]) {
    cost_server_with(data, |_| {});
}

/// Does the same with a changed configuration.
pub fn cost_server_with(data: &[u8], change: fn(&mut ServerSessionConfig)) {
    let mut run = Run::new(&SERVER, SESSION_RATES, change, None);
    run.all(data);
}

/// Searches for bytes that cost a data center more than they pay for.
///
/// Input: as for [`cost_server`].
pub fn cost_center(data: &[u8]) {
    cost_center_with(data, |_| {});
}

/// Does the same with a changed configuration.
pub fn cost_center_with(data: &[u8], change: fn(&mut ServerSessionConfig)) {
    let api = ApiConfig::new(2);
    let center = DataCenter::new(DataCenterConfig::new(api), Box::new(known::entropy(73)));
    let mut run = Run::new(&CENTER, CENTER_RATES, change, Some(center));
    run.all(data);
}

struct Guest {
    link: Option<LinkId>,
    attacker: Attacker,
    address: IpAddr,
}

struct Run {
    endpoint: Endpoint,
    center: Option<DataCenter>,
    guests: Vec<Guest>,
    gauge: Gauge,
    now: Now,
    calls: VecDeque<(CallToken, Option<usize>)>,
    /// Incomplete output of links.
    streams: BTreeMap<LinkId, Vec<u8>>,
}

impl Run {
    fn new(
        record: &'static Record,
        rates: Rates,
        change: fn(&mut ServerSessionConfig),
        center: Option<DataCenter>,
    ) -> Self {
        let mut gauge = Gauge::new(record, rates);
        let now = known::start();
        let handshake = ServerHandshakeConfig::new(DcId::new(2), Arc::clone(known::rsa_keys()));
        let mut server = ServerConfig::new(handshake, Arc::new(ServerSalts::new([9; 32])));
        change(&mut server.session);
        let mut config = EndpointConfig::new(server);
        config.memory_max = MEMORY_MAX;
        let mut endpoint = gauge.run(|| Endpoint::new(config, Box::new(known::entropy(74))));
        let guests = (0..GUESTS).map(|number| {
            let key = key_of(number);
            let salt = Salt::from_raw(0);
            let (kind, time_offset_ns) = (KeyKind::Permanent, 0);
            let established = Established { key: Arc::clone(&key), salt, time_offset_ns, kind };
            assert!(gauge.run(|| endpoint.insert_key(now, &established, None)));
            let session_id = SessionId::from_raw(7 + u64::from(number));
            let attacker = Attacker::new(key, Side::Client, session_id, salt);
            // Two of them share a network.
            let address = IpAddr::V4(Ipv4Addr::new(10, 0, number / 2, number));
            Guest { link: None, attacker, address }
        });
        let guests = guests.collect();
        let (calls, streams) = (VecDeque::new(), BTreeMap::new());
        let mut run = Self { endpoint, center, guests, gauge, now, calls, streams };
        for guest in 0..run.guests.len() {
            // The answer to the first has the salt, the second begins the session.
            for _ in 0..2 {
                let bytes = run.guests[guest].attacker.ping(now);
                run.send(guest, &bytes, 0);
                run.transmit();
            }
        }
        run
    }

    fn all(&mut self, data: &[u8]) {
        let mut input = Input::new(data);
        for _ in 0..OPERATIONS_MAX {
            if input.is_empty() {
                break;
            }
            let operation = input.byte();
            let guest = usize::from(operation >> 6);
            match operation & 7 {
                0..=3 => self.packet(guest, guest, &mut input),
                // A packet of one client on the link of another.
                4 => self.packet(guest, usize::from(input.byte()) % self.guests.len(), &mut input),
                5 => self.answer(usize::from(input.byte()) + 1),
                6 => self.pass(Duration::from_millis(u64::from(input.byte()) << 6)),
                _ => self.hang_up(guest),
            }
            if operation & 8 != 0 {
                self.transmit();
            }
            self.events();
            self.gauge.set_work(self.endpoint.counters().work);
            let held = self.endpoint.held_bytes();
            self.gauge.check(held);
            assert!(held <= MEMORY_MAX + HELD_OVER, "{held} bytes held");
        }
    }

    fn packet(&mut self, from: usize, on: usize, input: &mut Input<'_>) {
        let now = self.now;
        let packet = self.guests[from].attacker.packet(now, input);
        self.send(on, &packet.bytes, packet.plain_len);
    }

    /// Sends a packet on the link of a client, if it is read.
    fn send(&mut self, on: usize, packet: &[u8], plain_len: usize) {
        let now = self.now;
        let mut bytes = Vec::new();
        if self.guests[on].link.is_none() {
            let (endpoint, address) = (&mut self.endpoint, self.guests[on].address);
            let Ok(link) = self.gauge.run(|| endpoint.accept(now, address)) else { return };
            self.guests[on].link = Some(link);
            // The intermediate framing.
            bytes.extend_from_slice(&[0xee; 4]);
        }
        let Some(link) = self.guests[on].link else { return };
        if !self.endpoint.wants_bytes(link) {
            return;
        }
        let len = u32::try_from(packet.len()).expect("short");
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(packet);
        self.gauge.receive(bytes.len(), plain_len);
        let endpoint = &mut self.endpoint;
        let _ = self.gauge.run(|| endpoint.handle_bytes(now, link, &bytes));
    }

    fn events(&mut self) {
        for _ in 0..EVENTS_MAX {
            let (endpoint, now) = (&mut self.endpoint, self.now);
            let Some(event) = self.gauge.run(|| endpoint.poll_event()) else { return };
            if let Some(center) = &mut self.center {
                if matches!(event, EndpointEvent::Call(_)) {
                    self.gauge.grant(ANSWER_LEN);
                }
                self.gauge.run(|| {
                    center.handle_event(now, endpoint, event);
                    while center.poll_event().is_some() {}
                });
            } else if let EndpointEvent::Call(call) = event {
                self.calls.push_back((call.token, asked(&call.query)));
            }
        }
    }

    fn answer(&mut self, count: usize) {
        for _ in 0..count {
            let Some((token, len)) = self.calls.pop_front() else { return };
            let answer = match len {
                Some(len) => {
                    let mut body = vec![0x5a; len.max(4)];
                    body[0] = 1;
                    Answer::Result(body)
                }
                None => Answer::error(400, "NO"),
            };
            self.gauge.grant(len.unwrap_or(64));
            let (endpoint, now) = (&mut self.endpoint, self.now);
            let _ = self.gauge.run(|| endpoint.answer(now, token, &answer));
        }
    }

    fn transmit(&mut self) {
        for _ in 0..LINKS_MAX {
            let (endpoint, now) = (&mut self.endpoint, self.now);
            let Some(link) = self.gauge.run(|| endpoint.poll_link()) else { return };
            let mut out = Vec::with_capacity(2 << 20);
            let _ = self.gauge.run(|| endpoint.poll_transmit(now, link, &mut out));
            self.gauge.send(out.len());
            let is_closed = self.endpoint.is_closed(link);
            let Some(guest) = self.guests.iter_mut().find(|guest| guest.link == Some(link)) else {
                continue;
            };
            let stream = self.streams.entry(link).or_default();
            stream.extend_from_slice(&out);
            for packet in frames(stream) {
                guest.attacker.read(&packet);
            }
            if is_closed {
                guest.link = None;
                self.endpoint.remove(self.now, link);
                self.streams.remove(&link);
            }
        }
    }

    fn hang_up(&mut self, guest: usize) {
        if let Some(link) = self.guests[guest].link.take() {
            let (endpoint, now) = (&mut self.endpoint, self.now);
            self.gauge.run(|| endpoint.remove(now, link));
            self.streams.remove(&link);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        let (endpoint, now) = (&mut self.endpoint, self.now);
        self.gauge.run(|| endpoint.handle_timeout(now));
    }
}

/// Takes whole frames of the intermediate framing.
fn frames(stream: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let Some(len) = stream.first_chunk().map(|len| u32::from_le_bytes(*len) & 0x7fff_ffff) {
        let end = 4 + len as usize;
        if stream.len() < end {
            break;
        }
        packets.push(stream[4..end].to_vec());
        stream.drain(..end);
    }
    packets
}

fn key_of(number: u8) -> Arc<AuthKey> {
    let bytes =
        core::array::from_fn(|at| u8::try_from((at * 7 + usize::from(number)) % 251).unwrap_or(0));
    Arc::new(AuthKey::new(bytes).expect("the key id is not zero"))
}

/// What the data center may cost: each call may have an answer of some kilobytes.
const CENTER_RATES: Rates = Rates {
    work: Rate::new(32_768, 12),
    allocated: Rate::new(256 << 10, 256),
    sent: Rate::new(64 << 10, 64),
    live: Rate::new(8 << 20, 4),
};
const GUESTS: u8 = 4;
const ANSWER_LEN: usize = 4096;
const MEMORY_MAX: usize = 8 << 20;
/// What one packet may hold beyond the limit.
const HELD_OVER: usize = 4 << 20;
const OPERATIONS_MAX: usize = 64;
const EVENTS_MAX: usize = 4096;
const LINKS_MAX: usize = 64;
