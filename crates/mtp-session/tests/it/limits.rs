//! Limits, each tested one below, at and one above; batches of packets; quick acknowledgments; chained calls.

use std::time::Duration;

use mtp_session::client::{CALL_BYTES_MAX, ClientSessionEvent, RequestError, RequestOptions};
use mtp_session::link::{AfterSend, BatchLimits, Outgoing};
use mtp_session::server::{ServerSessionConfig, ServerSessionEvent};
use mtp_session::service::{Message, MsgIds, Ping, PingDelayDisconnect, RpcError, Wrappers};
use mtp_session::session::{Discard, PacketError};
use mtp_tl::Encode;

use crate::peers::{
    self, DrivenClient, DrivenServer, LINK, Observed, Pair, TRUE, call, quiet, result, update,
};

fn calls_of(events: &[Observed]) -> Vec<mtp_session::server::IncomingId> {
    events
        .iter()
        .filter_map(|event| match event {
            Observed::Call(id, ..) => Some(*id),
            _ => None,
        })
        .collect()
}

// spec: session 11.7
// spec: session 20#14
#[test]
fn open_calls_are_limited() {
    let mut config = quiet();
    config.calls_max = 3;
    let (mut client, _) = DrivenClient::ready_client(config);
    for number in 0..3 {
        client.call(number);
    }
    let refused = client.session.request(client.now, &call(3), RequestOptions::new());
    assert_eq!(refused, Err(RequestError::TooManyCalls { max: 3 }));
}

// spec: session 11.7
#[test]
fn bytes_of_open_calls_are_limited() {
    let mut config = quiet();
    config.call_bytes_max = 20;
    let (mut client, _) = DrivenClient::ready_client(config);
    client.call(0);
    let now = client.now;
    let mut request = |body: &[u8]| client.session.request(now, body, RequestOptions::new());
    assert_eq!(request(&[1; 16]), Err(RequestError::TooManyBytes { max: 20 }));
    assert!(request(&[1; 12]).is_ok());
    assert_eq!(request(&[1; 4]), Err(RequestError::TooManyBytes { max: 20 }));
}

// spec: session 8.11
#[test]
fn call_length_is_limited() {
    let (mut client, _) = DrivenClient::ready_client(quiet());
    // A multiple of four; room for `invokeAfterMsg` is reserved.
    let max = CALL_BYTES_MAX - 12;
    let options = RequestOptions::new().unpacked();
    let now = client.now;
    let mut request = |len: usize| client.session.request(now, &vec![1; len], options);
    assert_eq!(request(max + 4), Err(RequestError::TooLong { len: max + 4, max }));
    assert!(request(max).is_ok());
    assert!(request(max - 4).is_ok());
    assert_eq!(request(max - 1), Err(RequestError::NotAnObject { len: max - 1 }));
    assert_eq!(request(0), Err(RequestError::NotAnObject { len: 0 }));
}

// spec: session 11.7
#[test]
fn calls_in_flight_are_limited() {
    for (max, written) in [(4, 4), (5, 5), (6, 5)] {
        let mut config = quiet();
        config.calls_in_flight_max = max;
        let (mut client, mut puppet) = DrivenClient::ready_client(config);
        for number in 0..5 {
            client.call(number);
        }
        let packet = puppet.read(&client.packet());
        assert_eq!(packet.calls().len(), written);
        client.silent();
        // An answer releases the next call.
        let first = packet.calls()[0].msg_id;
        let (_, answer) = puppet.odd_message(client.now, 1, &result(first, &TRUE));
        client.take(&answer);
        let packets = client.transmit(LINK).unwrap();
        let more: usize = packets.iter().map(|it| puppet.read(it).calls().len()).sum();
        assert_eq!(more, 5 - written);
    }
}

// spec: session 8.11
// spec: session 20#2
#[test]
fn messages_per_container_are_limited() {
    for (max, sizes) in [(19, vec![15, 5]), (23, vec![19, 1]), (24, vec![20])] {
        let mut config = quiet();
        config.container_messages_max = max;
        let (mut client, mut puppet) = DrivenClient::ready_client(config);
        for number in 0..20 {
            client.call(number);
        }
        let packets = client.transmit(LINK).unwrap();
        let found: Vec<_> = packets.iter().map(|it| puppet.read(it).messages.len()).collect();
        assert!(found.iter().all(|size| *size <= max), "{found:?} of {max}");
        assert_eq!(found.iter().sum::<usize>(), sizes.iter().sum::<usize>());
        assert_eq!(found.len(), sizes.len(), "{found:?} of {max}");
    }
}

