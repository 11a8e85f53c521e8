//! A server under abuse, on loopback.
//!
//! Goal: whatever some sockets do or leave undone, honest clients are served meanwhile, and useless sockets
//! end. Method: real sockets, limits of milliseconds, and waiting for what must happen instead of sleeping.

use core::net::SocketAddr;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use mtp_crypto::CtrEntropy;
use mtp_env::Entropy as _;
use mtp_server::Answer;
use mtp_server::Rate;
use mtp_session::client::{ClientHandshake, ClientHandshakeConfig, RequestOptions};
use mtp_session::exchange::KeyRequest;
use mtp_tokio::{Client, Clock, ServerOptions};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::support::{CallHandler, DC, NEAREST_DC, Plan, client_options, public_key, run};

async fn ask(client: &Client) {
    let answer = client.invoke_raw(NEAREST_DC.0.to_vec(), RequestOptions::new()).await.unwrap();
    assert!(answer.starts_with(&NEAREST_DC.1));
}

/// Short enough to be seen, long enough for a slow machine's honest clients.
fn hasty() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.write_timeout = Duration::from_millis(200);
    options
}

/// Connects, sends, and waits until the server ends it; returns what it said before.
async fn visit(address: SocketAddr, bytes: Vec<u8>) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The server may end it while it is being written.
    let _ = socket.write_all(&bytes).await;
    let mut received = Vec::new();
    let _ = socket.read_to_end(&mut received).await;
    received
}

/// A transport error in intermediate framing.
fn told(code: i32) -> Vec<u8> {
    [4_i32.to_le_bytes(), code.to_le_bytes()].concat()
}

/// Frames an encrypted packet.
fn unknown_key(packet: &[u8]) -> Vec<u8> {
    let len = u32::try_from(packet.len()).unwrap().to_le_bytes();
    [&[0xee; 4], &len, packet].concat()
}

#[test]
fn what_cannot_be_served_is_told_so() {
    run(async {
        let world = Plan::default().start().await;
        // A key that nobody has.
        assert_eq!(visit(world.address, unknown_key(&[7; 80])).await, told(-404));
        // A frame beyond the limit, and one that no packet fits in: nothing is said.
        let oversize = [&[0xee; 4][..], &(17_u32 << 20).to_le_bytes(), &[7; 80]].concat();
        assert_eq!(visit(world.address, oversize).await, []);
        world.stop().await.unwrap();
    });
}

#[test]
fn useless_sockets_end_and_honest_clients_are_served_meanwhile() {
    run(async {
        let mut plan = Plan { options: hasty(), ..Plan::default() };
        plan.admission.proof_time = Duration::from_secs(2);
        plan.link.handshake_timeout = Duration::from_millis(500);
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        let mut visits = JoinSet::new();
        let mut entropy = CtrEntropy::from_number(1);
        for number in 0..1_200_usize {
            let mut random = vec![0; 300];
            entropy.fill(&mut random);
            let bytes = match number % 6 {
                // Says nothing.
                0 => Vec::new(),
                // Begins an obfuscated header and stops.
                1 => random[..20].to_vec(),
                // Random bytes, which make a good header.
                2 => random,
                // Announces the largest frame there is, and a little of it.
                3 => [&[0xee; 4][..], &[0xff, 0xff, 0xff, 0x7f], &random].concat(),
                // An encrypted packet under a key that nobody has.
                4 => unknown_key(&random[..80]),
                // A framing and then nothing.
                _ => vec![0xee; 4],
            };
            visits.spawn(visit(world.address, bytes));
            if number % 100 == 0 {
                // Behind all that came before, so the listener's queue never overflows.
                let (newcomer, _) = Client::start(world.options());
                ask(&newcomer).await;
                newcomer.close().await.unwrap();
                ask(&client).await;
            }
        }
        let (newcomer, _) = Client::start(world.options());
        ask(&newcomer).await;
        while let Some(visited) = visits.join_next().await {
            // A transport error at most.
            let received = visited.unwrap();
            assert!(received.len() <= 16, "{received:?}");
        }
        ask(&client).await;
        client.close().await.unwrap();
        newcomer.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// Sockets without a key are so many; the oldest makes room for the newest, and keys are safe.
#[test]
fn the_oldest_without_a_key_makes_room() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.unproven_max = 20;
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        let mut visits = JoinSet::new();
        for _ in 0..200 {
            visits.spawn(visit(world.address, vec![0xee; 4]));
        }
        for _ in 0..180 {
            assert_eq!(visits.join_next().await.unwrap().unwrap(), []);
            ask(&client).await;
        }
        let (newcomer, _) = Client::start(world.options());
        ask(&newcomer).await;
        world.stop().await.unwrap();
    });
}

