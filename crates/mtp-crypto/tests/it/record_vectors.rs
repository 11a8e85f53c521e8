//! Encrypted messages against all entries of their sections in `vectors/crypto.json`.

use crate::prepared::Prepared;
use crate::vectors::{array, bytes, entries, number, section, text};
use mtp_crypto::bind::{Binding, open_bind, seal_bind};
use mtp_crypto::cdn::{CdnError, CdnFileKey, open_part};
use mtp_crypto::hash::sha1;
use mtp_crypto::{
    AuthKey, AuthKeyId, InnerHeader, MsgId, MsgIdKind, Padding, QuickAckToken, Salt, SeqNo,
    SessionId, Side, ige, open, pad, seal, v1,
};
use serde_json::Value;

fn key(entry: &Value, field: &str) -> AuthKey {
    AuthKey::new(array(entry, field)).unwrap()
}

fn side(entry: &Value) -> Side {
    if number(entry, "x") == 0 { Side::Client } else { Side::Server }
}

#[test]
// spec: crypto 2
fn aes_ige_vectors() {
    let mut tested = 0;
    for entry in entries("aes_ige", 9).iter().filter(|entry| number(entry, "bits") == 256) {
        let (key, iv) = (array(entry, "key"), array(entry, "iv"));
        let (plain, sealed) = (bytes(entry, "plaintext"), bytes(entry, "ciphertext"));
        let mut data = plain.clone();
        ige::encrypt(&key, &mut iv.clone(), &mut data).unwrap();
        assert_eq!(data, sealed, "{}", text(entry, "name"));
        ige::decrypt(&key, &mut iv.clone(), &mut data).unwrap();
        assert_eq!(data, plain, "{}", text(entry, "name"));
        tested += 1;
    }
    assert_eq!(tested, 7, "the other two are AES-128 and have a unit test");
}

#[test]
// spec: crypto 2
fn aes_ige_streaming_vector() {
    let entry = &section("aes_ige_streaming");
    let (key, plain, sealed) =
        (array(entry, "key"), bytes(entry, "plaintext"), bytes(entry, "ciphertext"));
    let (mut iv, mut back_iv) = (array(entry, "iv"), array(entry, "iv"));
    let mut done = 0;
    for after in [Some("iv_after_first_32"), Some("iv_after_first_64"), None] {
        let end = if after.is_some() { done + 32 } else { plain.len() };
        let mut data = plain[done..end].to_vec();
        ige::encrypt(&key, &mut iv, &mut data).unwrap();
        assert_eq!(data, sealed[done..end]);
        ige::decrypt(&key, &mut back_iv, &mut data).unwrap();
        assert_eq!(data, plain[done..end]);
        assert_eq!(iv, back_iv);
        if let Some(after) = after {
            assert_eq!(iv, array(entry, after));
        }
        done = end;
    }
    assert_eq!(done, 96);
}

#[test]
// spec: crypto 3, 17#9
fn auth_key_id_vectors() {
    for entry in &entries("auth_key_ids", 3) {
        let key = key(entry, "auth_key");
        assert_eq!(key.id().to_le_bytes(), array(entry, "auth_key_id"));
        assert_eq!(key.id().as_raw(), number(entry, "auth_key_id_int64"));
        assert_eq!(key.aux_hash(), array(entry, "auth_key_aux_hash"));
        assert_eq!(sha1(&[key.as_bytes()]), array(entry, "sha1"));
    }
}

#[test]
// spec: crypto 4.1
// spec: crypto 4.4; transport 3.1
// spec: crypto 6
fn message_vectors() {
    for entry in &entries("messages", 7) {
        let (key, sender) = (key(entry, "auth_key"), side(entry));
        let header = InnerHeader {
            salt: Salt::from_raw(number(entry, "salt")),
            session_id: SessionId::from_raw(number(entry, "session_id")),
            msg_id: MsgId::from_raw(number(entry, "msg_id")),
            seq_no: SeqNo::from_raw(number(entry, "seq_no").try_into().unwrap()),
        };
        let token = QuickAckToken::from_raw(number(entry, "quick_ack_token").try_into().unwrap());
        let (body, padding) = (bytes(entry, "body"), bytes(entry, "padding"));
        let sealed = bytes(entry, "encrypted_message");

        let mut packet = Vec::new();
        let start = mtp_crypto::begin(&mut packet, header);
        packet.extend_from_slice(&body);
        let opened_token = if number(entry, "version") == 1 {
            v1::pad(&mut packet, start, &mut Prepared::new([padding])).unwrap();
            v1::seal(&key, sender, &mut packet).unwrap()
        } else {
            // The vectors have padding of many lengths: `pad` writes the length field, and its
            // padding is replaced.
            pad(&mut packet, start, Padding::Minimum, &mut Prepared::new([vec![0; 27]])).unwrap();
            packet.truncate(mtp_crypto::PREFIX_LEN + body.len());
            packet.extend_from_slice(&padding);
            seal(&key, sender, &mut packet).unwrap()
        };
        assert_eq!(packet, sealed, "{}", text(entry, "name"));
        assert_eq!(opened_token, token);

        let open = if number(entry, "version") == 1 { v1::open } else { open };
        let opened = open(&key, sender, &mut packet).unwrap();
        assert_eq!((opened.header, opened.body, opened.quick_ack), (header, &body[..], token));
        open(&key, sender.peer(), &mut sealed.clone()).unwrap_err();
    }
}

