//! What simulated runs found: calls that would have waited for ever, and ids given twice.
//!
//! Goal: each finding as small as it gets. Method: a puppet plays the other side; the run that found it is named.

use std::sync::Arc;

use mtp_crypto::{CtrEntropy, MsgId, Salt};
use mtp_session::established::KeyKind;
use mtp_session::link::LinkId;
use mtp_session::service::{
    Message, MsgIds, MsgsAck, MsgsStateInfo, MsgsStateReq, NewSessionCreated, Ping, Pong,
};
use mtp_session::session::{LinkKind, RequestOptions, Session, SessionConfig};

use crate::peers::{self, Driven, LINK, Packet, Puppet, TRUE, Told, call, established, key, quiet};

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
    let is_ping = |message| matches!(message, Message::PingDelayDisconnect(_) | Message::Ping(_));
    packet.messages.iter().any(|it| is_ping(it.message()))
}

/// Greets a client: from this message on its session is kept.
fn greet(client: &mut Driven, puppet: &mut Puppet, unique_id: u64, first_msg_id: MsgId) {
    let new = NewSessionCreated { first_msg_id, unique_id, server_salt: peers::FIRST_SALT };
    let (_, mut packet) = puppet.odd_message(client.now, 3, &mtp_tl::Encode::to_bytes(&new));
    client.session.handle_packet(client.now, LINK, &mut packet).unwrap();
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
    let second = again.request(client.now, &call(2), after).unwrap();
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
        Told::Call(id, ..) => Some(id),
        _ => None,
    });
    server.session.link_up(server.now, SECOND, LinkKind::Stream);
    server.pass_s(1);
    let mut packet = puppet.even_message(server.now, &Ping { ping_id: 1 });
    server.session.handle_packet(server.now, SECOND, &mut packet).unwrap();
    server.session.respond(server.now, call.unwrap(), &TRUE).unwrap();
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

// Without pings nothing over HTTP proves the time to a client that only waits for news. Seeds 25463, 35667, 42090.
// spec: session 3.3
#[test]
fn a_client_that_drops_an_update_for_its_time_asks_for_the_time() {
    let mut config = SessionConfig::client();
    config.client.future_salts = false;
    let mut client = Driven::client(config);
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
    // The machine sleeps for a minute, and its clocks with it.
    let later = client.now.after(std::time::Duration::from_secs(60));
    client.session.link_up(client.now, SECOND, LinkKind::HttpPoll);
    client.transmit(SECOND).unwrap();
    let (_, update) = puppet.odd_message(later, 3, &peers::update(5));
    client.session.handle_packet(client.now, SECOND, &mut update.clone()).unwrap();
    let is_update = |event: &Told| matches!(event, Told::Update(_));
    assert!(!client.events().iter().any(is_update), "the time is wrong");
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert!(has_ping(&packet), "{packet:?}");
    let (msg_id, ping_id) = packet.only(|it, message| match message {
        Message::Ping(ping) => Some((it.msg_id, ping.ping_id)),
        _ => None,
    });
    let mut pong = puppet.even_message(later, &Pong { msg_id, ping_id });
    client.session.handle_packet(client.now, LINK, &mut pong).unwrap();
    client.session.handle_packet(client.now, SECOND, &mut update.clone()).unwrap();
    assert!(client.events().iter().any(is_update), "the repetition is taken");
}

// The session is what it was; it only reaches further back. Seed 20374.
// spec: session 8.10
#[test]
fn a_greeting_that_lowers_its_bound_resends_nothing() {
    let (mut client, mut puppet, first) = with_a_call();
    client.pass_s(1);
    client.call(2);
    let second = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    greet(&mut client, &mut puppet, 7, second);
    let again = only_packet(&mut client, &mut puppet, LINK);
    assert_eq!(again.calls().len(), 1, "the first call was lost with the session");
    greet(&mut client, &mut puppet, 7, first);
    for packet in client.transmit(LINK).unwrap() {
        assert!(puppet.read(&packet).calls().is_empty());
    }
}

// Greetings may overtake each other; calls are asked about then, not repeated. Seed 91328.
// spec: session 8.10
#[test]
fn a_greeting_that_comes_late_makes_the_client_ask() {
    let (mut client, mut puppet, first) = with_a_call();
    client.pass_s(1);
    client.call(2);
    let second = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    greet(&mut client, &mut puppet, 7, first);
    client.transmit(LINK).unwrap();
    greet(&mut client, &mut puppet, 7, second);
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert!(packet.calls().is_empty() && asks_about(&packet, first), "{packet:?}");
}

// The memory that acknowledged the call is gone; the new one may never have seen it. Seed 121582.
// spec: session 8.10
#[test]
fn a_new_memory_is_asked_about_what_the_old_one_had() {
    let (mut client, mut puppet, first) = with_a_call();
    ack(&mut client, &mut puppet, LINK, first);
    greet(&mut client, &mut puppet, 7, first);
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert!(asks_about(&packet, first), "{packet:?}");
}

