//! The whole path in memory: client, relay, pool, link, door.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::{CtrEntropy, DcId};
use mtp_transport::code::TransportCode;
use mtp_transport::faketls::{FakeTlsClientConfig, Profile};
use mtp_transport::framing::Tag;
use mtp_transport::link::{ClientLink, Stack};
use mtp_transport::middle_proxy::ProcessId;
use mtp_transport::middle_proxy::door::{DoorEvent, MiddleDoor, MiddleDoorConfig};
use mtp_transport::middle_proxy::link::{LinkAddresses, MiddleLinkError};
use mtp_transport::middle_proxy::pool::{
    LinkLoss, MiddlePool, MiddlePoolConfig, OnLinkLost, PoolAnswer, PoolClientEnd, PoolClientId,
    PoolEvent, PoolLinkId, PoolOpenError, PoolPacketError,
};
use mtp_transport::middle_proxy::rpc::NotForwardable;
use mtp_transport::relay::{Carry, CloseReason, NamedSecret, Relay, RelayConfig, RelayEvent};
use mtp_transport::replay::{ReplayStore, Seen as Before};
use mtp_transport::secret::{Domain, ProxySecret, SecretKey};

use crate::middle_net::{Net, ONE, OUR, TWO, VISITOR, packet, secret, setup, visitor};
use crate::pair::{Seen, client, client_receive, client_send, entropy, now};

fn key() -> SecretKey {
    SecretKey::new([8; 16])
}

fn relay_config() -> RelayConfig {
    let mut config = RelayConfig::default();
    let domain = Domain::new(b"example.com").unwrap();
    config.secrets = vec![
        NamedSecret { name: "plain".into(), secret: ProxySecret::plain(key()) },
        NamedSecret {
            name: "tls".into(),
            secret: ProxySecret::fake_tls(SecretKey::new([9; 16]), domain).unwrap(),
        },
    ];
    config.carry = Carry::Middle;
    config
}

fn stacks() -> Vec<Stack> {
    let dc = DcId::new(2);
    let domain = Domain::new(b"example.com").unwrap();
    let mut stacks =
        Vec::from(Tag::ALL.map(|tag| Stack::Obfuscated { tag, dc, secret: Some(key()) }));
    let config = FakeTlsClientConfig::new(SecretKey::new([9; 16]), domain, Profile::chrome());
    stacks.push(Stack::FakeTls { dc, config });
    stacks
}

/// One client with its relay.
struct Visit {
    link: ClientLink,
    relay: Relay,
    seen: ReplayStore,
    pool_id: Option<PoolClientId>,
    reason: Option<CloseReason>,
}

impl Visit {
    fn new(stack: Stack) -> Self {
        Self {
            link: client(stack, 4),
            relay: Relay::new(now(), Arc::new(relay_config()), entropy(5)),
            seen: ReplayStore::new(9, Duration::from_secs(600)),
            pool_id: None,
            reason: None,
        }
    }

    fn upload(&mut self, net: &mut Net, bytes: &[u8], piece: usize) {
        for piece in bytes.chunks(piece) {
            if self.relay.handle_client_bytes(net.now, piece).is_err() {
                return;
            }
            self.drive(net);
        }
    }

    fn drive(&mut self, net: &mut Net) {
        loop {
            while let Some(event) = self.relay.poll_event() {
                match event {
                    RelayEvent::CheckReplay(key) => {
                        let before = self.seen.check(net.now, key);
                        assert_eq!(before, Before::Never);
                        self.relay.handle_seen(net.now, before);
                    }
                    RelayEvent::OpenMiddle { dc, flags, .. } => {
                        let mut facts = visitor();
                        facts.flags = flags;
                        self.pool_id = Some(net.pool.open(net.now, dc, facts).unwrap());
                    }
                    RelayEvent::Close { reason, .. } => self.reason = Some(reason),
                    other => panic!("{other:?}"),
                }
            }
            let Some(id) = self.pool_id else { return };
            let Some((packet, quick_ack)) = self.relay.next_packet(net.now) else { return };
            net.pool.handle_client_packet(net.now, id, packet, quick_ack).unwrap();
        }
    }

