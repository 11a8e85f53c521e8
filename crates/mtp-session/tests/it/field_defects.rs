//! Defects of other implementations, as listed in section 21 of the session specification.
//!
//! Goal: each would have been caught here. Method: one test per row, reproducing the symptom that users reported.

use std::sync::Arc;
use std::time::Duration;

use mtp_crypto::{CtrEntropy, Salt, Side};
use mtp_env::{Instant, Now, UnixTime};
use mtp_session::client::{ClientSession, ClientSessionConfig, ClientSessionEvent};
use mtp_session::established::KeyKind;
use mtp_session::service::{Message, MsgIds, MsgsAck, MsgsStateInfo};
use mtp_session::session::{Discard, LinkKind};
use mtp_tl::Encode;

use crate::peers::{
    self, DrivenClient, FIRST_SALT, LINK, Observed, Packet, Puppet, START, TRUE, bad_msg, bad_salt,
    call, established, key, quiet, result, start, update,
};

/// A client whose wall clock is wrong.
fn client_at(unix_s: u64) -> (DrivenClient, Puppet) {
    let mut client = DrivenClient::client(quiet());
    client.now.unix = UnixTime::from_secs(unix_s);
    client.session = ClientSession::new(client.now, Arc::new(quiet()), &mut client.entropy);
    let key = key(3);
    client.session.set_key(client.now, &established(&key, KeyKind::Permanent));
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let puppet = Puppet::new(&key, Side::Server, client.session.session_id());
    (client, puppet)
}

/// Saves a client session and resumes it, as a restarted process would.
fn restart(client: &DrivenClient, config: ClientSessionConfig) -> DrivenClient {
    let saved = client.session.save(client.now);
    let mut entropy = CtrEntropy::from_number(99);
    let now = Now { mono: Instant::from_micros(1), ..client.now };
    let mut session = ClientSession::resume(now, &saved, Arc::new(config), &mut entropy).unwrap();
    session.set_key(now, &established(&key(3), KeyKind::Permanent));
    session.link_up(now, LINK, LinkKind::Stream);
    DrivenClient { session, entropy, now }
}

fn replacements(events: &[Observed]) -> usize {
    let is_one = |event: &&Observed| {
        matches!(event, Observed::Client(ClientSessionEvent::SessionReplaced { .. }))
    };
    events.iter().filter(is_one).count()
}

fn has_failed(events: &[Observed]) -> bool {
    events.iter().any(|event| matches!(event, Observed::Client(ClientSessionEvent::Failed { .. })))
}

fn bodies(packet: &Packet) -> Vec<Vec<u8>> {
    packet.calls().iter().map(|read| read.body.clone()).collect()
}

/// Returns the message ids whose state the packet requests.
fn state_requests(packet: &Packet) -> Vec<mtp_crypto::MsgId> {
    let ids = |_: &peers::Read, message: Message<'_>| match message {
        Message::MsgsStateReq(request) => Some(request.msg_ids.iter().collect::<Vec<_>>()),
        _ => None,
    };
    packet.all(ids).concat()
}

fn pings(packet: &Packet) -> usize {
    let is_ping = |_: &peers::Read, message: Message<'_>| {
        matches!(message, Message::PingDelayDisconnect(_)).then_some(())
    };
    packet.all(is_ping).len()
}

// spec: session 21#1
#[test]
fn ping_rejected_for_its_salt_is_resent_with_the_new_salt() {
    let mut config = quiet();
    config.ping = true;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    client.session.ping(LINK);
    let packet = puppet.read(&client.packet());
    assert_eq!((pings(&packet), packet.calls().len()), (1, 0));
    let salt = Salt::from_raw(0x77);
    let refusal = puppet.even_message(client.now, &bad_salt(packet.header.msg_id, salt));
    client.take(&refusal);
    assert_eq!(client.session.salt(), salt);
    let again = puppet.read(&client.packet());
    assert_eq!((again.header.salt, pings(&again)), (salt, 1));
}

// spec: session 21#2
// spec: session 7.4, 3.4
#[test]
fn resumed_session_ahead_of_server_time_is_replaced() {
    let (mut client, mut puppet) = client_at(START + 3600);
    client.call(1);
    puppet.read(&client.packet());
    let mut client = restart(&client, quiet());
    client.call(2);
    let packet = puppet.read(&client.packet());
    let old = packet.header.session_id;
    let refusal = puppet.even_message(start(), &bad_msg(packet.header.msg_id, 17));
    client.take(&refusal);
    assert_eq!(replacements(&client.events()), 1);
    let packet = puppet.read(&client.packet());
    assert_ne!(packet.header.session_id, old);
    assert!(
        packet.header.msg_id.unix_secs().abs_diff(START) <= 1,
        "msg_ids follow the server time"
    );
    assert_eq!(bodies(&packet).len(), 2, "both calls are resent");
}

