//! Packets in UDP, with what UDP does to them.

use core::future::pending;
use core::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mtp_crypto::CtrEntropy;
use mtp_env::Entropy as _;
use mtp_server::Answer;
use mtp_session::client::RequestOptions;
use mtp_tokio::datagram::BODY_LEN_MAX;
use mtp_tokio::{Client, Notice};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use tokio::net::UdpSocket;

use crate::support::{CallHandler, Plan, client_options, run, until};

const ANY: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Starts a server that answers with the question and an update, and returns where it takes datagrams.
async fn serve() -> SocketAddr {
    let handler: CallHandler = Box::new(|endpoint, now, call| {
        endpoint.answer(now, call.token, &Answer::Result(call.query)).unwrap();
        endpoint.push(now, call.session, b"news").unwrap();
    });
    let server = Plan { handler, fit: true, ..Plan::default() }.bind().await;
    let server = server.listen_datagram(ANY).await.unwrap();
    let address = server.datagram_addr().unwrap();
    tokio::spawn(server.run(pending()));
    address
}

async fn visit(address: SocketAddr) {
    let options = client_options(address, Stack::Plain(Framing::Abridged));
    let (client, mut notices) = Client::start_datagram(options);
    for len in [12, BODY_LEN_MAX] {
        // Nothing that could be packed.
        let mut question = vec![0; len];
        CtrEntropy::from_number(1).fill(&mut question);
        let answer = client.invoke_raw(question.clone(), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question));
        let news = until(&mut notices, |notice| matches!(notice, Notice::Update(_))).await;
        assert!(matches!(news, Notice::Update(body) if body == b"news"));
    }
    client.close().await.unwrap();
}

#[test]
fn calls_and_updates_go_by_datagrams() {
    run(async {
        let address = serve().await;
        visit(address).await;
        visit(address).await;
    });
}

/// The key exchange repeats what is lost, and so does the session.
#[test]
fn what_is_lost_comes_again() {
    run(async {
        let address = serve().await;
        let middle = Arc::new(UdpSocket::bind(ANY).await.unwrap());
        let way = middle.local_addr().unwrap();
        tokio::spawn(async move {
            let upstream = UdpSocket::bind(ANY).await.unwrap();
            upstream.connect(address).await.unwrap();
            let (mut client, mut up, mut down) = (None, 0, 0);
            let (mut one, mut other) = ([0; 2000], [0; 2000]);
            loop {
                tokio::select! {
                    received = middle.recv_from(&mut one) => {
                        let (len, from) = received.unwrap();
                        client = Some(from);
                        up += 1;
                        if ![1, 4, 8].contains(&up) {
                            upstream.send(&one[..len]).await.unwrap();
                        }
                    }
                    received = upstream.recv(&mut other) => {
                        let len = received.unwrap();
                        down += 1;
                        if ![2, 5].contains(&down) {
                            middle.send_to(&other[..len], client.unwrap()).await.unwrap();
                        }
                    }
                }
            }
        });
        visit(way).await;
    });
}

/// Nobody can make the server send more to a forged address than was sent in its name.
#[test]
fn strangers_get_no_more_than_they_sent() {
    run(async {
        let socket = UdpSocket::bind(ANY).await.unwrap();
        socket.connect(serve().await).await.unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let mut query = vec![1];
        query.extend([0; 8]);
        query.extend((now.as_secs() << 32).to_le_bytes());
        query.extend(20_u32.to_le_bytes());
        query.extend(0xbe7e_8ef1_u32.to_le_bytes());
        query.extend([7; 16]);
        // Too little for an answer; twice as much is enough for one of its kind.
        socket.send(&query).await.unwrap();
        query.resize(201, 0);
        socket.send(&query).await.unwrap();
        let mut answer = [0; 2000];
        let len = socket.recv(&mut answer).await.unwrap();
        assert!(len > 41 && len <= 242, "{len}");
        assert_eq!(answer[0], 1);
        // Garbage gets nothing.
        socket.send(&[9; 100]).await.unwrap();
        socket.send(&query).await.unwrap();
        assert_eq!(socket.recv(&mut answer).await.unwrap(), len);
    });
}
