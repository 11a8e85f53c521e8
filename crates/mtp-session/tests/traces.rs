//! The 18 traces of `vectors/session.json`.
//!
//! Goal: each trace, step by step, between a session under test and a puppet that plays the other side. Method: one
//! test for each trace; a table checks that none is missing and that their steps are still those that the tests were
//! written for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::precedence,
    clippy::std_instead_of_core,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod peers;

use std::time::Duration;

use mtp_crypto::{MsgId, Salt, Side};
use mtp_session::service::{
    BadMsgNotification, BadServerSalt, DestroyAuthKeyOk, HttpWait, Message, MsgDetailedInfo,
    MsgIds, MsgsAck, MsgsStateInfo, NewSessionCreated, RpcAnswerDroppedRunning, RpcAnswerUnknown,
    RpcResult, Wrappers,
};
use mtp_session::session::{
    BindInputs, CallError, ClientInfo, Discard, Event, InitParams, KeyOutcome, LinkKind,
    RequestOptions, ResetCause, SendError, Session, SessionConfig,
};
use mtp_session::{KeyKind, LinkId};
use mtp_tl::{Encode, Rest};
use peers::{
    CALL, Driven, LINK, Packet, Puppet, Read, TRUE, Told, call, established, key, quiet, start,
    update,
};

/// Every trace, how many steps it has, and the test that plays it.
const TRACES: [(&str, usize, fn()); 18] = [
    ("fresh session, first call", 4, fresh_session),
    ("wrong salt", 4, wrong_salt),
    ("wrong salt for a container", 2, wrong_salt_for_a_container),
    ("bad_server_salt for an unknown id", 1, wrong_salt_for_an_unknown_id),
    ("clock far ahead", 2, clock_far_ahead),
    ("clock behind", 2, clock_behind),
    ("stale but resent properly", 2, stale_but_resent_properly),
    ("seqno mismatch", 1, seqno_mismatch),
    ("connection lost with two calls out", 4, connection_lost),
    ("result lost, large answer", 3, large_answer_lost),
    ("server forgot the session", 3, server_forgot),
    ("late smaller id", 2, late_smaller_id),
    ("duplicate packet", 1, duplicate_packet),
    ("cancel", 3, cancel),
    ("flood wait", 1, flood_wait),
    ("temporary key binding", 3, temporary_key_binding),
    ("http long poll", 2, http_long_poll),
    ("destroy key", 2, destroy_key),
];

#[test]
fn no_trace_is_missing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/session.json");
    let root: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let traces = root["traces"].as_array().unwrap();
    let found: Vec<(&str, usize)> = traces
        .iter()
        .map(|trace| (trace["name"].as_str().unwrap(), trace["steps"].as_array().unwrap().len()))
        .collect();
    let known: Vec<(&str, usize)> = TRACES.iter().map(|(name, steps, _)| (*name, *steps)).collect();
    assert_eq!(found, known);
}

fn result(msg_id: MsgId, content: &[u8]) -> Vec<u8> {
    RpcResult { req_msg_id: msg_id, result: Rest::from(content) }.to_bytes()
}

fn bad_msg(bad_msg_id: MsgId, code: i32) -> BadMsgNotification {
    let bad_msg_seqno = mtp_crypto::SeqNo::from_raw(1);
    BadMsgNotification { bad_msg_id, bad_msg_seqno, error_code: code }
}

fn bad_salt(bad_msg_id: MsgId, salt: Salt) -> BadServerSalt {
    let bad_msg_seqno = mtp_crypto::SeqNo::from_raw(1);
    BadServerSalt { bad_msg_id, bad_msg_seqno, error_code: 48, new_server_salt: salt }
}

fn acked(packet: &Packet) -> Vec<MsgId> {
    let ids = |_: &Read, message: Message<'_>| match message {
        Message::MsgsAck(acks) => Some(acks.msg_ids.iter().collect::<Vec<_>>()),
        _ => None,
    };
    packet.all(ids).concat()
}

fn failed(request: mtp_session::session::RequestId, error: CallError) -> Told {
    Told::Other(Event::Failed { request, error })
}

fn replaced(events: &[Told]) -> Option<ResetCause> {
    events.iter().find_map(|event| match event {
        Told::Other(Event::SessionReplaced { cause, .. }) => Some(*cause),
        _ => None,
    })
}

fn init() -> SessionConfig {
    let mut config = quiet();
    let info = ClientInfo {
        api_id: 1,
        device_model: "device",
        system_version: "1",
        app_version: "1",
        system_lang_code: "en",
        lang_pack: "",
        lang_code: "en",
    };
    config.client.init = Some(InitParams::new(195, &info));
    config
}