// spec: session 21#3
#[test]
fn call_fails_when_the_server_keeps_rejecting_the_time() {
    let (mut client, mut puppet) = client_at(START + 86_400);
    client.call(1);
    let (mut packets, mut replaced, mut failed) = (0, 0, false);
    for _ in 0..100 {
        for packet in client.transmit(LINK).unwrap_or_default() {
            packets += 1;
            let id = puppet.read(&packet).header.msg_id;
            let refusal = puppet.even_message(start(), &bad_msg(id, 17));
            let _ = client.session.handle_packet(client.now, LINK, &mut refusal.clone());
        }
        let events = client.events();
        replaced += replacements(&events);
        failed |= has_failed(&events);
        // The client pauses after the second refusal in a row.
        client.pass(Duration::from_millis(500));
        client.session.handle_timeout(client.now);
    }
    assert!((1..=6).contains(&replaced), "{replaced} sessions");
    assert!(packets <= 12, "{packets} packets");
    assert!(failed, "the call must fail");
}

// spec: session 21#4
// spec: session 7.3
#[test]
fn slow_clock_is_corrected_and_the_call_answered() {
    let (mut client, mut puppet) = client_at(START - 400);
    let request = client.call(1);
    let first = puppet.read(&client.packet());
    let refusal = puppet.even_message(start(), &bad_msg(first.header.msg_id, 16));
    client.take(&refusal);
    assert!(!has_failed(&client.events()));
    let packet = puppet.read(&client.packet());
    assert!(packet.header.msg_id.unix_secs().abs_diff(START) <= 1);
    let (_, answer) = puppet.odd_message(start(), 1, &result(packet.calls()[0].msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
}

// spec: session 21#5
#[test]
fn msg_ids_increase_when_the_wall_clock_steps_back() {
    let mut sessions = [client_at(START), client_at(START)];
    for (client, puppet) in &mut sessions {
        client.call(1);
        let first = puppet.read(&client.packet());
        client.pass_s(1);
        client.now.unix = UnixTime::from_secs(START - 20);
        client.call(2);
        let second = puppet.read(&client.packet());
        assert_eq!(second.header.session_id, first.header.session_id);
        assert!(second.header.msg_id > first.header.msg_id);
        assert!(second.header.seq_no.as_raw() > first.header.seq_no.as_raw());
    }
}

// spec: session 21#6
// spec: session 5.1#5
#[test]
fn answers_are_accepted_when_the_clock_is_a_day_off() {
    for wrong in [START - 86_400, START + 86_400] {
        let (mut client, mut puppet) = client_at(wrong);
        for number in 0..20 {
            let request = client.call(number);
            let packets = client.transmit(LINK).unwrap();
            let calls: Vec<_> =
                packets.iter().flat_map(|packet| puppet.read(packet).messages).collect();
            let call = calls.iter().find(|read| read.body == call(number)).unwrap();
            let (_, answer) = puppet.odd_message(start(), 1, &result(call.msg_id, &TRUE));
            client.take(&answer);
            assert!(
                client.events().contains(&Observed::Result(request, TRUE.to_vec())),
                "{number}"
            );
        }
    }
}

// spec: session 21#7
#[test]
fn bad_msg_20_after_reconnect_resends_the_call() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let request = client.call(1);
    let first = puppet.read(&client.packet()).calls()[0].msg_id;
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let _ = client.transmit(LINK).unwrap();
    let refusal = puppet.even_message(client.now, &bad_msg(first, 20));
    client.take(&refusal);
    assert!(!has_failed(&client.events()));
    assert_eq!(client.session.calls_open(), 1);
    let packets = client.transmit(LINK).unwrap();
    let again = packets.iter().flat_map(|packet| puppet.read(packet).messages);
    let again = again.filter(|read| read.body == call(1)).last().expect("resent");
    assert!(again.msg_id > first);
    let (_, answer) = puppet.odd_message(client.now, 1, &result(again.msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
}

// spec: session 21#8
#[test]
fn resumed_session_continues_its_seq_no() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    for number in 0..5 {
        client.call(number);
        puppet.read(&client.packet());
    }
    let old = client.session.session_id();
    let mut client = restart(&client, quiet());
    client.call(5);
    let packet = puppet.read(&client.packet());
    assert_eq!(packet.header.session_id, old);
    let call = packet.messages.iter().find(|read| read.body == call(5)).unwrap();
    assert_eq!(call.seq_no.as_raw(), 11, "five odd numbers were used before");
}

// spec: session 21#9
#[test]
fn rejected_container_is_resent_with_all_its_members() {
    let mut config = quiet();
    config.future_salts = true;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    let request = client.call(1);
    let salts = |packet: &Packet| {
        let is_it = |_: &peers::Read, message: Message<'_>| {
            matches!(message, Message::GetFutureSalts(_)).then_some(())
        };
        packet.all(is_it).len()
    };
    let first = puppet.read(&client.packet());
    assert!(first.is_container && salts(&first) == 1);
    let refusal = puppet.even_message(client.now, &bad_salt(first.header.msg_id, FIRST_SALT));
    client.take(&refusal);
    let second = puppet.read(&client.packet());
    assert_eq!((bodies(&second), salts(&second)), (vec![call(1)], 1));
    let (_, answer) = puppet.odd_message(client.now, 1, &result(second.calls()[0].msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
}

// spec: session 21#10
#[test]
fn msg_ids_are_unique_and_increasing() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let mut last = 0;
    for round in 0..50 {
        for number in 0..3 {
            client.call(round * 3 + number);
        }
        let packet = puppet.read(&client.packet());
        for read in &packet.messages {
            assert!(read.msg_id.as_raw() > last);
            last = read.msg_id.as_raw();
        }
        assert!(packet.header.msg_id.as_raw() > last);
        last = packet.header.msg_id.as_raw();
    }
}

// spec: session 21#11
// spec: session 20#5
#[test]
fn state_of_an_acknowledged_call_is_still_requested() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let request = client.call(1);
    let id = puppet.read(&client.packet()).calls()[0].msg_id;
    let acks = puppet.even_message(client.now, &MsgsAck { msg_ids: MsgIds::new([id]) });
    client.take(&acks);
    assert_eq!(client.events(), [Observed::Client(ClientSessionEvent::Delivered { request })]);
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let mut requested = Vec::new();
    for _ in 0..40 {
        client.idle(client.now.after(Duration::from_secs(2)));
        for packet in client.transmit(LINK).unwrap() {
            requested.extend(state_requests(&puppet.read(&packet)));
        }
    }
    assert!(requested.contains(&id));
    assert_eq!(client.session.calls_open(), 1, "an acknowledgment does not end a call");
}

// spec: session 21#12
// spec: session 6
#[test]
fn salts_are_kept_per_key() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    client.call(1);
    let id = puppet.read(&client.packet()).header.msg_id;
    let refusal = puppet.even_message(client.now, &bad_salt(id, Salt::from_raw(0xa)));
    client.take(&refusal);
    assert_eq!(client.session.salt(), Salt::from_raw(0xa));
    let mut other = established(&key(8), KeyKind::Permanent);
    other.salt = Salt::from_raw(0xb);
    client.session.set_key(client.now, &other);
    assert_eq!(client.session.salt(), Salt::from_raw(0xb));
    let packet = Puppet::new(&key(8), Side::Server, puppet.session_id).read(&client.packet());
    assert_eq!(packet.header.salt, Salt::from_raw(0xb));
}