    fn download(&mut self, net: &mut Net) -> Vec<Seen> {
        let Some(id) = self.pool_id else { return Vec::new() };
        while let Some(answer) = net.pool.next_answer(id) {
            match answer {
                PoolAnswer::Packet(packet) => {
                    self.relay.handle_answer(net.now, &packet).unwrap();
                }
                PoolAnswer::QuickAck(token) => self.relay.handle_quick_ack(net.now, token),
                other => panic!("{other:?}"),
            }
        }
        let mut bytes = Vec::new();
        let _ = self.relay.poll_client_transmit(&mut bytes);
        client_receive(&mut self.link, &bytes, &[7]).unwrap()
    }
}

// spec: proxy 3
// spec: proxy 4.7
#[test]
fn packets_and_answers_pass_every_stack_however_the_streams_are_cut() {
    for stack in stacks() {
        for piece in [1, 5, 16, 1000] {
            let mut net = Net::new(MiddlePoolConfig::default(), setup(ONE));
            net.piece = piece;
            let mut visit = Visit::new(stack.clone());
            // FakeTLS: hello and answer.
            let mut hello = Vec::new();
            let _ = visit.link.poll_transmit(now(), &mut hello);
            visit.upload(&mut net, &hello, piece);
            assert_eq!(visit.download(&mut net), []);
            let mut answer = Vec::new();
            let _ = visit.relay.poll_client_transmit(&mut answer);
            assert_eq!(client_receive(&mut visit.link, &answer, &[piece]), Ok(vec![]));
            for n in [0, 1, 9, 300] {
                let sent = packet(n + 2);
                let bytes = client_send(&mut visit.link, &sent, n == 9);
                visit.upload(&mut net, &bytes, piece);
                net.settle();
                let (connection, found, quick_ack) = net.packets.pop().unwrap();
                // Tails of the framing end here.
                assert_eq!((&found, quick_ack), (&sent, n == 9));
                let (link, client) = net.opened[0];
                assert_eq!((client.connection, net.opened.len()), (connection, 1));
                assert_eq!(client.client, VISITOR.parse().unwrap());
                assert_eq!((client.our, client.ad_tag), (OUR.parse().unwrap(), Some([7; 16])));
                let door = net.door(link);
                door.quick_ack(connection, 0x8123_4567).unwrap();
                door.answer(connection, &packet(n)).unwrap();
                net.settle();
                let seen = visit.download(&mut net);
                let [Seen::QuickAck(token), Seen::Packet(found, _)] = &seen[..] else {
                    panic!("{seen:?}")
                };
                assert_eq!((token.as_raw(), found), (0x8123_4567, &packet(n)));
            }
            let link = net.opened[0].0;
            let connection = net.opened[0].1.connection;
            net.door(link).error(connection, TransportCode::NOT_FOUND).unwrap();
            net.settle();
            let id = visit.pool_id.unwrap();
            let answers = net.answers(id);
            let [PoolAnswer::Packet(code), PoolAnswer::End(PoolClientEnd::ClosedByCenter)] =
                &answers[..]
            else {
                panic!("{answers:?}")
            };
            assert_eq!(code, &(-404_i32).to_le_bytes());
            visit.relay.handle_answer(net.now, code).unwrap();
            let mut bytes = Vec::new();
            let _ = visit.relay.poll_client_transmit(&mut bytes);
            let seen = client_receive(&mut visit.link, &bytes, &[7]).unwrap();
            assert_eq!(seen, [Seen::Error(TransportCode::NOT_FOUND)]);
        }
    }
}