/// A client whose session the puppet has confirmed.
fn open_client(config: SessionConfig) -> (Driven, Puppet) {
    let (mut client, mut puppet) = Driven::ready_client(config);
    let request = client.call(0);
    let packet = puppet.read(&client.packet());
    let (_, answer) = puppet.odd_message(client.now, 1, &result(packet.calls()[0].msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Told::Result(request, TRUE.to_vec())));
    client.pass_s(31);
    let acks = client.packet();
    assert_eq!(acked(&puppet.read(&acks)).len(), 1);
    (client, puppet)
}

#[test]
fn fresh_session() {
    let (mut client, mut puppet) = Driven::ready_client(init());
    let request = client.request(&CALL, RequestOptions::new());
    let packet = puppet.read(&client.packet());
    let first = packet.calls()[0].clone();
    assert_eq!(first.seq_no.as_raw(), 1);
    assert_eq!(packet.header.salt, peers::FIRST_SALT);
    let (wrappers, query) = Wrappers::peel(&first.body).unwrap();
    assert!(wrappers.layer.is_some() && wrappers.init.is_some());
    assert_eq!(query, CALL);

    let now = client.now;
    let created = NewSessionCreated {
        first_msg_id: first.msg_id,
        unique_id: 9,
        server_salt: peers::FIRST_SALT,
    }
    .to_bytes();
    let answer = result(first.msg_id, &TRUE);
    let (a, b) = (puppet.label(now, 3, true), puppet.label(now, 1, true));
    let packet = puppet.seal_container(now, &[(a.0, a.1, &created), (b.0, b.1, &answer)]);
    client.take(&packet);
    let events = client.events();
    assert!(events.contains(&Told::Result(request, TRUE.to_vec())));
    assert!(events.contains(&Told::Other(Event::SessionCreated { unique_id: 9 })));

    client.silent();
    client.pass_s(30);
    let packet = puppet.read(&client.packet());
    assert!(!packet.is_container && packet.header.seq_no.as_raw() == 2);
    assert_eq!(acked(&packet), [a.0, b.0]);
    client.silent();

    // The same at a server: both leave its store when they are acknowledged.
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
    let (_, packet) = puppet.odd_message(server.now, 0, &call(1));
    server.take(&packet);
    let Some(Told::Call(id, ..)) = server.events().pop() else { panic!() };
    server.session.respond(server.now, id, &TRUE).unwrap();
    let packet = puppet.read(&server.packet());
    assert!(packet.is_container);
    let ids: Vec<MsgId> = packet.messages.iter().map(|read| read.msg_id).collect();
    let kinds: Vec<u64> = ids.iter().map(|id| id.as_raw() % 4).collect();
    assert_eq!(kinds, [3, 1]);
    assert!(packet.messages.iter().all(Read::is_odd));
    assert!(matches!(packet.messages[0].message(), Message::NewSessionCreated(_)));
    let acks = puppet.even_message(server.now, &MsgsAck { msg_ids: MsgIds::new(ids) });
    server.take(&acks);
    assert_eq!(server.events(), [Told::Other(Event::AnswerAcked { id })]);
    // Nothing is left that would be repeated.
    let later = server.now.after(Duration::from_secs(100));
    server.idle(later);
    server.silent();
}

#[test]
fn wrong_salt() {
    let mut config = quiet();
    config.client.future_salts = true;
    let (mut client, mut puppet) = Driven::ready_client(config);
    let request = client.call(1);
    let packet = puppet.read(&client.packet());
    let first = packet.calls()[0].clone();
    let asked = |packet: &Packet| {
        packet.all(|_, message| matches!(message, Message::GetFutureSalts(_)).then_some(())).len()
    };
    assert_eq!(asked(&packet), 1);

    let salt = Salt::from_raw(0x4e);
    client.pass(Duration::from_millis(50));
    let refusal = puppet.even_message(client.now, &bad_salt(packet.header.msg_id, salt));
    client.take(&refusal);
    let packet = puppet.read(&client.packet());
    let second = packet.calls()[0].clone();
    assert_eq!(packet.header.salt, salt);
    assert_eq!(second.body, first.body);
    assert!(second.msg_id > first.msg_id && second.seq_no.as_raw() == 3);
    // The refused request for salts is made again, and then not for a minute.
    assert_eq!(asked(&packet), 1);
    let (_, answer) = puppet.odd_message(client.now, 1, &result(second.msg_id, &TRUE));
    client.take(&answer);
    let results: Vec<_> =
        client.events().into_iter().filter(|event| matches!(event, Told::Result(..))).collect();
    assert_eq!(results, [Told::Result(request, TRUE.to_vec())]);
    for (wait, expected) in [(58, 0), (2, 1), (59, 0)] {
        client.pass_s(wait);
        client.call(2);
        assert_eq!(asked(&puppet.read(&client.packet())), expected, "after {wait} s");
    }

    // A server stores nothing of a packet with a wrong salt, and makes no session of it.
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
    puppet.salt = Salt::from_raw(0xbad);
    let (bad_id, packet) = puppet.odd_message(server.now, 0, &call(1));
    server.take(&packet);
    assert_eq!(server.events(), []);
    let packet = puppet.read(&server.packet());
    let salt = packet.only(|_, message| match message {
        Message::BadServerSalt(bad) => {
            assert_eq!((bad.bad_msg_id, bad.error_code), (bad_id, 48));
            Some(bad.new_server_salt)
        }
        _ => None,
    });
    assert_eq!((salt, packet.messages[0].is_odd()), (peers::FIRST_SALT, false));
}

