//! Violations, limits at ±1, and hostile streams.

use alloc::vec;
use alloc::vec::Vec;

use mtp_crypto::{CtrEntropy, Side};

use super::*;
use crate::rig::{Dice, STREAMS};

/// Decodes a stream in pieces. Collects a summary of each frame and returns the result.
fn decode(
    (framing, sender): (Framing, Side),
    stream: &[u8],
    mut piece: impl FnMut() -> usize,
    seen: &mut Vec<(u8, usize, u32)>,
) -> Result<(), FrameError> {
    let mut decoder = FrameDecoder::new(framing, sender, LIMIT);
    let mut rest = stream;
    seen.clear();
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at(piece().clamp(1, rest.len()));
        decoder.spare(chunk.len())[..chunk.len()].copy_from_slice(chunk);
        decoder.filled(chunk.len());
        rest = more;
        loop {
            match decoder.next_frame() {
                Ok(None) => break,
                Ok(Some(Frame::Packet { bytes, quick_ack })) => {
                    bytes.fill(0xee); // Overwriting a packet must not affect the next frame.
                    seen.push((u8::from(quick_ack), bytes.len(), 0));
                }
                Ok(Some(Frame::QuickAck(token))) => seen.push((2, 0, token.as_raw())),
                Ok(Some(Frame::Error(code))) => seen.push((3, 0, code.get().cast_unsigned())),
                Err(error) => {
                    assert_eq!(decoder.next_frame().unwrap_err(), error, "a failure is final");
                    assert_eq!(decoder.handle_eof(), Err(error));
                    return Err(error);
                }
            }
        }
    }
    decoder.handle_eof()
}

const LIMIT: usize = 1 << 16;

const EVERY: [(Framing, Side); 8] = [
    (Framing::Abridged, Side::Client),
    (Framing::Abridged, Side::Server),
    (Framing::Intermediate, Side::Client),
    (Framing::Intermediate, Side::Server),
    (Framing::PaddedIntermediate, Side::Client),
    (Framing::PaddedIntermediate, Side::Server),
    (Framing::Full, Side::Client),
    (Framing::Full, Side::Server),
];

