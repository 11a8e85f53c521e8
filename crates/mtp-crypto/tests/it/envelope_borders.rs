//! The shortest packets, and the printed form of keys, messages and errors.

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

/// Returns a sealed message with a body of this length and minimum padding.
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
fn shortest_packet_is_accepted_and_shorter_ones_are_not_decrypted() {
    // Key id, message key, then header and minimum padding in whole blocks.
    assert_eq!((mtp_crypto::PACKET_MIN, v1::PACKET_MIN), (8 + 16 + 48, 8 + 16 + 32));
    let packet = sealed(0);
    assert_eq!(packet.len(), mtp_crypto::PACKET_MIN);
    assert!(open(&key(), Side::Client, &mut packet.clone()).unwrap().body.is_empty());
    for len in 0..mtp_crypto::PACKET_MIN {
        let mut cut = packet[..len].to_vec();
        assert_eq!(open(&key(), Side::Client, &mut cut), Err(OpenError));
        assert_eq!(cut, packet[..len], "short packets are not decrypted");
    }
    for len in 0..v1::PACKET_MIN {
        let mut cut = packet[..len].to_vec();
        assert_eq!(v1::open(&key(), Side::Client, &mut cut), Err(OpenError));
        assert_eq!(cut, packet[..len]);
    }
}

// spec: crypto 5#6
#[test]
fn packets_rejected_after_decryption_are_wiped() {
    let mut packet = sealed(8);
    *packet.last_mut().unwrap() ^= 1;
    assert_eq!(open(&key(), Side::Client, &mut packet), Err(OpenError));
    assert!(packet[24..].iter().all(|byte| *byte == 0));
}

#[test]
fn keys_and_messages_print_ids_and_lengths() {
    let key = key();
    assert_eq!(format!("{key:?}"), format!("AuthKey(id: {:016x})", key.id().as_raw()));
    let mut packet = sealed(12);
    let shown = format!("{:?}", open(&key, Side::Client, &mut packet).unwrap());
    assert!(shown.contains("body_len: 12") && shown.contains("seq_no: "), "{shown}");
}

#[test]
fn seal_errors_have_details_and_open_errors_have_none() {
    assert!(SealError::Body { len: 7 }.to_string().contains("7 bytes"));
    assert!(SealError::NotPadded { len: 40 }.to_string().contains("40 bytes is not padded"));
    assert_eq!(OpenError.to_string(), "the packet is not valid under this key");
}
