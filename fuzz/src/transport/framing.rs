//! The four framings alone, and the detection of the transport.

use mtp_crypto::{QuickAckToken, Side};
use mtp_transport::code::TransportCode;
use mtp_transport::detect::{Protocol, detect};
use mtp_transport::framing::{FrameDecoder, FrameEncoder, FrameError, FrameFlags, Framing};

use super::Seen;
use crate::input::{Cuts, Input};
use crate::known;

/// Decodes any bytes: the frames do not depend on the cuts, and the limit is respected.
///
/// Input: framing and sender, the limit, cuts, then the stream.
pub fn frame_decoder(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let framing = Framing::ALL[usize::from(kind & 3)];
    let sender = if kind & 4 == 0 { Side::Client } else { Side::Server };
    let body_len_max = usize::from(input.u16()) | 31;
    let cuts = input.cuts();
    let stream = input.rest();
    let run = |cuts: Cuts<'_>| {
        let mut decoder = FrameDecoder::new(framing, sender, body_len_max);
        decode(&mut decoder, stream, cuts)
    };
    let (seen, error) = run(Cuts::WHOLE);
    assert_eq!((&seen, &error), (&run(cuts).0, &run(cuts).1), "the result depends on the cuts");
    let mut sum = 0;
    for frame in &seen {
        if let Seen::Packet(len, ..) = frame {
            assert!(*len <= body_len_max && *len > 0);
            sum += len;
        }
    }
    assert!(sum <= stream.len());
}

fn decode(
    decoder: &mut FrameDecoder,
    stream: &[u8],
    cuts: Cuts<'_>,
) -> (Vec<Seen>, Option<FrameError>) {
    let mut seen = Vec::new();
    for piece in cuts.of(stream) {
        decoder.spare(piece.len())[..piece.len()].copy_from_slice(piece);
        decoder.filled(piece.len());
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => seen.push(Seen::note(frame)),
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            }
        }
    }
    (seen, decoder.handle_eof().err())
}

/// Encodes frames: encode → decode is the identity for any cuts.
///
/// Input: framing and sender, cuts, then frames: a kind, and a length and bytes or a number.
pub fn frame_pair(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let framing = Framing::ALL[usize::from(kind & 3)];
    let sender = if kind & 4 == 0 { Side::Client } else { Side::Server };
    let cuts = input.cuts();
    let mut encoder = FrameEncoder::new(framing, sender);
    let entropy = &mut known::entropy(20);
    let mut stream = framing_start(framing, sender);
    let start = stream.len();
    let mut expected = Vec::new();
    while !input.is_empty() && expected.len() < 64 {
        let before = stream.len();
        let frame = match input.byte() & 7 {
            6 => {
                let token = QuickAckToken::from_raw(input.u32() | 0x8000_0000);
                let sent = encoder.quick_ack(token, &mut stream, entropy);
                sent.map(|()| Seen::QuickAck(token.as_raw()))
            }
            7 => {
                let code = TransportCode::new(-i32::from(input.u16()) - 1);
                let Some(code) = code else { continue };
                encoder.error(code, &mut stream, entropy).map(|()| Seen::Error(code.get()))
            }
            flags => {
                let quick_ack = flags & 1 == 1;
                let mut packet = input.short().repeat(1 + usize::from(flags >> 1) * 7);
                packet.truncate(packet.len() / 4 * 4);
                // A packet starts with a key id, or with zero and has a length.
                if packet.len() >= 24 {
                    packet[0] |= 1;
                    packet.truncate(24 + (packet.len() - 24) / 16 * 16);
                }
                let mark = encoder.begin(&mut stream);
                stream.extend_from_slice(&packet);
                let flags = FrameFlags { quick_ack };
                let done = encoder.finish(&mut stream, mark, flags, entropy);
                let asks = quick_ack && sender == Side::Client && framing.has_quick_ack();
                done.map(|()| Seen::packet(&packet, asks))
            }
        };
        match frame {
            Ok(frame) => expected.push(frame),
            Err(_) => assert_eq!(stream.len(), before, "a failure leaves the buffer unchanged"),
        }
        if let Some(Seen::Error(_)) = expected.last() {
            break;
        }
    }
    let mut decoder = FrameDecoder::new(framing, sender, 1 << 20);
    let (seen, error) = decode(&mut decoder, &stream[start..], cuts);
    if !expected.iter().any(is_ambiguous) {
        assert_eq!((seen, error), (expected, None), "{framing:?} of {sender:?}");
    }
}

/// Returns `true` for packets that are shorter than real ones and may be decoded differently.
fn is_ambiguous(frame: &Seen) -> bool {
    matches!(frame, Seen::Packet(len, ..) if *len < 40)
}

/// Returns the bytes before the first frame, which are not part of the framing.
fn framing_start(framing: Framing, sender: Side) -> Vec<u8> {
    if sender == Side::Client { framing.init().to_vec() } else { Vec::new() }
}

/// Detects the transport: more bytes do not change the result, and 64 bytes suffice.
///
/// Input: the first bytes of a connection.
pub fn detection(data: &[u8]) {
    let mut first: Option<Protocol> = None;
    for len in 0..=data.len().min(80) {
        let protocol = detect(&data[..len]);
        if first.is_some() {
            assert_eq!(protocol, first, "after {len} bytes");
        }
        first = protocol;
        if let Some(protocol) = protocol {
            assert!(protocol.consumed() <= len);
        }
    }
    assert!(first.is_some() || data.len() < 64);
}
