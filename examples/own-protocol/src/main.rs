//! A protocol of your own on MTProto: server and client of `my_app.tl` over tokio. See `docs/embedding.md`.

use core::error::Error;
use core::future::pending;
use std::sync::Arc;

use mtp_server::{Answer, Endpoint, EndpointConfig, EndpointEvent};
use mtp_tokio::crypto::exchange::RsaPrivateKey;
use mtp_tokio::crypto::{DcId, OsEntropy};
use mtp_tokio::env::Now;
use mtp_tokio::session::client::ClientConfig;
use mtp_tokio::session::exchange::Arithmetic;
use mtp_tokio::session::server::{ServerConfig, ServerHandshakeConfig, ServerSalts};
use mtp_tokio::tl::Function as _;
use mtp_tokio::transport::framing::Framing;
use mtp_tokio::transport::link::Stack;
use mtp_tokio::{Client, ClientOptions, Server, ServerOptions};

use my_app::{Call, functions, types};

#[allow(warnings, clippy::all, clippy::pedantic, missing_docs, reason = "generated")]
mod my_app {
    include!(concat!(env!("OUT_DIR"), "/my_app.rs"));
}

/// Answers the calls of `my_app.tl`.
fn answer(endpoint: &mut Endpoint, now: Now, event: EndpointEvent) {
    let EndpointEvent::Call(call) = event else { return };
    let answer = match Call::decode(&call.query) {
        Ok(Call::Greet(greet)) => {
            let text = format!("Hello, {}!", greet.name.to_str_lossy());
            Answer::Result(greet.encode_answer(&types::Greeting { text: text.into() }))
        }
        Ok(Call::Add(add)) => {
            let value = i64::from(add.left) + i64::from(add.right);
            Answer::Result(add.encode_answer(&types::Sum { value }))
        }
        _ => Answer::error(400, "CALL_INVALID"),
    };
    // A client that is gone needs no answer.
    let _ = endpoint.answer(now, call.token, &answer);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let dc = DcId::new(1);
    let key = RsaPrivateKey::generate(&mut OsEntropy)?;
    let public = key.public().clone();

    // The server. In a real one, the key comes from a file and the keys of clients go to a store.
    let mut exchange = ServerHandshakeConfig::new(dc, [key].into());
    exchange.arithmetic = Arithmetic::Deferred;
    let salts = Arc::new(ServerSalts::new([7; 32]));
    let config = EndpointConfig::new(ServerConfig::new(exchange, salts));
    let endpoint = Endpoint::new(config, Box::new(OsEntropy::seeded()));
    let (address, options) = ("127.0.0.1:0".parse()?, ServerOptions::default());
    let server = Server::bind(address, endpoint, Box::new(answer), options).await?;
    let address = server.local_addr()?;
    tokio::spawn(server.run(pending()));

    // The client. It knows the server's address and public key.
    let config = ClientConfig::new(dc, [public].into());
    let stack = Stack::Plain(Framing::Intermediate);
    let (client, _notices) = Client::start(ClientOptions::new(address, stack, config));
    let greeting = client.invoke(&functions::Greet { name: "world".into() }).await?;
    let sum = client.invoke(&functions::Add { left: 40, right: 2 }).await?;
    println!("{} 40 + 2 = {}", greeting.text.to_str_lossy(), sum.value);
    client.close().await;
    Ok(())
}
