//! RSA keys as PEM and DER, and the published keys.

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{
    Fingerprint, KNOWN_KEYS, KnownKeyKind, RsaKeyError, RsaPrivateKey, RsaPublicKey, RsaSchemes,
};

use super::rsa::test_key;
use crate::prepared::Stuck;
use crate::vectors::{array, bytes, entries, number, section, text};

#[test]
// spec: crypto 9
fn rsa_known_public_keys_vectors() {
    let mut known = 0;
    for entry in entries("rsa_known_public_keys", 11) {
        let key = RsaPublicKey::from_pem(text(&entry, "pem")).unwrap();
        let fingerprint = key.fingerprint();
        assert_eq!(fingerprint.as_raw().to_le_bytes(), array(&entry, "fingerprint"));
        assert_eq!(fingerprint.as_raw(), number(&entry, "fingerprint_int64"));
        assert_eq!(key.modulus()[..], bytes(&entry, "modulus"));
        assert_eq!(u64::from(key.exponent()), number(&entry, "exponent"));
        assert_eq!(key.to_pkcs1_pem(), text(&entry, "pem"));
        let spki = RsaPublicKey::from_pem(text(&entry, "spki_pem")).unwrap();
        assert_eq!(spki.fingerprint(), fingerprint);
        assert_eq!(spki.to_spki_pem(), text(&entry, "spki_pem"));

        let ours = KNOWN_KEYS.iter().find(|known| known.fingerprint == fingerprint);
        assert_eq!(
            ours.is_none(),
            text(&entry, "kind") == "dns_config",
            "not a key for the handshake"
        );
        if let Some(ours) = ours {
            assert_eq!(ours.public_key().modulus(), key.modulus());
            assert_eq!(ours.public_key().fingerprint(), fingerprint);
            assert_eq!(ours.kind == KnownKeyKind::Legacy, text(&entry, "kind") == "old");
            known += 1;
        }
    }
    assert_eq!(known, KNOWN_KEYS.len());
    let [production, test, ..] = KNOWN_KEYS;
    assert_eq!(production.fingerprint, Fingerprint::from_raw(0xd09d_1d85_de64_fd85));
    assert_eq!(production.kind, KnownKeyKind::Production);
    assert_eq!(test.fingerprint, Fingerprint::from_raw(0xb258_98df_208d_2603));
    assert_eq!(test.kind, KnownKeyKind::Test);
}

#[test]
// spec: crypto 9
fn rsa_test_key_vector() {
    let entry = section("rsa_test_key");
    let key = test_key();
    assert_eq!(key.public().modulus()[..], bytes(&entry, "n"));
    assert_eq!(key.public().fingerprint().as_raw().to_le_bytes(), array(&entry, "fingerprint"));
    assert_eq!(key.public().fingerprint().as_raw(), number(&entry, "fingerprint_int64"));
    let preimage = mtp_crypto::hash::sha1(&[&bytes(&entry, "fingerprint_preimage")]);
    assert_eq!(preimage[12..], key.public().fingerprint().as_raw().to_le_bytes());

    for field in ["public_pkcs1_pem", "public_spki_pem"] {
        let public = RsaPublicKey::from_pem(text(&entry, field)).unwrap();
        assert_eq!(public.fingerprint(), key.public().fingerprint());
    }
    assert_eq!(key.public().to_pkcs1_pem(), text(&entry, "public_pkcs1_pem"));
    assert_eq!(key.public().to_spki_pem(), text(&entry, "public_spki_pem"));
    assert_eq!(*key.to_pkcs1_pem(), text(&entry, "private_pkcs1_pem"));
    let again = RsaPrivateKey::from_pem(key.to_pkcs8_pem().as_str()).unwrap();
    assert_eq!(*again.to_pkcs1_pem(), text(&entry, "private_pkcs1_pem"));
}

#[test]
fn der_is_parsed_in_every_structure() {
    let entry = section("rsa_test_key");
    let der = |pem: &str| pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1;
    let key = test_key();
    let fingerprint = key.public().fingerprint();
    for pem in [text(&entry, "public_pkcs1_pem"), text(&entry, "public_spki_pem")] {
        assert_eq!(RsaPublicKey::from_der(&der(pem)).unwrap().fingerprint(), fingerprint);
    }
    for pem in [&*key.to_pkcs1_pem(), &*key.to_pkcs8_pem()] {
        let key = RsaPrivateKey::from_der(&der(pem)).unwrap();
        assert_eq!(key.public().fingerprint(), fingerprint);
    }
}