/// Frames that are announced and never end hold so much memory and no more.
#[test]
fn unfinished_frames_share_a_limit() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.input_bytes_max = 8 << 20;
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        // 64 MB are announced and sent but for a little.
        let frame = [&[0xee; 4][..], &(1_u32 << 20).to_le_bytes(), &vec![7; 1_000_000]].concat();
        let mut visits = JoinSet::new();
        for _ in 0..64 {
            visits.spawn(visit(world.address, frame.clone()));
        }
        // At most eight of them can still be there.
        for _ in 0..56 {
            assert_eq!(visits.join_next().await.unwrap().unwrap(), []);
            ask(&client).await;
        }
        world.stop().await.unwrap();
    });
}

/// Who sends a byte now and then is not waited for longer than who sends none.
#[test]
fn slow_senders_end() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.proof_time = Duration::from_secs(1);
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        let mut slow = Vec::new();
        for _ in 0..50 {
            slow.push(TcpStream::connect(world.address).await.unwrap());
        }
        let frame = [&[0xee; 4][..], &(1_u32 << 20).to_le_bytes(), &vec![7; 1 << 20]].concat();
        // One byte of each for each answer to an honest client.
        let mut bytes = frame.chunks(1);
        while !slow.is_empty() {
            ask(&client).await;
            let byte = bytes.next().expect("they end before a million bytes");
            let mut left = Vec::new();
            for mut socket in slow {
                let ended = matches!(socket.try_read(&mut [0; 8]), Ok(0))
                    || socket.write_all(byte).await.is_err();
                if !ended {
                    left.push(socket);
                }
            }
            slow = left;
        }
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// An address pays for the arithmetic it asks for; another's clients do not wait for it.
#[cfg(target_os = "linux")]
#[test]
fn a_flood_of_key_exchanges_is_told_to_wait() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.exchanges = Rate::new(10, Duration::from_secs(3600));
        let world = plan.start().await;
        let mut flood = JoinSet::new();
        for number in 0..40 {
            flood.spawn(make_key(world.address, number));
        }
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        let (mut made, mut refused) = (0, 0);
        while let Some(outcome) = flood.join_next().await {
            match outcome.unwrap() {
                Ok(()) => made += 1,
                Err(code) => {
                    assert_eq!(code, -429);
                    refused += 1;
                }
            }
        }
        // One exchange makes one key.
        assert!(made <= 10 && made + refused == 40, "{made} made, {refused} refused");
        ask(&client).await;
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// Makes a permanent key from another address, or returns the transport error.
#[cfg(target_os = "linux")]
async fn make_key(address: SocketAddr, seed: u64) -> Result<(), i32> {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
    let mut socket = socket.connect(address).await.unwrap();
    socket.write_all(&[0xee; 4]).await.unwrap();
    let config = ClientHandshakeConfig::new(DC, KeyRequest::Permanent, [public_key()].into());
    let entropy = Box::new(CtrEntropy::from_number(seed));
    let mut exchange = ClientHandshake::new(config, entropy);
    let clock = Clock::start();
    loop {
        let mut packet = Vec::new();
        if exchange.poll_transmit(clock.now(), &mut packet).is_some() {
            let len = u32::try_from(packet.len()).unwrap().to_le_bytes();
            socket.write_all(&[&len, &packet[..]].concat()).await.unwrap();
        }
        if exchange.is_done() {
            return Ok(());
        }
        let len = socket.read_u32_le().await.unwrap();
        let mut packet = vec![0; len.try_into().unwrap()];
        socket.read_exact(&mut packet).await.unwrap();
        if let Ok(code) = packet[..].try_into() {
            return Err(i32::from_le_bytes(code));
        }
        exchange.handle_packet(clock.now(), &packet).unwrap();
    }
}

