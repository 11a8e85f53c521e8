//! Envelopes at their shortest, and what keys and errors say of themselves.

use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, OpenError, Padding, Salt, SealError, SeqNo, SessionId,
    Side, open, pad, seal, v1,
};
use mtp_env::Entropy;

const HEADER: InnerHeader = InnerHeader {
    salt: Salt::from_raw(1),
    session_id: SessionId::from_raw(2),
    msg_id: MsgId::from_raw(4),
    seq_no: SeqNo::from_raw(5),
};

fn key() -> AuthKey {
    let mut bytes = [0; 256];
    CtrEntropy::from_number(1).fill(&mut bytes);
    AuthKey::new(bytes).unwrap()
}

/// A sealed message with a body of so many bytes and the least padding.
fn sealed(body_len: usize) -> Vec<u8> {
    let mut packet = Vec::new();
    let start = mtp_crypto::begin(&mut packet, HEADER);
    packet.resize(packet.len() + body_len, 7);
    pad(&mut packet, start, Padding::Minimum, &mut CtrEntropy::from_number(2)).unwrap();
    seal(&key(), Side::Client, &mut packet).unwrap();
    packet
}

// spec: crypto 5#1
#[test]
fn the_shortest_packet_is_accepted_and_a_shorter_one_not_even_decrypted() {
    // Key id, message key, header with the length, the least padding filled up to whole blocks.
    assert_eq!((mtp_crypto::PACKET_MIN, v1::PACKET_MIN), (8 + 16 + 48, 8 + 16 + 32));
    let packet = sealed(0);
    assert_eq!(packet.len(), mtp_crypto::PACKET_MIN);
    assert!(open(&key(), Side::Client, &mut packet.clone()).unwrap().body.is_empty());
    for len in 0..mtp_crypto::PACKET_MIN {
        let mut cut = packet[..len].to_vec();
        assert_eq!(open(&key(), Side::Client, &mut cut), Err(OpenError));
        assert_eq!(cut, packet[..len], "what is too short costs no decryption");
    }
    for len in 0..v1::PACKET_MIN {
        let mut cut = packet[..len].to_vec();
        assert_eq!(v1::open(&key(), Side::Client, &mut cut), Err(OpenError));
        assert_eq!(cut, packet[..len]);
    }
}

// spec: crypto 5#6
#[test]
fn a_packet_that_is_refused_after_decryption_is_wiped() {
    let mut packet = sealed(8);
    *packet.last_mut().unwrap() ^= 1;
    assert_eq!(open(&key(), Side::Client, &mut packet), Err(OpenError));
    assert!(packet[24..].iter().all(|byte| *byte == 0));
}

#[test]
fn keys_and_messages_show_what_names_them() {
    let key = key();
    assert_eq!(format!("{key:?}"), format!("AuthKey(id: {:016x})", key.id().as_raw()));
    let mut packet = sealed(12);
    let shown = format!("{:?}", open(&key, Side::Client, &mut packet).unwrap());
    assert!(shown.contains("body_len: 12") && shown.contains("seq_no: "), "{shown}");
}

#[test]
fn errors_say_what_is_wrong_with_ones_own_packets_and_nothing_of_others() {
    assert!(SealError::Body { len: 7 }.to_string().contains("7 bytes"));
    assert!(SealError::NotPadded { len: 40 }.to_string().contains("40 bytes is not padded"));
    assert_eq!(OpenError.to_string(), "the packet is not valid under this key");
}
