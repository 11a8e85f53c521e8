//! The README's client, against a server on a thread.
//!
//! `cargo run -p mtp-proto --example readme`; it also runs as a documentation test.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "an example is a driver")]
#![allow(clippy::std_instead_of_core, reason = "the README imports from one place")]

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use mtp_proto::ClientConnection;
use mtp_proto::crypto::{DcId, OsEntropy, exchange::RsaPublicKey};
use mtp_proto::env::Now;
use mtp_proto::session::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent, RequestOptions,
};
use mtp_proto::transport::framing::Framing;
use mtp_proto::transport::link::{ClientLink, ClientLinkConfig, Stack};

/// Exchanges a key with a server, calls `help.getConfig` and returns the answer.
fn get_config(
    mut socket: TcpStream,
    server_key: RsaPublicKey,
    now: impl Fn() -> Now,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let entropy = || Box::new(OsEntropy::seeded());
    let link = ClientLinkConfig::new(Stack::Plain(Framing::Abridged));
    let link = ClientLink::new(now(), link, entropy());
    let client = ClientConfig::new(DcId::new(2), [server_key].into());
    let client = ClientMachine::new(client, now(), None, entropy());
    let mut connection = ClientConnection::new(now(), link, client);

    let help_get_config = 0xc4f9_186b_u32.to_le_bytes();
    connection.client_mut().request(now(), &help_get_config, RequestOptions::new())?;
    loop {
        while let Some(event) = connection.client_mut().poll_event() {
            match event {
                ClientEvent::Session(ClientSessionEvent::Result { body, .. }) => {
                    return Ok(body.to_vec());
                }
                other => println!("{other:?}"), // a key to store, an update, …
            }
        }
        let mut out = Vec::new();
        while connection.poll_transmit(now(), &mut out) {}
        socket.write_all(&out)?;

        let wait = connection.poll_timeout().map(|until| until.at.saturating_since(now().mono));
        socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        match socket.read(connection.spare(4096)) {
            Ok(0) => return Err("the server closed the connection".into()),
            Ok(len) => connection.filled(now(), len)?,
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(why) => return Err(why.into()),
        }
        connection.handle_timeout(now())?;
    }
}

// ── everything around it ───────────────────────────────────────────────────────────────────────

use std::net::TcpListener;
use std::sync::Arc;
use std::time::SystemTime;

use mtp_proto::ServerConnection;
use mtp_proto::crypto::exchange::RsaPrivateKey;
use mtp_proto::env::{Instant, UnixTime};
use mtp_proto::session::server::{
    ServerConfig, ServerEvent, ServerHandshakeConfig, ServerMachine, ServerSalts,
    ServerSessionEvent,
};
use mtp_proto::transport::link::{ServerLink, ServerLinkConfig};

const ANSWER: [u8; 8] = *b"\x01\x02\x03\x04conf";

fn main() -> Result<(), Box<dyn Error>> {
    let key = RsaPrivateKey::generate(&mut OsEntropy)?;
    let public = key.public().clone();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    // The thread ends with the process.
    std::thread::spawn(move || {
        let (socket, _) = listener.accept()?;
        serve(socket, key).map_err(std::io::Error::other)
    });
    let answer = get_config(TcpStream::connect(address)?, public, clock())?;
    assert_eq!(answer, ANSWER);
    println!("the answer has {} bytes", answer.len());
    Ok(())
}

/// Answers every call with the same bytes.
fn serve(mut socket: TcpStream, key: RsaPrivateKey) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (now, entropy) = (clock(), || Box::new(OsEntropy::seeded()));
    let link = ServerLink::new(now(), ServerLinkConfig::default(), entropy());
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key].into());
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    let mut connection = ServerConnection::new(now(), link, ServerMachine::new(config, entropy()));
    loop {
        while let Some(event) = connection.server_mut().poll_event() {
            if let ServerEvent::Session { session, event: ServerSessionEvent::Call { id, .. } } =
                event
            {
                connection.server_mut().answer(now(), session, id, &ANSWER)?;
            }
        }
        let mut out = Vec::new();
        while connection.poll_transmit(now(), &mut out) {}
        socket.write_all(&out)?;
        let wait = connection.poll_timeout().map(|until| until.at.saturating_since(now().mono));
        socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        match socket.read(connection.spare(4096)) {
            Ok(0) => return Ok(()),
            // The first packet of a session has the wrong salt; the client is corrected.
            Ok(len) => drop(connection.filled(now(), len)),
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(why) => return Err(why.into()),
        }
        connection.handle_timeout(now())?;
    }
}

/// Reads both clocks.
fn clock() -> impl Fn() -> Now {
    let start = std::time::Instant::now();
    move || {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let unix = UnixTime::from_nanos(u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX));
        Now { mono: Instant::from_micros(0) + start.elapsed(), unix }
    }
}
