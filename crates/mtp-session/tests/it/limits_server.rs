//! Limits of a server session, each tested one below, at and one above.
//!
//! Method: a puppet client sends calls and acknowledgments, or nothing; time passes from deadline to deadline.

use std::time::Duration;

use mtp_crypto::MsgId;
use mtp_session::link::LinkId;
use mtp_session::server::{ServerSessionConfig, ServerSessionEvent};
use mtp_session::service::{Message, MsgIds, MsgsAck, Ping, RpcError};
use mtp_session::session::{LinkKind, PacketError};

use crate::peers::{DrivenServer, LINK, Observed, Puppet, Read, call, update};
use crate::support::around;

/// `invokeAfterMsg`
const INVOKE_AFTER_MSG: u32 = 0xcb9f_372d;

/// Returns the messages that the server sends on a link.
fn messages(server: &mut DrivenServer, puppet: &mut Puppet, link: LinkId) -> Vec<Read> {
    let packets = server.transmit(link).expect("the link stays open");
    packets.iter().flat_map(|packet| puppet.read(packet).messages).collect()
}

/// Returns the calls that were answered with an error.
fn errors(server: &mut DrivenServer, puppet: &mut Puppet) -> Vec<(MsgId, i32, String)> {
    let error = |read: &Read| match read.message() {
        Message::RpcResult(result) => {
            let error = RpcError::parse(result.result.as_bytes()).ok()?;
            Some((result.req_msg_id, error.code(), error.message().to_owned()))
        }
        _ => None,
    };
    messages(server, puppet, LINK).iter().filter_map(error).collect()
}

// spec: session 10
#[test]
fn running_time_of_a_call_is_limited() {
    for (waited, is_over) in around(Duration::from_secs(7)) {
        let mut config = ServerSessionConfig::default();
        config.answer_timeout = Duration::from_secs(7);
        let (mut server, mut puppet) = DrivenServer::ready_server(config);
        let (msg_id, packet) = puppet.odd_message(server.now, 0, &call(1));
        server.take(&packet);
        let [Observed::Call(id, ..)] = server.events()[..] else { panic!("no call") };
        server.idle(server.now.after(waited));
        let timed_out = Observed::Server(ServerSessionEvent::CallTimedOut { id });
        assert_eq!(server.events().contains(&timed_out), is_over, "{waited:?}");
        let error = is_over.then(|| (msg_id, -503, "Timeout".to_owned()));
        assert_eq!(Vec::from_iter(error), errors(&mut server, &mut puppet), "{waited:?}");
        let answered = server.session.answer(server.now, id, &update(1));
        assert_eq!(answered.is_err(), is_over, "{waited:?}");
    }
}

// spec: session 9
#[test]
fn wait_of_a_call_for_its_predecessor_is_limited() {
    for (waited, is_over) in around(Duration::from_secs(2)) {
        let mut config = ServerSessionConfig::default();
        config.after_timeout = Duration::from_secs(2);
        let (mut server, mut puppet) = DrivenServer::ready_server(config);
        let (first, packet) = puppet.odd_message(server.now, 0, &call(1));
        server.take(&packet);
        let [Observed::Call(running, ..)] = server.events()[..] else { panic!("no call") };
        let after = [&INVOKE_AFTER_MSG.to_le_bytes()[..], &first.to_le_bytes(), &call(2)].concat();
        let (waiting, packet) = puppet.odd_message(server.now, 0, &after);
        server.take(&packet);
        assert_eq!(server.events(), []);
        server.idle(server.now.after(waited));
        let error = is_over.then(|| (waiting, 400, "MSG_WAIT_TIMEOUT".to_owned()));
        assert_eq!(Vec::from_iter(error), errors(&mut server, &mut puppet), "{waited:?}");
        server.session.answer(server.now, running, &update(1)).unwrap();
        let released =
            matches!(server.events()[..], [Observed::Call(id, ..)] if id.msg_id() == waiting);
        assert_eq!(released, !is_over, "{waited:?}");
    }
}

// spec: session 8.20
#[test]
fn bytes_of_unacknowledged_pushes_are_limited() {
    for (max, kept) in [(23, 2), (24, 3), (25, 3)] {
        let mut config = ServerSessionConfig::default();
        config.unacked_bytes_max = max;
        let (mut server, mut puppet) = DrivenServer::ready_server(config);
        for number in 0..kept {
            assert!(server.session.wants_packets(), "{number} of {max}");
            server.session.push(server.now, &update(number)).unwrap();
            assert!(server.events().is_empty(), "{number} of {max}");
        }
        assert_eq!(server.session.wants_packets(), max != 24, "full at the limit: {max}");
        server.session.push(server.now, &update(kept)).unwrap();
        let count = usize::try_from(kept).unwrap() + 1;
        let dropped = Observed::Server(ServerSessionEvent::PushesDropped { count });
        assert_eq!(server.events(), [dropped], "{max}");
        let bodies: Vec<_> = messages(&mut server, &mut puppet, LINK);
        let bodies: Vec<_> = bodies.iter().map(|read| &read.body[..]).collect();
        let too_long = 0xe317_af7e_u32.to_le_bytes();
        assert_eq!(bodies, [&too_long[..]], "{max}");
    }
}

