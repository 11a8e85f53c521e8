//! A client for its user, against a data center on loopback.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::CtrEntropy;
use mtp_env::Entropy as _;
use mtp_server::Answer;
use mtp_session::client::RequestOptions;
use mtp_session::established::KeyKind;
use mtp_tokio::store::MemoryStore;
use mtp_tokio::{Client, Destination, Notice, Setback};
use mtp_transport::framing::Framing;
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::Stack;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{CallHandler, NEAREST_DC, Plan, client_options, run, until};

/// A call that no layer knows: the test's own handler answers it.
fn question(number: u32) -> Vec<u8> {
    [*b"ask?", number.to_le_bytes()].concat()
}

/// Answers questions with themselves.
fn echo() -> CallHandler {
    Box::new(|endpoint, now, call| {
        endpoint.answer(now, call.token, &Answer::Result(call.query)).unwrap();
    })
}

#[test]
fn many_calls_at_once_over_several_sockets() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let mut options = world.options();
        options.connections = 3;
        options.calls_waiting_max = 2;
        let (client, _notices) = Client::start(options);
        let client = Arc::new(client);
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..500 {
            let client = client.clone();
            calls.spawn(async move {
                let answer = client.invoke_raw(question(number), RequestOptions::new()).await;
                assert_eq!(answer, Ok(question(number)));
            });
        }
        while let Some(call) = calls.join_next().await {
            call.unwrap();
        }
        let client = Arc::into_inner(client).unwrap();
        assert!(client.ping().await.unwrap() < Duration::from_secs(60));
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// Over HTTP an update has to wait for a request of the client's: the one that waits for news.
#[test]
fn http_has_a_socket_for_news() {
    run(async {
        // The second question of a client is answered by the first's answer and a push.
        let handler: CallHandler = Box::new(|endpoint, now, call| {
            endpoint.answer(now, call.token, &Answer::Result(call.query)).unwrap();
            endpoint.push(now, call.session, b"news").unwrap();
        });
        let world = Plan { handler, ..Plan::default() }.start().await;
        let http = HttpClientConfig::new(world.address.to_string(), ApiPath::default());
        let (client, mut notices) = Client::start(client_options(world.address, Stack::Http(http)));
        for number in 0..3 {
            let answer = client.invoke_raw(question(number), RequestOptions::new()).await;
            assert_eq!(answer, Ok(question(number)));
            let news = until(&mut notices, |notice| matches!(notice, Notice::Update(_))).await;
            assert!(matches!(news, Notice::Update(body) if body == b"news"));
        }
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// The embedder may put anything between a socket and a link.
#[test]
fn any_stream_will_do() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let address = world.address;
        let (client, _notices) = Client::start_through(world.options(), move || async move {
            // A pipe of 64 bytes to somebody who copies.
            let (near, mut far) = tokio::io::duplex(64);
            let mut socket = TcpStream::connect(address).await?;
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut far, &mut socket).await;
            });
            Ok(near)
        });
        let answer = client.invoke_raw(question(1), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question(1)));
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// No socket anywhere: pipes in memory, of which the server hears through a channel.
#[test]
fn pipes_will_do_at_both_ends() {
    run(async {
        let (streams, accepted) = mpsc::channel(4);
        let server = Plan { handler: echo(), ..Plan::default() }.on(accepted).await;
        let serving = tokio::spawn(server.run(core::future::pending()));
        let stack = Stack::Plain(Framing::Full);
        let (client, _notices) = Client::start_through(client_options(NOWHERE, stack), move || {
            let streams = streams.clone();
            async move {
                let (near, far) = tokio::io::duplex(1_000);
                streams.send((far, NOWHERE)).await.map_err(std::io::Error::other)?;
                Ok(near)
            }
        });
        let answer = client.invoke_raw(question(1), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question(1)));
        client.close().await.unwrap();
        serving.abort();
    });
}