#[test]
fn message_from_production_server_opens() {
    let entry = &section("message_from_production_server");
    let mut packet = bytes(entry, "encrypted_message");
    let plain = bytes(entry, "plaintext");
    let key = key(entry, "auth_key");
    let opened = open(&key, Side::Server, &mut packet).unwrap();
    assert_eq!(opened.header.msg_id.kind(), MsgIdKind::Answer);
    assert_eq!(opened.header.salt.to_le_bytes(), plain[..8]);
    assert_eq!(opened.body, &plain[32..32 + 88]);
    assert_eq!(packet[24..], plain);
}

#[test]
// spec: crypto 5#1, 5#2, 5#5, 5#6, 17#17, 17#20
fn negative_message_vectors() {
    let (mut accepted, mut rejected) = (0, 0);
    for entry in &entries("messages_negative", 20) {
        let (name, expect) = (text(entry, "name"), text(entry, "expect"));
        let mut packet = bytes(entry, "encrypted_message");
        // As a server: every packet claims to come from a client.
        let result = open(&key(entry, "auth_key"), Side::Client, &mut packet);
        // We always ignore a tail after the last block, as that entry allows. The last entry is
        // for the session to reject.
        let accept = expect.starts_with("accept")
            || expect.contains("drop the trailing")
            || expect.starts_with("msg_key ok");
        assert_eq!(result.is_ok(), accept, "{name}");
        if let Ok(opened) = result {
            let odd = expect.starts_with("msg_key ok");
            assert_eq!(opened.header.msg_id.kind() == MsgIdKind::Client, !odd, "{name}");
            accepted += 1;
        } else {
            rejected += 1;
        }
    }
    assert_eq!((accepted, rejected), (7, 13));
}

#[test]
// spec: crypto 11.2
fn bind_temp_auth_key_vector() {
    let entry = &section("bind_temp_auth_key");
    let (perm_key, temp_key) = (key(entry, "perm_auth_key"), key(entry, "temp_auth_key"));
    let binding = Binding {
        nonce: number(entry, "nonce"),
        temp_auth_key_id: temp_key.id(),
        perm_auth_key_id: AuthKeyId::from_le_bytes(array(entry, "perm_auth_key_id")),
        temp_session_id: SessionId::from_raw(number(entry, "temp_session_id")),
        expires_at: number(entry, "expires_at").try_into().unwrap(),
    };
    let msg_id = MsgId::from_raw(number(entry, "msg_id"));
    let random = [bytes(entry, "random_prefix"), bytes(entry, "padding")];
    let sealed = seal_bind(&perm_key, msg_id, &binding, &mut Prepared::new(random));
    assert_eq!(sealed[..], bytes(entry, "encrypted_message"));
    assert_eq!(sealed.len() as u64, number(entry, "encrypted_message_length"));
    open_bind(&perm_key, msg_id, &binding, &sealed).unwrap();

    // The outer packet contains the same proof, under the temporary key.
    let mut packet = bytes(entry, "outer_packet");
    let opened = open(&temp_key, Side::Client, &mut packet).unwrap();
    assert_eq!(opened.body, bytes(entry, "request"));
    assert_eq!(opened.header.msg_id, msg_id);
    assert_eq!(opened.header.session_id, binding.temp_session_id);
    assert!(opened.body.windows(sealed.len()).any(|window| window == sealed));
}

#[test]
// spec: crypto 12, 17#28
fn cdn_vectors() {
    for entry in &entries("cdn", 6) {
        let key = CdnFileKey::new(&bytes(entry, "encryption_key"), &bytes(entry, "encryption_iv"))
            .unwrap();
        let (offset, hash) = (number(entry, "offset"), bytes(entry, "sha256_of_decrypted"));
        let mut data = bytes(entry, "encrypted");
        open_part(&key, offset, &hash, &mut data).unwrap();
        assert_eq!(data, bytes(entry, "plaintext"));
        key.apply(offset, &mut data).unwrap();
        assert_eq!(data, bytes(entry, "encrypted"));

        let mut tampered = bytes(entry, "encrypted");
        tampered[0] ^= 1;
        assert_eq!(open_part(&key, offset, &hash, &mut tampered), Err(CdnError::Hash));
        assert!(tampered.iter().all(|byte| *byte == 0), "wiped");
        let shifted = open_part(&key, offset + 8, &hash, &mut data);
        assert_eq!(shifted, Err(CdnError::Offset { offset: offset + 8 }));
    }
}
