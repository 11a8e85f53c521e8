//! A server that is killed again and again while clients work and an eavesdropper repeats what it heard.
//!
//! Goal: no captured message runs again, no acknowledged key is lost, every call ends. Method: `mtp server --data` behind
//! a relay that records what clients send and counts what passes. Each round a call with an effect that can be counted is
//! made and answered (a login code is printed), the server is killed after a number of passed pieces, started again, and
//! gets all recorded packets once more. No sleeps. `MTP_KILLS` sets the number of rounds.

use core::net::SocketAddr;
use std::sync::{Arc, Mutex};

use mtp_crypto::OsEntropy;
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_session::client::{CallError, RequestOptions};
use mtp_session::established::KeyKind;
use mtp_tokio::{Client, InvokeError, Notice, Notices};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::kill::{CALL, Folder, PATIENCE, Server, call, options};

const ROUNDS: usize = 8;
/// Workers that call without end; each round adds one more, whose key exchange may be cut.
const WORKERS_MAX: usize = 12;
/// `auth.sendCode`
const SEND_CODE: u32 = 0xa677_244f;
/// `codeSettings`
const CODE_SETTINGS: u32 = 0xad25_3d78;

#[test]
fn nothing_runs_twice_and_nothing_is_lost_over_kills() {
    let rounds = std::env::var("MTP_KILLS").ok().and_then(|count| count.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = Folder::new("kills");
    let key = RsaPrivateKey::generate(&mut OsEntropy).unwrap();
    std::fs::write(folder.0.join("server.pem"), key.to_pkcs8_pem().as_bytes()).unwrap();
    let patience = PATIENCE * u32::try_from(rounds.div_ceil(ROUNDS)).unwrap();
    runtime.block_on(async {
        let story = story(&folder, key.public(), rounds);
        tokio::time::timeout(patience, story).await.expect("in time");
    });
}

async fn story(folder: &Folder, public: &RsaPublicKey, rounds: usize) {
    let mut server = Server::start(&folder.0, "127.0.0.1:0".parse().unwrap());
    let relay = Relay::start(server.address).await;
    let (stop, stopped) = watch::channel(false);
    let mut workers = JoinSet::new();
    let (victim, mut notices) = Client::start(options(relay.address, public, None));
    let mut replayed = 0;
    for round in 0..rounds {
        if workers.len() < WORKERS_MAX {
            let (client, notices) = Client::start(options(relay.address, public, None));
            workers.spawn(work(client, notices, stopped.clone()));
        }
        let answer = victim.invoke_raw(send_code(round), RequestOptions::new()).await.unwrap();
        assert!(answer.len() > 8, "a code was sent");
        // The pieces pass at any point of exchanges, bindings, calls and answers.
        relay.wait_for(1 + round * 7 % 23).await;
        server.kill();
        server = Server::start(&folder.0, server.address).with_lines_of(&server);
        replayed += relay.replay().await;
    }
    stop.send(true).unwrap();
    let (mut calls, mut given_up) = (0, 0);
    while let Some(ended) = workers.join_next().await {
        let (answered, refused) = ended.unwrap();
        calls += answered;
        given_up += refused;
    }
    call(&victim).await;
    while let Ok(notice) = notices.try_recv() {
        assert!(!matches!(notice, Notice::PermanentKeyLost { .. }));
    }
    for round in 0..rounds {
        // It was answered before the kill, so its client did not send it again.
        let line = format!("login code for +{}:", phone(round));
        let codes = server.lines().iter().filter(|text| text.contains(&line)).count();
        assert_eq!(codes, 1, "round {round}");
    }
    assert!(replayed >= rounds, "{replayed} packets were replayed");
    println!(
        "{rounds} kills, {replayed} replayed packets, {calls} calls of workers, {given_up} ended by too many restarts"
    );
}

/// Makes calls until stopped; returns how many were answered, and how many the session gave up.
async fn work(
    client: Client,
    mut notices: Notices,
    mut stopped: watch::Receiver<bool>,
) -> (usize, usize) {
    let (mut calls, mut given_up, mut permanent) = (0, 0, 0);
    loop {
        tokio::select! {
            notice = notices.recv() => match notice.expect("the client runs") {
                Notice::KeyCreated(key) if key.kind == KeyKind::Permanent => {
                    permanent += 1;
                    assert_eq!(permanent, 1, "a second permanent key");
                }
                notice => assert!(!matches!(notice, Notice::PermanentKeyLost { .. })),
            },
            is_answered = try_call(&client) => {
                calls += usize::from(is_answered);
                given_up += usize::from(!is_answered);
            }
            _ = stopped.wait_for(|stop| *stop) => break,
        }
    }
    call(&client).await;
    client.close().await;
    (calls + 1, given_up)
}

/// Makes a call. Returns `false` if more restarts came while it was open than one call is sent again for: each restart
/// refuses it with the code of a wrong salt, and `recoveries_max` of these end it by name.
async fn try_call(client: &Client) -> bool {
    match client.invoke_raw(CALL.to_le_bytes().to_vec(), RequestOptions::new()).await {
        Ok(_) => true,
        Err(InvokeError::Failed(CallError::Refused { code: 48 })) => false,
        Err(other) => panic!("a call ended with {other:?}"),
    }
}

fn phone(round: usize) -> String {
    format!("9996{round:07}")
}

fn send_code(round: usize) -> Vec<u8> {
    let mut call = SEND_CODE.to_le_bytes().to_vec();
    let text = |call: &mut Vec<u8>, text: &str| {
        call.push(u8::try_from(text.len()).unwrap());
        call.extend(text.as_bytes());
        call.resize(call.len().next_multiple_of(4), 0);
    };
    text(&mut call, &phone(round));
    call.extend(6_i32.to_le_bytes());
    text(&mut call, "0123456789abcdef0123456789abcdef");
    call.extend(CODE_SETTINGS.to_le_bytes());
    call.extend(0_i32.to_le_bytes());
    call
}

/// Moves bytes between clients and the server, and records what clients send.
struct Relay {
    address: SocketAddr,
    server: SocketAddr,
    /// What each connection of a client has sent.
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    passed: watch::Sender<usize>,
}

impl Relay {
    async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, passed) = (Arc::<Mutex<Vec<Vec<u8>>>>::default(), watch::Sender::new(0));
        let relay = Self { address, server, heard: heard.clone(), passed: passed.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Without a server the client's connection ends.
                let Ok(server) = TcpStream::connect(server).await else { continue };
                let index = {
                    let mut heard = heard.lock().unwrap();
                    heard.push(Vec::new());
                    heard.len() - 1
                };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let record = Some((heard.clone(), index));
                tokio::spawn(copy(from_client, to_server, record, passed.clone()));
                tokio::spawn(copy(from_server, to_client, None, passed.clone()));
            }
        });
        relay
    }

    /// Waits until a number of further pieces has passed.
    async fn wait_for(&self, pieces: usize) {
        let mut passed = self.passed.subscribe();
        let goal = *passed.borrow() + pieces;
        passed.wait_for(|passed| *passed >= goal).await.unwrap();
    }

    /// Sends all encrypted packets that clients have sent once more, and waits for the end. Returns their number.
    async fn replay(&self) -> usize {
        let heard = self.heard.lock().unwrap().clone();
        let mut replayed = 0;
        // The youngest connections: what is older than five minutes is refused for its age.
        for bytes in heard.iter().rev().take(20) {
            let packets: Vec<&[u8]> = packets(bytes)
                .into_iter()
                .filter(|packet| packet.len() > 24 && packet[..8] != [0; 8])
                .collect();
            if packets.is_empty() {
                continue;
            }
            let mut stream = TcpStream::connect(self.server).await.unwrap();
            let mut out = vec![0xef];
            for packet in &packets {
                let words = u32::try_from(packet.len() / 4).unwrap();
                if words < 0x7f {
                    out.push(u8::try_from(words).unwrap());
                } else {
                    out.push(0x7f);
                    out.extend(&words.to_le_bytes()[..3]);
                }
                out.extend(*packet);
            }
            // The server may close the connection at any point, for example because it does not know the key yet.
            let _ = stream.write_all(&out).await;
            let _ = stream.shutdown().await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
            replayed += packets.len();
        }
        replayed
    }
}

/// Cuts the packets of a stream in the abridged framing. The last may be incomplete.
fn packets(stream: &[u8]) -> Vec<&[u8]> {
    let (mut packets, mut rest) = (Vec::new(), stream.get(1..).unwrap_or_default());
    while let [first, tail @ ..] = rest {
        let (words, tail) = match (first & 0x7f, tail) {
            (0x7f, [a, b, c, tail @ ..]) => (u32::from_le_bytes([*a, *b, *c, 0]), tail),
            (0x7f, _) => break,
            (words, tail) => (words.into(), tail),
        };
        let Some((packet, next)) = tail.split_at_checked(4 * words as usize) else { break };
        packets.push(packet);
        rest = next;
    }
    packets
}

type Record = Option<(Arc<Mutex<Vec<Vec<u8>>>>, usize)>;

async fn copy(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    record: Record,
    passed: watch::Sender<usize>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(len) = from.read(&mut buffer).await {
        if len == 0 {
            break;
        }
        if let Some((heard, index)) = &record {
            heard.lock().unwrap()[*index].extend(&buffer[..len]);
        }
        if to.write_all(&buffer[..len]).await.is_err() {
            break;
        }
        passed.send_modify(|passed| *passed += 1);
    }
    let _ = to.shutdown().await;
}