// spec: session 21#13
#[test]
fn calls_in_flight_survive_a_reconnect() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let requests = [client.call(1), client.call(2)];
    let ids: Vec<_> =
        puppet.read(&client.packet()).calls().iter().map(|read| read.msg_id).collect();
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let packet = puppet.read(&client.packet());
    assert_eq!(state_requests(&packet), ids);
    let state_request = packet
        .only(|read, message| matches!(message, Message::MsgsStateReq(_)).then_some(read.msg_id));
    let info = MsgsStateInfo { req_msg_id: state_request, info: &[4, 1] };
    let info = puppet.even_message(client.now, &info);
    client.take(&info);
    let again = puppet.read(&client.packet());
    assert_eq!(bodies(&again), [call(2)], "only the call that the server did not receive");
    for (request, id) in requests.into_iter().zip([ids[0], again.calls()[0].msg_id]) {
        let (_, answer) = puppet.odd_message(client.now, 1, &result(id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    }
}

// spec: session 21#14
#[test]
fn containers_are_bounded_and_a_rejected_one_is_resent() {
    let mut config = quiet();
    config.calls_in_flight_max = 5000;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    for number in 0..3000 {
        client.call(number);
    }
    let packets = client.transmit(LINK).unwrap();
    let read: Vec<_> = packets.iter().map(|packet| puppet.read(packet)).collect();
    assert_eq!(read.iter().map(|packet| packet.calls().len()).sum::<usize>(), 3000);
    assert!(read.iter().all(|packet| packet.messages.len() <= 1020));
    assert!(packets.iter().all(|packet| packet.len() < 1 << 20));
    let salt = Salt::from_raw(0x99);
    let refusal = puppet.even_message(client.now, &bad_salt(read[1].header.msg_id, salt));
    client.take(&refusal);
    let again: Vec<_> =
        client.transmit(LINK).unwrap().iter().flat_map(|it| bodies(&puppet.read(it))).collect();
    let expected = bodies(&read[1]);
    assert_eq!(
        (again.len(), again.first(), again.last()),
        (expected.len(), expected.first(), expected.last())
    );
    assert!(again == expected);
}

// spec: session 21#15
#[test]
fn arbitrary_wall_clock_jumps_keep_msg_ids_increasing() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let mut last = (client.session.session_id(), 0);
    let times = [0, 1, 1 << 31, (1 << 32) - 1, START, START - 7, 0, START + 86_400 * 365];
    for (number, unix_s) in (0..).zip(times) {
        client.pass_s(1);
        client.now.unix = UnixTime::from_secs(unix_s);
        client.session.handle_timeout(client.now);
        client.call(number);
        for packet in client.transmit(LINK).unwrap() {
            let packet = puppet.read(&packet);
            let (session, id) = (packet.header.session_id, packet.header.msg_id.as_raw());
            assert!(session != last.0 || id > last.1);
            assert!(packet.messages.iter().all(|read| read.msg_id.as_raw() <= id));
            last = (session, id);
        }
    }
}

