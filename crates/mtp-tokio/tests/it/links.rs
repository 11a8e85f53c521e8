//! One client's code over every link there is: only its options differ.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

use mtp_crypto::CtrEntropy;
use mtp_crypto::DcId;
use mtp_env::Entropy as _;
use mtp_server::Answer;
use mtp_session::client::RequestOptions;
use mtp_tokio::{Client, ClientOptions, Notice, Proxy, ProxyOptions};
use mtp_transport::framing::{Framing, Tag};
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::Stack;
use mtp_transport::relay::{NamedSecret, RelayConfig};
use mtp_transport::secret::{Domain, ProxySecret, SecretKey};
use mtp_transport::websocket::{WebSocketClientConfig, WebSocketPath};
#[cfg(target_os = "linux")]
use tokio::io::AsyncReadExt as _;
use tokio::sync::oneshot;

use crate::support::{CallHandler, Plan, client_options, run, until};

const LINK_DC: DcId = DcId::new(2);

/// Makes calls large and small, hears an update, and comes back with what it saved: within a time that
/// is long for a slow machine, and short beside what a request that waits for news may wait.
async fn visit(options: ClientOptions) {
    tokio::time::timeout(Duration::from_secs(20), stay(options)).await.expect("no news waits");
}

async fn stay(options: ClientOptions) {
    let (client, mut notices) = Client::start(options.clone());
    for len in [12, 100_000] {
        // Nothing that could be packed.
        let mut question = vec![0; len];
        CtrEntropy::from_number(1).fill(&mut question);
        let answer = client.invoke_raw(question.clone(), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question));
        let news = until(&mut notices, |notice| matches!(notice, Notice::Update(_))).await;
        assert!(matches!(news, Notice::Update(body) if body == b"news"));
    }
    let mut again = options;
    again.saved = client.close().await;
    let (client, mut notices) = Client::start(again);
    let answer = client.invoke_raw(vec![8; 12], RequestOptions::new()).await;
    assert_eq!(answer, Ok(vec![8; 12]));
    client.close().await.unwrap();
    while let Some(notice) = notices.recv().await {
        assert!(!matches!(notice, Notice::KeyCreated(_)), "the keys were kept");
    }
}

/// Answers with the question and an update behind it.
fn echo() -> CallHandler {
    Box::new(|endpoint, now, call| {
        endpoint.answer(now, call.token, &Answer::Result(call.query)).unwrap();
        endpoint.push(now, call.session, b"news").unwrap();
    })
}

#[test]
fn directly() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let obfuscated = |tag| Stack::Obfuscated { tag, dc: LINK_DC, secret: None };
        let host = world.address.to_string();
        let upgrade = WebSocketClientConfig::new(host.clone(), WebSocketPath::default());
        for stack in [
            Stack::Plain(Framing::Abridged),
            Stack::Plain(Framing::Intermediate),
            Stack::Plain(Framing::PaddedIntermediate),
            Stack::Plain(Framing::Full),
            obfuscated(Tag::ABRIDGED),
            obfuscated(Tag::INTERMEDIATE),
            obfuscated(Tag::PADDED_INTERMEDIATE),
            Stack::Http(HttpClientConfig::new(host, ApiPath::default())),
            Stack::WebSocket { tag: Tag::INTERMEDIATE, dc: LINK_DC, config: upgrade },
        ] {
            visit(client_options(world.address, stack)).await;
        }
        world.stop().await.unwrap();
    });
}

fn secrets() -> [ProxySecret; 3] {
    let key = |number| SecretKey::new([number; 16]);
    let domain = Domain::new(b"example.org").unwrap();
    [
        ProxySecret::plain(key(1)),
        ProxySecret::padded(key(2)),
        ProxySecret::fake_tls(key(3), domain).unwrap(),
    ]
}

async fn bind_proxy(upstream: SocketAddr) -> Proxy {
    let mut config = RelayConfig::default();
    for (name, secret) in ["plain", "dd", "ee"].into_iter().zip(secrets()) {
        config.secrets.push(NamedSecret { name: name.into(), secret });
    }
    let options = ProxyOptions::new(BTreeMap::from([(LINK_DC, upstream.into())]));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Proxy::bind(address, config, options, Box::new(|_, _| ())).await.unwrap()
}

