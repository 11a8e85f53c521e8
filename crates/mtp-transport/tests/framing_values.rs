//! Framings: what borders on something else, what is taken back, and what values say of themselves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to fail")]

use mtp_crypto::{CtrEntropy, QuickAckToken, Side};
use mtp_transport::detect::Spoken;
use mtp_transport::framing::{
    Decoder, EncodeError, Encoder, Frame, FrameError, FrameFlags, Framing, PACKET_LEN_MAX,
};

/// Hands all bytes to a decoder at once.
fn decoder(framing: Framing, sender: Side, bytes: &[u8]) -> Decoder {
    let mut decoder = Decoder::new(framing, sender, 1 << 16);
    let room = decoder.spare(bytes.len());
    room.get_mut(..bytes.len()).unwrap().copy_from_slice(bytes);
    decoder.filled(bytes.len());
    decoder
}

/// Frames a packet.
fn frame(framing: Framing, sender: Side, packet: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(framing, sender), Vec::new());
    let mark = encoder.begin(&mut out);
    out.extend(packet);
    let entropy = &mut CtrEntropy::from_number(1);
    encoder.finish(&mut out, mark, FrameFlags::default(), entropy).unwrap();
    out
}

// spec: transport 4
#[test]
fn the_shortest_message_is_a_packet_and_no_control() {
    // A message without encryption: no key, an id, and a body of no bytes.
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
fn a_word_that_says_nothing_known_is_no_quick_ack_whatever_follows() {
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
fn a_frame_that_is_cancelled_leaves_what_was_there_and_no_number_is_used() {
    for framing in Framing::ALL {
        let (mut encoder, mut out) = (Encoder::new(framing, Side::Client), vec![9; 5]);
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
fn full_framing_alone_has_no_quick_acks() {
    let have: Vec<_> = Framing::ALL.into_iter().filter(|framing| framing.has_quick_ack()).collect();
    assert_eq!(have, [Framing::Abridged, Framing::Intermediate, Framing::PaddedIntermediate]);
}

#[test]
fn a_decoder_shows_how_much_waits_and_none_of_it() {
    let shown = format!("{:?}", decoder(Framing::Intermediate, Side::Client, &[250; 7]));
    assert!(shown.contains("buffered: 7") && !shown.contains("250"), "{shown}");
}

#[test]
fn what_cannot_be_framed_is_said_with_its_length() {
    let too_long = PACKET_LEN_MAX + 4;
    for (error, says) in [
        (EncodeError::Empty, "no bytes".to_owned()),
        (EncodeError::Misaligned { len: 6 }, "6 bytes".to_owned()),
        (EncodeError::TooLong { len: too_long }, format!("{too_long} bytes, at most")),
        (EncodeError::NotOurs, "no such control".to_owned()),
    ] {
        assert!(error.to_string().contains(&says), "{error}");
    }
}

#[test]
fn what_is_no_frame_is_said_with_what_was_found() {
    for (error, says) in [
        (FrameError::Empty, "no bytes"),
        (FrameError::Overlong { words: 3 }, "3 words in the long form"),
        (FrameError::TooLong { len: 9, max: 8 }, "9 bytes, at most 8"),
        (FrameError::TooShort { len: 3, min: 4 }, "3 bytes, at least 4"),
        (FrameError::Misaligned { len: 6 }, "6 bytes is no multiple"),
        (FrameError::SeqNo { expected: 1, found: 2 }, "number 2 instead of 1"),
        (FrameError::Checksum { expected: 1, found: 0xa }, "0000000a instead of 00000001"),
        (FrameError::ShortPacket { len: 5 }, "5 bytes"),
        (FrameError::UnknownControl { word: -7 }, "control packet -7"),
        (FrameError::InnerLength { declared: 8, available: 4 }, "8 bytes in a frame that has 4"),
        (FrameError::Truncated { have: 3 }, "3 bytes into a frame"),
    ] {
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn what_a_client_speaks_has_a_name() {
    let names: Vec<_> = Spoken::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names.iter().filter(|name| *name == "framing without obfuscation").count(), 4);
    for name in ["HTTP", "WebSocket", "TLS", "obfuscation"] {
        assert!(names.iter().any(|other| other == name), "{name}");
    }
}