// spec: session 11.7
#[test]
fn running_calls_of_a_server_are_limited() {
    let mut config = ServerSessionConfig::default();
    config.running_max = 2;
    let (mut server, mut puppet) = DrivenServer::ready_server(config);
    for number in 0..2 {
        assert!(server.session.wants_packets());
        let (_, packet) = puppet.odd_message(server.now, 0, &call(number));
        server.take(&packet);
    }
    assert!(!server.session.wants_packets());
    let running = calls_of(&server.events());
    assert_eq!(running.len(), 2);
    let (_, packet) = puppet.odd_message(server.now, 0, &call(2));
    let refused = server.session.handle_packet(server.now, LINK, &mut packet.clone());
    assert_eq!(refused, Err(PacketError::Backlog));
    server.session.answer(server.now, running[0], &TRUE).unwrap();
    assert!(server.session.wants_packets());
    server.take(&packet);
    assert_eq!(calls_of(&server.events()).len(), 1);
}

// spec: session 8.20
#[test]
fn unacknowledged_pushes_are_limited() {
    let mut config = ServerSessionConfig::default();
    config.unacked_max = 3;
    let (mut server, _) = DrivenServer::ready_server(config);
    for number in 0..3 {
        server.session.push(server.now, &update(number)).unwrap();
        assert!(server.events().is_empty());
    }
    server.session.push(server.now, &update(3)).unwrap();
    assert_eq!(server.events(), [Observed::Server(ServerSessionEvent::PushesDropped { count: 4 })]);
}

// spec: session 8.13
// spec: session 20#17
#[test]
fn unpacked_bytes_are_limited() {
    let body = call(0).repeat(1000);
    for (max, passes) in [(7999, false), (8000, true), (8001, true)] {
        let mut config = ServerSessionConfig::default();
        config.unpacked_bytes_max = max;
        let mut pair = Pair::new(quiet(), config);
        let request = pair.client.request(&body, RequestOptions::new());
        pair.settle();
        assert_eq!(calls_of(&pair.server.events()).len(), usize::from(passes), "{max}");
        let refused = Observed::RpcError(request, 400, "INPUT_FETCH_ERROR".to_owned());
        assert_eq!(pair.client.events().contains(&refused), !passes);
    }
}

// spec: session 5.3
#[test]
fn remembered_msg_ids_are_limited() {
    let mut config = ServerSessionConfig::default();
    config.duplicates_max = 4;
    let (mut server, mut puppet) = DrivenServer::ready_server(config);
    let packets: Vec<_> = (0..5)
        .map(|ping_id| {
            let label = puppet.label(server.now, 0, false);
            (label.0, puppet.seal(label, &Ping { ping_id }.to_bytes()))
        })
        .collect();
    for (_, packet) in &packets {
        server.take(packet);
    }
    server.events();
    for (at, (msg_id, packet)) in packets.iter().enumerate() {
        server.take(packet);
        let duplicate =
            ServerSessionEvent::Discarded { msg_id: *msg_id, reason: Discard::Duplicate };
        let events = server.events();
        assert_eq!(
            events.contains(&Observed::Server(duplicate)),
            at > 0,
            "the oldest id is forgotten"
        );
    }
}

// spec: session 8.6
// spec: session 20#27
#[test]
fn link_without_pings_is_closed_after_the_disconnect_delay() {
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let ping = PingDelayDisconnect { ping_id: 1, disconnect_delay: 75 };
    let packet = puppet.even_message(server.now, &ping);
    server.take(&packet);
    let last = server.now;
    assert!(server.transmit(LINK).is_ok());
    server.idle(last.after(Duration::from_micros(74_999_999)));
    assert!(server.transmit(LINK).is_ok());
    server.idle(last.after(Duration::from_secs(75)));
    assert_eq!(server.transmit(LINK), Err(()));
}

const MANY: usize = usize::MAX;

#[test]
fn batch_equals_the_same_packets_polled_one_by_one() {
    let calls = |driven: &mut DrivenClient| {
        for number in 0..10 {
            // Too long to share a container.
            let body: Vec<u8> = (0..40_000_u32).map(|n| (n * 7 + number) as u8).collect();
            driven.request(&body, RequestOptions::new().unpacked());
        }
    };
    let (mut one, _) = DrivenClient::ready_client(quiet());
    let (mut all, mut puppet) = DrivenClient::ready_client(quiet());
    calls(&mut one);
    calls(&mut all);
    let single = one.transmit(LINK).unwrap();
    assert_eq!(single.len(), 10);
    let (mut out, mut packets) = (vec![0xee; 5], Vec::new());
    let DrivenClient { session, entropy, now } = &mut all;
    for (count, bytes) in [(0, MANY), (1, MANY), (9, 0), (9, 1), (2, MANY), (100, MANY)] {
        let limits = BatchLimits { packets: count, bytes };
        session.poll_transmit_batch(*now, LINK, limits, &mut out, &mut packets, entropy);
    }
    assert_eq!(packets.len(), 10);
    let mut start = 5;
    for ((end, transmit), single) in packets.iter().zip(&single) {
        assert!(matches!(transmit.what, Outgoing::Packet { quick_ack: None }));
        assert_eq!(transmit.then, AfterSend::Keep);
        let (batched, single) = (puppet.read(&out[start..*end]), puppet.read(single));
        assert_eq!(batched.messages, single.messages);
        start = *end;
    }
    assert_eq!(start, out.len());
    let limits = BatchLimits { packets: 9, bytes: MANY };
    session.poll_transmit_batch(*now, LINK, limits, &mut out, &mut packets, entropy);
    assert_eq!((packets.len(), out.len()), (10, start), "no packet is left");
}

