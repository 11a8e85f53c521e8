//! Allocations of client calls compared with grammers, and the memory of idle server sessions.
//!
//! Times are not measured, because they would include the counting allocator. The number of sessions is a million by
//! default: `SESSIONS=100000 cargo bench --bench session_memory` sets it.

use std::sync::Arc;
use std::time::Instant;

use allocation_counter::{measure, opt_out};
use mtp_benches::report;
use mtp_benches::session::{CALLS, Client, Grammers, Ours, SECONDS, Server, call, key, now};
use mtp_crypto::{
    AuthKey, CtrEntropy, DcId, InnerHeader, MsgId, Padding, SeqNo, SessionId, Side, begin, open,
    pad, seal,
};
use mtp_env::Now;
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::{LinkId, QuickAck};
use mtp_session::server::{
    KeySalts, ServerConfig, ServerEvent, ServerHandshakeConfig, ServerMachine, ServerSalts,
    ServerSessionEvent, SessionName,
};
use mtp_session::service::{Container, MSG_CONTAINER, Message};
use mtp_session::session::LinkKind;

fn main() {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let wall = wall.expect("the clock is after 1970").as_secs();
    let key = key();
    allocations("ours", &mut Ours::new(&key), &mut Server::new(&key, SECONDS));
    allocations("grammers", &mut Grammers::new(&key), &mut Server::new(&key, wall));

    for calls in [1, 20] {
        idle(1000, calls, Link::Up);
        idle(1000, calls, Link::Down);
    }
    let sessions = std::env::var("SESSIONS").ok().and_then(|text| text.parse().ok());
    idle(sessions.unwrap_or(1_000_000), 1, Link::Down);
}

/// Prints the number of allocations of a client in steady state.
fn allocations(name: &str, client: &mut impl Client, server: &mut Server) {
    let body = call();
    // Warm up until all buffers have grown.
    for _ in 0..50 {
        for _ in 0..CALLS {
            client.call(&body);
        }
        let calls = server.calls(client.packet());
        client.clear();
        assert_eq!(client.take(&mut server.together(&calls)), CALLS);
    }
    let (mut send, mut receive) = (0, 0);
    for _ in 0..1000 {
        let mut calls = Vec::new();
        send += measure(|| {
            client.call(&body);
            let packet = client.packet();
            opt_out(|| calls = server.calls(packet));
        })
        .count_total;
        client.clear();
        let mut answer = server.singly(&calls).remove(0);
        receive += measure(|| assert_eq!(client.take(&mut answer), 1)).count_total;
    }
    report(&format!("allocations/1000_calls/send/{name}"), send);
    report(&format!("allocations/1000_calls/receive/{name}"), receive);
    let mut calls = Vec::new();
    let send = measure(|| {
        for _ in 0..CALLS {
            client.call(&body);
        }
        let packet = client.packet();
        opt_out(|| calls = server.calls(packet));
    });
    client.clear();
    let mut answer = server.together(&calls);
    let receive = measure(|| assert_eq!(client.take(&mut answer), CALLS));
    let (send, receive) = (send.count_total, receive.count_total);
    report(&format!("allocations/container_of_90/send/{name}"), send);
    report(&format!("allocations/container_of_90/receive/{name}"), receive);
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Up,
    Down,
}

/// Makes sessions that have served `calls` each, and prints the memory of an idle session.
///
/// All sessions share one key; separate keys need about 0.5 KiB more each.
fn idle(sessions: u64, calls: u64, link: Link) {
    let start = Instant::now();
    let mut world = None;
    let memory = measure(|| {
        let mut idle = Idle::new();
        for number in 1..=sessions {
            idle.serve(number, calls, link);
        }
        idle.quiet();
        world = Some(idle);
    });
    drop(world);
    let each = memory.bytes_current / i64::try_from(sessions).expect("fits i64");
    println!("{sessions} sessions in {:.1?}", start.elapsed());
    let state = format!("idle/{sessions}_sessions/{calls}_calls/{link:?}").to_lowercase();
    report(&state, u64::try_from(each).unwrap_or(0));
}

struct Idle {
    server: ServerMachine,
    key: Arc<AuthKey>,
    salts: Arc<ServerSalts>,
    key_salts: KeySalts,
    now: Now,
    entropy: CtrEntropy,
    packet: Vec<u8>,
}