#[test]
fn wrong_salt_for_a_container() {
    let mut config = quiet();
    config.client.ping = true;
    let (mut client, mut puppet) = Driven::ready_client(config);
    let earlier = client.call(0);
    let packet = puppet.read(&client.packet());
    let earlier_id = packet.calls()[0].msg_id;
    let (update_id, packet) = puppet.odd_message(client.now, 3, &update(1));
    client.take(&packet);
    client.pass_s(2);
    client.call(1);
    let packet = puppet.read(&client.packet());
    let ping = |packet: &Packet| {
        packet.only(|read, message| match message {
            Message::PingDelayDisconnect(_) => Some(read.msg_id),
            _ => None,
        })
    };
    let (first_ping, container) = (ping(&packet), packet.header.msg_id);
    assert_eq!(acked(&packet), [update_id]);
    assert_eq!(packet.calls()[0].body, call(1));

    let salt = Salt::from_raw(0x4e);
    let refusal = puppet.even_message(client.now, &bad_salt(container, salt));
    client.take(&refusal);
    let packet = puppet.read(&client.packet());
    assert_eq!(packet.header.salt, salt);
    assert_eq!(acked(&packet), [update_id]);
    assert!(ping(&packet) > first_ping);
    let calls: Vec<&[u8]> = packet.calls().iter().map(|read| &read.body[..]).collect();
    assert_eq!(calls, [&call(1)[..]], "the earlier call is untouched");
    let (_, answer) = puppet.odd_message(client.now, 1, &result(earlier_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Told::Result(earlier, TRUE.to_vec())));
}

#[test]
fn wrong_salt_for_an_unknown_id() {
    let (mut client, mut puppet) = open_client(quiet());
    let never = MsgId::from_raw(start().unix.as_secs() << 32 | 0x1234_5678);
    let refusal = puppet.even_message(client.now, &bad_salt(never, Salt::from_raw(0x666)));
    client.take(&refusal);
    assert!(matches!(
        client.events()[..],
        [Told::Other(Event::Discarded { reason: Discard::NotOurs, .. })]
    ));
    assert_eq!(client.session.salt(), Some(peers::FIRST_SALT));
    client.silent();
}

#[test]
fn clock_far_ahead() {
    let hour = Duration::from_secs(3600);
    let (mut client, mut puppet) = Driven::ready_client(quiet());
    let truth = client.now;
    // The client's wall clock is an hour ahead from the start.
    let mut ahead = Driven::client(quiet());
    ahead.now.unix = truth.after(hour).unix;
    ahead.session = Session::client(ahead.now, std::sync::Arc::new(quiet()), &mut ahead.entropy);
    ahead.session.set_key(ahead.now, &established(&puppet.key, KeyKind::Permanent));
    ahead.session.link_up(ahead.now, LINK, LinkKind::Stream);
    core::mem::swap(&mut client, &mut ahead);

    let requests = [client.call(1), client.call(2)];
    let packet = puppet.read(&client.packet());
    let old_session = packet.header.session_id;
    assert!(packet.header.msg_id.unix_secs() >= truth.unix.as_secs() + 3600);
    let refusal = puppet.even_message(truth, &bad_msg(packet.header.msg_id, 17));
    client.take(&refusal);
    let events = client.events();
    assert_eq!(replaced(&events), Some(ResetCause::BadMsg { code: 17 }));
    assert!(
        events.iter().any(|event| matches!(event, Told::Other(Event::TimeChanged { offset_ns })
        if (offset_ns + 3_600_000_000_000).abs() <= 1_000_000_000))
    );

    let packet = puppet.read(&client.packet());
    assert_ne!(packet.header.session_id, old_session);
    let seconds = packet.header.msg_id.unix_secs();
    assert!(seconds.abs_diff(truth.unix.as_secs()) <= 1);
    let calls = packet.calls();
    assert_eq!((calls[0].seq_no.as_raw(), calls[1].seq_no.as_raw()), (1, 3));
    assert_eq!((&calls[0].body, &calls[1].body), (&call(1), &call(2)));
    let destroyed = packet.only(|_, message| match message {
        Message::DestroySession(request) => Some(request.session_id),
        _ => None,
    });
    assert_eq!(destroyed, old_session);
    for (request, read) in requests.into_iter().zip(calls) {
        let (_, answer) = puppet.odd_message(truth, 1, &result(read.msg_id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Told::Result(request, TRUE.to_vec())));
    }
}

