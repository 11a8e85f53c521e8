//! The two RSA encryption schemes.

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{
    RsaDecryptError, RsaEncryptError, RsaPrivateKey, RsaPublicKey, RsaScheme, RsaSchemes,
};
use num_bigint::BigUint;

use crate::prepared::{Prepared, Stuck};
use crate::vectors::{bytes, entries, section, text};

pub(crate) fn test_key() -> RsaPrivateKey {
    RsaPrivateKey::from_pem(text(&section("rsa_test_key"), "private_pkcs1_pem")).unwrap()
}

fn entropy() -> CtrEntropy {
    CtrEntropy::from_number(17)
}

#[test]
// spec: crypto 8.4, 17#4
fn rsa_pad_vectors() {
    let key = test_key();
    for entry in entries("rsa_pad", 5) {
        let name = text(&entry, "name");
        let public = match entry.get("n") {
            Some(_) => RsaPublicKey::new(&bytes(&entry, "n"), &[1, 0, 1]).unwrap(),
            None => key.public().clone(),
        };
        let keys = entry["attempts"].as_array().unwrap().iter();
        let keys = keys.map(|attempt| bytes(attempt, "temp_key")).collect::<Vec<_>>().concat();
        let mut random = Prepared::new([bytes(&entry, "random_padding"), keys]);
        let data = bytes(&entry, "data");
        let encrypted = public.pad_encrypt(&data, &mut random).unwrap();
        random.assert_used();
        assert_eq!(encrypted[..], bytes(&entry, "encrypted"), "{name}");

        if public.fingerprint() == key.public().fingerprint() {
            let opened = key.decrypt(&encrypted, RsaSchemes::Current, &mut entropy()).unwrap();
            assert_eq!(opened.as_bytes(), bytes(&entry, "data_with_padding"), "{name}");
            assert_eq!(opened.scheme(), RsaScheme::Current);
        }
    }
}

#[test]
// spec: crypto 8.4
// spec: crypto 8.6
fn negative_rsa_pad_vectors() {
    let key = test_key();
    for entry in entries("rsa_pad_negative", 4) {
        if let Some(len) = entry.get("data_length") {
            let data = vec![0; usize::try_from(len.as_u64().unwrap()).unwrap()];
            let refused = key.public().pad_encrypt(&data, &mut entropy()).unwrap_err();
            assert_eq!(refused, RsaEncryptError::TooLong { len: 145 });
            let refused = key.public().legacy_encrypt(&data, &mut entropy()).unwrap_err();
            assert_eq!(refused, RsaEncryptError::TooLong { len: 145 });
            continue;
        }
        for schemes in [RsaSchemes::Current, RsaSchemes::CurrentAndLegacy] {
            let opened = key.decrypt(&bytes(&entry, "encrypted"), schemes, &mut entropy());
            assert_eq!(opened.unwrap_err(), RsaDecryptError, "{}", text(&entry, "name"));
        }
    }
}

#[test]
// spec: crypto 8.5
fn rsa_legacy_vectors() {
    let key = test_key();
    for entry in entries("rsa_legacy", 1) {
        let data = bytes(&entry, "data");
        let mut random = Prepared::new([bytes(&entry, "random")]);
        let encrypted = key.public().legacy_encrypt(&data, &mut random).unwrap();
        random.assert_used();
        assert_eq!(encrypted[..], bytes(&entry, "encrypted"));

        let both = key.decrypt(&encrypted, RsaSchemes::CurrentAndLegacy, &mut entropy()).unwrap();
        assert_eq!((both.as_bytes(), both.scheme()), (&data[..], RsaScheme::Legacy));
        let current = key.decrypt(&encrypted, RsaSchemes::Current, &mut entropy());
        assert_eq!(current.unwrap_err(), RsaDecryptError, "off by default");
    }
}

#[test]
// spec: crypto 8.5
fn legacy_objects_of_valid_lengths_only_are_decrypted() {
    let key = test_key();
    for len in (64..=144).step_by(4).chain([81, 99, 143]) {
        let data: Vec<u8> = (0..len).collect();
        let encrypted = key.public().legacy_encrypt(&data, &mut entropy()).unwrap();
        let opened = key.decrypt(&encrypted, RsaSchemes::CurrentAndLegacy, &mut entropy());
        if len >= 80 && len % 4 == 0 {
            assert_eq!(opened.unwrap().as_bytes(), data);
        } else {
            assert_eq!(opened.unwrap_err(), RsaDecryptError, "{len}");
        }
    }
}

#[test]
fn data_of_every_length_round_trips() {
    let key = test_key();
    let mut entropy = entropy();
    for len in (0..=144).step_by(9) {
        let data: Vec<u8> = (0..len).collect();
        let encrypted = key.public().pad_encrypt(&data, &mut entropy).unwrap();
        let opened = key.decrypt(&encrypted, RsaSchemes::CurrentAndLegacy, &mut entropy).unwrap();
        assert_eq!(opened.as_bytes().len(), 192);
        assert!(opened.as_bytes().starts_with(&data));
    }
}

/// Every defect gives the same error value.
#[test]
// spec: crypto 8.11, 17#12
fn damaged_data_and_data_for_other_keys_give_the_same_error() {
    let key = test_key();
    let mut entropy = entropy();
    let mut encrypted = key.public().pad_encrypt(b"inner data", &mut entropy).unwrap().to_vec();
    for position in (0..256).step_by(37) {
        encrypted[position] ^= 1;
        let opened = key.decrypt(&encrypted, RsaSchemes::CurrentAndLegacy, &mut entropy);
        assert_eq!(opened.unwrap_err(), RsaDecryptError, "byte {position}");
        encrypted[position] ^= 1;
    }
    for len in [0, 1, 255, 257] {
        let opened = key.decrypt(&vec![1; len], RsaSchemes::CurrentAndLegacy, &mut entropy);
        assert_eq!(opened.unwrap_err(), RsaDecryptError, "{len} bytes");
    }
    let stranger = RsaPrivateKey::generate(&mut entropy).unwrap();
    let opened = stranger.decrypt(&encrypted, RsaSchemes::CurrentAndLegacy, &mut entropy);
    assert_eq!(opened.unwrap_err(), RsaDecryptError);
    assert!(key.decrypt(&encrypted, RsaSchemes::Current, &mut entropy).is_ok());
}

/// Despite blinding and the computation modulo two primes.
#[test]
fn decryption_agrees_with_num_bigint() {
    let entry = section("rsa_test_key");
    let number = |field| BigUint::from_bytes_be(&bytes(&entry, field));
    let key = test_key();
    for len in 0..10 {
        let data = vec![len; usize::from(len) * 12];
        let encrypted = key.public().legacy_encrypt(&data, &mut entropy()).unwrap();
        let plain = BigUint::from_bytes_be(&encrypted).modpow(&number("d"), &number("n"));
        let opened = key.decrypt(&encrypted, RsaSchemes::CurrentAndLegacy, &mut entropy());
        match opened {
            Ok(opened) => {
                assert_eq!(plain.to_bytes_be()[20..][..opened.as_bytes().len()], data);
            }
            Err(RsaDecryptError) => assert!(data.len() < 80),
        }
    }
}

#[test]
fn encryption_ends_with_a_broken_entropy_source() {
    let small = [&[0x80][..], &[0; 254], &[1]].concat();
    let key = RsaPublicKey::new(&small, &[3]).unwrap();
    // Some repeated byte always gives a block above this modulus, the smallest possible one.
    let refused = (0..=255).filter(|byte| key.pad_encrypt(b"", &mut Stuck(*byte)).is_err());
    assert!((1..256).contains(&refused.count()));
}