/// What was sent once runs once, even when another peer sends it again.
#[test]
fn replays_run_nothing() {
    run(async {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let handler: CallHandler = Box::new(move |endpoint, now, call| {
            count.fetch_add(1, Ordering::Relaxed);
            endpoint.answer(now, call.token, &Answer::Result(call.query)).unwrap();
        });
        let world = Plan { handler, ..Plan::default() }.start().await;
        let question = || b"what is it?!".to_vec();
        let (client, _notices) = Client::start(world.options());
        client.invoke_raw(question(), RequestOptions::new()).await.unwrap();
        let saved = client.close().await;

        // A second run sends nothing but encrypted packets, and an observer records them.
        let mut options = world.options();
        options.saved = saved;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (address, tape) = (world.address, heard.clone());
        let (client, _notices) = Client::start_through(options, move || {
            let tape = tape.clone();
            async move {
                let stream = TcpStream::connect(address).await?;
                Ok(Tapped { stream, tape })
            }
        });
        for _ in 0..3 {
            client.invoke_raw(question(), RequestOptions::new()).await.unwrap();
        }
        assert_eq!(asked.load(Ordering::Relaxed), 4);
        let heard = heard.lock().unwrap().clone();
        for _ in 0..20 {
            let mut socket = TcpStream::connect(world.address).await.unwrap();
            socket.write_all(&heard).await.unwrap();
            socket.shutdown().await.unwrap();
            // The server ends once it has read everything.
            let _ = socket.read_to_end(&mut Vec::new()).await;
        }
        assert_eq!(asked.load(Ordering::Relaxed), 4);
        client.invoke_raw(question(), RequestOptions::new()).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 5);
        client.close().await.unwrap();
        world.stop().await.unwrap();
    });
}

/// A socket with an eavesdropper.
struct Tapped {
    stream: TcpStream,
    tape: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, room)
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.tape.lock().unwrap().extend_from_slice(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[test]
fn an_address_has_so_many_sockets() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.unproven_per_address_max = 2;
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        let first = TcpStream::connect(world.address).await.unwrap();
        let second = TcpStream::connect(world.address).await.unwrap();
        // The third besides the client's is closed at once.
        assert_eq!(visit(world.address, Vec::new()).await, []);
        ask(&client).await;
        drop((first, second));
        // Another client can connect as soon as the server has noticed.
        let (newcomer, _) = Client::start(world.options());
        ask(&newcomer).await;
        world.stop().await.unwrap();
    });
}

/// A client with a key learns why no more links are accepted.
#[test]
fn one_link_too_many_is_told_so() {
    run(async {
        let mut plan = Plan::default();
        plan.admission.links_per_address_max = 1;
        let world = plan.start().await;
        let (client, _notices) = Client::start(world.options());
        ask(&client).await;
        assert_eq!(visit(world.address, vec![0xee; 4]).await, told(-429));
        ask(&client).await;
        world.stop().await.unwrap();
    });
}

/// Who does not read is closed, and gets over the next socket what did not fit into the first.
#[test]
fn slow_readers_end() {
    run(async {
        // Nothing that could be packed.
        let mut much = vec![0; 1 << 20];
        CtrEntropy::from_number(1).fill(&mut much);
        let answer = Answer::Result(much);
        let handler: CallHandler = Box::new(move |endpoint, now, call| {
            endpoint.answer(now, call.token, &answer).unwrap();
        });
        let server = Plan { handler, options: hasty(), ..Plan::default() }.bind().await;
        let address = server.local_addr().unwrap();
        // The first socket takes a key exchange and a little more.
        let sockets = AtomicUsize::new(0);
        let (ended, mut ends) = mpsc::unbounded_channel();
        let wrap = move |stream| {
            let left =
                if sockets.fetch_add(1, Ordering::Relaxed) == 0 { 1 << 16 } else { usize::MAX };
            core::future::ready(Ok(Stingy { stream, left, ended: ended.clone() }))
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.run_through(wrap, async {
            let _ = stopped.await;
        }));
        let stack = Stack::Plain(Framing::Intermediate);
        let (client, _notices) = Client::start(client_options(address, stack));
        let answer = client.invoke_raw(b"much".to_vec(), RequestOptions::new()).await.unwrap();
        assert_eq!(answer.len(), 1 << 20);
        assert_eq!(ends.recv().await, Some(0), "it ended when nothing more went into it");
        client.close().await.unwrap();
        drop(stop);
        serving.await.unwrap().unwrap();
    });
}

/// A socket of which the other side reads no more than so many bytes.
struct Stingy {
    stream: TcpStream,
    left: usize,
    /// Told how many were left when the server closed it.
    ended: mpsc::UnboundedSender<usize>,
}

impl Drop for Stingy {
    fn drop(&mut self) {
        let _ = self.ended.send(self.left);
    }
}

impl AsyncRead for Stingy {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, room)
    }
}

impl AsyncWrite for Stingy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(self.left)];
        if bytes.is_empty() {
            return Poll::Pending;
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.left -= *written.as_ref().unwrap_or(&0);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
