//! Secret chats: vectors, and messages that a receiver must reject.

use crate::prepared::Prepared;
use crate::vectors::{array, bytes, entries, number, section, text};
use mtp_crypto::exchange::{DhGroup, DhSecret, DhValueError};
use mtp_crypto::secret_chat::{
    AgreementError, ChatVersion, ChatVersions, FewRandomBytes, FileKey, KeyHash, LayerError,
    PeerLayer, accept, check_random_bytes, confirm, open, seal, seal_v1,
};
use mtp_crypto::{AuthKey, AuthKeyId, CtrEntropy, OpenError, Padding, SealError, Side};
use mtp_env::Entropy;
use serde_json::Value;

fn key(entry: &Value, field: &str) -> AuthKey {
    AuthKey::new(array(entry, field)).unwrap()
}

#[test]
// spec: crypto 14.1, 17#34
fn secret_chat_dh_vector() {
    let entry = &section("secret_chat_dh");
    assert_eq!(DhGroup::KNOWN.prime(), array(entry, "p"));
    let [a, b] = ["a", "b"].map(|field| {
        DhSecret::generate(&DhGroup::KNOWN, &mut Prepared::new([bytes(entry, field)])).unwrap()
    });
    assert_eq!((a.public(), b.public()), (&array(entry, "g_a"), &array(entry, "g_b")));
    let fingerprint = AuthKeyId::from_le_bytes(array(entry, "key_fingerprint"));
    let at_b = accept(&b, a.public()).unwrap();
    assert_eq!((at_b.as_bytes(), at_b.id()), (&array(entry, "key"), fingerprint));
    assert_eq!(at_b.id().as_raw(), number(entry, "key_fingerprint_int64"));
    assert_eq!(confirm(&a, b.public(), fingerprint).unwrap().as_bytes(), at_b.as_bytes());

    let other = AuthKeyId::from_raw(fingerprint.as_raw() ^ 1);
    assert_eq!(confirm(&a, b.public(), other).unwrap_err(), AgreementError::Fingerprint);
    let low = accept(&b, &[1]).unwrap_err();
    assert_eq!(low, AgreementError::Value(DhValueError::TooSmall));
}

#[test]
// spec: crypto 14.3
fn secret_chat_message_vectors() {
    for entry in &entries("secret_chat_messages", 6) {
        let (name, key, body) = (text(entry, "name"), key(entry, "key"), bytes(entry, "body"));
        let data = bytes(entry, "data");
        assert_eq!(key.id().to_le_bytes(), array(entry, "key_fingerprint"));
        let sender = if number(entry, "x") == 0 { Side::Client } else { Side::Server };
        let padding = bytes(entry, "padding");
        let padding_len = padding.len();
        let mut entropy = Prepared::new([padding]);
        let is_v1 = number(entry, "version") == 1;
        if is_v1 {
            assert_eq!(seal_v1(&key, &body, &mut entropy).unwrap(), data, "{name}");
        } else {
            assert!(padding_len < 28, "minimum padding");
            let sealed = seal(&key, sender, &body, Padding::Minimum, &mut entropy);
            assert_eq!(sealed.unwrap(), data, "{name}");
        }
        let mut packet = data.clone();
        let opened = open(&key, sender, &mut packet, ChatVersions::TwoThenOne).unwrap();
        let version = if is_v1 { ChatVersion::One } else { ChatVersion::Two };
        assert_eq!((opened.version, opened.body), (version, &body[..]), "{name}");
        // MTProto 1.0 is accepted only if allowed, and then in both directions.
        let opened = open(&key, sender, &mut data.clone(), ChatVersions::Two).map(|_| ());
        assert_eq!(opened.is_ok(), !is_v1, "{name}");
        let opened =
            open(&key, sender.peer(), &mut data.clone(), ChatVersions::TwoThenOne).map(|_| ());
        assert_eq!(opened.is_ok(), is_v1, "{name}");
    }
}

#[test]
// spec: crypto 14.2
fn secret_chat_visualization_vectors() {
    for entry in &entries("secret_chat_visualisation", 3) {
        let hash = KeyHash::new(&key(entry, "original_key"), &key(entry, "key_at_layer_46"));
        assert_eq!(hash.as_bytes(), &array(entry, "key_hash_36_bytes"));
        let pixels = entry["pixels_2bit_row_major_12x12"].as_array().unwrap();
        assert_eq!(pixels.len(), 144);
        assert!(
            hash.pixels().map(u64::from).eq(pixels.iter().map(|pixel| pixel.as_u64().unwrap()))
        );
        assert_eq!(hash.to_hex(), text(entry, "key_hash_36_bytes")[..64]);
        assert!(KeyHash::from_bytes(*hash.as_bytes()) == hash);
    }
}

