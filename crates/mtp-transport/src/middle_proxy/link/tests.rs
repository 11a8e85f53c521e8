//! Hostile peers that know the secret: their frames are encrypted as they should be, and wrong.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use mtp_crypto::CtrEntropy;
use mtp_env::{Now, UnixTime};
use serde_json::Value;

use super::*;
use crate::middle_proxy::cbc::Encryptor;
use crate::middle_proxy::checksum::Checksum;
use crate::middle_proxy::frames::FrameWriter;
use crate::middle_proxy::hello::{Handshake, Nonce, SCHEMA_AES};
use crate::middle_proxy::keys::{Direction, LinkKey, LinkParts};
use crate::rig::{Dice, hex};

fn now() -> Now {
    Now { unix: UnixTime::from_secs(1_765_000_000), ..Now::default() }
}

fn vectors(section: &str) -> Vec<Value> {
    let all: Value =
        serde_json::from_str(include_str!("../../../../../vectors/proxy.json")).unwrap();
    all[section].as_array().unwrap().clone()
}

fn secret() -> Arc<MiddleSecret> {
    Arc::new(MiddleSecret::from_bytes(&[0x5a; 64]).unwrap())
}

fn addresses() -> LinkAddresses {
    let of = |text: &str| text.parse::<SocketAddr>().unwrap();
    LinkAddresses { proxy: of("192.0.2.10:40000"), middle: of("198.51.100.50:8888") }
}

/// A middle proxy whose peer has sent its nonce, and the key of that peer.
fn after_nonce() -> (MiddleServerLink, LinkKey) {
    let config = Arc::new(MiddleLinkConfig::default());
    let process = ProcessId { number: 77, started: 1 };
    let entropy = Box::new(CtrEntropy::from_number(4));
    let secrets = Arc::from([secret()]);
    let mut server = MiddleServerLink::new(now(), config, secrets, addresses(), process, entropy);
    let nonce = Nonce {
        selector: secret().selector(),
        schema: SCHEMA_AES,
        time: 1_765_000_000,
        random: [9; 16],
    };
    let mut writer = FrameWriter::new();
    writer.queue(|out| out.extend_from_slice(&nonce.encode()));
    let mut bytes = Vec::new();
    assert!(writer.drain(&mut bytes));
    server.handle_bytes(now(), &bytes);
    assert_eq!(server.next_message(now()), Ok(None));
    bytes.clear();
    assert!(server.poll_transmit(&mut bytes));
    let answer = Nonce::decode(&bytes[8..40]).unwrap();
    let secret = secret();
    let parts = LinkParts {
        server_nonce: &answer.random,
        client_nonce: &nonce.random,
        client_time: nonce.time,
        server: addresses().middle,
        client: addresses().proxy,
        secret: secret.as_bytes(),
    };
    (server, parts.key(Direction::Up))
}

fn sealed(cipher: &mut Encryptor, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    while !bytes.len().is_multiple_of(16) {
        bytes.extend_from_slice(&[4, 0, 0, 0]);
    }
    cipher.encrypt(&mut bytes);
    bytes
}

fn frame(seq_no: i32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len() + 12).unwrap();
    let mut bytes = [&len.to_le_bytes()[..], &seq_no.to_le_bytes(), payload].concat();
    bytes.extend_from_slice(&Checksum::Crc32.of(&bytes).to_le_bytes());
    bytes
}

fn handshake() -> Vec<u8> {
    let peer = ProcessId::default().at(Some(addresses().middle));
    let sender = ProcessId { number: 3, started: 4 }.at(None);
    frame(-1, &Handshake { flags: 0, sender, peer }.encode())
}

/// A middle proxy that is ready, and its peer's cipher.
fn ready() -> (MiddleServerLink, Encryptor) {
    let (mut server, key) = after_nonce();
    let mut cipher = Encryptor::new(&key);
    server.handle_bytes(now(), &sealed(&mut cipher, &handshake()));
    assert_eq!(server.next_message(now()), Ok(None));
    assert!(server.is_ready());
    (server, cipher)
}

// spec: proxy 2.1
// spec: proxy 2.4
#[test]
fn wrong_frames_of_the_vectors_close_the_link() {
    let mut counted = 0;
    for entry in vectors("frames") {
        let bytes = hex(&entry["bytes"]);
        let result = entry["result"].as_str().unwrap();
        if entry["stage"] == "run" {
            let (mut server, mut cipher) = ready();
            server.handle_bytes(now(), &sealed(&mut cipher, &bytes));
            let found = server.next_message(now());
            assert_eq!(found.is_ok(), result != "close", "{entry}");
        } else if entry["stage"] == "handshake" {
            let (mut server, key) = after_nonce();
            let mut cipher = Encryptor::new(&key);
            server.handle_bytes(now(), &sealed(&mut cipher, &bytes));
            let error = server.next_message(now()).unwrap_err();
            match error {
                MiddleLinkError::Flags { .. } => assert!(result.contains("-7"), "{entry}"),
                MiddleLinkError::HandshakeLength { len: 28 } => {
                    assert!(result.contains("-3"), "{entry}");
                }
                other => panic!("{other:?}"),
            }
            // The refusal is one frame in three blocks, and nothing follows.
            let mut out = Vec::new();
            assert!(server.poll_transmit(&mut out));
            assert_eq!((out.len(), server.has_output()), (32, false));
        } else {
            continue;
        }
        counted += 1;
    }
    assert_eq!(counted, 10);
}