#[test]
fn through_a_proxy_of_each_kind() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let proxy = bind_proxy(world.address).await;
        let address = proxy.local_addr().unwrap();
        #[cfg(feature = "metrics")]
        let metrics = proxy.metrics();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(proxy.run(async {
            let _ = stopped.await;
        }));
        for secret in secrets() {
            visit(client_options(address, Stack::proxied(&secret, LINK_DC))).await;
        }
        // A peer without a secret.
        let stranger = ProxySecret::plain(SecretKey::new([9; 16]));
        let (client, _) =
            Client::start(client_options(address, Stack::proxied(&stranger, LINK_DC)));
        let call = client.invoke_raw(vec![7; 12], RequestOptions::new());
        let outcome = tokio::time::timeout(Duration::from_millis(300), call).await;
        assert!(outcome.is_err(), "{outcome:?}");
        client.close().await.unwrap();
        drop(stop);
        let ledger = serving.await.unwrap().unwrap();
        for account in ledger.secrets() {
            assert_eq!((account.accepted, account.open), (2, 0), "{account:?}");
            assert!(account.traffic.up > 100_000 && account.traffic.down > 100_000);
        }
        assert!(ledger.refused() >= 1);
        #[cfg(feature = "metrics")]
        {
            let page = metrics.render();
            for line in
                ["\nmtp_proxy_clients_total{secret=\"ee\"} 2\n", "\nmtp_proxy_connections_open 0\n"]
            {
                assert!(page.contains(line), "{line} is not in {page}");
            }
        }
        world.stop().await.unwrap();
    });
}

/// A proxy that is stopped ends its clients; with another in its place they go on.
#[test]
fn a_proxy_may_be_replaced() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let first = bind_proxy(world.address).await;
        let second = bind_proxy(world.address).await;
        let addresses = [first.local_addr().unwrap(), second.local_addr().unwrap()];
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(first.run(async {
            let _ = stopped.await;
        }));
        let secret = &secrets()[1];
        let options = client_options(addresses[0], Stack::proxied(secret, LINK_DC));
        let mut next = addresses.into_iter().cycle();
        let (client, mut notices) = Client::start_through(options, move || {
            let address = next.next().unwrap();
            async move { tokio::net::TcpStream::connect(address).await }
        });
        let ask = || client.invoke_raw(vec![7; 12], RequestOptions::new());
        assert_eq!(ask().await, Ok(vec![7; 12]));
        drop(stop);
        serving.await.unwrap().unwrap();
        until(&mut notices, |notice| matches!(notice, Notice::Disconnected { .. })).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(second.run(async {
            let _ = stopped.await;
        }));
        assert_eq!(ask().await, Ok(vec![7; 12]));
        client.close().await.unwrap();
        drop(stop);
        serving.await.unwrap().unwrap();
        world.stop().await.unwrap();
    });
}

/// Silent connections of one network do not keep others out of a proxy.
#[test]
// Elsewhere loopback has one address only.
#[cfg(target_os = "linux")]
fn a_full_proxy_makes_room_for_other_networks() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let mut config = RelayConfig::default();
        let secret = secrets()[1].clone();
        config.secrets.push(NamedSecret { name: "dd".into(), secret: secret.clone() });
        let mut options = ProxyOptions::new(BTreeMap::from([(LINK_DC, world.address.into())]));
        options.connections_max = 4;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let proxy = Proxy::bind(address, config, options, Box::new(|_, _| ())).await.unwrap();
        let address = proxy.local_addr().unwrap();
        #[cfg(feature = "metrics")]
        let metrics = proxy.metrics();
        tokio::spawn(proxy.run(core::future::pending()));
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(tokio::net::TcpStream::connect(address).await.unwrap());
        }
        // None of them is idle yet, and this one is of their network.
        let mut fifth = tokio::net::TcpStream::connect(address).await.unwrap();
        assert_eq!(fifth.read(&mut [0]).await.unwrap_or(0), 0, "refused, not left waiting");
        let options = client_options(address, Stack::proxied(&secret, LINK_DC));
        let (client, _notices) = Client::start_through(options, move || async move {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([127, 9, 9, 9], 0)))?;
            socket.connect(address).await
        });
        assert_eq!(client.invoke_raw(vec![7; 12], RequestOptions::new()).await, Ok(vec![7; 12]));
        client.close().await.unwrap();
        // One of those that were there had to go.
        #[cfg(feature = "metrics")]
        assert!(metrics.render().contains("\nmtp_proxy_connections_displaced_total 1\n"));
        drop(held);
        world.stop().await.unwrap();
    });
}
