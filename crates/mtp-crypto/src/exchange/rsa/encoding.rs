//! RSA keys as PEM and DER: PKCS#1, SPKI and PKCS#8.

use alloc::string::String;
use alloc::vec::Vec;

use der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use der::{Decode, Encode};
use pem_rfc7468::{Decoder, LineEnding};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::PrivateKeyInfoRef;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use super::RsaKeyError;
use super::private::{Parts, RsaPrivateKey};
use super::public::RsaPublicKey;

pub(super) fn read_public_pem(pem: &[u8]) -> Result<RsaPublicKey, RsaKeyError> {
    let (label, der) = read_pem(pem)?;
    match label {
        PKCS1_PUBLIC => read_public_pkcs1(&der),
        SPKI => read_public_spki(&der),
        _ => Err(RsaKeyError::Label),
    }
}

pub(super) fn read_public_der(der: &[u8]) -> Result<RsaPublicKey, RsaKeyError> {
    // The structures differ in their first field, so at most one of them parses.
    match SubjectPublicKeyInfoRef::from_der(der) {
        Ok(_) => read_public_spki(der),
        Err(_) => read_public_pkcs1(der),
    }
}

pub(super) fn read_private_pem(pem: &[u8]) -> Result<RsaPrivateKey, RsaKeyError> {
    let (label, der) = read_pem(pem)?;
    match label {
        PKCS1_PRIVATE => read_private_pkcs1(&der),
        PKCS8 => read_private_pkcs8(&der),
        _ => Err(RsaKeyError::Label),
    }
}

pub(super) fn read_private_der(der: &[u8]) -> Result<RsaPrivateKey, RsaKeyError> {
    match PrivateKeyInfoRef::from_der(der) {
        Ok(_) => read_private_pkcs8(der),
        Err(_) => read_private_pkcs1(der),
    }
}

pub(super) fn write_public_pkcs1(key: &RsaPublicKey) -> String {
    core::mem::take(&mut *write_pem(PKCS1_PUBLIC, &public_pkcs1(key)))
}

pub(super) fn write_public_spki(key: &RsaPublicKey) -> String {
    let pkcs1 = public_pkcs1(key);
    let spki = BitStringRef::from_bytes(&pkcs1)
        .map(|subject_public_key| SubjectPublicKeyInfoRef { algorithm: RSA, subject_public_key });
    core::mem::take(&mut *write_pem(SPKI, &encode(spki)))
}

pub(super) fn write_private_pkcs1(key: &RsaPrivateKey) -> Zeroizing<String> {
    write_pem(PKCS1_PRIVATE, &private_pkcs1(key))
}

pub(super) fn write_private_pkcs8(key: &RsaPrivateKey) -> Zeroizing<String> {
    let pkcs1 = private_pkcs1(key);
    let pkcs8 = OctetStringRef::new(&pkcs1).map(|key| PrivateKeyInfoRef::new(RSA, key));
    write_pem(PKCS8, &encode(pkcs8))
}

const PKCS1_PUBLIC: &str = "RSA PUBLIC KEY";
const SPKI: &str = "PUBLIC KEY";
const PKCS1_PRIVATE: &str = "RSA PRIVATE KEY";
const PKCS8: &str = "PRIVATE KEY";

const RSA: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: pkcs1::ALGORITHM_OID, parameters: Some(AnyRef::NULL) };

/// Reads a PEM document with lines of any length.
fn read_pem(pem: &[u8]) -> Result<(&str, Zeroizing<Vec<u8>>), RsaKeyError> {
    let mut decoder = Decoder::new_detect_wrap(pem).map_err(|_| RsaKeyError::Pem)?;
    let mut der = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
    decoder.decode_to_end(&mut der).map_err(|_| RsaKeyError::Pem)?;
    Ok((decoder.type_label(), der))
}

fn read_public_pkcs1(der: &[u8]) -> Result<RsaPublicKey, RsaKeyError> {
    let key = RsaPublicKeyRef::from_der(der).map_err(|_| RsaKeyError::Der)?;
    RsaPublicKey::new(key.modulus.as_bytes(), key.public_exponent.as_bytes())
}

fn read_public_spki(der: &[u8]) -> Result<RsaPublicKey, RsaKeyError> {
    let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| RsaKeyError::Der)?;
    check_algorithm(&spki.algorithm)?;
    read_public_pkcs1(spki.subject_public_key.as_bytes().ok_or(RsaKeyError::Der)?)
}

fn read_private_pkcs1(der: &[u8]) -> Result<RsaPrivateKey, RsaKeyError> {
    let key = RsaPrivateKeyRef::from_der(der).map_err(|_| RsaKeyError::Der)?;
    if key.other_prime_infos.is_some() {
        return Err(RsaKeyError::Inconsistent);
    }
    // The other numbers follow from these and are recomputed.
    RsaPrivateKey::from_parts(&Parts {
        modulus: key.modulus.as_bytes(),
        exponent: key.public_exponent.as_bytes(),
        private_exponent: key.private_exponent.as_bytes(),
        p: key.prime1.as_bytes(),
        q: key.prime2.as_bytes(),
    })
}

fn read_private_pkcs8(der: &[u8]) -> Result<RsaPrivateKey, RsaKeyError> {
    let pkcs8 = PrivateKeyInfoRef::from_der(der).map_err(|_| RsaKeyError::Der)?;
    check_algorithm(&pkcs8.algorithm)?;
    read_private_pkcs1(pkcs8.private_key.as_bytes())
}

fn check_algorithm(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), RsaKeyError> {
    if *algorithm == RSA { Ok(()) } else { Err(RsaKeyError::Algorithm) }
}

fn public_pkcs1(key: &RsaPublicKey) -> Zeroizing<Vec<u8>> {
    let (modulus, exponent) = (key.modulus(), key.exponent().to_be_bytes());
    encode(UintRef::new(&modulus).and_then(|modulus| {
        Ok(RsaPublicKeyRef { modulus, public_exponent: UintRef::new(&exponent)? })
    }))
}

fn private_pkcs1(key: &RsaPrivateKey) -> Zeroizing<Vec<u8>> {
    let (modulus, exponent) = (key.public().modulus(), key.public().exponent().to_be_bytes());
    let secret = key.secret_parts();
    encode(UintRef::new(&modulus).and_then(|modulus| {
        Ok(RsaPrivateKeyRef {
            modulus,
            public_exponent: UintRef::new(&exponent)?,
            private_exponent: UintRef::new(&*secret.private_exponent)?,
            prime1: UintRef::new(&*secret.p)?,
            prime2: UintRef::new(&*secret.q)?,
            exponent1: UintRef::new(&*secret.p_exponent)?,
            exponent2: UintRef::new(&*secret.q_exponent)?,
            coefficient: UintRef::new(&*secret.q_inverse)?,
            other_prime_infos: None,
        })
    }))
}

#[expect(clippy::expect_used, reason = "2048-bit numbers are far below the limits of DER")]
fn encode(structure: der::Result<impl Encode>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(structure.and_then(|value| value.to_der()).expect("keys have a fixed size"))
}

#[expect(clippy::expect_used, reason = "the labels are the constants above, and the size is fixed")]
fn write_pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let pem = pem_rfc7468::encode_string(label, LineEnding::LF, der);
    Zeroizing::new(pem.expect("labels and sizes are fixed"))
}
