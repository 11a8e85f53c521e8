//! Ten thousand sockets that begin and never go on.
//!
//! Goal: each costs little, and honest clients are served meanwhile. Method: real sockets, both ends in
//! this process, which is why this test is alone in it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::integer_division,
    reason = "a test fails by panicking"
)]

#[path = "it/support.rs"]
mod support;

use mtp_session::client::RequestOptions;
use mtp_tokio::Client;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use support::{NEAREST_DC, Plan, run};

async fn ask(client: &Client) {
    let answer = client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new()).await.unwrap();
    assert!(answer.starts_with(&NEAREST_DC.1));
}

/// As many at a time as the system lets one process have.
#[test]
fn ten_thousand_half_open_connections() {
    run(async {
        const TOTAL: usize = 10_000;
        let at_once = (files_max().saturating_sub(512) / 2).min(TOTAL);
        let world = Plan::default().start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        let before = resident_bytes();
        let mut left = TOTAL;
        let mut per_connection = 0;
        while left > 0 {
            let wave = at_once.min(left);
            left -= wave;
            let mut sockets = Vec::new();
            for number in 0..wave {
                let mut socket = TcpStream::connect(world.address).await.unwrap();
                // Half of them say what they will speak, and how long their first packet is.
                if number % 2 == 0 {
                    socket.write_all(&[0xee, 0xee, 0xee, 0xee, 40, 0, 0, 0]).await.unwrap();
                }
                sockets.push(socket);
                if number % 1_000 == 0 {
                    ask(&client).await;
                }
            }
            // The newcomer is accepted behind all of them.
            let (newcomer, _) = Client::start(world.options());
            ask(&newcomer).await;
            newcomer.close().await.unwrap();
            if wave == at_once {
                per_connection = resident_bytes().saturating_sub(before) / wave;
            }
        }
        // Both ends are ours; measured 7.7 KiB.
        assert!(per_connection < 16 * 1024, "{per_connection} bytes for each connection");
        println!("{at_once} at once, {per_connection} bytes for each");
        ask(&client).await;
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// Returns how many files this process may have open.
fn files_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(1024)
}

/// Returns the bytes of memory that this process has; nothing where the system does not say.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
