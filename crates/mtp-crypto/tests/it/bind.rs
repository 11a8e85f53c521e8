//! Binding of temporary keys: the proof must match the request in every field.

use mtp_crypto::bind::{BindError, Binding, SEALED_LEN, open_bind, seal_bind};
use mtp_crypto::{
    AuthKey, AuthKeyId, CtrEntropy, InnerHeader, MsgId, Salt, SeqNo, SessionId, Side, v1,
};

const MSG_ID: MsgId = MsgId::from_raw(0x65ab_c0fd_4000_0004);

fn key() -> AuthKey {
    AuthKey::new([3; 256]).unwrap()
}

fn binding() -> Binding {
    Binding {
        nonce: 0x0102_0304_0506_0708,
        temp_auth_key_id: AuthKeyId::from_raw(77),
        perm_auth_key_id: key().id(),
        temp_session_id: SessionId::from_raw(88),
        expires_at: 1_705_841_277,
    }
}

/// A change to a request after its proof was sealed.
type Change = fn(&mut Binding);

fn proof() -> [u8; SEALED_LEN] {
    seal_bind(&key(), MSG_ID, &binding(), &mut CtrEntropy::from_number(1))
}

#[test]
// spec: crypto 11.2, 17#26
fn requests_that_differ_from_the_proof_in_any_field_are_rejected() {
    assert_eq!(open_bind(&key(), MSG_ID, &binding(), &proof()), Ok(()));
    let wrong: [(MsgId, Change); 6] = [
        (MsgId::from_raw(MSG_ID.as_raw() + 4), |_| ()),
        (MSG_ID, |binding| binding.nonce ^= 1),
        (MSG_ID, |binding| binding.temp_auth_key_id = AuthKeyId::from_raw(78)),
        (MSG_ID, |binding| binding.perm_auth_key_id = AuthKeyId::from_raw(1)),
        (MSG_ID, |binding| binding.temp_session_id = SessionId::from_raw(89)),
        (MSG_ID, |binding| binding.expires_at += 1),
    ];
    for (msg_id, change) in wrong {
        let mut request = binding();
        change(&mut request);
        assert_eq!(open_bind(&key(), msg_id, &request, &proof()), Err(BindError), "{request:?}");
    }
    let other = AuthKey::new([4; 256]).unwrap();
    assert_eq!(open_bind(&other, MSG_ID, &binding(), &proof()), Err(BindError));
}

#[test]
// spec: crypto 11.2
fn proofs_of_other_lengths_or_with_flipped_bits_are_rejected() {
    for len in (0..SEALED_LEN).chain(SEALED_LEN + 1..SEALED_LEN + 40) {
        let mut changed = proof().to_vec();
        changed.resize(len, 0);
        assert_eq!(open_bind(&key(), MSG_ID, &binding(), &changed), Err(BindError));
    }
    for bit in 0..SEALED_LEN * 8 {
        let mut changed = proof();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open_bind(&key(), MSG_ID, &binding(), &changed), Err(BindError));
    }
}

/// A holder of the permanent key can seal any other message under it.
#[test]
// spec: crypto 11.2
fn other_messages_under_the_permanent_key_are_rejected() {
    let seal = |seq_no, change: fn(&mut Vec<u8>)| {
        let mut entropy = CtrEntropy::from_number(2);
        let header = InnerHeader {
            salt: Salt::from_raw(1),
            session_id: SessionId::from_raw(2),
            msg_id: MSG_ID,
            seq_no: SeqNo::from_raw(seq_no),
        };
        let mut inner = Vec::new();
        inner.extend_from_slice(&0x75a3_f765_u32.to_le_bytes());
        inner.extend_from_slice(&binding().nonce.to_le_bytes());
        inner.extend_from_slice(&binding().temp_auth_key_id.to_le_bytes());
        inner.extend_from_slice(&binding().perm_auth_key_id.to_le_bytes());
        inner.extend_from_slice(&binding().temp_session_id.to_le_bytes());
        inner.extend_from_slice(&binding().expires_at.to_le_bytes());
        change(&mut inner);
        let mut packet = Vec::new();
        let start = mtp_crypto::begin(&mut packet, header);
        packet.extend_from_slice(&inner);
        v1::pad(&mut packet, start, &mut entropy).unwrap();
        v1::seal(&key(), Side::Client, &mut packet).unwrap();
        assert_eq!(packet.len(), SEALED_LEN);
        open_bind(&key(), MSG_ID, &binding(), &packet)
    };
    assert_eq!(seal(0, |_| ()), Ok(()));
    assert_eq!(seal(1, |_| ()), Err(BindError), "seq_no");
    assert_eq!(seal(0, |inner| inner[0] ^= 1), Err(BindError), "constructor");
    assert_eq!(seal(0, |inner| inner.truncate(36)), Err(BindError), "length");
    assert_eq!(seal(0, |inner| inner.extend_from_slice(&[0; 8])), Err(BindError), "length");
}
