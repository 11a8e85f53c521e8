//! Values derived from the nonces.

use mtp_crypto::AuthKey;
use mtp_crypto::exchange::{
    DhGenAnswer, NewNonce, NewNonceHash, Nonce, OpenAnswerError, ServerNonce, TmpAes, first_salt,
};

use crate::prepared::Prepared;
use crate::vectors::{array, bytes, entries, number, section, text};

#[test]
// spec: crypto 8.7
fn tmp_aes_vectors() {
    for entry in entries("tmp_aes", 4) {
        let server_nonce = ServerNonce::new(array(&entry, "server_nonce"));
        let aes = TmpAes::derive(&NewNonce::new(array(&entry, "new_nonce")), &server_nonce);
        // The key has no accessor, so its ciphertext is compared with that of the raw cipher.
        let mut expected = mtp_crypto::hash::sha1(&[b"an object"]).to_vec();
        expected.extend_from_slice(b"an object\x01\x02\x03");
        let (key, mut iv) = (array(&entry, "tmp_aes_key"), array(&entry, "tmp_aes_iv"));
        mtp_crypto::ige::encrypt(&key, &mut iv, &mut expected).unwrap();
        let mut padding = Prepared::new([vec![1, 2, 3]]);
        assert_eq!(aes.seal(b"an object", &mut padding), expected, "{}", text(&entry, "name"));
    }
}

#[test]
// spec: crypto 8.8.2
fn server_dh_answer_of_2013_sample_opens() {
    let sample = section("server_dh_answer_2013_sample");
    // The nonces of the sample's key are the third entry of `tmp_aes`.
    let nonces = &entries("tmp_aes", 4)[2];
    assert_eq!(text(&sample, "tmp_aes_key"), text(nonces, "tmp_aes_key"));
    let server_nonce = ServerNonce::new(array(nonces, "server_nonce"));
    let aes = TmpAes::derive(&NewNonce::new(array(nonces, "new_nonce")), &server_nonce);

    let sealed = bytes(&sample, "encrypted_answer");
    let answer = bytes(&sample, "answer");
    assert_eq!(aes.open(&sealed).unwrap().as_bytes(), answer);
    let mut padding = Prepared::new([bytes(&sample, "padding")]);
    assert_eq!(aes.seal(&answer, &mut padding), sealed);
    padding.assert_used();
}

#[test]
// spec: crypto 8.10, 17#8
fn new_nonce_hash_vectors() {
    for entry in entries("new_nonce_hash", 2) {
        let aux_hash = AuthKey::new(array(&entry, "auth_key")).unwrap().aux_hash();
        let new_nonce = NewNonce::new(array(&entry, "new_nonce"));
        for (answer, field) in [
            (DhGenAnswer::Ok, "new_nonce_hash1"),
            (DhGenAnswer::Retry, "new_nonce_hash2"),
            (DhGenAnswer::Fail, "new_nonce_hash3"),
        ] {
            let hash = NewNonceHash::of_dh_gen(&new_nonce, answer, aux_hash);
            let mut expected = array(&entry, field);
            assert_eq!(*hash.as_bytes(), expected, "{field}");
            assert!(hash.matches(&expected));
            expected[15] ^= 1;
            assert!(!hash.matches(&expected));
        }
    }
}

#[test]
// spec: crypto 8.10
fn server_salt_vectors() {
    for entry in entries("server_salt", 2) {
        let server_nonce = ServerNonce::new(array(&entry, "server_nonce"));
        let salt = first_salt(&NewNonce::new(array(&entry, "new_nonce")), &server_nonce);
        assert_eq!(salt.to_le_bytes(), array(&entry, "salt"));
        assert_eq!(salt.as_raw(), number(&entry, "salt_int64"));
    }
}

/// All padding lengths are accepted; one more byte, or any damage, is not.
#[test]
// spec: crypto 8.8.1, 17#5, 17#15
// spec: crypto 8.8.2
fn answers_of_every_length_open_and_damaged_ones_do_not() {
    let aes = TmpAes::derive(&NewNonce::new([7; 32]), &ServerNonce::new([9; 16]));
    for len in 0..100 {
        let data = vec![0xda; len];
        let sealed = aes.seal(&data, &mut mtp_crypto::CtrEntropy::from_number(len as u64));
        assert_eq!(sealed.len(), (20 + len).next_multiple_of(16));
        assert_eq!(aes.open(&sealed).unwrap().as_bytes(), data);
        for position in (0..sealed.len()).step_by(7) {
            let mut damaged = sealed.clone();
            damaged[position] ^= 0x10;
            // The last block may consist of padding, which is not authenticated.
            if aes.open(&damaged).is_ok() {
                assert!(position >= (20 + len) / 16 * 16, "{position} of {len}");
            }
        }
        assert_eq!(aes.open(&sealed[1..]).unwrap_err(), OpenAnswerError);
    }
    for len in 0..32 {
        assert_eq!(aes.open(&vec![0; len]).unwrap_err(), OpenAnswerError);
    }
}

#[test]
// spec: crypto 1
fn nonces_print_leading_zeros_and_new_nonce_is_not_printed() {
    let bytes = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0];
    assert_eq!(Nonce::new(bytes).as_bytes(), &bytes);
    assert_eq!(format!("{:?}", Nonce::new(bytes)), "Nonce(00000102030405060708090a0b0c0d00)");
    assert_eq!(format!("{:?}", ServerNonce::new([1; 16])).len(), "ServerNonce()".len() + 32);
    assert_eq!(format!("{:?}", NewNonce::new([0xab; 32])), "NewNonce(..)");
}
