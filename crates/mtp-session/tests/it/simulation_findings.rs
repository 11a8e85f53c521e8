//! Regressions found by simulation: calls that hung and ids that were reused.
//!
//! Goal: a minimal reproduction of each finding. Method: a puppet plays the peer; a comment names the seed that found it.

use std::sync::Arc;

use mtp_crypto::{CtrEntropy, MsgId, Salt};
use mtp_session::client::{ClientSession, ClientSessionConfig, RequestOptions};
use mtp_session::established::KeyKind;
use mtp_session::link::LinkId;
use mtp_session::server::ServerSessionConfig;
use mtp_session::service::{
    Message, MsgIds, MsgsAck, MsgsStateInfo, MsgsStateReq, NewSessionCreated, Ping, Pong,
};
use mtp_session::session::LinkKind;

use crate::peers::{
    self, Driven, DrivenClient, DrivenServer, LINK, Observed, Packet, Puppet, Session, TRUE, call,
    established, key, quiet,
};

const SECOND: LinkId = LinkId::new(2);
const THIRD: LinkId = LinkId::new(3);

/// A client with pings and without salt requests, whose first call has been sent.
fn client_with_sent_call() -> (DrivenClient, Puppet, MsgId) {
    let mut config = ClientSessionConfig::default();
    config.future_salts = false;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    client.call(1);
    let packet = puppet.read(&client.packet());
    let msg_id = packet.calls()[0].msg_id;
    (client, puppet, msg_id)
}

fn ack(client: &mut DrivenClient, puppet: &mut Puppet, link: LinkId, msg_id: MsgId) {
    let body = MsgsAck { msg_ids: MsgIds::new([msg_id]) };
    let mut packet = puppet.even_message(client.now, &body);
    client.session.handle_packet(client.now, link, &mut packet).unwrap();
}

fn only_packet<S: Session>(client: &mut Driven<S>, puppet: &mut Puppet, link: LinkId) -> Packet {
    let packets = client.transmit(link).expect("the link stays open");
    assert_eq!(packets.len(), 1, "packets");
    puppet.read(&packets[0])
}

fn has_ping(packet: &Packet) -> bool {
    let is_ping = |message| matches!(message, Message::PingDelayDisconnect(_) | Message::Ping(_));
    packet.messages.iter().any(|it| is_ping(it.message()))
}

/// Sends `new_session_created`: the server keeps the session from `first_msg_id` on.
fn send_new_session(
    client: &mut DrivenClient,
    puppet: &mut Puppet,
    unique_id: u64,
    first_msg_id: MsgId,
) {
    let new = NewSessionCreated { first_msg_id, unique_id, server_salt: peers::FIRST_SALT };
    let (_, mut packet) = puppet.odd_message(client.now, 3, &mtp_tl::Encode::to_bytes(&new));
    client.session.handle_packet(client.now, LINK, &mut packet).unwrap();
}

fn requests_state_of(packet: &Packet, msg_id: MsgId) -> bool {
    packet.messages.iter().any(|it| match it.message() {
        Message::MsgsStateReq(request) => request.msg_ids.iter().any(|id| id == msg_id),
        _ => false,
    })
}

/// Returns `true` if the client requests the state of `id` within 70 s on a link whose server answers pings only.
fn requests_state_in_time(
    client: &mut DrivenClient,
    puppet: &mut Puppet,
    link: LinkId,
    id: MsgId,
) -> bool {
    for _ in 0..70 {
        client.pass_s(1);
        client.session.handle_timeout(client.now);
        for packet in client.transmit(link).expect("the link stays open") {
            let packet = puppet.read(&packet);
            if requests_state_of(&packet, id) {
                return true;
            }
            ack(client, puppet, link, MsgId::from_raw(4));
        }
    }
    false
}

// A server sends pending messages only on links on which it has seen the session. Seed 101.
// spec: session 12
#[test]
fn idle_client_pings_a_new_link() {
    let (mut client, mut puppet, call) = client_with_sent_call();
    ack(&mut client, &mut puppet, LINK, call);
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, SECOND, LinkKind::Stream);
    let packet = only_packet(&mut client, &mut puppet, SECOND);
    assert!(has_ping(&packet), "{packet:?}");
    assert!(!requests_state_of(&packet, call), "the call was acknowledged");
}

