//! The parts of an auth key that encrypt messages, and the key derivation of MTProto 1.0.
#![cfg_attr(
    not(test),
    expect(clippy::arithmetic_side_effects, reason = "positions are constants plus 0 or 8")
)]

use mtp_kernels::Secret;
use zeroize::Zeroize;

use crate::auth_key::AuthKey;
use crate::engine::Keys;
use crate::hash::sha1;
use crate::parts::{concat, part};
use crate::side::Side;

pub(crate) type MsgKey = [u8; 16];

/// Returns the parts of the key that hash and encrypt MTProto 2.0 messages from this side.
// spec: crypto 4.2
pub(crate) fn secret(key: &AuthKey, sender: Side) -> Secret<'_> {
    let x = offset(sender);
    Secret { first: key.part(x), second: key.part(40 + x), prefix: key.part(88 + x) }
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
        key: concat([part::<8>(&a, 0), part::<12>(&b, 8), part::<12>(&c, 4)]),
        iv: concat([part::<12>(&a, 8), part::<8>(&b, 0), part::<4>(&c, 16), part::<8>(&d, 0)]),
    };
    for secret in [&mut a, &mut b, &mut c, &mut d] {
        secret[..].zeroize();
    }
    keys
}

/// Returns the specification's x.
const fn offset(sender: Side) -> usize {
    match sender {
        Side::Client => 0,
        Side::Server => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::derive;
    use crate::vectors::{array, entries, number, text};

    #[test]
    // spec: crypto 4.2
    // spec: crypto 6
    fn derived_keys_match_the_vectors() {
        for entry in &entries("kdf", 12) {
            let key = AuthKey::new(array(entry, "auth_key")).unwrap();
            let sender = if number(entry, "x") == 0 { Side::Client } else { Side::Server };
            let msg_key = array(entry, "msg_key");
            let keys = if number(entry, "version") == 1 {
                derive_v1(&key, sender, &msg_key)
            } else {
                derive(&secret(&key, sender), &msg_key)
            };
            assert_eq!(keys.key, array(entry, "aes_key"), "{}", text(entry, "name"));
            assert_eq!(keys.iv, array(entry, "aes_iv"), "{}", text(entry, "name"));
        }
    }
}