// A call that the server has is answered by it, whatever became of the call before. Seed 34826.
// spec: session 9
#[test]
fn a_call_that_has_arrived_is_not_repeated_with_the_one_before() {
    let (mut client, mut puppet, first) = with_a_call();
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
    let failed =
        |event: &Told| matches!(event, Told::Other(mtp_session::session::Event::Failed { .. }));
    assert!(!client.events().iter().any(failed));
    assert!(first < second);
}

// Two packets may begin a session before anything of it can be written. Seeds 160853, 181999.
// spec: session 8.10
#[test]
fn a_session_is_greeted_once_for_all_that_waits() {
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
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

// A refusal proves that nothing was run; of a packet that was handled it would be a lie. Seeds 108193, 185682.
// spec: session 11.6
#[test]
fn a_replay_of_what_was_handled_is_not_refused() {
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
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

// That the server knows nothing of the call before says nothing of a call that must not run twice. Seed 480205.
// spec: session 11.6
#[test]
fn a_once_call_is_asked_about_when_the_one_before_is_in_doubt() {
    let (mut client, mut puppet, _) = with_a_call();
    let before = client.call(2);
    let second = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    let after = RequestOptions::new().after(before).once();
    client.request(&call(3), after);
    let third = only_packet(&mut client, &mut puppet, LINK).calls()[0].msg_id;
    let mut refusal = puppet.even_message(client.now, &peers::bad_msg(second, 20));
    client.session.handle_packet(client.now, LINK, &mut refusal).unwrap();
    let packet = only_packet(&mut client, &mut puppet, LINK);
    assert_eq!(packet.calls().len(), 1, "{packet:?}");
    assert!(asks_about(&packet, third), "{packet:?}");
    let question = packet.only(|it, message| match message {
        Message::MsgsStateReq(_) => Some(it.msg_id),
        _ => None,
    });
    let info = MsgsStateInfo { req_msg_id: question, info: &[3] };
    let mut told = puppet.even_message(client.now, &info);
    client.session.handle_packet(client.now, LINK, &mut told).unwrap();
    let failed =
        |event: &Told| matches!(event, Told::Other(mtp_session::session::Event::Failed { .. }));
    assert!(!client.events().iter().any(failed), "it never came");
    let again = only_packet(&mut client, &mut puppet, LINK);
    assert!(again.calls()[0].body.ends_with(&3_u32.to_le_bytes()), "{again:?}");
}

// The window had forgotten the call, not so the answer: "nothing is known" made it run twice. Seed 684201.
// spec: session 8.16
// spec: session 11.5
#[test]
fn a_call_whose_answer_is_held_is_not_forgotten() {
    const HELD: u8 = 4 | 8 | 32 | 64;
    const RUNNING: u8 = 4 | 32;
    let mut config = SessionConfig::server();
    config.duplicates_max = 4;
    let (mut server, mut puppet) = Driven::ready_server(config);
    let mut calls = Vec::new();
    for number in 0..2 {
        let label = puppet.label(server.now, 0, true);
        let packet = puppet.seal(label, &call(number));
        server.take(&packet);
        let [.., Told::Call(id, ..)] = &server.events()[..] else { panic!("no call") };
        calls.push((label, *id));
        server.pass_s(1);
    }
    let [((answered, seq_no), id), ((running, _), _)] = calls[..] else { unreachable!() };
    server.session.respond(server.now, id, &TRUE).unwrap();
    server.transmit(LINK).unwrap();
    for ping_id in 0..6 {
        let ping = puppet.even_message(server.now, &Ping { ping_id });
        server.take(&ping);
        server.transmit(LINK).unwrap();
        server.pass_s(1);
    }
    let question = MsgsStateReq { msg_ids: MsgIds::new([answered, running]) };
    let question = puppet.even_message(server.now, &question);
    server.take(&question);
    let states = puppet.read(&server.packet()).only(|_, message| match message {
        Message::MsgsStateInfo(info) => Some(info.info.to_vec()),
        _ => None,
    });
    assert_eq!(states, [HELD, RUNNING]);
    // Sent once more it is a duplicate whose answer comes again, and none that is too old to tell.
    server.events();
    let again = call(0);
    let container = puppet.seal_container(server.now, &[(answered, seq_no, &again)]);
    server.take(&container);
    let events = server.events();
    assert!(events.iter().all(|told| matches!(told, Told::Other(_))), "{events:?}");
    let packet = puppet.read(&server.packet());
    let named = packet.only(|_, message| match message {
        Message::MsgDetailedInfo(info) => Some(info.msg_id),
        Message::RpcResult(result) => Some(result.req_msg_id),
        _ => None,
    });
    assert_eq!(named, answered);
}