// spec: proxy 3.2
#[test]
fn packet_that_is_not_forwarded_ends_its_client_alone() {
    let mut net = Net::new(MiddlePoolConfig::default(), setup(ONE));
    let (good, bad) = (net.open(), net.open());
    net.deliver(good, &packet(1));
    let (_, connection) = net.deliver(bad, &packet(2));
    let short = [1; 24];
    let refused = net.pool.handle_client_packet(net.now, bad, &short, false);
    let error = NotForwardable::Length { len: 24 };
    assert_eq!(refused, Err(PoolPacketError::NotForwardable(error)));
    net.settle();
    assert_eq!(net.closed, [connection]);
    assert_eq!(net.answers(bad), [PoolAnswer::End(PoolClientEnd::NotForwardable(error))]);
    assert_eq!(
        net.pool.handle_client_packet(net.now, bad, &packet(1), false),
        Err(PoolPacketError::Ended)
    );
    net.deliver(good, &packet(3));
}

// spec: proxy 3.5
#[test]
fn client_that_is_gone_is_reported_once_and_its_late_answers_are_dropped() {
    let mut net = Net::new(MiddlePoolConfig::default(), setup(ONE));
    let client = net.open();
    let (link, connection) = net.deliver(client, &packet(1));
    net.door(link).answer(connection, &packet(2)).unwrap();
    net.pool.handle_client_gone(net.now, client);
    net.settle();
    assert_eq!(net.closed, [connection]);
    assert_eq!(net.pool.occupancy().0, 0);
    assert_eq!(net.answers(client), []);
}

// spec: proxy 4.2
#[test]
fn idle_clients_of_a_lost_link_continue_and_the_others_end() {
    let mut net = Net::new(MiddlePoolConfig::default(), setup(TWO));
    let clients: Vec<_> = (0..6).map(|_| net.open()).collect();
    let mut at = Vec::new();
    for client in &clients {
        let (link, connection) = net.deliver(*client, &packet(1));
        at.push(link);
        // The first four get their answers.
        if at.len() <= 4 {
            net.door(link).answer(connection, &packet(2)).unwrap();
            net.settle();
            assert_eq!(net.answers(*client), [PoolAnswer::Packet(packet(2))]);
        }
    }
    let lost = at[0];
    let on_lost = |index: &usize| at[*index] == lost;
    assert_eq!(at.iter().filter(|link| **link == lost).count(), 3, "spread evenly");
    net.now = net.now.after(Duration::from_secs(2));
    net.cut(lost);
    let in_flight = (4..6).filter(on_lost).count();
    assert_eq!(net.lost, [(LinkLoss::Ended(MiddleLinkError::Closed), in_flight)]);
    for index in (0..4).filter(on_lost) {
        let (link, _) = net.deliver(clients[index], &packet(3));
        assert_ne!(link, lost);
    }
    for index in (4..6).filter(on_lost) {
        assert_eq!(net.answers(clients[index]), [PoolAnswer::End(PoolClientEnd::LinkLost)]);
    }
    // A new link replaces the lost one.
    assert_eq!(net.pool.occupancy().1, 2);
}

#[test]
fn all_clients_of_a_lost_link_end_if_configured() {
    let mut config = MiddlePoolConfig::default();
    config.on_link_lost = OnLinkLost::Close;
    config.links_min = 1;
    let mut net = Net::new(config, setup(ONE));
    let client = net.open();
    let (link, connection) = net.deliver(client, &packet(1));
    net.door(link).answer(connection, &packet(2)).unwrap();
    net.settle();
    let _ = net.answers(client);
    net.cut(link);
    assert_eq!(net.answers(client), [PoolAnswer::End(PoolClientEnd::LinkLost)]);
}

// spec: proxy 4.3
#[test]
fn first_packets_wait_for_a_link_and_end_without_one() {
    let mut net = Net::new(MiddlePoolConfig::default(), setup(ONE));
    net.mute.push("192.0.2.1:8888".parse().unwrap());
    let client = net.open();
    net.pool.handle_client_packet(net.now, client, &packet(1), false).unwrap();
    net.settle();
    let start = net.now;
    while net.pool.occupancy().0 > 0 {
        net.pass();
        if net.now.mono.saturating_since(start.mono) >= Duration::from_secs(3) {
            break;
        }
        assert_eq!(net.answers(client), []);
    }
    assert_eq!(net.now.mono.saturating_since(start.mono), Duration::from_secs(3));
    assert_eq!(net.answers(client), [PoolAnswer::End(PoolClientEnd::NoLink)]);
}