#[track_caller]
fn check(framing: Framing, sender: Side, stream: &[u8], error: FrameError) {
    let mut seen = Vec::new();
    for piece in [1, stream.len()] {
        let end = decode((framing, sender), stream, || piece, &mut seen);
        assert_eq!((end, &seen[..]), (Err(error), &[][..]), "pieces of {piece}");
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

// spec: transport 13.6
#[test]
fn every_violation_is_rejected_with_its_error() {
    use FrameError::*;
    use Framing::{Abridged, Full, Intermediate, PaddedIntermediate};
    use Side::{Client, Server};

    check(Abridged, Client, &[0x00], Empty);
    check(Abridged, Client, &[0x80], Empty);
    check(Abridged, Client, &[0xff, 0, 0, 0], Empty);
    check(Abridged, Client, &[0x7f, 0x7e, 0, 0], Overlong { words: 126 });
    check(Abridged, Server, &[0x7f, 1, 0x40, 0], TooLong { len: LIMIT + 4, max: LIMIT });
    check(Abridged, Server, &[2, 0, 0, 0, 0, 0, 0, 0, 0], ShortPacket { len: 8 });
    check(Abridged, Server, &[1, 0xff, 0xff, 0xff, 0xff], UnknownControl { word: -1 });
    check(Abridged, Server, &[1, 5, 0, 0, 0], UnknownControl { word: 5 });
    check(Abridged, Client, &[0x7f, 0xff], Truncated { have: 2 });

    check(Intermediate, Client, &words(&[0]), Empty);
    check(Intermediate, Client, &words(&[1 << 31]), Empty);
    check(Intermediate, Client, &words(&[41]), Misaligned { len: 41 });
    check(Intermediate, Server, &words(&[1 << 30]), TooLong { len: 1 << 30, max: LIMIT });
    check(Intermediate, Server, &words(&[16, 0, 0, 0, 0]), ShortPacket { len: 16 });
    check(Intermediate, Client, &words(&[16, 0, 0, 0]), Truncated { have: 16 });

    check(PaddedIntermediate, Client, &words(&[0]), Empty);
    check(PaddedIntermediate, Client, &words(&[3]), TooShort { len: 3, min: 4 });
    check(PaddedIntermediate, Server, &words(&[4, u32::MAX]), UnknownControl { word: -1 });
    // A token has four bytes; with fewer, −1 is an unknown control packet.
    check(
        PaddedIntermediate,
        Server,
        &[7, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3],
        UnknownControl { word: -1 },
    );
    check(PaddedIntermediate, Client, &words(&[20, 1, 0, 0, 0, 0]), ShortPacket { len: 20 });
    let declared = words(&[24, 0, 0, 7, 7, 5, 9]);
    check(PaddedIntermediate, Client, &declared, InnerLength { declared: 5, available: 4 });

    check(Full, Client, &words(&[12]), TooShort { len: 12, min: 16 });
    check(Full, Client, &words(&[0]), TooShort { len: 0, min: 16 });
    check(Full, Client, &words(&[18]), Misaligned { len: 18 });
    check(Full, Client, &words(&[20, 1]), SeqNo { expected: 0, found: 1 });
    check(Full, Server, &words(&[u32::MAX]), TooLong { len: 0xffff_fff3, max: LIMIT });
    let checksum = crc32fast::hash(&words(&[16, 0, 9]));
    let broken = words(&[16, 0, 9, checksum ^ 1]);
    check(Full, Client, &broken, Checksum { expected: checksum, found: checksum ^ 1 });
}

// spec: transport 2.4
#[test]
fn negative_length_from_a_client_is_rejected() {
    let negative = words(&[(-404_i32).cast_unsigned()]);
    let len = 0xffff_fe6c - 12;
    check(Framing::Full, Side::Client, &negative, FrameError::TooLong { len, max: LIMIT });
}

// spec: transport 2.5
#[test]
fn body_limit_is_checked_as_soon_as_the_header_is_received() {
    for (framing, head) in [
        (Framing::Abridged, vec![0x7f, 0x00, 0x40, 0x00]),
        (Framing::Intermediate, words(&[65_536])),
        (Framing::PaddedIntermediate, words(&[65_536])),
        (Framing::Full, words(&[65_548])),
    ] {
        let body_len = 65_536;
        for (max, refused) in [(body_len, false), (body_len - 1, true)] {
            let mut decoder = FrameDecoder::new(framing, Side::Client, max);
            decoder.spare(4)[..4].copy_from_slice(&head);
            decoder.filled(4);
            let judged = decoder.next_frame().map(|frame| frame.is_some());
            let expected =
                if refused { Err(FrameError::TooLong { len: body_len, max }) } else { Ok(false) };
            assert_eq!(judged, expected, "{framing:?} with {max}");
        }
    }
    let mut generous = FrameDecoder::new(Framing::Intermediate, Side::Client, usize::MAX);
    generous.spare(4)[..4].copy_from_slice(&words(&[1 << 24]));
    generous.filled(4);
    let error = FrameError::TooLong { len: 1 << 24, max: BODY_LEN_CEILING };
    assert_eq!(generous.next_frame().unwrap_err(), error);
}

#[test]
fn longest_packet_passes_every_framing() {
    for framing in Framing::ALL {
        for (len, fits) in [(PACKET_LEN_MAX, true), (PACKET_LEN_MAX + 4, false)] {
            let mut encoder = FrameEncoder::new(framing, Side::Client);
            let mut out = Vec::new();
            let mark = encoder.begin(&mut out);
            out.resize(out.len() + len, 0xab);
            let flags = FrameFlags::default();
            let result = encoder.finish(&mut out, mark, flags, &mut CtrEntropy::from_number(1));
            assert_eq!(result.is_ok(), fits, "{framing:?}");
            let mut decoder = FrameDecoder::new(framing, Side::Client, BODY_LEN_CEILING);
            decoder.spare(out.len())[..out.len()].copy_from_slice(&out);
            decoder.filled(out.len());
            let whole = decoder.next_frame().unwrap();
            assert_eq!(whole.is_some(), fits, "{framing:?}");
        }
    }
}

/// Returns a valid stream of frames and quick acks.
fn valid_stream((framing, sender): (Framing, Side), dice: &mut Dice) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = FrameEncoder::new(framing, sender);
    let entropy = &mut CtrEntropy::from_number(dice.roll(1000) as u64);
    for _ in 0..=dice.roll(3) {
        let mark = encoder.begin(&mut out);
        let len = 24 + 16 * dice.roll(3);
        out.resize(out.len() + len, u8::try_from(dice.roll(2)).unwrap());
        let flags = FrameFlags { quick_ack: dice.roll(2) == 0 };
        encoder.finish(&mut out, mark, flags, entropy).unwrap();
        if sender == Side::Server && dice.roll(4) == 0 {
            let token = QuickAckToken::from_raw(1 << 31 | 9);
            let _ = encoder.quick_ack(token, &mut out, entropy);
        }
    }
    out
}

/// 600,000 streams for each decoder: random ones, and valid ones with a few bytes changed. No stream
/// causes a panic, the result does not depend on the split, and no more bytes come out than went in.
#[test]
fn hostile_streams_decode_independently_of_the_split() {
    let dice = &mut Dice(5);
    let (mut whole, mut cut) = (Vec::new(), Vec::new());
    let mut outcomes = [0_u32; 2];
    for decoder in EVERY {
        for _ in 0..STREAMS / BATCH {
            let base = valid_stream(decoder, dice);
            for _ in 0..BATCH {
                let mut stream = base.clone();
                if dice.roll(2) == 0 {
                    dice.mutate(&mut stream);
                } else {
                    stream.truncate(dice.roll(64));
                    for byte in &mut stream {
                        *byte = dice.roll(256).to_le_bytes()[0];
                    }
                }
                let end = decode(decoder, &stream, || usize::MAX, &mut whole);
                let lent: usize = whole.iter().map(|(_, len, _)| len).sum();
                assert!(lent < stream.len().max(1));
                let piece = 1 + dice.roll(20);
                let same = decode(decoder, &stream, || piece, &mut cut);
                assert_eq!((&whole, end), (&cut, same), "{decoder:?} {stream:02x?}");
                outcomes[usize::from(end.is_ok())] += 1;
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > STREAMS / 4), "both outcomes occur: {outcomes:?}");
}

const BATCH: u32 = 100;
