//! Runs one hot path repeatedly, so that a tool can count its instructions.
//!
//! `cargo xtask bench --gate` runs it twice under callgrind, the second time with one more round: the
//! difference is the cost of the path without startup and preparation. Without arguments it lists the
//! paths and the processor features, of which valgrind emulates only some.

use std::hint::black_box;
use std::process::ExitCode;

use mtp_api::types::messages::Messages;
use mtp_benches::bytes;
use mtp_benches::history::history;
use mtp_benches::session::{CALLS, Client, Ours, SECONDS, Server, call, key};
use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::{
    AuthKey, CtrEntropy, DcId, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, ige,
    open, pad, seal,
};
use mtp_env::Now;
use mtp_tl::{Decode, Encode};
use mtp_transport::framing::{Frame, FrameFlags, Tag};
use mtp_transport::link::{ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack};

/// Prepares a path and returns a function that runs it once.
type Path = fn() -> Box<dyn FnMut()>;

/// The paths with their number of runs per round.
const PATHS: [(&str, u32, Path); 16] = [
    ("ige/encrypt/1024", 200, || ige_1024(Side::Client)),
    ("ige/decrypt/1024", 200, || ige_1024(Side::Server)),
    ("ctr/1024", 500, ctr),
    ("message/seal/128", 200, || message_seal(128)),
    ("message/seal/1024", 100, || message_seal(1024)),
    ("message/open/128", 200, || message_open(128)),
    ("message/open/1024", 100, || message_open(1024)),
    ("link/send/1048", 200, || link_send(1048)),
    ("link/round/1048", 200, || link_round(1048)),
    ("session/call/send", 90, session_send),
    ("session/call/round", 90, session_round),
    ("session/container_of_90/round", 4, session_containers),
    ("history/decode", 20, history_decode),
    ("history/encode", 20, history_encode),
    ("longs/decode/1000", 50, longs_decode),
    ("longs/encode/1000", 50, longs_encode),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        println!("processor {}", features());
        PATHS.iter().for_each(|(name, ..)| println!("path {name}"));
        return ExitCode::SUCCESS;
    };
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let Some((_, runs, path)) = PATHS.iter().find(|(path, ..)| *path == name) else {
        eprintln!("unknown path `{name}`");
        return ExitCode::FAILURE;
    };
    let mut run = path();
    // The first round warms up: buffers grow, caches fill.
    for _ in 0..=rounds {
        (0..*runs).for_each(|_| run());
    }
    println!("runs {runs}");
    ExitCode::SUCCESS
}

/// Returns the processor features that select code paths.
fn features() -> String {
    let mut found = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        let checks = [
            ("aes", std::is_x86_feature_detected!("aes")),
            ("avx2", std::is_x86_feature_detected!("avx2")),
            ("sha", std::is_x86_feature_detected!("sha")),
            ("vaes", std::is_x86_feature_detected!("vaes")),
            ("avx512f", std::is_x86_feature_detected!("avx512f")),
            ("pclmulqdq", std::is_x86_feature_detected!("pclmulqdq")),
        ];
        found.extend(checks.iter().filter(|(_, has)| *has).map(|(name, _)| *name));
    }
    found.join("+")
}

fn ige_1024(side: Side) -> Box<dyn FnMut()> {
    let mut data = bytes(1024);
    Box::new(move || {
        let (key, mut iv) = ([7; 32], [9; 32]);
        let done = match side {
            Side::Client => ige::encrypt(&key, &mut iv, &mut data),
            Side::Server => ige::decrypt(&key, &mut iv, &mut data),
        };
        done.expect("whole blocks");
    })
}

fn ctr() -> Box<dyn FnMut()> {
    let mut cipher = CtrCipher::new(&[7; 32], &[9; 16]);
    let mut data = bytes(1024);
    Box::new(move || cipher.apply(&mut data))
}

fn auth_key() -> AuthKey {
    AuthKey::new([7; 256]).expect("the key id is not zero")
}

fn packet(out: &mut Vec<u8>, body: &[u8], entropy: &mut CtrEntropy) {
    let header = InnerHeader {
        salt: Salt::from_raw(1),
        session_id: SessionId::from_raw(2),
        msg_id: MsgId::from_raw(1 << 62),
        seq_no: SeqNo::from_raw(1),
    };
    let start = mtp_crypto::begin(out, header);
    out.extend_from_slice(body);
    pad(out, start, Padding::Minimum, entropy).expect("the body is short");
}