// The link that carried a call is not always the link that carried its receipt. Seed 101.
// spec: session 11.4
#[test]
fn state_of_a_call_is_requested_after_the_link_of_its_receipt_is_lost() {
    let (mut client, mut puppet, call) = client_with_sent_call();
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, SECOND, LinkKind::Stream);
    let packet = only_packet(&mut client, &mut puppet, SECOND);
    assert!(requests_state_of(&packet, call));
    let state_request = packet.only(|it, message| match message {
        Message::MsgsStateReq(_) => Some(it.msg_id),
        _ => None,
    });
    let info = MsgsStateInfo { req_msg_id: state_request, info: &[4 | 32] };
    let mut packet = puppet.even_message(client.now, &info);
    client.session.handle_packet(client.now, SECOND, &mut packet).unwrap();
    client.session.link_down(client.now, SECOND);
    client.session.link_up(client.now, THIRD, LinkKind::Stream);
    only_packet(&mut client, &mut puppet, THIRD);
    assert!(requests_state_in_time(&mut client, &mut puppet, THIRD, call));
}

// The other link was already up, so no `link_up` woke the client. Seed 253.
// spec: session 11.4
#[test]
fn loss_of_one_link_of_two_triggers_a_state_request() {
    let (mut client, mut puppet, call) = client_with_sent_call();
    client.session.link_up(client.now, SECOND, LinkKind::Stream);
    client.transmit(SECOND).unwrap();
    ack(&mut client, &mut puppet, LINK, call);
    client.session.link_down(client.now, LINK);
    assert!(client.session.poll_timeout().is_some());
    assert!(requests_state_in_time(&mut client, &mut puppet, SECOND, call));
}

// Nothing else ends a request whose server vanished silently. Seed 455.
// spec: session 8.7
#[test]
fn http_request_without_response_times_out() {
    let mut config = quiet();
    config.http_calls.max_wait = 2000;
    let mut client = DrivenClient::client(config);
    client.session.set_key(client.now, &established(&key(3), KeyKind::Permanent));
    client.session.link_up(client.now, LINK, LinkKind::Http);
    client.call(1);
    client.packet();
    client.pass_s(11);
    client.session.handle_timeout(client.now);
    client.silent();
    let deadline = client.session.poll_timeout().expect("a timer");
    assert_eq!(deadline.at.saturating_since(client.now.mono).as_secs(), 1);
    client.pass_s(1);
    client.session.handle_timeout(client.now);
    assert_eq!(client.transmit(LINK), Err(()), "the link must be closed");
}

// A client must not write before the response, so without one it is stuck. Seed 1292.
// spec: session 14
#[test]
fn rejected_packet_is_answered_over_http() {
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let label = puppet.label(server.now, 0, true);
    server.take(&puppet.seal(label, &peers::CALL));
    server.transmit(LINK).unwrap();
    server.session.link_up(server.now, SECOND, LinkKind::Http);
    puppet.salt = Salt::from_raw(0xbad);
    let label = puppet.label(server.now, 0, true);
    let mut packet = puppet.seal(label, &peers::CALL);
    server.session.handle_packet(server.now, SECOND, &mut packet).unwrap();
    let answer = only_packet(&mut server, &mut puppet, SECOND);
    let refused = answer.only(|_, message| match message {
        Message::BadServerSalt(bad) => Some(bad.bad_msg_id),
        _ => None,
    });
    assert_eq!(refused, label.0);
}

