//! A server that answers every call itself, and a client, on tokio.
//!
//! `cargo run -p mtp-tokio --features server --example tokio`

use core::error::Error;
use core::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mtp_server::crypto::exchange::RsaPrivateKey;
use mtp_server::crypto::{DcId, OsEntropy};
use mtp_server::env::Now;
use mtp_server::session::client::ClientConfig;
use mtp_server::session::client::RequestOptions;
use mtp_server::session::exchange::Arithmetic;
use mtp_server::session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};
use mtp_server::transport::framing::Framing;
use mtp_server::transport::link::Stack;
use mtp_server::{Answer, Endpoint, EndpointConfig, EndpointEvent};
use mtp_tokio::{Client, ClientOptions, Notice, Server, ServerOptions};

const DC: DcId = DcId::new(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = RsaPrivateKey::generate(&mut OsEntropy)?;
    let public = key.public().clone();

    // A server without a store: its keys end with it.
    let mut handshake = ServerHandshakeConfig::new(DC, [key].into());
    handshake.arithmetic = Arithmetic::Deferred;
    let config = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    let endpoint = Endpoint::new(EndpointConfig::new(config), Box::new(OsEntropy::seeded()));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = ServerOptions::default();
    let server = Server::bind(address, endpoint, Box::new(answer), options).await?;
    let address = server.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        // A dropped sender means the same.
        let _ = stopped.await;
    }));

    // A client with a permanent key and daily temporary ones. It keeps itself connected.
    let config = ClientConfig::new(DC, [public].into());
    let stack = Stack::Plain(Framing::Intermediate);
    let (client, mut notices) = Client::start(ClientOptions::new(address, stack, config));
    let call = client.invoke_raw(b"ping it now!".to_vec(), RequestOptions::new());
    println!("the answer is {:?}", String::from_utf8_lossy(&call.await?));
    println!("a ping takes {:?}", client.ping().await?);
    client.close().await;
    while let Some(notice) = notices.recv().await {
        match notice {
            Notice::KeyCreated(established) => println!("the client made {established:?}"),
            notice => println!("the client noticed: {notice}"),
        }
    }

    // The server may have ended already.
    let _ = stop.send(());
    Ok(serving.await??)
}

/// Answers every call at once.
fn answer(endpoint: &mut Endpoint, now: Now, event: EndpointEvent) {
    if let EndpointEvent::Call(call) = event {
        println!("the server was asked {:?}", String::from_utf8_lossy(&call.query));
        let answer = Answer::Result(b"pong, pong, pong".to_vec());
        // A client that is gone needs no answer.
        let _ = endpoint.answer(now, call.token, &answer);
    }
}
