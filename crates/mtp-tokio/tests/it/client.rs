//! What a client does for its user, against a data centre on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use mtp_crypto::{CtrEntropy, Entropy as _};
use mtp_dc::{Answer, DcEvent, RpcError};
use mtp_session::KeyKind;
use mtp_session::handshake::DcId;
use mtp_session::session::RequestOptions;
use mtp_tokio::server::EventHandler;
use mtp_tokio::store::{MemoryStore, SharedStore};
use mtp_tokio::{Client, InvokeError, Notice, Pool};
use mtp_transport::Framing;
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::Stack;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use support::{NEAREST_DC, Plan, client_options, run, until};

/// A call that no layer knows: the test's own handler answers it.
fn question(number: u32) -> Vec<u8> {
    [*b"ask?", number.to_le_bytes()].concat()
}

/// Answers questions with themselves.
fn echo() -> EventHandler {
    Box::new(|center, now, event| {
        if let DcEvent::Call { session, id, query, .. } = event {
            center.answer(now, session, id, &Answer::Result(query)).unwrap();
        }
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
        let handler: EventHandler = Box::new(|center, now, event| {
            if let DcEvent::Call { session, id, query, .. } = event {
                center.answer(now, session, id, &Answer::Result(query)).unwrap();
                center.push(now, session, b"news").unwrap();
            }
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
        let server = Plan { handler: echo(), ..Plan::default() }.on(accepted);
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
        let handler: EventHandler = Box::new(move |center, now, event| {
            if let DcEvent::Call { session, id, query, .. } = event {
                if query[4] % 2 == 1 {
                    center.answer(now, session, id, &Answer::Result(query.clone())).unwrap();
                }
                asked.send(query).unwrap();
            }
        });
        let world = Plan { handler, ..Plan::default() }.start().await;
        let mut options = world.options();
        // One call at a time: the next can only be made once the one before is over.
        options.client.session.client.calls_max = 1;
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
        let handler: EventHandler = Box::new(move |center, now, event| {
            if let DcEvent::Call { session, id, query, .. } = event {
                let answer = match count.fetch_add(1, Ordering::Relaxed) {
                    0 | 1 => Answer::Error(RpcError::new(420, "FLOOD_WAIT_0")),
                    2 => Answer::Error(RpcError::new(420, "FLOOD_WAIT_30")),
                    _ => Answer::Result(query),
                };
                center.answer(now, session, id, &answer).unwrap();
            }
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
        let store = SharedStore::new(MemoryStore::new());
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

/// A user is sent from one data centre to another, and takes the login along to a third for a file.
#[test]
fn calls_follow_the_user_and_the_file() {
    run(async {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut addresses = Vec::new();
        let mut worlds = Vec::new();
        for dc in [1, 2, 3] {
            let log = log.clone();
            let handler: EventHandler = Box::new(move |center, now, event| {
                let DcEvent::Call { session, id, query, .. } = event else { return };
                let answer = match (dc, query[4]) {
                    (1, _) => Answer::Error(RpcError::new(303, "USER_MIGRATE_2")),
                    (2, b'f') => Answer::Error(RpcError::new(303, "FILE_MIGRATE_3")),
                    _ => Answer::Result(query.clone()),
                };
                log.lock().unwrap().push((dc, query[4]));
                center.answer(now, session, id, &answer).unwrap();
            });
            let world = Plan { dc: DcId::new(dc), handler, ..Plan::default() }.start().await;
            addresses.push(world.address);
            worlds.push(world);
        }
        let (pool, _notices) = Pool::new(1, move |dc| {
            let at = usize::try_from(dc).ok()?.checked_sub(1)?;
            let stack = Stack::Plain(Framing::Abridged);
            let mut options = client_options(*addresses.get(at)?, stack);
            options.client.dc = DcId::new(dc);
            Some(options)
        });
        let ask = |what: u8| [*b"ask?", [what; 4]].concat();
        let answer = pool.invoke_raw(ask(b'u'), RequestOptions::new()).await;
        assert_eq!(answer, Ok(ask(b'u')));
        assert_eq!(pool.home(), 2);
        let answer = pool.invoke_raw(ask(b'f'), RequestOptions::new()).await;
        assert_eq!(answer, Ok(ask(b'f')));
        assert_eq!(pool.home(), 2, "a file does not move its user");
        assert_eq!(*log.lock().unwrap(), [(1, b'u'), (2, b'u'), (2, b'f'), (3, b'f')]);
        let nowhere = pool.invoke_raw_at(9, ask(b'f'), RequestOptions::new()).await;
        assert_eq!(nowhere, Err(InvokeError::Unreachable { dc: 9 }));
        pool.close().await;
        for world in worlds {
            world.stop().await.unwrap();
        }
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
        let handler: EventHandler = Box::new(move |center, now, event| {
            if let DcEvent::Call { session, id, .. } = event {
                center.answer(now, session, id, &answer).unwrap();
                asked.send(()).unwrap();
            }
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