// spec: proxy 4.4
#[test]
fn failed_middle_proxies_are_tried_again_later_and_others_meanwhile() {
    let mut net = Net::new(MiddlePoolConfig::default(), setup(TWO));
    let broken: SocketAddr = "192.0.2.1:8888".parse().unwrap();
    net.down.push(broken);
    let client = net.open();
    net.deliver(client, &packet(1));
    assert_eq!(net.pool.occupancy().1, 2);
    assert!(net.doors.values().all(|(address, _)| *address != broken));
    // All of them are down: attempts grow rarer, and never stop.
    let mut net = Net::new(MiddlePoolConfig::default(), setup(TWO));
    net.down.extend([broken, "192.0.2.2:8888".parse().unwrap()]);
    let start = net.now;
    net.open();
    net.settle();
    let mut counts = Vec::new();
    for minute in 1..=4 {
        let before = net.connects;
        while net.now.mono.saturating_since(start.mono) < Duration::from_secs(60 * minute) {
            net.pass();
        }
        counts.push(net.connects - before);
    }
    assert!(counts[0] > counts[1] && counts[3] >= 2, "{counts:?}");
    assert!(counts[3] <= 8, "{counts:?}");
}

// spec: proxy 4.1
#[test]
fn cluster_grows_by_links_and_no_further_than_its_limit() {
    let mut config = MiddlePoolConfig::default();
    config.clients_per_link = 10;
    config.links_max = 3;
    let mut net = Net::new(config, setup(ONE));
    for (clients, links) in [(20, 2), (1, 3), (30, 3)] {
        for _ in 0..clients {
            let client = net.open();
            net.deliver(client, &packet(1));
        }
        assert_eq!(net.pool.occupancy().1, links, "{clients} more clients");
    }
}

#[test]
fn clients_are_accepted_at_the_limit_and_rejected_above() {
    let mut config = MiddlePoolConfig::default();
    config.clients_max = 3;
    let mut net = Net::new(config, setup(ONE));
    let first = net.open();
    net.open();
    net.open();
    let more = |net: &mut Net| net.pool.open(net.now, DcId::new(2), visitor());
    assert_eq!(more(&mut net), Err(PoolOpenError::Full));
    net.pool.handle_client_gone(net.now, first);
    assert!(more(&mut net).is_ok());
}

// spec: proxy 1.3
#[test]
fn data_center_without_cluster_is_refused() {
    let mut net = Net::new(MiddlePoolConfig::default(), setup("proxy_for 4 192.0.2.1:80;"));
    let refused = net.pool.open(net.now, DcId::new(2), visitor());
    assert_eq!(refused, Err(PoolOpenError::NoCluster(DcId::new(2))));
}

// spec: proxy 4.1
#[test]
fn slow_client_is_closed_above_its_limit_and_the_others_go_on() {
    let mut config = MiddlePoolConfig::default();
    config.client_down_max = 4096;
    config.links_min = 1;
    let mut net = Net::new(config, setup(ONE));
    let (slow, quick) = (net.open(), net.open());
    let (link, connection) = net.deliver(slow, &packet(1));
    let (_, other) = net.deliver(quick, &packet(1));
    let part = vec![3; 1024];
    for _ in 0..4 {
        net.door(link).answer(connection, &part).unwrap();
    }
    net.settle();
    assert_eq!(net.closed, []);
    net.door(link).answer(connection, &[3; 4]).unwrap();
    net.door(link).answer(other, &part).unwrap();
    net.settle();
    assert_eq!(net.closed, [connection]);
    assert_eq!(net.answers(slow), [PoolAnswer::End(PoolClientEnd::Overrun)]);
    assert_eq!(net.answers(quick), [PoolAnswer::Packet(part)]);
}

