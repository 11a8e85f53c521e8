//! All framing vectors, encoded and decoded, whole and in pieces.

use mtp_crypto::hash::sha256;
use mtp_crypto::{QuickAckToken, Side};
use mtp_env::Entropy;
use mtp_transport::code::TransportCode;
use mtp_transport::framing::{
    BODY_LEN_CEILING, Frame, FrameDecoder, FrameEncodeError, FrameEncoder, FrameError, FrameFlags,
    Framing, Tag,
};
use serde_json::Value;

use crate::vectors::{hex, section};

#[derive(Debug, PartialEq)]
enum Event {
    Packet(Vec<u8>, bool),
    QuickAck(u32),
    Error(i32),
}

/// Decodes a stream in pieces. Returns all frames and the result.
fn decode(
    framing: Framing,
    sender: Side,
    stream: &[u8],
    piece: usize,
) -> (Vec<Event>, Result<(), FrameError>) {
    let mut decoder = FrameDecoder::new(framing, sender, BODY_LEN_CEILING);
    let mut events = Vec::new();
    for chunk in stream.chunks(piece) {
        decoder.spare(chunk.len())[..chunk.len()].copy_from_slice(chunk);
        decoder.filled(chunk.len());
        loop {
            match decoder.next_frame() {
                Ok(Some(Frame::Packet { bytes, quick_ack })) => {
                    events.push(Event::Packet(bytes.to_vec(), quick_ack));
                }
                Ok(Some(Frame::QuickAck(token))) => events.push(Event::QuickAck(token.as_raw())),
                Ok(Some(Frame::Error(code))) => events.push(Event::Error(code.get())),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
    }
    (events, decoder.handle_eof())
}

/// Decodes a stream as a whole and in pieces: single bytes unless the stream is long.
#[track_caller]
fn decode_cut(
    framing: Framing,
    sender: Side,
    stream: &[u8],
) -> (Vec<Event>, Result<(), FrameError>) {
    let whole = decode(framing, sender, stream, stream.len().max(1));
    for piece in if stream.len() < 2000 { [1, 3] } else { [4093, 65536] } {
        assert_eq!(decode(framing, sender, stream, piece), whole, "pieces of {piece}");
    }
    whole
}

/// Entropy that yields the given tail for every frame.
struct Tail(Vec<u8>);

impl Entropy for Tail {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
        out[0] = u8::try_from(self.0.len()).unwrap();
        out[1..=self.0.len()].copy_from_slice(&self.0);
    }
}

fn encode(
    encoder: &mut FrameEncoder,
    packet: &[u8],
    quick_ack: bool,
    tail: &[u8],
) -> Result<Vec<u8>, FrameEncodeError> {
    let mut out = b"before".to_vec();
    let mark = encoder.begin(&mut out);
    out.extend_from_slice(packet);
    let result = encoder.finish(&mut out, mark, FrameFlags { quick_ack }, &mut Tail(tail.to_vec()));
    assert!(out.starts_with(b"before"), "the bytes in the buffer are kept");
    result.map(|()| out.split_off(6))
}

fn payload(entry: &Value) -> Vec<u8> {
    let len = entry["payload_len"].as_u64().unwrap();
    (0..len).map(|i| i.to_le_bytes()[0]).collect()
}

fn framing_named(name: &str) -> Framing {
    match name {
        "abridged" => Framing::Abridged,
        "intermediate" => Framing::Intermediate,
        "padded_intermediate" => Framing::PaddedIntermediate,
        "full" => Framing::Full,
        other => panic!("unknown framing {other}"),
    }
}

#[track_caller]
fn check_frame(entry: &Value, frame: &[u8]) {
    assert_eq!(frame.len() as u64, entry["frame_len"].as_u64().unwrap(), "{entry}");
    if entry.get("frame").is_some() {
        assert_eq!(frame, hex(&entry["frame"]), "{entry}");
    } else {
        assert!(frame.starts_with(&hex(&entry["frame_head"])), "{entry}");
        assert!(frame.ends_with(&hex(&entry["frame_tail"])), "{entry}");
        assert_eq!(sha256(&[frame])[..], hex(&entry["frame_sha256"])[..], "{entry}");
    }
}

/// Checks that an empty frame is neither sent nor accepted.
#[track_caller]
fn check_empty(entry: &Value, framing: Framing) {
    assert_eq!(
        encode(&mut FrameEncoder::new(framing, Side::Client), &[], false, &[]),
        Err(FrameEncodeError::Empty)
    );
    for sender in [Side::Client, Side::Server] {
        let (events, end) = decode_cut(framing, sender, &hex(&entry["frame"]));
        assert_eq!(events, []);
        let refused = matches!(end, Err(FrameError::Empty | FrameError::TooShort { len: 12, .. }));
        assert!(refused, "{entry}: {end:?}");
    }
}

// spec: transport 2.1
// spec: transport 2.2
#[test]
fn abridged_and_intermediate_frames_match_the_vectors() {
    let all = section("framing");
    let mut count = 0;
    for name in ["abridged", "intermediate"] {
        let framing = framing_named(name);
        for entry in all[name].as_array().unwrap() {
            count += 1;
            let packet = payload(entry);
            if packet.is_empty() {
                assert_eq!(entry["valid_for_server_receiver"], false);
                check_empty(entry, framing);
                continue;
            }
            let quick_ack = entry["quick_ack_request"].as_bool().unwrap();
            let mut encoder = FrameEncoder::new(framing, Side::Client);
            let frame = encode(&mut encoder, &packet, quick_ack, &[]).unwrap();
            check_frame(entry, &frame);
            let (events, end) = decode_cut(framing, Side::Client, &frame);
            assert_eq!((events, end), (vec![Event::Packet(packet, quick_ack)], Ok(())));
        }
    }
    assert_eq!(count, 42);
}

// spec: transport 2.3
#[test]
fn padded_intermediate_frames_match_the_vectors() {
    let all = section("framing");
    let entries = all["padded_intermediate"].as_array().unwrap();
    for entry in entries {
        let packet = payload(entry);
        let quick_ack = entry["quick_ack_request"].as_bool().unwrap();
        let tail = hex(&entry["padding"]);
        let mut encoder = FrameEncoder::new(Framing::PaddedIntermediate, Side::Client);
        let frame = encode(&mut encoder, &packet, quick_ack, &tail).unwrap();
        check_frame(entry, &frame);
        let (events, end) = decode_cut(Framing::PaddedIntermediate, Side::Client, &frame);
        // Rule 2.3: an encrypted packet is 24 bytes and whole blocks.
        let len = packet.len() + tail.len() - (packet.len() + tail.len() - 24) % 16;
        let mut expected = packet;
        expected.extend(tail);
        expected.truncate(len);
        assert_eq!((events, end), (vec![Event::Packet(expected, quick_ack)], Ok(())));
    }
    assert_eq!(entries.len(), 44);
}

// spec: transport 2.4
#[test]
fn full_frames_match_the_vectors() {
    let all = section("framing");
    let entries = all["full"].as_array().unwrap();
    let mut streams = [Vec::new(), Vec::new()];
    for entry in entries {
        let packet = payload(entry);
        if packet.is_empty() {
            check_empty_full(entry);
            continue;
        }
        let seqno = entry["seqno"].as_u64().unwrap();
        let mut encoder = FrameEncoder::new(Framing::Full, Side::Client);
        for _ in 0..seqno {
            encode(&mut encoder, &[0; 4], true, &[]).unwrap();
        }
        let frame = encode(&mut encoder, &packet, true, &[]).unwrap();
        check_frame(entry, &frame);
        if packet.len() == 40 || packet.len() == 508 {
            streams[usize::from(packet.len() == 508)].push((packet, frame));
        }
    }
    for stream in streams {
        let (packets, frames): (Vec<_>, Vec<_>) = stream.into_iter().unzip();
        let (events, end) = decode_cut(Framing::Full, Side::Client, &frames.concat());
        let expected: Vec<_> = packets.into_iter().map(|p| Event::Packet(p, false)).collect();
        assert_eq!((events.len(), events, end), (3, expected, Ok(())));
    }
    assert_eq!(entries.len(), 18);
}

#[track_caller]
fn check_empty_full(entry: &Value) {
    // The length is checked before the sequence number and the checksum.
    check_empty(entry, Framing::Full);
}

#[test]
fn initial_bytes_and_tags_match_the_vectors() {
    let all = section("framing");
    let (mut inits, mut tags) = (0, 0);
    for framing in Framing::ALL {
        let name = match framing {
            Framing::Abridged => "abridged",
            Framing::Intermediate => "intermediate",
            Framing::PaddedIntermediate => "padded_intermediate",
            Framing::Full => "full",
        };
        assert_eq!(framing.init(), hex(&all["init_bytes"][name]));
        inits += 1;
        if let Some(tag) = framing.tag() {
            assert_eq!(tag.to_bytes()[..], hex(&all["obfuscated_tag"][name])[..]);
            assert_eq!(Tag::from_bytes(tag.to_bytes()), Some(tag));
            assert_eq!(tag.framing(), framing);
            tags += 1;
        }
    }
    assert_eq!(inits, all["init_bytes"].as_object().unwrap().len());
    assert_eq!(tags, all["obfuscated_tag"].as_object().unwrap().len());
}

// spec: transport 2.3
#[test]
fn tail_is_stripped_as_in_the_vectors() {
    let all = section("padded_strip");
    let entries = all.as_array().unwrap();
    for entry in entries {
        let body = hex(&entry["wire_payload"]);
        let mut stream = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        stream.extend_from_slice(&body);
        for sender in [Side::Client, Side::Server] {
            let (events, end) = decode_cut(Framing::PaddedIntermediate, sender, &stream);
            let expected = Event::Packet(hex(&entry["mtproto_message"]), false);
            assert_eq!((events, end), (vec![expected], Ok(())));
        }
    }
    assert_eq!(entries.len(), 32);
}

// spec: transport 3.2
// spec: transport 3
#[test]
fn quick_acks_match_the_vectors() {
    let all = section("quick_ack");
    let cases = all["cases"].as_array().unwrap();
    let mut forms = 0;
    for case in cases {
        let token = u32::try_from(case["token_u32"].as_u64().unwrap()).unwrap();
        let wire = &case["server_wire"];
        let mut check = |framing, stream: &[u8]| {
            let (events, end) = decode_cut(framing, Side::Server, stream);
            assert_eq!((events, end), (vec![Event::QuickAck(token)], Ok(())));
            forms += 1;
        };
        check(Framing::Abridged, &hex(&wire["abridged"]));
        check(Framing::Intermediate, &hex(&wire["intermediate"]));
        check(Framing::PaddedIntermediate, &hex(&wire["padded_intermediate_accept_bare"]));
        for packet in wire["padded_intermediate_packets"].as_array().unwrap() {
            check(Framing::PaddedIntermediate, &hex(packet));
        }
        let sent = |framing, tail: &[u8]| {
            let mut out = Vec::new();
            FrameEncoder::new(framing, Side::Server)
                .quick_ack(QuickAckToken::from_raw(token), &mut out, &mut Tail(tail.to_vec()))
                .map(|()| out)
        };
        assert_eq!(sent(Framing::Abridged, &[]).unwrap(), hex(&wire["abridged"]));
        assert_eq!(sent(Framing::Intermediate, &[]).unwrap(), hex(&wire["intermediate"]));
        let packets = &wire["padded_intermediate_packets"];
        assert_eq!(sent(Framing::PaddedIntermediate, &[]).unwrap(), hex(&packets[0]));
        assert_eq!(sent(Framing::PaddedIntermediate, &[1, 2, 3]).unwrap(), hex(&packets[1]));
        assert!(wire["full"].is_null() && wire["http"].is_null());
        assert_eq!(sent(Framing::Full, &[]), Err(FrameEncodeError::NotOurs));
    }
    assert_eq!((cases.len(), forms), (2, 14));
}

// spec: transport 2
// spec: transport 3.2
// spec: transport 4
#[test]
fn decoded_streams_match_the_vectors() {
    let all = section("decode");
    let entries = all.as_array().unwrap();
    for entry in entries {
        let framing = framing_named(entry["framing"].as_str().unwrap());
        let sender = match entry["role"].as_str().unwrap() {
            "client" => Side::Server,
            "server" => Side::Client,
            other => panic!("unknown role {other}"),
        };
        let (events, end) = decode_cut(framing, sender, &hex(&entry["stream"]));
        let expected: Vec<_> =
            entry["events"].as_array().unwrap().iter().filter_map(expected_event).collect();
        assert_eq!(events, expected, "{entry}");
        match entry["outcome"].as_str().unwrap() {
            "ok" => assert_eq!(end, Ok(()), "{entry}"),
            "need_more" => {
                assert!(matches!(end, Err(FrameError::Truncated { .. })), "{entry}: {end:?}");
            }
            "fatal" => {
                let fatal =
                    matches!(end, Err(error) if !matches!(error, FrameError::Truncated { .. }));
                assert!(fatal, "{entry}: {end:?}");
            }
            other => panic!("unknown outcome {other}"),
        }
    }
    assert_eq!(entries.len(), 68);
}

/// Returns the frame for an event of the vectors; no-ops yield none.
fn expected_event(event: &Value) -> Option<Event> {
    let quick_ack = event["quick_ack_requested"].as_bool().unwrap_or(false);
    if let Some(code) = event.get("transport_error") {
        return Some(Event::Error(i32::try_from(code.as_i64().unwrap()).unwrap()));
    }
    if let Some(token) = event.get("quick_ack") {
        return Some(Event::QuickAck(u32::try_from(token.as_u64().unwrap()).unwrap()));
    }
    if event.get("message").is_some() {
        return Some(Event::Packet(hex(&event["message"]), quick_ack));
    }
    if event.get("message_with_padding").is_some() {
        let mut body = hex(&event["message_with_padding"]);
        body.truncate(body.len() - (body.len() - 24) % 16);
        return Some(Event::Packet(body, quick_ack));
    }
    assert_eq!(event["nop"], true, "unknown event");
    None
}

// spec: transport 4
#[test]
fn encoded_transport_error_decodes_to_the_same_code() {
    for framing in Framing::ALL {
        let mut out = Vec::new();
        let mut encoder = FrameEncoder::new(framing, Side::Server);
        encoder.error(TransportCode::FLOOD, &mut out, &mut Tail(vec![9; 3])).unwrap();
        let (events, end) = decode_cut(framing, Side::Server, &out);
        assert_eq!((events, end), (vec![Event::Error(-429)], Ok(())), "{framing:?}");
        let refused = FrameEncoder::new(framing, Side::Client).error(
            TransportCode::FLOOD,
            &mut out,
            &mut Tail(Vec::new()),
        );
        assert_eq!(refused, Err(FrameEncodeError::NotOurs));
    }
}

#[test]
fn body_limit_is_that_of_the_vectors() {
    let all = section("limits_assumed");
    assert_eq!(all["decode_max_frame_body"].as_u64().unwrap(), BODY_LEN_CEILING as u64);
    assert_eq!(all.as_object().unwrap().len(), 3, "the other two are limits of HTTP");
}