#[test]
fn clock_behind() {
    let (mut client, mut puppet) = Driven::ready_client(quiet());
    let truth = client.now.after(Duration::from_secs(600));
    let request = client.call(1);
    let packet = puppet.read(&client.packet());
    let (session, first) = (packet.header.session_id, packet.calls()[0].clone());
    let refusal = puppet.even_message(truth, &bad_msg(first.msg_id, 16));
    client.take(&refusal);
    assert_eq!(replaced(&client.events()), None);
    let packet = puppet.read(&client.packet());
    let second = packet.calls()[0].clone();
    assert_eq!(packet.header.session_id, session);
    assert_eq!((second.body, second.seq_no.as_raw()), (first.body, 3));
    assert!(second.msg_id.unix_secs().abs_diff(truth.unix.as_secs()) <= 1);
    let (_, answer) = puppet.odd_message(truth, 1, &result(second.msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Told::Result(request, TRUE.to_vec())));
}

#[test]
fn stale_but_resent_properly() {
    let (mut client, _) = Driven::ready_client(quiet());
    let (mut server, _) = Driven::ready_server(SessionConfig::server());
    let mut puppet = Puppet::new(&key(3), Side::Server, client.session.session_id());
    client.call(1);
    client.pass_s(400);
    server.pass_s(400);
    let packet = puppet.read(&client.packet());
    let age = client.now.unix.as_secs() - packet.header.msg_id.unix_secs();
    assert!(age <= 1, "the id is made when the message is written");
    // A server takes it.
    let mut as_client = Puppet::new(&key(3), Side::Client, server.session.session_id());
    as_client.salt = peers::FIRST_SALT;
    let label = (packet.header.msg_id, packet.header.seq_no);
    let packet = as_client.seal(label, &call(1));
    server.take(&packet);
    assert!(matches!(server.events()[..], [Told::Call(..)]));
}

#[test]
fn seqno_mismatch() {
    for code in [32, 33] {
        let (mut client, mut puppet) = open_client(quiet());
        client.call(1);
        let other = puppet.read(&client.packet());
        client.call(2);
        let packet = puppet.read(&client.packet());
        let old = packet.header.session_id;
        let refusal = puppet.even_message(client.now, &bad_msg(packet.header.msg_id, code));
        client.take(&refusal);
        assert_eq!(replaced(&client.events()), Some(ResetCause::BadMsg { code }));
        let packet = puppet.read(&client.packet());
        assert_ne!(packet.header.session_id, old);
        let bodies: Vec<&[u8]> = packet.calls().iter().map(|read| &read.body[..]).collect();
        assert_eq!(bodies, [&call(1)[..], &call(2)[..]]);
        assert!(packet.calls().iter().all(|read| read.msg_id > other.header.msg_id));
        packet.only(|_, message| match message {
            Message::DestroySession(request) if request.session_id == old => Some(()),
            _ => None,
        });
    }
}