// spec: proxy 4.1
#[test]
fn links_are_not_read_while_too_much_waits_for_all_clients() {
    let mut config = MiddlePoolConfig::default();
    config.down_total_max = 2048;
    config.links_min = 1;
    let mut net = Net::new(config, setup(ONE));
    let client = net.open();
    let (link, connection) = net.deliver(client, &packet(1));
    for expected in [true, false] {
        net.door(link).answer(connection, &[3; 1024]).unwrap();
        net.settle();
        assert_eq!(net.pool.wants_link_bytes(), expected);
    }
    assert!(net.pool.next_answer(client).is_some());
    assert!(net.pool.wants_link_bytes());
}

// spec: proxy 4.1
#[test]
fn client_is_not_read_while_its_share_of_the_link_is_full() {
    let mut config = MiddlePoolConfig::default();
    config.client_up_max = 1000;
    config.links_min = 1;
    let mut net = Net::new(config, setup(ONE));
    let (greedy, modest) = (net.open(), net.open());
    net.deliver(greedy, &packet(1));
    net.deliver(modest, &packet(1));
    let send = |net: &mut Net, id| net.pool.handle_client_packet(net.now, id, &packet(20), false);
    // 344 bytes each: the third passes the limit.
    for _ in 0..3 {
        assert_eq!(send(&mut net, greedy), Ok(()));
    }
    assert!(!net.pool.wants_packet(greedy) && net.pool.wants_packet(modest));
    assert_eq!(send(&mut net, greedy), Err(PoolPacketError::Full));
    assert_eq!(send(&mut net, modest), Ok(()));
    net.settle();
    assert_eq!(net.writable, [greedy]);
    assert!(net.pool.wants_packet(greedy));
}

// spec: proxy 4.4
#[test]
fn new_set_up_gets_new_links_and_the_old_ones_are_drained() {
    let mut net = Net::new(MiddlePoolConfig::default(), setup(ONE));
    let (stays, leaves) = (net.open(), net.open());
    let (old, connection) = net.deliver(stays, &packet(1));
    net.deliver(leaves, &packet(1));
    assert!(!net.pool.handle_setup(net.now, setup(ONE)));
    let other = "default 2; proxy_for 2 192.0.2.8:8888;";
    assert!(net.pool.handle_setup(net.now, setup(other)));
    net.settle();
    let fresh = net.open();
    let (link, _) = net.deliver(fresh, &packet(1));
    assert_eq!(net.doors[&link].0, "192.0.2.8:8888".parse().unwrap());
    // Clients of the old links go on, until the links are drained.
    assert_eq!(net.deliver(stays, &packet(2)).0, old);
    net.pool.handle_client_gone(net.now, leaves);
    net.settle();
    net.door(old).answer(connection, &packet(2)).unwrap();
    net.settle();
    assert_eq!(net.answers(stays), [PoolAnswer::Packet(packet(2))]);
    let until = net.now.after(Duration::from_secs(90));
    while net.now.mono < until.mono {
        net.pass();
    }
    assert!(net.lost.iter().all(|(loss, _)| *loss == LinkLoss::Drained), "{:?}", net.lost);
    let (link, _) = net.deliver(stays, &packet(3));
    assert_eq!(net.doors[&link].0, "192.0.2.8:8888".parse().unwrap());
}

// spec: proxy 4.6
#[test]
fn door_accepts_connections_at_the_limit_and_closes_above() {
    let mut config = MiddlePoolConfig::default();
    config.links_min = 1;
    let mut net = Net::new(config, setup(ONE));
    let mut door = MiddleDoorConfig::default();
    door.connections_max = 2;
    net.door_config = Arc::new(door);
    for _ in 0..2 {
        let client = net.open();
        net.deliver(client, &packet(1));
    }
    let above = net.open();
    net.pool.handle_client_packet(net.now, above, &packet(1), false).unwrap();
    net.settle();
    assert_eq!(net.answers(above), [PoolAnswer::End(PoolClientEnd::ClosedByCenter)]);
    assert_eq!((net.opened.len(), net.packets.len()), (2, 0));
}

