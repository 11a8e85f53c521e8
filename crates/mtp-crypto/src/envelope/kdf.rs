//! Message keys and what is derived from them.
#![cfg_attr(
    not(test),
    expect(
        clippy::arithmetic_side_effects,
        reason = "positions are constants plus 0 or 8, lengths are of slices"
    )
)]

use zeroize::Zeroize;

use crate::auth_key::AuthKey;
use crate::hash::{BlockHash, sha1};
use crate::ids::QuickAckToken;
use crate::ige::{Block, Observer};
use crate::parts::part;
use crate::side::Side;

pub(crate) type MsgKey = [u8; 16];

/// What one message is encrypted with.
pub(crate) struct Keys {
    pub(crate) key: [u8; 32],
    pub(crate) iv: [u8; 32],
}

impl Drop for Keys {
    fn drop(&mut self) {
        // As slices: an array is wiped byte by byte.
        self.key[..].zeroize();
        self.iv[..].zeroize();
    }
}

/// The hash over a piece of the auth key and the whole plaintext, fed while decrypting.
///
/// The piece of the key fills half a block, so the plaintext's blocks begin at its byte 32.
pub(crate) struct MsgKeyHash {
    hash: BlockHash,
    /// What does not fill a block: the key's piece first, the plaintext's end at last.
    rest: [u8; 64],
    rest_len: usize,
}

impl MsgKeyHash {
    /// Blocks of the cipher that fill up the first block of the hash.
    pub(crate) const LEAD: usize = (64 - KEY_PIECE) / size_of::<Block>();

    pub(crate) fn new(key: &AuthKey, sender: Side) -> Self {
        let mut rest = [0; 64];
        rest[..KEY_PIECE].copy_from_slice(key.part::<KEY_PIECE>(88 + offset(sender)));
        Self { hash: BlockHash::new(), rest, rest_len: KEY_PIECE }
    }

    /// Takes the next of the plaintext: [`LEAD`](Self::LEAD) blocks first, then as many as make
    /// whole blocks of the hash, until the last call.
    #[inline]
    pub(crate) fn update(&mut self, blocks: &[Block]) {
        let (whole, rest) = blocks.as_flattened().as_chunks();
        self.hash.update(whole);
        self.keep(rest);
    }

    #[inline]
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.rest.get_mut(self.rest_len..).unwrap_or_default();
        for (byte, from) in room.iter_mut().zip(bytes) {
            *byte = *from;
        }
        self.rest_len += bytes.len();
        if self.rest_len >= self.rest.len() {
            self.hash.update(&[self.rest]);
            self.rest_len = 0;
        }
    }

    // spec: crypto 4.2
    // spec: crypto 4.4
    pub(crate) fn finish(mut self) -> (MsgKey, QuickAckToken) {
        let large = self.hash.finish(self.rest.get(..self.rest_len).unwrap_or_default());
        self.rest[..].zeroize();
        let [token, _, a, b, c, d, _, _] = large;
        let msg_key = to_bytes(&[a, b, c, d]);
        (msg_key, QuickAckToken::from_first_bytes(token.to_be_bytes()))
    }
}

impl Observer for &mut MsgKeyHash {
    const LEAD: usize = MsgKeyHash::LEAD;

    #[expect(clippy::inline_always, reason = "runs inside the decryption's loop")]
    #[inline(always)]
    fn see(&mut self, blocks: &[Block]) {
        self.update(blocks);
    }
}

// spec: crypto 4.2
pub(crate) fn derive_v2(key: &AuthKey, sender: Side, msg_key: &MsgKey) -> Keys {
    let x = offset(sender);
    let mut input = [0; 16 + 36];
    let (front, back) = input.split_at_mut(16);
    front.copy_from_slice(msg_key);
    back.copy_from_slice(key.part::<36>(x));
    let [a0, a1, a2, a3, a4, a5, a6, a7] = BlockHash::new().finish(&input);
    let (front, back) = input.split_at_mut(36);
    front.copy_from_slice(key.part::<36>(40 + x));
    back.copy_from_slice(msg_key);
    let [b0, b1, b2, b3, b4, b5, b6, b7] = BlockHash::new().finish(&input);
    input[..].zeroize();
    Keys {
        key: to_bytes(&[a0, a1, b2, b3, b4, b5, a6, a7]),
        iv: to_bytes(&[b0, b1, a2, a3, a4, a5, b6, b7]),
    }
}

// spec: crypto 6
#[expect(clippy::many_single_char_names, reason = "the specification's names")]
pub(crate) fn derive_v1(key: &AuthKey, sender: Side, msg_key: &MsgKey) -> Keys {
    let x = offset(sender);
    let mut a = sha1(&[msg_key, key.part::<32>(x)]);
    let mut b = sha1(&[key.part::<16>(32 + x), msg_key, key.part::<16>(48 + x)]);
    let mut c = sha1(&[key.part::<32>(64 + x), msg_key]);
    let mut d = sha1(&[msg_key, key.part::<32>(96 + x)]);
    let keys = Keys {
        key: woven([part::<8>(&a, 0), part::<12>(&b, 8), part::<12>(&c, 4)]),
        iv: woven([part::<12>(&a, 8), part::<8>(&b, 0), part::<4>(&c, 16), part::<8>(&d, 0)]),
    };
    for secret in [&mut a, &mut b, &mut c, &mut d] {
        secret[..].zeroize();
    }
    keys
}

/// Returns the words of a hash as bytes.
fn to_bytes<const WORDS: usize, const BYTES: usize>(words: &[u32; WORDS]) -> [u8; BYTES] {
    const { assert!(BYTES == 4 * WORDS) };
    let mut out = [0; BYTES];
    for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    out
}

/// Puts parts of 32 bytes in all together.
fn woven<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut out = [0; 32];
    for (byte, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *byte = *from;
    }
    out
}

/// Bytes of the auth key in front of the plaintext.
const KEY_PIECE: usize = 32;

/// The specification's x.
const fn offset(sender: Side) -> usize {
    match sender {
        Side::Client => 0,
        Side::Server => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{array, entries, number, text};

    #[test]
    // spec: crypto 4.2
    // spec: crypto 6
    fn kdf_vectors() {
        for entry in &entries("kdf", 12) {
            let key = AuthKey::new(array(entry, "auth_key")).unwrap();
            let sender = if number(entry, "x") == 0 { Side::Client } else { Side::Server };
            let derive = if number(entry, "version") == 1 { derive_v1 } else { derive_v2 };
            let keys = derive(&key, sender, &array(entry, "msg_key"));
            assert_eq!(keys.key, array(entry, "aes_key"), "{}", text(entry, "name"));
            assert_eq!(keys.iv, array(entry, "aes_iv"), "{}", text(entry, "name"));
        }
    }
}
