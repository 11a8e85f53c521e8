//! What collectors see of a server that was visited.
#![cfg(feature = "metrics")]

use core::future::pending;
use core::net::{Ipv4Addr, SocketAddr};

use mtp_session::client::RequestOptions;
use mtp_tokio::Client;
use mtp_tokio::metrics::Exporter;
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{NEAREST_DC, Plan, client_options, run};

async fn fetch(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[test]
fn a_collector_gets_a_page() {
    run(async {
        let server = Plan::default().bind().await;
        let metrics = server.metrics();
        let (address, rendered) = (server.local_addr().unwrap(), metrics.clone());
        tokio::spawn(server.run(pending()));
        let exporter = Exporter::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let page = exporter.local_addr().unwrap();
        tokio::spawn(exporter.run(move || rendered.render(), pending()));

        let stack = Stack::Plain(Framing::Intermediate);
        let (client, _notices) = Client::start(client_options(address, stack));
        client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new()).await.unwrap();
        client.close().await.unwrap();

        let answer = fetch(page, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        for line in [
            "\nmtp_connections_total 1\n",
            "\nmtp_keys_created_total{kind=\"permanent\"} 1\n",
            "\nmtp_keys_created_total{kind=\"temporary\"} 1\n",
            "\nmtp_keys_bound_total 1\n",
            "\nmtp_exchange_steps_total 4\n",
            "\nmtp_sessions_total 1\n",
            "\nmtp_calls_total 1\n",
            "\nmtp_packets_refused_total{reason=\"unknown_key\"} 0\n",
        ] {
            assert!(answer.contains(line), "{line} is not in {answer}");
        }
        assert!(metrics.counters().bytes_in > 1000);
        let answer = fetch(page, "GET / HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        let answer = fetch(page, "POST /metrics HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    });
}