fn message_seal(len: usize) -> Box<dyn FnMut()> {
    let (key, body) = (auth_key(), bytes(len - 48));
    let (mut out, mut entropy) = (Vec::new(), CtrEntropy::from_number(2));
    Box::new(move || {
        out.clear();
        packet(&mut out, &body, &mut entropy);
        seal(&key, Side::Client, &mut out).expect("the packet is padded");
    })
}

fn message_open(len: usize) -> Box<dyn FnMut()> {
    let key = auth_key();
    let mut sealed = Vec::new();
    packet(&mut sealed, &bytes(len - 48), &mut CtrEntropy::from_number(2));
    seal(&key, Side::Server, &mut sealed).expect("the packet is padded");
    let mut data = sealed.clone();
    Box::new(move || {
        data.copy_from_slice(&sealed);
        black_box(open(&key, Side::Server, &mut data).expect("the packet is valid").body.len());
    })
}

fn client() -> ClientLink {
    let stack = Stack::Obfuscated { tag: Tag::INTERMEDIATE, dc: DcId::new(2), secret: None };
    let entropy = Box::new(CtrEntropy::from_number(1));
    ClientLink::new(Now::default(), ClientLinkConfig::new(stack), entropy)
}

fn send(link: &mut ClientLink, packet: &[u8], out: &mut Vec<u8>) {
    let mark = link.begin(out);
    out.extend_from_slice(packet);
    link.finish(Now::default(), out, mark, FrameFlags::default()).expect("the body is short");
}

fn link_send(len: usize) -> Box<dyn FnMut()> {
    let (mut link, packet, mut out) = (client(), bytes(len), Vec::new());
    Box::new(move || {
        out.clear();
        send(&mut link, &packet, &mut out);
    })
}

/// Sends a packet and receives it on the other side.
fn link_round(len: usize) -> Box<dyn FnMut()> {
    let (mut link, packet, mut out) = (client(), bytes(len), Vec::new());
    let entropy = Box::new(CtrEntropy::from_number(2));
    let mut server = ServerLink::new(Now::default(), ServerLinkConfig::default(), entropy);
    Box::new(move || {
        out.clear();
        send(&mut link, &packet, &mut out);
        server.spare(out.len())[..out.len()].copy_from_slice(&out);
        server.filled(out.len());
        let frame = server.next_frame(Now::default());
        assert!(matches!(frame, Ok(Some(Frame::Packet { bytes, .. })) if bytes.len() == len));
    })
}

fn session_send() -> Box<dyn FnMut()> {
    let (mut client, body) = (Ours::new(&key()), call());
    Box::new(move || {
        client.call(&body);
        black_box(client.packet().len());
        client.clear();
    })
}

/// A call and its answer. The server only decrypts and encrypts.
fn session_round() -> Box<dyn FnMut()> {
    let key = key();
    let (mut client, mut server, body) = (Ours::new(&key), Server::new(&key, SECONDS), call());
    Box::new(move || {
        client.call(&body);
        let calls = server.calls(client.packet());
        client.clear();
        for mut answer in server.singly(&calls) {
            assert_eq!(client.take(&mut answer), 1);
        }
    })
}

fn session_containers() -> Box<dyn FnMut()> {
    let key = key();
    let (mut client, mut server, body) = (Ours::new(&key), Server::new(&key, SECONDS), call());
    Box::new(move || {
        (0..CALLS).for_each(|_| client.call(&body));
        let calls = server.calls(client.packet());
        client.clear();
        assert_eq!(client.take(&mut server.together(&calls)), CALLS);
    })
}

fn history_decode() -> Box<dyn FnMut()> {
    let bytes = history().to_bytes();
    Box::new(move || {
        drop(black_box(Messages::from_bytes(black_box(&bytes)).expect("our own encoding is valid")))
    })
}

fn history_encode() -> Box<dyn FnMut()> {
    let page = history();
    Box::new(move || drop(black_box(black_box(&page).to_bytes())))
}

fn longs() -> Vec<i64> {
    (0..1000).map(|n| n * 0x0123_4567_89ab).collect()
}

fn longs_decode() -> Box<dyn FnMut()> {
    let bytes = longs().to_bytes();
    Box::new(move || {
        drop(black_box(
            Vec::<i64>::from_bytes(black_box(&bytes)).expect("our own encoding is valid"),
        ))
    })
}

fn longs_encode() -> Box<dyn FnMut()> {
    let numbers = longs();
    Box::new(move || drop(black_box(black_box(&numbers).to_bytes())))
}
