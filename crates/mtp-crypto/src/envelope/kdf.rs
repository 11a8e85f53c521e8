//! Message keys and what is derived from them.

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::auth_key::AuthKey;
use crate::hash::{sha1, sha256};
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
        self.key.zeroize();
        self.iv.zeroize();
    }
}

/// The hash over a piece of the auth key and the whole plaintext, fed while decrypting.
pub(crate) struct MsgKeyHash(Sha256);

impl MsgKeyHash {
    pub(crate) fn new(key: &AuthKey, sender: Side) -> Self {
        let mut hash = Sha256::new();
        hash.update(key.part::<32>(88 + offset(sender)));
        Self(hash)
    }

    pub(crate) fn update(&mut self, blocks: &[Block]) {
        self.0.update(blocks.as_flattened());
    }

    // spec: crypto 4.2
    // spec: crypto 4.4
    pub(crate) fn finish(self) -> (MsgKey, QuickAckToken) {
        let large: [u8; 32] = self.0.finalize().into();
        (*part(&large, 8), QuickAckToken::from_hash(large))
    }
}

impl Observer for &mut MsgKeyHash {
    #[expect(clippy::inline_always, reason = "runs inside the decryption's loop")]
    #[inline(always)]
    fn see(&mut self, blocks: &[Block]) {
        self.update(blocks);
    }
}

// spec: crypto 4.2
pub(crate) fn derive_v2(key: &AuthKey, sender: Side, msg_key: &MsgKey) -> Keys {
    let x = offset(sender);
    let mut a = sha256(&[msg_key, key.part::<36>(x)]);
    let mut b = sha256(&[key.part::<36>(40 + x), msg_key]);
    let keys = Keys {
        key: woven([part::<8>(&a, 0), part::<16>(&b, 8), part::<8>(&a, 24)]),
        iv: woven([part::<8>(&b, 0), part::<16>(&a, 8), part::<8>(&b, 24)]),
    };
    a.zeroize();
    b.zeroize();
    keys
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
        secret.zeroize();
    }
    keys
}

/// Puts parts of 32 bytes in all together.
fn woven<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut out = [0; 32];
    for (byte, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *byte = *from;
    }
    out
}

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
