//! What simulated runs found: calls that would have waited for ever, and ids given twice.
//!
//! Goal: each finding as small as it gets. Method: a puppet plays the other side; the run that found it is named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::cast_sign_loss,
    clippy::precedence,
    clippy::similar_names,
    clippy::std_instead_of_core,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod peers;

use std::sync::Arc;

use mtp_crypto::{CtrEntropy, MsgId, Salt};
use mtp_session::service::{Message, MsgIds, MsgsAck, MsgsStateInfo};
use mtp_session::session::{LinkKind, RequestOptions, Session, SessionConfig};
use mtp_session::{KeyKind, LinkId};
use peers::{Driven, LINK, Packet, Puppet, established, key, quiet};

const SECOND: LinkId = LinkId::new(2);
const THIRD: LinkId = LinkId::new(3);

/// A client that pings and does not ask for salts, whose first call is on the wire.
fn with_a_call() -> (Driven, Puppet, MsgId) {
    let mut config = SessionConfig::client();
    config.client.future_salts = false;
    let (mut client, mut puppet) = Driven::ready_client(config);
    client.call(1);
    let packet = puppet.read(&client.packet());
    let msg_id = packet.calls()[0].msg_id;
    (client, puppet, msg_id)
}

fn ack(client: &mut Driven, puppet: &mut Puppet, link: LinkId, msg_id: MsgId) {
    let body = MsgsAck { msg_ids: MsgIds::new([msg_id]) };
    let mut packet = puppet.even_message(client.now, &body);
    client.session.handle_packet(client.now, link, &mut packet).unwrap();
}

fn only_packet(client: &mut Driven, puppet: &mut Puppet, link: LinkId) -> Packet {
    let packets = client.transmit(link).expect("the link stays open");
    assert_eq!(packets.len(), 1, "packets");
    puppet.read(&packets[0])
}

fn has_ping(packet: &Packet) -> bool {
    packet.messages.iter().any(|it| matches!(it.message(), Message::PingDelayDisconnect(_)))
}

fn asks_about(packet: &Packet, msg_id: MsgId) -> bool {
    packet.messages.iter().any(|it| match it.message() {
        Message::MsgsStateReq(request) => request.msg_ids.iter().any(|id| id == msg_id),
        _ => false,
    })
}

/// Lets a minute and more pass on a link whose server answers pings only; reports whether the call is asked about.
fn asks_within_a_minute(client: &mut Driven, puppet: &mut Puppet, link: LinkId, id: MsgId) -> bool {
    for _ in 0..70 {
        client.pass_s(1);
        client.session.handle_timeout(client.now);
        for packet in client.transmit(link).expect("the link stays open") {
            let packet = puppet.read(&packet);
            if asks_about(&packet, id) {
                return true;
            }
            ack(client, puppet, link, MsgId::from_raw(4));
        }
    }
    false
}

// A server says what it still has to say only where it has heard of the session. Seed 101.
// spec: session 12
#[test]
fn a_client_with_nothing_new_to_say_is_heard_on_a_new_link() {
    let (mut client, mut puppet, call) = with_a_call();
    ack(&mut client, &mut puppet, LINK, call);
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, SECOND, LinkKind::Stream);
    let packet = only_packet(&mut client, &mut puppet, SECOND);
    assert!(has_ping(&packet), "{packet:?}");
    assert!(!asks_about(&packet, call), "it has arrived");
}