#[test]
fn connection_lost() {
    let (mut client, mut puppet) = open_client(quiet());
    let (one, two) = (client.call(1), client.call(2));
    let packet = puppet.read(&client.packet());
    let (c1, c2) = (packet.calls()[0].msg_id, packet.calls()[1].msg_id);
    let session = packet.header.session_id;
    let acks = puppet.even_message(client.now, &MsgsAck { msg_ids: MsgIds::new([c1]) });
    client.take(&acks);
    let (update_id, packet) = puppet.odd_message(client.now, 3, &update(1));
    client.take(&packet);
    assert!(client.events().contains(&Told::Other(Event::Delivered { request: one })));
    client.session.link_down(client.now, LINK);
    client.pass_s(3);
    client.session.link_up(client.now, LINK, LinkKind::Stream);

    let packet = puppet.read(&client.packet());
    assert_eq!(packet.header.session_id, session);
    assert_eq!(acked(&packet), [update_id]);
    let question = packet.only(|read, message| match message {
        Message::MsgsStateReq(request) => {
            assert_eq!(request.msg_ids.iter().collect::<Vec<_>>(), [c2]);
            Some(read.msg_id)
        }
        _ => None,
    });
    assert!(packet.calls().is_empty());

    let info = MsgsStateInfo { req_msg_id: question, info: &[2] };
    let info = puppet.even_message(client.now, &info);
    client.take(&info);
    let packet = puppet.read(&client.packet());
    let again = packet.calls()[0].clone();
    assert_eq!(again.body, call(2));
    assert!(again.msg_id > c2);
    let (_, answer) = puppet.odd_message(client.now, 1, &result(again.msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Told::Result(two, TRUE.to_vec())));

    let label = puppet.label(client.now, 1, true);
    let answer = result(c1, &TRUE);
    for copy in 0..2 {
        let packet = puppet.seal_container(client.now, &[(label.0, label.1, &answer)]);
        client.take(&packet);
        let told = client.events().contains(&Told::Result(one, TRUE.to_vec()));
        assert_eq!(told, copy == 0);
        client.pass_s(31);
        let packet = puppet.read(&client.packet());
        assert!(acked(&packet).contains(&label.0), "every copy is acknowledged");
    }
}

#[test]
fn large_answer_lost() {
    // The server's part: a repeated call is answered by the news of its long answer.
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
    let now = server.now;
    let c1 = puppet.label(now, 0, true);
    let packet = puppet.seal(c1, &call(1));
    server.take(&packet);
    let Some(Told::Call(id, ..)) = server.events().pop() else { panic!() };
    let answer: Vec<u8> =
        (0..1 << 16).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    server.session.respond(now, id, &answer).unwrap();
    // The greeting goes before, and a long message alone.
    let packets = server.transmit(LINK).unwrap();
    assert_eq!(packets.len(), 2);
    let packet = puppet.read(&packets[1]);
    let r1 = packet.messages.last().unwrap().clone();
    let packet = puppet.seal_container(now, &[(c1.0, c1.1, &call(1))]);
    server.take(&packet);
    let packet = puppet.read(&server.packet());
    let info = packet.only(|read, message| match message {
        Message::MsgDetailedInfo(info) => Some((read.clone(), info)),
        _ => None,
    });
    assert_eq!((info.1.msg_id, info.1.answer_msg_id, info.1.status), (c1.0, r1.msg_id, 0));
    assert_eq!(info.1.bytes as usize, r1.body.len());
    assert!(!server.events().iter().any(|event| matches!(event, Told::Call(..))));
    let fetch = mtp_session::service::MsgResendReq { msg_ids: MsgIds::new([r1.msg_id]) };
    let fetch = puppet.even_message(now, &fetch);
    server.take(&fetch);
    let packet = puppet.read(&server.packet());
    let again =
        packet.only(|read, message| matches!(message, Message::RpcResult(_)).then(|| read.clone()));
    assert_eq!((again.msg_id, again.seq_no, again.body), (r1.msg_id, r1.seq_no, r1.body));

    // The client's part: it asks for what it has not seen, and acknowledges only what it has.
    let (mut client, mut puppet) = open_client(quiet());
    let request = client.call(1);
    let packet = puppet.read(&client.packet());
    let c1 = packet.calls()[0].msg_id;
    let r1 = puppet.label(client.now, 1, true);
    let info = MsgDetailedInfo { msg_id: c1, answer_msg_id: r1.0, bytes: 1 << 16, status: 0 };
    let info = puppet.even_message(client.now, &info);
    client.take(&info);
    assert!(client.events().contains(&Told::Other(Event::Delivered { request })));
    let packet = puppet.read(&client.packet());
    assert!(acked(&packet).is_empty());
    packet.only(|_, message| match message {
        Message::MsgResendReq(asked) => {
            assert_eq!(asked.msg_ids.iter().collect::<Vec<_>>(), [r1.0]);
            Some(())
        }
        _ => None,
    });
    client.pass_s(31);
    client.silent();
    let packet = puppet.seal(r1, &result(c1, &TRUE));
    client.take(&packet);
    assert!(client.events().contains(&Told::Result(request, TRUE.to_vec())));
    client.pass_s(31);
    let packet = puppet.read(&client.packet());
    assert_eq!(acked(&packet), [r1.0]);
}

