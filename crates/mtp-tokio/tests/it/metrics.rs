//! What collectors see of a server that was visited.
#![cfg(feature = "metrics")]

use core::future::pending;
use core::net::{Ipv4Addr, SocketAddr};

use mtp_session::client::RequestOptions;
use mtp_tokio::metrics::Exporter;
use mtp_tokio::{Client, Proxy, ProxyOptions};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use mtp_transport::relay::{NamedSecret, RelayConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{DC, NEAREST_DC, Plan, client_options, run};

async fn fetch(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Checks that each series says what it is, once, and ends in a unit if it only grows.
fn check_page(page: &str) {
    let mut described = Vec::new();
    let mut kinds = Vec::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(help.ends_with('.') && help.starts_with(char::is_uppercase), "{line}");
            assert!(!described.contains(&name), "{name} twice");
            described.push(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(described.last(), Some(&name));
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            kinds.push(name);
        } else {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(kinds.last(), Some(&name), "{line}");
        }
    }
    assert_eq!(described, kinds);
    assert!(!described.is_empty());
}

#[test]
fn every_series_of_a_proxy_has_a_help_text() {
    run(async {
        let options = ProxyOptions::new([(DC, "127.0.0.1:1".into())].into());
        let secret = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let mut config = RelayConfig::default();
        config.secrets.push(NamedSecret { name: "anna".to_owned(), secret });
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let proxy = Proxy::bind(address, config, options, Box::new(|_, _| ())).await.unwrap();
        check_page(&proxy.metrics().render());
    });
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
        check_page(&metrics.render());
        assert!(metrics.counters().bytes_in > 1000);
        let answer = fetch(page, "GET / HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        let answer = fetch(page, "POST /metrics HTTP/1.1\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    });
}
