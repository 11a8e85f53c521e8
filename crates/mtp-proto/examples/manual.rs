//! Client and server driven by hand in memory: no socket, no clock, no system randomness.
//!
//! `cargo run -p mtp-proto --example manual` prints the same at every run.

use core::error::Error;
use core::time::Duration;
use std::sync::Arc;

use mtp_proto::crypto::exchange::RsaPrivateKey;
use mtp_proto::crypto::{CtrEntropy, DcId};
use mtp_proto::env::{Instant, Now, UnixTime};
use mtp_proto::session::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent, RequestOptions,
};
use mtp_proto::session::server::{
    ServerConfig, ServerEvent, ServerHandshakeConfig, ServerMachine, ServerSalts,
    ServerSessionEvent,
};
use mtp_proto::transport::framing::Framing;
use mtp_proto::transport::link::{
    ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack,
};
use mtp_proto::{ClientConnection, ServerConnection};

const DC: DcId = DcId::new(2);

fn main() -> Result<(), Box<dyn Error>> {
    // The whole environment: a time that we advance, and randomness from a seed.
    let mut now = Now { mono: Instant::from_micros(0), unix: UnixTime::from_secs(1_800_000_000) };
    let entropy = |number| Box::new(CtrEntropy::from_number(number));
    let key = RsaPrivateKey::generate(&mut CtrEntropy::from_number(1))?;

    let link =
        ClientLink::new(now, ClientLinkConfig::new(Stack::Plain(Framing::Abridged)), entropy(2));
    let config = ClientConfig::new(DC, [key.public().clone()].into());
    let mut client =
        ClientConnection::new(now, link, ClientMachine::new(config, now, None, entropy(3)));

    let link = ServerLink::new(now, ServerLinkConfig::default(), entropy(4));
    let handshake = ServerHandshakeConfig::new(DC, [key].into());
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    let mut server = ServerConnection::new(now, link, ServerMachine::new(config, entropy(5)));

    // A call may be made at once; it is sent when there is a key.
    client.client_mut().request(now, b"ping it now!", RequestOptions::new())?;
    let mut bytes = Vec::new();
    for _ in 0..100 {
        if take_client_events(&mut client) {
            return Ok(());
        }
        bytes.clear();
        if client.poll_transmit(now, &mut bytes) {
            println!("{:>5} bytes to the server", bytes.len());
            server.handle_bytes(now, &bytes)?;
        }
        answer_calls(&mut server, now)?;
        bytes.clear();
        if server.poll_transmit(now, &mut bytes) {
            println!("{:>5} bytes to the client", bytes.len());
            client.handle_bytes(now, &bytes)?;
        }
        now = now.after(Duration::from_millis(10));
        client.handle_timeout(now)?;
        server.handle_timeout(now)?;
    }
    Err("no answer within a second of virtual time".into())
}

/// Prints events; returns `true` once the call is answered.
fn take_client_events(client: &mut ClientConnection) -> bool {
    while let Some(event) = client.client_mut().poll_event() {
        match event {
            ClientEvent::KeyCreated { established } => println!("client: {established:?}"),
            ClientEvent::Ready => println!("client: calls flow"),
            ClientEvent::Session(ClientSessionEvent::Result { body, .. }) => {
                println!("client: the answer is {:?}", String::from_utf8_lossy(body));
                return true;
            }
            _ => {}
        }
    }
    false
}

fn answer_calls(server: &mut ServerConnection, now: Now) -> Result<(), Box<dyn Error>> {
    while let Some(event) = server.server_mut().poll_event() {
        if let ServerEvent::Session { session, event: ServerSessionEvent::Call { id, query, .. } } =
            event
        {
            println!("server: was asked {:?}", String::from_utf8_lossy(query));
            server.server_mut().answer(now, session, id, b"pong, pong, pong")?;
        }
    }
    Ok(())
}
