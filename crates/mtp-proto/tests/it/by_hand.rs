//! Client and server driven by hand: no socket, no clock, no system randomness.
//!
//! Goal: the path of a call, from the first byte of the key exchange to the answer, is a function of the
//! seed. Method: both ends exchange byte chunks in memory on a virtual clock; the
//! transcript of all bytes is compared between two runs with one seed, and between two seeds.
use core::time::Duration;
use std::sync::{Arc, OnceLock};

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::{Instant, Now, UnixTime};
use mtp_proto::{ClientConnection, ServerConnection};
use mtp_session::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent, RequestOptions,
};
use mtp_session::server::{
    ServerConfig, ServerEvent, ServerHandshakeConfig, ServerMachine, ServerSalts,
    ServerSessionEvent,
};
use mtp_transport::framing::Framing;
use mtp_transport::link::{ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack};

/// A call of no schema; the test itself answers it.
const QUESTION: [u8; 8] = *b"\x01\x02\x03\x04what";
const ANSWER: [u8; 12] = *b"\x05\x06\x07\x08that.  .";

#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    /// Every chunk that was written: its writer and its bytes.
    transcript: Vec<(&'static str, Vec<u8>)>,
    keys: usize,
    answers: Vec<Vec<u8>>,
}

fn server_key() -> RsaPrivateKey {
    static PEM: OnceLock<String> = OnceLock::new();
    let pem = PEM.get_or_init(|| {
        let mut entropy = CtrEntropy::from_number(99);
        RsaPrivateKey::generate(&mut entropy).unwrap().to_pkcs1_pem().to_string()
    });
    RsaPrivateKey::from_pem(pem).unwrap()
}

/// Plays a whole run; `chunk` is the number of bytes passed at once.
fn play(seed: u64, framing: Framing, chunk: usize) -> Run {
    let mut now = Now { mono: Instant::from_micros(0), unix: UnixTime::from_secs(1_790_000_000) };
    let entropy = |part: u64| Box::new(CtrEntropy::from_number(seed * 8 + part));
    let key = server_key();
    let client = ClientMachine::new(
        ClientConfig::new(DcId::new(2), [key.public().clone()].into()),
        now,
        None,
        entropy(0),
    );
    let link = ClientLink::new(now, ClientLinkConfig::new(Stack::Plain(framing)), entropy(1));
    let mut client = ClientConnection::new(now, link, client);
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key].into());
    let server = ServerMachine::new(
        ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32]))),
        entropy(2),
    );
    let link = ServerLink::new(now, ServerLinkConfig::default(), entropy(3));
    let mut server = ServerConnection::new(now, link, server);

    let mut run = Run::default();
    client.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
    for _ in 0..200 {
        let mut moved = false;
        for sender in ["client", "server"] {
            serve_events(&mut server, now, &mut run);
            client_events(&mut client, &mut run);
            let mut bytes = Vec::new();
            let wrote = match sender {
                "client" => client.poll_transmit(now, &mut bytes),
                _ => server.poll_transmit(now, &mut bytes),
            };
            assert_eq!(wrote, !bytes.is_empty());
            moved |= wrote;
            for part in bytes.chunks(chunk) {
                match sender {
                    "client" => server.handle_bytes(now, part).unwrap(),
                    _ => client.handle_bytes(now, part).unwrap(),
                }
            }
            if wrote {
                run.transcript.push((sender, bytes));
            }
        }
        if !moved && !run.answers.is_empty() {
            return run;
        }
        now = now.after(Duration::from_millis(20));
        if client.poll_timeout().is_some_and(|deadline| deadline.is_due(now)) {
            client.handle_timeout(now).unwrap();
        }
        if server.poll_timeout().is_some_and(|deadline| deadline.is_due(now)) {
            server.handle_timeout(now).unwrap();
        }
    }
    panic!("no answer within 4 s of virtual time");
}

/// The server's application: it answers the question.
fn serve_events(server: &mut ServerConnection, now: Now, run: &mut Run) {
    loop {
        let call = match server.server_mut().poll_event() {
            None => return,
            Some(ServerEvent::KeyCreated { .. }) => {
                run.keys += 1;
                continue;
            }
            Some(ServerEvent::Session {
                session,
                event: ServerSessionEvent::Call { id, query, .. },
            }) => {
                assert_eq!(query, QUESTION);
                (session, id)
            }
            Some(_) => continue,
        };
        server.server_mut().answer(now, call.0, call.1, &ANSWER).unwrap();
    }
}

fn client_events(client: &mut ClientConnection, run: &mut Run) {
    while let Some(event) = client.client_mut().poll_event() {
        if let ClientEvent::Session(ClientSessionEvent::Result { body, .. }) = event {
            run.answers.push(body.to_vec());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = play(1, Framing::Intermediate, usize::MAX);
    assert_eq!(run.answers, [ANSWER.to_vec()]);
    assert_eq!(run.keys, 2, "a permanent and a temporary key");
    assert_eq!(run, play(1, Framing::Intermediate, usize::MAX));
}

#[test]
fn another_seed_gives_another_run() {
    let (one, other) = (play(1, Framing::Intermediate, 64), play(2, Framing::Intermediate, 64));
    assert_eq!(one.answers, other.answers);
    assert_ne!(one.transcript, other.transcript);
}

#[test]
fn chunking_does_not_change_the_run() {
    for framing in Framing::ALL {
        let whole = play(3, framing, usize::MAX);
        assert_eq!(whole, play(3, framing, 1), "{framing:?}");
    }
}
