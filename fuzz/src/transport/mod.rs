//! Transports: any bytes with any cuts. The result must not depend on the cuts.

mod faketls;
mod framing;
mod links;
mod middle;
mod pairs;
mod relay;
mod text;

pub use faketls::{faketls_hello, faketls_profile};
pub use framing::{detection, frame_decoder, frame_pair};
pub use links::{client_link, server_link};
pub use middle::{middle_link, middle_rpc};
use mtp_crypto::DcId;
use mtp_crypto::hash::sha1;
use mtp_env::Now;
use mtp_transport::faketls::{FakeTlsClientConfig, FakeTlsServerConfig, Profile};
use mtp_transport::framing::{Frame, Framing, Tag};
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::{ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack};
use mtp_transport::secret::{Domain, SecretKey};
use mtp_transport::websocket::{WebSocketClientConfig, WebSocketPath};
pub use pairs::link_pair;
pub(crate) use relay::config as relay_config;
pub use relay::{relay, relay_cuts};
pub use text::{proxy_protocol, proxy_text};

use crate::known;

/// A summary of a frame that outlives its buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// Length, hash and quick acknowledgment flag.
    Packet(usize, [u8; 20], bool),
    QuickAck(u32),
    Error(i32),
}

impl Seen {
    /// Summarizes a frame and overwrites its packet, like decryption in place.
    fn note(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Packet { bytes, quick_ack } => {
                let seen = Self::packet(bytes, quick_ack);
                bytes.fill(0xff);
                seen
            }
            Frame::QuickAck(token) => Self::QuickAck(token.as_raw()),
            Frame::Error(code) => Self::Error(code.get()),
        }
    }

    fn packet(bytes: &[u8], quick_ack: bool) -> Self {
        Self::Packet(bytes.len(), sha1(&[bytes]), quick_ack)
    }
}

/// Returns the secret shared by clients, servers and the fuzzer.
const fn key() -> SecretKey {
    SecretKey::new([3; 16])
}

fn domain() -> Domain {
    Domain::new(b"example.com").expect("long enough")
}

/// Returns a client's stack, one of [`STACKS`].
fn stack(number: u8) -> Stack {
    let dc = DcId::new(2);
    let host = || "venus.example".to_owned();
    let tag = |number: u8| Tag::ALL[usize::from(number) % 3];
    match number % STACKS {
        0..=3 => Stack::Plain(Framing::ALL[usize::from(number % STACKS)]),
        4..=6 => Stack::Obfuscated { tag: tag(number), dc, secret: None },
        7..=9 => Stack::Obfuscated { tag: tag(number), dc, secret: Some(key()) },
        10..=12 => {
            let config = WebSocketClientConfig::new(host(), WebSocketPath::default());
            Stack::WebSocket { tag: tag(number), dc, config }
        }
        13 => Stack::Http(HttpClientConfig::new(host(), ApiPath::default())),
        _ => {
            let config = FakeTlsClientConfig::new(key(), domain(), Profile::legacy());
            Stack::FakeTls { dc, config }
        }
    }
}

const HTTP: u8 = 13;

/// Returns what a client of a stack sends first.
pub(crate) fn opening_of(number: u8) -> Vec<u8> {
    links::opening(&mut client(number))
}

fn client(number: u8) -> ClientLink {
    client_at(known::start(), number)
}

/// Makes a client link with one of the stacks.
pub(crate) fn client_at(now: Now, number: u8) -> ClientLink {
    let entropy = Box::new(known::entropy(9));
    ClientLink::new(now, ClientLinkConfig::new(stack(number)), entropy)
}

/// Makes a server link that accepts all stacks, with or without a required secret.
fn server(asks_secret: bool) -> ServerLink {
    server_with(known::start(), asks_secret)
}

/// Makes a server link for a client with one of the stacks.
pub(crate) fn server_at(now: Now, number: u8) -> ServerLink {
    server_with(now, must_know_secret(number))
}

fn must_know_secret(stack: u8) -> bool {
    (7..=9).contains(&stack) || stack == STACKS - 1
}

fn server_with(now: Now, asks_secret: bool) -> ServerLink {
    let mut fake_tls = FakeTlsServerConfig::default();
    fake_tls.secrets.push((key(), domain()));
    let mut config = ServerLinkConfig::default();
    config.fake_tls = Some(fake_tls);
    if asks_secret {
        config.secrets.push(key());
    }
    ServerLink::new(now, config, Box::new(known::entropy(10)))
}

/// Returns the bytes of a conversation with a stack, for seeds: the client's and the server's.
#[must_use]
pub fn recorded(stack: u8) -> (Vec<u8>, Vec<u8>) {
    let (mut client, mut server) = (client(stack), server(must_know_secret(stack)));
    let (mut all_up, mut all_down) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let up = links::opening(&mut client);
        server.handle_bytes(&up);
        while server.next_frame(known::start()).expect("honest").is_some() {}
        let mut down = Vec::new();
        let _ = server.poll_transmit(known::start(), &mut down);
        if server.can_send() {
            let mark = server.begin(&mut down);
            down.extend_from_slice(&[7; 40]);
            let flags = mtp_transport::framing::FrameFlags::default();
            server.finish(known::start(), &mut down, mark, flags).expect("the server can send");
        }
        client.handle_bytes(&down);
        while client.next_frame(known::start()).expect("honest").is_some() {}
        all_up.extend(up);
        all_down.extend(down);
    }
    (all_up, all_down)
}

/// The number of stacks that [`recorded`] knows.
pub const STACKS: u8 = 15;
