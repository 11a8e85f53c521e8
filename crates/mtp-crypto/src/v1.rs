//! Encrypted messages, MTProto 1.0.
//!
//! The version is deprecated, and malleable unless the padding is checked exactly. It is still used
//! to bind temporary keys ([`bind`](crate::bind)), in secret chats with old peers, and by servers
//! of old clients. Layout and calls are those of MTProto 2.0 ([`begin`](crate::begin),
//! [`seal`](crate::seal), [`open`](crate::open)), with 0 to 15 bytes of padding that the message key
//! does not cover.
//!
//! There are no batches: bindings and secret chats have one message at a time, and sessions use 2.0.

use alloc::vec::Vec;

use mtp_kernels::Block;
use sha1::{Digest, Sha1};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::auth_key::AuthKey;
use crate::engine::Engine;
use crate::envelope::{
    InnerHeader, MsgKey, OpenError, Opened, PaddingRange, Plain, SealError, accept, append_random,
    derive_v1, is_under, packet_min, read_length, split, split_whole, write_length,
};
use crate::hash::sha1;
use crate::ids::QuickAckToken;
use crate::parts::part;
use crate::side::Side;
use mtp_env::Entropy;

/// The length of the shortest packet: an empty body.
pub const PACKET_MIN: usize = packet_min(InnerHeader::LEN, PADDING);

/// The maximum padding of a message, in bytes.
pub const PADDING_MAX: usize = PADDING.max as usize;

/// Completes the body of the packet that begins at `start`, like [`crate::pad`].
///
/// # Errors
/// As [`crate::pad`].
// spec: crypto 6
pub fn pad(out: &mut Vec<u8>, start: usize, entropy: &mut dyn Entropy) -> Result<(), SealError> {
    let body_len = write_length(out, start)?;
    append_random(out, body_len.wrapping_neg() % 16, entropy);
    Ok(())
}

/// Encrypts a padded packet in place and returns the token of its quick acknowledgment.
///
/// # Errors
/// [`SealError::NotPadded`] unless the packet was completed by [`pad`]; nothing is changed.
// spec: crypto 6
pub fn seal(key: &AuthKey, sender: Side, packet: &mut [u8]) -> Result<QuickAckToken, SealError> {
    let len = packet.len();
    let (_, _, blocks) = split_whole(packet)?;
    let (fits, body_len) = read_length(blocks.as_flattened(), InnerHeader::LEN, PADDING);
    if !bool::from(fits) {
        return Err(SealError::NotPadded { len });
    }
    seal_padded(key, sender, packet, InnerHeader::LEN.saturating_add(body_len))
}

/// Seals the whole blocks without checking their contents. The message key covers the first
/// `plain_len` bytes.
pub(crate) fn seal_padded(
    key: &AuthKey,
    sender: Side,
    packet: &mut [u8],
    plain_len: usize,
) -> Result<QuickAckToken, SealError> {
    let len = packet.len();
    let (key_id, msg_key_room, blocks) = split_whole(packet)?;
    let plain = blocks.as_flattened().get(..plain_len).ok_or(SealError::NotPadded { len })?;
    let (msg_key, quick_ack) = halves(&sha1(&[plain]));
    let mut keys = derive_v1(key, sender, &msg_key);
    Engine::best().ige_encrypt(&keys.key, &mut keys.iv, blocks);
    *key_id = key.id().to_le_bytes();
    *msg_key_room = msg_key;
    Ok(quick_ack)
}

/// Decrypts and authenticates a packet in place and returns its header and body.
///
/// # Errors
/// [`OpenError`] for every defect alike; decrypted bytes are wiped.
// spec: crypto 5
// spec: crypto 6
pub fn open<'p>(
    key: &AuthKey,
    sender: Side,
    packet: &'p mut [u8],
) -> Result<Opened<'p>, OpenError> {
    Opened::new(&decrypt(key, sender, packet, InnerHeader::LEN)?)
}

