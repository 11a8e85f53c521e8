//! Hostile streams against links of every stack.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use mtp_crypto::CtrEntropy;
use mtp_env::Now;

use super::*;
use crate::faketls::{FakeTlsClientConfig, FakeTlsServerConfig, Profile};
use crate::framing::{Frame, FrameFlags, Framing, Tag};
use crate::http::{ApiPath, HttpClientConfig};
use crate::rig::Dice;
use crate::secret::{Domain, SecretKey};
use crate::websocket::{WebSocketClientConfig, WebSocketPath};
use mtp_crypto::DcId;

fn entropy() -> Box<CtrEntropy> {
    Box::new(CtrEntropy::from_number(9))
}

fn server() -> ServerLink {
    let known = vec![(SecretKey::new([3; 16]), domain())];
    let fake_tls = FakeTlsServerConfig { secrets: known, ..Default::default() };
    let secrets = vec![SecretKey::new([3; 16])];
    let config = ServerLinkConfig { secrets, fake_tls: Some(fake_tls), ..Default::default() };
    ServerLink::new(Now::default(), config, entropy())
}

fn domain() -> Domain {
    Domain::new(b"example.com").unwrap()
}

fn stacks() -> Vec<Stack> {
    let (dc, host) = (DcId::new(2), || "venus".into());
    let mut stacks = Framing::ALL.map(Stack::Plain).to_vec();
    stacks.extend(Tag::ALL.map(|tag| Stack::Obfuscated {
        tag,
        dc,
        secret: Some(SecretKey::new([3; 16])),
    }));
    let config = WebSocketClientConfig::new(host(), WebSocketPath::default());
    stacks.push(Stack::WebSocket { tag: Tag::ABRIDGED, dc, config });
    let profile = Profile::chrome();
    let config = FakeTlsClientConfig::new(SecretKey::new([3; 16]), domain(), profile);
    stacks.push(Stack::FakeTls { dc, config });
    stacks.push(Stack::Http(HttpClientConfig::new(host(), ApiPath::default())));
    stacks
}

/// Returns a client with the bytes it sends first.
fn opening(stack: Stack) -> (ClientLink, Vec<u8>) {
    let mut client = ClientLink::new(Now::default(), ClientLinkConfig::new(stack), entropy());
    let mut out = Vec::new();
    let _ = client.poll_transmit(Now::default(), &mut out);
    while client.can_send() && out.len() < 300 {
        let mark = client.begin(&mut out);
        out.extend_from_slice(&[5; 40]);
        client.finish(Now::default(), &mut out, mark, FrameFlags::default()).unwrap();
    }
    (client, out)
}

macro_rules! survives {
    ($name:ident: $link:ty) => {
        /// Receives a stream in pieces. Returns the lengths of the packets and the error.
        fn $name(mut link: $link, stream: &[u8], piece: usize) -> (Vec<usize>, Option<LinkError>) {
            let (mut packets, mut out) = (Vec::new(), Vec::new());
            for chunk in stream.chunks(piece) {
                link.handle_bytes(chunk);
                loop {
                    match link.next_frame(Now::default()) {
                        Ok(None) => break,
                        Ok(Some(Frame::Packet { bytes, .. })) => packets.push(bytes.len()),
                        Ok(Some(_)) => packets.push(0),
                        Err(error) => {
                            assert!(link.is_closed() && !link.can_send());
                            assert_eq!(link.next_frame(Now::default()).unwrap_err(), error);
                            let _ = link.poll_transmit(Now::default(), &mut out);
                            assert!(!link.poll_transmit(Now::default(), &mut out));
                            return (packets, Some(error));
                        }
                    }
                }
            }
            let _ = link.poll_transmit(Now::default(), &mut out);
            assert!(
                out.len() < 2 * stream.len() + 8000,
                "the output must be proportional to the input"
            );
            (packets, link.handle_eof().err())
        }
    };
}

survives!(server_survives: ServerLink);
survives!(client_survives: ClientLink);

// spec: transport 13.6
#[test]
fn hostile_client_streams_decode_independently_of_the_split() {
    let dice = &mut Dice(11);
    let openings: Vec<_> = stacks().into_iter().map(|stack| opening(stack).1).collect();
    let mut outcomes = [0_u32; 2];
    for _ in 0..STREAMS {
        let mut stream = openings[dice.roll(openings.len())].clone();
        dice.mutate(&mut stream);
        let whole = server_survives(server(), &stream, usize::MAX);
        outcomes[usize::from(whole.1.is_some())] += 1;
        let cut = server_survives(server(), &stream, 1 + dice.roll(30));
        assert_eq!(whole, cut, "{stream:02x?}");
    }
    assert!(
        outcomes.iter().all(|count| *count > STREAMS / 20),
        "both outcomes occur: {outcomes:?}"
    );
}

#[test]
fn hostile_server_streams_decode_independently_of_the_split() {
    let dice = &mut Dice(12);
    // Valid bytes of a server, for a client created from the same seed each time.
    let valid: Vec<_> = stacks()
        .into_iter()
        .map(|stack| {
            let (mut client, up) = opening(stack.clone());
            let (mut server, mut down) = (server(), Vec::new());
            server.handle_bytes(&up);
            while server.next_frame(Now::default()).unwrap().is_some() {}
            let _ = server.poll_transmit(Now::default(), &mut down);
            for _ in 0..3 {
                if server.can_send() {
                    let mark = server.begin(&mut down);
                    down.extend_from_slice(&[6; 40]);
                    server.finish(Now::default(), &mut down, mark, FrameFlags::default()).unwrap();
                }
            }
            client.handle_bytes(&down);
            let frames = core::iter::from_fn(|| {
                client.next_frame(Now::default()).unwrap().map(|frame| {
                    assert!(matches!(frame, Frame::Packet { bytes: [6, ..], .. }));
                })
            });
            let expected = match stack {
                // Only the answer of the handshake so far.
                Stack::WebSocket { .. } | Stack::FakeTls { .. } => 0,
                Stack::Http(_) => 1,
                _ => 3,
            };
            assert_eq!(frames.count(), expected, "{stack:?}");
            (stack, down)
        })
        .collect();
    for _ in 0..STREAMS {
        let (stack, down) = &valid[dice.roll(valid.len())];
        let mut stream = down.clone();
        dice.mutate(&mut stream);
        let whole = client_survives(opening(stack.clone()).0, &stream, usize::MAX);
        let cut = client_survives(opening(stack.clone()).0, &stream, 1 + dice.roll(30));
        assert_eq!(whole, cut, "{stack:?} {stream:02x?}");
    }
}

/// Fewer than for a decoder, because a link computes two key schedules.
const STREAMS: u32 = 20_000;
