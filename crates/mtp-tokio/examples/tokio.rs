//! A data centre and a client on tokio.
//!
//! `cargo run -p mtp-tokio --example tokio`

use core::error::Error;
use core::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mtp_crypto::OsEntropy;
use mtp_crypto::exchange::RsaPrivateKey;
use mtp_dc::{Answer, ApiConfig, DataCenter, DataCenterConfig, DcEvent, UnknownCalls};
use mtp_env::Now;
use mtp_session::client::ClientConfig;
use mtp_session::handshake::{Arithmetic, DcId, ServerHandshakeConfig};
use mtp_session::server::ServerConfig;
use mtp_session::session::{RequestOptions, ServerSalts};
use mtp_tokio::{Client, ClientOptions, Notice, Server, ServerOptions};
use mtp_transport::Framing;
use mtp_transport::link::{ServerConfig as LinkConfig, Stack};

const DC: DcId = DcId::new(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = RsaPrivateKey::generate(&mut OsEntropy)?;
    let public = key.public().clone();

    // A data centre that leaves unknown calls to us.
    let mut handshake = ServerHandshakeConfig::new(DC, [key].into());
    handshake.arithmetic = Arithmetic::Deferred;
    let server = ServerConfig::new(handshake, Arc::new(ServerSalts::new([7; 32])));
    let mut config =
        DataCenterConfig::new(server, LinkConfig::default(), ApiConfig::new(DC.as_i32()));
    config.unknown_calls = UnknownCalls::Report;
    let center = DataCenter::new(config, Box::new(OsEntropy::seeded()));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(address, center, Box::new(answer), ServerOptions::default()).await?;
    let address = server.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        // A sender that is gone means the same.
        let _ = stopped.await;
    }));

    // A client with keys of a day under a key for good, which keeps itself connected.
    let config = ClientConfig::new(DC, [public].into());
    let stack = Stack::Plain(Framing::Intermediate);
    let (client, mut notices) = Client::start(ClientOptions::new(address, stack, config));
    let call = client.invoke_raw(b"ping it now!".to_vec(), RequestOptions::new());
    println!("the answer is {:?}", String::from_utf8_lossy(&call.await?));
    println!("a ping takes {:?}", client.ping().await?);
    client.close().await;
    while let Some(notice) = notices.recv().await {
        match notice {
            Notice::KeyCreated(established) => println!("it made {established:?}"),
            notice => println!("it noticed {notice:?}"),
        }
    }

    // The server may have ended already; how, it says itself.
    let _ = stop.send(());
    Ok(serving.await??)
}

/// Answers whatever the data centre does not know.
fn answer(center: &mut DataCenter, now: Now, event: DcEvent) {
    if let DcEvent::Call { session, id, query, .. } = event {
        println!("the server was asked {:?}", String::from_utf8_lossy(&query));
        let answer = Answer::Result(b"pong, pong, pong".to_vec());
        // A client that is gone needs no answer.
        let _ = center.answer(now, session, id, &answer);
    }
}