#[test]
fn a_call_whose_future_is_dropped_is_cancelled() {
    run(async {
        // Questions with an even number are never answered.
        let (asked, mut questions) = mpsc::unbounded_channel();
        let handler: CallHandler = Box::new(move |endpoint, now, call| {
            if call.query[4] % 2 == 1 {
                endpoint.answer(now, call.token, &Answer::Result(call.query.clone())).unwrap();
            }
            asked.send(call.query).unwrap();
        });
        let world = Plan { handler, ..Plan::default() }.start().await;
        let mut options = world.options();
        // One call at a time: the next can only be made once the one before is over.
        options.client.session.calls_max = 1;
        let (client, _notices) = Client::start(options);
        for number in [2, 4, 6] {
            tokio::select! {
                answer = client.invoke_raw(question(number), RequestOptions::new()) => {
                    panic!("{answer:?}");
                }
                asked = questions.recv() => assert_eq!(asked, Some(question(number))),
            }
        }
        let answer = client.invoke_raw(question(1), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question(1)));
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

#[test]
fn a_flood_wait_is_waited_for_if_that_is_wanted() {
    run(async {
        let refusals = Arc::new(AtomicUsize::new(0));
        let count = refusals.clone();
        let handler: CallHandler = Box::new(move |endpoint, now, call| {
            let answer = match count.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => Answer::error(420, "FLOOD_WAIT_0"),
                2 => Answer::error(420, "FLOOD_WAIT_30"),
                _ => Answer::Result(call.query),
            };
            endpoint.answer(now, call.token, &answer).unwrap();
        });
        let world = Plan { handler, ..Plan::default() }.start().await;
        let mut options = world.options();
        options.flood_wait_max = Duration::from_secs(1);
        let (client, _notices) = Client::start(options);
        let refused = client.invoke_raw(question(1), RequestOptions::new()).await.unwrap_err();
        assert_eq!(refused.flood_wait(), Some(Duration::from_secs(30)), "longer than allowed");
        assert_eq!(refusals.load(Ordering::Relaxed), 3);
        let answer = client.invoke_raw(question(2), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question(2)));
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

#[test]
fn finishing_waits_for_answers_and_a_later_run_goes_on() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let (client, mut notices) = Client::start(world.options());
        let answer = client.invoke_raw(question(1), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question(1)));
        let saved = client.finish().await.unwrap();
        let mut keys = 0;
        while let Some(notice) = notices.recv().await {
            keys += usize::from(matches!(notice, Notice::KeyCreated(_)));
        }
        assert_eq!(keys, 2, "a permanent key and a temporary one");

        let mut options = world.options();
        options.saved = Some(saved);
        let (client, mut notices) = Client::start(options);
        let answer = client.invoke_raw(question(2), RequestOptions::new()).await;
        assert_eq!(answer, Ok(question(2)));
        client.close().await.unwrap();
        while let Some(notice) = notices.recv().await {
            assert!(!matches!(notice, Notice::KeyCreated(_)), "both keys were kept");
        }
        world.stop().await.unwrap();
    });
}

#[test]
fn closing_ends_open_calls() {
    run(async {
        let world = Plan::default().start().await;
        let (client, _notices) = Client::start(world.options());
        let client = Arc::new(client);
        let caller = client.clone();
        let call =
            tokio::spawn(
                async move { caller.invoke_raw(question(1), RequestOptions::new()).await },
            );
        client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new()).await.unwrap();
        // The handle cannot be taken away while a call holds it, so the server goes instead.
        drop(client);
        world.stop().await.unwrap();
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_store_keeps_the_permanent_key() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        let store = Arc::new(MemoryStore::new());
        for run in 0..2 {
            let mut options = world.options();
            options.store = Some(store.clone());
            let (client, mut notices) = Client::start(options);
            client.invoke_raw(question(1), RequestOptions::new()).await.unwrap();
            client.close().await.unwrap();
            let mut permanent = 0;
            while let Some(notice) = notices.recv().await {
                permanent += usize::from(
                    matches!(notice, Notice::KeyCreated(key) if key.kind == KeyKind::Permanent),
                );
            }
            assert_eq!(permanent, usize::from(run == 0));
        }
        world.stop().await.unwrap();
    });
}

/// The pauses before new tries double up to a limit, and no two clients take the same.
#[test]
fn pauses_grow_and_differ() {
    run(async {
        let mut pauses = Vec::new();
        for _ in 0..2 {
            let mut options = client_options(NOWHERE, Stack::Plain(Framing::Abridged));
            options.retry_pause = Duration::from_millis(8);
            options.retry_pause_max = Duration::from_millis(30);
            let (client, mut notices) = Client::start_through(options, || async {
                Err::<TcpStream, _>(std::io::ErrorKind::ConnectionRefused.into())
            });
            for longest in [8, 16, 30, 30] {
                let gone =
                    until(&mut notices, |notice| matches!(notice, Notice::Disconnected { .. }));
                let Notice::Disconnected { retry_in, .. } = gone.await else { unreachable!() };
                let longest = Duration::from_millis(longest);
                assert!((longest / 2..=longest).contains(&retry_in), "{retry_in:?}");
                pauses.push(retry_in);
            }
            client.close().await.unwrap();
        }
        let (one, other) = pauses.split_at(4);
        assert_ne!(one, other);
    });
}