// Where a call was written is not where its arrival was told. Seed 101.
// spec: session 11.4
#[test]
fn a_call_whose_arrival_was_told_on_a_later_link_is_asked_about_after_that() {
    let (mut client, mut puppet, call) = with_a_call();
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, SECOND, LinkKind::Stream);
    let packet = only_packet(&mut client, &mut puppet, SECOND);
    assert!(asks_about(&packet, call));
    let question = packet.only(|it, message| match message {
        Message::MsgsStateReq(_) => Some(it.msg_id),
        _ => None,
    });
    let info = MsgsStateInfo { req_msg_id: question, info: &[4 | 32] };
    let mut told = puppet.even_message(client.now, &info);
    client.session.handle_packet(client.now, SECOND, &mut told).unwrap();
    client.session.link_down(client.now, SECOND);
    client.session.link_up(client.now, THIRD, LinkKind::Stream);
    only_packet(&mut client, &mut puppet, THIRD);
    assert!(asks_within_a_minute(&mut client, &mut puppet, THIRD, call));
}

// The other link was up already, so no link came up to wake the client. Seed 253.
// spec: session 11.4
#[test]
fn the_loss_of_one_link_of_two_is_noticed() {
    let (mut client, mut puppet, call) = with_a_call();
    client.session.link_up(client.now, SECOND, LinkKind::Stream);
    client.transmit(SECOND).unwrap();
    ack(&mut client, &mut puppet, LINK, call);
    client.session.link_down(client.now, LINK);
    assert!(client.session.poll_timeout().is_some());
    assert!(asks_within_a_minute(&mut client, &mut puppet, SECOND, call));
}

// Nothing else ends a request whose server is gone without a word. Seed 455.
// spec: session 8.7
#[test]
fn an_http_request_without_an_answer_is_given_up() {
    let mut config = quiet();
    config.client.http_calls.max_wait = 2000;
    let mut client = Driven::client(config);
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
    assert_eq!(client.transmit(LINK), Err(()), "the link is to be closed");
}

// A client may not write before it has its answer, so without one it is deaf and dumb. Seed 1292.
// spec: session 14
#[test]
fn a_refused_packet_is_answered_over_http_as_well() {
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
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

// An application may still hold the ids of calls that are over, and name them. Seed 1109.
// spec: session 9
#[test]
fn a_resumed_session_gives_no_id_twice() {
    let (mut client, _) = Driven::ready_client(quiet());
    let first = client.call(1);
    client.session.cancel(first).unwrap();
    let saved = client.session.save(client.now).unwrap();
    let mut entropy = CtrEntropy::from_number(4);
    let config = Arc::new(quiet());
    let mut again = Session::resume(client.now, &saved, config, &mut entropy).unwrap();
    let after = RequestOptions::new().after(first);
    let second = again.request(client.now, &peers::call(2), after).unwrap();
    assert!(second > first, "{second:?} after {first:?}");
}

// A link may be dead without anybody having said so; what is repeated there is repeated for nobody. Seed 4939.
// spec: session 11.2
#[test]
fn an_answer_without_echo_goes_by_the_link_that_was_heard_last() {
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
    let label = puppet.label(server.now, 0, true);
    server.take(&puppet.seal(label, &peers::CALL));
    let call = server.events().into_iter().find_map(|event| match event {
        peers::Told::Call(id, ..) => Some(id),
        _ => None,
    });
    server.session.link_up(server.now, SECOND, LinkKind::Stream);
    server.pass_s(1);
    let ping = mtp_session::service::Ping { ping_id: 1 };
    let mut packet = puppet.even_message(server.now, &ping);
    server.session.handle_packet(server.now, SECOND, &mut packet).unwrap();
    server.session.respond(server.now, call.unwrap(), &peers::TRUE).unwrap();
    let is_answer = |packet: &Packet| {
        packet.messages.iter().any(|it| matches!(it.message(), Message::RpcResult(_)))
    };
    let mut answers = |server: &mut Driven, link| {
        let packets = server.transmit(link).unwrap();
        packets.iter().filter(|packet| is_answer(&puppet.read(packet))).count()
    };
    assert_eq!((answers(&mut server, SECOND), answers(&mut server, LINK)), (0, 1));
    server.pass_s(31);
    server.session.handle_timeout(server.now);
    assert_eq!((answers(&mut server, LINK), answers(&mut server, SECOND)), (0, 1));
}
