//! Framings: packets next to control packets, cancelled frames, `Debug` and `Display`.

use mtp_crypto::{CtrEntropy, QuickAckToken, Side};
use mtp_transport::detect::Protocol;
use mtp_transport::framing::{
    Frame, FrameDecoder, FrameEncodeError, FrameEncoder, FrameError, FrameFlags, Framing,
    PACKET_LEN_MAX,
};

/// Returns a decoder that has received all bytes at once.
fn decoder(framing: Framing, sender: Side, bytes: &[u8]) -> FrameDecoder {
    let mut decoder = FrameDecoder::new(framing, sender, 1 << 16);
    let room = decoder.spare(bytes.len());
    room.get_mut(..bytes.len()).unwrap().copy_from_slice(bytes);
    decoder.filled(bytes.len());
    decoder
}

/// Frames a packet.
fn frame(framing: Framing, sender: Side, packet: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (FrameEncoder::new(framing, sender), Vec::new());
    let mark = encoder.begin(&mut out);
    out.extend(packet);
    let entropy = &mut CtrEntropy::from_number(1);
    encoder.finish(&mut out, mark, FrameFlags::default(), entropy).unwrap();
    out
}

// spec: transport 4
#[test]
fn shortest_message_is_a_packet_and_not_a_control_packet() {
    // An unencrypted message: no auth key id, a message id and an empty body.
    let mut shortest = [0; 20];
    *shortest.get_mut(8).unwrap() = 4;
    for framing in Framing::ALL {
        for sender in [Side::Client, Side::Server] {
            let bytes = frame(framing, sender, &shortest);
            let mut decoder = decoder(framing, sender, &bytes);
            let Some(Frame::Packet { bytes, .. }) = decoder.next_frame().unwrap() else {
                panic!("{framing:?} of {sender:?}: no packet")
            };
            assert_eq!(bytes, shortest);
        }
    }
}

// spec: transport 3.2
// spec: transport 4
#[test]
fn unknown_control_word_is_rejected_even_with_a_token_behind_it() {
    let control = |word: i32| {
        let mut bytes = 8_u32.to_le_bytes().to_vec();
        bytes.extend(word.to_le_bytes());
        bytes.extend([1, 2, 3, 0x84]);
        bytes
    };
    for word in [1, 5, i32::MAX] {
        let mut decoder = decoder(Framing::PaddedIntermediate, Side::Server, &control(word));
        assert_eq!(decoder.next_frame().unwrap_err(), FrameError::UnknownControl { word });
    }
    let mut decoder = decoder(Framing::PaddedIntermediate, Side::Server, &control(-1));
    let Some(Frame::QuickAck(token)) = decoder.next_frame().unwrap() else { panic!("no token") };
    assert_eq!(token, QuickAckToken::from_raw(0x8403_0201));
}

#[test]
fn cancelled_frame_leaves_no_bytes_and_uses_no_sequence_number() {
    for framing in Framing::ALL {
        let (mut encoder, mut out) = (FrameEncoder::new(framing, Side::Client), vec![9; 5]);
        let mark = encoder.begin(&mut out);
        out.extend([1; 40]);
        encoder.cancel(&mut out, mark);
        assert_eq!(out, [9; 5]);
        let mark = encoder.begin(&mut out);
        out.extend([1; 40]);
        let entropy = &mut CtrEntropy::from_number(1);
        encoder.finish(&mut out, mark, FrameFlags::default(), entropy).unwrap();
        let (before, after) = out.split_at(5);
        assert_eq!((before, after), (&[9; 5][..], &frame(framing, Side::Client, &[1; 40])[..]));
    }
}

// spec: transport 3
#[test]
fn only_full_framing_has_no_quick_acks() {
    let have: Vec<_> = Framing::ALL.into_iter().filter(|framing| framing.has_quick_ack()).collect();
    assert_eq!(have, [Framing::Abridged, Framing::Intermediate, Framing::PaddedIntermediate]);
}

#[test]
fn debug_output_of_a_decoder_hides_buffered_bytes() {
    let shown = format!("{:?}", decoder(Framing::Intermediate, Side::Client, &[250; 7]));
    assert!(shown.contains("buffered: 7") && !shown.contains("250"), "{shown}");
}

#[test]
fn debug_output_of_an_encoder_hides_random_bytes() {
    let mut encoder = FrameEncoder::new(Framing::PaddedIntermediate, Side::Client);
    let mut out = Vec::new();
    let mark = encoder.begin(&mut out);
    out.extend([1; 40]);
    let entropy = &mut CtrEntropy::from_number(1);
    encoder.finish(&mut out, mark, FrameFlags::default(), entropy).unwrap();
    assert!(format!("{encoder:?}").contains("tails: Tails(..)"), "{encoder:?}");
}

#[test]
fn encode_errors_name_the_length() {
    let too_long = PACKET_LEN_MAX + 4;
    for (error, says) in [
        (FrameEncodeError::Empty, "empty packet".to_owned()),
        (FrameEncodeError::Misaligned { len: 6 }, "6 bytes".to_owned()),
        (
            FrameEncodeError::TooLong { len: too_long },
            format!("{too_long} bytes, expected at most"),
        ),
        (FrameEncodeError::NotOurs, "control packet not sent".to_owned()),
    ] {
        assert!(error.to_string().contains(&says), "{error}");
    }
}

#[test]
fn frame_errors_name_the_found_values() {
    for (error, says) in [
        (FrameError::Empty, "empty frame"),
        (FrameError::Overlong { words: 3 }, "3 words in the long form"),
        (FrameError::TooLong { len: 9, max: 8 }, "9 bytes, expected at most 8"),
        (FrameError::TooShort { len: 3, min: 4 }, "3 bytes, expected at least 4"),
        (FrameError::Misaligned { len: 6 }, "6 bytes is not a multiple"),
        (FrameError::SeqNo { expected: 1, found: 2 }, "number 2, expected 1"),
        (FrameError::Checksum { expected: 1, found: 0xa }, "0000000a, expected 00000001"),
        (FrameError::ShortPacket { len: 5 }, "5 bytes"),
        (FrameError::UnknownControl { word: -7 }, "control packet -7"),
        (FrameError::InnerLength { declared: 8, available: 4 }, "8 bytes in a frame with 4"),
        (FrameError::Truncated { have: 3 }, "3 bytes into a frame"),
    ] {
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn protocols_have_names() {
    let names: Vec<_> = Protocol::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names.iter().filter(|name| *name == "framing without obfuscation").count(), 4);
    for name in ["HTTP", "WebSocket", "TLS", "obfuscation"] {
        assert!(names.iter().any(|other| other == name), "{name}");
    }
}