// spec: proxy 3
#[test]
fn wrong_messages_of_the_vectors_are_ignored() {
    let mut counted = 0;
    for entry in vectors("rpc_bad") {
        let payload = hex(&entry["payload"]);
        if entry["action"] == "ignore" && !entry["name"].as_str().unwrap().contains("unknown conn")
        {
            let decoded = MiddleMessage::decode(&payload);
            assert!(matches!(decoded, None | Some(MiddleMessage::Pong(_))), "{entry}");
        }
        // Whatever the direction: a message for the other end changes nothing.
        let (mut server, mut cipher) = ready();
        let both = [frame(0, &payload), frame(1, &PING)].concat();
        server.handle_bytes(now(), &sealed(&mut cipher, &both));
        assert_eq!(server.next_message(now()), Ok(None), "{entry}");
        assert!(server.has_output(), "the ping behind it is answered");
        counted += 1;
    }
    assert_eq!(counted, 10);
}

const PING: [u8; 12] = [0xdf, 0xa2, 0x30, 0x57, 1, 2, 3, 4, 5, 6, 7, 8];

// spec: proxy 2.4
#[test]
fn handshake_for_another_process_is_refused() {
    let wrong = "198.51.100.51:8888".parse().unwrap();
    for (peer, fits) in [
        (ProcessId::default().at(Some(addresses().middle)), true),
        (ProcessId { number: 77, started: 0 }.at(None), true),
        ([0; 12], true),
        (*b"IPIPPRPDTIME", true),
        (ProcessId { number: 78, started: 0 }.at(None), false),
        (ProcessId::default().at(Some(wrong)), false),
    ] {
        let (mut server, key) = after_nonce();
        let payload = Handshake { flags: 0, sender: [1; 12], peer }.encode();
        let bytes = sealed(&mut Encryptor::new(&key), &frame(-1, &payload));
        server.handle_bytes(now(), &bytes);
        let expected = if fits { Ok(None) } else { Err(MiddleLinkError::WrongProcess) };
        assert_eq!(server.next_message(now()), expected, "{peer:?}");
    }
}

// spec: proxy 2.4
#[test]
fn peer_with_other_keys_is_closed_without_an_answer() {
    let (mut server, _) = after_nonce();
    let other = LinkParts {
        server_nonce: &[1; 16],
        client_nonce: &[2; 16],
        client_time: 3,
        server: addresses().middle,
        client: addresses().proxy,
        secret: &[1; 32],
    };
    let mut cipher = Encryptor::new(&other.key(Direction::Up));
    server.handle_bytes(now(), &sealed(&mut cipher, &handshake()));
    assert!(server.next_message(now()).is_err());
    assert!(!server.has_output());
}

/// Whatever an authenticated peer sends, and however it is cut, gives the same messages.
#[test]
fn hostile_streams_give_the_same_result_for_every_cut() {
    let request = vectors("rpc").into_iter().map(|entry| hex(&entry["bytes"]));
    let payloads: Vec<_> = request.collect();
    let mut dice = Dice(17);
    for _ in 0..2_000 {
        let mut plain = Vec::new();
        for number in 0..=i32::try_from(dice.roll(4)).unwrap() {
            let mut payload = payloads[dice.roll(payloads.len())].clone();
            if dice.roll(3) == 0 {
                dice.mutate(&mut payload);
                payload.truncate(payload.len() & !3);
            }
            let mut one = frame(number, &payload);
            if dice.roll(8) == 0 {
                dice.mutate(&mut one);
            }
            plain.extend_from_slice(&one);
            (0..dice.roll(3)).for_each(|_| plain.extend_from_slice(&[4, 0, 0, 0]));
        }
        plain.truncate(plain.len() & !3);
        let run = |piece: usize| {
            let (mut server, mut cipher) = ready();
            let stream = sealed(&mut cipher, &plain);
            let mut seen = Vec::new();
            for piece in stream.chunks(piece) {
                server.handle_bytes(now(), piece);
                loop {
                    match server.next_message(now()) {
                        Ok(Some(message)) => {
                            let mut bytes = Vec::new();
                            message.encode(&mut bytes);
                            seen.push(bytes);
                        }
                        Ok(None) => break,
                        Err(error) => return (seen, Some(error)),
                    }
                }
            }
            (seen, None)
        };
        let whole = run(usize::MAX);
        for piece in [1, 1 + dice.roll(40)] {
            let (seen, error) = run(piece);
            assert_eq!(seen, whole.0);
            assert_eq!(error, whole.1);
        }
    }
}
