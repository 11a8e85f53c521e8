//! A client link and a server link in memory, connected by byte streams that are split at will.
#![allow(dead_code, reason = "`allocations` needs only a part of it")]

use std::boxed::Box;

use mtp_crypto::DcId;
use mtp_crypto::{CtrEntropy, QuickAckToken};
use mtp_env::{Instant, Now, UnixTime};
use mtp_transport::code::TransportCode;
use mtp_transport::faketls::{FakeTlsClientConfig, FakeTlsServerConfig, Profile};
use mtp_transport::framing::Tag;
use mtp_transport::framing::{Frame, FrameFlags, Framing};
use mtp_transport::link::{ClientLink, ServerLink};
use mtp_transport::link::{ClientLinkConfig, LinkError, ServerLinkConfig, Stack};
use mtp_transport::secret::{Domain, SecretKey};
use mtp_transport::websocket::{WebSocketClientConfig, WebSocketPath};

/// A received frame.
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

/// Returns all stacks but HTTP, with a server configuration for each.
pub(crate) fn streams() -> Vec<(Stack, ServerLinkConfig)> {
    let mut stacks = stacks();
    for profile in [Profile::chrome(), Profile::safari(), Profile::legacy()] {
        let (key, domain) = (SecretKey::new([0x5e; 16]), Domain::new(b"example.com").unwrap());
        let mut fake_tls = FakeTlsServerConfig::default();
        fake_tls.secrets =
            vec![(SecretKey::new([1; 16]), domain.clone()), (key.clone(), domain.clone())];
        let client = FakeTlsClientConfig::new(key, domain, profile);
        let stack = Stack::FakeTls { dc: DcId::new(2), config: client };
        let mut config = ServerLinkConfig::default();
        config.fake_tls = Some(fake_tls);
        stacks.push((stack, config));
    }
    for tag in Tag::ALL {
        let config = WebSocketClientConfig::new("venus".into(), WebSocketPath::default());
        let stack = Stack::WebSocket { tag, dc: DcId::new(2), config };
        stacks.push((stack, ServerLinkConfig::default()));
    }
    stacks
}

/// Returns the stacks without a layer.
pub(crate) fn stacks() -> Vec<(Stack, ServerLinkConfig)> {
    let mut stacks: Vec<_> = Framing::ALL
        .into_iter()
        .map(|framing| (Stack::Plain(framing), ServerLinkConfig::default()))
        .collect();
    for tag in Tag::ALL {
        for secret in [None, Some(SecretKey::new([0x5e; 16]))] {
            let mut config = ServerLinkConfig::default();
            if let Some(secret) = &secret {
                config.secrets = vec![SecretKey::new([1; 16]), secret.clone()];
            }
            stacks.push((Stack::Obfuscated { tag, dc: DcId::new(2), secret }, config));
        }
    }
    stacks
}

pub(crate) fn client(stack: Stack, seed: u64) -> ClientLink {
    ClientLink::new(now(), ClientLinkConfig::new(stack), entropy(seed))
}

pub(crate) fn server(config: ServerLinkConfig, seed: u64) -> ServerLink {
    ServerLink::new(now(), config, entropy(seed))
}

/// Opens a connection: exchanges the output of both layers until the handshake is complete.
pub(crate) fn connect(
    (stack, config): (Stack, ServerLinkConfig),
    seed: u64,
    cut: &[usize],
) -> (ClientLink, ServerLink) {
    let (mut client, mut server) = (client(stack, seed), server(config, !seed));
    loop {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        let more = client.poll_transmit(now(), &mut up) | server.poll_transmit(now(), &mut down);
        if !more {
            assert!(client.can_send(), "the handshake is complete");
            return (client, server);
        }
        assert_eq!(server_receive(&mut server, &up, cut), Ok(vec![]));
        assert_eq!(client_receive(&mut client, &down, cut), Ok(vec![]));
    }
}

/// Both links have the same methods but no common trait, so a macro defines the helpers for both.
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

        /// Receives a stream in pieces of the given lengths, repeated.
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

        /// Takes all frames.
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