/// Performs a receiver's steps 1 to 6 for messages with a header of this length.
// spec: crypto 5#5, 6
pub(crate) fn decrypt<'p>(
    key: &AuthKey,
    sender: Side,
    packet: &'p mut [u8],
    header_len: usize,
) -> Result<Plain<'p>, OpenError> {
    if packet.len() < packet_min(header_len, PADDING) || !is_under(key, packet) {
        return Err(OpenError);
    }
    let Some((_, msg_key, blocks)) = split(packet) else { return Err(OpenError) };
    let mut keys = derive_v1(key, sender, msg_key);
    Engine::best().ige_decrypt(&keys.key, &mut keys.iv, blocks);
    let matched = match_any_padding(blocks, msg_key);
    let exactly = PaddingRange { min: matched.padding_len, max: matched.padding_len };
    let quick_ack = QuickAckToken::from_raw(matched.quick_ack);
    accept(blocks, matched.found, header_len, exactly, quick_ack)
}

/// The padding under which the message key is right.
struct Matched {
    found: Choice,
    padding_len: u32,
    quick_ack: u32,
}

/// Finds the padding under which the message key is right, without reading the declared length.
///
/// The key covers the plaintext without its padding, which has four possible lengths. Hashing under
/// all four every time keeps the time independent of the plaintext.
// spec: crypto 5#5
fn match_any_padding(blocks: &[Block], msg_key: &MsgKey) -> Matched {
    let mut matched = Matched { found: Choice::from(0), padding_len: 0, quick_ack: 0 };
    let Some((last, whole)) = blocks.split_last() else { return matched };
    let mut common = Sha1::new();
    common.update(whole.as_flattened());
    let (pieces, _) = last.as_chunks::<4>();
    for (piece, padding_len) in pieces.iter().zip([12, 8, 4, 0]) {
        common.update(piece);
        let (expected, quick_ack) = halves(&common.clone().finalize().into());
        let equal = expected.ct_eq(msg_key);
        matched.padding_len.conditional_assign(&padding_len, equal);
        matched.quick_ack.conditional_assign(&quick_ack.as_raw(), equal);
        matched.found |= equal;
    }
    matched
}

// spec: crypto 6
const PADDING: PaddingRange = PaddingRange { min: 0, max: 15 };

fn halves(hash: &[u8; 20]) -> (MsgKey, QuickAckToken) {
    (*part(hash, 4), QuickAckToken::from_first_bytes(*part(hash, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ige;

    /// Seals any plaintext with a message key over its first `covered` bytes.
    fn seal_raw(key: &AuthKey, plain: &[u8], covered: usize) -> Vec<u8> {
        let hash = Sha1::digest(&plain[..covered]).into();
        let (msg_key, _) = halves(&hash);
        let mut keys = derive_v1(key, Side::Client, &msg_key);
        let mut blocks = plain.to_vec();
        ige::encrypt(&keys.key, &mut keys.iv, &mut blocks).unwrap();
        [&key.id().to_le_bytes()[..], &msg_key, &blocks].concat()
    }

    #[track_caller]
    fn check(plain_len: usize, covered: usize, length: i32, accepted: bool) {
        let key = AuthKey::new([7; 256]).unwrap();
        let mut plain = alloc::vec![1; plain_len];
        plain[28..32].copy_from_slice(&length.to_le_bytes());
        let mut packet = seal_raw(&key, &plain, covered);
        assert_eq!(open(&key, Side::Client, &mut packet).is_ok(), accepted);
        assert!(accepted || packet[24..].iter().all(|byte| *byte == 0), "wiped");
    }

    #[test]
    // spec: crypto 6
    fn only_the_shortest_padding_is_accepted() {
        check(64, 64, 32, true);
        check(64, 52, 20, true);
        check(32, 32, 0, true);
        // An excess block, although the key covers the declared length.
        check(64, 48, 16, false);
        check(80, 52, 20, false);
        // The key covers a length other than the declared one.
        check(64, 64, 20, false);
        check(64, 52, 32, false);
        // Invalid lengths.
        check(32, 28, -4, false);
        check(64, 64, i32::MIN, false);
        check(64, 64, i32::MAX, false);
        check(64, 50, 18, false);
        check(64, 64, 36, false);
    }
}