impl Idle {
    fn new() -> Self {
        let handshake = ServerHandshakeConfig::new(DcId::new(2), Arc::new([]));
        let mut config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([3; 32])));
        config.sessions_per_key_max = usize::MAX;
        let mut server = ServerMachine::new(config, Box::new(CtrEntropy::from_number(4)));
        let salts = Arc::clone(server.salts());
        let key = key();
        let key_salts = KeySalts::new(key.id(), None);
        let salt = key_salts.current(&salts, now().unix);
        let kind = KeyKind::Permanent;
        let established = Established { key: Arc::clone(&key), salt, time_offset_ns: 0, kind };
        // Long before, so that no id is one that an earlier run may have received.
        let unix = mtp_env::UnixTime::from_secs(SECONDS - 1000);
        let start = Now { mono: mtp_env::Instant::from_micros(0), unix };
        assert!(server.insert_key(start, &established, None));
        let (entropy, packet) = (CtrEntropy::from_number(5), Vec::new());
        Self { server, key, salts, key_salts, now: now(), entropy, packet }
    }

    /// Simulates a client that connects, calls, and becomes idle or disconnects.
    fn serve(&mut self, number: u64, calls: u64, link: Link) {
        let name = SessionName { key: self.key.id(), id: SessionId::from_raw(number) };
        let id = LinkId::new(number);
        self.server.link_up(self.now, id, LinkKind::Stream);
        for at in 0..calls {
            let ids = (SECONDS << 32) + at * 64;
            let odd = i32::try_from(at).expect("few") * 2 + 1;
            self.send(name, id, (ids, odd), &call());
            let mut asked = None;
            while let Some(event) = self.server.poll_event() {
                if let ServerEvent::Session { event: ServerSessionEvent::Call { id, .. }, .. } =
                    event
                {
                    asked = Some(id);
                }
            }
            let asked = asked.expect("the call arrives");
            self.server.answer(self.now, name, asked, &call()).expect("the call is open");
            let mut acks = 0x62d6_b459_u32.to_le_bytes().to_vec();
            acks.extend(0x1cb5_c415_u32.to_le_bytes());
            let written = self.written(id);
            acks.extend(u32::try_from(written.len()).expect("few").to_le_bytes());
            acks.extend(written.iter().flat_map(|id| id.to_le_bytes()));
            self.send(name, id, (ids + 4, odd + 1), &acks);
            while self.server.poll_event().is_some() {}
        }
        if let Link::Down = link {
            self.server.link_down(self.now, id);
        }
        while self.server.poll_link().is_some() {}
    }

    /// Advances the time until sessions have no pending work.
    fn quiet(&mut self) {
        self.now = self.now.after(std::time::Duration::from_secs(31));
        self.server.handle_timeout(self.now);
        while self.server.poll_link().is_some() {}
        while self.server.poll_event().is_some() {}
        self.packet = Vec::new();
    }

    fn send(&mut self, name: SessionName, link: LinkId, label: (u64, i32), body: &[u8]) {
        let header = InnerHeader {
            salt: self.key_salts.current(&self.salts, self.now.unix),
            session_id: name.id,
            msg_id: MsgId::from_raw(label.0),
            seq_no: SeqNo::from_raw(label.1),
        };
        self.packet.clear();
        let start = begin(&mut self.packet, header);
        self.packet.extend_from_slice(body);
        pad(&mut self.packet, start, Padding::Minimum, &mut self.entropy)
            .expect("the body is short");
        seal(&self.key, Side::Client, &mut self.packet).expect("the packet is padded");
        self.server
            .handle_packet(self.now, link, &mut self.packet, QuickAck::NotWanted)
            .expect("the packet is accepted");
    }

    /// Returns the ids of sent messages that require an acknowledgment.
    fn written(&mut self, link: LinkId) -> Vec<u64> {
        let mut ids = Vec::new();
        self.packet.clear();
        while self.server.poll_transmit(self.now, link, &mut self.packet).is_some() {
            let opened =
                open(&self.key, Side::Server, &mut self.packet).expect("the packet is valid");
            let header = opened.header;
            if opened.body.starts_with(&MSG_CONTAINER.get().to_le_bytes()) {
                let container = Container::parse(header.msg_id, header.seq_no, opened.body);
                let container = container.expect("the container is valid");
                let odd = container.iter().filter(|inner| inner.seq_no.as_raw() & 1 == 1);
                ids.extend(odd.map(|inner| inner.msg_id.as_raw()));
            } else {
                assert!(Message::parse(opened.body).is_ok());
                ids.push(header.msg_id.as_raw());
            }
            self.packet.clear();
        }
        ids
    }
}