// An application may still hold ids of finished calls and refer to them. Seed 1109.
// spec: session 9
#[test]
fn resumed_session_does_not_reuse_request_ids() {
    let (mut client, _) = DrivenClient::ready_client(quiet());
    let first = client.call(1);
    client.session.cancel(first).unwrap();
    let saved = client.session.save(client.now);
    let mut entropy = CtrEntropy::from_number(4);
    let config = Arc::new(quiet());
    let mut again = ClientSession::resume(client.now, &saved, config, &mut entropy).unwrap();
    let after = RequestOptions::new().after(first);
    let second = again.request(client.now, &call(2), after).unwrap();
    assert!(second > first, "{second:?} after {first:?}");
}

// A link may be dead without notice; a retransmission there reaches nobody. Seed 4939.
// spec: session 11.2
#[test]
fn unacknowledged_answer_is_resent_on_the_link_heard_last() {
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let label = puppet.label(server.now, 0, true);
    server.take(&puppet.seal(label, &peers::CALL));
    let call = server.events().into_iter().find_map(|event| match event {
        Observed::Call(id, ..) => Some(id),
        _ => None,
    });
    server.session.link_up(server.now, SECOND, LinkKind::Stream);
    server.pass_s(1);
    let mut packet = puppet.even_message(server.now, &Ping { ping_id: 1 });
    server.session.handle_packet(server.now, SECOND, &mut packet).unwrap();
    server.session.answer(server.now, call.unwrap(), &TRUE).unwrap();
    let is_answer = |packet: &Packet| {
        packet.messages.iter().any(|it| matches!(it.message(), Message::RpcResult(_)))
    };
    let mut answers = |server: &mut DrivenServer, link| {
        let packets = server.transmit(link).unwrap();
        packets.iter().filter(|packet| is_answer(&puppet.read(packet))).count()
    };
    assert_eq!((answers(&mut server, SECOND), answers(&mut server, LINK)), (0, 1));
    server.pass_s(31);
    server.session.handle_timeout(server.now);
    assert_eq!((answers(&mut server, LINK), answers(&mut server, SECOND)), (0, 1));
}

// Without pings, a client that only long-polls over HTTP never gets a proof of the time.
// Seeds 25463, 35667, 42090.
// spec: session 3.3
#[test]
fn update_dropped_for_its_time_makes_the_client_ping() {
    let mut config = ClientSessionConfig::default();
    config.future_salts = false;
    let mut client = DrivenClient::client(config);
    let key = key(3);
    client.session.set_key(client.now, &established(&key, KeyKind::Permanent));
    client.session.link_up(client.now, LINK, LinkKind::Http);
    let mut puppet = Puppet::new(&key, mtp_crypto::Side::Server, client.session.session_id());
    client.call(1);
    let packet = only_packet(&mut client, &mut puppet, LINK);
    let answer = peers::result(packet.calls()[0].msg_id, &TRUE);
    let (_, mut packet) = puppet.odd_message(client.now, 1, &answer);
    client.session.handle_packet(client.now, LINK, &mut packet).unwrap();
    client.events();
    // The client's host sleeps for a minute and its clocks stop.
    let later = client.now.after(std::time::Duration::from_secs(60));
    client.session.link_up(client.now, SECOND, LinkKind::HttpPoll);
    client.transmit(SECOND).unwrap();
    let (_, update) = puppet.odd_message(later, 3, &peers::update(5));
    client.session.handle_packet(client.now, SECOND, &mut update.clone()).unwrap();
    let is_update = |event: &Observed| matches!(event, Observed::Update(_));
    assert!(!client.events().iter().any(is_update), "its time is out of range");
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert!(has_ping(&packet), "{packet:?}");
    let (msg_id, ping_id) = packet.only(|it, message| match message {
        Message::Ping(ping) => Some((it.msg_id, ping.ping_id)),
        _ => None,
    });
    let mut pong = puppet.even_message(later, &Pong { msg_id, ping_id });
    client.session.handle_packet(client.now, LINK, &mut pong).unwrap();
    client.session.handle_packet(client.now, SECOND, &mut update.clone()).unwrap();
    assert!(client.events().iter().any(is_update), "the retransmission is accepted");
}