#[test]
fn server_forgot() {
    let (mut client, mut puppet) = open_client(quiet());
    let before = client.call(6);
    let packet = puppet.read(&client.packet());
    let c6 = packet.calls()[0].msg_id;
    client.pass_s(1);
    let request = client.call(7);
    let packet = puppet.read(&client.packet());
    let c7 = packet.calls()[0].msg_id;
    let created =
        NewSessionCreated { first_msg_id: c7, unique_id: 0x22, server_salt: Salt::from_raw(0x77) };
    let label = puppet.label(client.now, 3, true);
    let packet = puppet.seal(label, &created.to_bytes());
    client.take(&packet);
    let events = client.events();
    assert!(events.contains(&Told::Other(Event::SessionCreated { unique_id: 0x22 })));
    assert_eq!(client.session.salt(), Some(Salt::from_raw(0x77)));
    let again = puppet.read(&client.packet());
    assert_eq!(again.calls().len(), 1, "what came after is not sent again");
    assert_eq!(again.calls()[0].body, call(6));
    assert!(again.calls()[0].msg_id > c6);

    client.take(&packet);
    let events = client.events();
    assert!(matches!(
        events[..],
        [Told::Other(Event::Discarded { reason: Discard::Duplicate, .. })]
    ));
    client.silent();
    client.pass_s(31);
    assert_eq!(acked(&puppet.read(&client.transmit(LINK).unwrap()[0])), [label.0]);
    for (request, msg_id) in [(before, again.calls()[0].msg_id), (request, c7)] {
        let (_, answer) = puppet.odd_message(client.now, 1, &result(msg_id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Told::Result(request, TRUE.to_vec())));
    }
}

#[test]
fn late_smaller_id() {
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
    let now = server.now;
    let c8 = puppet.label(now, 0, true);
    let c9 = puppet.label(now, 0, true);
    let created = |packet: &Packet| {
        packet.only(|_, message| match message {
            Message::NewSessionCreated(created) => Some((created.first_msg_id, created.unique_id)),
            _ => None,
        })
    };
    let packet = puppet.seal(c9, &call(9));
    server.take(&packet);
    let first = created(&puppet.read(&server.packet()));
    let packet = puppet.seal(c8, &call(8));
    server.take(&packet);
    let second = created(&puppet.read(&server.packet()));
    assert_eq!((first.0, second.0, first.1), (c9.0, c8.0, second.1));
    assert_eq!(server.events().len(), 2, "both calls run");

    let (mut client, mut puppet) = Driven::ready_client(quiet());
    client.call(8);
    let c8 = puppet.read(&client.packet()).header.msg_id;
    client.call(9);
    let c9 = puppet.read(&client.packet()).header.msg_id;
    for (first_msg_id, calls) in [(c9, 1), (c8, 0)] {
        let created =
            NewSessionCreated { first_msg_id, unique_id: 5, server_salt: peers::FIRST_SALT };
        let (_, packet) = puppet.odd_message(client.now, 3, &created.to_bytes());
        client.take(&packet);
        let told = client.events().len();
        let sent = client.transmit(LINK).unwrap();
        // C8 was below C9 and may have been lost: it is sent again. The second news changes nothing.
        assert_eq!((told, sent.len()), (calls, calls));
    }
}

#[test]
fn duplicate_packet() {
    let (mut client, mut puppet) = open_client(quiet());
    let request = client.call(1);
    let c1 = puppet.read(&client.packet()).calls()[0].msg_id;
    let (r1, packet) = puppet.odd_message(client.now, 1, &result(c1, &TRUE));
    client.take(&packet);
    assert_eq!(client.events(), [Told::Result(request, TRUE.to_vec())]);
    client.pass_s(31);
    assert_eq!(acked(&puppet.read(&client.packet())), [r1]);
    client.take(&packet);
    let events = client.events();
    let duplicate = Event::Discarded { msg_id: r1, reason: Discard::Duplicate };
    assert_eq!(events, [Told::Other(duplicate)]);
    client.pass_s(31);
    assert_eq!(acked(&puppet.read(&client.packet())), [r1]);
}