const NOWHERE: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// A server that is told to stop writes what it has to say, and a client that is lost meanwhile goes on
/// with the next one.
#[test]
fn a_stopping_server_writes_its_answers() {
    run(async {
        let mut much = vec![0; 1 << 20];
        CtrEntropy::from_number(1).fill(&mut much);
        let (asked, mut questions) = mpsc::unbounded_channel();
        let answer = Answer::Result(much.clone());
        let handler: CallHandler = Box::new(move |endpoint, now, call| {
            endpoint.answer(now, call.token, &answer).unwrap();
            asked.send(()).unwrap();
        });
        let world = Plan { handler, ..Plan::default() }.start().await;
        let (client, _notices) = Client::start(world.options());
        let call = client.invoke_raw(question(1), RequestOptions::new());
        let stop = async {
            questions.recv().await.unwrap();
            world.stop().await.unwrap();
        };
        let (answer, ()) = tokio::join!(call, stop);
        assert_eq!(answer, Ok(much));
        client.close().await.unwrap();
    });
}

/// A name whose first address refuses leads to the second; the error names both if neither accepts.
#[test]
fn every_address_of_a_destination_is_tried() {
    run(async {
        let world = Plan { handler: echo(), ..Plan::default() }.start().await;
        // Bound and not listening: connections are refused.
        let closed = tokio::net::TcpSocket::new_v4().unwrap();
        closed.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let closed = closed.local_addr().unwrap();
        let mut options = world.options();
        options.destination = Destination::addresses(&[closed, world.address]);
        let (client, _notices) = Client::start(options);
        client.ready().await.unwrap();
        assert_eq!(client.invoke_raw(question(1), RequestOptions::new()).await, Ok(question(1)));
        client.close().await.unwrap();
        let mut options = world.options();
        options.destination = Destination::name(&format!("localhost:{}", world.address.port()));
        let (client, _notices) = Client::start(options);
        client.ready().await.unwrap();
        client.close().await.unwrap();
        let mut options = world.options();
        options.destination = Destination::addresses(&[closed, closed]);
        let (_client, mut notices) = Client::start(options);
        let gone =
            until(&mut notices, |notice| matches!(notice, Notice::Disconnected { .. })).await;
        let Notice::Disconnected { reason: Setback::NotConnected(error), .. } = gone else {
            panic!("{gone}")
        };
        assert_eq!(error.to_string().matches(&closed.to_string()).count(), 2, "{error}");
        world.stop().await.unwrap();
    });
}

/// Connections are lost and refused for a while: the client goes on, remembers why, and is ready in the end.
#[test]
fn setbacks_are_remembered_and_overcome() {
    run(async {
        let world = Plan::default().start().await;
        let address = world.address;
        let attempts = Arc::new(AtomicUsize::new(0));
        let count = attempts.clone();
        let (client, mut notices) = Client::start_through(world.options(), move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move {
                match number {
                    0 => Err(std::io::ErrorKind::ConnectionRefused.into()),
                    // Closed by the other side as soon as it is open.
                    1 => Ok(tokio::io::duplex(64).0),
                    _ => {
                        let (near, mut far) = tokio::io::duplex(1000);
                        let mut socket = TcpStream::connect(address).await?;
                        tokio::spawn(async move {
                            let _ = tokio::io::copy_bidirectional(&mut far, &mut socket).await;
                        });
                        Ok(near)
                    }
                }
            }
        });
        until(&mut notices, |notice| matches!(notice, Notice::Disconnected { .. })).await;
        assert!(matches!(client.setback(), Some(Setback::NotConnected(_) | Setback::Broken(_))));
        client.ready().await.unwrap();
        assert!(client.setback().is_none());
        assert!(attempts.load(Ordering::Relaxed) >= 3);
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// A server without the key that the client wants will not get it: there is no point in waiting.
#[test]
fn a_wrong_server_key_ends_the_wait_at_once() {
    run(async {
        let world = Plan::default().start().await;
        let mut options = world.options();
        let other = mtp_crypto::exchange::RsaPrivateKey::generate(&mut CtrEntropy::from_number(3));
        let keys = [other.unwrap().public().clone()].into();
        options.client = mtp_session::client::ClientConfig::new(crate::support::DC, keys);
        let (client, _notices) = Client::start(options);
        let setback = client.ready().await.unwrap_err();
        assert!(setback.is_final(), "{setback}");
        assert!(matches!(setback, Setback::Exchange(_)), "{setback}");
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}