// spec: session 21#16
#[test]
fn future_salts_as_boxed_vector_are_discarded() {
    let mut config = quiet();
    config.future_salts = true;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    let request = client.call(1);
    let packet = puppet.read(&client.packet());
    let salt_request = packet
        .only(|read, message| matches!(message, Message::GetFutureSalts(_)).then_some(read.msg_id));
    let mut body = 0xae50_0895_u32.to_le_bytes().to_vec();
    body.extend(salt_request.to_le_bytes());
    u32::try_from(START).unwrap().encode(&mut body);
    body.extend(0x1cb5_c415_u32.to_le_bytes());
    1_u32.encode(&mut body);
    body.extend(0x0949_d9dc_u32.to_le_bytes());
    body.extend([7; 16]);
    let label = puppet.label(client.now, 1, false);
    let packet_with_salts = puppet.seal(label, &body);
    client.take(&packet_with_salts);
    let discarded = ClientSessionEvent::Discarded { msg_id: label.0, reason: Discard::Malformed };
    assert_eq!(client.events(), [Observed::Client(discarded)]);
    assert_eq!(client.session.salt(), FIRST_SALT);
    let (_, answer) = puppet.odd_message(client.now, 1, &result(packet.calls()[0].msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
}

// spec: session 21#17
// spec: session 8.1
#[test]
fn second_answer_to_a_call_is_ignored() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let request = client.call(1);
    let id = puppet.read(&client.packet()).calls()[0].msg_id;
    for copy in 0..3 {
        let (_, answer) = puppet.odd_message(client.now, 1, &result(id, &TRUE));
        client.take(&answer);
        let events = client.events();
        assert_eq!(events.contains(&Observed::Result(request, TRUE.to_vec())), copy == 0);
        assert_eq!((has_failed(&events), replacements(&events)), (false, 0));
    }
}

// spec: session 21#18
// spec: crypto 5#9, 17#23
#[test]
fn duplicate_updates_are_discarded_in_any_order() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    client.call(1);
    puppet.read(&client.packet());
    let mut packets: Vec<_> =
        (0..50).map(|number| puppet.odd_message(client.now, 3, &update(number)).1).collect();
    packets.reverse();
    for copy in 0..2 {
        for packet in &packets {
            client.take(packet);
            let events = client.events();
            let is_new = events.iter().any(|event| matches!(event, Observed::Update(_)));
            assert_eq!(is_new, copy == 0, "{events:?}");
        }
    }
}
