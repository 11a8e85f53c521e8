//! Many links on one machine: each keeps its own state, time and end.
//!
//! Goal: what a hub reports about its links is true, also when they fail. Method: a hub with a server,
//! clients as [`Connection`](mtp_proto::Connection)s, all bytes moved by hand on a virtual clock.

use core::time::Duration;

use super::peers::{
    QUESTION, answer, answers, begin, client_link, connection, server, server_link,
};
use mtp_env::Now;
use mtp_proto::ClientConnection;
use mtp_server::Hub;
use mtp_server::proto::ConnectionError;
use mtp_session::client::RequestOptions;
use mtp_session::link::LinkId;
use mtp_transport::code::TransportCode;
use mtp_transport::link::{HANDSHAKE_TIMEOUT, LinkError};

fn hub() -> Hub {
    Hub::new(server())
}

fn accept(hub: &mut Hub, now: Now) -> LinkId {
    let seed = 10 + hub.links() as u64;
    hub.accept(now, server_link(now, seed))
}

/// Moves bytes between clients and their links until all clients have an answer.
fn run_until_answered(
    hub: &mut Hub,
    pairs: &mut [(LinkId, ClientConnection)],
    mut now: Now,
) -> Now {
    for (_, client) in pairs.iter_mut() {
        client.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
    }
    let mut open: Vec<_> = pairs.iter().map(|(link, _)| *link).collect();
    for _ in 0..200 {
        for (link, client) in pairs.iter_mut() {
            let mut bytes = Vec::new();
            if client.poll_transmit(now, &mut bytes) {
                hub.handle_bytes(now, *link, &bytes).unwrap();
            }
            answer(hub.server_mut(), now);
            let mut bytes = Vec::new();
            if hub.poll_transmit(now, *link, &mut bytes) {
                client.handle_bytes(now, &bytes).unwrap();
            }
            if answers(client.client_mut()) > 0 {
                open.retain(|other| other != link);
            }
        }
        if open.is_empty() {
            return now;
        }
        now = now.after(Duration::from_millis(20));
        hub.handle_timeout(now);
    }
    panic!("no answer within 4 s of virtual time");
}

#[test]
fn each_link_gets_its_own_answer() {
    let (mut hub, now) = (hub(), begin());
    let mut pairs: Vec<_> =
        (0..3).map(|seed| (accept(&mut hub, now), connection(now, seed))).collect();
    assert_eq!(hub.links(), 3);
    let now = run_until_answered(&mut hub, &mut pairs, now);
    let ids: Vec<_> = pairs.iter().map(|(link, _)| *link).collect();
    assert_eq!(ids, [LinkId::new(0), LinkId::new(1), LinkId::new(2)]);
    assert!(ids.iter().all(|link| hub.server().has_session(*link)));

    let (one, mut client) = pairs.swap_remove(1);
    hub.remove(now, one);
    assert_eq!(hub.links(), 2);
    assert!(!hub.server().has_session(one));
    assert!(hub.server().has_session(ids[0]));
    // The client returns on a new link with a new name.
    client.reconnect(now, client_link(now, 7));
    let again = accept(&mut hub, now);
    assert_eq!(again, LinkId::new(3), "names are not reused");
    run_until_answered(&mut hub, &mut [(again, client)], now);
}

#[test]
fn bytes_may_be_read_into_spare_room() {
    let (mut hub, now) = (hub(), begin());
    let link = accept(&mut hub, now);
    let mut bytes = Vec::new();
    assert!(connection(now, 1).poll_transmit(now, &mut bytes));
    for byte in &bytes {
        let room = hub.spare(link, 1).unwrap();
        *room.first_mut().unwrap() = *byte;
        hub.filled(now, link, 1).unwrap();
    }
    let mut answer = Vec::new();
    assert!(hub.poll_transmit(now, link, &mut answer), "the query was complete");
    assert!(!answer.is_empty());
}

#[test]
fn a_silent_link_is_closed_at_its_handshake_deadline() {
    let (mut hub, now) = (hub(), begin());
    let early = accept(&mut hub, now);
    let later = now.after(Duration::from_secs(3));
    let late = accept(&mut hub, later);
    let deadline = hub.poll_timeout().unwrap();
    assert_eq!(deadline.at, now.after(HANDSHAKE_TIMEOUT).mono, "the earliest of both");

    let almost = now.after(HANDSHAKE_TIMEOUT.saturating_sub(Duration::from_micros(1)));
    hub.handle_timeout(almost);
    assert_eq!((hub.is_ending(early), hub.poll_link()), (false, None));
    let due = now.after(HANDSHAKE_TIMEOUT);
    hub.handle_timeout(due);
    assert_eq!((hub.is_ending(early), hub.is_ending(late)), (true, false));
    assert_eq!((hub.poll_link(), hub.poll_link()), (Some(early), None), "named once");
    assert!(!hub.is_closed(early), "the last output can still be written");
    let mut bytes = Vec::new();
    while hub.poll_transmit(due, early, &mut bytes) {}
    assert!(hub.is_closed(early));
    assert_eq!(hub.poll_timeout().unwrap().at, later.after(HANDSHAKE_TIMEOUT).mono);
    hub.remove(due, late);
    hub.remove(due, early);
    assert_eq!((hub.links(), hub.poll_timeout().map(|deadline| deadline.at)), (0, None));
}