// The same session, only with a lower first message id. Seed 20374.
// spec: session 8.10
#[test]
fn new_session_created_with_lower_bound_resends_nothing() {
    let (mut client, mut puppet, first) = client_with_sent_call();
    client.pass_s(1);
    client.call(2);
    let second = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    send_new_session(&mut client, &mut puppet, 7, second);
    let again = only_packet(&mut client, &mut puppet, LINK);
    assert_eq!(again.calls().len(), 1, "the first call was lost with the old session");
    send_new_session(&mut client, &mut puppet, 7, first);
    for packet in client.transmit(LINK).unwrap() {
        assert!(puppet.read(&packet).calls().is_empty());
    }
}

// `new_session_created` messages may be reordered; the client then requests states and resends nothing. Seed 91328.
// spec: session 8.10
#[test]
fn late_new_session_created_triggers_a_state_request() {
    let (mut client, mut puppet, first) = client_with_sent_call();
    client.pass_s(1);
    client.call(2);
    let second = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    send_new_session(&mut client, &mut puppet, 7, first);
    client.transmit(LINK).unwrap();
    send_new_session(&mut client, &mut puppet, 7, second);
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert!(packet.calls().is_empty() && requests_state_of(&packet, first), "{packet:?}");
}

// The session that acknowledged the call is gone; the new one may never have seen it. Seed 121582.
// spec: session 8.10
#[test]
fn recreated_session_is_asked_about_acknowledged_calls() {
    let (mut client, mut puppet, first) = client_with_sent_call();
    ack(&mut client, &mut puppet, LINK, first);
    send_new_session(&mut client, &mut puppet, 7, first);
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert!(requests_state_of(&packet, first), "{packet:?}");
}

// A received call is answered, whatever happened to its predecessor. Seed 34826.
// spec: session 9
#[test]
fn received_call_is_not_resent_with_its_predecessor() {
    let (mut client, mut puppet, first) = client_with_sent_call();
    let before = client.call(2);
    let second = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    let after = RequestOptions::new().after(before).once();
    client.request(&call(3), after);
    let third = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    ack(&mut client, &mut puppet, LINK, third);
    let mut refusal = puppet.even_message(client.now, &peers::bad_msg(second, 20));
    client.session.handle_packet(client.now, LINK, &mut refusal).unwrap();
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert_eq!(packet.calls().len(), 1, "{packet:?}");
    assert!(packet.calls()[0].body.ends_with(&2_u32.to_le_bytes()));
    let failed = |event: &Observed| {
        matches!(event, Observed::Client(mtp_session::client::ClientSessionEvent::Failed { .. }))
    };
    assert!(!client.events().iter().any(failed));
    assert!(first < second);
}

// Two packets may arrive for a new session before anything can be sent. Seeds 160853, 181999.
// spec: session 8.10
#[test]
fn one_new_session_created_covers_all_queued_packets() {
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let ids: Vec<_> = (0..2).map(|_| puppet.label(server.now, 0, true)).collect();
    for label in ids.iter().rev() {
        server.take(&puppet.seal(*label, &peers::CALL));
    }
    let packet = only_packet(&mut server, &mut puppet, LINK);
    let first = packet.only(|_, message| match message {
        Message::NewSessionCreated(new) => Some(new.first_msg_id),
        _ => None,
    });
    assert_eq!(first, ids[0].0);
}

// A rejection proves that nothing ran; for a handled packet that would be false. Seeds 108193, 185682.
// spec: session 11.6
#[test]
fn replay_of_a_handled_packet_is_not_rejected() {
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let label = puppet.label(server.now, 0, true);
    let packet = puppet.seal(label, &peers::CALL);
    server.take(&packet);
    server.transmit(LINK).unwrap();
    server.pass_s(301);
    server.take(&packet);
    for packet in server.transmit(LINK).unwrap() {
        let refused = puppet.read(&packet).all(|_, message| match message {
            Message::BadMsgNotification(bad) => Some(bad.error_code),
            _ => None,
        });
        assert_eq!(refused, [0; 0]);
    }
    let mut other = puppet.seal((MsgId::from_raw(label.0.as_raw() + 4), label.1), &peers::CALL);
    server.session.handle_packet(server.now, LINK, &mut other).unwrap();
    let packet = only_packet(&mut server, &mut puppet, LINK);
    assert!(
        packet.messages.iter().any(|it| matches!(it.message(), Message::BadMsgNotification(_)))
    );
}