// spec: proxy 4.6
#[test]
fn door_queues_packets_at_the_limit_and_closes_the_client_above() {
    let entropy = Box::new(CtrEntropy::from_number(3));
    let process = ProcessId { number: 77, started: 1 };
    let mut config = MiddlePoolConfig::default();
    config.links_min = 1;
    let mut pool = MiddlePool::new(config, setup(ONE), process, entropy);
    let mut door_config = MiddleDoorConfig::default();
    // Two packets of 40 bytes with 64 for the memory of each.
    door_config.connection_up_max = 208;
    let addresses = LinkAddresses {
        proxy: SocketAddr::from(([198, 51, 100, 9], 40_000)),
        middle: "192.0.2.1:8888".parse().unwrap(),
    };
    let mut door = MiddleDoor::new(
        now(),
        Arc::new(door_config),
        Arc::from([secret()]),
        addresses,
        process,
        Box::new(CtrEntropy::from_number(4)),
    );
    let client = pool.open(now(), DcId::new(2), visitor()).unwrap();
    let Some(PoolEvent::Connect { link, .. }) = pool.poll_event() else { panic!("no link") };
    pool.handle_link_connected(now(), link, addresses);
    let exchange = |pool: &mut MiddlePool, door: &mut MiddleDoor| {
        let mut bytes = Vec::new();
        while pool.poll_link_transmit(link, &mut bytes) {
            door.handle_bytes(now(), &bytes);
            bytes.clear();
            let _ = door.poll_transmit(&mut bytes);
            pool.handle_link_bytes(now(), link, &bytes);
            bytes.clear();
        }
    };
    exchange(&mut pool, &mut door);
    for closed in [false, false, true] {
        pool.handle_client_packet(now(), client, &packet(1), false).unwrap();
        exchange(&mut pool, &mut door);
        let events: Vec<_> = std::iter::from_fn(|| door.poll_event()).collect();
        let found = events.iter().any(|event| matches!(event, DoorEvent::Close(_)));
        assert_eq!(found, closed, "{events:?}");
    }
    assert_eq!(pool.next_answer(client), Some(PoolAnswer::End(PoolClientEnd::ClosedByCenter)));
}

#[test]
fn link_takes_clients_up_to_its_limit() {
    let mut config = MiddlePoolConfig::default();
    config.links_max = 1;
    config.link_clients_max = 2;
    let mut net = Net::new(config, setup(ONE));
    for _ in 0..2 {
        let client = net.open();
        net.deliver(client, &packet(1));
    }
    let above = net.open();
    net.pool.handle_client_packet(net.now, above, &packet(1), false).unwrap();
    net.settle();
    assert_eq!(net.packets.len(), 0, "the packet waits for room on a link");
}

/// A door whose proxy is ready, and a pool that drives it.
fn pair(door_config: MiddleDoorConfig) -> (MiddlePool, MiddleDoor, PoolLinkId) {
    let process = ProcessId { number: 77, started: 1 };
    let entropy = Box::new(CtrEntropy::from_number(3));
    let mut pool = MiddlePool::new(MiddlePoolConfig::default(), setup(ONE), process, entropy);
    let addresses = LinkAddresses {
        proxy: SocketAddr::from(([198, 51, 100, 9], 40_000)),
        middle: "192.0.2.1:8888".parse().unwrap(),
    };
    let mut door = MiddleDoor::new(
        now(),
        Arc::new(door_config),
        Arc::from([secret()]),
        addresses,
        process,
        Box::new(CtrEntropy::from_number(4)),
    );
    let client = pool.open(now(), DcId::new(2), visitor()).unwrap();
    let Some(PoolEvent::Connect { link, .. }) = pool.poll_event() else { panic!("no link") };
    pool.handle_link_connected(now(), link, addresses);
    exchange(&mut pool, &mut door, link);
    pool.handle_client_gone(now(), client);
    (pool, door, link)
}

fn exchange(pool: &mut MiddlePool, door: &mut MiddleDoor, link: PoolLinkId) {
    let mut bytes = Vec::new();
    loop {
        let up = pool.poll_link_transmit(link, &mut bytes);
        door.handle_bytes(now(), &bytes);
        bytes.clear();
        let down = door.poll_transmit(&mut bytes);
        pool.handle_link_bytes(now(), link, &bytes);
        bytes.clear();
        if !up && !down {
            return;
        }
    }
}

