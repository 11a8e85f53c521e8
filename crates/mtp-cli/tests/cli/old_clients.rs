//! Old clients are refused, and the log names the option that admits them.
//!
//! Those from before 2021 pad their key exchange in another way: its first two steps are written here
//! by hand. Those from before 2018 encrypt their messages in another way, under a key like any other.

use std::io::{Read, Write};
use std::net::TcpStream;

use mtp_crypto::DcId;
use mtp_crypto::begin;
use mtp_crypto::exchange::{RsaPublicKey, ShortNumber, factor};
use mtp_crypto::{InnerHeader, MsgId, OsEntropy, SeqNo, SessionId, Side, open, v1};
use mtp_session::client::{ClientConfig, Secrecy};
use mtp_session::established::Established;
use mtp_tokio::{Client, ClientOptions, Notice};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;

use crate::program::{Background, Folder, run};

const REQ_PQ_MULTI: u32 = 0xbe7e_8ef1;
const RES_PQ: u32 = 0x0516_2463;
const P_Q_INNER_DATA: u32 = 0x83c9_5aec;
const REQ_DH_PARAMS: u32 = 0xd712_e4be;
const SERVER_DH_PARAMS_OK: u32 = 0xd0e8_075c;

#[test]
fn of_the_old_exchange_are_refused() {
    let (mut server, answer) = visit("legacy-refused", &[]);
    assert!(!answer.starts_with(&SERVER_DH_PARAMS_OK.to_le_bytes()), "{answer:?}");
    let line = server.wait_for("refused");
    assert!(line.ends_with("legacy RSA scheme is not allowed; --allow-legacy-rsa admits it"), "{line}");
}

#[test]
fn of_the_old_exchange_are_admitted_by_the_option() {
    let (_server, answer) = visit("legacy-admitted", &["--allow-legacy-rsa"]);
    assert!(answer.starts_with(&SERVER_DH_PARAMS_OK.to_le_bytes()), "{answer:?}");
}

#[test]
fn of_the_old_encryption_are_refused() {
    let (mut server, key) = key_of("v1-refused", &[]);
    let mut socket = ping_in_version_one(&mut server, &key);
    assert_eq!(socket.read(&mut [0; 4]).unwrap(), 0, "closed without a word");
    let line = server.wait_for("refused");
    assert!(line.ends_with("packet of MTProto 1.0; --allow-v1 admits it"), "{line}");
}

#[test]
fn of_the_old_encryption_are_admitted_by_the_option() {
    let (mut server, key) = key_of("v1-admitted", &["--allow-v1"]);
    let mut socket = ping_in_version_one(&mut server, &key);
    let mut packet = read_frame(&mut socket);
    assert!(open(&key.key, Side::Server, &mut packet.clone()).is_err());
    let opened = v1::open(&key.key, Side::Server, &mut packet).unwrap();
    let pong = 0x3477_73c5_u32.to_le_bytes();
    assert!(opened.body.windows(4).any(|part| part == pong), "{opened:?}");
}

/// Starts a server and makes a key there as today's clients do.
fn key_of(test: &str, options: &[&str]) -> (Background, Established) {
    let folder = Folder::new(test);
    let key = folder.path("key");
    run(["keygen", &key]).success();
    let serve = ["server", "--listen", "127.0.0.1:0", "--rsa-key", &key];
    let mut server = Background::start(serve.iter().chain(options));
    let public = std::fs::read(format!("{key}.pub")).unwrap();
    let public = RsaPublicKey::from_pem(&public).unwrap();
    let mut config = ClientConfig::new(DcId::new(2), [public].into());
    config.secrecy = Secrecy::Off;
    let stack = Stack::Plain(Framing::Intermediate);
    let options = ClientOptions::new(server.address().as_str(), stack, config);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let made = runtime.block_on(async {
        let (client, mut notices) = Client::start(options);
        loop {
            if let Notice::KeyCreated(made) = notices.recv().await.expect("the client runs") {
                client.close().await;
                return made;
            }
        }
    });
    (server, made)
}