#[test]
fn cancel() {
    let dropped = RpcAnswerDroppedRunning {}.to_bytes();
    let unknown = RpcAnswerUnknown {}.to_bytes();
    for crosses in [false, true] {
        let (mut client, mut puppet) = open_client(quiet());
        let request = client.call(1);
        let c1 = puppet.read(&client.packet()).calls()[0].msg_id;
        client.session.cancel(request).unwrap();
        assert_eq!(client.session.cancel(request), Err(SendError::UnknownCall));
        let packet = puppet.read(&client.packet());
        let d1 = packet.only(|read, message| match message {
            Message::RpcDropAnswer(wish) if wish.req_msg_id == c1 => Some(read.msg_id),
            _ => None,
        });
        let answers = if crosses {
            [result(c1, &TRUE), result(d1, &unknown)]
        } else {
            [result(d1, &dropped), result(c1, &dropped)]
        };
        let ids = answers.map(|answer| {
            let (id, packet) = puppet.odd_message(client.now, 1, &answer);
            client.take(&packet);
            id
        });
        let reached_user = |event: &Told| !matches!(event, Told::Other(Event::Discarded { .. }));
        assert!(!client.events().iter().any(reached_user));
        client.pass_s(31);
        assert_eq!(acked(&puppet.read(&client.packet())), ids);
    }

    // A server tells both times that the running call's answer was dropped.
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
    let (c1, packet) = puppet.odd_message(server.now, 0, &call(1));
    server.take(&packet);
    let Some(Told::Call(id, ..)) = server.events().pop() else { panic!() };
    server.packet();
    let wish = mtp_session::service::RpcDropAnswer { req_msg_id: c1 };
    let label = puppet.label(server.now, 0, false);
    let packet = puppet.seal(label, &wish.to_bytes());
    server.take(&packet);
    assert_eq!(server.events(), [Told::Other(Event::CallDropped { id })]);
    let to = |packet: &Packet| {
        packet.only(|read, message| match message {
            Message::RpcResult(result) if read.is_odd() => {
                Some((result.req_msg_id, result.result.as_bytes().to_vec()))
            }
            _ => None,
        })
    };
    assert_eq!(to(&puppet.read(&server.packet())), (label.0, dropped.clone()));
    server.session.respond(server.now, id, &TRUE).unwrap();
    assert_eq!(to(&puppet.read(&server.packet())), (c1, dropped));
}

#[test]
fn flood_wait() {
    let (mut client, mut puppet) = open_client(quiet());
    let request = client.call(1);
    let c1 = puppet.read(&client.packet()).calls()[0].msg_id;
    let error = mtp_session::service::RpcError::new(420, "FLOOD_WAIT_33").to_bytes();
    let (_, packet) = puppet.odd_message(client.now, 1, &result(c1, &error));
    client.take(&packet);
    assert_eq!(client.events(), [Told::RpcError(request, 420, "FLOOD_WAIT_33".to_owned())]);
    client.pass_s(29);
    client.silent();
    client.pass_s(4);
    let again = client.call(1);
    assert_ne!(again, request);
    assert!(puppet.read(&client.packet()).calls()[0].msg_id > c1);
}

#[test]
fn temporary_key_binding() {
    let (temp, perm) = (key(3), key(7));
    let mut client = Driven::client(init());
    let mut puppet = Puppet::new(&temp, Side::Server, client.session.session_id());
    let kind = KeyKind::Temporary { expires_at: start().unix, media: false };
    client.session.set_key(client.now, &established(&temp, kind));
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let waiting = client.call(1);
    client.silent();
    let config = client.request(&CALL, RequestOptions::new().bare());
    let inputs = BindInputs { perm_key: perm.clone(), expires_at: 1_700_086_400 };
    let bind = client.session.bind(client.now, inputs).unwrap();

    let check = |packet: &Packet| {
        let read = packet.calls().into_iter().find(|read| read.body.len() > 100).unwrap().clone();
        let fields = &read.body[4..24];
        let number = |at: usize| u64::from_le_bytes(fields[at..at + 8].try_into().unwrap());
        let binding = mtp_crypto::bind::Binding {
            perm_auth_key_id: mtp_crypto::AuthKeyId::from_raw(number(0)),
            nonce: number(8),
            expires_at: 1_700_086_400,
            temp_auth_key_id: temp.id(),
            temp_session_id: packet.header.session_id,
        };
        assert_eq!((binding.perm_auth_key_id, read.body.len()), (perm.id(), 132));
        mtp_crypto::bind::open_bind(&perm, read.msg_id, &binding, &read.body[25..][..104]).unwrap();
        (read.msg_id, read.body)
    };
    let packet = puppet.read(&client.packet());
    let (b1, body1) = check(&packet);
    let bodies: Vec<&[u8]> = packet.calls().iter().map(|read| &read.body[..]).collect();
    assert!(
        bodies.contains(&&CALL[..]) && bodies.len() == 2,
        "nothing else goes before: {bodies:?}"
    );

    let salt = Salt::from_raw(0x4e);
    let refusal = puppet.even_message(client.now, &bad_salt(b1, salt));
    client.take(&refusal);
    let packet = puppet.read(&client.packet());
    let (b2, body2) = check(&packet);
    assert!(b2 > b1 && body2 != body1 && packet.header.salt == salt);

    let (_, answer) = puppet.odd_message(client.now, 1, &result(b2, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Told::Result(bind, TRUE.to_vec())));
    let packet = puppet.read(&client.packet());
    let next = packet.calls()[0].clone();
    let (wrappers, query) = Wrappers::peel(&next.body).unwrap();
    assert!(wrappers.init.is_some() && query == call(1));
    let (_, answer) = puppet.odd_message(client.now, 1, &result(next.msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Told::Result(waiting, TRUE.to_vec())));
    client.session.cancel(config).unwrap();
}

