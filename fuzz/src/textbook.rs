//! Reference implementations of the ciphers by the letter of the specification, one block at a time.
//!
//! They seal the fuzzer's messages and verify the optimized implementations.

use mtp_crypto::hash::{sha1, sha256};
use mtp_crypto::{AuthKey, Side, ige};

/// The version of the message encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// MTProto 2.0.
    Two,
    /// MTProto 1.0, with the number of plaintext bytes that the message key covers.
    One { covered: usize },
}

/// Seals any plaintext, valid or not: `auth_key_id | msg_key | encrypted`. An incomplete block is
/// dropped.
pub(crate) fn seal(key: &AuthKey, sender: Side, protocol: Protocol, plain: &[u8]) -> Vec<u8> {
    let mut encrypted = plain[..plain.len() / 16 * 16].to_vec();
    let x = if sender == Side::Client { 0 } else { 8 };
    let secret = key.as_bytes();
    let msg_key: [u8; 16] = match protocol {
        Protocol::Two => part(&sha256(&[&secret[88 + x..120 + x], &encrypted]), 8),
        Protocol::One { covered } => part(&sha1(&[&encrypted[..covered.min(encrypted.len())]]), 4),
    };
    let (aes_key, mut iv) = match protocol {
        Protocol::Two => keys_v2(secret, x, &msg_key),
        Protocol::One { .. } => keys_v1(secret, x, &msg_key),
    };
    ige_encrypt(&aes_key, &mut iv, &mut encrypted);
    [&key.id().to_le_bytes()[..], &msg_key, &encrypted].concat()
}

fn keys_v2(secret: &[u8; 256], x: usize, msg_key: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let a = sha256(&[msg_key, &secret[x..x + 36]]);
    let b = sha256(&[&secret[40 + x..76 + x], msg_key]);
    (joined(&[&a[..8], &b[8..24], &a[24..32]]), joined(&[&b[..8], &a[8..24], &b[24..32]]))
}

#[expect(clippy::many_single_char_names, reason = "names of the specification")]
fn keys_v1(secret: &[u8; 256], x: usize, msg_key: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let a = sha1(&[msg_key, &secret[x..x + 32]]);
    let b = sha1(&[&secret[32 + x..48 + x], msg_key, &secret[48 + x..64 + x]]);
    let c = sha1(&[&secret[64 + x..96 + x], msg_key]);
    let d = sha1(&[msg_key, &secret[96 + x..128 + x]]);
    (joined(&[&a[..8], &b[8..20], &c[4..16]]), joined(&[&a[8..20], &b[..8], &c[16..20], &d[..8]]))
}

/// AES-256-IGE by its definition: `c = AES(p ^ c_before) ^ p_before`.
pub(crate) fn ige_encrypt(key: &[u8; 32], iv: &mut [u8; 32], data: &mut [u8]) {
    let (mut cipher_before, mut plain_before): ([u8; 16], [u8; 16]) = (part(iv, 0), part(iv, 16));
    for block in data.chunks_exact_mut(16) {
        let plain = part(block, 0);
        cipher_before = xor(aes_encrypt(key, xor(plain, cipher_before)), plain_before);
        plain_before = plain;
        block.copy_from_slice(&cipher_before);
    }
    *iv = joined(&[&cipher_before, &plain_before]);
}

/// Reverses [`ige_encrypt`].
pub(crate) fn ige_decrypt(key: &[u8; 32], iv: &mut [u8; 32], data: &mut [u8]) {
    let (mut cipher_before, mut plain_before): ([u8; 16], [u8; 16]) = (part(iv, 0), part(iv, 16));
    for block in data.chunks_exact_mut(16) {
        let cipher = part(block, 0);
        plain_before = xor(aes_decrypt(key, xor(cipher, plain_before)), cipher_before);
        cipher_before = cipher;
        block.copy_from_slice(&plain_before);
    }
    *iv = joined(&[&cipher_before, &plain_before]);
}

/// Encrypts a block: IGE of one block with a zero IV is plain AES.
fn aes_encrypt(key: &[u8; 32], mut block: [u8; 16]) -> [u8; 16] {
    ige::encrypt(key, &mut [0; 32], &mut block).expect("the length is one block");
    block
}

fn aes_decrypt(key: &[u8; 32], mut block: [u8; 16]) -> [u8; 16] {
    ige::decrypt(key, &mut [0; 32], &mut block).expect("the length is one block");
    block
}

fn xor(one: [u8; 16], other: [u8; 16]) -> [u8; 16] {
    core::array::from_fn(|at| one[at] ^ other[at])
}

/// Returns `N` bytes from `start`.
pub(crate) fn part<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    core::array::from_fn(|at| bytes[start + at])
}

fn joined(parts: &[&[u8]]) -> [u8; 32] {
    part(&parts.concat(), 0)
}
