//! One connection: its bytes, its end, and the machine that outlives it.
//!
//! Goal: a machine survives its links. Method: a client and a server as
//! [`Connection`](mtp_proto::Connection)s, all bytes moved by hand on a virtual clock.
use core::time::Duration;

use super::peers::{
    QUESTION, answer, answers, begin, client_link, connection, server, server_link,
};
use mtp_env::Now;
use mtp_proto::{ClientConnection, ConnectionError, ServerConnection};
use mtp_session::client::{ClientEvent, ClientSessionEvent, RequestOptions};
use mtp_transport::link::{HANDSHAKE_TIMEOUT, LinkError};

fn server_connection(now: Now) -> ServerConnection {
    ServerConnection::new(now, server_link(now, 20), server())
}

/// Makes a call and moves bytes until it is answered; all input goes through `spare` and `filled`.
fn ask(client: &mut ClientConnection, server: &mut ServerConnection, mut now: Now) -> Now {
    client.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
    for _ in 0..200 {
        let mut bytes = Vec::new();
        if client.poll_transmit(now, &mut bytes) {
            for part in bytes.chunks(700) {
                server.spare(part.len()).get_mut(..part.len()).unwrap().copy_from_slice(part);
                server.filled(now, part.len()).unwrap();
            }
        }
        answer(server.server_mut(), now);
        let mut bytes = Vec::new();
        if server.poll_transmit(now, &mut bytes) {
            for part in bytes.chunks(700) {
                client.spare(part.len()).get_mut(..part.len()).unwrap().copy_from_slice(part);
                client.filled(now, part.len()).unwrap();
            }
        }
        if answers(client.client_mut()) > 0 {
            return now;
        }
        now = now.after(Duration::from_millis(20));
        client.handle_timeout(now).unwrap();
        server.handle_timeout(now).unwrap();
    }
    panic!("no answer within 4 s of virtual time");
}

#[test]
fn both_machines_continue_over_a_fresh_link() {
    let now = begin();
    let (mut client, mut server) = (connection(now, 1), server_connection(now));
    let mut now = ask(&mut client, &mut server, now);
    for seed in 30..33 {
        // The link ends on one side silently; the other side learns of it by a new link.
        server.handle_eof(now).unwrap();
        assert!(server.is_ending() && !server.is_closed());
        server = ServerConnection::new(now, server_link(now, seed), server.into_server());
        client.reconnect(now, client_link(now, seed));
        now = ask(&mut client, &mut server, now);
    }
    assert!(client.client().is_ready());
}

#[test]
fn a_closed_connection_drains_output_and_ignores_input() {
    let now = begin();
    let (mut client, mut server) = (connection(now, 1), server_connection(now));
    let now = ask(&mut client, &mut server, now);
    client.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
    let mut bytes = Vec::new();
    assert!(client.poll_transmit(now, &mut bytes));
    server.close(now);
    assert!(server.is_ending() && !server.is_closed(), "output may still have to be written");
    server.handle_bytes(now, &bytes).unwrap();
    assert!(server.server_mut().poll_event().is_none());
    let mut out = Vec::new();
    while server.poll_transmit(now, &mut out) {}
    assert!(server.is_closed());
}

// spec: transport 3
#[test]
fn a_call_is_acknowledged_before_it_is_answered() {
    let now = begin();
    let (mut client, mut server) = (connection(now, 1), server_connection(now));
    let now = ask(&mut client, &mut server, now);
    let options = RequestOptions::new().quick_ack();
    let call = client.client_mut().request(now, &QUESTION, options).unwrap();
    let mut bytes = Vec::new();
    assert!(client.poll_transmit(now, &mut bytes));
    server.handle_bytes(now, &bytes).unwrap();
    bytes.clear();
    assert!(server.poll_transmit(now, &mut bytes));
    assert_eq!(bytes.len(), 4, "the token alone: the call is not answered");
    client.handle_bytes(now, &bytes).unwrap();
    let event = client.client_mut().poll_event();
    let Some(ClientEvent::Session(ClientSessionEvent::QuickAcked { request })) = event else {
        panic!("{event:?}")
    };
    assert_eq!(request, call);
}

#[test]
fn a_silent_link_is_closed_at_its_handshake_deadline() {
    let now = begin();
    let mut server = server_connection(now);
    assert_eq!(server.poll_timeout().unwrap().at, now.after(HANDSHAKE_TIMEOUT).mono);
    server
        .handle_timeout(now.after(HANDSHAKE_TIMEOUT.saturating_sub(Duration::from_micros(1))))
        .unwrap();
    assert!(!server.is_ending());
    let due = now.after(HANDSHAKE_TIMEOUT);
    let Err(ConnectionError::Link(why)) = server.handle_timeout(due) else { panic!("no end") };
    assert_eq!(why, LinkError::HandshakeTimeout);
    assert!(server.is_ending());
    server.handle_timeout(due).unwrap();
    assert_eq!(server.poll_timeout().map(|deadline| deadline.at), None);
}

#[test]
fn a_link_that_goes_silent_is_closed_by_the_client() {
    let now = begin();
    let (mut client, mut server) = (connection(now, 1), server_connection(now));
    let mut now = ask(&mut client, &mut server, now);
    client.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
    let asked = now;
    while !client.is_closed() {
        // All output is lost silently.
        while client.poll_transmit(now, &mut Vec::new()) {}
        if !client.is_ending() {
            let deadline = client.poll_timeout().expect("a call is open");
            now = now.after(deadline.at.saturating_since(now.mono));
            client.handle_timeout(now).unwrap();
        }
        assert!(now.mono.saturating_since(asked.mono) < Duration::from_secs(300));
    }
}

#[test]
fn an_error_is_printed_once_and_closes_the_link() {
    let now = begin();
    let mut server = server_connection(now);
    // Intermediate framing, and in it a packet under an unknown key, shorter than any valid one.
    let mut bytes = vec![0xee; 4];
    bytes.extend(24_u32.to_le_bytes());
    bytes.extend([7; 24]);
    let error = server.handle_bytes(now, &bytes).unwrap_err();
    assert_eq!(error.to_string(), "unknown key 0707070707070707");
    assert!(core::error::Error::source(&error).is_none(), "the text is printed once");
    // The client gets a transport error, which is the last output.
    let mut told = Vec::new();
    assert!(server.poll_transmit(now, &mut told));
    assert_eq!(told, [4_i32.to_le_bytes(), (-404_i32).to_le_bytes()].concat());
    assert!(server.is_ending() && !server.poll_transmit(now, &mut told) && server.is_closed());
    let mut server = server_connection(now);
    let mut bytes = vec![0xee; 4];
    bytes.extend(0_u32.to_le_bytes());
    let error = server.handle_bytes(now, &bytes).unwrap_err();
    assert_eq!(error.to_string(), "empty frame");
    assert!(matches!(error, ConnectionError::Link(LinkError::Frame(_))), "{error:?}");
    assert!(server.is_ending(), "the rest of the stream cannot be framed");
}