#[test]
// spec: crypto 14.7
fn secret_chat_file_vectors() {
    for entry in &entries("secret_chat_file", 3) {
        let file = FileKey::new(array(entry, "key"), array(entry, "iv"));
        assert_eq!(file.fingerprint().as_raw().to_le_bytes(), array(entry, "key_fingerprint"));
        let plain = bytes(entry, "plaintext");
        let mut data = plain.clone();
        FileKey::pad(&mut data, &mut Prepared::new([bytes(entry, "padding")]));
        for part_len in [16, 48, 1 << 20] {
            let (mut encrypt, mut decrypt) = (file.cipher(), file.cipher());
            for part in data.chunks_mut(part_len) {
                encrypt.encrypt(part).unwrap();
            }
            assert_eq!(data, bytes(entry, "encrypted"));
            for part in data.chunks_mut(part_len) {
                decrypt.decrypt(part).unwrap();
            }
            assert_eq!(data[..plain.len()], plain);
        }
        file.cipher().encrypt(&mut [0; 15]).unwrap_err();
    }
    let drawn = FileKey::generate(&mut CtrEntropy::from_number(1));
    assert_ne!(drawn.key(), drawn.iv());
}

#[test]
// spec: crypto 14.3, 17#31
fn modified_and_truncated_messages_are_rejected() {
    let mut bytes = [0; 256];
    let mut entropy = CtrEntropy::from_number(1);
    entropy.fill(&mut bytes);
    let key = AuthKey::new(bytes).unwrap();
    for len in [0, 4, 40] {
        let body = vec![7; len];
        for v1 in [false, true] {
            let good = if v1 {
                seal_v1(&key, &body, &mut entropy).unwrap()
            } else {
                seal(&key, Side::Server, &body, Padding::Minimum, &mut entropy).unwrap()
            };
            let open = |data: &mut [u8]| {
                open(&key, Side::Server, data, ChatVersions::TwoThenOne)
                    .map(|opened| opened.body.len())
            };
            assert_eq!(open(&mut good.clone()), Ok(len));
            for bit in 0..good.len() * 8 {
                let mut data = good.clone();
                data[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open(&mut data), Err(OpenError));
                assert!(bit < 64 || data[24..].iter().all(|byte| *byte == 0), "wiped");
            }
            for cut in 0..good.len() {
                assert_eq!(open(&mut good[..cut].to_vec()), Err(OpenError));
            }
        }
    }
    let odd = seal(&key, Side::Client, &[0; 5], Padding::Minimum, &mut entropy);
    assert_eq!(odd, Err(SealError::Body { len: 5 }));
}

#[test]
// spec: crypto 14.3
// spec: crypto 14.4
fn peer_layer_never_decreases_and_ends_mtproto_1() {
    let mut peer = PeerLayer::new(PeerLayer::ASSUMED);
    assert_eq!((peer.sending(), peer.receiving()), (ChatVersion::Two, ChatVersions::Two));
    peer.received(ChatVersion::Two, 144).unwrap();
    assert_eq!(peer.layer(), 144);
    let falling = LayerError::NotMonotonic { layer: 143, declared: 144 };
    assert_eq!(peer.received(ChatVersion::Two, 143), Err(falling));
    assert_eq!(peer.layer(), 144);

    let mut old = PeerLayer::new(46);
    assert_eq!((old.sending(), old.receiving()), (ChatVersion::One, ChatVersions::TwoThenOne));
    let too_low = LayerError::NotMonotonic { layer: 45, declared: 46 };
    assert_eq!(old.received(ChatVersion::One, 45), Err(too_low));
    old.received(ChatVersion::One, 66).unwrap();
    // A layer with MTProto 2.0 in a message of MTProto 1.0.
    assert_eq!(old.received(ChatVersion::One, 73), Err(LayerError::Downgrade { layer: 73 }));
    assert_eq!((old.layer(), old.receiving()), (66, ChatVersions::TwoThenOne));
    // The first message of MTProto 2.0 ends 1.0 for every layer it declares.
    old.received(ChatVersion::Two, 66).unwrap();
    assert_eq!(old.receiving(), ChatVersions::Two);
    assert_eq!(old.received(ChatVersion::One, 66), Err(LayerError::Downgrade { layer: 66 }));
    assert_eq!(old.sending(), ChatVersion::One);
    old.received(ChatVersion::Two, 101).unwrap();
    assert_eq!(old.sending(), ChatVersion::Two);
}

#[test]
// spec: crypto 14.4, 17#35
fn wrappers_need_fifteen_random_bytes() {
    for len in [0, 14] {
        let refused = check_random_bytes(&[7; 31][..len]);
        assert_eq!(refused.map_err(|FewRandomBytes { len, .. }| len), Err(len));
    }
    for len in [15, 16, 31] {
        assert_eq!(check_random_bytes(&[7; 31][..len]), Ok(()));
    }
}