#[test]
fn door_is_not_read_while_too_much_waits_for_the_data_center() {
    let mut config = MiddleDoorConfig::default();
    // Two packets of 40 bytes with 64 for the memory of each.
    config.up_total_max = 208;
    let (mut pool, mut door, link) = pair(config);
    let client = pool.open(now(), DcId::new(2), visitor()).unwrap();
    for expected in [true, false] {
        pool.handle_client_packet(now(), client, &packet(1), false).unwrap();
        exchange(&mut pool, &mut door, link);
        assert_eq!(door.wants_bytes(), expected);
    }
    let opened = std::iter::from_fn(|| door.poll_event()).find_map(|event| match event {
        DoorEvent::Open(client) => Some(client.connection),
        _ => None,
    });
    assert!(door.next_packet(opened.unwrap()).is_some());
    assert!(door.wants_bytes());
}

// spec: proxy 3.1
#[test]
fn late_packets_of_ended_clients_are_dropped_as_long_as_the_client_is_remembered() {
    for (ended_max, dropped) in [(2, true), (1, false)] {
        let mut config = MiddleDoorConfig::default();
        config.ended_max = ended_max;
        let (mut pool, mut door, link) = pair(config);
        let mut clients = Vec::new();
        for _ in 0..2 {
            let client = pool.open(now(), DcId::new(2), visitor()).unwrap();
            pool.handle_client_packet(now(), client, &packet(1), false).unwrap();
            exchange(&mut pool, &mut door, link);
            clients.push(client);
        }
        let opened: Vec<_> = std::iter::from_fn(|| door.poll_event())
            .filter_map(|event| match event {
                DoorEvent::Open(client) => Some(client.connection),
                _ => None,
            })
            .collect();
        // The proxy does not know yet that both clients ended.
        for connection in opened {
            door.close(connection);
        }
        pool.handle_client_packet(now(), clients[0], &packet(2), false).unwrap();
        let mut bytes = Vec::new();
        assert!(pool.poll_link_transmit(link, &mut bytes));
        door.handle_bytes(now(), &bytes);
        assert_eq!(door.clients() == 0, dropped, "{ended_max}");
    }
}

/// A relay in the middle mode with a client that sends these bytes behind its header.
fn relay_after_header(config: RelayConfig, bytes: &[u8]) -> (Relay, Option<CloseReason>) {
    let stack = Stack::Obfuscated { tag: Tag::INTERMEDIATE, dc: DcId::new(2), secret: Some(key()) };
    let mut link = client(stack, 4);
    let mut up = client_send(&mut link, &packet(1), false);
    up.extend_from_slice(bytes);
    let mut relay = Relay::new(now(), Arc::new(config), entropy(5));
    relay.handle_client_bytes(now(), &up).unwrap();
    let mut reason = None;
    loop {
        let event = relay.poll_event();
        let is_over = event.is_none();
        match event {
            Some(RelayEvent::CheckReplay(_)) => relay.handle_seen(now(), Before::Never),
            Some(RelayEvent::Close { reason: why, .. }) => reason = Some(why),
            _ => {}
        }
        while relay.next_packet(now()).is_some() {}
        if is_over {
            // Taking the packets may have ended the relay.
            if let Some(RelayEvent::Close { reason: why, .. }) = relay.poll_event() {
                reason = Some(why);
            }
            return (relay, reason);
        }
    }
}

#[test]
fn packet_of_a_client_is_accepted_at_the_limit_and_ends_the_relay_above() {
    for (max, fits) in [(39, false), (40, true), (41, true)] {
        let mut config = relay_config();
        config.packet_len_max = max;
        let (_, reason) = relay_after_header(config, &[]);
        assert_eq!(matches!(reason, Some(CloseReason::Frames(_))), !fits, "{max}: {reason:?}");
    }
}