// spec: session 11.2
#[test]
fn quick_ack_is_reported_for_the_calls_that_requested_it() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let wanted = client.request(&call(1), RequestOptions::new().quick_ack());
    let other = client.call(2);
    let mut out = Vec::new();
    let transmit = client
        .session
        .poll_transmit(client.now, LINK, &mut out, &mut client.entropy)
        .expect("calls are queued");
    let Outgoing::Packet { quick_ack: Some(token) } = transmit.what else { panic!("no token") };
    assert_eq!(puppet.read(&out).calls().len(), 2);
    client.session.handle_quick_ack(mtp_crypto::QuickAckToken::from_raw(token.as_raw() ^ 1));
    assert!(client.events().is_empty(), "an unknown token is ignored");
    client.session.handle_quick_ack(token);
    assert_eq!(
        client.events(),
        [Observed::Client(ClientSessionEvent::QuickAcked { request: wanted })]
    );
    client.session.handle_quick_ack(token);
    assert!(client.events().is_empty(), "reported once");
    assert_eq!(client.session.calls_open(), 2, "a quick acknowledgment does not end a call");
    client.session.cancel(other).unwrap();
    // A packet without such a call requests no quick acknowledgment.
    client.call(3);
    let mut out = Vec::new();
    let transmit =
        client.session.poll_transmit(client.now, LINK, &mut out, &mut client.entropy).unwrap();
    assert_eq!(transmit.what, Outgoing::Packet { quick_ack: None });
}

// spec: session 9
#[test]
fn call_is_resent_alone_after_msg_wait_failed() {
    for message in ["MSG_WAIT_FAILED", "MSG_WAIT_TIMEOUT"] {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        let first = client.call(1);
        let second = client.request(&call(2), RequestOptions::new().after(first));
        let packets = client.transmit(LINK).unwrap();
        let written: Vec<_> = packets.iter().flat_map(|it| puppet.read(it).messages).collect();
        let (one, two) = (written[0].clone(), written[1].clone());
        let (wrappers, query) = Wrappers::peel(&two.body).unwrap();
        let after: Vec<_> = wrappers.after.iter().flat_map(MsgIds::iter).collect();
        assert_eq!((after, query), (vec![one.msg_id], &call(2)[..]));

        let error = RpcError::new(400, message).to_bytes();
        let (_, answer) = puppet.odd_message(client.now, 1, &result(two.msg_id, &error));
        client.take(&answer);
        assert!(!client.events().iter().any(|event| matches!(event, Observed::RpcError(..))));
        let is_call = |read: &peers::Read| matches!(read.message(), Message::Object(_));
        let packets = client.transmit(LINK).unwrap();
        assert!(!packets.iter().any(|it| puppet.read(it).messages.iter().any(is_call)));

        let (_, answer) = puppet.odd_message(client.now, 1, &result(one.msg_id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Observed::Result(first, TRUE.to_vec())));
        let packets = client.transmit(LINK).unwrap();
        let again: Vec<_> =
            packets.iter().flat_map(|it| puppet.read(it).messages).filter(is_call).collect();
        assert_eq!(
            (again.len(), &again[0].body),
            (1, &call(2)),
            "the call is resent without its predecessor"
        );
        let (_, answer) = puppet.odd_message(client.now, 1, &result(again[0].msg_id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Observed::Result(second, TRUE.to_vec())));
    }
}

// spec: session 9
#[test]
fn server_runs_chained_calls_in_order() {
    let mut pair = Pair::new(quiet(), ServerSessionConfig::default());
    let first = pair.client.call(1);
    let second = pair.client.request(&call(2), RequestOptions::new().after(first));
    pair.settle();
    let running = calls_of(&pair.server.events());
    assert_eq!(running.len(), 1, "the second call waits");
    // The first call takes too long: the second fails at the server and is resent once the first has ended.
    pair.pass(Duration::from_millis(600));
    pair.settle();
    assert!(calls_of(&pair.server.events()).is_empty());
    let now = pair.server.now;
    pair.server.session.answer(now, running[0], &TRUE).unwrap();
    pair.settle();
    let running = calls_of(&pair.server.events());
    assert_eq!(running.len(), 1);
    pair.server.session.answer(now, running[0], &update(2)).unwrap();
    pair.settle();
    let events = pair.client.events();
    assert!(events.contains(&Observed::Result(first, TRUE.to_vec())));
    assert!(events.contains(&Observed::Result(second, update(2))));
}
