//! Proofs and changes of passwords, as `auth.*` and `account.*` read them.
//!
//! A password check is good for one attempt by the key that requested it.

use alloc::vec::Vec;

use mtp_crypto::exchange::DhGroup;
use mtp_crypto::srp::PasswordAlgo;
use mtp_tl::{Decoder, Encode, Flags, Output};

use crate::call::{Fault, bare, text};
use crate::ids::constructors;

/// A client's proof of a password: `InputCheckPasswordSRP`.
pub(crate) enum Shown<'a> {
    Nothing,
    Proof { id: i64, a: &'a [u8], m1: &'a [u8] },
}

impl<'a> Shown<'a> {
    pub(crate) fn read(d: &mut Decoder<'a>) -> Result<Self, Fault> {
        match d.id()?.get() {
            constructors::INPUT_CHECK_PASSWORD_EMPTY => Ok(Self::Nothing),
            constructors::INPUT_CHECK_PASSWORD_SRP => {
                Ok(Self::Proof { id: d.read()?, a: d.string()?, m1: d.string()? })
            }
            _ => Err(Fault::Unreadable),
        }
    }
}

/// The change of a password: `account.passwordInputSettings`.
pub(crate) enum Settings<'a> {
    Keep,
    Remove,
    Set { algo: PasswordAlgo, hash: &'a [u8], hint: &'a str },
}

impl<'a> Settings<'a> {
    pub(crate) fn read(d: &mut Decoder<'a>) -> Result<Self, Fault> {
        let id = bare(constructors::account::PASSWORD_INPUT_SETTINGS);
        d.expect_id(id, "account.PasswordInputSettings")?;
        let flags: Flags = d.read()?;
        let settings = if flags.has(0) { Self::read_new(d)? } else { Self::Keep };
        if flags.has(1) {
            // An address to recover by: there is no mail here.
            if !d.string()?.is_empty() {
                return Err(Fault::new(400, "EMAIL_INVALID"));
            }
        }
        if flags.has(2) {
            return Err(Fault::new(400, "NEW_SETTINGS_INVALID"));
        }
        Ok(settings)
    }

    fn read_new(d: &mut Decoder<'a>) -> Result<Self, Fault> {
        let id = d.id()?.get();
        let salts = match id {
            constructors::PASSWORD_KDF_ALGO_UNKNOWN => None,
            PASSWORD_KDF_ALGO => {
                let (salt_1, salt_2) = (d.string()?, d.string()?);
                Some((salt_1, salt_2, d.read::<i32>()?, d.string()?))
            }
            _ => return Err(Fault::Unreadable),
        };
        let (hash, hint) = (d.string()?, text(d)?);
        // No hash means no password, though some clients send the offered algorithm with it.
        if hash.is_empty() {
            return Ok(Self::Remove);
        }
        let Some((salt_1, salt_2, generator, prime)) = salts else {
            return Err(new_salt_invalid());
        };
        let group = DhGroup::KNOWN;
        if generator != group.generator() || prime != group.prime() {
            return Err(new_salt_invalid());
        }
        if hint.len() > HINT_LEN_MAX || salt_1.len() > SALT_LEN_MAX || salt_2.len() > SALT_LEN_MAX {
            return Err(Fault::new(400, "NEW_SETTINGS_INVALID"));
        }
        Ok(Self::Set { algo: PasswordAlgo::new(group, salt_1, salt_2), hash, hint })
    }
}

fn new_salt_invalid() -> Fault {
    Fault::new(400, "NEW_SALT_INVALID")
}

/// `passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow`
pub(crate) struct Algo<'a>(pub(crate) &'a PasswordAlgo);

impl Encode for Algo<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        let prime: Vec<u8> = self.0.group().prime().to_vec();
        PASSWORD_KDF_ALGO.encode(out);
        self.0.salt1().encode(out);
        self.0.salt2().encode(out);
        self.0.group().generator().encode(out);
        prime.encode(out);
    }
}

const PASSWORD_KDF_ALGO: u32 =
    constructors::PASSWORD_KDF_ALGO_SHA256_SHA256_PBKDF2_HMACSHA512ITER100000_SHA256_MOD_POW;
/// Bytes of a hint.
const HINT_LEN_MAX: usize = 255;
/// Bytes of a salt, including the client's part.
const SALT_LEN_MAX: usize = 128;