// A lost predecessor does not prove that a call that must not run twice was lost too. Seed 480205.
// spec: session 11.6
#[test]
fn state_of_a_once_call_is_requested_when_its_predecessor_is_in_doubt() {
    let (mut client, mut puppet, _) = client_with_sent_call();
    let before = client.call(2);
    let second = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    let after = RequestOptions::new().after(before).once();
    client.request(&call(3), after);
    let third = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    let mut refusal = puppet.even_message(client.now, &peers::bad_msg(second, 20));
    client.session.handle_packet(client.now, LINK, &mut refusal).unwrap();
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert_eq!(packet.calls().len(), 1, "{packet:?}");
    assert!(requests_state_of(&packet, third), "{packet:?}");
    let state_request = packet.only(|it, message| match message {
        Message::MsgsStateReq(_) => Some(it.msg_id),
        _ => None,
    });
    let info = MsgsStateInfo { req_msg_id: state_request, info: &[3] };
    let mut packet = puppet.even_message(client.now, &info);
    client.session.handle_packet(client.now, LINK, &mut packet).unwrap();
    let failed = |event: &Observed| {
        matches!(event, Observed::Client(mtp_session::client::ClientSessionEvent::Failed { .. }))
    };
    assert!(!client.events().iter().any(failed), "it was not received");
    let again = only_packet(&mut client, &mut puppet, LINK);
    assert!(again.calls()[0].body.ends_with(&3_u32.to_le_bytes()), "{again:?}");
}

// The window had dropped the call while its answer was kept; reporting it unknown made it run twice. Seed 684201.
// spec: session 8.16
// spec: session 11.5
#[test]
fn call_with_a_stored_answer_is_reported_as_received() {
    const ANSWERED: u8 = 4 | 8 | 32 | 64;
    const RUNNING: u8 = 4 | 32;
    let mut config = ServerSessionConfig::default();
    config.duplicates_max = 4;
    let (mut server, mut puppet) = DrivenServer::ready_server(config);
    let mut calls = Vec::new();
    for number in 0..2 {
        let label = puppet.label(server.now, 0, true);
        let packet = puppet.seal(label, &call(number));
        server.take(&packet);
        let [.., Observed::Call(id, ..)] = &server.events()[..] else { panic!("no call") };
        calls.push((label, *id));
        server.pass_s(1);
    }
    let [((answered, seq_no), id), ((running, _), _)] = calls[..] else { unreachable!() };
    server.session.answer(server.now, id, &TRUE).unwrap();
    server.transmit(LINK).unwrap();
    for ping_id in 0..6 {
        let ping = puppet.even_message(server.now, &Ping { ping_id });
        server.take(&ping);
        server.transmit(LINK).unwrap();
        server.pass_s(1);
    }
    let request = MsgsStateReq { msg_ids: MsgIds::new([answered, running]) };
    let request = puppet.even_message(server.now, &request);
    server.take(&request);
    let states = puppet.read(&server.packet()).only(|_, message| match message {
        Message::MsgsStateInfo(info) => Some(info.info.to_vec()),
        _ => None,
    });
    assert_eq!(states, [ANSWERED, RUNNING]);
    // Sent again, it is a duplicate whose answer is repeated, not an id that is too old to judge.
    server.events();
    let again = call(0);
    let container = puppet.seal_container(server.now, &[(answered, seq_no, &again)]);
    server.take(&container);
    let events = server.events();
    assert!(events.iter().all(|event| matches!(event, Observed::Server(_))), "{events:?}");
    let packet = puppet.read(&server.packet());
    let named = packet.only(|_, message| match message {
        Message::MsgDetailedInfo(info) => Some(info.msg_id),
        Message::RpcResult(result) => Some(result.req_msg_id),
        _ => None,
    });
    assert_eq!(named, answered);
}