// spec: session 13
#[test]
fn store_may_be_full_for_a_limited_time() {
    for (waited, is_over) in around(Duration::from_secs(9)) {
        let mut config = ServerSessionConfig::default();
        config.unacked_max = 2;
        config.full_max = Duration::from_secs(9);
        let (mut server, mut puppet) = DrivenServer::ready_server(config);
        server.session.push(server.now, &update(0)).unwrap();
        messages(&mut server, &mut puppet, LINK);
        // One below the limit of the store, time does not matter.
        server.idle(server.now.after(Duration::from_secs(20)));
        assert!(!server.session.is_closed());
        server.session.push(server.now, &update(1)).unwrap();
        messages(&mut server, &mut puppet, LINK);
        server.idle(server.now.after(waited));
        assert_eq!(server.session.is_closed(), is_over, "{waited:?}");
        let gone = Observed::Server(ServerSessionEvent::SessionGone);
        assert_eq!(server.events().contains(&gone), is_over, "{waited:?}");
    }
}

/// Acknowledges messages; returns how many pushes among them the server had kept.
fn acknowledge(server: &mut DrivenServer, puppet: &mut Puppet, sent: &[Read]) -> usize {
    let acks = MsgsAck { msg_ids: MsgIds::new(sent.iter().map(|read| read.msg_id)) };
    let packet = puppet.even_message(server.now, &acks);
    server.take(&packet);
    let is_acked =
        |event: &Observed| matches!(event, Observed::Server(ServerSessionEvent::PushAcked { .. }));
    server.events().iter().filter(|event| is_acked(event)).count()
}

// spec: session 13
#[test]
fn acknowledgment_begins_the_time_of_a_full_store_anew() {
    let mut config = ServerSessionConfig::default();
    config.unacked_max = 1;
    config.full_max = Duration::from_secs(9);
    let (mut server, mut puppet) = DrivenServer::ready_server(config);
    let ping = puppet.even_message(server.now, &Ping { ping_id: 1 });
    server.take(&ping);
    let greeting = messages(&mut server, &mut puppet, LINK);
    assert_eq!(acknowledge(&mut server, &mut puppet, &greeting), 0);
    for number in 0..10 {
        // The store is full again before a timer has found it otherwise.
        server.session.push(server.now, &update(number)).unwrap();
        let sent = messages(&mut server, &mut puppet, LINK);
        assert!(sent.iter().any(|read| read.body == update(number)), "{sent:?}");
        server.idle(server.now.after(Duration::from_secs(5)));
        assert!(!server.session.is_closed(), "{number}");
        assert_eq!(acknowledge(&mut server, &mut puppet, &sent), 1);
    }
}

/// Waits until the server has no more to do; returns how often it sends a message with this body.
fn times_sent(server: &mut DrivenServer, puppet: &mut Puppet, link: LinkId, body: &[u8]) -> usize {
    let mut times = 0;
    for _ in 0..100 {
        let sent = messages(server, puppet, link);
        times += sent.iter().filter(|read| read.body == body).count();
        let Some(deadline) = server.session.poll_timeout() else { return times };
        server.pass(deadline.at.saturating_since(server.now.mono));
        server.session.handle_timeout(server.now);
    }
    panic!("the server never stops");
}

// spec: session 13
#[test]
fn repetitions_of_a_message_on_one_link_are_limited() {
    for max in [0, 1, 4, 5, 6] {
        let mut config = ServerSessionConfig::default();
        config.repeats_max = max;
        let (mut server, mut puppet) = DrivenServer::ready_server(config);
        server.session.push(server.now, &update(1)).unwrap();
        let first_and_repeated = 1 + usize::from(max);
        let times = times_sent(&mut server, &mut puppet, LINK, &update(1));
        assert_eq!(times, first_and_repeated, "{max}");
        // The next link carries it once, and as often again.
        let next = LinkId::new(2);
        server.session.link_down(server.now, LINK);
        server.session.link_up(server.now, next, LinkKind::Stream);
        let times = times_sent(&mut server, &mut puppet, next, &update(1));
        assert_eq!(times, first_and_repeated, "{max}");
    }
}

/// Sends calls to a server whose application takes no events; returns how many are accepted.
fn accepted(event_bytes_max: usize) -> usize {
    let mut config = ServerSessionConfig::default();
    config.event_bytes_max = event_bytes_max;
    let (mut server, mut puppet) = DrivenServer::ready_server(config);
    for count in 0.. {
        let (_, mut packet) = puppet.odd_message(server.now, 0, &call(1));
        let before = packet.clone();
        let wanted = server.session.wants_packets();
        let result = server.session.handle_packet(server.now, LINK, &mut packet);
        assert_eq!(result.is_ok(), wanted, "{count} of {event_bytes_max}");
        if let Err(error) = result {
            assert_eq!(error, PacketError::Backlog);
            // The application catches up, and the packet is accepted.
            assert_eq!(server.events().len(), count);
            server.take(&before);
            assert_eq!(server.events().len(), 1);
            return count;
        }
    }
    unreachable!("the loop has no end")
}

// spec: session 11.7
#[test]
fn bytes_of_waiting_events_of_a_server_are_limited() {
    // What one event takes.
    let one = (0..10_000).find(|max| accepted(*max) == 2).expect("an event has a size");
    assert!(one > call(1).len());
    for (max, count) in [(0, 1), (3 * one - 1, 3), (3 * one, 4), (3 * one + 1, 4)] {
        assert_eq!(accepted(max), count, "{max}, where one takes {one}");
    }
}
