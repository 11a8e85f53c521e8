//! A client and a server in memory, joined by bytes that are cut as a test likes.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::boxed::Box;

use mtp_crypto::{CtrEntropy, QuickAckToken};
use mtp_env::{Instant, Now, UnixTime};
use mtp_transport::faketls::{FakeTlsClientConfig, FakeTlsServerConfig, Profile};
use mtp_transport::framing::Tag;
use mtp_transport::link::{ClientConfig, LinkError, ServerConfig, Stack};
use mtp_transport::obfuscation::DcId;
use mtp_transport::secret::{Domain, SecretKey};
use mtp_transport::websocket::{WebSocketClientConfig, WebSocketPath};
use mtp_transport::{ClientLink, Frame, FrameFlags, Framing, ServerLink, TransportCode};

/// What a receiver saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Packet(Vec<u8>, bool),
    QuickAck(QuickAckToken),
    Error(TransportCode),
}

pub(crate) fn now() -> Now {
    Now { mono: Instant::from_micros(1), unix: UnixTime::from_secs(1_790_000_000) }
}

pub(crate) fn entropy(seed: u64) -> Box<CtrEntropy> {
    Box::new(CtrEntropy::from_number(seed))
}

/// Returns every stack that carries a stream, and what a server needs to know for it.
pub(crate) fn streams() -> Vec<(Stack, ServerConfig)> {
    let mut stacks = stacks();
    for profile in [Profile::chrome(), Profile::safari(), Profile::legacy()] {
        let (key, domain) = (SecretKey::new([0x5e; 16]), Domain::new(b"example.com").unwrap());
        let mut fake_tls = FakeTlsServerConfig::default();
        fake_tls.secrets =
            vec![(SecretKey::new([1; 16]), domain.clone()), (key.clone(), domain.clone())];
        let config = FakeTlsClientConfig::new(key, domain, profile);
        let stack = Stack::FakeTls { dc: DcId::new(2), config };
        stacks.push((stack, ServerConfig { fake_tls: Some(fake_tls), ..Default::default() }));
    }
    for tag in Tag::ALL {
        let config = WebSocketClientConfig::new("venus".into(), WebSocketPath::default());
        let stack = Stack::WebSocket { tag, dc: DcId::new(2), config };
        stacks.push((stack, ServerConfig::default()));
    }
    stacks
}

/// Returns the stacks without a layer.
pub(crate) fn stacks() -> Vec<(Stack, ServerConfig)> {
    let mut stacks: Vec<_> = Framing::ALL
        .into_iter()
        .map(|framing| (Stack::Plain(framing), ServerConfig::default()))
        .collect();
    for tag in Tag::ALL {
        for secret in [None, Some(SecretKey::new([0x5e; 16]))] {
            let mut config = ServerConfig::default();
            if let Some(secret) = &secret {
                config.secrets = vec![SecretKey::new([1; 16]), secret.clone()];
            }
            stacks.push((Stack::Obfuscated { tag, dc: DcId::new(2), secret }, config));
        }
    }
    stacks
}

pub(crate) fn client(stack: Stack, seed: u64) -> ClientLink {
    ClientLink::new(now(), ClientConfig::new(stack), entropy(seed))
}

pub(crate) fn server(config: ServerConfig, seed: u64) -> ServerLink {
    ServerLink::new(now(), config, entropy(seed))
}

/// Opens a connection: carries what both ends' layers say until neither says anything.
pub(crate) fn connect(
    (stack, config): (Stack, ServerConfig),
    seed: u64,
    cut: &[usize],
) -> (ClientLink, ServerLink) {
    let (mut client, mut server) = (client(stack, seed), server(config, !seed));
    loop {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        let more = client.poll_transmit(now(), &mut up) | server.poll_transmit(now(), &mut down);
        if !more {
            assert!(client.can_send(), "the handshake is over");
            return (client, server);
        }
        assert_eq!(server_receive(&mut server, &up, cut), Ok(vec![]));
        assert_eq!(client_receive(&mut client, &down, cut), Ok(vec![]));
    }
}

/// Both links have the same methods; a macro writes the two helpers that need them.
macro_rules! ends {
    ($($send:ident, $receive:ident, $drain:ident: $link:ty;)*) => {$(
        /// Sends one packet and returns the bytes.
        pub(crate) fn $send(link: &mut $link, packet: &[u8], quick_ack: bool) -> Vec<u8> {
            let mut out = Vec::new();
            let mark = link.begin(&mut out);
            out.extend_from_slice(packet);
            link.finish(now(), &mut out, mark, FrameFlags { quick_ack }).unwrap();
            out
        }

        /// Receives a stream cut into pieces of the given lengths, repeated.
        pub(crate) fn $receive(
            link: &mut $link,
            mut stream: &[u8],
            pieces: &[usize],
        ) -> Result<Vec<Seen>, LinkError> {
            let mut seen = Vec::new();
            for piece in pieces.iter().cycle() {
                let (chunk, rest) = stream.split_at((*piece).max(1).min(stream.len()));
                link.spare(chunk.len())[..chunk.len()].copy_from_slice(chunk);
                link.filled(chunk.len());
                $drain(link, &mut seen)?;
                stream = rest;
                if stream.is_empty() {
                    break;
                }
            }
            Ok(seen)
        }

        /// Takes all frames there are.
        pub(crate) fn $drain(link: &mut $link, seen: &mut Vec<Seen>) -> Result<(), LinkError> {
            while let Some(frame) = link.next_frame(now())? {
                seen.push(match frame {
                    Frame::Packet { bytes, quick_ack } => Seen::Packet(bytes.to_vec(), quick_ack),
                    Frame::QuickAck(token) => Seen::QuickAck(token),
                    Frame::Error(code) => Seen::Error(code),
                });
            }
            Ok(())
        }
    )*};
}

ends! {
    client_send, client_receive, client_drain: ClientLink;
    server_send, server_receive, server_drain: ServerLink;
}