#[test]
fn http_long_poll() {
    let wait = HttpWait { max_delay: 100, wait_after: 30, max_wait: 25_000 };
    let poll = LinkId::new(2);
    let mut config = quiet();
    config.client.http_poll = wait;
    let (mut client, _) = Driven::ready_client(config);
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, poll, LinkKind::HttpPoll);
    let (mut server, _) = Driven::ready_server(SessionConfig::server());
    let mut entropy = mtp_crypto::CtrEntropy::from_number(5);
    let mut as_server = Puppet::new(&key(3), Side::Server, client.session.session_id());
    let mut as_client = Puppet::new(&key(3), Side::Client, server.session.session_id());
    server.session.link_down(server.now, LINK);
    server.session.link_up(server.now, poll, LinkKind::Http);

    for round in 0..2 {
        let packets = client.transmit(poll).unwrap();
        assert_eq!(packets.len(), 1, "one at a time");
        let packet = as_server.read(&packets[0]);
        assert_eq!(packet.messages.len(), 1, "no acknowledgement of an empty container");
        assert_eq!(packet.messages[0].message(), Message::HttpWait(wait));
        assert!(!packet.messages[0].is_odd());
        // The same to a server, which holds its answer for 25 seconds.
        let request = as_client.even_message(server.now, &wait);
        server.session.handle_packet(server.now, poll, &mut request.clone()).unwrap();
        if round == 0 {
            // The session's greeting is news, so the first answer comes at once.
            server.pass(Duration::from_millis(30));
            let answer = as_client.read(&server.transmit(poll).unwrap()[0]);
            let greeting = answer.messages[0].clone();
            assert!(matches!(greeting.message(), Message::NewSessionCreated(_)));
            let acks = MsgsAck { msg_ids: MsgIds::new([greeting.msg_id]) }.to_bytes();
            let (a, b) =
                (as_client.label(server.now, 0, false), as_client.label(server.now, 0, false));
            let messages = [(a.0, a.1, &acks[..]), (b.0, b.1, &wait.to_bytes()[..])];
            let packet = as_client.seal_container(server.now, &messages);
            server.session.handle_packet(server.now, poll, &mut packet.clone()).unwrap();
        }
        server.pass(Duration::from_millis(24_999));
        assert_eq!(server.transmit(poll), Ok(Vec::new()));
        server.pass(Duration::from_millis(1));
        let answer = as_client.read(&server.transmit(poll).unwrap()[0]);
        assert!(answer.is_container && answer.messages.is_empty());
        // And the same to the client, which asks again.
        client.pass_s(25);
        assert_eq!(client.transmit(poll), Ok(Vec::new()));
        let empty = as_server.seal_container(client.now, &[]);
        client.session.handle_packet(client.now, poll, &mut empty.clone()).unwrap();
        assert_eq!(client.events(), []);
    }
    let mut out = Vec::new();
    assert!(client.session.poll_transmit(client.now, poll, &mut out, &mut entropy).is_some());
}

#[test]
fn destroy_key() {
    let (mut client, mut puppet) = open_client(quiet());
    let open = client.call(1);
    client.session.destroy_key();
    let packet = puppet.read(&client.packet());
    packet.only(|_, message| matches!(message, Message::DestroyAuthKey(_)).then_some(()));
    let answer = puppet.even_message(client.now, &DestroyAuthKeyOk {});
    client.take(&answer);
    let gone = Told::Other(Event::KeyDestroyed(KeyOutcome::Destroyed));
    let events = client.events();
    assert_eq!(events, [gone.clone(), failed(open, CallError::Closed)]);
    client.session.handle_transport_error(LINK, -404);
    assert!(!client.events().contains(&gone), "told once");
    client.session.link_up(client.now, LinkId::new(9), LinkKind::Stream);
    assert_eq!(client.transmit(LinkId::new(9)), Ok(Vec::new()));
    assert_eq!(
        client.session.request(client.now, &CALL, RequestOptions::new()),
        Err(SendError::Closed)
    );

    // A link's error in place of the answer means the same.
    let (mut client, _) = open_client(quiet());
    client.session.destroy_key();
    client.packet();
    client.session.handle_transport_error(LINK, -404);
    assert_eq!(client.events(), [gone]);
    assert!(client.session.is_closed());
}
