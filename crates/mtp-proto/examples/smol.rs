//! Client and server on smol: the machines do not know which runtime drives them.
//!
//! `cargo run -p mtp-proto --example smol`
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "an example is a driver")]

use core::error::Error;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use mtp_proto::crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_proto::crypto::{DcId, OsEntropy};
use mtp_proto::env::{Deadline, Instant, Now, UnixTime};
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
use smol::Timer;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::{TcpListener, TcpStream};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    smol::block_on(async {
        let key = RsaPrivateKey::generate(&mut OsEntropy)?;
        let public = key.public().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = smol::spawn(async move { serve(listener.accept().await?.0, key).await });
        let answer = ask(address, public).await?;
        println!("the answer is {:?}", String::from_utf8_lossy(&answer));
        server.await
    })
}

async fn ask(address: SocketAddr, public: RsaPublicKey) -> Result<Vec<u8>, Failure> {
    let (now, entropy) = (clock(), || Box::new(OsEntropy::seeded()));
    let link = ClientLinkConfig::new(Stack::Plain(Framing::Intermediate));
    let link = ClientLink::new(now(), link, entropy());
    let client = ClientConfig::new(DcId::new(2), [public].into());
    let client = ClientMachine::new(client, now(), None, entropy());
    let mut connection = ClientConnection::new(now(), link, client);
    connection.client_mut().request(now(), b"ping it now!", RequestOptions::new())?;
    let (mut socket, mut out) = (TcpStream::connect(address).await?, Vec::new());
    loop {
        while let Some(event) = connection.client_mut().poll_event() {
            if let ClientEvent::Session(ClientSessionEvent::Result { body, .. }) = event {
                return Ok(body.to_vec());
            }
        }
        while connection.poll_transmit(now(), &mut out) {}
        let wait = wait(connection.poll_timeout(), now());
        let bytes = exchange(&mut socket, &mut out, wait).await?.ok_or("the server is gone")?;
        connection.handle_bytes(now(), &bytes)?;
        connection.handle_timeout(now())?;
    }
}

async fn serve(mut socket: TcpStream, key: RsaPrivateKey) -> Result<(), Failure> {
    let (now, entropy) = (clock(), || Box::new(OsEntropy::seeded()));
    let handshake = ServerHandshakeConfig::new(DcId::new(2), [key].into());
    let server = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    let link = ServerLink::new(now(), ServerLinkConfig::default(), entropy());
    let mut connection = ServerConnection::new(now(), link, ServerMachine::new(server, entropy()));
    let mut out = Vec::new();
    while !connection.is_closed() {
        while let Some(event) = connection.server_mut().poll_event() {
            if let ServerEvent::Session {
                session,
                event: ServerSessionEvent::Call { id, query, .. },
            } = event
            {
                println!("server: was asked {:?}", String::from_utf8_lossy(query));
                connection.server_mut().answer(now(), session, id, b"pong, pong, pong")?;
            }
        }
        while connection.poll_transmit(now(), &mut out) {}
        let wait = wait(connection.poll_timeout(), now());
        let Some(bytes) = exchange(&mut socket, &mut out, wait).await? else { break };
        connection.handle_bytes(now(), &bytes)?;
        connection.handle_timeout(now())?;
    }
    Ok(())
}

/// Writes output, then reads; returns no bytes at a timeout and `None` at the end of input.
async fn exchange(
    socket: &mut TcpStream,
    out: &mut Vec<u8>,
    wait: Duration,
) -> io::Result<Option<Vec<u8>>> {
    socket.write_all(out).await?;
    out.clear();
    let mut bytes = vec![0; 4096];
    let alarm = async {
        Timer::after(wait).await;
        Ok(None)
    };
    let len = smol::future::or(async { socket.read(&mut bytes).await.map(Some) }, alarm).await?;
    bytes.truncate(len.unwrap_or(0));
    Ok((len != Some(0)).then_some(bytes))
}

/// Returns the longest wait; never zero, which would mean no timeout.
fn wait(until: Option<Deadline>, now: Now) -> Duration {
    let wait = until.map_or(Duration::from_secs(60), |until| until.at.saturating_since(now.mono));
    wait.max(Duration::from_millis(1))
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