#[test]
fn a_link_with_a_known_transport_has_no_handshake_deadline() {
    let (mut hub, now) = (hub(), begin());
    let link = accept(&mut hub, now);
    assert!(!hub.can_tell(link));
    let mut bytes = Vec::new();
    assert!(connection(now, 1).poll_transmit(now, &mut bytes));
    hub.handle_bytes(now, link, &bytes).unwrap();
    assert!(hub.can_tell(link), "the first bytes identify the framing");
    let due = now.after(HANDSHAKE_TIMEOUT);
    assert!(hub.poll_timeout().is_none_or(|deadline| deadline.reason != "handshake"));
    hub.handle_timeout(due);
    assert!(!hub.is_ending(link));
}

#[test]
fn a_removed_link_is_not_returned_by_poll_link() {
    let (mut hub, now) = (hub(), begin());
    let (one, other) = (accept(&mut hub, now), accept(&mut hub, now));
    let due = now.after(HANDSHAKE_TIMEOUT);
    hub.handle_timeout(due);
    hub.remove(due, one);
    assert_eq!((hub.poll_link(), hub.poll_link()), (Some(other), None));
}

#[test]
fn a_closed_link_drains_output_and_ignores_input() {
    let (mut hub, now) = (hub(), begin());
    let link = accept(&mut hub, now);
    let mut pairs = [(link, connection(now, 1))];
    let now = run_until_answered(&mut hub, &mut pairs, now);
    hub.close(now, link);
    assert!(!hub.server().has_session(link), "the machine has removed it too");
    assert_eq!((hub.is_ending(link), hub.is_closed(link)), (true, false));
    let [(_, client)] = &mut pairs;
    client.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
    let mut bytes = Vec::new();
    assert!(client.poll_transmit(now, &mut bytes));
    hub.handle_bytes(now, link, &bytes).unwrap();
    assert!(hub.server_mut().poll_event().is_none(), "input after the end is ignored");
    let mut out = Vec::new();
    assert!(!hub.poll_transmit(now, link, &mut out));
    assert!(hub.is_closed(link));
}

#[test]
fn end_of_input_is_an_error_only_inside_a_frame() {
    let (mut hub, now) = (hub(), begin());
    let mut bytes = Vec::new();
    assert!(connection(now, 1).poll_transmit(now, &mut bytes));
    let whole = accept(&mut hub, now);
    hub.handle_bytes(now, whole, &bytes).unwrap();
    hub.handle_eof(now, whole).unwrap();
    let cut = accept(&mut hub, now);
    hub.handle_bytes(now, cut, bytes.get(..bytes.len() - 1).unwrap()).unwrap();
    let Err(ConnectionError::Link(LinkError::Frame(why))) = hub.handle_eof(now, cut) else {
        panic!("a frame without its end passes")
    };
    assert!(why.to_string().contains("ended"), "{why}");
    assert!(hub.is_ending(whole) && hub.is_ending(cut));
    hub.handle_eof(now, cut).unwrap();
}

#[test]
fn a_refusal_sends_an_error_if_the_transport_is_known() {
    let (mut hub, now) = (hub(), begin());
    let (silent, speaking) = (accept(&mut hub, now), accept(&mut hub, now));
    let mut client = connection(now, 1);
    let mut bytes = Vec::new();
    assert!(client.poll_transmit(now, &mut bytes));
    hub.handle_bytes(now, speaking, &bytes).unwrap();
    for link in [silent, speaking] {
        hub.refuse(now, link, TransportCode::FLOOD);
    }
    let mut out = Vec::new();
    assert!(!hub.poll_transmit(now, silent, &mut out), "its transport is unknown");
    assert!(hub.is_closed(silent));
    while hub.poll_transmit(now, speaking, &mut out) {}
    assert!(hub.is_closed(speaking));
    assert_eq!(out.get(out.len() - 4..).unwrap(), (-429_i32).to_le_bytes());
}

#[test]
fn a_cut_link_is_removed_and_returned_by_poll_link() {
    let (mut hub, now) = (hub(), begin());
    let (gone, stays) = (accept(&mut hub, now), accept(&mut hub, now));
    hub.cut(now, gone);
    assert_eq!((hub.poll_link(), hub.poll_link()), (Some(gone), None));
    assert_eq!(hub.links(), 1);
    assert!(hub.is_closed(gone) && !hub.is_closed(stays));
}

#[test]
fn input_memory_is_counted_and_released() {
    let (mut hub, now) = (hub(), begin());
    let link = accept(&mut hub, now);
    let mut bytes = Vec::new();
    assert!(connection(now, 1).poll_transmit(now, &mut bytes));
    let (most, last) = bytes.split_at(bytes.len() - 1);
    hub.handle_bytes(now, link, most).unwrap();
    assert!(hub.held(link) >= most.len() - 4, "an incomplete frame is buffered");
    hub.release(link);
    hub.handle_bytes(now, link, last).unwrap();
    let mut out = Vec::new();
    assert!(hub.poll_transmit(now, link, &mut out), "a release loses no buffered input");
    hub.release(link);
    assert_eq!(hub.held(link), 0);
}

#[test]
fn verbs_for_a_link_that_is_gone_do_nothing() {
    let (mut hub, now, gone) = (hub(), begin(), LinkId::new(5));
    assert!(hub.spare(gone, 1).is_none());
    hub.filled(now, gone, 1).unwrap();
    hub.handle_bytes(now, gone, &[0; 100]).unwrap();
    hub.handle_eof(now, gone).unwrap();
    hub.close(now, gone);
    hub.refuse(now, gone, TransportCode::FLOOD);
    hub.release(gone);
    hub.remove(now, gone);
    let mut out = Vec::new();
    assert!(!hub.poll_transmit(now, gone, &mut out));
    assert!(hub.is_closed(gone) && hub.is_ending(gone) && !hub.can_tell(gone));
    assert_eq!((hub.held(gone), hub.links(), hub.poll_link()), (0, 0, None));
}