/// Connects, and sends a ping encrypted as before 2018.
fn ping_in_version_one(server: &mut Background, key: &Established) -> TcpStream {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let mut packet = Vec::new();
    let header = InnerHeader {
        salt: key.salt,
        session_id: SessionId::from_raw(5),
        msg_id: MsgId::from_raw(now()),
        seq_no: SeqNo::from_raw(0),
    };
    let start = begin(&mut packet, header);
    packet.extend([0xec, 0x77, 0xbe, 0x7a, 1, 2, 3, 4, 5, 6, 7, 8]);
    v1::pad(&mut packet, start, &mut OsEntropy).unwrap();
    v1::seal(&key.key, Side::Client, &mut packet).unwrap();
    let mut frame = vec![0xee; 4];
    frame.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
    frame.extend(packet);
    socket.write_all(&frame).unwrap();
    socket
}

/// Makes two steps of a key exchange and returns the answer to the second.
fn visit(test: &str, options: &[&str]) -> (Background, Vec<u8>) {
    let folder = Folder::new(test);
    let key = folder.path("key");
    run(["keygen", &key]).success();
    let serve = ["server", "--listen", "127.0.0.1:0", "--rsa-key", &key];
    let mut server = Background::start(serve.iter().chain(options));
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(&[0xee; 4]).unwrap();

    let nonce = [7; 16];
    let mut request = REQ_PQ_MULTI.to_le_bytes().to_vec();
    request.extend(nonce);
    send(&mut socket, &request);
    let res_pq = receive(&mut socket);
    assert!(res_pq.starts_with(&RES_PQ.to_le_bytes()), "{res_pq:?}");
    let server_nonce = &res_pq[20..36];
    let pq = &res_pq[37..45];
    let fingerprint = &res_pq[56..64];

    let factors = factor(u64::from_be_bytes(pq.try_into().unwrap())).unwrap();
    let (p, q) = (ShortNumber::new(factors.p()), ShortNumber::new(factors.q()));
    let mut inner = P_Q_INNER_DATA.to_le_bytes().to_vec();
    put_string(&mut inner, pq);
    put_string(&mut inner, p.as_bytes());
    put_string(&mut inner, q.as_bytes());
    inner.extend(nonce);
    inner.extend(server_nonce);
    inner.extend([9; 32]);
    let public = std::fs::read(format!("{key}.pub")).unwrap();
    let public = RsaPublicKey::from_pem(&public).unwrap();
    let encrypted = public.legacy_encrypt(&inner, &mut OsEntropy).unwrap();

    let mut request = REQ_DH_PARAMS.to_le_bytes().to_vec();
    request.extend(nonce);
    request.extend(server_nonce);
    put_string(&mut request, p.as_bytes());
    put_string(&mut request, q.as_bytes());
    request.extend(fingerprint);
    put_string(&mut request, &encrypted);
    send(&mut socket, &request);
    (server, receive(&mut socket))
}

/// Writes a plain message in an intermediate frame.
fn send(socket: &mut TcpStream, body: &[u8]) {
    let len = u32::try_from(body.len()).unwrap();
    let mut frame = (len + 20).to_le_bytes().to_vec();
    frame.extend([0; 8]);
    frame.extend(now().to_le_bytes());
    frame.extend(len.to_le_bytes());
    frame.extend(body);
    socket.write_all(&frame).unwrap();
}

/// Returns a message id.
fn now() -> u64 {
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (unix.as_secs() << 32) | u64::from(unix.subsec_nanos() & !3)
}

fn read_frame(socket: &mut TcpStream) -> Vec<u8> {
    let mut len = [0; 4];
    socket.read_exact(&mut len).unwrap();
    let mut frame = vec![0; usize::try_from(u32::from_le_bytes(len)).unwrap()];
    socket.read_exact(&mut frame).unwrap();
    frame
}

/// Reads a frame; the body of a plain message, or a transport error as it is.
fn receive(socket: &mut TcpStream) -> Vec<u8> {
    let mut frame = read_frame(socket);
    if frame.len() > 20 { frame.split_off(20) } else { frame }
}

fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    match u8::try_from(bytes.len()) {
        Ok(len @ ..254) => out.push(len),
        _ => out.extend((u32::try_from(bytes.len()).unwrap() << 8 | 0xfe).to_le_bytes()),
    }
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
}
