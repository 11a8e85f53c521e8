//! Links and decoders do not allocate in steady state. A binary of its own, because it counts the
//! allocations of its process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    reason = "a test panics to fail"
)]

#[path = "it/pair.rs"]
mod pair;

use mtp_crypto::Side;
use mtp_transport::framing::{Frame, FrameFlags, Framing};
use mtp_transport::framing::{FrameDecoder, SERVER_BODY_LEN_MAX};
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::{ClientLink, ServerLink};
use mtp_transport::link::{ServerLinkConfig, Stack};
use pair::{connect, now, streams};

/// Lengths around all limits: short and long headers, records, messages.
const LENGTHS: [usize; 6] = [40, 504, 520, 1016, 16_376, 65_528];

macro_rules! carry {
    ($name:ident: $from:ty => $to:ty) => {
        /// Carries one packet in a reused buffer.
        fn $name(from: &mut $from, to: &mut $to, packet: &[u8], out: &mut Vec<u8>) {
            out.clear();
            let mark = from.begin(out);
            out.extend_from_slice(packet);
            from.finish(now(), out, mark, FrameFlags { quick_ack: true }).unwrap();
            let mut frames = 0;
            for piece in out.chunks(1500) {
                to.spare(piece.len())[..piece.len()].copy_from_slice(piece);
                to.filled(piece.len());
                while let Some(frame) = to.next_frame(now()).unwrap() {
                    assert!(matches!(frame, Frame::Packet { bytes, .. } if *bytes == *packet));
                    frames += 1;
                }
            }
            assert_eq!(frames, 1);
        }
    };
}

carry!(up: ClientLink => ServerLink);
carry!(down: ServerLink => ClientLink);

#[test]
fn link_does_not_allocate_in_steady_state() {
    let http = HttpClientConfig::new("149.154.167.51".into(), ApiPath::default());
    let mut stacks = streams();
    stacks.push((Stack::Http(http), ServerLinkConfig::default()));
    let packet = vec![7; 65_528];
    for stack in stacks {
        let name = format!("{:?}", stack.0);
        let (mut client, mut server) = connect(stack, 1, &[usize::MAX]);
        let mut out = Vec::new();
        let mut round = || {
            for len in LENGTHS {
                up(&mut client, &mut server, &packet[..len], &mut out);
                down(&mut server, &mut client, &packet[..len], &mut out);
            }
        };
        round();
        round();
        let info = allocation_counter::measure(|| {
            for _ in 0..10 {
                round();
            }
        });
        assert_eq!(info.count_total, 0, "{name}");
    }
}

#[test]
fn decoder_does_not_allocate_in_steady_state_for_any_split() {
    let mut stream = Vec::new();
    for _ in 0..50 {
        stream.extend_from_slice(&[0x7f, 0x80, 0, 0]);
        stream.extend_from_slice(&[9; 512]);
    }
    for piece in [1, 7, 515, 516, 517, 4096] {
        let mut decoder = FrameDecoder::new(Framing::Abridged, Side::Client, SERVER_BODY_LEN_MAX);
        let mut run = || {
            let mut frames = 0;
            for chunk in stream.chunks(piece) {
                decoder.spare(chunk.len())[..chunk.len()].copy_from_slice(chunk);
                decoder.filled(chunk.len());
                while let Some(frame) = decoder.next_frame().unwrap() {
                    assert!(matches!(frame, Frame::Packet { .. }));
                    frames += 1;
                }
            }
            frames
        };
        assert_eq!(run(), 50);
        let info = allocation_counter::measure(|| assert_eq!(run(), 50));
        assert_eq!(info.count_total, 0, "pieces of {piece}");
    }
}

/// Memory is allocated for received bytes only.
#[test]
fn declared_length_does_not_allocate() {
    let mut decoder = FrameDecoder::new(Framing::Intermediate, Side::Client, SERVER_BODY_LEN_MAX);
    let info = allocation_counter::measure(|| {
        decoder.spare(4)[..4].copy_from_slice(&1_000_000_u32.to_le_bytes());
        decoder.filled(4);
        assert!(decoder.next_frame().unwrap().is_none());
        for _ in 0..1000 {
            decoder.spare(1)[0] = 1;
            decoder.filled(1);
            assert!(decoder.next_frame().unwrap().is_none());
        }
    });
    assert!(info.bytes_max <= 8192, "{} bytes", info.bytes_max);
}