#[test]
fn pem_is_parsed_with_lines_of_any_length() {
    let pem = text(&section("rsa_test_key"), "public_pkcs1_pem").to_owned();
    let one_line: String = {
        let mut lines: Vec<&str> = pem.lines().collect();
        let (first, last) = (lines.remove(0), lines.pop().unwrap());
        format!("{first}\n{}\n{last}\n", lines.concat())
    };
    for text in [pem.replace('\n', "\r\n"), pem.trim_end().to_owned(), one_line] {
        RsaPublicKey::from_pem(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    }
}

#[test]
// spec: crypto 9
fn unsuitable_moduli_and_exponents_are_rejected() {
    let modulus = bytes(&section("rsa_test_key"), "n");
    let e = [1, 0, 1];
    let error = |n: &[u8], e: &[u8]| RsaPublicKey::new(n, e).unwrap_err();
    assert!(RsaPublicKey::new(&[&[0, 0], &modulus[..]].concat(), &[0, 0, 0, 1, 0, 1]).is_ok());
    assert_eq!(error(&[], &e), RsaKeyError::ModulusSize { bits: 0 });
    assert_eq!(error(&[0x7f; 256], &e), RsaKeyError::ModulusSize { bits: 2047 });
    assert_eq!(error(&[&[1], &modulus[..]].concat(), &e), RsaKeyError::ModulusSize { bits: 2049 });
    assert_eq!(error(&[0xfe; 256], &e), RsaKeyError::ModulusEven);
    for e in [&[][..], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        assert_eq!(error(&modulus, e), RsaKeyError::Exponent, "{e:?}");
    }
    for e in [&[3][..], &[17], &[0xff; 4]] {
        assert!(RsaPublicKey::new(&modulus, e).is_ok(), "{e:?}");
    }
}

#[test]
fn generated_keys_decrypt_and_round_trip_through_pem() {
    let mut entropy = CtrEntropy::from_number(23);
    let key = RsaPrivateKey::generate(&mut entropy).unwrap();
    for pem in [key.to_pkcs1_pem(), key.to_pkcs8_pem()] {
        let again = RsaPrivateKey::from_pem(pem.as_str()).unwrap();
        let sealed = key.public().pad_encrypt(b"round trip", &mut entropy).unwrap();
        let opened = again.decrypt(&sealed, RsaSchemes::Current, &mut entropy).unwrap();
        assert!(opened.as_bytes().starts_with(b"round trip"));
    }
    assert_eq!(key.public().exponent(), 65_537);
    assert_eq!(RsaPrivateKey::generate(&mut Stuck(0)).unwrap_err(), RsaKeyError::Entropy);
    assert_eq!(RsaPrivateKey::generate(&mut Stuck(0xff)).unwrap_err(), RsaKeyError::Entropy);
}

#[test]
fn secrets_are_not_printed() {
    let key = test_key();
    assert_eq!(format!("{key:?}"), "RsaPrivateKey(5676527da0496365, ..)");
    assert_eq!(format!("{:?}", key.public()), "RsaPublicKey(5676527da0496365)");
}

/// No bytes cause a panic, and a private key that is accepted works.
#[test]
fn damaged_documents_do_not_panic() {
    let key = test_key();
    let spki = key.public().to_spki_pem();
    let documents = [
        key.public().to_pkcs1_pem(),
        spki,
        key.to_pkcs1_pem().to_string(),
        key.to_pkcs8_pem().to_string(),
    ];
    let mut entropy = CtrEntropy::from_number(29);
    let mut random = |below: usize| {
        let mut bytes = [0; 4];
        mtp_env::Entropy::fill(&mut entropy, &mut bytes);
        u32::from_le_bytes(bytes) as usize % below
    };
    let mut errors = 0;
    for pem in documents {
        let der = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1;
        for round in 0..300 {
            let mut text = pem.clone().into_bytes();
            let mut bytes = der.clone();
            for document in [&mut text, &mut bytes] {
                let position = random(document.len());
                match round % 4 {
                    0 => document[position] ^= 1 << random(8),
                    1 => document.truncate(position),
                    2 => drop(document.remove(position)),
                    _ => document.insert(position, random(256) as u8),
                }
            }
            errors += usize::from(RsaPublicKey::from_pem(&text).is_err());
            errors += usize::from(RsaPublicKey::from_der(&bytes).is_err());
            errors += usize::from(RsaPrivateKey::from_pem(&text).is_err());
            errors += usize::from(RsaPrivateKey::from_der(&bytes).is_err());
        }
    }
    assert!(errors > 4 * 4 * 300 / 2, "{errors}");
}
