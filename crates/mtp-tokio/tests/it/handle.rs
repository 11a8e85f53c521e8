//! Answers and pushes from outside of the event handler.

use core::time::Duration;

use mtp_crypto::CtrEntropy;
use mtp_env::Entropy as _;
use mtp_server::{Answer, CallToken};
use mtp_session::client::RequestOptions;
use mtp_session::server::AnswerError;
use mtp_tokio::{Client, Notice};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{CallHandler, Plan, client_options, run, until};

/// Sends the tokens of calls to a channel instead of answering.
fn passing() -> (CallHandler, mpsc::UnboundedReceiver<(CallToken, Vec<u8>)>) {
    let (calls, taken) = mpsc::unbounded_channel();
    let handler: CallHandler = Box::new(move |_, _, call| {
        calls.send((call.token, call.query)).unwrap();
    });
    (handler, taken)
}

#[test]
fn calls_are_answered_later_and_in_any_order() {
    run(async {
        let (handler, mut calls) = passing();
        let world = Plan { handler, ..Plan::default() }.start().await;
        let handle = world.handle.clone();
        let answering = tokio::spawn(async move {
            let mut waiting = Vec::new();
            while waiting.len() < 10 {
                waiting.push(calls.recv().await.unwrap());
            }
            let token = waiting[0].0;
            for (token, query) in waiting.into_iter().rev() {
                handle.push(token.session(), b"news").await.unwrap();
                handle.answer(token, &Answer::Result(query)).await.unwrap();
            }
            let twice = handle.answer_now(token, &Answer::Result(vec![1; 4])).unwrap_err();
            assert_eq!(twice, AnswerError::UnknownCall);
        });
        let (client, mut notices) = Client::start(world.options());
        let questions: Vec<_> = (0..10).map(|number| vec![number; 8]).collect();
        let mut asking = tokio::task::JoinSet::new();
        let client = std::sync::Arc::new(client);
        for question in questions {
            let client = client.clone();
            asking.spawn(async move {
                let answer = client.invoke_raw(question.clone(), RequestOptions::new()).await;
                assert_eq!(answer, Ok(question));
            });
        }
        while let Some(asked) = asking.join_next().await {
            asked.unwrap();
        }
        answering.await.unwrap();
        for _ in 0..10 {
            until(&mut notices, |notice| matches!(notice, Notice::Update(_))).await;
        }
        world.stop().await.unwrap();
    });
}

/// A sender that waits for a session to keep up is held while the client reads nothing, and goes on after.
#[test]
fn a_session_that_does_not_keep_up_holds_its_senders() {
    run(async {
        let (handler, mut calls) = passing();
        let plan = Plan { handler, unacked_bytes_max: Some(256 * 1024), ..Plan::default() };
        let world = plan.start().await;
        let address = world.address;
        // A tap between client and server, which lets nothing through to the client while it is shut.
        let (shut, is_shut) = tokio::sync::watch::channel(false);
        let stack = Stack::Plain(Framing::Intermediate);
        let (client, mut notices) =
            Client::start_through(client_options(address, stack), move || {
                let mut is_shut = is_shut.clone();
                async move {
                    let (near, far) = tokio::io::duplex(64 * 1024);
                    let (mut reader, mut writer) = tokio::io::split(far);
                    let (mut down, mut up) = TcpStream::connect(address).await?.into_split();
                    tokio::spawn(async move {
                        let _ = tokio::io::copy(&mut reader, &mut up).await;
                    });
                    tokio::spawn(async move {
                        let mut bytes = vec![0; 16 * 1024];
                        loop {
                            is_shut.wait_for(|shut| !shut).await.unwrap();
                            match down.read(&mut bytes).await {
                                Ok(len @ 1..) => writer.write_all(&bytes[..len]).await.unwrap(),
                                _ => return,
                            }
                        }
                    });
                    Ok(near)
                }
            });
        let asking = client.invoke_raw(vec![1; 8], RequestOptions::new());
        let sending = async {
            let (token, query) = calls.recv().await.unwrap();
            shut.send_replace(true);
            // Nothing that could be packed.
            let mut much = vec![0; 32 * 1024];
            CtrEntropy::from_number(1).fill(&mut much);
            let mut pushed = 0;
            let push = async {
                loop {
                    world.handle.push(token.session(), &much).await.unwrap();
                    pushed += 1;
                }
            };
            let held = tokio::time::timeout(Duration::from_millis(500), push).await;
            assert!(held.is_err());
            assert!((4..=6).contains(&pushed), "{pushed} pushes of 32 KiB fill half of 256 KiB");
            shut.send_replace(false);
            for _ in 0..pushed {
                until(&mut notices, |notice| matches!(notice, Notice::Update(_))).await;
            }
            // A ping carries the acknowledgements.
            client.ping().await.unwrap();
            world.handle.push(token.session(), &much).await.unwrap();
            world.handle.answer(token, &Answer::Result(query)).await.unwrap();
        };
        let (answer, ()) = tokio::join!(asking, sending);
        assert_eq!(answer, Ok(vec![1; 8]));
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

#[test]
fn observers_run_while_the_endpoint_is_unlocked() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.links_max = 1;
        let server = plan.bind().await;
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let (observed, mut log) = mpsc::unbounded_channel();
        // A lock that is held would never be released here.
        let server = server.with_observer(Box::new(move |notice| {
            let links = handle.with(|endpoint, _| endpoint.links());
            observed.send((links, notice.to_string())).unwrap();
        }));
        tokio::spawn(server.run(core::future::pending()));
        let first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let (links, notice) = log.recv().await.unwrap();
        assert_eq!((links, notice.ends_with("the limit of links is reached")), (1, true));
        drop(first);
    });
}
