//! What one packet of a server can cost a client.
//!
//! Method: a puppet server sends the packets that cost most for their length. Costs are counted in units of work.

use mtp_crypto::MsgId;
use mtp_session::client::{CLIENT_WORK_PER_BYTE, CLIENT_WORK_PER_PACKET, ClientSessionEvent};
use mtp_session::service::{MsgIds, MsgNewDetailedInfo, MsgsAck, MsgsStateReq, NewSessionCreated};
use mtp_session::session::Discard;
use mtp_tl::Encode;

use crate::peers::{DrivenClient, Observed, Puppet, bad_salt, call, gzip, quiet};

/// A client that has written calls in one container, and the ids of the container and of the first call.
fn with_calls(count: u32) -> (DrivenClient, Puppet, MsgId, MsgId) {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    for number in 0..count {
        client.call(number);
    }
    let packet = puppet.read(&client.packet());
    assert!(packet.is_container);
    (client, puppet, packet.header.msg_id, packet.messages[0].msg_id)
}

/// Delivers messages in one container; returns the work and the length of the packet.
fn take(client: &mut DrivenClient, puppet: &mut Puppet, bodies: &[Vec<u8>]) -> (u64, u64) {
    let now = client.now;
    let labels: Vec<_> = bodies.iter().map(|_| puppet.label(now, 1, true)).collect();
    let labeled = labels.iter().zip(bodies).map(|((id, number), body)| (*id, *number, &body[..]));
    let packet = puppet.seal_container(now, &labeled.collect::<Vec<_>>());
    client.take(&packet);
    (client.session.work_of_last_packet().as_u64(), packet.len() as u64)
}

#[test]
fn container_that_is_acknowledged_many_times_costs_as_much_as_once() {
    let work = |times: usize| {
        let (mut client, mut puppet, container, _) = with_calls(500);
        let acks = MsgsAck { msg_ids: MsgIds::new(vec![container; times]) };
        take(&mut client, &mut puppet, &[acks.to_bytes()]).0
    };
    let (once, often) = (work(1), work(8000));
    assert!(often < once + 12_000, "{once} units for one, {often} for 8000");
}

#[test]
fn container_that_is_refused_many_times_is_resolved_once() {
    let (mut client, mut puppet, container, _) = with_calls(500);
    let salt = puppet.salt;
    let refusals = vec![bad_salt(container, salt).to_bytes(); 200];
    let (work, len) = take(&mut client, &mut puppet, &refusals);
    assert!(work < 2 * len, "{work} units for {len} bytes");
}

#[test]
fn announced_messages_cost_the_same_however_many_are_awaited() {
    let (mut client, mut puppet, ..) = with_calls(2);
    for round in 0..6_u64 {
        let announce = |index: u64| {
            let answer_msg_id = MsgId::from_raw((round * 1000 + index) << 2 | 1 << 32 | 1);
            MsgNewDetailedInfo { answer_msg_id, bytes: 40, status: 0 }.to_bytes()
        };
        let bodies: Vec<_> = (0..1000).map(announce).collect();
        let (work, len) = take(&mut client, &mut puppet, &bodies);
        assert!(work < len, "round {round}: {work} units for {len} bytes");
        let _ = client.transmit(crate::peers::LINK);
        let updates: Vec<_> = (0..1000).map(call).collect();
        let (work, len) = take(&mut client, &mut puppet, &updates);
        assert!(work < len, "round {round}: {work} units for {len} bytes");
        client.events();
    }
}

#[test]
fn session_is_announced_once_in_a_packet() {
    let (mut client, mut puppet, _, first_msg_id) = with_calls(500);
    let new = |unique_id: u64| {
        let server_salt = puppet.salt;
        NewSessionCreated { first_msg_id, unique_id, server_salt }.to_bytes()
    };
    let bodies: Vec<_> = (0..500).map(new).collect();
    let (work, len) = take(&mut client, &mut puppet, &bodies);
    assert!(work < len, "{work} units for {len} bytes");
    let created = |event: &Observed| {
        matches!(event, Observed::Client(ClientSessionEvent::SessionCreated { unique_id: 0 }))
    };
    assert_eq!(client.events().iter().filter(|event| created(event)).count(), 1);
}

/// The allowance is checked before each message: at its last unit one more is handled, beyond it none.
#[test]
fn rest_of_a_packet_beyond_its_allowance_at_a_client_comes_again() {
    let (mut client, mut puppet, _, first) = with_calls(2);
    let flood = gzip(&MsgsStateReq { msg_ids: MsgIds::new(vec![first; 8192]) }.to_bytes());
    let mut bodies = vec![flood; 20];
    bodies.push(call(77));
    let (work, len) = take(&mut client, &mut puppet, &bodies);
    let allowance = CLIENT_WORK_PER_PACKET + CLIENT_WORK_PER_BYTE * len;
    let of_one = 3 * 8192 + 2048;
    assert!((allowance - CLIENT_WORK_PER_BYTE * 64..allowance + of_one).contains(&work), "{work}");
    let events = client.events();
    let cut = |event: &Observed| {
        let Observed::Client(ClientSessionEvent::Discarded { reason, .. }) = event else {
            return false;
        };
        *reason == Discard::TooMuchWork
    };
    assert_eq!(events.iter().filter(|event| cut(event)).count(), 1);
    assert!(!events.contains(&Observed::Update(call(77))));
    // What was left may come again, in another packet.
    let (_, packet) = puppet.odd_message(client.now, 1, &call(77));
    client.take(&packet);
    assert!(client.events().contains(&Observed::Update(call(77))));
}
