//! Keys as text and as files.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_crypto::key_file::{Cost, KEYS_MAX, KeyFile, SALTS_MAX, open_file, seal_file};

use crate::input::Input;
use crate::known;

/// Parses public and private RSA keys as PEM and DER: a parsed key survives a round trip.
///
/// Input: the kind, then the document.
pub fn key_text(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte() & 3;
    let document = input.rest();
    match kind {
        0 | 1 => {
            let key = if kind == 0 {
                RsaPublicKey::from_pem(document)
            } else {
                RsaPublicKey::from_der(document)
            };
            if let Ok(key) = key {
                check_public(&key);
            }
        }
        _ => {
            let key = if kind == 2 {
                RsaPrivateKey::from_pem(document)
            } else {
                RsaPrivateKey::from_der(document)
            };
            if let Ok(key) = key {
                check_public(key.public());
                for pem in [key.to_pkcs1_pem(), key.to_pkcs8_pem()] {
                    let again = RsaPrivateKey::from_pem(pem.as_bytes()).expect("as written");
                    assert_eq!(again.public().fingerprint(), key.public().fingerprint());
                    assert_eq!(again.to_pkcs1_pem(), key.to_pkcs1_pem());
                }
            }
        }
    }
}

fn check_public(key: &RsaPublicKey) {
    for pem in [key.to_pkcs1_pem(), key.to_spki_pem()] {
        let again = RsaPublicKey::from_pem(pem).expect("as written");
        assert_eq!(again.fingerprint(), key.fingerprint());
        assert_eq!((again.modulus(), again.exponent()), (key.modulus(), key.exponent()));
    }
    let again = RsaPublicKey::new(&key.modulus(), &key.exponent().to_be_bytes()).expect("the same");
    assert_eq!(again.fingerprint(), key.fingerprint());
}

/// Opens key files, unmodified or with sealed contents.
///
/// Input: the mode, then the file or the contents.
pub fn key_file(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        let contents = input.rest();
        if let Ok(file) = open_file(&sealed(contents), PASSWORD) {
            check_file(&file, contents);
        }
        return;
    }
    let mut file = input.rest().to_vec();
    // Key derivation is slow, so a valid cost is replaced by the minimum.
    if let Some(cost) = file.get_mut(5..17)
        && is_sound(cost)
    {
        cost.copy_from_slice(&CHEAP);
    }
    let _ = open_file(&file, PASSWORD);
}

fn is_sound(cost: &[u8]) -> bool {
    let mut numbers = Input::new(cost);
    let (memory_kib, passes, lanes) = (numbers.u32(), numbers.u32(), numbers.u32());
    Cost::new(memory_kib, passes, lanes).is_ok()
}

/// Checks that opened contents survive a round trip.
fn check_file(file: &KeyFile, contents: &[u8]) {
    assert!(file.keys.len() <= KEYS_MAX);
    assert!(file.keys.iter().all(|key| key.salts.len() <= SALTS_MAX));
    let cost = Cost::new(8, 1, 1).expect("the minimum cost is valid");
    let again = seal_file(file, PASSWORD, cost, &mut known::entropy(1)).expect("within the limits");
    assert_eq!(again.len(), HEADER_LEN + contents.len() + 16);
    let reopened = open_file(&again, PASSWORD).expect("as sealed");
    assert_eq!(reopened.clock_offset, file.clock_offset);
    for (one, other) in reopened.keys.iter().zip(&file.keys) {
        assert_eq!(
            (one.dc, one.expires_at, one.key.id()),
            (other.dc, other.expires_at, other.key.id())
        );
        assert_eq!(one.salts, other.salts);
    }
    assert_eq!(reopened.keys.len(), file.keys.len());
}

/// Seals any contents, valid or not, in the format of key files.
fn sealed(contents: &[u8]) -> Vec<u8> {
    let mut file = [b"MTPK\x01".as_slice(), &CHEAP, &[7; 16], &[9; 24]].concat();
    let mut key = [0; 32];
    let params = Params::new(8, 1, 1, Some(32)).expect("the minimum cost is valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(PASSWORD, &[7; 16], &mut key)
        .expect("the password is short");
    let mut encrypted = contents.to_vec();
    let tag = XChaCha20Poly1305::new(&key.into())
        .encrypt_inout_detached(&[9; 24].into(), &file, encrypted.as_mut_slice().into())
        .expect("the contents are short");
    file.extend_from_slice(&encrypted);
    file.extend_from_slice(&tag);
    file
}

const PASSWORD: &[u8] = b"known to the fuzzer";
const HEADER_LEN: usize = 57;
/// 8 KiB, one pass, one lane.
const CHEAP: [u8; 12] = [8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
